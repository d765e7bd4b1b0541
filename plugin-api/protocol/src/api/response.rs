//! The envelope of an answer and the answers that use it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::ApiError;
use crate::guard::{guarded, some, yes};
use crate::map_only::map_only;
use crate::shared::{JsonMap, Number};

/// What every enveloped answer has: `{success, error?, meta?}`. Source: `api/BaseResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "BaseResponse", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct BaseResponse {
    pub success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub error: Option<ApiError>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub meta: Option<ResponseMeta>,
}

/// When an answer was made, how long it took, and under which ids. Source: `api/BaseResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ResponseMeta", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ResponseMeta {
    pub timestamp: String,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub duration: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub trace_id: Option<String>,
}

/// One record in an envelope. Source: `api/SingleRecordResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SingleRecordResponse", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct SingleRecordResponse {
    pub success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub error: Option<ApiError>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub meta: Option<ResponseMeta>,
    pub data: JsonMap,
}

/// A page of records in an envelope. Source: `api/ListRecordResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ListRecordResponse", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ListRecordResponse {
    pub success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub error: Option<ApiError>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub meta: Option<ResponseMeta>,
    pub data: Vec<JsonMap>,
    pub pagination: Pagination,
}

/// Where a page stands in the whole. Source: `api/ListRecordResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Pagination", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Pagination {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub total: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub limit: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub offset: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cursor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub next_cursor: Option<String>,
    pub has_more: bool,
}

/// The id of the deleted record in an envelope. Source: `api/DeleteResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "DeleteResponse", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct DeleteResponse {
    pub success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub error: Option<ApiError>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub meta: Option<ResponseMeta>,
    pub id: String,
}

/// The outcome for one record of several. Source: `api/ModificationResult`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ModificationResult", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ModificationResult {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub id: Option<String>,
    pub success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub errors: Option<Vec<ApiError>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub index: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub data: Option<Value>,
}

/// Outcomes for several records in an envelope. Source: `api/BulkResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "BulkResponse", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct BulkResponse {
    pub success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub error: Option<ApiError>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub meta: Option<ResponseMeta>,
    pub data: Vec<ModificationResult>,
}

/// Several records to write. Source: `api/BulkRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "BulkRequest", rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkRequest {
    pub records: Vec<JsonMap>,
    #[serde(default = "yes")]
    pub all_or_none: bool,
}

map_only! {
    ResponseMeta, BaseResponse, SingleRecordResponse, Pagination, ListRecordResponse, DeleteResponse, ModificationResult, BulkResponse, BulkRequest,
}
