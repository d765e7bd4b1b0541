//! Calls of the service `data`, as whoever sent the request. Nothing here acts for anybody else.

use objectos_plugin_api::contracts::data::{
    CreateRequest, DataClient, DeleteRequest, FindRequest, GetRequest, TransactionRequest, UpdateRequest,
};
use objectos_plugin_api::{Context, Error, Payload, Result};
use serde::Serialize;
use serde_json::{Map, Value};

/// One request: who sent it, and the way to the records.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    context: Context,
    data: DataClient,
}

fn bytes(request: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(request).map_err(Error::internal)
}

fn read(answer: &Payload) -> Result<Value> {
    serde_json::from_slice(answer).map_err(Error::internal)
}

fn record(mut answer: Value) -> Map<String, Value> {
    match answer.get_mut("record").map(Value::take) {
        Some(Value::Object(record)) => record,
        _ => Map::new(),
    }
}

impl Session {
    pub(crate) fn new(context: Context, data: DataClient) -> Self {
        Self { context, data }
    }

    /// `{records, total?, hasMore, nextCursor?}`
    ///
    /// # Errors
    /// Those of the service.
    pub(crate) async fn find(&self, object: &str, query: Map<String, Value>) -> Result<Value> {
        let request = FindRequest {
            object: object.to_owned(),
            query,
        };
        read(&self.data.find(&self.context, &bytes(&request)?).await?)
    }

    /// A record.
    ///
    /// # Errors
    /// Those of the service: `NotFound` for a record that is not there for the caller.
    pub(crate) async fn get(&self, object: &str, id: &str, fields: Vec<String>) -> Result<Map<String, Value>> {
        let request = GetRequest {
            object: object.to_owned(),
            id: id.to_owned(),
            fields,
        };
        read(&self.data.get(&self.context, &bytes(&request)?).await?).map(record)
    }

    /// Makes a record and answers what the caller may read of it.
    ///
    /// # Errors
    /// Those of the service.
    pub(crate) async fn create(&self, object: &str, fields: Map<String, Value>) -> Result<Map<String, Value>> {
        let request = CreateRequest {
            object: object.to_owned(),
            record: fields,
        };
        read(&self.data.create(&self.context, &bytes(&request)?).await?).map(record)
    }

    /// Changes a record and answers what the caller may read of it.
    ///
    /// # Errors
    /// Those of the service.
    pub(crate) async fn update(
        &self,
        object: &str,
        id: &str,
        fields: Map<String, Value>,
        version: Option<String>,
    ) -> Result<Map<String, Value>> {
        let request = UpdateRequest {
            object: object.to_owned(),
            id: id.to_owned(),
            record: fields,
            expected_version: version,
        };
        read(&self.data.update(&self.context, &bytes(&request)?).await?).map(record)
    }

    /// Deletes a record.
    ///
    /// # Errors
    /// Those of the service.
    pub(crate) async fn delete(&self, object: &str, id: &str, version: Option<String>) -> Result<()> {
        let request = DeleteRequest {
            object: object.to_owned(),
            id: id.to_owned(),
            expected_version: version,
            purge: false,
        };
        self.data.delete(&self.context, &bytes(&request)?).await.map(drop)
    }

    /// Makes records, all or none, and answers what the caller may read of each, in their order.
    ///
    /// # Errors
    /// That of the first that fails.
    pub(crate) async fn create_many(
        &self,
        object: &str,
        records: Vec<Map<String, Value>>,
    ) -> Result<Vec<Map<String, Value>>> {
        let operations = records
            .into_iter()
            .map(|data| serde_json::json!({ "object": object, "action": "create", "data": data }))
            .collect();
        let request = bytes(&TransactionRequest { operations })?;
        let mut answer = read(&self.data.transaction(&self.context, &request).await?)?;
        let Some(Value::Array(results)) = answer.get_mut("results").map(Value::take) else {
            return Err(Error::internal("a transaction answered no results"));
        };
        Ok(results.into_iter().map(record).collect())
    }
}
