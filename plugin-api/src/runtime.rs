//! A plugin's own small tokio runtime, and the two wrappers that every future of a plugin wears: one enters the runtime on
//! each poll and on drop, one turns a panic into an error. Futures are polled on whatever thread the kernel chooses, not on
//! the runtime's: a call costs no hop to it. Not for authors: [`crate::export`] uses it.

use abi_stable::std_types::{RResult, RVec};
use async_ffi::FfiFuture;
use std::{
    any::Any,
    fmt,
    future::Future,
    mem::ManuallyDrop,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Mutex,
    task::{Context as TaskContext, Poll, Waker},
    time::Duration,
};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::{
    abi::{RawBegun, RawFuture, RawResult},
    error::{Error, ErrorKind, Result},
    host::Host,
    log,
};

/// How long the threads of a plugin's runtime may take to end.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// The runtime of one plugin instance, if it wants one.
pub(crate) struct PluginRuntime {
    handle: Option<Handle>,
    runtime: Mutex<Option<Runtime>>,
}

impl fmt::Debug for PluginRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginRuntime")
            .field("present", &self.handle.is_some())
            .finish()
    }
}

/// Stack of each thread that runs code of plugins. Without optimization frames are many times as large, and what may be nested as
/// deep as its limits say, such as an expression, has to fit.
pub const STACK_BYTES: usize = if cfg!(debug_assertions) { 8 } else { 2 } * 1024 * 1024;

impl PluginRuntime {
    /// A runtime with so many worker threads; none for 0.
    pub(crate) fn new(workers: usize, host: &Host) -> Result<Self> {
        if workers == 0 {
            return Ok(Self {
                handle: None,
                runtime: Mutex::new(None),
            });
        }
        let (host, owner) = (host.clone(), host.identity());
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers)
            .max_blocking_threads(16)
            .thread_keep_alive(Duration::from_secs(2))
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .on_thread_start(move || log::own_thread(owner))
            .on_thread_park(move || host.checkpoint())
            .build()
            .map_err(|error| Error::internal(format!("the plugin's runtime could not start: {error}")))?;
        Ok(Self {
            handle: Some(runtime.handle().clone()),
            runtime: Mutex::new(Some(runtime)),
        })
    }

    pub(crate) fn handle(&self) -> Option<&Handle> {
        self.handle.as_ref()
    }

    /// Makes idle workers pass their park hook.
    pub(crate) fn poke(&self) {
        if let Some(handle) = &self.handle {
            for _ in 0..handle.metrics().num_workers() {
                drop(handle.spawn(tokio::task::yield_now()));
            }
        }
    }

    /// Joins every thread. Must run on a plain thread.
    pub(crate) fn shutdown(&self) {
        let taken = self.runtime.lock().ok().and_then(|mut slot| slot.take());
        if let Some(runtime) = taken {
            runtime.shutdown_timeout(SHUTDOWN_LIMIT);
        }
    }

    /// Dresses a future for the way across the ABI.
    pub(crate) fn future<F>(&self, future: F) -> RawFuture
    where
        F: Future<Output = Result<Vec<u8>>> + Send + 'static,
    {
        FfiFuture::new(Guarded::new(Entered {
            handle: self.handle.clone(),
            inner: ManuallyDrop::new(future),
            gone: false,
        }))
    }
}

impl PluginRuntime {
    /// Makes a future and looks at it once: only one that has to wait is dressed. The runtime is entered throughout.
    pub(crate) fn first_look<F>(&self, begin: impl FnOnce() -> Result<F>) -> RawBegun
    where
        F: Future<Output = Result<Vec<u8>>> + Send + Unpin + 'static,
    {
        let _entered = self.handle.as_ref().map(Handle::enter);
        let mut future = match guard(begin) {
            Ok(future) => future,
            Err(error) => return RawBegun::Answer(raw_result(Err(error))),
        };
        let mut task = TaskContext::from_waker(Waker::noop());
        let answer = match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut future).poll(&mut task))) {
            Ok(Poll::Pending) => return RawBegun::Later(self.future(future)),
            Ok(Poll::Ready(answer)) => answer,
            Err(payload) => Err(panicked(&panic_text(payload))),
        };
        // Its drop may panic as well, and then the answer counts all the same.
        drop(guard(|| {
            drop(future);
            Ok(())
        }));
        RawBegun::Answer(raw_result(answer))
    }
}

impl Drop for PluginRuntime {
    /// Only when nobody called [`PluginRuntime::shutdown`]: a runtime must not be dropped on a thread of another one.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.get_mut().ok().and_then(Option::take) {
            runtime.shutdown_background();
        }
    }
}

/// Enters the runtime on each poll, and on drop: what a future owns may need its reactor to let go. A future that has
/// answered is dropped in the poll that brought the answer, while the runtime is entered anyway.
struct Entered<F> {
    handle: Option<Handle>,
    inner: ManuallyDrop<F>,
    gone: bool,
}

impl<F: Future> Future for Entered<F> {
    type Output = F::Output;

    #[allow(unsafe_code)]
    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<F::Output> {
        // SAFETY: `inner` is structurally pinned: it is never moved out, and is dropped in place, here or in `Drop`.
        let this = unsafe { self.get_unchecked_mut() };
        assert!(!this.gone, "polled after it had answered");
        let _entered = this.handle.as_ref().map(Handle::enter);
        // SAFETY: as above; `this` came out of a pin.
        let polled = unsafe { Pin::new_unchecked(&mut *this.inner) }.poll(task);
        if polled.is_ready() {
            // Before the drop, which may panic: it must not happen twice.
            this.gone = true;
            // SAFETY: `gone` was false until now, so it has not been dropped, and from now on nobody touches it.
            unsafe { ManuallyDrop::drop(&mut this.inner) };
        }
        polled
    }
}

impl<F> Drop for Entered<F> {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        if self.gone {
            return;
        }
        let _entered = self.handle.as_ref().map(Handle::enter);
        // SAFETY: `gone` says that it was not dropped before; the field is not used again.
        unsafe { ManuallyDrop::drop(&mut self.inner) };
    }
}

/// Turns a panic in poll or drop into an error; a future that panicked is never polled again.
struct Guarded<F> {
    inner: ManuallyDrop<F>,
    dead: bool,
}

impl<F> Guarded<F> {
    fn new(inner: F) -> Self {
        Self {
            inner: ManuallyDrop::new(inner),
            dead: false,
        }
    }
}

impl<F: Future<Output = Result<Vec<u8>>>> Future for Guarded<F> {
    type Output = RawResult;

    #[allow(unsafe_code)]
    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<RawResult> {
        // SAFETY: `inner` is structurally pinned, as in `Entered`.
        let this = unsafe { self.get_unchecked_mut() };
        if this.dead {
            return Poll::Ready(raw_result(Err(panicked("polled again after a panic"))));
        }
        // SAFETY: as above.
        let inner = unsafe { Pin::new_unchecked(&mut *this.inner) };
        match catch_unwind(AssertUnwindSafe(|| inner.poll(task))) {
            Ok(poll) => poll.map(raw_result),
            Err(payload) => {
                this.dead = true;
                Poll::Ready(raw_result(Err(panicked(&panic_text(payload)))))
            }
        }
    }
}

impl<F> Drop for Guarded<F> {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: dropped here and nowhere else.
        let dropped = catch_unwind(AssertUnwindSafe(|| unsafe { ManuallyDrop::drop(&mut self.inner) }));
        if let Err(payload) = dropped {
            let _ = panic_text(payload);
        }
    }
}

/// Runs `work`, turning a panic into an error.
pub(crate) fn guard<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(panicked(&panic_text(payload))))
}

/// Drops a value; answers the text of its panic, if it does.
pub(crate) fn release<T>(value: T) -> Option<String> {
    catch_unwind(AssertUnwindSafe(move || drop(value)))
        .err()
        .map(panic_text)
}

pub(crate) fn raw_result(result: Result<Vec<u8>>) -> RawResult {
    match result {
        Ok(bytes) => RResult::ROk(RVec::from(bytes)),
        Err(error) => RResult::RErr(error.into_raw()),
    }
}

/// A future that is ready with this answer.
pub(crate) fn ready(result: Result<Vec<u8>>) -> RawFuture {
    FfiFuture::new(std::future::ready(raw_result(result)))
}

fn panicked(text: &str) -> Error {
    Error::new(ErrorKind::Panicked, "something went wrong on the server").with_internal(format!("panicked: {text}"))
}

#[allow(clippy::mem_forget)]
fn panic_text(payload: Box<dyn Any + Send>) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is not text".to_owned());
    // The payload's own drop may panic; that payload has no right to a third chance.
    if let Err(second) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
        std::mem::forget(second);
    }
    text
}
