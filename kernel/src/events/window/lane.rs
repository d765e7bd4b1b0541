//! What waits for one handler: events that are ready, and the chains of those that must keep their order.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// First and longest pause before a plugin that is not there is asked again, milliseconds.
const HOLD_MS: (i64, i64) = (100, 5_000);

/// What keeps an order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Chain {
    /// Events of a key.
    Key(Arc<str>),
    /// All events of an entry of `handlers` with `async: false`.
    Serial(u32),
}

/// The events of one handler.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Urgency, priority of the handler, sequence.
    ready: BTreeSet<(u8, i64, u64)>,
    chains: HashMap<Chain, BTreeSet<u64>>,
    pub(super) running: usize,
    held_until_ms: i64,
    /// 0 while somebody is there.
    hold_ms: i64,
}

impl Lane {
    /// Takes an event into its chain; answers whether it is the first there.
    pub(super) fn link(&mut self, chain: &Chain, sequence: u64) -> bool {
        let links = self.chains.entry(chain.clone()).or_default();
        links.insert(sequence);
        links.first() == Some(&sequence)
    }

    /// Takes an event out of its chain; answers who is first there now.
    pub(super) fn unlink(&mut self, chain: &Chain, sequence: u64) -> Option<u64> {
        let links = self.chains.get_mut(chain)?;
        links.remove(&sequence);
        let next = links.first().copied();
        if next.is_none() {
            self.chains.remove(chain);
        }
        next
    }

    /// Whether an event is the first of its chain.
    pub(super) fn leads(&self, chain: &Chain, sequence: u64) -> bool {
        self.chains.get(chain).and_then(BTreeSet::first) == Some(&sequence)
    }

    /// The events behind one of a chain, in their order.
    pub(super) fn behind(&self, chain: &Chain, sequence: u64) -> impl Iterator<Item = u64> + use<'_> {
        let links = self.chains.get(chain).into_iter();
        links.flat_map(move |links| links.range(sequence.saturating_add(1)..).copied())
    }

    /// The event behind the first of a chain.
    pub(super) fn second(&self, chain: &Chain) -> Option<u64> {
        self.chains.get(chain).and_then(|links| links.iter().nth(1)).copied()
    }

    pub(super) fn push_ready(&mut self, place: (u8, i64, u64)) {
        self.ready.insert(place);
    }

    pub(super) fn remove_ready(&mut self, place: (u8, i64, u64)) {
        self.ready.remove(&place);
    }

    pub(super) fn first_ready(&self) -> Option<(u8, i64, u64)> {
        self.ready.first().copied()
    }

    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// True while nobody is asked.
    pub(super) fn is_held(&self, now_ms: i64) -> bool {
        self.hold_ms > 0 && now_ms < self.held_until_ms
    }

    /// True when a delivery may start: after a pause only one at a time, to see whether somebody is there.
    pub(super) fn is_open(&self, now_ms: i64, running_max: usize) -> bool {
        !self.is_held(now_ms) && self.running < if self.hold_ms > 0 { 1 } else { running_max }
    }

    /// Nobody was there.
    pub(super) fn hold(&mut self, now_ms: i64) {
        // Deliveries that were on their way together come back together: that is one observation.
        if now_ms >= self.held_until_ms {
            self.hold_ms = self.hold_ms.saturating_mul(2).clamp(HOLD_MS.0, HOLD_MS.1);
            self.held_until_ms = now_ms.saturating_add(self.hold_ms);
        }
    }

    /// Somebody is there.
    pub(super) fn release(&mut self) {
        self.hold_ms = 0;
        self.held_until_ms = 0;
    }

    pub(super) fn wakes_at_ms(&self, now_ms: i64) -> Option<i64> {
        (self.is_held(now_ms) && !self.ready.is_empty()).then_some(self.held_until_ms)
    }
}
