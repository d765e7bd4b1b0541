//! What a server offers and where.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, some};
use crate::map_only::map_only;
use crate::shared::JsonMap;
use crate::wire_enum::wire_enum;

/// What a server is and offers. Source: `api/Discovery`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Discovery", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Discovery {
    pub name: String,
    pub version: String,
    pub environment: DiscoveryEnvironment,
    /// Paths of the parts.
    pub routes: ApiRoutes,
    pub locale: DiscoveryLocale,
    /// Services by name.
    pub services: IndexMap<String, ServiceInfo>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub metadata: Option<JsonMap>,
}

wire_enum! {
    /// `environment` in `api/Discovery`.
    pub enum DiscoveryEnvironment {
        Production = "production",
        Sandbox = "sandbox",
        Development = "development",
    }
}

/// Languages and time zone. Source: `api/Discovery`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "DiscoveryLocale", deny_unknown_fields)]
pub struct DiscoveryLocale {
    pub default: String,
    pub supported: Vec<String>,
    pub timezone: String,
}

/// The path of each part of the API; a part that is not there has none. Source: `api/ApiRoutes`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ApiRoutes", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ApiRoutes {
    pub data: String,
    pub metadata: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub ui: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub auth: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub automation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub storage: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub analytics: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub graphql: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub packages: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub workflow: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub realtime: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub notifications: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub ai: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub i18n: Option<String>,
}

/// One service and whether it can be used. Source: `api/ServiceInfo`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ServiceInfo", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ServiceInfo {
    pub enabled: bool,
    pub status: ServiceStatus,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub route: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub message: Option<String>,
}

wire_enum! {
    /// Whether a service can be used. Source: `api/ServiceInfo`.
    pub enum ServiceStatus {
        Available = "available",
        Unavailable = "unavailable",
        Degraded = "degraded",
        Stub = "stub",
    }
}

/// Which optional parts of the API are there. Source: `api/ApiCapabilities`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ApiCapabilities", default, deny_unknown_fields)]
pub struct ApiCapabilities {
    pub graphql: bool,
    pub search: bool,
    pub websockets: bool,
    pub files: bool,
    pub analytics: bool,
    pub ai: bool,
    pub workflow: bool,
    pub notifications: bool,
    pub i18n: bool,
}

impl Default for ApiCapabilities {
    fn default() -> Self {
        Self {
            graphql: false,
            search: false,
            websockets: false,
            files: true,
            analytics: false,
            ai: false,
            workflow: false,
            notifications: false,
            i18n: false,
        }
    }
}

/// A request that takes nothing. Source: `api/GetDiscoveryRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "GetDiscoveryRequest", deny_unknown_fields)]
pub struct GetDiscoveryRequest {}

/// Discovery in its short form. Source: `api/GetDiscoveryResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "GetDiscoveryResponse", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct GetDiscoveryResponse {
    pub version: String,
    pub api_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub routes: Option<ApiRoutes>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub services: Option<IndexMap<String, ServiceInfo>>,
}

map_only! {
    DiscoveryLocale, Discovery, ApiRoutes, ServiceInfo, ApiCapabilities, GetDiscoveryRequest, GetDiscoveryResponse,
}
