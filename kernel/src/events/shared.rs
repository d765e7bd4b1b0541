//! What the parts of the bus have in common: ports, settings, the routing table, counters, and the state of the store.

use arc_swap::ArcSwap;
use objectos_plugin_api::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, atomic::Ordering},
};
use tokio::sync::Notify;

use super::{
    archive::Archive,
    buffer::Buffer,
    delivery::Delivery,
    metrics::Counters,
    port::{EventStorePort, PortFuture},
    registry::Registry,
    routing::{Handler, RoutingTable},
    settings::BusSettings,
    sourcing::{Streams, Touched},
};
use crate::clock::Clock;

/// Ids of shown events that are remembered.
const SHOWN_MAX: usize = 20_000;
/// First and longest pause before the store is asked again after a failure, milliseconds.
const STORE_PAUSE_MS: (i64, i64) = (100, 5_000);

pub(crate) struct Shared {
    pub(crate) settings: Arc<BusSettings>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Arc<dyn EventStorePort>,
    /// Where done events go, when they do not stay in the store.
    pub(crate) archive: Option<Archive>,
    /// Where events of sourced records go, when they do not stay in the store.
    pub(crate) streams: Option<Streams>,
    pub(crate) delivery: Delivery,
    pub(crate) node: String,
    pub(crate) table: ArcSwap<RoutingTable>,
    pub(crate) registry: Mutex<Registry>,
    pub(crate) buffer: Buffer,
    pub(crate) counters: Counters,
    /// The store has events that the dispatcher does not know.
    pub(crate) arrived: Notify,
    /// Records to look at for a snapshot.
    pub(crate) touched: Touched,
    store_state: Mutex<StoreState>,
    /// Ids of stored transient events that transient handlers got when they were published.
    shown: Mutex<Shown>,
}

#[derive(Debug, Default)]
struct Shown {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

/// How the store does, or who keeps done events.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoreState {
    /// Since when it fails; `None` while it works, or was not asked yet.
    pub(crate) down_since_ms: Option<i64>,
    /// The last failure.
    pub(crate) error: Option<Error>,
}

impl Shared {
    pub(crate) fn new(
        settings: Arc<BusSettings>,
        store: Arc<dyn EventStorePort>,
        (archive, streams): (Option<Archive>, Option<Streams>),
        delivery: Delivery,
        node: String,
    ) -> Self {
        let limits = &settings.limits;
        Self {
            buffer: Buffer::new(limits.buffer_events_max, limits.buffer_bytes_max),
            table: ArcSwap::from_pointee(RoutingTable::new(Arc::clone(&settings), Vec::new())),
            registry: Mutex::default(),
            clock: Arc::clone(&delivery.clock),
            settings,
            store,
            archive,
            streams,
            delivery,
            node,
            counters: Counters::default(),
            arrived: Notify::new(),
            touched: Touched::default(),
            store_state: Mutex::default(),
            shown: Mutex::default(),
        }
    }

    /// A call of the store with its time limit, counted, and its result remembered for the health report.
    pub(crate) async fn store_call<T>(&self, call: PortFuture<T>) -> Result<T> {
        let limit_ms = self.settings.limits.store_call_ms;
        let due_ms = self
            .clock
            .now_ms()
            .saturating_add(i64::try_from(limit_ms).unwrap_or(i64::MAX));
        self.counters.store_calls.one();
        let result = tokio::select! {
            biased;
            result = call => result,
            () = self.clock.sleep_until_ms(due_ms) => {
                Err(Error::new(ErrorKind::Timeout, format!("the event store took longer than {limit_ms} ms")))
            }
        };
        // A store that cannot do something has answered all the same.
        let failure = result.as_ref().err();
        self.note_store(failure.filter(|error| error.kind() != ErrorKind::NotImplemented));
        result
    }

    fn note_store(&self, error: Option<&Error>) {
        let mut state = self.store_state.lock();
        match (error, state.down_since_ms) {
            (None, None) => {}
            (None, Some(since_ms)) => {
                tracing::info!(
                    after_ms = self.clock.now_ms().saturating_sub(since_ms),
                    "the event store answers again"
                );
                *state = StoreState::default();
            }
            (Some(error), down) => {
                if down.is_none() {
                    tracing::warn!(error = %error, internal = error.internal_message(), "the event store does not answer; durable events wait");
                }
                state.down_since_ms = down.or(Some(self.clock.now_ms()));
                state.error = Some(error.clone());
            }
        }
    }

    pub(crate) fn store_state(&self) -> StoreState {
        self.store_state.lock().clone()
    }

    /// Pause after so many failures of the store in a row.
    pub(crate) fn store_pause_ms(&self, failures: u32) -> i64 {
        let doublings = failures.saturating_sub(1).min(16);
        STORE_PAUSE_MS.0.saturating_mul(1 << doublings).min(STORE_PAUSE_MS.1)
    }

    /// Counts a failed attempt, and says so in the log.
    pub(crate) fn count_failure(&self, handler: &Handler, error: &Error) {
        handler.counters.failed.one();
        self.counters.failed.one();
        tracing::warn!(
            handler = %handler.target.id(), error = %error, internal = error.internal_message(), kind = ?error.kind(),
            "an event handler failed"
        );
    }

    /// Milliseconds since the oldest event that is not done was published.
    pub(crate) fn lag_ms(&self) -> u64 {
        match self.counters.oldest_at_ms.load(Ordering::Relaxed) {
            0 => 0,
            at_ms => u64::try_from(self.clock.now_ms().saturating_sub(at_ms)).unwrap_or_default(),
        }
    }

    /// Remembers that transient handlers have had an event that will come from the store.
    pub(crate) fn remember_shown(&self, id: &str) {
        let mut shown = self.shown.lock();
        // Another node may read the event, so what is remembered may stay: the oldest goes.
        if shown.order.len() >= SHOWN_MAX
            && let Some(oldest) = shown.order.pop_front()
        {
            shown.ids.remove(&oldest);
        }
        shown.ids.insert(id.to_owned());
        shown.order.push_back(id.to_owned());
    }

    /// True, once, for an event that transient handlers have had.
    pub(crate) fn forget_shown(&self, id: &str) -> bool {
        let mut shown = self.shown.lock();
        let known = shown.ids.remove(id);
        if shown.ids.is_empty() {
            shown.order.clear();
        }
        known
    }
}
