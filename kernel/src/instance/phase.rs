//! Runs a phase of a plugin's life on a plain thread of its own, with a limit. A plugin that blocks costs that thread and
//! nothing else; what the thread leaves in local storage goes with it.

use objectos_plugin_api::{
    Error as PluginError,
    abi::{RawFuture, RawResult},
    private::abi_stable::std_types::RResult,
};
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

use super::Instance;
use crate::{error::Error, loader};

/// How long a phase that waits goes without a checkpoint: what it left in the storage of its thread on behalf of another
/// plugin must not hold up that one's unload.
const CHECKPOINT: Duration = Duration::from_millis(20);
/// What a thread may take beyond the limit to say that the limit is over, before it counts as blocked.
const GRACE: Duration = Duration::from_secs(2);

/// Why a phase did not end well.
#[derive(Debug)]
pub(crate) enum PhaseFailure {
    /// The plugin's error.
    Failed(PluginError),
    /// It was cancelled at the limit.
    TimedOut,
    /// It blocks its thread; nothing of it may be touched any more.
    Blocked,
}

impl PhaseFailure {
    pub(crate) fn into_error(self, plugin: &str, phase: &'static str, limit: Duration) -> Error {
        match self {
            Self::Failed(source) => Error::Phase {
                plugin: plugin.to_owned(),
                phase,
                source,
            },
            Self::TimedOut | Self::Blocked => {
                let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
                Error::PhaseTimeout {
                    plugin: plugin.to_owned(),
                    phase,
                    limit_ms,
                }
            }
        }
    }
}

/// Runs `work` on a plain thread and waits for it and for the thread's end, at most `limit`. `None`: it has not ended; it
/// goes on by itself.
pub(crate) async fn on_thread<T: Send + 'static>(
    name: &str,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (answer, answered) = oneshot::channel();
    let started = thread::Builder::new()
        .name(name.to_owned())
        .stack_size(objectos_plugin_api::STACK_BYTES)
        .spawn(move || {
            loader::on_thread_start();
            let outcome = work();
            // The waiter may have given up.
            let _ = answer.send(outcome);
        });
    let thread = match started {
        Ok(thread) => thread,
        Err(error) => {
            tracing::error!(%error, thread = name, "a thread could not be started");
            return None;
        }
    };
    let outcome = tokio::time::timeout(limit, answered).await.ok()?.ok()?;
    // It has nothing left to do but its thread-local destructors. They run code of the plugin, so whoever goes on to unload
    // it must not overtake them.
    if thread.join().is_err() {
        tracing::error!(thread = name, "a thread of the kernel panicked as it ended");
    }
    Some(outcome)
}

/// Runs one phase: `begin` makes its future on the phase's thread.
pub(crate) async fn run(
    instance: &Arc<Instance>,
    phase: &'static str,
    limit: Duration,
    begin: impl FnOnce(&Instance) -> RawFuture + Send + 'static,
) -> Result<Vec<u8>, PhaseFailure> {
    let own = Arc::clone(instance);
    let name = format!("{phase} {}", instance.plugin);
    let outcome = on_thread(&name, limit + GRACE, move || {
        let until = Instant::now() + limit;
        let future = begin(&own);
        let outcome = block_on(future, until);
        outcome.map(|answer| own.own(answer))
    });
    match outcome.await {
        Some(Some(RResult::ROk(bytes))) => Ok(bytes.into_vec()),
        Some(Some(RResult::RErr(error))) => Err(PhaseFailure::Failed(PluginError::from_raw(&error))),
        Some(None) => Err(PhaseFailure::TimedOut),
        None => Err(PhaseFailure::Blocked),
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls until it answers; `None` when the time is over, the future then being dropped.
fn block_on(mut future: RawFuture, until: Instant) -> Option<RawResult> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut task = TaskContext::from_waker(&waker);
    loop {
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut future).poll(&mut task)));
        match polled {
            Ok(Poll::Ready(answer)) => return Some(answer),
            Ok(Poll::Pending) => {}
            Err(_) => {
                let error = PluginError::internal("it unwound past its own guard");
                return Some(RResult::RErr(error.into_raw()));
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left.min(CHECKPOINT));
        loader::checkpoint();
    }
}
