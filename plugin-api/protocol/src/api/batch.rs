//! Many records in one request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::{ApiError, ResponseMeta};
use crate::guard::{guarded, integer_in, list_len, some};
use crate::map_only::map_only;
use crate::shared::{JsonMap, Number};
use crate::wire_enum::wire_enum;

wire_enum! {
    /// What a batch does with its records. Source: `api/BatchOperationType`.
    pub enum BatchOperationType {
        Create = "create",
        Update = "update",
        Upsert = "upsert",
        Delete = "delete",
    }
}

/// One record of a batch. Source: `api/BatchRecord`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "BatchRecord", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct BatchRecord {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub data: Option<JsonMap>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub external_id: Option<String>,
}

/// How a batch is carried out. Source: `api/BatchOptions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "BatchOptions", rename_all = "camelCase", default, deny_unknown_fields)]
pub struct BatchOptions {
    /// All records or none.
    pub atomic: bool,
    /// The answer carries the records.
    pub return_records: bool,
    /// Goes on after a failure; only without `atomic`.
    pub continue_on_error: bool,
    /// Checks and changes nothing.
    pub validate_only: bool,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            atomic: true,
            return_records: false,
            continue_on_error: false,
            validate_only: false,
        }
    }
}

/// A batch of 1 to 200 records. Source: `api/BatchUpdateRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "BatchUpdateRequest", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct BatchUpdateRequest {
    pub operation: BatchOperationType,
    #[serde(deserialize_with = "list_len::<1, 200, _, _>")]
    #[schemars(length(min = 1, max = 200))]
    pub records: Vec<BatchRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub options: Option<BatchOptions>,
}

/// A batch with the name of its object. Source: `api/BatchDataRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "BatchDataRequest", deny_unknown_fields)]
pub struct BatchDataRequest {
    pub object: String,
    pub request: BatchUpdateRequest,
}

/// The outcome for one record of a batch. Source: `api/BatchOperationResult`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "BatchOperationResult", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct BatchOperationResult {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub id: Option<String>,
    pub success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub errors: Option<Vec<ApiError>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub data: Option<JsonMap>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub index: Option<Number>,
}

/// Outcomes of a batch in an envelope. Source: `api/BatchUpdateResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "BatchUpdateResponse", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct BatchUpdateResponse {
    pub success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub error: Option<ApiError>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub meta: Option<ResponseMeta>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub operation: Option<BatchOperationType>,
    pub total: Number,
    pub succeeded: Number,
    pub failed: Number,
    pub results: Vec<BatchOperationResult>,
}

/// The same shape as [`BatchUpdateResponse`]. Source: `api/BatchDataResponse`.
pub type BatchDataResponse = BatchUpdateResponse;

/// Asks to create several records. Source: `api/CreateManyDataRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CreateManyDataRequest", deny_unknown_fields)]
pub struct CreateManyDataRequest {
    pub object: String,
    pub records: Vec<JsonMap>,
}

/// The records that were created. Source: `api/CreateManyDataResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CreateManyDataResponse", deny_unknown_fields)]
pub struct CreateManyDataResponse {
    pub object: String,
    pub records: Vec<JsonMap>,
    pub count: Number,
}

/// Asks to change several records. Source: `api/UpdateManyDataRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "UpdateManyDataRequest", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct UpdateManyDataRequest {
    pub object: String,
    pub records: Vec<RecordUpdate>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub options: Option<BatchOptions>,
}

/// Changes to one record. Source: `api/UpdateManyDataRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RecordUpdate", deny_unknown_fields)]
pub struct RecordUpdate {
    pub id: String,
    pub data: JsonMap,
}

/// The same shape as [`BatchUpdateResponse`]. Source: `api/UpdateManyDataResponse`.
pub type UpdateManyDataResponse = BatchUpdateResponse;

/// Changes to 1 to 200 records. Source: `api/UpdateManyRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "UpdateManyRequest", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct UpdateManyRequest {
    #[serde(deserialize_with = "list_len::<1, 200, _, _>")]
    #[schemars(length(min = 1, max = 200))]
    pub records: Vec<BatchRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub options: Option<BatchOptions>,
}

/// Ids of 1 to 200 records to delete. Source: `api/DeleteManyRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "DeleteManyRequest", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct DeleteManyRequest {
    #[serde(deserialize_with = "list_len::<1, 200, _, _>")]
    #[schemars(length(min = 1, max = 200))]
    pub ids: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub options: Option<BatchOptions>,
}

/// Asks to delete several records. Source: `api/DeleteManyDataRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "DeleteManyDataRequest", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct DeleteManyDataRequest {
    pub object: String,
    pub ids: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub options: Option<BatchOptions>,
}

/// The same shape as [`BatchUpdateResponse`]. Source: `api/DeleteManyDataResponse`.
pub type DeleteManyDataResponse = BatchUpdateResponse;

/// Whether batches are offered, and how large. Source: `api/BatchConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "BatchConfig", rename_all = "camelCase", default)]
#[schemars(transform = guarded)]
pub struct BatchConfig {
    pub enabled: bool,
    #[serde(deserialize_with = "integer_in::<1, 1000, _, _>")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_records_per_batch: u64,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub default_options: Option<BatchOptions>,
    /// Keys this version does not know; kept as they came.
    #[serde(flatten)]
    pub extra: JsonMap,
}

impl Default for BatchConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            max_records_per_batch: 200,
            default_options: None,
            extra: JsonMap::new(),
        }
    }
}

map_only! {
    BatchRecord, BatchOptions, BatchUpdateRequest, BatchDataRequest, BatchOperationResult, BatchUpdateResponse, CreateManyDataRequest, CreateManyDataResponse, RecordUpdate, UpdateManyDataRequest, UpdateManyRequest, DeleteManyRequest, DeleteManyDataRequest, BatchConfig,
}
