//! Records of the platform's own objects, read and written as the system: what was edited at runtime, and what is known of people.

use objectos_plugin_api::contracts::data::{CreateRequest, DataClient, DeleteRequest, FindRequest, UpdateRequest};
use objectos_plugin_api::{Context, Host, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::evaluate::{BoxFuture, Record, Records};

/// Records of one answer.
const PAGE: usize = 500;
/// Records that are looked at for one lookup of an explanation.
const LOOKUP_MAX: usize = 500;

/// The door to them.
#[derive(Clone, Debug)]
pub struct Store {
    data: DataClient,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    records: Vec<Record>,
    #[serde(default)]
    has_more: bool,
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

impl Store {
    /// Opens the service `data`.
    ///
    /// # Errors
    /// `Denied` when the operator does not grant it.
    pub fn open(host: &Host) -> Result<Self> {
        Ok(Self {
            data: DataClient::open(host)?,
        })
    }

    /// All records that match, page by page in the order of their ids.
    ///
    /// # Errors
    /// What the data engine answers.
    pub async fn all(&self, context: &Context, object: &str, filter: Value) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        loop {
            let query = json!({
                "where": filter,
                "orderBy": [{ "field": "id", "order": "asc" }],
                "limit": PAGE,
                "offset": records.len(),
            });
            let found = self.find(context, object, query).await?;
            let done = found.records.is_empty() || !found.has_more;
            records.extend(found.records);
            if done {
                return Ok(records);
            }
        }
    }

    /// The first records of a query.
    ///
    /// # Errors
    /// What the data engine answers.
    pub async fn some(&self, context: &Context, object: &str, query: Value) -> Result<Vec<Record>> {
        Ok(self.find(context, object, query).await?.records)
    }

    async fn find(&self, context: &Context, object: &str, query: Value) -> Result<Found> {
        let request = FindRequest {
            object: object.to_owned(),
            query: match query {
                Value::Object(map) => map,
                _ => Map::new(),
            },
        };
        let answer = self
            .data
            .find(&context.as_system(), &serde_json::to_vec(&request)?)
            .await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    /// One record.
    ///
    /// # Errors
    /// What the data engine answers; not that it is not there.
    pub async fn one(&self, context: &Context, object: &str, id: &str) -> Result<Option<Record>> {
        let query = json!({ "where": { "id": id }, "limit": 1 });
        Ok(self.find(context, object, query).await?.records.into_iter().next())
    }

    /// Makes a record and answers its id.
    ///
    /// # Errors
    /// What the data engine answers.
    pub async fn create(&self, context: &Context, object: &str, record: Value) -> Result<String> {
        let request = CreateRequest {
            object: object.to_owned(),
            record: fields(record),
        };
        let answer = self
            .data
            .create(&context.as_system(), &serde_json::to_vec(&request)?)
            .await?;
        Ok(serde_json::from_slice::<Made>(&answer)?.id)
    }

    /// Changes a record.
    ///
    /// # Errors
    /// What the data engine answers.
    pub async fn update(&self, context: &Context, object: &str, id: &str, record: Value) -> Result<()> {
        let request = UpdateRequest {
            object: object.to_owned(),
            id: id.to_owned(),
            record: fields(record),
            expected_version: None,
        };
        self.data
            .update(&context.as_system(), &serde_json::to_vec(&request)?)
            .await?;
        Ok(())
    }

    /// Deletes a record.
    ///
    /// # Errors
    /// What the data engine answers.
    pub async fn delete(&self, context: &Context, object: &str, id: &str) -> Result<()> {
        let request = DeleteRequest {
            object: object.to_owned(),
            id: id.to_owned(),
            ..DeleteRequest::default()
        };
        self.data
            .delete(&context.as_system(), &serde_json::to_vec(&request)?)
            .await?;
        Ok(())
    }
}

fn fields(record: Value) -> Map<String, Value> {
    match record {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Lookups of explanations, in the records as they are now.
#[derive(Debug)]
pub struct Live<'a> {
    /// The records.
    pub store: &'a Store,
    /// Under which request.
    pub context: &'a Context,
}

impl Records for Live<'_> {
    fn with_value<'a>(
        &'a self,
        object: &'a str,
        field: &'a str,
        value: &'a Value,
    ) -> BoxFuture<'a, Result<Vec<Record>>> {
        Box::pin(async move {
            let query = json!({ "where": { (field): value }, "limit": LOOKUP_MAX });
            self.store.some(self.context, object, query).await
        })
    }
}
