//! Rows and checkpoints as records. The plugin acts as the system here; what a caller may read is decided before.

use objectos_plugin_api::{
    Context, Error, Host,
    contracts::data::{DataClient, FindRequest, TransactionRequest},
};
use serde_json::{Map, Value, json};

use crate::{
    chain::Head,
    error::{AuditError, Result},
    guard::Pass,
    row::{OBJECT, Row},
};

/// Rows of one page when all are read.
pub(crate) const PAGE: usize = 500;

/// A page of rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    pub(crate) rows: Vec<Row>,
    pub(crate) total: u64,
    pub(crate) has_more: bool,
    pub(crate) next_cursor: Option<String>,
}

/// The records.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    data: DataClient,
    pass: Pass,
}

fn context() -> Context {
    Context::background().as_system()
}

fn bytes(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(value).map_err(Error::internal)?)
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

impl Records {
    pub(crate) fn new(host: &Host, pass: Pass) -> Result<Self> {
        Ok(Self {
            data: DataClient::open(host)?,
            pass,
        })
    }

    /// Stores rows, all or none.
    pub(crate) async fn append(&self, rows: &[Row]) -> Result<()> {
        let operations = rows
            .iter()
            .map(|row| json!({ "object": OBJECT, "action": "create", "data": row.to_record() }))
            .collect();
        self.transaction(&context(), operations).await
    }

    /// Takes rows out, all or none. Only retention may.
    pub(crate) async fn remove(&self, ids: &[&str]) -> Result<()> {
        let operations = ids
            .iter()
            .map(|id| json!({ "object": OBJECT, "action": "delete", "id": id }))
            .collect();
        self.transaction(&self.pass.show(&context()), operations).await
    }

    async fn transaction(&self, context: &Context, operations: Vec<Value>) -> Result<()> {
        let request = bytes(&TransactionRequest { operations })?;
        self.data.transaction(context, &request).await?;
        Ok(())
    }

    /// The end of the chain.
    pub(crate) async fn head(&self) -> Result<Head> {
        let query = json!({ "fields": ["sequence", "hash"], "orderBy": [{ "field": "sequence", "order": "desc" }], "limit": 1, "count": false });
        let found = self.find(OBJECT, query).await?;
        let Some(last) = found["records"].as_array().and_then(|records| records.first()) else {
            return Ok(Head::default());
        };
        let row = Row::from_record(&fields(last.clone())).map_err(Error::from)?;
        Ok(Head {
            sequence: row.sequence,
            hash: row.hash,
        })
    }

    /// Those of the ids that are stored.
    pub(crate) async fn known(&self, ids: &[String]) -> Result<Vec<String>> {
        let query =
            json!({ "fields": ["id"], "where": { "id": { "$in": ids } }, "limit": ids.len().max(1), "count": false });
        let found = self.find(OBJECT, query).await?;
        let records = found["records"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(records
            .iter()
            .filter_map(|record| record["id"].as_str())
            .map(str::to_owned)
            .collect())
    }

    /// How many rows match.
    pub(crate) async fn count(&self, filter: Value) -> Result<u64> {
        let found = self
            .find(
                OBJECT,
                json!({ "fields": ["id"], "where": filter, "limit": 1, "count": true }),
            )
            .await?;
        found["total"]
            .as_u64()
            .ok_or_else(|| AuditError::Internal("the engine did not say how many events there are".to_owned()))
    }

    /// A page of rows. `query` is `data/Query`.
    pub(crate) async fn page(&self, query: Value) -> Result<Page> {
        let found = self.find(OBJECT, query).await?;
        let records = found["records"].as_array().map(Vec::as_slice).unwrap_or_default();
        let rows = records
            .iter()
            .map(|record| Row::from_record(&fields(record.clone())))
            .collect::<Result<_, _>>()
            .map_err(Error::from)?;
        Ok(Page {
            rows,
            total: found["total"].as_u64().unwrap_or_default(),
            has_more: found["hasMore"] == true,
            next_cursor: found["nextCursor"].as_str().map(str::to_owned),
        })
    }

    /// Rows after a sequence that match, in order.
    pub(crate) async fn after(&self, sequence: u64, filter: Value) -> Result<Vec<Row>> {
        let filter = json!({ "$and": [{ "sequence": { "$gt": sequence } }, filter] });
        let query = json!({ "where": filter, "orderBy": [{ "field": "sequence", "order": "asc" }], "limit": PAGE, "count": false });
        Ok(self.page(query).await?.rows)
    }

    /// Stores a record of another object of ours.
    pub(crate) async fn create(&self, object: &str, record: Value) -> Result<()> {
        let operation = json!({ "object": object, "action": "create", "data": record });
        self.transaction(&context(), vec![operation]).await
    }

    /// Reads records of any object of ours.
    pub(crate) async fn find(&self, object: &str, query: Value) -> Result<Value> {
        let request = FindRequest {
            object: object.to_owned(),
            query: fields(query),
        };
        let answer = self.data.find(&context(), &bytes(&request)?).await?;
        Ok(serde_json::from_slice(&answer).map_err(Error::from)?)
    }
}
