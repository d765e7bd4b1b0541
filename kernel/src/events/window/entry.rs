//! One stored event in the window, and its state for each handler.

use objectos_plugin_api::{Context, contracts::event_store::DeliveryState, protocol::kernel::DeadLetterQueueEntry};
use std::sync::Arc;

use crate::events::routing::Route;

/// An event that is not forgotten yet.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) at_ms: i64,
    /// 0 is served first.
    pub(super) urgency: u8,
    pub(super) context: Context,
    /// `kernel/Event` as JSON; `None` when it was let go to save memory.
    pub(super) body: Option<Arc<[u8]>>,
    /// Bytes of the body, whether it is there or not.
    pub(super) bytes: usize,
    pub(super) lease_until_ms: i64,
    pub(super) slots: Vec<Slot>,
    /// When it is read the next time, handlers may have to be added.
    pub(super) rematch: bool,
}

impl Entry {
    /// True when every handler had it or gave up.
    pub(super) fn is_finished(&self) -> bool {
        self.slots.iter().all(|slot| slot.state.is_final())
    }

    pub(super) fn slot(&self, number: u32) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.number() == number)
    }

    pub(super) fn slot_mut(&mut self, number: u32) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.number() == number)
    }

    pub(super) fn body_bytes(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.len())
    }
}

/// One event for one handler.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) route: Arc<Route>,
    pub(super) state: State,
    /// Failed attempts.
    pub(super) attempts: u32,
    pub(super) first_failed_at_ms: i64,
    pub(super) error: String,
    /// The store does not know the state.
    pub(super) dirty: bool,
    /// It failed together with others, and is tried by itself: nobody knows which of them it was.
    pub(super) alone: bool,
    /// To be written when the state is [`State::Dying`].
    pub(super) dead_letter: Option<Box<DeadLetterQueueEntry>>,
}

impl Slot {
    pub(super) fn new(route: Arc<Route>) -> Self {
        Self {
            route,
            state: State::Queued,
            attempts: 0,
            first_failed_at_ms: 0,
            error: String::new(),
            dirty: false,
            alone: false,
            dead_letter: None,
        }
    }

    pub(super) fn number(&self) -> u32 {
        self.route.handler.number
    }

    /// As the store writes it.
    pub(super) fn stored_state(&self) -> DeliveryState {
        match self.state {
            State::Done => DeliveryState::Done,
            State::Dying | State::Dead => DeliveryState::Dead,
            State::Queued | State::Ready | State::Unread | State::Running | State::Waiting(_) => {
                DeliveryState::Retrying
            }
        }
    }
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Behind another event of its key, or its plugin is only expected.
    Queued,
    /// May run.
    Ready,
    /// May run once the event is read again.
    Unread,
    Running,
    /// Failed; may run from this moment on.
    Waiting(i64),
    Done,
    /// Given up; the dead letter is not written yet.
    Dying,
    /// Given up.
    Dead,
}

impl State {
    pub(super) fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Dying | Self::Dead)
    }
}

/// A delivery to start.
#[derive(Debug)]
pub(crate) struct Start {
    /// The event; and those behind it in its chain that go along, in their order.
    pub(crate) sequences: Vec<u64>,
    pub(crate) route: Arc<Route>,
    /// One of each.
    pub(crate) bodies: Vec<Arc<[u8]>>,
    /// Of the first.
    pub(crate) context: Context,
    /// 1 is the first.
    pub(crate) attempt: u32,
}
