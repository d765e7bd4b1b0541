//! The steps that two callers do between each other's calls, and the records that they do them with. Used by `calls`, which says
//! when.

use objectos_data::engine::{BatchItem, BatchOperation, BatchOptions, Engine, RecordAnswer, TransactionItem};
use objectos_data::error::{DataError, Result};
use objectos_data::query::QueryInput;
use objectos_plugin_api::{Context, ErrorKind};
use serde_json::{Value, json};

use crate::world::fields;

/// One step. Shelves `a` and `b` stand there, each with a book, `c` is in the bin with its own, and there is no `d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A page of shelves, with how many there are in all.
    Page,
    /// The same with their books, whose shelves, and the total.
    Expanded,
    /// One book with its shelf.
    One,
    /// Changes `a`, whatever it is.
    Update,
    /// Changes `a`, if it is as it was in the beginning.
    UpdateExpected,
    /// Deletes `a`.
    Delete,
    /// Brings `c` back.
    Restore,
    /// Deletes `c` for good.
    Purge,
    /// Makes `d`, known by its code.
    UpsertNew,
    /// Changes `a`, known by its code.
    UpsertKnown,
    /// Changes `a` and `b`, or neither.
    Batch,
    /// Changes `b`, puts a new book onto `a` and deletes the one of `b`, or nothing of it.
    Transaction,
}

pub(super) const READS: [Kind; 3] = [Kind::Page, Kind::Expanded, Kind::One];
pub(super) const WRITES: [Kind; 9] = [
    Kind::Update,
    Kind::UpdateExpected,
    Kind::Delete,
    Kind::Restore,
    Kind::Purge,
    Kind::UpsertNew,
    Kind::UpsertKnown,
    Kind::Batch,
    Kind::Transaction,
];

/// What one caller was told. Without what is chance, and without what tells one run from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    text: String,
    /// It was refused for another's sake.
    pub(super) conflict: bool,
}

/// The records of one run.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// All of them have it.
    pub(super) prefix: String,
    /// Which of the two callers: what they write is not the same.
    pub(super) side: usize,
}

impl Run {
    pub(super) fn id(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn shelf(&self, name: &str, value: usize) -> Value {
        json!({ "id": self.id(name), "run": self.prefix, "code": self.id(name), "value": value })
    }

    fn book(&self, name: &str, shelf: &str) -> Value {
        json!({ "id": self.id(name), "run": self.prefix, "value": 1, "shelf": self.id(shelf) })
    }

    fn item(&self, object: &str, operation: BatchOperation, name: Option<&str>, data: Value) -> TransactionItem {
        TransactionItem {
            object: object.to_owned(),
            operation,
            id: name.map(|name| self.id(name)),
            external_id: None,
            data: fields(data),
            expected: None,
        }
    }

    /// The records that are there before anything happens, `c` not yet in the bin.
    pub(super) fn begin(&self) -> Vec<TransactionItem> {
        let new = |object: &str, data: Value| self.item(object, BatchOperation::Create, None, data);
        vec![
            new("shelf", self.shelf("a", 1)),
            new("shelf", self.shelf("b", 2)),
            new("shelf", self.shelf("c", 3)),
            new("book", self.book("ab", "a")),
            new("book", self.book("bb", "b")),
            new("book", self.book("cb", "c")),
        ]
    }

    /// A value that the other one does not write.
    fn change(&self) -> Value {
        json!({ "value": 10 + self.side })
    }

    /// Leaves the name of the run and the ids that were made in it out.
    pub(super) fn plain(&self, text: &str) -> String {
        let made = |part: &str| {
            part.len() == 22 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let text = text.replace(&self.prefix, "");
        let parts = text.split('"').map(|part| if made(part) { "#made" } else { part });
        parts.collect::<Vec<_>>().join("\"")
    }

    fn told(&self, answered: Result<Vec<u8>>) -> Told {
        match answered {
            Ok(answer) => Told {
                text: self.plain(&String::from_utf8(answer).expect("an answer is text")),
                conflict: false,
            },
            Err(error) => Told {
                text: self.plain(&format!("{} {error} {}", error.code(), error.details())),
                conflict: error.kind() == ErrorKind::Conflict,
            },
        }
    }

    /// Does a step.
    pub(super) async fn step(&self, engine: &Engine, local: &Context, kind: Kind) -> Told {
        let answered = match kind {
            Kind::Page | Kind::Expanded | Kind::One => self.read(engine, local, kind).await,
            _ => self.write(engine, local, kind).await,
        };
        self.told(answered)
    }

    async fn read(&self, engine: &Engine, local: &Context, kind: Kind) -> Result<Vec<u8>> {
        let shelf = json!({ "shelf": { "fields": ["value", "version"] } });
        if kind == Kind::One {
            let query = QueryInput::from_map(&fields(json!({ "expand": shelf })))?;
            let answer = engine.get(local, "book", &self.id("ab"), &query).await?;
            return Ok(answer.to_json());
        }
        let mut query = json!({ "where": { "run": self.prefix }, "orderBy": "id", "limit": 1, "count": true });
        if kind == Kind::Expanded {
            let books = json!({ "fields": ["value", "shelf"], "orderBy": "id", "expand": shelf });
            query["expand"] = json!({ "book": books });
        }
        let query = QueryInput::from_map(&fields(query))?;
        let mut found = engine.find(local, "shelf", query).await?;
        // Chance, and only where the next page begins.
        found.next_cursor = None;
        Ok(found.to_json())
    }

    async fn write(&self, engine: &Engine, local: &Context, kind: Kind) -> Result<Vec<u8>> {
        let done = |()| b"done".to_vec();
        let one = |answer: RecordAnswer| answer.to_json();
        let change = || fields(self.change());
        let a = self.id("a");
        match kind {
            Kind::Update => engine.update(local, "shelf", &a, change(), None).await.map(one),
            Kind::UpdateExpected => {
                let expected = Some("1".to_owned());
                engine.update(local, "shelf", &a, change(), expected).await.map(one)
            }
            Kind::Delete => engine.delete(local, "shelf", &a).await.map(done),
            Kind::Restore => engine.restore(local, "shelf", &self.id("c")).await.map(one),
            Kind::Purge => engine.purge(local, "shelf", &self.id("c"), None).await.map(done),
            Kind::UpsertNew | Kind::UpsertKnown => {
                let name = if kind == Kind::UpsertNew { "d" } else { "a" };
                let mut data = self.change();
                data["run"] = json!(self.prefix);
                let item = BatchItem {
                    external_id: Some(self.id(name)),
                    data: fields(data),
                    ..BatchItem::default()
                };
                self.batch(engine, local, BatchOperation::Upsert, vec![item]).await
            }
            Kind::Batch => {
                let item = |name: &str| BatchItem {
                    id: Some(self.id(name)),
                    data: change(),
                    ..BatchItem::default()
                };
                let items = vec![item("a"), item("b")];
                self.batch(engine, local, BatchOperation::Update, items).await
            }
            Kind::Transaction => {
                let new = self.book(&format!("new{}", self.side), "a");
                let items = vec![
                    self.item("shelf", BatchOperation::Update, Some("b"), self.change()),
                    self.item("book", BatchOperation::Create, None, new),
                    self.item("book", BatchOperation::Delete, Some("bb"), json!({})),
                ];
                let answers = engine.transaction(local, items).await?;
                let texts: Vec<Vec<u8>> = answers.into_iter().map(one).collect();
                Ok(texts.concat())
            }
            Kind::Page | Kind::Expanded | Kind::One => Err(DataError::internal("a read writes nothing")),
        }
    }

    async fn batch(
        &self,
        engine: &Engine,
        local: &Context,
        operation: BatchOperation,
        items: Vec<BatchItem>,
    ) -> Result<Vec<u8>> {
        let options = BatchOptions {
            return_records: true,
            ..BatchOptions::default()
        };
        let answer = engine.batch(local, "shelf", operation, items, options).await?;
        Ok(answer.to_json().to_string().into_bytes())
    }
}
