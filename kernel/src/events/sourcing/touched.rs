//! Records that had an event lately: hints for whoever takes snapshots. Losing one loses nothing, the next event of the record
//! brings it again.

use objectos_plugin_api::{
    contracts::{event_store::Aggregate, events::record_of},
    protocol::kernel::Event,
};
use parking_lot::Mutex;
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};
use tokio::sync::Notify;

/// Records remembered at the same time.
const RECORDS_MAX: usize = 50_000;

#[derive(Debug, Default)]
pub(crate) struct Touched {
    records: Mutex<BTreeSet<Aggregate>>,
    came: Notify,
    /// The store keeps no aggregates: nobody looks.
    off: AtomicBool,
}

impl Touched {
    /// Remembers the record that an event tells of, if it is one and `wanted` says so.
    pub(crate) fn note(&self, event: &Event, wanted: impl FnOnce(&str) -> bool) {
        if self.is_off() {
            return;
        }
        let Some((object, record)) = record_of(event).filter(|(object, _)| wanted(object)) else {
            return;
        };
        let mut records = self.records.lock();
        if records.len() < RECORDS_MAX {
            records.insert(Aggregate {
                object: object.to_owned(),
                record: record.to_owned(),
            });
            drop(records);
            self.came.notify_one();
        }
    }

    /// Nobody will look any more.
    pub(super) fn switch_off(&self) {
        self.off.store(true, Ordering::Relaxed);
        self.records.lock().clear();
    }

    pub(crate) fn is_off(&self) -> bool {
        self.off.load(Ordering::Relaxed)
    }

    /// Waits until there is one.
    pub(super) async fn wait(&self) {
        while self.records.lock().is_empty() {
            self.came.notified().await;
        }
    }

    /// Takes so many out.
    pub(super) fn take(&self, count: usize) -> Vec<Aggregate> {
        let mut records = self.records.lock();
        let mut taken = Vec::new();
        while taken.len() < count
            && let Some(record) = records.pop_first()
        {
            taken.push(record);
        }
        taken
    }

    /// Puts back what could not be looked at.
    pub(super) fn put_back(&self, taken: Vec<Aggregate>) {
        self.records.lock().extend(taken);
    }
}
