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
    /// `{operation, records: [{id?, externalId?, data?, expectedVersion?}], options?}`; operations are `create`, `update`,
    /// `upsert`, `delete`, `restore` and `purge`. `externalId` goes with `upsert`, `expectedVersion` with `update`, `delete` and
    /// `purge`; another key is refused.
    pub batch: Value,
}

/// Operations on several objects, all or none. Source: the body of `POST /api/v1/batch`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionRequest {
    /// `[{object, action, id?, externalId?, data?, expectedVersion?}]`: actions and keys are those of a [`BatchRequest`];
    /// `{"$ref": n}` in data is the id made by operation n.
    pub operations: Vec<Value>,
}

/// An event that is stored in the transaction of a change: it is there exactly when the change is. JSON, camelCase. The families
/// `data.`, `plugin.` and `system.` are the platform's own and refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventBeside {
    /// Name of the event, which the publisher's manifest names under `events.publishes`; one that it does not name there, or that
    /// the operator denies, refuses the change.
    pub name: String,
    /// Events of one key are delivered in their order; empty is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The payload.
    #[serde(default)]
    pub payload: Value,
}

/// A record that is made in the transaction of a change, as the system. JSON, camelCase. It is of one of the platform's own
/// objects (`isSystem`), which the plugin declares unless it holds the grant `system`, and comes with all of its fields: defaults
/// and numbers are not filled in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordBeside {
    /// Name of the object.
    pub object: String,
    /// Its fields; it is given an id.
    pub record: Map<String, Value>,
}

/// A [`TransactionRequest`] that brings events along: they are stored when all of its operations are, and not otherwise. JSON:
/// that of the request, and `events`. Plugins only; over HTTP there are no events to bring.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventfulTransaction {
    /// As in [`TransactionRequest`].
    pub operations: Vec<Value>,
    /// What is told with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventBeside>,
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
    /// [`TransactionRequest`] or [`EventfulTransaction`] → `{results: [{object, id, record?}]}`; the error of the first operation
    /// that fails undoes all.
    #[raw]
    async fn transaction(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>>;
}
