//! Time as the kernel sees it: milliseconds since 1970, and a way to wait for a moment. Every part of the kernel that
//! waits, retries or dates something takes a [`Clock`], so that a test decides what time it is.
//!
//! Not for measuring how long something took: that is what `Instant` is for, and a machine's wall clock may jump.

mod manual;
#[cfg(test)]
mod tests;

use std::{
    fmt::Debug,
    future::Future,
    pin::Pin,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

pub use self::manual::ManualClock;

/// A wait. Dropping it ends it.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// What time it is, and waiting for a moment.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Milliseconds since 1970, UTC.
    fn now_ms(&self) -> i64;

    /// Ends when [`Clock::now_ms`] is `at_ms` or later; at once when it is already.
    fn sleep_until_ms(&self, at_ms: i64) -> Sleep;
}

/// The machine's clock. Waiting needs a tokio runtime with timers on the thread that polls.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn sleep_until_ms(&self, at_ms: i64) -> Sleep {
        let clock = *self;
        Box::pin(async move {
            // Once more when the wall clock was set back in the meantime, or the timer was early by part of a millisecond.
            while let Ok(left @ 1..) = u64::try_from(at_ms.saturating_sub(clock.now_ms())) {
                tokio::time::sleep(Duration::from_millis(left)).await;
            }
        })
    }
}
