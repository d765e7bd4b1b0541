//! A clock that stands still until it is told to go on: retries, limits and leases are tested without waiting for them.

use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use super::{Clock, Sleep};

/// A clock for tests. Clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now_ms: i64,
    next_id: u64,
    /// Who waits, by moment and then by number of the wait. A wait that was never polled has no waker yet.
    sleepers: BTreeMap<(i64, u64), Option<Waker>>,
}

impl ManualClock {
    /// A clock that shows `now_ms`, milliseconds since 1970.
    #[must_use]
    pub fn new(now_ms: i64) -> Self {
        Self(Arc::new(Mutex::new(State {
            now_ms,
            next_id: 0,
            sleepers: BTreeMap::new(),
        })))
    }

    /// Goes on by so many milliseconds and wakes whoever waited for that.
    pub fn advance_ms(&self, by_ms: i64) {
        let to = self.0.lock().now_ms.saturating_add(by_ms);
        self.set_ms(to);
    }

    /// Shows `now_ms` and wakes whoever waited for it. May go back, as wall clocks do.
    pub fn set_ms(&self, now_ms: i64) {
        let woken = {
            let mut state = self.0.lock();
            state.now_ms = now_ms;
            let later = state.sleepers.split_off(&(now_ms.saturating_add(1), 0));
            std::mem::replace(&mut state.sleepers, later)
        };
        // Outside of the lock: a waker may run code that asks for the time.
        for waker in woken.into_values().flatten() {
            waker.wake();
        }
    }

    /// The earliest moment somebody waits for.
    #[must_use]
    pub fn next_wait_ms(&self) -> Option<i64> {
        self.0.lock().sleepers.keys().next().map(|(at_ms, _)| *at_ms)
    }

    /// Goes on to the earliest moment somebody waits for, but no further than `until_ms`; `false` when nobody waits for
    /// anything up to there, and then it shows the time it showed before.
    pub fn advance_to_next(&self, until_ms: i64) -> bool {
        match self.next_wait_ms() {
            Some(at_ms) if at_ms <= until_ms => {
                let now_ms = self.now_ms();
                self.set_ms(at_ms.max(now_ms));
                true
            }
            Some(_) | None => false,
        }
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.0.lock().now_ms
    }

    fn sleep_until_ms(&self, at_ms: i64) -> Sleep {
        let mut state = self.0.lock();
        let id = state.next_id;
        state.next_id += 1;
        if at_ms > state.now_ms {
            state.sleepers.insert((at_ms, id), None);
        }
        Box::pin(Wait {
            clock: self.clone(),
            place: (at_ms, id),
        })
    }
}

struct Wait {
    clock: ManualClock,
    place: (i64, u64),
}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.0.lock();
        if state.now_ms >= self.place.0 {
            state.sleepers.remove(&self.place);
            return Poll::Ready(());
        }
        state.sleepers.insert(self.place, Some(task.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.clock.0.lock().sleepers.remove(&self.place);
    }
}
