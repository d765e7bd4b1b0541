//! What a plugin says about the REST routes it adds.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{absolute_path, email, guarded, identifier, safe_integer, signed, some, uri, yes};
use crate::map_only::map_only;
use crate::shared::{HttpMethod, JsonMap};
use crate::text::{ABSOLUTE_PATH, EMAIL, IDENTIFIER};
use crate::wire_enum::wire_enum;

wire_enum! {
    /// What a REST route is for. Source: `api/RestApiRouteCategory`.
    pub enum RestApiRouteCategory {
        Discovery = "discovery",
        Metadata = "metadata",
        Data = "data",
        Batch = "batch",
        Permission = "permission",
        Analytics = "analytics",
        Automation = "automation",
        Workflow = "workflow",
        Ui = "ui",
        Realtime = "realtime",
        Notification = "notification",
        Ai = "ai",
        I18n = "i18n",
    }
}

/// One endpoint of a REST route. Source: `api/RestApiEndpoint`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RestApiEndpoint", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RestApiEndpoint {
    pub method: HttpMethod,
    pub path: String,
    pub handler: String,
    pub category: RestApiRouteCategory,
    #[serde(default)]
    pub public: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub permissions: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub summary: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub tags: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub request_schema: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub response_schema: Option<String>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "safe_integer")]
    pub timeout: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub rate_limit: Option<String>,
    #[serde(default)]
    pub cacheable: bool,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "safe_integer")]
    pub cache_ttl: Option<i64>,
}

/// A group of endpoints under a prefix. Source: `api/RestApiRouteRegistration`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RestApiRouteRegistration", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RestApiRouteRegistration {
    #[serde(deserialize_with = "absolute_path")]
    #[schemars(regex(pattern = ABSOLUTE_PATH))]
    pub prefix: String,
    pub service: String,
    pub category: RestApiRouteCategory,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub methods: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub endpoints: Option<Vec<RestApiEndpoint>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub middleware: Option<Vec<RouteMiddleware>>,
    #[serde(default = "yes")]
    pub auth_required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub documentation: Option<RouteDocumentation>,
}

/// A step before or after the handler. Source: `api/RestApiRouteRegistration`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RouteMiddleware", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RouteMiddleware {
    #[serde(deserialize_with = "identifier")]
    #[schemars(regex(pattern = IDENTIFIER))]
    pub name: String,
    #[serde(rename = "type")]
    pub kind: MiddlewareKind,
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default = "signed::<100>", deserialize_with = "safe_integer")]
    pub order: i64,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub config: Option<JsonMap>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub paths: Option<MiddlewarePaths>,
}

wire_enum! {
    /// What a step does. Source: `api/RestApiRouteRegistration`.
    pub enum MiddlewareKind {
        Authentication = "authentication",
        Authorization = "authorization",
        Logging = "logging",
        Validation = "validation",
        Transformation = "transformation",
        Error = "error",
        Custom = "custom",
    }
}

/// On which paths a step is taken. Source: `api/RestApiRouteRegistration`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "MiddlewarePaths", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct MiddlewarePaths {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub include: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub exclude: Option<Vec<String>>,
}

/// What the API description says about a group. Source: `api/RestApiRouteRegistration`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RouteDocumentation", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RouteDocumentation {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub tags: Option<Vec<String>>,
}

wire_enum! {
    /// What is done with keys that are not declared. Source: `api/ValidationMode`.
    #[derive(Default)]
    pub enum ValidationMode {
        #[default]
        Strict = "strict",
        Permissive = "permissive",
        Strip = "strip",
    }
}

/// Which parts of a request are checked. Source: `api/RequestValidationConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "RequestValidationConfig",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct RequestValidationConfig {
    pub enabled: bool,
    pub mode: ValidationMode,
    pub validate_body: bool,
    pub validate_query: bool,
    pub validate_params: bool,
    pub validate_headers: bool,
    pub include_field_errors: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub error_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub schema_registry: Option<String>,
}

impl Default for RequestValidationConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            mode: ValidationMode::Strict,
            validate_body: true,
            validate_query: true,
            validate_params: true,
            validate_headers: false,
            include_field_errors: true,
            error_prefix: None,
            schema_registry: None,
        }
    }
}

/// What answers are wrapped in. Source: `api/ResponseEnvelopeConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "ResponseEnvelopeConfig",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct ResponseEnvelopeConfig {
    pub enabled: bool,
    pub include_metadata: bool,
    pub include_timestamp: bool,
    pub include_request_id: bool,
    pub include_duration: bool,
    pub include_trace_id: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub custom_metadata: Option<JsonMap>,
    pub skip_if_wrapped: bool,
}

impl Default for ResponseEnvelopeConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            include_metadata: true,
            include_timestamp: true,
            include_request_id: true,
            include_duration: false,
            include_trace_id: false,
            custom_metadata: None,
            skip_if_wrapped: true,
        }
    }
}

/// What errors tell. Source: `api/ErrorHandlingConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "ErrorHandlingConfig",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct ErrorHandlingConfig {
    pub enabled: bool,
    pub include_stack_trace: bool,
    pub log_errors: bool,
    pub expose_internal_errors: bool,
    pub include_request_id: bool,
    pub include_timestamp: bool,
    pub include_documentation: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "uri")]
    #[schemars(extend("format" = "uri"))]
    pub documentation_base_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub custom_error_messages: Option<IndexMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub redact_fields: Option<Vec<String>>,
}

impl Default for ErrorHandlingConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            include_stack_trace: false,
            log_errors: true,
            expose_internal_errors: false,
            include_request_id: true,
            include_timestamp: true,
            include_documentation: true,
            documentation_base_url: None,
            custom_error_messages: None,
            redact_fields: None,
        }
    }
}

/// All REST routes of a plugin with what goes for them. Source: `api/RestApiPluginConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RestApiPluginConfig", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RestApiPluginConfig {
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default = "api_path")]
    pub base_path: String,
    #[serde(default = "first_version")]
    pub version: String,
    pub routes: Vec<RestApiRouteRegistration>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub validation: Option<RequestValidationConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub response_envelope: Option<ResponseEnvelopeConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub error_handling: Option<ErrorHandlingConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub open_api: Option<OpenApiConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub global_middleware: Option<Vec<RouteMiddleware>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cors: Option<RestCorsConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub performance: Option<RestPerformanceConfig>,
}

/// The API description and the pages that show it. Source: `api/RestApiPluginConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "OpenApiConfig", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct OpenApiConfig {
    pub enabled: bool,
    pub version: OpenApiConfigVersion,
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
    pub api_version: String,
    pub output_path: String,
    pub ui_path: String,
    pub ui_framework: OpenApiConfigUiFramework,
    pub include_internal: bool,
    pub generate_schemas: bool,
    pub include_examples: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub servers: Option<Vec<OpenApiConfigServer>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub contact: Option<OpenApiConfigContact>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub license: Option<OpenApiConfigLicense>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub security_schemes: Option<IndexMap<String, OpenApiConfigSecurityScheme>>,
}

impl Default for OpenApiConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            version: OpenApiConfigVersion::V303,
            title: "ObjectStack API".to_owned(),
            description: None,
            api_version: "1.0.0".to_owned(),
            output_path: "/api/docs/openapi.json".to_owned(),
            ui_path: "/api/docs".to_owned(),
            ui_framework: OpenApiConfigUiFramework::SwaggerUi,
            include_internal: false,
            generate_schemas: true,
            include_examples: true,
            servers: None,
            contact: None,
            license: None,
            security_schemes: None,
        }
    }
}

wire_enum! {
    /// `openApi.version` in `api/RestApiPluginConfig`.
    #[derive(Default)]
    pub enum OpenApiConfigVersion {
        V300 = "3.0.0",
        V301 = "3.0.1",
        V302 = "3.0.2",
        #[default]
        V303 = "3.0.3",
        V310 = "3.1.0",
    }
}

wire_enum! {
    /// `openApi.uiFramework` in `api/RestApiPluginConfig`.
    #[derive(Default)]
    pub enum OpenApiConfigUiFramework {
        #[default]
        SwaggerUi = "swagger-ui",
        Redoc = "redoc",
        Rapidoc = "rapidoc",
        Elements = "elements",
    }
}

/// `openApi.servers` in `api/RestApiPluginConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "OpenApiConfigServer", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct OpenApiConfigServer {
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
}

/// `openApi.contact` in `api/RestApiPluginConfig`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "OpenApiConfigContact", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct OpenApiConfigContact {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "uri")]
    #[schemars(extend("format" = "uri"))]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "email")]
    #[schemars(regex(pattern = EMAIL), extend("format" = "email"))]
    pub email: Option<String>,
}

/// `openApi.license` in `api/RestApiPluginConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "OpenApiConfigLicense", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct OpenApiConfigLicense {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "uri")]
    #[schemars(extend("format" = "uri"))]
    pub url: Option<String>,
}

/// `openApi.securitySchemes` in `api/RestApiPluginConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "OpenApiConfigSecurityScheme",
    rename_all = "camelCase",
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct OpenApiConfigSecurityScheme {
    #[serde(rename = "type")]
    pub kind: OpenApiConfigSecuritySchemeType,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub scheme: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub bearer_format: Option<String>,
}

wire_enum! {
    /// `openApi.securitySchemes.type` in `api/RestApiPluginConfig`.
    pub enum OpenApiConfigSecuritySchemeType {
        ApiKey = "apiKey",
        Http = "http",
        Oauth2 = "oauth2",
        OpenIdConnect = "openIdConnect",
    }
}

/// Which web pages of other origins may call. Source: `api/RestApiPluginConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RestCorsConfig", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RestCorsConfig {
    pub enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub origins: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub methods: Option<Vec<HttpMethod>>,
    pub credentials: bool,
}

impl Default for RestCorsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            origins: None,
            methods: None,
            credentials: true,
        }
    }
}

/// Compression and caching. Source: `api/RestApiPluginConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "RestPerformanceConfig",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct RestPerformanceConfig {
    pub enable_compression: bool,
    #[serde(rename = "enableETag")]
    pub enable_etag: bool,
    pub enable_caching: bool,
    /// Seconds.
    #[serde(deserialize_with = "safe_integer")]
    pub default_cache_ttl: i64,
}

impl Default for RestPerformanceConfig {
    fn default() -> Self {
        Self {
            enable_compression: true,
            enable_etag: true,
            enable_caching: true,
            default_cache_ttl: 300,
        }
    }
}

fn api_path() -> String {
    "/api".to_owned()
}

fn first_version() -> String {
    "v1".to_owned()
}

map_only! {
    RestApiEndpoint, MiddlewarePaths, RouteMiddleware, RouteDocumentation, RestApiRouteRegistration, RequestValidationConfig, ResponseEnvelopeConfig, ErrorHandlingConfig, OpenApiConfigServer, OpenApiConfigContact, OpenApiConfigLicense, OpenApiConfigSecurityScheme, OpenApiConfig, RestCorsConfig, RestPerformanceConfig, RestApiPluginConfig,
}
