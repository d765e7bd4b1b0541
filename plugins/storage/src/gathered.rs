//! A page of events out of several objects: those of the least sequences, each once.

use objectos_plugin_api::contracts::event_store::{DoneEvent, StoredEvent};
use std::collections::BTreeMap;

/// What was found so far.
#[derive(Debug)]
pub(crate) struct Gathered {
    limit: usize,
    events: BTreeMap<u64, DoneEvent>,
}

impl Gathered {
    /// At most so many.
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            events: BTreeMap::new(),
        }
    }

    /// Nothing from this sequence on is wanted any more.
    pub(crate) fn is_full_before(&self, sequence: u64) -> bool {
        let last = self.events.last_key_value().map(|(last, _)| *last);
        self.events.len() >= self.limit && last.is_none_or(|last| last <= sequence)
    }

    /// Takes an event, unless it is there already or comes after a full page.
    pub(crate) fn take(&mut self, done: DoneEvent) {
        if self.is_full_before(done.sequence) {
            return;
        }
        self.events.entry(done.sequence).or_insert(done);
        if self.events.len() > self.limit {
            self.events.pop_last();
        }
    }

    /// The page, in order of sequence.
    pub(crate) fn into_events(self) -> Vec<StoredEvent> {
        let stored = |done: DoneEvent| StoredEvent {
            sequence: done.sequence,
            key: done.key,
            event: done.event,
            deliveries: Vec::new(),
        };
        self.events.into_values().map(stored).collect()
    }
}
