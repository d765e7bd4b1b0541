//! Databases an object can live in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, identifier, number_from, some, yes};
use crate::map_only::map_only;
use crate::shared::{JsonMap, Number};
use crate::text::IDENTIFIER;

/// A database and how it is reached. Source: `data/Datasource`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Datasource", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Datasource {
    #[serde(deserialize_with = "identifier")]
    #[schemars(regex(pattern = IDENTIFIER))]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub label: Option<String>,
    pub driver: String,
    /// Settings of the driver.
    pub config: JsonMap,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub pool: Option<DatasourcePool>,
    /// Settings of copies to read from.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub read_replicas: Option<Vec<JsonMap>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub capabilities: Option<DatasourceCapabilities>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub health_check: Option<DatasourceHealthCheck>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub retry_policy: Option<DatasourceRetryPolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
    #[serde(default = "yes")]
    pub active: bool,
}

/// Connections kept open. Source: `data/Datasource`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "DatasourcePool", rename_all = "camelCase", default, deny_unknown_fields)]
pub struct DatasourcePool {
    pub min: Number,
    pub max: Number,
    /// Milliseconds until an unused connection is closed.
    pub idle_timeout_millis: Number,
    /// Milliseconds to wait for a connection.
    pub connection_timeout_millis: Number,
}

impl Default for DatasourcePool {
    fn default() -> Self {
        Self {
            min: Number::from(0),
            max: Number::from(10),
            idle_timeout_millis: Number::from(30000),
            connection_timeout_millis: Number::from(3000),
        }
    }
}

/// How often the database is asked whether it is there. Source: `data/Datasource`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "DatasourceHealthCheck",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
pub struct DatasourceHealthCheck {
    pub enabled: bool,
    pub interval_ms: Number,
    pub timeout_ms: Number,
}

impl Default for DatasourceHealthCheck {
    fn default() -> Self {
        Self {
            enabled: true,
            interval_ms: Number::from(30000),
            timeout_ms: Number::from(5000),
        }
    }
}

/// How a failed call is tried again. Source: `data/Datasource`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "DatasourceRetryPolicy",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
pub struct DatasourceRetryPolicy {
    pub max_retries: Number,
    pub base_delay_ms: Number,
    pub max_delay_ms: Number,
    pub backoff_multiplier: Number,
}

impl Default for DatasourceRetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: Number::from(3),
            base_delay_ms: Number::from(1000),
            max_delay_ms: Number::from(30000),
            backoff_multiplier: Number::from(2),
        }
    }
}

/// What a database does by itself. Source: `data/DatasourceCapabilities`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "DatasourceCapabilities",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
pub struct DatasourceCapabilities {
    pub transactions: bool,
    pub query_filters: bool,
    pub query_aggregations: bool,
    pub query_sorting: bool,
    pub query_pagination: bool,
    pub query_window_functions: bool,
    pub query_subqueries: bool,
    pub joins: bool,
    pub full_text_search: bool,
    pub read_only: bool,
    pub dynamic_schema: bool,
}

/// Connections a driver keeps open. Source: `data/PoolConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PoolConfig", rename_all = "camelCase", default, deny_unknown_fields)]
pub struct PoolConfig {
    #[serde(deserialize_with = "number_from::<0, _, _>")]
    #[schemars(range(min = 0))]
    pub min: Number,
    #[serde(deserialize_with = "number_from::<1, _, _>")]
    #[schemars(range(min = 1))]
    pub max: Number,
    /// Milliseconds until an unused connection is closed.
    #[serde(deserialize_with = "number_from::<0, _, _>")]
    #[schemars(range(min = 0))]
    pub idle_timeout_millis: Number,
    /// Milliseconds to wait for a connection.
    #[serde(deserialize_with = "number_from::<0, _, _>")]
    #[schemars(range(min = 0))]
    pub connection_timeout_millis: Number,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            min: Number::from(2),
            max: Number::from(10),
            idle_timeout_millis: Number::from(30000),
            connection_timeout_millis: Number::from(5000),
        }
    }
}

/// Encryption of the way to the database. Source: `data/SSLConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SslConfig", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct SslConfig {
    pub reject_unauthorized: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub ca: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub key: Option<String>,
}

impl Default for SslConfig {
    fn default() -> Self {
        Self {
            reject_unauthorized: true,
            ca: None,
            cert: None,
            key: None,
        }
    }
}

map_only! {
    DatasourcePool, DatasourceHealthCheck, DatasourceRetryPolicy, Datasource, DatasourceCapabilities, PoolConfig, SslConfig,
}
