//! `data`: records. The one door to them, for plugins as for the network: the principal of the context decides what is
//! seen and done; a context that acts as the system sees and does everything, and is audited.
//!
//! Answers are JSON as they go to the socket, so they cross as raw bytes.

use objectos_plugin_macros::service;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Context, Result};

/// Which records. JSON: `{object, query}`; `query` is `data/Query` without `object`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FindRequest {
    /// Name of the object.
    pub object: String,
    /// `{fields?, where?, orderBy?, limit?, offset?, expand?, …}`.
    #[serde(default)]
    pub query: Map<String, Value>,
}

/// Which record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetRequest {
    /// Name of the object.
    pub object: String,
    /// Id of the record.
    pub id: String,
    /// Fields wanted; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// A record to make.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateRequest {
    /// Name of the object.
    pub object: String,
    /// Its fields; may bring its own `id`.
    pub record: Map<String, Value>,
}

/// A change of a record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateRequest {
    /// Name of the object.
    pub object: String,
    /// Id of the record.
    pub id: String,
    /// The fields that change.
    pub record: Map<String, Value>,
    /// `updated_at` of the record the change is based on; another one in the store is a conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<String>,
}

/// A record to delete.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteRequest {
    /// Name of the object.
    pub object: String,
    /// Id of the record.
    pub id: String,
    /// `updated_at` or version of the record that is meant; another one in the store is a conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<String>,
    /// Delete for good, past the bin or out of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub purge: bool,
}

/// Several operations on one object. `batch` is `api/BatchRequest`: `{operation, records, options}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchRequest {
    /// Name of the object.
    pub object: String,
    /// `{operation: create|update|upsert|delete, records:[{id?, data?}], options?}`.
    pub batch: Value,
}

/// Operations on several objects, all or none. Source: the body of `POST /api/v1/batch`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionRequest {
    /// `[{object, action: create|update|delete, id?, data?}]`; `{"$ref": n}` in data is the id made by operation n.
    pub operations: Vec<Value>,
}

/// Records, through the whole path: access, defaults, validation, hooks, store, events.
#[service(name = "data", version = "1.0.0")]
pub trait Data {
    /// [`FindRequest`] → `{object, records, total, hasMore, nextCursor?}`.
    #[raw]
    async fn find(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>>;
    /// [`GetRequest`] → `{object, id, record}`.
    #[raw]
    async fn get(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>>;
    /// [`CreateRequest`] → `{object, id, record}`.
    #[raw]
    async fn create(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>>;
    /// [`UpdateRequest`] → `{object, id, record}`.
    #[raw]
    async fn update(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>>;
    /// [`DeleteRequest`] → `{object, id, success, deleted}`.
    #[raw]
    async fn delete(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>>;
    /// [`BatchRequest`] → `api/BatchUpdateResponse`.
    #[raw]
    async fn batch(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>>;
    /// [`TransactionRequest`] → `{results: [{object, id, record?}]}`; the error of the first operation that fails undoes all.
    #[raw]
    async fn transaction(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>>;
}
