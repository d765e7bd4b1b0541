//! Saved items and their versions as records. Written through the engine, so each change has its event and its author.

use objectos_plugin_api::Context;
use serde_json::{Map, Value, json};

use super::definition::source_file;
use super::{Items, RuntimeMetadata};
use crate::engine::{BatchOperation, TransactionItem};
use crate::error::{DataError, Result};
use crate::metadata::kind_of_name;
use crate::query::QueryInput;
use crate::record::moment;
use crate::schema::SchemaStep;

/// The object of the items as they are.
pub(super) const ITEMS: &str = "sys_metadata";
/// The object of what they were.
pub(super) const VERSIONS: &str = "sys_metadata_version";
/// Items that are read at once.
const PAGE: u64 = 500;

/// What is done with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// Saved.
    Save,
    /// Saved as it was before.
    Rollback,
    /// Taken away.
    Delete,
}

impl Operation {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Save => "save",
            Self::Rollback => "rollback",
            Self::Delete => "delete",
        }
    }
}

type Row = Map<String, Value>;

impl RuntimeMetadata {
    /// Everything that is stored.
    pub(super) async fn read_kept(&self) -> Result<Items> {
        let mut items = Items::new();
        let mut cursor = None;
        loop {
            let query = json!({ "limit": PAGE, "count": false, "orderBy": "id" });
            let mut query = read_query(&query)?;
            query.cursor = cursor.take();
            let found = self.engine.find(&system(), ITEMS, query).await?;
            for row in rows(&found.records)? {
                let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
                let Some(kind) = kind_of_name(text("kind")) else {
                    tracing::error!(
                        "the saved {} '{}' is of no kind that is known",
                        text("kind"),
                        text("name")
                    );
                    continue;
                };
                let modified_ms = moment::to_ms(text("updated_at")).unwrap_or_default();
                let definition = row.get("definition").cloned().unwrap_or_default();
                let file = source_file(kind.name, text("name"), &definition, modified_ms)?;
                items.insert((kind.name, text("name").to_owned()), file);
            }
            match found.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(items),
            }
        }
    }

    /// Stores an item, or takes it away, with its version: kind, name and number. An item comes with what is done to the tables
    /// for it, which is part of the same transaction.
    pub(super) async fn store(
        &self,
        context: &Context,
        (kind, name, number): (&str, &str, u64),
        definition: Option<(&Value, &[SchemaStep])>,
        operation: Operation,
    ) -> Result<()> {
        let (definition, tables) = definition.unzip();
        let known = self.rows_of(ITEMS, kind, name, "id").await?;
        let id = known
            .first()
            .and_then(|row| row.get("id"))
            .and_then(Value::as_str)
            .map(str::to_owned);
        let mut data = Map::new();
        let mut set = |key: &str, value: Value| drop(data.insert(key.to_owned(), value));
        set("kind", json!(kind));
        set("name", json!(name));
        set("number", json!(number));
        set("definition", definition.cloned().unwrap_or_default());
        let mut version = data.clone();
        version.insert("operation".to_owned(), json!(operation.name()));
        let of_item = match (&id, definition) {
            (Some(_), Some(_)) => BatchOperation::Update,
            (None, Some(_)) => BatchOperation::Create,
            (_, None) => BatchOperation::Delete,
        };
        let changes = vec![
            TransactionItem {
                object: ITEMS.to_owned(),
                operation: of_item,
                id,
                external_id: None,
                data: if definition.is_some() { data } else { Map::new() },
                expected: None,
            },
            TransactionItem {
                object: VERSIONS.to_owned(),
                operation: BatchOperation::Create,
                id: None,
                external_id: None,
                data: version,
                expected: None,
            },
        ];
        let stored = self
            .engine
            .transaction_with(&context.as_system(), changes, tables.unwrap_or_default())
            .await;
        match stored {
            Ok(_) => Ok(()),
            // Which part of it failed is ours to know.
            Err(DataError::InBatch { source, .. }) => Err(*source),
            Err(error) => Err(error),
        }
    }

    /// Number of the latest version; 0 when there is none.
    pub(super) async fn last_number(&self, kind: &str, name: &str) -> Result<u64> {
        let rows = self.version_rows(kind, name).await?;
        Ok(rows.first().map(number).unwrap_or_default())
    }

    /// The versions of an item, latest first.
    pub(super) async fn version_rows(&self, kind: &str, name: &str) -> Result<Vec<Row>> {
        self.rows_of(VERSIONS, kind, name, "-number").await
    }

    /// One version of an item.
    pub(super) async fn version_row(&self, kind: &str, name: &str, wanted: u64) -> Result<Option<Row>> {
        let rows = self.version_rows(kind, name).await?;
        Ok(rows.into_iter().find(|row| number(row) == wanted))
    }

    async fn rows_of(&self, object: &str, kind: &str, name: &str, order: &str) -> Result<Vec<Row>> {
        let query = json!({
            "where": { "kind": kind, "name": name },
            "orderBy": order,
            "limit": PAGE,
            "count": false,
        });
        let found = self.engine.find(&system(), object, read_query(&query)?).await?;
        rows(&found.records)
    }
}

fn number(row: &Row) -> u64 {
    row.get("number").and_then(Value::as_u64).unwrap_or_default()
}

fn system() -> Context {
    Context::background().as_system()
}

fn read_query(query: &Value) -> Result<QueryInput> {
    match query {
        Value::Object(map) => QueryInput::from_map(map),
        _ => Err(DataError::internal("a query is an object")),
    }
}

fn rows(records: &[u8]) -> Result<Vec<Row>> {
    serde_json::from_slice(records).map_err(|error| DataError::internal(error.to_string()))
}
