//! Requests and answers about records.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::Query;
use crate::guard::{optional_not_null, some};
use crate::shared::{JsonMap, Number};

/// Source: `api/FindDataRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
pub struct FindDataRequest {
    pub object: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub query: Option<Query>,
}

/// Source: `api/FindDataResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
pub struct FindDataResponse {
    pub object: String,
    pub records: Vec<JsonMap>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub total: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub has_more: Option<bool>,
}

/// Source: `api/GetDataRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetDataRequest {
    pub object: String,
    pub id: String,
}

/// Source: `api/GetDataResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetDataResponse {
    pub object: String,
    pub id: String,
    pub record: JsonMap,
}

/// Source: `api/CreateDataRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateDataRequest {
    pub object: String,
    pub data: JsonMap,
}

/// Source: `api/UpdateDataRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateDataRequest {
    pub object: String,
    pub id: String,
    pub data: JsonMap,
}

/// Source: `api/DeleteDataResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteDataResponse {
    pub object: String,
    pub id: String,
    pub success: bool,
}

/// Source: `api/CreateRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRequest {
    pub data: JsonMap,
}

/// Source: `api/IdRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdRequest {
    pub id: String,
}
