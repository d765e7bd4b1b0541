//! One thing that runs on a plugin's own threads, from its being handed over to its end. Driven by [`OwnThreads`] alone.

use parking_lot::Mutex;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    task::{Context as TaskContext, Wake, Waker},
};

use super::{Job, OwnThreads, unharmed};
use crate::instance::presence::{self, About, Errand};

/// Where a task stands. Changes under the lock of the queue only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// For somebody to wake it.
    Waiting = 0,
    Queued = 1,
    Running = 2,
    /// Running, and woken meanwhile: it has to run once more.
    Woken = 3,
    Over = 4,
}

/// A task.
pub(super) struct Task {
    threads: Arc<OwnThreads>,
    phase: AtomicU8,
    cancelled: AtomicBool,
    /// Code of the plugin's is in it.
    begun: AtomicBool,
    job: Mutex<Option<Job>>,
}

impl Task {
    pub(super) fn new(threads: Arc<OwnThreads>, begun: bool, job: Job) -> Self {
        Self {
            threads,
            phase: AtomicU8::new(Phase::Waiting as u8),
            cancelled: AtomicBool::new(false),
            begun: AtomicBool::new(begun),
            job: Mutex::new(Some(job)),
        }
    }

    pub(super) fn threads(&self) -> &Arc<OwnThreads> {
        &self.threads
    }

    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Waiting,
            1 => Phase::Queued,
            2 => Phase::Running,
            3 => Phase::Woken,
            _ => Phase::Over,
        }
    }

    pub(super) fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    pub(super) fn begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// It is to be dropped at its next turn.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Drops what was not begun, on this thread.
    pub(super) fn forget(&self) {
        let job = self.job.lock().take();
        drop(job);
    }

    /// One turn, on a thread of the plugin's.
    pub(super) fn run(self: Arc<Self>) {
        self.begun.store(true, Ordering::Relaxed);
        let mut job = self.job.lock();
        let waker = Waker::from(Arc::clone(&self));
        let pending = !self.cancelled.load(Ordering::Relaxed)
            && job.as_mut().is_some_and(|job| {
                let polled = unharmed(&self.threads.plugin, || {
                    job.as_mut().poll(&mut TaskContext::from_waker(&waker))
                });
                polled.is_some_and(|polled| polled.is_pending())
            });
        if !pending && let Some(over) = job.take() {
            // A drop may block as well.
            presence::watched(self.threads.serial, About::home(Errand::Task), || {
                unharmed(&self.threads.plugin, || drop(over))
            });
        }
        drop(job);
        let threads = Arc::clone(&self.threads);
        threads.rest(self, !pending);
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.threads.schedule(self);
    }
}
