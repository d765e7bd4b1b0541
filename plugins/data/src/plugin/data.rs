//! The service `data` on the engine: the same path as over HTTP, with requests as other plugins write them.

use std::sync::Arc;

use objectos_plugin_api::contracts::data::{
    BatchRequest, CreateRequest, Data, DeleteRequest, EventfulTransaction, FindRequest, GetRequest, UpdateRequest,
};
use objectos_plugin_api::{Context, Error, Result};
use serde::de::DeserializeOwned;

use crate::engine::Engine;
use crate::outbox;
use crate::query::QueryInput;
use crate::routes_data;

/// The provider.
#[derive(Debug)]
pub(super) struct DataProvider {
    engine: Arc<Engine>,
}

impl DataProvider {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }
}

fn read<T: DeserializeOwned>(method: &str, request: &[u8]) -> Result<T> {
    serde_json::from_slice(request)
        .map_err(|error| Error::invalid(format!("the request of data.{method} does not have its shape: {error}")))
}

impl Data for DataProvider {
    async fn find(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let FindRequest { object, query } = read("find", &request)?;
        let found = self
            .engine
            .find(&context, &object, QueryInput::from_map(&query)?)
            .await?;
        Ok(found.to_json())
    }

    async fn get(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let GetRequest { object, id, fields } = read("get", &request)?;
        let fields = (!fields.is_empty()).then_some(fields);
        let query = QueryInput {
            fields,
            ..QueryInput::default()
        };
        Ok(self.engine.get(&context, &object, &id, &query).await?.to_json())
    }

    async fn create(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let CreateRequest { object, record } = read("create", &request)?;
        Ok(self.engine.create(&context, &object, record).await?.to_json())
    }

    async fn update(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let UpdateRequest {
            object,
            id,
            record,
            expected_version,
        } = read("update", &request)?;
        Ok(self
            .engine
            .update(&context, &object, &id, record, expected_version)
            .await?
            .to_json())
    }

    async fn delete(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let DeleteRequest {
            object,
            id,
            expected_version,
            purge,
        } = read("delete", &request)?;
        if purge {
            self.engine.purge(&context, &object, &id, expected_version).await?;
        } else {
            self.engine
                .delete_expected(&context, &object, &id, expected_version)
                .await?;
        }
        Ok(routes_data::deleted(&object, &id))
    }

    async fn batch(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let BatchRequest { object, batch } = read("batch", &request)?;
        let (operation, items, options) = routes_data::read_batch(batch)?;
        let answer = self.engine.batch(&context, &object, operation, items, options).await?;
        serde_json::to_vec(&answer.to_json()).map_err(Error::internal)
    }

    async fn transaction(&self, context: Context, request: Vec<u8>) -> Result<Vec<u8>> {
        let EventfulTransaction { operations, events } = read("transaction", &request)?;
        let items = routes_data::read_transaction(operations)?;
        let source = match context.caller() {
            "" => outbox::SOURCE,
            plugin => plugin,
        };
        let answers = self
            .engine
            .transaction_with_events(&context, items, source, &events)
            .await?;
        serde_json::to_vec(&routes_data::results(&answers)).map_err(Error::internal)
    }
}
