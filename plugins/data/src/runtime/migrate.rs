//! Saved items in older spellings, brought into the protocol's. They are understood either way: this is for whoever wants to
//! read them as they are meant. What it makes of an item is saved like any change of it, as a version of its own.

use objectos_plugin_api::Context;
use objectos_plugin_api::protocol::dialect::{NoteKind, normalise_object};
use serde_json::{Value, json};

use super::{RuntimeMetadata, Terms, known_kind};
use crate::error::{DataError, Result};
use crate::metadata::Kind;

/// What became of the items, in numbers and one by one.
#[derive(Debug, Default)]
struct Report {
    scanned: u64,
    canonical: u64,
    pending: u64,
    rewritten: u64,
    failed: u64,
    rows: Vec<Value>,
}

impl RuntimeMetadata {
    /// `{applied, scanned, canonical, pending, rewritten, skipped, failed, rows: [{type, name, status, changes?, error?}]}`; rows
    /// are those that were not canonical. Without `apply` nothing is written. Of some kinds only, if there are any.
    ///
    /// # Errors
    /// Refusals of the caller; `NotFound` for a kind that is none.
    pub async fn migrate_stored(&self, context: &Context, kinds: &[String], apply: bool) -> Result<Value> {
        self.authorise_reading(context).await?;
        let kinds: Vec<&'static Kind> = kinds.iter().map(|kind| known_kind(kind)).collect::<Result<_>>()?;
        let stored = {
            let mut state = self.alone().await;
            self.catch_up(&mut state).await?;
            state.items.clone()
        };
        let mut report = Report::default();
        for ((kind, name), file) in stored {
            let kind = known_kind(kind)?;
            if !kinds.is_empty() && !kinds.contains(&kind) {
                continue;
            }
            report.scanned += 1;
            match canonical(kind, &file.text)? {
                None => report.canonical += 1,
                Some(newer) => {
                    self.bring(context, (kind, name.as_str()), newer, apply, &mut report)
                        .await
                }
            }
        }
        Ok(json!({
            "applied": apply,
            "scanned": report.scanned,
            "canonical": report.canonical,
            "pending": report.pending,
            "rewritten": report.rewritten,
            "skipped": 0,
            "failed": report.failed,
            "rows": report.rows,
        }))
    }

    async fn bring(
        &self,
        context: &Context,
        (kind, name): (&'static Kind, &str),
        (definition, changes): (Value, Vec<String>),
        apply: bool,
        report: &mut Report,
    ) {
        let mut row = json!({ "type": kind.name, "name": name, "status": "pending", "changes": changes });
        if apply {
            match self.save(context, kind.name, name, definition, &Terms::default()).await {
                Ok(_) => {
                    report.rewritten += 1;
                    row["status"] = json!("rewritten");
                }
                Err(error) => {
                    report.failed += 1;
                    row["status"] = json!("failed");
                    row["error"] = json!(error.to_string());
                }
            }
        } else {
            report.pending += 1;
        }
        report.rows.push(row);
    }
}

/// A definition in the protocol's spelling and what is different in it; none when it is in it already. Only objects have older
/// spellings.
fn canonical(kind: &Kind, text: &str) -> Result<Option<(Value, Vec<String>)>> {
    if kind.name != "object" {
        return Ok(None);
    }
    let definition = serde_json::from_str(text).map_err(|error| DataError::internal(error.to_string()))?;
    let (newer, notes) = normalise_object(definition);
    let changes: Vec<String> = notes
        .iter()
        .filter(|note| note.kind != NoteKind::Inferred)
        .map(ToString::to_string)
        .collect();
    Ok((!changes.is_empty()).then_some((newer, changes)))
}
