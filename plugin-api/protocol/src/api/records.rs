//! Requests and answers about records.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::Query;
use crate::guard::{guarded, some};
use crate::map_only::map_only;
use crate::shared::{JsonMap, Number};

/// Asks for records. Source: `api/FindDataRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "FindDataRequest", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct FindDataRequest {
    pub object: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub query: Option<Query>,
}

/// A page of records. `total` counts all records that fit, not only the page. Source: `api/FindDataResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "FindDataResponse", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct FindDataResponse {
    pub object: String,
    pub records: Vec<JsonMap>,
    /// All records that fit.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub total: Option<Number>,
    /// Whether another page follows.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub has_more: Option<bool>,
}

/// Names one record. Source: `api/GetDataRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "GetDataRequest", deny_unknown_fields)]
pub struct GetDataRequest {
    pub object: String,
    pub id: String,
}

/// One record. Source: `api/GetDataResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "GetDataResponse", deny_unknown_fields)]
pub struct GetDataResponse {
    pub object: String,
    pub id: String,
    pub record: JsonMap,
}

/// Asks to create a record. Source: `api/CreateDataRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CreateDataRequest", deny_unknown_fields)]
pub struct CreateDataRequest {
    pub object: String,
    pub data: JsonMap,
}

/// The same shape as [`GetDataResponse`]. Source: `api/CreateDataResponse`.
pub type CreateDataResponse = GetDataResponse;

/// Asks to change fields of a record. Source: `api/UpdateDataRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "UpdateDataRequest", deny_unknown_fields)]
pub struct UpdateDataRequest {
    pub object: String,
    pub id: String,
    pub data: JsonMap,
}

/// The same shape as [`GetDataResponse`]. Source: `api/UpdateDataResponse`.
pub type UpdateDataResponse = GetDataResponse;

/// The same shape as [`GetDataRequest`]. Source: `api/DeleteDataRequest`.
pub type DeleteDataRequest = GetDataRequest;

/// Tells that a record was deleted. Source: `api/DeleteDataResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "DeleteDataResponse", deny_unknown_fields)]
pub struct DeleteDataResponse {
    pub object: String,
    pub id: String,
    pub success: bool,
}

/// The body of a create or update: `{data}`. Source: `api/CreateRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CreateRequest", deny_unknown_fields)]
pub struct CreateRequest {
    pub data: JsonMap,
}

/// The same shape as [`CreateRequest`]. Source: `api/UpdateRequest`.
pub type UpdateRequest = CreateRequest;

/// Names a record by id. Source: `api/IdRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "IdRequest", deny_unknown_fields)]
pub struct IdRequest {
    pub id: String,
}

map_only! {
    FindDataRequest, FindDataResponse, GetDataRequest, GetDataResponse, CreateDataRequest, UpdateDataRequest, DeleteDataResponse, CreateRequest, IdRequest,
}
