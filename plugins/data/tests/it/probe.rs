//! Stands beside the calls that a store makes to its database: counts them, makes one of them fail, or does something before it.
//! What is done holds the call up, inside of a transaction as well. Used by `world`, and by tests of faults and interleavings.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use objectos_data::store::{Fault, Probe, StorageCall};
use parking_lot::Mutex;

/// Makes the n-th call from now fail, or is busy with something else before it.
#[derive(Debug, Default)]
pub(crate) struct TestProbe {
    left: AtomicI64,
    after: Mutex<bool>,
    visit: Mutex<Option<Visit>>,
    pub(crate) calls: AtomicU64,
    /// Of these, statements: what begins and ends a transaction left out.
    pub(crate) statements: AtomicU64,
}

/// What is done before a call.
struct Visit {
    /// Before which one, counted from the next.
    left: u64,
    act: Box<dyn FnOnce() + Send>,
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl TestProbe {
    /// The call number `n`, from 1, fails; 0 disarms.
    pub(crate) fn arm(&self, n: i64, after: bool) {
        *self.after.lock() = after;
        self.left.store(n, Ordering::SeqCst);
        self.calls.store(0, Ordering::SeqCst);
    }

    /// Does this once, before the call number `n`, from 1. It may make calls itself.
    pub(crate) fn visit(&self, n: u64, act: impl FnOnce() + Send + 'static) {
        let act = Box::new(act);
        *self.visit.lock() = Some(Visit { left: n, act });
    }

    /// Whether it was not done so far; it will not be any more.
    pub(crate) fn leave(&self) -> bool {
        self.visit.lock().take().is_some()
    }

    /// What is to be done before this call. Nothing is locked while it is done.
    fn due(&self) -> Option<Visit> {
        let mut visit = self.visit.lock();
        let next = visit.as_mut()?;
        next.left -= 1;
        if next.left > 0 {
            return None;
        }
        visit.take()
    }
}

impl Probe for TestProbe {
    fn call(&self, call: StorageCall) -> Option<Fault> {
        if let Some(visit) = self.due() {
            (visit.act)();
        }
        self.calls.fetch_add(1, Ordering::SeqCst);
        if matches!(call, StorageCall::Read | StorageCall::Unit) {
            self.statements.fetch_add(1, Ordering::SeqCst);
        }
        if self.left.load(Ordering::SeqCst) <= 0 || self.left.fetch_sub(1, Ordering::SeqCst) != 1 {
            return None;
        }
        Some(if *self.after.lock() {
            Fault::After
        } else {
            Fault::Before
        })
    }
}
