//! The stored events that the dispatcher knows, and for each of them and each of its handlers where the delivery stands.
//! A plain data structure: it is told what came from the store, how attempts ended and what time it is, and answers
//! what to deliver next, what to write down and when to look again. No clock, no I/O, no tasks.
//!
//! Invariants
//! * Of one key, a handler has at most one call in work: with the lowest sequence that is not done or given up, and where it takes
//!   several together, with those right behind that. `serial` handlers have one key for everything.
//! * A call with several events that fails is nobody's attempt: each of them is tried by itself then.
//! * A key goes on after a dead letter only when that is written: else a crash could deliver the given-up event after
//!   its successors.
//! * An event is forgotten when its outcome is written, never before: what the store still calls pending is known here.
//! * Nothing is started without a valid lease.

mod entry;
mod intake;
mod lane;
mod progress;
mod run;
mod settlement;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use self::{entry::Entry, lane::Lane};
pub(super) use self::{
    entry::Start,
    intake::Admitted,
    progress::{Completion, Ended},
    settlement::Settlement,
};

/// What the window goes by.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// Deliveries at the same time.
    pub(super) concurrency: usize,
    /// Serve urgent events first.
    pub(super) priorities: bool,
    /// Events known at the same time.
    pub(super) events_max: usize,
    /// Bytes of bodies kept.
    pub(super) bytes_max: usize,
    /// Deliveries that may be ready before no more are read.
    pub(super) ready_max: usize,
    /// How long outcomes are gathered, milliseconds.
    pub(super) linger_ms: i64,
    /// Outcomes written at once.
    pub(super) settle_max: usize,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Window {
    rules: Rules,
    /// By sequence.
    entries: BTreeMap<u64, Entry>,
    /// By handler number.
    lanes: HashMap<u32, Lane>,
    /// Moment, sequence and handler of retries.
    timers: BTreeSet<(i64, u64, u32)>,
    /// Events with outcomes that are not written.
    dirty: BTreeSet<u64>,
    dirty_since_ms: Option<i64>,
    /// Events whose body or lease is needed again.
    unread: BTreeSet<u64>,
    body_bytes: usize,
    running: usize,
}

impl Window {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            entries: BTreeMap::new(),
            lanes: HashMap::new(),
            timers: BTreeSet::new(),
            dirty: BTreeSet::new(),
            dirty_since_ms: None,
            unread: BTreeSet::new(),
            body_bytes: 0,
            running: 0,
        }
    }

    /// Events known and not done.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Deliveries that run.
    pub(super) fn running(&self) -> usize {
        self.running
    }

    /// When the oldest event was published that is not done.
    pub(super) fn oldest_at_ms(&self) -> Option<i64> {
        self.entries
            .values()
            .find(|entry| !entry.is_finished())
            .map(|entry| entry.at_ms)
    }

    /// The first event that has to be read again.
    pub(super) fn first_unread(&self) -> Option<u64> {
        self.unread.first().copied()
    }

    /// True when no further event may be known.
    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= self.rules.events_max
    }

    /// True while more events may be read.
    pub(super) fn has_room(&self, now_ms: i64) -> bool {
        let ready: usize = self
            .lanes
            .values()
            .filter(|lane| !lane.is_held(now_ms))
            .map(Lane::ready)
            .sum();
        !self.is_full() && self.body_bytes <= self.rules.bytes_max && ready < self.rules.ready_max
    }

    /// The next moment at which a delivery may start without anything happening before.
    pub(super) fn next_start_ms(&self, now_ms: i64) -> Option<i64> {
        let timer = self.timers.first().map(|(at_ms, _, _)| *at_ms);
        let held = self.lanes.values().filter_map(|lane| lane.wakes_at_ms(now_ms)).min();
        [timer, held].into_iter().flatten().min()
    }

    /// When outcomes are to be written; a moment in the past when there are enough of them.
    pub(super) fn settle_due_ms(&self) -> Option<i64> {
        let since_ms = self.dirty_since_ms?;
        let enough = self.dirty.len() >= self.rules.settle_max;
        Some(if enough {
            since_ms
        } else {
            since_ms.saturating_add(self.rules.linger_ms)
        })
    }

    fn mark_dirty(&mut self, sequence: u64, now_ms: i64) {
        self.dirty.insert(sequence);
        self.dirty_since_ms.get_or_insert(now_ms);
    }
}
