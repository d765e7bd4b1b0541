//! One call into a plugin. Polled by whoever asked, on its thread: no hop; unless the plugin has threads of its own, where
//! this is what waits for the answer ([`apart`]).
//!
//! Invariants
//! * The plugin's future goes before the instance does, and the caller's waker before both.
//! * Out of time means dropped: the plugin's future is cancelled, the caller reads a typed error.
//! * A drop may block as well as a poll: it is watched, and comes where the plugin is called.

use objectos_plugin_api::{
    abi::{RawFuture, RawResult},
    private::{abi_stable::std_types::RResult, monotonic_ns},
};
use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll, Waker},
    time::Duration,
};

use super::{
    Instance, apart,
    presence::{self, About, Errand},
    shield::WakerSlot,
};
use crate::loader;

/// A call that has begun.
pub(crate) enum Started {
    /// It is over already.
    Answer(RawResult),
    /// It has to wait, in a plugin.
    Call(Call),
    /// Any other: to the kernel, or one that waits for its provider.
    Other(RawFuture),
}

impl Started {
    /// The answer, whenever it comes.
    pub(crate) async fn answer(self) -> RawResult {
        match self {
            Self::Answer(answer) => answer,
            Self::Call(call) => call.await,
            Self::Other(future) => future.await,
        }
    }
}

/// A call that is under way. Dropping it cancels it.
pub(crate) struct Call {
    slot: WakerSlot,
    /// Gone once it has answered or run out of time.
    future: Option<RawFuture>,
    /// Made when the plugin does not answer at once and there is a deadline.
    timer: Option<Pin<Box<tokio::time::Sleep>>>,
    deadline_ns: u64,
    /// It was looked at before, and had to wait.
    looked_at: bool,
    /// It runs on the plugin's own threads.
    apart: bool,
    errand: Errand,
    instance: Arc<Instance>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}

impl Call {
    /// `deadline_ns` by the machine's monotonic clock; 0 is never.
    pub(crate) fn new(future: RawFuture, instance: Arc<Instance>, deadline_ns: u64, errand: Errand) -> Self {
        Self {
            slot: WakerSlot::default(),
            future: Some(future),
            timer: None,
            deadline_ns,
            looked_at: false,
            apart: false,
            errand,
            instance,
        }
    }

    /// The same for a future that was looked at once and has to wait.
    pub(crate) fn looked_at(future: RawFuture, instance: Arc<Instance>, deadline_ns: u64, errand: Errand) -> Self {
        let mut call = Self::new(future, instance, deadline_ns, errand);
        call.looked_at = true;
        call
    }

    /// The same for what runs on the plugin's own threads.
    pub(crate) fn apart(future: RawFuture, instance: Arc<Instance>, deadline_ns: u64, errand: Errand) -> Self {
        let mut call = Self::looked_at(future, instance, deadline_ns, errand);
        call.apart = true;
        call
    }

    /// From now on it runs on the plugin's own threads.
    #[cold]
    fn go_apart(&mut self) {
        self.apart = true;
        self.looked_at = true;
        if let Some(future) = self.future.take() {
            self.future = Some(apart::go_on(&self.instance, future, self.errand));
        }
    }

    /// Drops the plugin's future before its end.
    #[cold]
    fn cancel(&mut self) {
        if self.instance.threads().apart() && !self.apart {
            self.go_apart();
        }
        let future = self.future.take();
        presence::watched(self.instance.serial, About::guest(self.errand), || drop(future));
    }

    /// By the waker that the plugin's future was looked at with.
    fn poll_timer(&mut self) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| {
            let left = Duration::from_nanos(self.deadline_ns.saturating_sub(monotonic_ns()));
            let _entered = self.instance.executor().enter();
            Box::pin(tokio::time::sleep(left))
        });
        timer.as_mut().poll(&mut TaskContext::from_waker(self.slot.waker()))
    }
}

impl Future for Call {
    type Output = RawResult;

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<RawResult> {
        loader::checkpoint();
        let this = &mut *self;
        if this.instance.threads().apart() && !this.apart {
            this.go_apart();
        }
        let entry = (this.instance.serial, About::guest(this.errand));
        let Some(future) = &mut this.future else {
            return Poll::Ready(RResult::RErr(this.instance.timed_out().into_raw()));
        };
        // Many calls are answered at once. The first look is therefore taken with a waker that wakes nobody, which costs
        // nothing; only a future that has to wait is looked at again with one that does.
        let at_once = if this.looked_at {
            Ok(Poll::Pending)
        } else {
            this.looked_at = true;
            poll_guarded(future, Waker::noop(), entry)
        };
        let polled = match at_once {
            Ok(Poll::Pending) => poll_guarded(future, this.slot.put(task.waker()), entry),
            answered => answered,
        };
        match polled {
            Ok(Poll::Ready(answer)) => {
                // What ran apart was looked through there.
                let answer = if this.apart {
                    this.instance.own(answer)
                } else {
                    this.instance.own_answer(this.errand, answer)
                };
                this.future = None;
                Poll::Ready(answer)
            }
            Ok(Poll::Pending) if this.deadline_ns == 0 => Poll::Pending,
            Ok(Poll::Pending) => {
                if this.poll_timer().is_pending() {
                    return Poll::Pending;
                }
                this.cancel();
                Poll::Ready(RResult::RErr(this.instance.timed_out().into_raw()))
            }
            Err(_) => {
                this.future = None;
                let error = this
                    .instance
                    .panicked("while it was polled; it unwound past its own guard");
                Poll::Ready(RResult::RErr(error.into_raw()))
            }
        }
    }
}

fn poll_guarded(
    future: &mut RawFuture,
    waker: &Waker,
    (serial, about): (u32, About),
) -> std::thread::Result<Poll<RawResult>> {
    presence::watched(serial, about, || {
        catch_unwind(AssertUnwindSafe(|| {
            Pin::new(future).poll(&mut TaskContext::from_waker(waker))
        }))
    })
}

impl Drop for Call {
    fn drop(&mut self) {
        self.slot.close();
        if self.future.is_some() {
            self.cancel();
        }
    }
}
