//! Configuration of the REST surface.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, identifier, integer_in, operation_key_names, safe_integer, some, version_tag};
use crate::map_only::map_only;
use crate::shared::HttpMethod;
use crate::text::{IDENTIFIER, VERSION_TAG};
use crate::wire_enum::wire_enum;

/// Configuration of the REST surface; every part has defaults. Source: `api/RestServerConfig`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RestServerConfig", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RestServerConfig {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub api: Option<RestApiConfig>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub crud: Option<CrudEndpointsConfig>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub metadata: Option<MetadataEndpointsConfig>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub batch: Option<BatchEndpointsConfig>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub routes: Option<RouteGenerationConfig>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub open_api31: Option<OpenApi31Extensions>,
}

/// Base path and which parts are on. Source: `api/RestApiConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RestApiConfig", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RestApiConfig {
    #[serde(deserialize_with = "version_tag")]
    #[schemars(regex(pattern = VERSION_TAG))]
    pub version: String,
    pub base_path: String,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub api_path: Option<String>,
    pub enable_crud: bool,
    pub enable_metadata: bool,
    pub enable_ui: bool,
    pub enable_batch: bool,
    pub enable_discovery: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub documentation: Option<ApiDocumentation>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub response_format: Option<ResponseFormat>,
}

impl Default for RestApiConfig {
    fn default() -> Self {
        Self {
            version: "v1".to_owned(),
            base_path: "/api".to_owned(),
            api_path: None,
            enable_crud: true,
            enable_metadata: true,
            enable_ui: true,
            enable_batch: true,
            enable_discovery: true,
            documentation: None,
            response_format: None,
        }
    }
}

/// What the API description says about itself. Source: `api/RestApiConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ApiDocumentation", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ApiDocumentation {
    pub enabled: bool,
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub terms_of_service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub contact: Option<ApiContact>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub license: Option<ApiLicense>,
}

impl Default for ApiDocumentation {
    fn default() -> Self {
        Self {
            enabled: true,
            title: "ObjectStack API".to_owned(),
            description: None,
            version: None,
            terms_of_service: None,
            contact: None,
            license: None,
        }
    }
}

/// Whom to ask. Source: `api/RestApiConfig`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ApiContact", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ApiContact {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub email: Option<String>,
}

/// Under which licence the API may be used. Source: `api/RestApiConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ApiLicense", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ApiLicense {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub url: Option<String>,
}

/// What answers are wrapped in. Source: `api/RestApiConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ResponseFormat", rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ResponseFormat {
    pub envelope: bool,
    pub include_metadata: bool,
    pub include_pagination: bool,
}

impl Default for ResponseFormat {
    fn default() -> Self {
        Self {
            envelope: true,
            include_metadata: true,
            include_pagination: true,
        }
    }
}

wire_enum! {
    /// A basic operation on records. Source: `api/CrudOperation`.
    pub enum CrudOperation {
        Create = "create",
        Read = "read",
        Update = "update",
        Delete = "delete",
        List = "list",
    }
}

/// Method and path of an operation. Source: `api/CrudEndpointPattern`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CrudEndpointPattern", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct CrudEndpointPattern {
    pub method: HttpMethod,
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub summary: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
}

/// The endpoints for records. Source: `api/CrudEndpointsConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "CrudEndpointsConfig",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct CrudEndpointsConfig {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub operations: Option<CrudOperations>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    #[schemars(transform = operation_key_names)]
    pub patterns: Option<IndexMap<CrudOperation, CrudEndpointPattern>>,
    pub data_prefix: String,
    pub object_param_style: ObjectParamStyle,
}

impl Default for CrudEndpointsConfig {
    fn default() -> Self {
        Self {
            operations: None,
            patterns: None,
            data_prefix: "/data".to_owned(),
            object_param_style: ObjectParamStyle::Path,
        }
    }
}

/// Which basic operations are on. Source: `api/CrudEndpointsConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CrudOperations", default, deny_unknown_fields)]
pub struct CrudOperations {
    pub create: bool,
    pub read: bool,
    pub update: bool,
    pub delete: bool,
    pub list: bool,
}

impl Default for CrudOperations {
    fn default() -> Self {
        Self {
            create: true,
            read: true,
            update: true,
            delete: true,
            list: true,
        }
    }
}

wire_enum! {
    /// Where the object's name stands in the address. Source: `api/CrudEndpointsConfig`.
    #[derive(Default)]
    pub enum ObjectParamStyle {
        #[default]
        Path = "path",
        Query = "query",
    }
}

/// The endpoints for metadata. Source: `api/MetadataEndpointsConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "MetadataEndpointsConfig",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct MetadataEndpointsConfig {
    pub prefix: String,
    pub enable_cache: bool,
    /// Seconds.
    #[serde(deserialize_with = "safe_integer")]
    pub cache_ttl: i64,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub endpoints: Option<MetadataEndpoints>,
}

impl Default for MetadataEndpointsConfig {
    fn default() -> Self {
        Self {
            prefix: "/meta".to_owned(),
            enable_cache: true,
            cache_ttl: 3600,
            endpoints: None,
        }
    }
}

/// Which metadata endpoints are on. Source: `api/MetadataEndpointsConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "MetadataEndpoints", default, deny_unknown_fields)]
pub struct MetadataEndpoints {
    pub types: bool,
    pub items: bool,
    pub item: bool,
    pub schema: bool,
}

impl Default for MetadataEndpoints {
    fn default() -> Self {
        Self {
            types: true,
            items: true,
            item: true,
            schema: true,
        }
    }
}

/// The endpoints for batches. Source: `api/BatchEndpointsConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "BatchEndpointsConfig",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct BatchEndpointsConfig {
    #[serde(deserialize_with = "integer_in::<1, 1000, _, _>")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_batch_size: u64,
    pub enable_batch_endpoint: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub operations: Option<BatchOperations>,
    pub default_atomic: bool,
}

impl Default for BatchEndpointsConfig {
    fn default() -> Self {
        Self {
            max_batch_size: 200,
            enable_batch_endpoint: true,
            operations: None,
            default_atomic: true,
        }
    }
}

/// Which batch operations are on. Source: `api/BatchEndpointsConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "BatchOperations", rename_all = "camelCase", default, deny_unknown_fields)]
pub struct BatchOperations {
    pub create_many: bool,
    pub update_many: bool,
    pub delete_many: bool,
    pub upsert_many: bool,
}

impl Default for BatchOperations {
    fn default() -> Self {
        Self {
            create_many: true,
            update_many: true,
            delete_many: true,
            upsert_many: true,
        }
    }
}

/// For which objects routes are made, and how they are called. Source: `api/RouteGenerationConfig`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "RouteGenerationConfig",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct RouteGenerationConfig {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub include_objects: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub exclude_objects: Option<Vec<String>>,
    pub name_transform: NameTransform,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub overrides: Option<IndexMap<String, RouteOverride>>,
}

wire_enum! {
    /// How an object's name becomes part of a path. Source: `api/RouteGenerationConfig`.
    #[derive(Default)]
    pub enum NameTransform {
        #[default]
        None = "none",
        Plural = "plural",
        KebabCase = "kebab-case",
        CamelCase = "camelCase",
    }
}

/// What is different for one object. Source: `api/RouteGenerationConfig`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RouteOverride", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RouteOverride {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub base_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    #[schemars(transform = operation_key_names)]
    pub operations: Option<IndexMap<CrudOperation, bool>>,
}

/// What the OpenAPI 3.1 description has beside paths. Source: `api/OpenApi31Extensions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "OpenApi31Extensions",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct OpenApi31Extensions {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub webhooks: Option<IndexMap<String, WebhookEvent>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub callbacks: Option<IndexMap<String, Vec<Callback>>>,
    pub json_schema_dialect: String,
    pub path_item_references: bool,
}

impl Default for OpenApi31Extensions {
    fn default() -> Self {
        Self {
            webhooks: None,
            callbacks: None,
            json_schema_dialect: "https://json-schema.org/draft/2020-12/schema".to_owned(),
            path_item_references: false,
        }
    }
}

/// An event the API sends to its clients. Source: `api/WebhookEvent`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "WebhookEvent", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct WebhookEvent {
    #[serde(deserialize_with = "identifier")]
    #[schemars(regex(pattern = IDENTIFIER))]
    pub name: String,
    pub description: String,
    #[serde(default)]
    pub method: HttpMethod,
    pub payload_schema: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub headers: Option<IndexMap<String, String>>,
    pub security: Vec<WebhookSecurity>,
}

wire_enum! {
    /// How a webhook proves where it comes from. Source: `api/WebhookEvent`.
    pub enum WebhookSecurity {
        HmacSha256 = "hmac_sha256",
        Basic = "basic",
        Bearer = "bearer",
        ApiKey = "api_key",
    }
}

/// Webhooks of the API. Source: `api/WebhookConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "WebhookConfig", rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookConfig {
    #[serde(default)]
    pub enabled: bool,
    pub events: Vec<WebhookEvent>,
    pub delivery_config: WebhookDelivery,
    #[serde(default = "webhooks_path")]
    pub registration_endpoint: String,
}

/// How webhooks are delivered and tried again. Source: `api/WebhookConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "WebhookDelivery", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct WebhookDelivery {
    #[serde(deserialize_with = "safe_integer")]
    pub max_retries: i64,
    #[serde(deserialize_with = "safe_integer")]
    pub retry_interval_ms: i64,
    #[serde(deserialize_with = "safe_integer")]
    pub timeout_ms: i64,
    pub signature_header: String,
}

impl Default for WebhookDelivery {
    fn default() -> Self {
        Self {
            max_retries: 3,
            retry_interval_ms: 5000,
            timeout_ms: 30000,
            signature_header: "X-Signature-256".to_owned(),
        }
    }
}

/// A request the API makes in answer to one. Source: `api/Callback`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Callback", deny_unknown_fields)]
pub struct Callback {
    #[serde(deserialize_with = "identifier")]
    #[schemars(regex(pattern = IDENTIFIER))]
    pub name: String,
    pub expression: String,
    pub method: HttpMethod,
    pub url: String,
}

fn webhooks_path() -> String {
    "/webhooks".to_owned()
}

map_only! {
    RestServerConfig, ApiContact, ApiLicense, ApiDocumentation, ResponseFormat, RestApiConfig, CrudEndpointPattern, CrudOperations, CrudEndpointsConfig, MetadataEndpoints, MetadataEndpointsConfig, BatchOperations, BatchEndpointsConfig, RouteOverride, RouteGenerationConfig, OpenApi31Extensions, WebhookEvent, WebhookDelivery, WebhookConfig, Callback,
}
