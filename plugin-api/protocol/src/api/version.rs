//! Versions of the API and how a client picks one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, list_from, some, uri, yes};
use crate::map_only::map_only;
use crate::wire_enum::wire_enum;

wire_enum! {
    /// Where an API version is in its life. Source: `api/VersionStatus`.
    pub enum VersionStatus {
        Preview = "preview",
        Current = "current",
        Supported = "supported",
        Deprecated = "deprecated",
        Retired = "retired",
    }
}

/// One version of the API. Source: `api/VersionDefinition`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "VersionDefinition", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct VersionDefinition {
    pub version: String,
    pub status: VersionStatus,
    pub released_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub deprecated_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub sunset_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "uri")]
    #[schemars(extend("format" = "uri"))]
    pub migration_guide: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub breaking_changes: Option<Vec<String>>,
}

wire_enum! {
    /// Where a request names the version. Source: `api/VersioningStrategy`.
    #[derive(Default)]
    pub enum VersioningStrategy {
        #[default]
        UrlPath = "urlPath",
        Header = "header",
        QueryParam = "queryParam",
        DateBased = "dateBased",
    }
}

/// Which versions there are and how a client picks one. Source: `api/VersioningConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "VersioningConfig", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct VersioningConfig {
    #[serde(default)]
    pub strategy: VersioningStrategy,
    pub current: String,
    pub default: String,
    #[serde(deserialize_with = "list_from::<1, _, _>")]
    #[schemars(length(min = 1))]
    pub versions: Vec<VersionDefinition>,
    #[serde(default = "default_header_name")]
    pub header_name: String,
    #[serde(default = "default_query_param_name")]
    pub query_param_name: String,
    #[serde(default = "api_path")]
    pub url_prefix: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub deprecation: Option<DeprecationConfig>,
    #[serde(default = "yes")]
    pub include_in_discovery: bool,
}

/// What clients of an old version are told. Source: `api/VersioningConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "DeprecationConfig", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct DeprecationConfig {
    pub warn_header: bool,
    pub sunset_header: bool,
    pub link_header: bool,
    pub reject_retired: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub warning_message: Option<String>,
}

impl Default for DeprecationConfig {
    fn default() -> Self {
        Self {
            warn_header: true,
            sunset_header: true,
            link_header: true,
            reject_retired: true,
            warning_message: None,
        }
    }
}

/// Which version answers a client, and which others there are. Source: `api/VersionNegotiationResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "VersionNegotiationResponse", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct VersionNegotiationResponse {
    pub current: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub requested: Option<String>,
    pub resolved: String,
    pub supported: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub deprecated: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub versions: Option<Vec<VersionDefinition>>,
}

fn default_header_name() -> String {
    "ObjectStack-Version".to_owned()
}

fn default_query_param_name() -> String {
    "version".to_owned()
}

fn api_path() -> String {
    "/api".to_owned()
}

map_only! {
    VersionDefinition, DeprecationConfig, VersioningConfig, VersionNegotiationResponse,
}
