//! The threads of one generation of a plugin: begun when there is something to do, gone when there was nothing for a while, a
//! few at most. What runs here may block: it costs the plugin alone.
//!
//! A small executor. Whoever hands something over gets a [`Remote`] to wait for; dropping that cancels. Not here: what a
//! call of a plugin is ([`super::apart`]), and when a plugin is called here ([`OwnThreads::apart`] says it, the plan of the
//! operator and the watchdog decide it).
//!
//! Invariants
//! * What was begun here is polled and dropped here, for a drop may block as well. What was not begun is dropped by whoever
//!   cancels it, so that nothing piles up behind threads that never come back.
//! * A thread that ends is joined: its thread-local destructors are code of the plugin, and the library must not go before.

mod task;

#[cfg(test)]
mod tests;

use objectos_protocol::kernel::plugin_document::ThreadMode;
use parking_lot::{Condvar, Mutex, MutexGuard};
use serde::Serialize;
use std::{
    collections::{HashMap, VecDeque},
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    task::{Context as TaskContext, Poll},
    thread::{self, JoinHandle, ThreadId},
    time::Duration,
};
use tokio::sync::oneshot;

use self::task::{Phase, Task};
use crate::{loader, threads::ThreadPlan};

/// How long a thread without work stays.
const KEEP_ALIVE: Duration = Duration::from_secs(2);

/// So many may wait for a thread: a caller without a deadline would wait for good, and more would follow.
const WAITING_MAX: usize = 10_000;

/// Counts instances of the process; tells one generation from another wherever something is remembered about one.
static SERIALS: AtomicU32 = AtomicU32::new(1);

/// What runs here.
pub(crate) type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The threads of one generation.
pub(crate) struct OwnThreads {
    /// The plugin is called here, and not on its callers' threads.
    apart: AtomicBool,
    /// The instance's serial.
    pub(crate) serial: u32,
    plan: ThreadPlan,
    plugin: Arc<str>,
    /// Threads, also those of others, that are blocked in it now.
    stuck: AtomicUsize,
    /// Those of its own among them.
    stuck_at_home: AtomicUsize,
    /// For what it blocked a thread of somebody else, the first time.
    blocked: OnceLock<String>,
    /// It was told that all of its threads are blocked.
    told_full: AtomicBool,
    queue: Mutex<Queue>,
    bell: Condvar,
}

#[derive(Default)]
struct Queue {
    tasks: VecDeque<Arc<Task>>,
    threads: HashMap<ThreadId, JoinHandle<()>>,
    /// Threads that wait for the bell.
    idle: usize,
    /// The thread that ended last; the next one to end joins it.
    left: Option<JoinHandle<()>>,
    /// No thread begins any more, and those that are there end.
    closed: bool,
}

/// Figures for reports. JSON: `{mode, max, running, waiting, stuck}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ThreadFigures {
    pub(crate) mode: ThreadMode,
    pub(crate) max: usize,
    /// Threads of its own now.
    pub(crate) running: usize,
    /// Calls and tasks that wait for one.
    pub(crate) waiting: usize,
    /// Threads, also those of others, that are blocked in it.
    pub(crate) stuck: usize,
}

impl fmt::Debug for OwnThreads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnThreads")
            .field("plugin", &self.plugin)
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

impl OwnThreads {
    /// For a new generation; begins no thread.
    pub(crate) fn new(plugin: &Arc<str>, plan: ThreadPlan) -> Self {
        Self {
            apart: AtomicBool::new(plan.mode == ThreadMode::Own),
            serial: SERIALS.fetch_add(1, Ordering::Relaxed),
            plan,
            plugin: Arc::clone(plugin),
            stuck: AtomicUsize::new(0),
            stuck_at_home: AtomicUsize::new(0),
            blocked: OnceLock::new(),
            told_full: AtomicBool::new(false),
            queue: Mutex::default(),
            bell: Condvar::new(),
        }
    }

    /// Whether the plugin is to be called here. One load.
    #[inline]
    pub(crate) fn apart(&self) -> bool {
        self.apart.load(Ordering::Relaxed)
    }

    /// From now on it is called here, because it blocked somebody else's thread. False when that was known.
    pub(crate) fn set_apart(&self, blocked_in: &str) -> bool {
        // Whoever hears of it finds it so.
        self.apart.store(true, Ordering::Relaxed);
        self.blocked.set(blocked_in.to_owned()).is_ok()
    }

    /// For what it blocked a thread of somebody else.
    pub(crate) fn blocked(&self) -> Option<&str> {
        self.blocked.get().map(String::as_str)
    }

    /// Notes a thread that does not come back. True when with it, for the first time, all are blocked that the plugin may have.
    pub(crate) fn note_stuck(&self, at_home: bool) -> bool {
        self.stuck.fetch_add(1, Ordering::Relaxed);
        if !at_home {
            return false;
        }
        let own = self.stuck_at_home.fetch_add(1, Ordering::Relaxed) + 1;
        own >= self.plan.max && !self.told_full.swap(true, Ordering::Relaxed)
    }

    /// It did come back.
    pub(crate) fn note_back(&self, at_home: bool) {
        self.stuck.fetch_sub(1, Ordering::Relaxed);
        if at_home {
            self.stuck_at_home.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Threads that are blocked in the plugin now.
    pub(crate) fn stuck(&self) -> usize {
        self.stuck.load(Ordering::Relaxed)
    }

    /// Threads of its own that are blocked now.
    pub(crate) fn stuck_at_home(&self) -> usize {
        self.stuck_at_home.load(Ordering::Relaxed)
    }

    pub(crate) fn figures(&self) -> ThreadFigures {
        let queue = self.queue.lock();
        ThreadFigures {
            mode: if self.apart() {
                ThreadMode::Own
            } else {
                ThreadMode::Shared
            },
            max: self.plan.max,
            running: queue.threads.len(),
            waiting: queue.tasks.len(),
            stuck: self.stuck(),
        }
    }

    /// Whether so many wait for a thread that nobody more should.
    pub(crate) fn crowded(&self) -> bool {
        self.queue.lock().tasks.len() >= WAITING_MAX
    }

    /// Runs what `make` makes. `begun`: code of the plugin's is in it already, so it must be dropped here.
    pub(crate) fn run<T>(self: &Arc<Self>, begun: bool, make: impl FnOnce(oneshot::Sender<T>) -> Job) -> Remote<T> {
        let (sender, answer) = oneshot::channel();
        let task = Arc::new(Task::new(Arc::clone(self), begun, make(sender)));
        self.schedule(&task);
        Remote {
            answer,
            task,
            over: false,
        }
    }

    /// It has something to do.
    fn schedule(self: &Arc<Self>, task: &Arc<Task>) {
        let mut queue = self.queue.lock();
        match task.phase() {
            Phase::Waiting => {
                task.set_phase(Phase::Queued);
                queue.tasks.push_back(Arc::clone(task));
                self.call_up(&mut queue);
            }
            Phase::Running => task.set_phase(Phase::Woken),
            Phase::Queued | Phase::Woken | Phase::Over => {}
        }
    }

    /// Nobody wants its answer any more.
    fn cancel(self: &Arc<Self>, task: &Arc<Task>) {
        task.cancel();
        let mut queue = self.queue.lock();
        if task.phase() == Phase::Queued && !task.begun() {
            task.set_phase(Phase::Over);
            queue.tasks.retain(|other| !Arc::ptr_eq(other, task));
            drop(queue);
            task.forget();
        } else {
            drop(queue);
            self.schedule(task);
        }
    }

    /// Sees to it that somebody comes for the queue.
    fn call_up(self: &Arc<Self>, queue: &mut Queue) {
        if queue.idle > 0 {
            self.bell.notify_one();
        }
        if queue.tasks.len() <= queue.idle || queue.threads.len() >= self.plan.max || queue.closed {
            return;
        }
        let own = Arc::clone(self);
        let started = thread::Builder::new()
            .name(self.plugin.to_string())
            .stack_size(objectos_plugin_api::STACK_BYTES)
            .spawn(move || {
                loader::on_thread_start();
                while let Some(task) = own.next() {
                    task.run();
                    loader::checkpoint();
                }
            });
        match started {
            // The lock is held, so the thread cannot have ended yet.
            Ok(thread) => drop(queue.threads.insert(thread.thread().id(), thread)),
            Err(error) => {
                tracing::error!(plugin = &*self.plugin, %error, "a thread for a plugin could not be started");
            }
        }
    }

    /// Waits for something to do; `None`: this thread is to end.
    fn next(&self) -> Option<Arc<Task>> {
        let mut queue = self.queue.lock();
        loop {
            if let Some(task) = queue.tasks.pop_front() {
                task.set_phase(Phase::Running);
                return Some(task);
            }
            if queue.closed {
                return None;
            }
            queue.idle += 1;
            let silence = self.bell.wait_for(&mut queue, KEEP_ALIVE).timed_out();
            queue.idle -= 1;
            if silence {
                while let Some(before) = queue.left.take() {
                    MutexGuard::unlocked(&mut queue, || self.join(before));
                }
                if queue.tasks.is_empty() && !queue.closed {
                    queue.left = queue.threads.remove(&thread::current().id());
                    return None;
                }
            } else {
                MutexGuard::unlocked(&mut queue, loader::checkpoint);
            }
        }
    }

    /// A turn of a task has ended.
    fn rest(self: &Arc<Self>, task: Arc<Task>, over: bool) {
        let mut queue = self.queue.lock();
        if over {
            task.set_phase(Phase::Over);
        } else if task.phase() == Phase::Woken {
            task.set_phase(Phase::Queued);
            queue.tasks.push_back(task);
            self.call_up(&mut queue);
        } else {
            task.set_phase(Phase::Waiting);
        }
    }

    /// Makes idle threads pass a checkpoint.
    pub(crate) fn poke(&self) {
        self.bell.notify_all();
    }

    /// Ends and joins every thread. On a plain thread, when nothing of the plugin is under way.
    pub(crate) fn close(&self) {
        let threads: Vec<JoinHandle<()>> = {
            let mut queue = self.queue.lock();
            queue.closed = true;
            let left = queue.left.take();
            queue.threads.drain().map(|(_, thread)| thread).chain(left).collect()
        };
        self.bell.notify_all();
        for thread in threads {
            self.join(thread);
        }
    }

    fn join(&self, thread: JoinHandle<()>) {
        if thread.join().is_err() {
            tracing::error!(plugin = &*self.plugin, "a thread of a plugin panicked as it ended");
        }
    }
}

/// The way back from something that runs on a plugin's own threads: its answer, `None` when it ended without one. Dropping it
/// cancels.
pub(crate) struct Remote<T> {
    answer: oneshot::Receiver<T>,
    task: Arc<Task>,
    over: bool,
}

impl<T> fmt::Debug for Remote<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

impl<T> Future for Remote<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<T>> {
        let polled = Pin::new(&mut self.answer).poll(task);
        self.over = polled.is_ready();
        polled.map(Result::ok)
    }
}

impl<T> Drop for Remote<T> {
    fn drop(&mut self) {
        if !self.over {
            self.task.threads().cancel(&self.task);
        }
    }
}

/// Runs what must not end a thread of the plugin by a panic; `None` when it did panic.
fn unharmed<T>(plugin: &str, work: impl FnOnce() -> T) -> Option<T> {
    let outcome = catch_unwind(AssertUnwindSafe(work));
    if outcome.is_err() {
        tracing::error!(plugin, "something unwound to the end of a plugin's thread");
    }
    outcome.ok()
}
