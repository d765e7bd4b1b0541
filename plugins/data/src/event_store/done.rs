//! Done events on their way into an archive: read here, kept there, forgotten here.
//!
//! The last event of all is not given away while it is the last, so that no sequence is ever given twice.

use objectos_plugin_api::Result;
use objectos_plugin_api::contracts::event_store::{DoneEvent, DoneRequest, StoredEvent};

use super::aggregates::{of_objects, of_records};
use super::{LIST_MAX, StoredEvents, event_of, number, places};
use crate::store::{Expect, Row, SqlValue, Statement, WriteUnit};

/// What may leave.
const DONE: &str = "done = 1 AND sequence < (SELECT max(sequence) FROM objectos_event)";

/// Columns `sequence, key, event, stored_at_ms`.
fn done_of(row: &dyn Row) -> Option<DoneEvent> {
    let StoredEvent {
        sequence, key, event, ..
    } = event_of(row)?;
    Some(DoneEvent {
        sequence,
        stored_at_ms: row.cell(3).as_integer()?,
        key,
        event,
    })
}

impl StoredEvents {
    /// Events to be kept elsewhere.
    pub(super) async fn done_page(&self, request: &DoneRequest) -> Result<Vec<DoneEvent>> {
        let mut values = vec![number(request.after)];
        let mut wanted = match &request.but_records_of {
            None => String::new(),
            Some(objects) => format!(" AND NOT ({} AND {})", of_records(), of_objects(objects, &mut values)),
        };
        if let Some(objects) = &request.only_records_of {
            wanted.push_str(&format!(
                " AND {} AND {}",
                of_records(),
                of_objects(objects, &mut values)
            ));
        }
        // The limit is written out: SQLite prepares a statement anew for each number that is bound as its limit.
        let sql = format!(
            "SELECT sequence, key, event, stored_at_ms FROM objectos_event WHERE {DONE} AND sequence > ?{wanted} \
             ORDER BY sequence LIMIT {}",
            request.limit
        );
        self.rows(&Statement::new(sql, values), done_of).await
    }

    /// Forgets events that are kept elsewhere; answers how many.
    pub(super) async fn forget_moved(&self, sequences: &[u64]) -> Result<u64> {
        let mut unit = WriteUnit::default();
        for chunk in sequences.chunks(LIST_MAX) {
            let values: Vec<SqlValue> = chunk.iter().map(|sequence| number(*sequence)).collect();
            let moved = format!("objectos_event WHERE {DONE} AND sequence IN ({})", places(chunk.len()));
            // A snapshot is of no use where events after it may be missing.
            let sql = format!(
                "DELETE FROM objectos_snapshot WHERE key IN (SELECT key FROM {moved} AND {})",
                of_records()
            );
            unit.push(Statement::new(sql, values.clone()), Expect::Anything);
            let counted = Statement::new(format!("SELECT COUNT(*) FROM {moved}"), values.clone());
            unit.push(counted, Expect::Numbers);
            unit.push(Statement::new(format!("DELETE FROM {moved}"), values), Expect::Anything);
        }
        let counted = self.write(unit).await?;
        Ok(counted.iter().filter_map(|count| u64::try_from(*count).ok()).sum())
    }
}
