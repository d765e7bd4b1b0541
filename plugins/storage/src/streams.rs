//! The services `event-streams-s3` and `event-streams-file`: events of sourced records and the snapshots between
//! them. Everything of a record lies at `records/OBJECT/RECORD/`: its events as batches in `e/`, its snapshots in
//! `s/` (`kept`). The names tell sequences, moments and counts, so one list says which few objects have to be read
//! for the state at any moment.
//!
//! Each time the kernel moves events, each of their records gets a small batch. Once a snapshot was taken they are
//! put together, as far as they are of the same month (`compact`). What is old is forgotten batch by batch, after the
//! state that it led to was written as a snapshot, the base (`prune`).
//!
//! Invariants:
//! * A batch is taken away only when its events are in another one, or too old. In between they are there twice, and
//!   are answered once, by their sequence.
//! * A base stands for everything up to its sequence; whatever is older than the newest base may be missing in parts.
//! * Whoever finds an object of its list gone looks again.
//!
//! Called by the kernel alone; everybody else is refused.

mod compact;
mod kept;
mod prune;

use futures_util::future::try_join_all;
use objectos_plugin_api::contracts::event_store::{
    Aggregate, AggregatePage, AggregateRequest, DoneEvent, DueRequest, KeepRequest, PruneRequest, Snapshot,
};
use objectos_plugin_api::contracts::event_streams::EventStreams;
use objectos_plugin_api::contracts::events::record_of;
use objectos_plugin_api::{Context, Host, Result as ApiResult};
use parking_lot::Mutex;
use std::collections::BTreeMap;

use self::kept::{Kept, SnapshotName, folder_of};
use crate::batch::{batches, events_of};
use crate::caller::only_the_kernel;
use crate::error::{Result, StorageError};
use crate::gathered::Gathered;
use crate::moment::month_of;
use crate::objects::{Objects, delete_all, list_all, together};

/// Batches read at the same time.
const READ_MAX: usize = 16;
/// How often a record is looked at again of which objects were gone.
const LOOKS_MAX: usize = 5;

/// Events and snapshots in objects.
#[derive(Debug)]
pub(crate) struct Streams<O> {
    objects: O,
    host: Host,
    /// Where the next look for what is old begins.
    position: Mutex<String>,
}

impl<O: Objects> Streams<O> {
    pub(crate) fn new(objects: O, host: Host) -> Self {
        Self {
            objects,
            host,
            position: Mutex::default(),
        }
    }

    async fn put(&self, key: String, body: String) -> Result<()> {
        self.objects.put(&key, body).await
    }

    async fn keep(&self, events: Vec<DoneEvent>) -> Result<()> {
        let mut groups: BTreeMap<(String, String), Vec<DoneEvent>> = BTreeMap::new();
        for done in events {
            let Some((object, record)) = record_of(&done.event) else {
                return Err(StorageError::Request(format!(
                    "the event {} tells of no record",
                    done.sequence
                )));
            };
            let place = (folder_of(object, record), month_of(done.stored_at_ms));
            groups.entry(place).or_default().push(done);
        }
        let mut calls = Vec::new();
        for ((folder, _), events) in groups {
            for batch in batches(events)? {
                calls.push(self.put(format!("{folder}e/{}", batch.name), batch.body));
            }
        }
        together(calls).await.map(drop)
    }

    /// What there is of a record.
    async fn kept(&self, folder: &str) -> Result<Kept> {
        let mut kept = Kept::default();
        for key in list_all(&self.objects, folder).await? {
            if let Some(rest) = key.strip_prefix(folder) {
                kept.note(&key, rest);
            }
        }
        Ok(kept)
    }

    async fn read(&self, request: &AggregateRequest) -> Result<AggregatePage> {
        for _ in 0..LOOKS_MAX {
            if let Some(page) = self.look(request).await? {
                return Ok(page);
            }
        }
        Err(StorageError::Later(
            "what is kept of the record changes faster than it can be read; ask again".to_owned(),
        ))
    }

    /// `None` when an object is gone that was there a moment ago.
    async fn look(&self, request: &AggregateRequest) -> Result<Option<AggregatePage>> {
        let Aggregate { object, record } = &request.aggregate;
        let kept = self.kept(&folder_of(object, record)).await?;
        let (until, until_ms) = (request.until.unwrap_or(u64::MAX), request.until_ms.unwrap_or(i64::MAX));
        let mut snapshot = None;
        if request.after.is_none()
            && let Some(key) = kept.newest_snapshot(until, until_ms)
        {
            let Some(body) = self.objects.get(key).await? else {
                return Ok(None);
            };
            snapshot = Some(snapshot_of(key, &body)?);
        }
        let begin = snapshot.as_ref().map(|snapshot: &Snapshot| snapshot.sequence);
        let after = request.after.or(begin).unwrap_or_default();
        let mut wanted = kept.batches;
        wanted.retain(|batch| batch.name.last > after && batch.name.first <= until && batch.name.first_ms <= until_ms);
        wanted.sort_by_key(|batch| batch.name.first);
        let mut found = Gathered::new(request.limit);
        for group in wanted.chunks(READ_MAX) {
            if group
                .first()
                .is_some_and(|batch| found.is_full_before(batch.name.first))
            {
                break;
            }
            let mut calls = Vec::new();
            for batch in group {
                calls.push(self.objects.get(&batch.key));
            }
            for (batch, body) in group.iter().zip(try_join_all(calls).await?) {
                let Some(body) = body else {
                    return Ok(None);
                };
                for done in events_of(&batch.key, &batch.name, &body) {
                    if done.sequence > after && done.sequence <= until && done.stored_at_ms <= until_ms {
                        found.take(done);
                    }
                }
            }
        }
        let events = found.into_events();
        Ok(Some(AggregatePage { snapshot, events }))
    }

    async fn those_due(&self, request: DueRequest) -> Result<Vec<Aggregate>> {
        let mut calls = Vec::new();
        for aggregate in request.aggregates {
            if request.objects.is_empty() || request.objects.contains(&aggregate.object) {
                calls.push(self.if_due(aggregate, request.interval));
            }
        }
        let mut due: Vec<Aggregate> = together(calls).await?.into_iter().flatten().collect();
        due.truncate(usize::try_from(request.limit).unwrap_or(usize::MAX));
        Ok(due)
    }

    async fn if_due(&self, aggregate: Aggregate, interval: u64) -> Result<Option<Aggregate>> {
        let kept = self.kept(&folder_of(&aggregate.object, &aggregate.record)).await?;
        Ok((kept.events_since_snapshot() >= interval).then_some(aggregate))
    }

    async fn keep_all(&self, request: KeepRequest) -> Result<()> {
        let mut by_record: BTreeMap<String, Vec<Snapshot>> = BTreeMap::new();
        for snapshot in request.snapshots {
            let folder = folder_of(&snapshot.aggregate.object, &snapshot.aggregate.record);
            by_record.entry(folder).or_default().push(snapshot);
        }
        let mut calls = Vec::new();
        for (folder, snapshots) in by_record {
            calls.push(self.keep_of(folder, snapshots, request.newest));
        }
        together(calls).await.map(drop)
    }

    /// Snapshots of one record.
    async fn keep_of(&self, folder: String, snapshots: Vec<Snapshot>, newest: u64) -> Result<()> {
        for snapshot in &snapshots {
            self.put_snapshot(&folder, snapshot, false).await?;
        }
        let kept = self.kept(&folder).await?;
        delete_all(&self.objects, &kept.surplus(newest)).await?;
        self.compact(&folder, kept).await
    }

    async fn put_snapshot(&self, folder: &str, snapshot: &Snapshot, base: bool) -> Result<()> {
        let name = SnapshotName {
            sequence: snapshot.sequence,
            at_ms: snapshot.at_ms.max(0),
            base,
        };
        let body = serde_json::to_string(snapshot)
            .map_err(|error| StorageError::Broken(format!("a snapshot in {folder} is no JSON: {error}")))?;
        self.put(format!("{folder}s/{name}"), body).await
    }
}

fn snapshot_of(key: &str, body: &str) -> Result<Snapshot> {
    serde_json::from_str(body)
        .map_err(|error| StorageError::Broken(format!("the snapshot {key} cannot be read: {error}")))
}

impl<O: Objects> EventStreams for Streams<O> {
    async fn append(&self, context: Context, events: Vec<DoneEvent>) -> ApiResult<()> {
        only_the_kernel(&context)?;
        Ok(self.keep(events).await?)
    }

    async fn page(&self, context: Context, request: AggregateRequest) -> ApiResult<AggregatePage> {
        only_the_kernel(&context)?;
        Ok(self.read(&request).await?)
    }

    async fn due(&self, context: Context, request: DueRequest) -> ApiResult<Vec<Aggregate>> {
        only_the_kernel(&context)?;
        Ok(self.those_due(request).await?)
    }

    async fn keep_snapshots(&self, context: Context, request: KeepRequest) -> ApiResult<()> {
        only_the_kernel(&context)?;
        Ok(self.keep_all(request).await?)
    }

    async fn prune(&self, context: Context, request: PruneRequest) -> ApiResult<u64> {
        only_the_kernel(&context)?;
        Ok(self.forget(&request).await?)
    }
}
