//! Stored events once more, for a replay: done or not, by time and name, page by page. What is kept of them elsewhere is in
//! `event_archive`. Called by the service's own methods.

use objectos_plugin_api::Result;
use objectos_plugin_api::contracts::event_store::{RangePage, RangePageRequest, RangeRequest, StoredEvent};
use objectos_plugin_api::protocol::kernel::plugin_document::matches_event;

use super::{StoredEvents, event_of, number, unsigned};
use crate::event_budget::EventBudget;
use crate::store::{Row, Statement};

/// Rows of one statement.
const ROWS_MAX: u64 = 1_000;

impl StoredEvents {
    /// A page of a range.
    pub(super) async fn page(&self, request: &RangePageRequest) -> Result<RangePage> {
        let limit = usize::try_from(request.range.limit).unwrap_or(usize::MAX);
        let mut budget = EventBudget::of(request, &*self.clock);
        let mut events = Vec::new();
        let mut after = request.range.after;
        loop {
            let most = budget.step(ROWS_MAX);
            let rows = self.look(&request.range, after, most).await?;
            let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            for (sequence, event) in rows {
                after = sequence;
                events.extend(event);
                if events.len() >= limit {
                    let next = Some(after);
                    return Ok(RangePage { events, next });
                }
            }
            if count < most {
                return Ok(RangePage { events, next: None });
            }
            budget.take(count);
            if budget.is_spent() {
                let next = Some(after);
                return Ok(RangePage { events, next });
            }
        }
    }

    /// Events of the time that is asked for, in order of sequence; those of other names come without themselves.
    async fn look(&self, range: &RangeRequest, after: u64, most: u64) -> Result<Vec<(u64, Option<StoredEvent>)>> {
        // The limit is written out: SQLite prepares a statement anew for each number that is bound as its limit.
        let sql = format!(
            "SELECT sequence, key, event, name FROM objectos_event WHERE sequence > ? AND stored_at_ms >= ? \
             AND stored_at_ms < ? ORDER BY sequence LIMIT {most}"
        );
        let values = vec![
            number(after),
            range.from_ms.into(),
            range.to_ms.unwrap_or(i64::MAX).into(),
        ];
        self.rows(&Statement::new(sql, values), |row| looked_at(&range.names, row))
            .await
    }
}

/// Columns `sequence, key, event, name`. The event is read only when its name is wanted; one that cannot be read is left out and
/// told of.
fn looked_at(names: &[String], row: &dyn Row) -> Option<(u64, Option<StoredEvent>)> {
    let sequence = unsigned(row, 0)?;
    let name = row.cell(3);
    let name = name.as_text().unwrap_or_default();
    if !names.is_empty() && !names.iter().any(|pattern| matches_event(pattern, name)) {
        return Some((sequence, None));
    }
    let event = event_of(row);
    if event.is_none() {
        tracing::error!(sequence, "an event of the event store cannot be read");
    }
    Some((sequence, event))
}
