//! Routes: who answers which path.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{absolute_path, guarded, identifier, safe_integer, some, uri, yes};
use crate::map_only::map_only;
use crate::shared::{CorsConfig, HttpMethod, Number, RateLimitConfig, StaticMount};
use crate::text::{ABSOLUTE_PATH, IDENTIFIER};
use crate::wire_enum::wire_enum;

wire_enum! {
    /// What a route is for. Source: `api/RouteCategory`.
    #[derive(Default)]
    pub enum RouteCategory {
        System = "system",
        #[default]
        Api = "api",
        Auth = "auth",
        Static = "static",
        Webhook = "webhook",
        Plugin = "plugin",
    }
}

/// A route and who answers it. Source: `api/RouteDefinition`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RouteDefinition", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RouteDefinition {
    pub method: HttpMethod,
    pub path: String,
    #[serde(default)]
    pub category: RouteCategory,
    pub handler: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub summary: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
    #[serde(default)]
    pub public: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub permissions: Option<Vec<String>>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "safe_integer")]
    pub timeout: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub rate_limit: Option<String>,
}

/// Where the parts of the API are mounted. Source: `api/RouterConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RouterConfig", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RouterConfig {
    pub base_path: String,
    pub mounts: RouterMounts,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cors: Option<CorsConfig>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub static_mounts: Option<Vec<StaticMount>>,
}

impl Default for RouterConfig {
    fn default() -> Self {
        Self {
            base_path: "/api".to_owned(),
            mounts: RouterMounts::default(),
            cors: None,
            static_mounts: None,
        }
    }
}

/// The path of each part, below the base path. Source: `api/RouterConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RouterMounts", default, deny_unknown_fields)]
pub struct RouterMounts {
    pub data: String,
    pub metadata: String,
    pub auth: String,
    pub automation: String,
    pub storage: String,
    pub analytics: String,
    pub graphql: String,
    pub ui: String,
    pub workflow: String,
    pub realtime: String,
    pub notifications: String,
    pub ai: String,
    pub i18n: String,
    pub packages: String,
}

impl Default for RouterMounts {
    fn default() -> Self {
        Self {
            data: "/data".to_owned(),
            metadata: "/meta".to_owned(),
            auth: "/auth".to_owned(),
            automation: "/automation".to_owned(),
            storage: "/storage".to_owned(),
            analytics: "/analytics".to_owned(),
            graphql: "/graphql".to_owned(),
            ui: "/ui".to_owned(),
            workflow: "/workflow".to_owned(),
            realtime: "/realtime".to_owned(),
            notifications: "/notifications".to_owned(),
            ai: "/ai".to_owned(),
            i18n: "/i18n".to_owned(),
            packages: "/packages".to_owned(),
        }
    }
}

/// A path prefix and the service behind it. Source: `api/DispatcherRoute`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "DispatcherRoute", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct DispatcherRoute {
    #[serde(deserialize_with = "absolute_path")]
    #[schemars(regex(pattern = ABSOLUTE_PATH))]
    pub prefix: String,
    pub service: DispatcherService,
    #[serde(default = "yes")]
    pub auth_required: bool,
    #[serde(default)]
    pub criticality: ServiceCriticality,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub permissions: Option<Vec<String>>,
}

wire_enum! {
    /// A service of the platform. Source: `api/DispatcherRoute`.
    pub enum DispatcherService {
        Metadata = "metadata",
        Data = "data",
        Auth = "auth",
        FileStorage = "file-storage",
        Search = "search",
        Cache = "cache",
        Queue = "queue",
        Automation = "automation",
        Graphql = "graphql",
        Analytics = "analytics",
        Realtime = "realtime",
        Job = "job",
        Notification = "notification",
        Ai = "ai",
        I18n = "i18n",
        Ui = "ui",
        Workflow = "workflow",
    }
}

wire_enum! {
    /// Whether the server can do without a service. Source: `api/DispatcherRoute`.
    #[derive(Default)]
    pub enum ServiceCriticality {
        Required = "required",
        Core = "core",
        #[default]
        Optional = "optional",
    }
}

/// All prefixes, and what answers the rest. Source: `api/DispatcherConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "DispatcherConfig", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct DispatcherConfig {
    pub routes: Vec<DispatcherRoute>,
    #[serde(default)]
    pub fallback: DispatcherFallback,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "uri")]
    #[schemars(extend("format" = "uri"))]
    pub proxy_target: Option<String>,
}

wire_enum! {
    /// What answers a path that no prefix fits. Source: `api/DispatcherConfig`.
    #[derive(Default)]
    pub enum DispatcherFallback {
        #[default]
        NotFound = "404",
        Proxy = "proxy",
        Custom = "custom",
    }
}

/// One value carried from a request to a target, or back. Source: `api/ApiMapping`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ApiMapping", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ApiMapping {
    pub source: String,
    pub target: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub transform: Option<String>,
}

/// An endpoint that an app declares. Source: `api/ApiEndpoint`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ApiEndpoint", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ApiEndpoint {
    #[serde(deserialize_with = "identifier")]
    #[schemars(regex(pattern = IDENTIFIER))]
    pub name: String,
    #[serde(deserialize_with = "absolute_path")]
    #[schemars(regex(pattern = ABSOLUTE_PATH))]
    pub path: String,
    pub method: HttpMethod,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub summary: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
    #[serde(rename = "type")]
    pub kind: ApiEndpointKind,
    pub target: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub object_params: Option<ApiObjectParams>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub input_mapping: Option<Vec<ApiMapping>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub output_mapping: Option<Vec<ApiMapping>>,
    #[serde(default = "yes")]
    pub auth_required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub rate_limit: Option<RateLimitConfig>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cache_ttl: Option<Number>,
}

wire_enum! {
    /// What an app's endpoint runs. Source: `api/ApiEndpoint`.
    pub enum ApiEndpointKind {
        Flow = "flow",
        Script = "script",
        ObjectOperation = "object_operation",
        Proxy = "proxy",
    }
}

/// `objectParams` in `api/ApiEndpoint`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ApiObjectParams", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ApiObjectParams {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub operation: Option<ApiObjectOperation>,
}

wire_enum! {
    /// `objectParams.operation` in `api/ApiEndpoint`.
    pub enum ApiObjectOperation {
        Find = "find",
        Get = "get",
        Create = "create",
        Update = "update",
        Delete = "delete",
    }
}

map_only! {
    RouteDefinition, RouterMounts, RouterConfig, DispatcherRoute, DispatcherConfig, ApiMapping, ApiObjectParams, ApiEndpoint,
}
