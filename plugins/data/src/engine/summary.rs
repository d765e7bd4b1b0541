//! Tells of what was done with many records at once: given out, taken in, changed or deleted by one request. Each record has
//! its own event as well; this one says that it was one deed, whose, and how large. Called by export, import and batches.

use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::events::{self, Origin, SecurityEvent};
use serde_json::{Map, Value, json};

use super::{BatchOperation, Engine};
use crate::error::{DataError, Result};
use crate::outbox;
use crate::record::Layout;
use crate::store::{Expect, Outcome, Statement, WriteUnit};

/// What was done.
#[derive(Debug)]
pub(super) struct Summary {
    /// Name of the event.
    pub(super) name: &'static str,
    /// In a word: `exported`, `imported`, …
    pub(super) verb: &'static str,
    /// Records with which it was done.
    pub(super) done: u64,
    /// Records with which it failed.
    pub(super) failed: u64,
    /// What else is worth knowing.
    pub(super) metadata: Map<String, Value>,
}

impl Summary {
    /// Of a batch; none for one that makes records, which has no name in the trail.
    pub(super) fn of_batch(operation: BatchOperation, done: u64, failed: u64) -> Option<Self> {
        let (name, verb) = match operation {
            BatchOperation::Create => return None,
            BatchOperation::Update => (events::DATA_BULK_UPDATE, "changed"),
            BatchOperation::Upsert => (events::DATA_BULK_UPDATE, "made or changed"),
            BatchOperation::Restore => (events::DATA_BULK_UPDATE, "restored"),
            BatchOperation::Delete => (events::DATA_BULK_DELETE, "deleted"),
            BatchOperation::Purge => (events::DATA_BULK_DELETE, "deleted for good"),
        };
        let metadata = Map::from_iter([("operation".to_owned(), json!(operation.name()))]);
        Some(Self {
            name,
            verb,
            done,
            failed,
            metadata,
        })
    }

    fn event(self, context: &Context, object: &str) -> SecurityEvent {
        let result = match (self.done, self.failed) {
            (_, 0) => "success",
            (0, _) => "failure",
            _ => "partial",
        };
        let mut metadata = self.metadata;
        metadata.insert("object".to_owned(), json!(object));
        metadata.insert("records".to_owned(), json!(self.done));
        if self.failed > 0 {
            metadata.insert("failed".to_owned(), json!(self.failed));
        }
        SecurityEvent {
            origin: Origin::of(context),
            target_type: Some("object".to_owned()),
            target_id: Some(object.to_owned()),
            target_name: Some(object.to_owned()),
            description: format!("{} records of '{object}' {}", self.done, self.verb),
            result: result.to_owned(),
            error_message: None,
            metadata,
        }
    }
}

impl Engine {
    /// The statement that stores the event. None for the bookkeeping of plugins: it would tell of itself.
    pub(super) fn summary(&self, context: &Context, layout: &Layout, summary: Summary) -> Option<Statement> {
        if context.system() && layout.object.system {
            return None;
        }
        let name = summary.name;
        let event = summary.event(context, &layout.object.name);
        Some(outbox::summary_event(context, self.now_ms(), name, &event))
    }

    /// Stores the event by itself, in the database of the object.
    pub(super) async fn tell_summary(&self, context: &Context, layout: &Layout, summary: Summary) -> Result<()> {
        let Some(statement) = self.summary(context, layout, summary) else {
            return Ok(());
        };
        let mut unit = WriteUnit::default();
        unit.push(statement, Expect::Anything);
        match self.store_of(layout).write(unit).await? {
            Outcome::Stored(_) => {
                self.parts.signal.stored();
                Ok(())
            }
            Outcome::Refused(refusal) => Err(DataError::internal(format!("an event was refused: {refusal:?}"))),
        }
    }
}
