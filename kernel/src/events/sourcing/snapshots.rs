//! Takes snapshots: of every record that has had `snapshotInterval` events since the last one. Which event a snapshot stands at
//! follows from the events alone, so two nodes that take the same one do no harm. At the start all records are looked
//! through once, since those of a run before may have been left. Of records whose streams are kept outside of the
//! event store they are taken there, once events were moved.

use objectos_plugin_api::{
    Error, ErrorKind, Result,
    contracts::event_store::{Aggregate, AggregateRequest, DueRequest, KeepRequest, Snapshot},
};
use std::{future::Future, sync::Arc};

use super::{Sourcing, fold::Reading, streams};
use crate::events::shared::Shared;

/// How long events are gathered before records are looked at, milliseconds.
const LINGER_MS: i64 = 1_000;
/// Records that the store is asked about at once.
const RECORDS_MAX: usize = 500;
/// After the start, so that looking through everything does not compete with it, milliseconds.
const FIRST_MS: i64 = 10_000;

/// Takes them for ever.
pub(crate) async fn keep(shared: Arc<Shared>) {
    let Some(sourcing) = shared.settings.sourcing.clone() else {
        return;
    };
    let snapshots = Snapshots {
        shared: &shared,
        sourcing: &sourcing,
    };
    pause(&shared, FIRST_MS).await;
    // Streams outside of the store are not looked through: it would cost a request for each record that ever was.
    // What was left is taken after the record's next event.
    if shared.streams.is_none() && !snapshots.with_patience(|| snapshots.look_through()).await {
        return;
    }
    loop {
        shared.touched.wait().await;
        pause(&shared, LINGER_MS).await;
        if !snapshots.with_patience(|| snapshots.of_touched()).await {
            return;
        }
    }
}

async fn pause(shared: &Shared, pause_ms: i64) {
    shared
        .clock
        .sleep_until_ms(shared.clock.now_ms().saturating_add(pause_ms))
        .await;
}

struct Snapshots<'a> {
    shared: &'a Shared,
    sourcing: &'a Sourcing,
}

impl Snapshots<'_> {
    /// Does it until it goes well. False when it never will, because the store keeps no aggregates.
    async fn with_patience<F: Future<Output = Result<()>>>(&self, work: impl Fn() -> F) -> bool {
        let mut failures: u32 = 0;
        while let Err(error) = work().await {
            if error.kind() == ErrorKind::NotImplemented {
                tracing::error!(error = %error, "event sourcing does nothing: the event store cannot keep aggregates; switch eventSourcing.enabled off, or use a store that can");
                self.shared.touched.switch_off();
                return false;
            }
            failures = failures.saturating_add(1);
            pause(self.shared, self.shared.store_pause_ms(failures)).await;
        }
        true
    }

    /// Of all records.
    async fn look_through(&self) -> Result<()> {
        loop {
            let due = self.due(Vec::new()).await?;
            let more = due.len() >= RECORDS_MAX;
            let taken = self.take_all(due).await?;
            if !more || taken == 0 {
                return Ok(());
            }
        }
    }

    /// Of those that had an event.
    async fn of_touched(&self) -> Result<()> {
        loop {
            let records = self.shared.touched.take(RECORDS_MAX);
            if records.is_empty() {
                return Ok(());
            }
            let done = match self.due(records.clone()).await {
                Ok(due) => self.take_all(due).await.map(drop),
                Err(error) => Err(error),
            };
            if done.is_err() {
                self.shared.touched.put_back(records);
                return done;
            }
        }
    }

    async fn due(&self, aggregates: Vec<Aggregate>) -> Result<Vec<Aggregate>> {
        let request = DueRequest {
            aggregates,
            objects: self.sourcing.objects.clone(),
            interval: self.sourcing.interval,
            limit: u32::try_from(RECORDS_MAX).unwrap_or(u32::MAX),
        };
        streams::due(self.shared, request).await
    }

    /// Answers how many records got one. One that cannot be read is told of and left.
    async fn take_all(&self, due: Vec<Aggregate>) -> Result<usize> {
        let mut count = 0;
        for aggregate in due {
            match self.take(&aggregate).await {
                Ok(()) => count += 1,
                Err(error) if is_passing(&error) => return Err(error),
                Err(error) => {
                    tracing::error!(object = aggregate.object, record = aggregate.record, error = %error, "no snapshot could be taken of a record");
                }
            }
        }
        Ok(count)
    }

    /// Reads the events since the last snapshot; one at each `interval`.
    async fn take(&self, aggregate: &Aggregate) -> Result<()> {
        let mut snapshots = Vec::new();
        let mut reading = Reading::new(self.shared, AggregateRequest::of(aggregate));
        while let Some(events) = reading.page().await? {
            let state = &mut reading.folded;
            for stored in &events {
                state.apply(stored);
                if state.events.is_multiple_of(self.sourcing.interval) {
                    snapshots.push(Snapshot {
                        aggregate: aggregate.clone(),
                        sequence: state.sequence,
                        at_ms: state.at_ms,
                        state: state.state.clone(),
                    });
                }
            }
            // Older ones would not stay.
            let surplus = snapshots
                .len()
                .saturating_sub(usize::try_from(self.sourcing.newest).unwrap_or(usize::MAX));
            snapshots.drain(..surplus);
        }
        if snapshots.is_empty() {
            return Ok(());
        }
        let count = snapshots.len();
        let request = KeepRequest {
            snapshots,
            newest: self.sourcing.newest,
        };
        streams::keep_snapshots(self.shared, request).await?;
        self.shared.counters.snapshots.add(count);
        Ok(())
    }
}

/// Failures that say nothing about the record.
fn is_passing(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Cancelled | ErrorKind::NotImplemented
    )
}
