//! The queue of one transient handler: five lanes by urgency, bounded in events and bytes, fair among publishers.

use objectos_plugin_api::Context;
use parking_lot::Mutex;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};
use tokio::sync::Notify;

const LANES: usize = 5;

/// An event that waits for its handler.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// Who published it.
    pub(crate) source: Arc<str>,
    pub(crate) event: Arc<[u8]>,
    pub(crate) context: Context,
    pub(crate) limit_ms: u64,
}

/// What became of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pushed {
    /// The new event waits.
    pub(crate) accepted: bool,
    /// So many events are lost, the new one among them if it was not accepted.
    pub(crate) dropped: usize,
}

/// The queue. Pushed to by any thread, popped by one worker.
#[derive(Debug)]
pub(crate) struct TransientQueue {
    state: Mutex<State>,
    arrived: Notify,
    events_max: usize,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct State {
    lanes: [VecDeque<Waiting>; LANES],
    events: usize,
    bytes: usize,
    by_source: HashMap<Arc<str>, usize>,
    closed: bool,
}

impl TransientQueue {
    pub(crate) fn new(events_max: usize, bytes_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            arrived: Notify::new(),
            events_max,
            bytes_max,
        }
    }

    /// Puts an event in, dropping less or equally urgent ones if it must: older ones of the same publisher when that
    /// fills half of the queue, else the oldest of the least urgent.
    pub(crate) fn push(&self, urgency: u8, waiting: Waiting) -> Pushed {
        let lane = usize::from(urgency).min(LANES - 1);
        let size = waiting.event.len();
        let mut state = self.state.lock();
        let mut dropped = 0;
        let own = state.by_source.get(&waiting.source).copied().unwrap_or_default();
        let made_room = if state.closed || size > self.bytes_max {
            false
        } else if own >= self.events_max.div_ceil(2) {
            let made = state.drop_one(lane, Some(&waiting.source));
            dropped += usize::from(made);
            made
        } else {
            true
        };
        let mut accepted = made_room;
        while accepted && (state.events >= self.events_max || state.bytes.saturating_add(size) > self.bytes_max) {
            accepted = state.drop_one(lane, None);
            dropped += usize::from(accepted);
        }
        if !accepted {
            return Pushed {
                accepted,
                dropped: dropped + 1,
            };
        }
        state.events += 1;
        state.bytes += size;
        *state.by_source.entry(Arc::clone(&waiting.source)).or_default() += 1;
        state.lanes[lane].push_back(waiting);
        drop(state);
        self.arrived.notify_one();
        Pushed { accepted, dropped }
    }

    /// The next event, when there is one; `None` once the queue is closed.
    pub(crate) async fn pop(&self) -> Option<Waiting> {
        loop {
            {
                let mut state = self.state.lock();
                if state.closed {
                    return None;
                }
                if let Some(lane) = (0..LANES).find(|lane| !state.lanes[*lane].is_empty()) {
                    return state.take(lane, 0);
                }
            }
            self.arrived.notified().await;
        }
    }

    /// Drops what waits and ends the worker.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        *state = State {
            closed: true,
            ..State::default()
        };
        drop(state);
        self.arrived.notify_one();
    }

    /// How many events wait.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().events
    }
}

impl State {
    /// Drops the oldest of the least urgent events (of one publisher), none that is more urgent than `lane`.
    fn drop_one(&mut self, lane: usize, source: Option<&Arc<str>>) -> bool {
        for victim in (lane..LANES).rev() {
            let position = match source {
                None => (!self.lanes[victim].is_empty()).then_some(0),
                Some(source) => self.lanes[victim].iter().position(|waiting| waiting.source == *source),
            };
            if let Some(position) = position {
                return self.take(victim, position).is_some();
            }
        }
        false
    }

    fn take(&mut self, lane: usize, position: usize) -> Option<Waiting> {
        let waiting = self.lanes[lane].remove(position)?;
        self.events = self.events.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(waiting.event.len());
        if let Some(count) = self.by_source.get_mut(&waiting.source) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_source.remove(&waiting.source);
            }
        }
        Some(waiting)
    }
}
