//! What the bus counts. Counters only grow, from the start of the kernel on; gauges say how it is now.

use serde::Serialize;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::{health, shared::Shared};

/// A counter.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, by: usize) {
        self.0
            .fetch_add(u64::try_from(by).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Counts one; answers how many there are now.
    pub(crate) fn one(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is counted for the bus as a whole.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) published: Counter,
    pub(crate) stored: Counter,
    pub(crate) delivered: Counter,
    pub(crate) failed: Counter,
    pub(crate) retried: Counter,
    pub(crate) dead: Counter,
    pub(crate) dropped: Counter,
    pub(crate) replayed: Counter,
    pub(crate) pruned: Counter,
    pub(crate) archived: Counter,
    pub(crate) snapshots: Counter,
    pub(crate) store_calls: Counter,
    /// Set by the dispatcher: events that are not done, and those it delivers just now.
    pub(crate) pending: AtomicU64,
    pub(crate) running: AtomicU64,
    /// When the oldest event that is not done was published, milliseconds since 1970; 0 without one.
    pub(crate) oldest_at_ms: AtomicI64,
    /// The dispatcher reads no further, because too many events wait.
    pub(crate) window_full: AtomicU64,
}

/// What is counted for one handler.
#[derive(Debug, Default)]
pub(crate) struct HandlerCounters {
    pub(crate) delivered: Counter,
    pub(crate) failed: Counter,
    pub(crate) retried: Counter,
    pub(crate) dead: Counter,
    pub(crate) dropped: Counter,
    /// Since when nobody is there to take its events, milliseconds since 1970; 0 while somebody is.
    pub(crate) away_since_ms: AtomicI64,
}

/// Figures of the bus. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BusMetrics {
    /// Label of the queue (`queue.name`).
    pub queue: String,
    /// Events handed in, transient and durable; those that a store writes by itself are not among them.
    pub published: u64,
    /// Events stored on behalf of publishers.
    pub stored: u64,
    /// Successful deliveries to single handlers.
    pub delivered: u64,
    /// Failed attempts.
    pub failed: u64,
    /// Failed attempts that were followed by a further one.
    pub retried: u64,
    /// Deliveries that were given up, with a dead letter.
    pub dead: u64,
    /// Transient deliveries lost to full queues, and transient events that should have been stored but were not.
    pub dropped: u64,
    /// Deliveries of replays.
    pub replayed: u64,
    /// Done events forgotten after their retention.
    pub pruned: u64,
    /// Done events moved out of the event store into the archive (`persistence.storage`).
    pub archived: u64,
    /// Snapshots taken of records (`eventSourcing`).
    pub snapshots: u64,
    /// Calls of the event store.
    pub store_calls: u64,
    /// Durable events that wait for the store.
    pub buffered: u64,
    /// Stored events that the dispatcher knows and that are not done.
    pub pending: u64,
    /// Durable deliveries that run just now.
    pub running: u64,
    /// Age of the oldest stored event that is not done, milliseconds; 0 without one.
    pub lag_ms: u64,
    /// Deliveries that the running replay has before it; 0 without one.
    pub replay_remaining: u64,
    /// Each handler, by id.
    pub handlers: Vec<HandlerMetrics>,
}

/// Figures of one handler. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HandlerMetrics {
    /// `plugin/name`.
    pub id: String,
    /// Which events.
    pub pattern: String,
    /// At least once, or best effort.
    pub durable: bool,
    /// Transient events that wait for it.
    pub queued: u64,
    /// Successful deliveries.
    pub delivered: u64,
    /// Failed attempts.
    pub failed: u64,
    /// Failed attempts that were followed by a further one.
    pub retried: u64,
    /// Given up.
    pub dead: u64,
    /// Lost to a full queue.
    pub dropped: u64,
    /// Nobody is there to take its events.
    pub away: bool,
}

/// All figures of a moment.
pub(crate) fn read(shared: &Shared, replay_remaining: u64) -> BusMetrics {
    let counters = &shared.counters;
    let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let table = shared.table.load();
    let handlers = table.handlers.iter().map(|handler| HandlerMetrics {
        id: handler.target.id().to_string(),
        pattern: handler.pattern.to_string(),
        durable: handler.queue.is_none(),
        queued: handler.queue.as_ref().map_or(0, |queue| wide(queue.len())),
        delivered: handler.counters.delivered.get(),
        failed: handler.counters.failed.get(),
        retried: handler.counters.retried.get(),
        dead: handler.counters.dead.get(),
        dropped: handler.counters.dropped.get(),
        away: health::is_away(handler),
    });
    BusMetrics {
        handlers: handlers.collect(),
        queue: shared.settings.queue_name.clone(),
        published: counters.published.get(),
        stored: counters.stored.get(),
        delivered: counters.delivered.get(),
        failed: counters.failed.get(),
        retried: counters.retried.get(),
        dead: counters.dead.get(),
        dropped: counters.dropped.get(),
        replayed: counters.replayed.get(),
        pruned: counters.pruned.get(),
        archived: counters.archived.get(),
        snapshots: counters.snapshots.get(),
        store_calls: counters.store_calls.get(),
        buffered: wide(shared.buffer.len()),
        pending: counters.pending.load(Ordering::Relaxed),
        running: counters.running.load(Ordering::Relaxed),
        lag_ms: shared.lag_ms(),
        replay_remaining,
    }
}
