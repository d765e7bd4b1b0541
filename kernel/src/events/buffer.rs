//! Durable events on their way into the store: one bounded queue in the order of publication, one writer that stores what
//! has come in together. While no store is there, events wait here; a publisher's future ends when its event is stored.
//! Dropping that future does not take the event back.

use objectos_plugin_api::{Error, ErrorKind, Result, contracts::event_store::EventToStore};
use parking_lot::Mutex;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};
use tokio::sync::{Notify, oneshot, watch};

use super::shared::Shared;

/// Events stored with one call.
const BATCH_EVENTS_MAX: usize = 256;

/// Whom to tell that the event is stored; nobody for a transient event that is stored too.
type Reply = Option<oneshot::Sender<Result<()>>>;

/// The queue.
#[derive(Debug)]
pub(crate) struct Buffer {
    state: Mutex<State>,
    arrived: Notify,
    /// The last event of a closed buffer is stored.
    drained: Notify,
    events_max: usize,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// Waiting and in the hands of the writer.
    events: usize,
    bytes: usize,
    by_source: HashMap<Arc<str>, usize>,
    closed: bool,
}

#[derive(Debug)]
struct Waiting {
    item: EventToStore,
    source: Arc<str>,
    bytes: usize,
    reply: Reply,
}

impl Buffer {
    pub(crate) fn new(events_max: usize, bytes_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            arrived: Notify::new(),
            drained: Notify::new(),
            events_max,
            bytes_max,
        }
    }

    /// Puts an event in.
    ///
    /// # Errors
    /// `Limited` when it is full, or half full of this publisher's events; `Unavailable` when the bus stops.
    pub(crate) fn push(&self, source: &str, bytes: usize, item: EventToStore, reply: Reply) -> Result<()> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Error::unavailable(
                "the event bus is stopping; the event was not stored",
            ));
        }
        let own = state.by_source.get(source).copied().unwrap_or_default();
        let full = state.events >= self.events_max || state.bytes.saturating_add(bytes) > self.bytes_max;
        if full || own >= self.events_max.div_ceil(2) {
            return Err(Error::new(
                ErrorKind::Limited,
                format!(
                    "{} durable events wait for the event store already; try again later",
                    state.events
                ),
            ));
        }
        let source: Arc<str> = source.into();
        *state.by_source.entry(Arc::clone(&source)).or_default() += 1;
        state.events += 1;
        state.bytes += bytes;
        state.waiting.push_back(Waiting {
            item,
            source,
            bytes,
            reply,
        });
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Events that are not stored yet.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().events
    }

    /// Takes nothing any more, and lets the writer end when everything is stored.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.arrived.notify_one();
    }

    /// Waits until everything in a closed buffer is stored.
    pub(crate) async fn drained(&self) {
        while self.len() > 0 {
            self.drained.notified().await;
        }
    }

    /// Tells everybody who still waits that it comes to nothing.
    pub(crate) fn abandon(&self) {
        let waiting = std::mem::take(&mut self.state.lock().waiting);
        self.finish(
            waiting.into(),
            &Err(Error::unavailable("the event bus stopped before the event was stored")),
        );
    }

    async fn take(&self) -> Option<Vec<Waiting>> {
        loop {
            {
                let mut state = self.state.lock();
                let count = state.waiting.len().min(BATCH_EVENTS_MAX);
                if count > 0 {
                    return Some(state.waiting.drain(..count).collect());
                }
                if state.closed {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }

    fn finish(&self, batch: Vec<Waiting>, result: &Result<()>) {
        let mut state = self.state.lock();
        for waiting in &batch {
            state.events = state.events.saturating_sub(1);
            state.bytes = state.bytes.saturating_sub(waiting.bytes);
            if let Some(count) = state.by_source.get_mut(&waiting.source) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    state.by_source.remove(&waiting.source);
                }
            }
        }
        if state.closed && state.events == 0 {
            self.drained.notify_one();
        }
        drop(state);
        for reply in batch.into_iter().filter_map(|waiting| waiting.reply) {
            // Nobody listens when the publisher dropped its future; the event is stored all the same.
            let _ = reply.send(result.clone());
        }
    }
}

/// Stores what comes in, until the buffer is closed and empty.
pub(crate) async fn write(shared: Arc<Shared>, mut store_changed: watch::Receiver<u64>) {
    while let Some(batch) = shared.buffer.take().await {
        let items: Vec<EventToStore> = batch.iter().map(|waiting| waiting.item.clone()).collect();
        match append(&shared, &mut store_changed, items).await {
            Ok(()) => stored(&shared, batch),
            Err(error) if batch.len() == 1 => refused(&shared, batch, error),
            // One event that the store does not take must not be the end of those beside it.
            Err(_) => {
                for waiting in batch {
                    match append(&shared, &mut store_changed, vec![waiting.item.clone()]).await {
                        Ok(()) => stored(&shared, vec![waiting]),
                        Err(error) => refused(&shared, vec![waiting], error),
                    }
                }
            }
        }
    }
}

/// Stores events; waits for as long as nobody is there to store them.
async fn append(shared: &Shared, store_changed: &mut watch::Receiver<u64>, items: Vec<EventToStore>) -> Result<()> {
    let mut failures = 0;
    loop {
        // What happened to the store before the call is no reason to repeat it.
        store_changed.mark_unchanged();
        let Err(error) = shared.store_call(shared.store.append(items.clone())).await else {
            return Ok(());
        };
        // A timeout leaves open whether the events are stored. Storing them twice is allowed, losing them is not.
        if !matches!(
            error.kind(),
            ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Cancelled
        ) {
            return Err(error);
        }
        failures += 1;
        let again_at_ms = shared.clock.now_ms().saturating_add(shared.store_pause_ms(failures));
        tokio::select! {
            biased;
            _ = store_changed.changed() => {}
            () = shared.clock.sleep_until_ms(again_at_ms) => {}
        }
    }
}

fn stored(shared: &Shared, batch: Vec<Waiting>) {
    shared.counters.stored.add(batch.len());
    shared.buffer.finish(batch, &Ok(()));
    shared.arrived.notify_one();
}

fn refused(shared: &Shared, batch: Vec<Waiting>, error: Error) {
    for waiting in batch.iter().filter(|waiting| waiting.reply.is_none()) {
        shared.forget_shown(waiting.item.event.id.as_deref().unwrap_or_default());
        let dropped = shared.counters.dropped.one();
        if dropped.is_power_of_two() {
            tracing::warn!(event = %waiting.item.event.name, error = %error, dropped, "a transient event could not be stored");
        }
    }
    shared.buffer.finish(batch, &Err(error));
}
