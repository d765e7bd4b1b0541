//! Watching app folders in development.
//!
//! The folders are looked at again and again: a look at a few hundred files costs a millisecond, works on every file system, and
//! leaves no thread behind when the plugin's library is unloaded, which a watcher of the system's would. A change counts once
//! two looks in a row found the same: editors write in several steps.
//!
//! Metadata that another host saved is found in the same way, in every mode ([`saved`]), and which records people used is written
//! down in the same way, less often ([`used`]).
//!
//! The plugin spawns [`run`] on its own runtime when the host's mode is `development`, and aborts it when it stops.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use crate::app::Fingerprint;
use crate::error::Result;

/// Time between two looks.
pub const INTERVAL_MS: u64 = 300;
/// Time between two times that used records are written down: so much of them is lost when the process is killed.
pub const USED_INTERVAL_MS: u64 = 3_000;

/// Decides from looks in a row when a change is complete.
#[derive(Clone, Copy, Debug)]
pub struct Debounce {
    /// What was last acted on.
    settled: Fingerprint,
    /// What the look before found.
    before: Fingerprint,
}

impl Debounce {
    /// Beginning with what was just loaded.
    #[must_use]
    pub fn new(loaded: Fingerprint) -> Self {
        Self {
            settled: loaded,
            before: loaded,
        }
    }

    /// Takes a look; true when there is a change and it is complete.
    pub fn look(&mut self, now: Fingerprint) -> bool {
        let complete = now == self.before && now != self.settled;
        self.before = now;
        if complete {
            self.settled = now;
        }
        complete
    }
}

/// Looks until it is dropped, and calls `changed` after each complete change; the next look waits for its end. Needs the
/// plugin's tokio runtime. `loaded` is the fingerprint from before the load, so that no change in between is missed.
pub async fn run<F, Fut>(folders: Vec<PathBuf>, loaded: Fingerprint, mut changed: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = ()>,
{
    let mut debounce = Debounce::new(loaded);
    let mut ticks = tokio::time::interval(Duration::from_millis(INTERVAL_MS));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let watched = folders.clone();
        // Reading folders blocks, if only for a moment.
        let Ok(now) = tokio::task::spawn_blocking(move || Fingerprint::of(&watched)).await else {
            return;
        };
        if debounce.look(now) {
            changed().await;
        }
    }
}

/// Looks whether what plugins declare has changed, until it is dropped, and calls `changed` each time: a plugin that was swapped
/// may bring other objects. `epoch` answers a number that changes with them.
pub async fn epochs<F, Fut>(epoch: impl Fn() -> u64, known: u64, mut changed: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = ()>,
{
    let mut known = known;
    let mut ticks = tokio::time::interval(Duration::from_millis(INTERVAL_MS));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = epoch();
        if now != known {
            known = now;
            changed().await;
        }
    }
}

/// Looks whether another host saved metadata, until it is dropped. That the database cannot be reached is said once.
pub async fn saved<F, Fut>(look: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<()>>,
{
    steadily(INTERVAL_MS, look, "whether other hosts saved metadata cannot be seen").await;
}

/// Has it written down which records people used, until it is dropped. That the database cannot be reached is said once.
pub async fn used<F, Fut>(keep: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<()>>,
{
    let trouble = "which records people used lately cannot be written down; it is tried again and again";
    steadily(USED_INTERVAL_MS, keep, trouble).await;
}

/// Calls `act` again and again; says `trouble` when it fails, and not again before it went well.
async fn steadily<F, Fut>(interval_ms: u64, mut act: F, trouble: &str)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<()>>,
{
    let mut ticks = tokio::time::interval(Duration::from_millis(interval_ms));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut well = true;
    loop {
        ticks.tick().await;
        match act().await {
            Ok(()) => well = true,
            Err(error) if well => {
                well = false;
                tracing::warn!(error = %error, "{trouble}");
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
