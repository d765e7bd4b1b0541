//! The service `event-store`: durable events wait in the same database as the records, so that an event is there exactly when
//! its change is.
//!
//! Writing goes through the store's writer like every change. Events are read by sequence; an event that some handlers had and
//! others not is followed up by rows of single deliveries. Where other nodes write to the same database, events are leased to the
//! one that reads them; a database that one node has alone (its host locks the data directory) needs none. How that goes is in
//! `waiting`; what records were, for event sourcing, in `aggregates`; how done events leave for an archive, in `done`; how all are
//! read again, in `range`. Called by the kernel alone.

mod aggregates;
mod done;
mod range;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use objectos_plugin_api::contracts::event_store::{
    Aggregate, AggregatePage, AggregateRequest, DeadLetterRequest, Delivery, DeliveryState, DoneEvent, DoneRequest,
    DueRequest, EventStore, EventToStore, KeepRequest, PendingRequest, PruneRequest, RangePage, RangePageRequest,
    RangeRequest, SettleRequest, StoredEvent,
};
use objectos_plugin_api::protocol::kernel::{DeadLetterQueueEntry, Event};
use objectos_plugin_api::{Context, Error, ErrorKind, Result};
use serde::de::DeserializeOwned;

use crate::engine::ports::{Clock, EventSignal};
use crate::error::DataError;
use crate::event_relay::EventRelay;
use crate::outbox::foreign_event;
use crate::store::{Datasources, Expect, Outcome, Row, SqlValue, Statement, Store, WriteUnit};

/// Rows of one statement with a list of sequences.
const LIST_MAX: usize = 500;

/// Events in the store of the records.
#[derive(Debug)]
pub struct StoredEvents {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    relay: EventRelay,
    index: aggregates::Index,
}

impl StoredEvents {
    /// In a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            relay: EventRelay::none(),
            index: aggregates::Index::default(),
        }
    }

    /// In a store, with those of further databases taken over into it. What comes from there when nobody waits for it any more
    /// is told of.
    #[must_use]
    pub fn with_datasources(
        store: Arc<dyn Store>,
        datasources: &Datasources,
        clock: Arc<dyn Clock>,
        signal: &Arc<dyn EventSignal>,
    ) -> Self {
        let relay = EventRelay::new(&store, datasources, signal);
        Self {
            relay,
            ..Self::new(store, clock)
        }
    }

    /// As it is, but a look waits so long for events of further databases before it answers without them.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self {
            relay: self.relay.with_patience(patience),
            ..self
        }
    }

    /// Ends what is under way by itself; nothing comes over from further databases from then on.
    pub async fn stop(&self) {
        self.relay.stop().await;
    }

    async fn write(&self, unit: WriteUnit) -> Result<Vec<i64>> {
        if unit.steps.is_empty() {
            return Ok(Vec::new());
        }
        match self.store.write(unit).await? {
            Outcome::Stored(numbers) => Ok(numbers),
            Outcome::Refused(refusal) => {
                Err(DataError::internal(format!("the tables of the event store refused a change: {refusal:?}")).into())
            }
        }
    }

    /// Reads rows; a row that cannot be read is left out and told of.
    async fn rows<T: Send>(
        &self,
        statement: &Statement,
        read: impl Fn(&dyn Row) -> Option<T> + Send + Sync,
    ) -> Result<Vec<T>> {
        let mut rows = Vec::new();
        let mut reader = self.store.reader().await?;
        reader
            .read(statement, &mut |row| match read(row) {
                Some(value) => rows.push(value),
                None => tracing::error!("a row of the event store cannot be read"),
            })
            .await?;
        Ok(rows)
    }

    /// Forgets done events for which the condition holds; answers how many. The last event stays, so that no sequence is ever
    /// given twice.
    async fn prune_where(&self, condition: &str, values: Vec<SqlValue>) -> Result<u64> {
        let old = format!(
            "objectos_event WHERE done = 1 AND sequence < (SELECT max(sequence) FROM objectos_event) AND {condition}"
        );
        let mut unit = WriteUnit::default();
        let counted = Statement::new(format!("SELECT COUNT(*) FROM {old}"), values.clone());
        unit.push(counted, Expect::Numbers);
        unit.push(Statement::new(format!("DELETE FROM {old}"), values), Expect::Anything);
        let counted = self.write(unit).await?;
        let count = counted.first().and_then(|count| u64::try_from(*count).ok());
        Ok(count.unwrap_or_default())
    }
}

/// Placeholders for so many values.
pub(crate) fn places(count: usize) -> String {
    let mut out = "?, ".repeat(count);
    out.truncate(out.len().saturating_sub(2));
    out
}

fn number(sequence: u64) -> SqlValue {
    SqlValue::Integer(i64::try_from(sequence).unwrap_or(i64::MAX))
}

fn text(row: &dyn Row, index: usize) -> Option<String> {
    row.cell(index).as_text().map(str::to_owned)
}

fn unsigned(row: &dyn Row, index: usize) -> Option<u64> {
    u64::try_from(row.cell(index).as_integer()?).ok()
}

fn json<T: DeserializeOwned>(row: &dyn Row, index: usize) -> Option<T> {
    serde_json::from_str(row.cell(index).as_text()?).ok()
}

/// Columns `sequence, key, event`.
fn event_of(row: &dyn Row) -> Option<StoredEvent> {
    let event: Event = json(row, 2)?;
    Some(StoredEvent {
        sequence: unsigned(row, 0)?,
        key: text(row, 1)?,
        event,
        deliveries: Vec::new(),
    })
}

fn delivery_step(delivery: &Delivery) -> Statement {
    let state = match delivery.state {
        DeliveryState::Retrying => "retrying",
        DeliveryState::Done => "done",
        DeliveryState::Dead => "dead",
    };
    Statement::new(
        "INSERT INTO objectos_event_delivery (sequence, handler, state, attempts, first_failed_at_ms, error) \
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (sequence, handler) DO UPDATE SET state = excluded.state, \
         attempts = excluded.attempts, first_failed_at_ms = excluded.first_failed_at_ms, error = excluded.error",
        vec![
            number(delivery.sequence),
            delivery.handler.as_str().into(),
            state.into(),
            i64::from(delivery.attempts).into(),
            delivery.first_failed_at_ms.into(),
            delivery.error.as_str().into(),
        ],
    )
}

/// Events are the bus's: whoever wrote here past it could forge them, or let others vanish unseen.
pub(crate) fn only_the_kernel(service: &str, context: &Context) -> Result<()> {
    let caller = context.caller();
    if caller.is_empty() {
        return Ok(());
    }
    tracing::warn!(
        plugin = caller,
        service,
        "a plugin called a service that is for the kernel alone"
    );
    Err(Error::new(
        ErrorKind::Denied,
        format!(
            "plugin {caller} may not use the service {service}: it is for the kernel alone; publish events instead"
        ),
    ))
}

impl EventStore for StoredEvents {
    async fn append(&self, context: Context, events: Vec<EventToStore>) -> Result<Vec<u64>> {
        only_the_kernel("event-store", &context)?;
        let now_ms = self.clock.now_ms();
        let mut unit = WriteUnit::default();
        for EventToStore { event, key } in &events {
            let statement =
                foreign_event(event, key, now_ms).map_err(|error| DataError::internal(error.to_string()))?;
            unit.push(statement, Expect::Numbers);
        }
        let sequences = self.write(unit).await?;
        Ok(sequences
            .into_iter()
            .filter_map(|sequence| u64::try_from(sequence).ok())
            .collect())
    }

    async fn pending(&self, context: Context, request: PendingRequest) -> Result<Vec<StoredEvent>> {
        only_the_kernel("event-store", &context)?;
        self.relay.look().await;
        self.waiting(request).await
    }

    async fn settle(&self, context: Context, request: SettleRequest) -> Result<()> {
        only_the_kernel("event-store", &context)?;
        let mut unit = WriteUnit::default();
        for chunk in request.done.chunks(LIST_MAX) {
            let values: Vec<SqlValue> = chunk.iter().map(|sequence| number(*sequence)).collect();
            let places = places(chunk.len());
            let done = format!("UPDATE objectos_event SET done = 1, lease_node = NULL WHERE sequence IN ({places})");
            unit.push(Statement::new(done, values.clone()), Expect::Anything);
            // Of an event that all had, nothing single is of interest any more.
            let forget = format!("DELETE FROM objectos_event_delivery WHERE sequence IN ({places})");
            unit.push(Statement::new(forget, values), Expect::Anything);
        }
        for delivery in request
            .deliveries
            .iter()
            .filter(|delivery| !request.done.contains(&delivery.sequence))
        {
            unit.push(delivery_step(delivery), Expect::Anything);
        }
        for entry in &request.dead_letters {
            let text = serde_json::to_string(entry).map_err(|error| DataError::internal(error.to_string()))?;
            let statement = Statement::new(
                "INSERT INTO objectos_dead_letter (id, last_failed_at, entry) VALUES (?, ?, ?) \
                 ON CONFLICT (id) DO UPDATE SET last_failed_at = excluded.last_failed_at, entry = excluded.entry",
                vec![
                    entry.id.as_str().into(),
                    entry.last_failed_at.as_str().into(),
                    SqlValue::Json(text),
                ],
            );
            unit.push(statement, Expect::Anything);
        }
        self.write(unit).await.map(drop)
    }

    async fn range(&self, context: Context, range: RangeRequest) -> Result<Vec<StoredEvent>> {
        only_the_kernel("event-store", &context)?;
        let endless = RangePageRequest {
            range,
            ..RangePageRequest::default()
        };
        Ok(self.page(&endless).await?.events)
    }

    async fn range_page(&self, context: Context, request: RangePageRequest) -> Result<RangePage> {
        only_the_kernel("event-store", &context)?;
        self.page(&request).await
    }

    async fn dead_letters(&self, context: Context, request: DeadLetterRequest) -> Result<Vec<DeadLetterQueueEntry>> {
        only_the_kernel("event-store", &context)?;
        let page = [
            SqlValue::Integer(i64::from(request.limit)),
            SqlValue::Integer(i64::from(request.offset)),
        ];
        let statement = match &request.id {
            Some(id) => {
                let mut values = vec![SqlValue::from(id.as_str())];
                values.extend(page);
                Statement::new(
                    "SELECT entry FROM objectos_dead_letter WHERE id = ? LIMIT ? OFFSET ?",
                    values,
                )
            }
            None => Statement::new(
                "SELECT entry FROM objectos_dead_letter ORDER BY last_failed_at DESC, id LIMIT ? OFFSET ?",
                page.to_vec(),
            ),
        };
        let entries: Vec<DeadLetterQueueEntry> = self.rows(&statement, |row| json(row, 0)).await?;
        if request.remove {
            let mut unit = WriteUnit::default();
            for entry in &entries {
                let statement = Statement::new(
                    "DELETE FROM objectos_dead_letter WHERE id = ?",
                    vec![entry.id.as_str().into()],
                );
                unit.push(statement, Expect::Anything);
            }
            self.write(unit).await?;
        }
        Ok(entries)
    }

    async fn prune(&self, context: Context, before_ms: i64) -> Result<u64> {
        only_the_kernel("event-store", &context)?;
        let count = self.prune_where("stored_at_ms < ?", vec![before_ms.into()]).await?;
        // A snapshot is of no use where events after it may be missing.
        let mut unit = WriteUnit::default();
        let sql = "DELETE FROM objectos_snapshot WHERE at_ms < ?";
        unit.push(Statement::new(sql, vec![before_ms.into()]), Expect::Anything);
        self.write(unit).await?;
        Ok(count)
    }

    async fn aggregate(&self, context: Context, request: AggregateRequest) -> Result<AggregatePage> {
        only_the_kernel("event-store", &context)?;
        self.aggregate_page(&request).await
    }

    async fn aggregates_due(&self, context: Context, request: DueRequest) -> Result<Vec<Aggregate>> {
        only_the_kernel("event-store", &context)?;
        self.due(&request).await
    }

    async fn keep_snapshots(&self, context: Context, request: KeepRequest) -> Result<()> {
        only_the_kernel("event-store", &context)?;
        self.keep(&request).await
    }

    async fn prune_but_aggregates(&self, context: Context, request: PruneRequest) -> Result<u64> {
        only_the_kernel("event-store", &context)?;
        self.prune_records_later(&request).await
    }

    async fn done(&self, context: Context, request: DoneRequest) -> Result<Vec<DoneEvent>> {
        only_the_kernel("event-store", &context)?;
        self.done_page(&request).await
    }

    async fn forget_done(&self, context: Context, sequences: Vec<u64>) -> Result<u64> {
        only_the_kernel("event-store", &context)?;
        self.forget_moved(&sequences).await
    }
}
