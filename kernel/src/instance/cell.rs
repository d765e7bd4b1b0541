//! The one place of each plugin through which every reference to it goes: services, routes, commands, hooks and event
//! handlers. Changing it switches all of them at once.

use arc_swap::{ArcSwap, Guard};
use objectos_plugin_api::{Error as PluginError, ErrorKind};
use std::{
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::watch,
};

use super::{Instance, presence};
use crate::loader;

/// Bit 0 of a context's flags says that the caller acts as the system.
pub(crate) const FLAG_SYSTEM: u64 = 1;

/// Bit 63: a synchronous call that is not to wait for a provider that changes hands.
pub(crate) const FLAG_AT_ONCE: u64 = 1 << 63;

/// The bits of a context's flags, 1 to 62, that tell through which plugins of one kernel a chain of calls has come: one for
/// each plugin, as long as there are some.
#[derive(Debug, Default)]
pub(crate) struct ChainBits {
    given: AtomicU64,
}

impl ChainBits {
    /// How many there are.
    const ALL: u64 = 62;

    /// The next one; 0 past the last: calls nested in a plugin without one wait like all others while it is held.
    pub(crate) fn next(&self) -> u64 {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        if number < Self::ALL { 1 << (number + 1) } else { 0 }
    }
}

/// Where a plugin stands, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Down {
    pub(crate) state: DownState,
    pub(crate) reason: String,
}

/// Why nothing of a plugin can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DownState {
    /// Not started yet.
    Starting,
    /// Broke, and may be restarted.
    Failed,
    /// Was stopped.
    Stopped,
}

/// What a cell holds.
#[derive(Debug)]
pub(crate) enum CellState {
    Running(Arc<Instance>),
    Held(Arc<Hold>),
    Down(Down),
}

/// The place.
pub(crate) struct PluginCell {
    pub(crate) id: Arc<str>,
    state: ArcSwap<CellState>,
    /// The bit of a call chain that has come through this plugin; 0 for one that has none ([`ChainBits`]).
    pub(crate) chain_bit: u64,
}

impl fmt::Debug for PluginCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginCell")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl PluginCell {
    pub(crate) fn new(id: &str, chain_bit: u64) -> Self {
        let down = Down {
            state: DownState::Starting,
            reason: "it has not started yet".to_owned(),
        };
        Self {
            id: Arc::from(id),
            state: ArcSwap::from_pointee(CellState::Down(down)),
            chain_bit,
        }
    }

    /// The place of a plugin that was refused: nothing will ever run in it.
    pub(crate) fn refused(id: &str, reason: String) -> Self {
        Self {
            id: Arc::from(id),
            state: ArcSwap::from_pointee(CellState::Down(Down {
                state: DownState::Failed,
                reason,
            })),
            chain_bit: 0,
        }
    }

    pub(crate) fn load(&self) -> Guard<Arc<CellState>> {
        self.state.load()
    }

    /// The current instance, if one runs.
    pub(crate) fn running(&self) -> Option<Arc<Instance>> {
        match &**self.state.load() {
            CellState::Running(instance) => Some(Arc::clone(instance)),
            CellState::Held(_) | CellState::Down(_) => None,
        }
    }

    /// Puts an instance in place; releases whoever was held.
    pub(crate) fn set_running(&self, instance: Arc<Instance>) {
        self.replace(CellState::Running(instance));
    }

    /// Takes the plugin down.
    pub(crate) fn set_down(&self, state: DownState, reason: impl Into<String>) {
        self.replace(CellState::Down(Down {
            state,
            reason: reason.into(),
        }));
    }

    /// Holds calls from now on.
    pub(crate) fn hold(&self, limits: HoldLimits) {
        let old = self
            .running()
            .map_or_else(Weak::new, |instance| Arc::downgrade(&instance));
        self.replace(CellState::Held(Arc::new(Hold::new(old, limits))));
    }

    fn replace(&self, state: CellState) {
        let before = self.state.swap(Arc::new(state));
        if let CellState::Held(hold) = &*before {
            hold.release();
        }
    }

    /// What a caller reads while the plugin is down.
    pub(crate) fn unavailable(&self, down: &Down) -> PluginError {
        let word = match down.state {
            DownState::Starting => "starting",
            DownState::Failed => "down after a failure",
            DownState::Stopped => "stopped",
        };
        PluginError::unavailable("the service is not available at the moment")
            .with_internal(format_args!("plugin {} is {word}: {}", self.id, down.reason))
    }
}

/// How long and how many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HoldLimits {
    pub(crate) calls_max: usize,
    pub(crate) limit: Duration,
}

/// Calls that wait while a plugin changes hands.
#[derive(Debug)]
pub(crate) struct Hold {
    waiting: AtomicUsize,
    calls_max: usize,
    until: Instant,
    /// The generation that drains: calls that come out of one of its own are let through to it, or it would wait for itself.
    old: Weak<Instance>,
    released: watch::Sender<bool>,
}

impl Hold {
    fn new(old: Weak<Instance>, limits: HoldLimits) -> Self {
        Self {
            waiting: AtomicUsize::new(0),
            calls_max: limits.calls_max,
            until: Instant::now() + limits.limit,
            old,
            released: watch::Sender::new(false),
        }
    }

    /// The generation that drains, while it does.
    pub(crate) fn old(&self) -> Option<Arc<Instance>> {
        self.old.upgrade()
    }

    fn release(&self) {
        self.released.send_replace(true);
    }

    /// Waits for the release.
    ///
    /// # Errors
    /// `Limited` when too many wait already, `Unavailable` when it takes too long.
    pub(crate) async fn wait(&self) -> Result<(), PluginError> {
        let _place = self.enter()?;
        let mut released = self.released.subscribe();
        let wait = released.wait_for(|released| *released);
        match tokio::time::timeout_at(self.until.into(), wait).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Self::too_long()),
        }
    }

    /// The same for a thread. Blocks it.
    ///
    /// # Errors
    /// As [`Hold::wait`].
    pub(crate) fn wait_blocking(&self) -> Result<(), PluginError> {
        let _place = self.enter()?;
        aside(|| {
            while !*self.released.borrow() {
                if Instant::now() >= self.until {
                    return Err(Self::too_long());
                }
                std::thread::park_timeout(Duration::from_millis(1));
                loader::checkpoint();
            }
            Ok(())
        })
    }

    fn enter(&self) -> Result<Place<'_>, PluginError> {
        let place = Place(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) < self.calls_max {
            return Ok(place);
        }
        Err(PluginError::new(
            ErrorKind::Limited,
            "too many calls wait for a plugin that is being replaced",
        ))
    }

    fn too_long() -> PluginError {
        PluginError::unavailable("the service is being replaced and was not back in time")
    }
}

/// Blocks this thread. A worker of the executor hands its tasks to another thread before: the wait may be for one of them.
/// The plugin that called is not to blame.
fn aside<T>(work: impl FnOnce() -> T) -> T {
    presence::unwatched(|| match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        _ => work(),
    })
}

/// One place in the queue.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{ChainBits, FLAG_AT_ONCE, FLAG_SYSTEM};

    #[test]
    fn every_plugin_of_a_kernel_has_a_bit_of_its_own_as_long_as_there_are_some() {
        let check = |bits: &ChainBits| {
            let given: Vec<u64> = (0..62).map(|_| bits.next()).collect();
            let all = given.iter().fold(0_u64, |all, bit| all | bit);
            assert_eq!(all, !(FLAG_SYSTEM | FLAG_AT_ONCE), "each of them once: {given:x?}");
            assert_eq!([bits.next(), bits.next()], [0, 0]);
        };
        // Other kernels in the same process take nothing of it.
        for _ in 0..3 {
            check(&ChainBits::default());
        }
    }
}
