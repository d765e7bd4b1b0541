//! Small batches of a record put together into large ones, so that a long history is a few objects: those up to its
//! newest snapshot, of the same month, once there are enough of them. The month keeps retention within its limit: a
//! batch is forgotten when its last event is old.

use objectos_plugin_api::contracts::event_store::DoneEvent;
use std::collections::BTreeMap;

use super::Streams;
use super::kept::{Kept, KeptBatch};
use crate::batch::{BYTES_MAX, batches, events_of, is_whole};
use crate::error::Result;
use crate::moment::month_of;
use crate::objects::{Objects, delete_all};

/// A batch with at least so many events is left as it is.
const EVENTS_LARGE: u64 = 128;
/// Fewer small batches are not worth it: each time all their events are written anew.
const BATCHES_MIN: usize = 16;
/// Events put together at once.
const EVENTS_MAX: usize = 1_000;

impl<O: Objects> Streams<O> {
    /// Puts together what is small. Somebody else who does the same, or forgets, does no harm.
    pub(super) async fn compact(&self, folder: &str, kept: Kept) -> Result<()> {
        let newest = kept.snapshot_sequence();
        let mut months: BTreeMap<String, Vec<KeptBatch>> = BTreeMap::new();
        for batch in kept.batches {
            if batch.name.last <= newest && batch.name.count < EVENTS_LARGE {
                months.entry(month_of(batch.name.last_ms)).or_default().push(batch);
            }
        }
        for mut small in months.into_values().filter(|small| small.len() >= BATCHES_MIN) {
            small.sort_by_key(|batch| batch.name.first);
            self.put_together(folder, &small).await?;
        }
        Ok(())
    }

    async fn put_together(&self, folder: &str, small: &[KeptBatch]) -> Result<()> {
        let mut open = Open::default();
        for batch in small {
            // Gone: somebody else is at it.
            let Some(body) = self.objects.get(&batch.key).await? else {
                return Ok(());
            };
            let events = events_of(&batch.key, &batch.name, &body);
            if !is_whole(&batch.name, &events) {
                // It stays as it is, for whoever looks into it.
                continue;
            }
            open.bytes += body.len();
            open.parts.push(batch.key.clone());
            open.events.extend(events.into_iter().map(|done| (done.sequence, done)));
            if open.events.len() >= EVENTS_MAX || open.bytes >= BYTES_MAX {
                self.close(folder, std::mem::take(&mut open)).await?;
            }
        }
        self.close(folder, open).await
    }

    async fn close(&self, folder: &str, open: Open) -> Result<()> {
        let mut written = Vec::new();
        for batch in batches(open.events.into_values().collect())? {
            let key = format!("{folder}e/{}", batch.name);
            self.objects.put(&key, batch.body).await?;
            written.push(key);
        }
        let mut parts = open.parts;
        parts.retain(|key| !written.contains(key));
        delete_all(&self.objects, &parts).await
    }
}

/// What is being put together.
#[derive(Debug, Default)]
struct Open {
    /// Keys of the objects in it.
    parts: Vec<String>,
    events: BTreeMap<u64, DoneEvent>,
    bytes: usize,
}
