//! Takes a library out of memory, step by step; the first step that cannot be proven leaves it mapped, with the reason.
//!
//! Called on a plain thread, when no call is in flight, the instance is dropped and nothing of it is referenced.

use std::{
    fs,
    mem::ManuallyDrop,
    sync::{Mutex, OnceLock, PoisonError, atomic::Ordering},
    time::Duration,
};

use super::{Library, MAPPED, memory, note_kept, symbols, threads};

/// One unload at a time: the threads' checkpoints know one retired library.
static TURN: Mutex<()> = Mutex::new(());

/// How long the library's own threads may take to leave.
const THREADS_LIMIT: Duration = Duration::from_secs(5);
/// How long other threads may take to pass a checkpoint.
const EVICT_LIMIT: Duration = Duration::from_secs(3);

/// What became of a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unload {
    /// It is out of memory.
    Unmapped,
    /// It stays, for this reason.
    Kept(String),
}

/// Whether this executable can unload at all.
pub(crate) fn unloading_possible() -> bool {
    static POSSIBLE: OnceLock<bool> = OnceLock::new();
    *POSSIBLE.get_or_init(symbols::exported)
}

/// Whether an image of this name is mapped.
pub(super) fn mapped_now(file_name: &str) -> bool {
    // Unreadable means unknown, and unknown is not proven.
    fs::read_to_string("/proc/self/maps").map_or(true, |maps| maps.contains(file_name))
}

impl Library {
    /// Unmaps the library if every step succeeds. `nudge` makes idle threads of the process pass a checkpoint.
    pub(crate) fn unload(self, nudge: &dyn Fn()) -> Unload {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let file = self.file();
        let outcome = self.try_unload(nudge);
        drop(turn);
        match &outcome {
            Unload::Unmapped => {
                memory::give_back();
                MAPPED.fetch_sub(1, Ordering::Relaxed);
            }
            Unload::Kept(reason) => note_kept(file, reason),
        }
        outcome
    }

    fn try_unload(self, nudge: &dyn Fn()) -> Unload {
        if let Err(reason) = self.empty(nudge) {
            return Unload::Kept(reason);
        }
        let Self { object, file_name, .. } = self;
        if let Err(error) = ManuallyDrop::into_inner(object).close() {
            return Unload::Kept(format!("the linker did not close it: {error}"));
        }
        if mapped_now(&file_name) {
            return Unload::Kept("the linker keeps it: something in the process still refers to it".to_owned());
        }
        Unload::Unmapped
    }

    /// Everything before the close.
    fn empty(&self, nudge: &dyn Fn()) -> Result<(), String> {
        if !unloading_possible() {
            return Err(
                "this executable does not export the symbols that unloading needs; the host's build script adds them"
                    .to_owned(),
            );
        }
        if self.base == 0 {
            return Err("where it is mapped is not known".to_owned());
        }
        let threads = threads::wait_for_threads(self.base, THREADS_LIMIT);
        if threads > 0 {
            return Err(format!("{threads} of its threads still run"));
        }
        let holders = threads::evict(self.base, EVICT_LIMIT, nudge);
        if !holders.is_empty() {
            return Err(format!(
                "{} threads did not let go of its thread-local values in time: {}",
                holders.len(),
                holders.join(", ")
            ));
        }
        threads::delete_keys(self.base).map_err(|number| format!("a key of it could not be deleted (error {number})"))
    }
}
