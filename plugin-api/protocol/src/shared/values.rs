//! Values that several families share. Source: the `shared` folder of the protocol.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, safe_integer, snake_name, some};
use crate::map_only::map_only;
use crate::shared::OneOrMany;
use crate::text::SNAKE_NAME;
use crate::wire_enum::wire_enum;

wire_enum! {
    /// An HTTP method. Source: `shared/HttpMethod`.
    #[derive(Default)]
    pub enum HttpMethod {
        GET = "GET",
        #[default]
        POST = "POST",
        PUT = "PUT",
        DELETE = "DELETE",
        PATCH = "PATCH",
        HEAD = "HEAD",
        OPTIONS = "OPTIONS",
    }
}

wire_enum! {
    /// Which end comes first. Source: `shared/SortDirectionEnum`.
    #[derive(Default)]
    pub enum SortOrder {
        #[default]
        Asc = "asc",
        Desc = "desc",
    }
}

wire_enum! {
    /// A kind of change to a record. Source: `shared/MutationEventEnum`.
    pub enum MutationEvent {
        Insert = "insert",
        Update = "update",
        Delete = "delete",
        Upsert = "upsert",
    }
}

wire_enum! {
    /// What a transaction sees of others. Source: `shared/IsolationLevelEnum`.
    pub enum IsolationLevel {
        ReadUncommitted = "read_uncommitted",
        ReadCommitted = "read_committed",
        RepeatableRead = "repeatable_read",
        Serializable = "serializable",
        Snapshot = "snapshot",
    }
}

wire_enum! {
    /// The form a piece of metadata was written in. Source: `shared/MetadataFormat`.
    pub enum MetadataFormat {
        Yaml = "yaml",
        Json = "json",
        Typescript = "typescript",
        Javascript = "javascript",
    }
}

/// What every stored piece of metadata has. Source: `shared/BaseMetadataRecord`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "BaseMetadataRecord", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct BaseMetadataRecord {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(deserialize_with = "snake_name")]
    #[schemars(regex(pattern = SNAKE_NAME), length(min = 2))]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub format: Option<MetadataFormat>,
}

/// Which web pages of other origins may call. Source: `shared/CorsConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CorsConfig", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct CorsConfig {
    pub enabled: bool,
    pub origins: OneOrMany,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub methods: Option<Vec<HttpMethod>>,
    pub credentials: bool,
    /// Seconds a preflight answer may be kept.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "safe_integer")]
    pub max_age: Option<i64>,
}

impl Default for CorsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            origins: OneOrMany::default(),
            methods: None,
            credentials: false,
            max_age: None,
        }
    }
}

/// So many requests in so much time. Source: `shared/RateLimitConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RateLimitConfig", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RateLimitConfig {
    pub enabled: bool,
    /// Length of the window.
    #[serde(deserialize_with = "safe_integer")]
    pub window_ms: i64,
    /// Requests in one window.
    #[serde(deserialize_with = "safe_integer")]
    pub max_requests: i64,
}

impl Default for RateLimitConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            window_ms: 60000,
            max_requests: 100,
        }
    }
}

/// A folder of files served under a path. Source: `shared/StaticMount`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "StaticMount", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct StaticMount {
    pub path: String,
    pub directory: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cache_control: Option<String>,
}

map_only! {
    BaseMetadataRecord, CorsConfig, RateLimitConfig, StaticMount,
}
