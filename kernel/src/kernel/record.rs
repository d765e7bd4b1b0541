//! What the kernel knows of one plugin across its generations.

use objectos_plugin_api::contracts::kernel::SwapReport;
use objectos_protocol::kernel::{PluginHealthReport, PluginHealthStatus, PluginStartupResult};
use parking_lot::Mutex;
use std::sync::{Arc, atomic::AtomicBool};

use crate::{instance::cell::PluginCell, package::Candidate, services::Principals};

/// Where a plugin stands, in a word for reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Starting,
    Running,
    Swapping,
    Failed,
    Stopped,
}

impl Standing {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Swapping => "swapping",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// Failed and good probes in a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Streak {
    pub(crate) failures: u64,
    pub(crate) successes: u64,
}

/// The changing part of a record.
#[derive(Debug)]
pub(crate) struct Details {
    /// What the current generation was made of; the last one that was tried, when none runs.
    pub(crate) candidate: Arc<Candidate>,
    /// Position in the start order.
    pub(crate) level: usize,
    pub(crate) standing: Standing,
    /// Why it stands there, when there is something to say.
    pub(crate) reason: Option<String>,
    /// Generations loaded so far.
    pub(crate) generation: u64,
    pub(crate) startup: Option<PluginStartupResult>,
    /// Declared and not registered.
    pub(crate) warnings: Vec<String>,
    pub(crate) health: PluginHealthReport,
    /// Of the generation that runs.
    pub(crate) streak: Streak,
    /// The generation (its serial) whose restarts are used up, until it is replaced or well again.
    pub(crate) given_up: Option<u32>,
    /// It served at least once.
    pub(crate) served: bool,
    /// Since when it runs, milliseconds since 1970.
    pub(crate) running_since_ms: Option<i64>,
    /// Restarts in a row, without a window of good health between them.
    pub(crate) restarts: u64,
    pub(crate) swaps: u64,
    pub(crate) last_swap: Option<SwapReport>,
}

/// One plugin.
#[derive(Debug)]
pub(crate) struct PluginRecord {
    pub(crate) id: Arc<str>,
    pub(crate) cell: Arc<PluginCell>,
    /// Whom its generations were asked to act for.
    pub(crate) principals: Arc<Principals>,
    /// Held by whoever swaps, restarts or stops it.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// Somebody asks it how it does.
    pub(crate) probing: AtomicBool,
    /// Somebody is about to restart it because it broke.
    pub(crate) restarting: AtomicBool,
    details: Mutex<Details>,
}

impl PluginRecord {
    /// `chain_bit`: of the kernel that it belongs to.
    pub(crate) fn new(candidate: Arc<Candidate>, level: usize, now: String, chain_bit: u64) -> Self {
        let health = PluginHealthReport {
            status: PluginHealthStatus::Unknown,
            timestamp: now,
            message: None,
            metrics: None,
            checks: Vec::new(),
            dependencies: Vec::new(),
        };
        let cell = Arc::new(PluginCell::new(candidate.id(), chain_bit));
        let details = Details {
            candidate,
            level,
            standing: Standing::Starting,
            reason: None,
            generation: 0,
            startup: None,
            warnings: Vec::new(),
            health,
            streak: Streak::default(),
            given_up: None,
            served: false,
            running_since_ms: None,
            restarts: 0,
            swaps: 0,
            last_swap: None,
        };
        Self {
            id: Arc::clone(&cell.id),
            cell,
            principals: Arc::default(),
            turn: tokio::sync::Mutex::new(()),
            probing: AtomicBool::new(false),
            restarting: AtomicBool::new(false),
            details: Mutex::new(details),
        }
    }

    /// Reads or changes the details. Keep it short: a lock is held.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Details) -> T) -> T {
        work(&mut self.details.lock())
    }

    pub(crate) fn candidate(&self) -> Arc<Candidate> {
        self.with(|details| Arc::clone(&details.candidate))
    }

    pub(crate) fn standing(&self) -> Standing {
        self.with(|details| details.standing)
    }

    pub(crate) fn set_standing(&self, standing: Standing, reason: Option<String>) {
        self.with(|details| {
            details.standing = standing;
            details.reason = reason;
        });
    }
}
