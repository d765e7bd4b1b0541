//! Forgets what is old of records: of those that are sourced, batches whose last event is too old, and writes the
//! state that they led to as a base before; of others everything that is too old. All records are looked through in
//! the order of their keys; a look that takes too long goes on where it ended the next time.

use objectos_plugin_api::contracts::event_store::{DoneEvent, PruneRequest, Snapshot};
use objectos_plugin_api::contracts::events::{RecordState, record_of, record_state};

use super::Streams;
use super::kept::{Kept, KeptBatch, ROOT, parts_of, word};
use crate::batch::events_of;
use crate::error::Result;
use crate::objects::{Objects, delete_all};

/// A look ends after so long, milliseconds.
const LOOK_MS: i64 = 20_000;

/// A record that is being looked at.
#[derive(Debug, Default)]
struct Looked {
    /// The object's word.
    object: String,
    folder: String,
    kept: Kept,
    /// The last of its keys so far.
    last: String,
}

impl<O: Objects> Streams<O> {
    /// Answers how many events were forgotten.
    pub(super) async fn forget(&self, request: &PruneRequest) -> Result<u64> {
        let end_ms = self.host.now_ms().saturating_add(LOOK_MS);
        let mut after = std::mem::take(&mut *self.position.lock());
        let mut looked = Looked::default();
        let mut count = 0;
        loop {
            let page = self.objects.list(ROOT, &after).await?;
            for key in &page.keys {
                let Some((object, folder, rest)) = parts_of(key) else {
                    continue;
                };
                if folder != looked.folder {
                    count += self.forget_of(&looked, request).await?;
                    if self.host.now_ms() > end_ms {
                        *self.position.lock() = looked.last;
                        return Ok(count);
                    }
                    looked = Looked {
                        object: object.to_owned(),
                        folder: folder.to_owned(),
                        ..Looked::default()
                    };
                }
                looked.kept.note(key, rest);
                looked.last.clone_from(key);
            }
            match page.keys.last() {
                Some(last) if page.more => after.clone_from(last),
                _ => break,
            }
        }
        count += self.forget_of(&looked, request).await?;
        Ok(count)
    }

    async fn forget_of(&self, looked: &Looked, request: &PruneRequest) -> Result<u64> {
        let sourced = request.objects.is_empty() || request.objects.iter().any(|object| word(object) == looked.object);
        let before_ms = if sourced {
            request.aggregates_before_ms
        } else {
            request.before_ms
        };
        let kept = &looked.kept;
        let is_old = |batch: &&KeptBatch| batch.name.last_ms < before_ms;
        let mut old: Vec<&KeptBatch> = kept.batches.iter().filter(is_old).collect();
        // The last one last: should it be broken off, the next time it leads to the same.
        old.sort_by_key(|batch| batch.name.last);
        let snapshots = if sourced {
            self.base_of(looked, &old).await?
        } else {
            let old = kept.snapshots.iter().filter(|(_, name)| name.at_ms < before_ms);
            old.map(|(key, _)| key.clone()).collect()
        };
        let keys: Vec<String> = old.iter().map(|batch| batch.key.clone()).collect();
        delete_all(&self.objects, &keys).await?;
        delete_all(&self.objects, &snapshots).await?;
        Ok(old.iter().map(|batch| batch.name.count).sum())
    }

    /// Writes down what old batches led to; answers the keys of the snapshots for which nobody asks then.
    async fn base_of(&self, looked: &Looked, old: &[&KeptBatch]) -> Result<Vec<String>> {
        let Some(newest) = old.last() else {
            return Ok(Vec::new());
        };
        let kept = &looked.kept;
        let up_to = |sequence: u64| {
            let older = kept.snapshots.iter().filter(move |(_, name)| name.sequence < sequence);
            older.map(|(key, _)| key.clone()).collect::<Vec<String>>()
        };
        let mut base = None;
        // Not every event says what the record is; the last one that does may be in an older batch.
        for batch in old.iter().rev() {
            // Gone: somebody else forgets the same.
            let Some(body) = self.objects.get(&batch.key).await? else {
                return Ok(Vec::new());
            };
            base = last_state(&events_of(&batch.key, &batch.name, &body));
            if base.is_some() {
                break;
            }
        }
        let Some(base) = base else {
            // They lead to nothing; the snapshots stay, and whoever comes after them says what the record is.
            tracing::error!(
                key = newest.key,
                "old events that do not say what the record was are forgotten"
            );
            return Ok(Vec::new());
        };
        // A record that is gone, and of which nothing came after, needs no state.
        let ended = old.len() == kept.batches.len() && kept.snapshot_sequence() <= newest.name.last;
        if base.state.is_none() && ended {
            return Ok(up_to(u64::MAX));
        }
        self.put_snapshot(&looked.folder, &base, true).await?;
        Ok(up_to(base.sequence))
    }
}

/// What the record was after the last of these events that says so.
fn last_state(events: &[DoneEvent]) -> Option<Snapshot> {
    let mut latest: Vec<_> = events.iter().collect();
    latest.sort_by_key(|done| done.sequence);
    latest.into_iter().rev().find_map(|done| {
        let state = match record_state(&done.event)? {
            RecordState::Is(record) => Some(record.clone()),
            RecordState::Gone => None,
        };
        let (object, record) = record_of(&done.event)?;
        let mut base = Snapshot {
            sequence: done.sequence,
            at_ms: done.stored_at_ms,
            state,
            ..Snapshot::default()
        };
        object.clone_into(&mut base.aggregate.object);
        record.clone_into(&mut base.aggregate.record);
        Some(base)
    })
}
