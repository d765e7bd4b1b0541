//! Events on their way: read, or taken for one node where several work on one database. Called by the service's own methods.
//!
//! Whoever asks takes a page that is not full for the last one. So a page never comes short for rows that cannot be read: it is
//! filled up from behind.

use std::collections::HashMap;

use objectos_plugin_api::Result;
use objectos_plugin_api::contracts::event_store::{Delivery, DeliveryState, PendingRequest, StoredEvent};

use super::{LIST_MAX, StoredEvents, event_of, number, places, text, unsigned};
use crate::store::{Expect, Row, SqlValue, Statement, WriteUnit};

/// Nodes claim one after the other.
const CLAIM_LOCK: &str = "SELECT pg_advisory_xact_lock(7041766, hashtext(current_schema() || '.event'))";
/// Placeholders: after, now, node, node, now, after, limit, node, end of the lease.
const CLAIM: &str = "WITH claimed AS MATERIALIZED (SELECT e.sequence FROM objectos_event e WHERE e.done = 0 \
    AND e.sequence > ? AND (e.lease_until_ms <= ? OR e.lease_node = ?) AND NOT EXISTS (SELECT 1 FROM objectos_event b \
    WHERE b.done = 0 AND b.key = e.key AND b.key <> '' AND b.sequence < e.sequence AND b.lease_node IS DISTINCT FROM ? \
    AND (b.lease_until_ms > ? OR b.sequence <= ?)) ORDER BY e.sequence LIMIT ? FOR UPDATE OF e SKIP LOCKED) \
    UPDATE objectos_event SET lease_node = ?, lease_until_ms = ? WHERE sequence IN (SELECT sequence FROM claimed) \
    RETURNING sequence";
/// Events on their way, and how many of their handlers are followed one by one; what [`waiting_of`] reads.
const WAITING: &str = "SELECT e.sequence, e.key, e.event, \
    (SELECT COUNT(*) FROM objectos_event_delivery d WHERE d.sequence = e.sequence) FROM objectos_event e";

/// An event without its deliveries, and whether there are any.
type Waiting = (StoredEvent, bool);

/// What one statement gave.
struct Found {
    events: Vec<Waiting>,
    /// Those that cannot be read among them.
    rows: usize,
    /// Sequence of the last row.
    last: u64,
}

impl StoredEvents {
    /// Events that are not done, as many as are asked for if so many can be read.
    pub(super) async fn waiting(&self, mut request: PendingRequest) -> Result<Vec<StoredEvent>> {
        let leased = self.store.shared() && request.lease_ms > 0;
        let mut events = Vec::new();
        loop {
            let found = if leased {
                self.claim(&request).await?
            } else {
                self.look_for(&request).await?
            };
            let all = found.rows < usize::try_from(request.limit).unwrap_or(usize::MAX);
            let readable = u32::try_from(found.events.len()).unwrap_or(u32::MAX);
            events.extend(found.events);
            request.after = found.last;
            request.limit = request.limit.saturating_sub(readable);
            if all || request.limit == 0 {
                return self.with_deliveries(events).await;
            }
        }
    }

    async fn look_for(&self, request: &PendingRequest) -> Result<Found> {
        // The limit is written out: SQLite prepares a statement anew for each number that is bound as its limit.
        let sql = format!(
            "{WAITING} WHERE e.done = 0 AND e.sequence > ? ORDER BY e.sequence LIMIT {}",
            request.limit
        );
        let statement = Statement::new(sql, vec![number(request.after)]);
        let rows = self.rows(&statement, waiting_of).await?;
        Ok(Found {
            rows: rows.len(),
            last: rows.last().map_or(request.after, |(sequence, _)| *sequence),
            events: rows.into_iter().filter_map(|(_, event)| event).collect(),
        })
    }

    /// Takes events for this node where other nodes do the same: one after the other, so that each sees what the one before
    /// took. Rows that are being settled are passed over. Of a key of which another node holds an earlier event, nothing is
    /// taken: their order would be lost. Nor is it where an earlier one that this node has never had lies before the page: it was
    /// stored by a transaction that took its time, and who looks from the beginning takes both. What this node had comes in order
    /// there, even if its lease is over.
    async fn claim(&self, request: &PendingRequest) -> Result<Found> {
        let now_ms = self.clock.now_ms();
        let lease_ms = i64::try_from(request.lease_ms).unwrap_or(i64::MAX);
        let mut unit = WriteUnit::default();
        unit.push(Statement::new(CLAIM_LOCK, Vec::new()), Expect::Anything);
        let node = SqlValue::from(request.node.as_str());
        let values = vec![
            number(request.after),
            now_ms.into(),
            node.clone(),
            node.clone(),
            now_ms.into(),
            number(request.after),
            SqlValue::Integer(i64::from(request.limit)),
            node,
            now_ms.saturating_add(lease_ms).into(),
        ];
        unit.push(Statement::new(CLAIM, values), Expect::Numbers);
        let mut sequences = self.write(unit).await?;
        sequences.sort_unstable();
        let last = sequences.last().and_then(|last| u64::try_from(*last).ok());
        let mut found = Found {
            events: Vec::with_capacity(sequences.len()),
            rows: sequences.len(),
            last: last.unwrap_or(request.after),
        };
        for chunk in sequences.chunks(LIST_MAX) {
            let values: Vec<SqlValue> = chunk.iter().map(|sequence| SqlValue::Integer(*sequence)).collect();
            let sql = format!(
                "{WAITING} WHERE e.sequence IN ({}) ORDER BY e.sequence",
                places(chunk.len())
            );
            let rows = self.rows(&Statement::new(sql, values), waiting_of).await?;
            found.events.extend(rows.into_iter().filter_map(|(_, event)| event));
        }
        Ok(found)
    }

    /// The events, with what is known of single handlers: of most, nothing.
    async fn with_deliveries(&self, found: Vec<Waiting>) -> Result<Vec<StoredEvent>> {
        let mut by_sequence: HashMap<u64, Vec<Delivery>> = HashMap::new();
        let followed: Vec<u64> = found
            .iter()
            .filter(|(_, followed)| *followed)
            .map(|(event, _)| event.sequence)
            .collect();
        for chunk in followed.chunks(LIST_MAX) {
            let values = chunk.iter().map(|sequence| number(*sequence)).collect::<Vec<_>>();
            let sql = format!(
                "SELECT sequence, handler, state, attempts, first_failed_at_ms, error FROM objectos_event_delivery \
                 WHERE sequence IN ({}) ORDER BY sequence, handler",
                places(values.len())
            );
            for delivery in self.rows(&Statement::new(sql, values), delivery_of).await? {
                by_sequence.entry(delivery.sequence).or_default().push(delivery);
            }
        }
        let events = found.into_iter().map(|(mut event, _)| {
            event.deliveries = by_sequence.remove(&event.sequence).unwrap_or_default();
            event
        });
        Ok(events.collect())
    }
}

/// Columns of [`WAITING`]. An event that cannot be read is left out and told of.
fn waiting_of(row: &dyn Row) -> Option<(u64, Option<Waiting>)> {
    let sequence = unsigned(row, 0)?;
    let event = event_of(row).zip(unsigned(row, 3).map(|count| count > 0));
    if event.is_none() {
        tracing::error!(sequence, "an event of the event store cannot be read");
    }
    Some((sequence, event))
}

fn delivery_of(row: &dyn Row) -> Option<Delivery> {
    let state = match row.cell(2).as_text()? {
        "retrying" => DeliveryState::Retrying,
        "done" => DeliveryState::Done,
        "dead" => DeliveryState::Dead,
        _ => return None,
    };
    Some(Delivery {
        sequence: unsigned(row, 0)?,
        handler: text(row, 1)?,
        state,
        attempts: u32::try_from(unsigned(row, 3)?).ok()?,
        first_failed_at_ms: row.cell(4).as_integer()?,
        error: text(row, 5)?,
    })
}
