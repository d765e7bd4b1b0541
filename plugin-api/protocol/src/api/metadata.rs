//! Requests and answers about metadata, with caching.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::{ApiError, GetDiscoveryRequest, ResponseMeta};
use crate::data::Object;
use crate::guard::{date_time, guarded, some};
use crate::map_only::map_only;
use crate::shared::Number;
use crate::text::DATE_TIME;
use crate::wire_enum::wire_enum;

/// The same shape as [`GetDiscoveryRequest`]. Source: `api/GetMetaTypesRequest`.
pub type GetMetaTypesRequest = GetDiscoveryRequest;

/// The kinds of metadata there are. Source: `api/GetMetaTypesResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "GetMetaTypesResponse", deny_unknown_fields)]
pub struct GetMetaTypesResponse {
    pub types: Vec<String>,
}

/// Asks for all metadata of a kind. Source: `api/GetMetaItemsRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "GetMetaItemsRequest", deny_unknown_fields)]
pub struct GetMetaItemsRequest {
    #[serde(rename = "type")]
    pub kind: String,
}

/// All metadata of a kind. Source: `api/GetMetaItemsResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "GetMetaItemsResponse", deny_unknown_fields)]
pub struct GetMetaItemsResponse {
    #[serde(rename = "type")]
    pub kind: String,
    pub items: Vec<Value>,
}

/// Names one piece of metadata. Source: `api/GetMetaItemRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "GetMetaItemRequest", deny_unknown_fields)]
pub struct GetMetaItemRequest {
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
}

/// One piece of metadata. Source: `api/GetMetaItemResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "GetMetaItemResponse", deny_unknown_fields)]
pub struct GetMetaItemResponse {
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
    pub item: Value,
}

/// The same shape as [`GetMetaItemResponse`]. Source: `api/SaveMetaItemRequest`.
pub type SaveMetaItemRequest = GetMetaItemResponse;

/// Tells whether metadata was stored. Source: `api/SaveMetaItemResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SaveMetaItemResponse", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct SaveMetaItemResponse {
    pub success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub message: Option<String>,
}

/// Asks for metadata unless the client's copy is still good. Source: `api/GetMetaItemCachedRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "GetMetaItemCachedRequest", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct GetMetaItemCachedRequest {
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cache_request: Option<MetadataCacheRequest>,
}

/// Metadata, or word that the client's copy is still good. Source: `api/MetadataCacheResponse`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "MetadataCacheResponse",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct MetadataCacheResponse {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub data: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub etag: Option<ETag>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub last_modified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cache_control: Option<CacheControl>,
    pub not_modified: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub version: Option<String>,
}

/// The same shape as [`MetadataCacheResponse`]. Source: `api/GetMetaItemCachedResponse`.
pub type GetMetaItemCachedResponse = MetadataCacheResponse;

/// What the client has already. Source: `api/MetadataCacheRequest`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "MetadataCacheRequest",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct MetadataCacheRequest {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub if_none_match: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub if_modified_since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cache_control: Option<CacheControl>,
}

/// A tag that changes when the content does. Source: `api/ETag`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ETag", deny_unknown_fields)]
pub struct ETag {
    pub value: String,
    #[serde(default)]
    pub weak: bool,
}

/// How long an answer may be kept; ages in seconds. Source: `api/CacheControl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CacheControl", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct CacheControl {
    pub directives: Vec<CacheDirective>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub max_age: Option<Number>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub stale_while_revalidate: Option<Number>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub stale_if_error: Option<Number>,
}

wire_enum! {
    /// A word of the `Cache-Control` header. Source: `api/CacheDirective`.
    pub enum CacheDirective {
        Public = "public",
        Private = "private",
        NoCache = "no-cache",
        NoStore = "no-store",
        MustRevalidate = "must-revalidate",
        MaxAge = "max-age",
    }
}

/// Asks to forget cached metadata. Source: `api/CacheInvalidationRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CacheInvalidationRequest", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct CacheInvalidationRequest {
    pub target: CacheInvalidationTarget,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub identifiers: Option<Vec<String>>,
    #[serde(default)]
    pub cascade: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub pattern: Option<String>,
}

/// How much was forgotten. Source: `api/CacheInvalidationResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CacheInvalidationResponse", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct CacheInvalidationResponse {
    pub success: bool,
    pub invalidated: Number,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub targets: Option<Vec<String>>,
}

wire_enum! {
    /// Which part of the cache. Source: `api/CacheInvalidationTarget`.
    pub enum CacheInvalidationTarget {
        All = "all",
        Object = "object",
        Field = "field",
        Permission = "permission",
        Layout = "layout",
        Custom = "custom",
    }
}

/// An object's definition in an envelope. Source: `api/ObjectDefinitionResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ObjectDefinitionResponse", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ObjectDefinitionResponse {
    pub success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub error: Option<ApiError>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub meta: Option<ResponseMeta>,
    pub data: Object,
}

/// Names and labels of objects in an envelope. Source: `api/ConceptListResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ConceptListResponse", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ConceptListResponse {
    pub success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub error: Option<ApiError>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub meta: Option<ResponseMeta>,
    pub data: Vec<ConceptSummary>,
}

/// Name and label of one object. Source: `api/ConceptListResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ConceptSummary", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ConceptSummary {
    pub name: String,
    pub label: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub icon: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
}

map_only! {
    GetMetaTypesResponse, GetMetaItemsRequest, GetMetaItemsResponse, GetMetaItemRequest, GetMetaItemResponse, SaveMetaItemResponse, GetMetaItemCachedRequest, MetadataCacheResponse, MetadataCacheRequest, ETag, CacheControl, CacheInvalidationRequest, CacheInvalidationResponse, ObjectDefinitionResponse, ConceptSummary, ConceptListResponse,
}
