//! Stands between two libraries that wait for each other: whoever is polled gets a waker of the host's, behind which the
//! poller's own waker lies until the wait ends. So nobody keeps a waker of a library that may be gone.

use parking_lot::Mutex;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll, Wake, Waker},
};
use tokio::runtime::Handle;

use crate::loader;

/// Where the poller's waker lies. Waking happens under the lock, so that after [`WakerSlot::close`] it is not in use.
#[derive(Default)]
struct Slot(Mutex<Option<Waker>>);

impl Wake for Slot {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(waker) = &*self.0.lock() {
            waker.wake_by_ref();
        }
    }
}

/// A slot and the waker that leads to it. Empties itself when dropped.
#[derive(Default)]
pub(crate) struct WakerSlot(Option<(Arc<Slot>, Waker)>);

impl fmt::Debug for WakerSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WakerSlot").field(&self.0.is_some()).finish()
    }
}

impl WakerSlot {
    /// Puts the poller's waker in and answers the host's.
    pub(crate) fn put(&mut self, waker: &Waker) -> &Waker {
        let (slot, host) = self.0.get_or_insert_with(|| {
            let slot = Arc::new(Slot::default());
            let host = Waker::from(Arc::clone(&slot));
            (slot, host)
        });
        let mut place = slot.0.lock();
        let same = place.as_ref().is_some_and(|old| old.will_wake(waker));
        let old = if same { None } else { place.replace(waker.clone()) };
        drop(place);
        drop(old);
        host
    }

    /// The host's waker; before one was put in it wakes nobody.
    pub(crate) fn waker(&self) -> &Waker {
        self.0.as_ref().map_or(Waker::noop(), |(_, host)| host)
    }

    /// Lets go of the poller's waker.
    pub(crate) fn close(&mut self) {
        if let Some((slot, _)) = &self.0 {
            let waker = slot.0.lock().take();
            drop(waker);
        }
    }
}

impl Drop for WakerSlot {
    fn drop(&mut self) {
        self.close();
    }
}

/// A future of the host's that a plugin polls: shielded, and with the host's runtime entered, so that it may have timers.
pub(crate) struct Shield<T> {
    slot: WakerSlot,
    executor: Handle,
    inner: Pin<Box<dyn Future<Output = T> + Send>>,
}

impl<T> fmt::Debug for Shield<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shield").finish_non_exhaustive()
    }
}

impl<T> Shield<T> {
    pub(crate) fn new(executor: Handle, inner: impl Future<Output = T> + Send + 'static) -> Self {
        Self {
            slot: WakerSlot::default(),
            executor,
            inner: Box::pin(inner),
        }
    }
}

impl<T> Future for Shield<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<T> {
        loader::checkpoint();
        let this = &mut *self;
        let _entered = this.executor.enter();
        let waker = this.slot.put(task.waker());
        this.inner.as_mut().poll(&mut TaskContext::from_waker(waker))
    }
}
