//! Values that several families share. Source: the `shared` folder of the protocol.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{optional_not_null, safe_integer, snake_name, some};
use crate::shared::OneOrMany;
use crate::text::SNAKE_NAME;
use crate::wire_enum::wire_enum;

wire_enum! {
    /// Source: `shared/HttpMethod`.
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
    /// Source: `shared/SortDirectionEnum`.
    #[derive(Default)]
    pub enum SortOrder {
        #[default]
        Asc = "asc",
        Desc = "desc",
    }
}

wire_enum! {
    /// Source: `shared/MutationEventEnum`.
    pub enum MutationEvent {
        Insert = "insert",
        Update = "update",
        Delete = "delete",
        Upsert = "upsert",
    }
}

wire_enum! {
    /// Source: `shared/IsolationLevelEnum`.
    pub enum IsolationLevel {
        ReadUncommitted = "read_uncommitted",
        ReadCommitted = "read_committed",
        RepeatableRead = "repeatable_read",
        Serializable = "serializable",
        Snapshot = "snapshot",
    }
}

wire_enum! {
    /// Source: `shared/MetadataFormat`.
    pub enum MetadataFormat {
        Yaml = "yaml",
        Json = "json",
        Typescript = "typescript",
        Javascript = "javascript",
    }
}

/// Source: `shared/BaseMetadataRecord`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
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

/// Source: `shared/CorsConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
pub struct CorsConfig {
    pub enabled: bool,
    pub origins: OneOrMany,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub methods: Option<Vec<HttpMethod>>,
    pub credentials: bool,
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

/// Source: `shared/RateLimitConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RateLimitConfig {
    pub enabled: bool,
    #[serde(deserialize_with = "safe_integer")]
    pub window_ms: i64,
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

/// Source: `shared/StaticMount`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
pub struct StaticMount {
    pub path: String,
    pub directory: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cache_control: Option<String>,
}
