//! What the libraries of plugins leave on threads: destructors of thread-local values, threads of their own, pthread keys.
//! Filled by [`super::symbols`], which the libraries bind to in place of glibc; emptied by [`super::unload`].
//!
//! glibc would count the destructors per library and keep the library mapped until the thread ends. Kept here instead,
//! they run when the library is retired: each thread runs its own at its next checkpoint. A thread that never passes one
//! (a plugin's own, as a database driver starts it) cannot be made to: nothing of the library runs there any more, so what it
//! holds is left behind without its destructor, a few bytes in place of the whole library.
//!
//! Standard locks only: a lock with thread-local values of its own would recurse into this module.

use std::{
    cell::Cell,
    ffi::{c_int, c_void},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

pub(super) type Destructor = unsafe extern "C" fn(*mut c_void);

/// How often a waiting unload looks again.
const LOOK_AGAIN: Duration = Duration::from_micros(200);

struct Entry {
    destructor: Destructor,
    value: *mut c_void,
    base: usize,
}

// SAFETY: an entry is only ever run on the thread that made it; other threads read its `base` alone.
unsafe impl Send for Entry {}

/// The entries of one thread.
#[derive(Default)]
struct ThreadEntries {
    entries: Mutex<Vec<Entry>>,
    /// It has passed a checkpoint, so it will pass another.
    passes: AtomicBool,
    /// Kernel's number of the thread.
    id: libc::pid_t,
    /// Above 0 while this thread runs an entry: the entry is out of the list by then, the library still needed.
    busy: AtomicUsize,
}

static ALL: Mutex<Vec<Arc<ThreadEntries>>> = Mutex::new(Vec::new());
/// Grows with every retired library.
static EPOCH: AtomicU64 = AtomicU64::new(0);
/// The library that is being retired, one at a time; 0 for none. Another one may soon lie where it lay, so this is known
/// only as long as [`evict`] waits.
static RETIRED: Mutex<usize> = Mutex::new(0);
/// `(key, base)` of keys with a destructor inside a library.
static KEYS: Mutex<Vec<(libc::pthread_key_t, usize)>> = Mutex::new(Vec::new());
/// `(thread id, base)` of threads that a library started; [`STARTING`] until the thread knows its id.
static THREADS: Mutex<Vec<(libc::pid_t, usize)>> = Mutex::new(Vec::new());

const STARTING: libc::pid_t = -1;

thread_local! {
    static ADOPTED: Cell<bool> = const { Cell::new(false) };
    /// The epoch of the last checkpoint; no epoch before the first.
    static SEEN: Cell<u64> = const { Cell::new(u64::MAX) };
    static LIST: List = List::new();
}

/// This thread's entries; what is left when the thread ends runs then.
struct List(Arc<ThreadEntries>);

impl List {
    fn new() -> Self {
        let own = Arc::new(ThreadEntries {
            // SAFETY: takes nothing, cannot fail.
            id: unsafe { libc::gettid() },
            ..ThreadEntries::default()
        });
        lock(&ALL).push(Arc::clone(&own));
        Self(own)
    }
}

impl Drop for List {
    fn drop(&mut self) {
        self.0.run(None);
        lock(&ALL).retain(|other| !Arc::ptr_eq(other, &self.0));
    }
}

impl ThreadEntries {
    /// Runs the entries of one library, or all, last made first.
    fn run(&self, base: Option<usize>) {
        self.busy.fetch_add(1, Ordering::SeqCst);
        loop {
            let next = {
                let mut entries = lock(&self.entries);
                let position = entries
                    .iter()
                    .rposition(|entry| base.is_none_or(|base| entry.base == base));
                position.map(|position| entries.remove(position))
            };
            let Some(entry) = next else { break };
            // SAFETY: registered by this thread for a value of this thread, run once, and the library is mapped: it is
            // unmapped only when no list names it and no thread is busy.
            unsafe { (entry.destructor)(entry.value) };
        }
        self.busy.fetch_sub(1, Ordering::SeqCst);
    }

    /// Forgets the entries of a library that nobody calls any more; what they would have freed stays.
    fn forget(&self, base: usize) {
        lock(&self.entries).retain(|entry| entry.base != base);
    }

    /// Its name, for a person who looks for it.
    fn name(&self) -> String {
        let name = std::fs::read_to_string(format!("/proc/self/task/{}/comm", self.id));
        name.map_or_else(|_| self.id.to_string(), |name| name.trim().to_owned())
    }

    fn holds(&self, base: usize) -> bool {
        lock(&self.entries).iter().any(|entry| entry.base == base) || self.busy.load(Ordering::SeqCst) > 0
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on this thread keeps destructors here.
pub(super) fn adopt_current() {
    LIST.with(|_| ());
    ADOPTED.set(true);
}

/// Runs what a retired library left on this thread. One load and one comparison when there is nothing to do.
#[inline]
pub(crate) fn checkpoint() {
    let epoch = EPOCH.load(Ordering::Acquire);
    if epoch != SEEN.get() {
        run_retired(epoch);
    }
}

#[cold]
fn run_retired(epoch: u64) {
    SEEN.set(epoch);
    if !ADOPTED.get() {
        return;
    }
    let base = *lock(&RETIRED);
    // A thread that is ending has run its list already.
    let _ = LIST.try_with(|list| {
        list.0.passes.store(true, Ordering::SeqCst);
        list.0.run(Some(base));
    });
}

/// Keeps a destructor; false when this thread or this library is none of ours, and glibc has to keep it.
pub(super) fn keep_destructor(destructor: Destructor, value: *mut c_void, library: *mut c_void) -> bool {
    if !ADOPTED.try_with(Cell::get).unwrap_or(false) {
        return false;
    }
    let base = image_base(library);
    if base == 0 || base == executable_base() {
        return false;
    }
    LIST.try_with(|list| {
        lock(&list.0.entries).push(Entry {
            destructor,
            value,
            base,
        })
    })
    .is_ok()
}

/// Where the image begins that holds this address; 0 when none does.
pub(super) fn image_base(address: *const c_void) -> usize {
    // SAFETY: all fields of the struct are pointers, for which zero is a value; `dladdr` writes into it and reads nothing
    // at the address.
    unsafe {
        let mut found: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(address, &raw mut found) == 0 {
            0
        } else {
            found.dli_fbase.addr()
        }
    }
}

pub(super) fn executable_base() -> usize {
    static BASE: OnceLock<usize> = OnceLock::new();
    *BASE.get_or_init(|| image_base(executable_base as *const c_void))
}

pub(super) fn remember_key(key: libc::pthread_key_t, base: usize) {
    lock(&KEYS).push((key, base));
}

pub(super) fn forget_key(key: libc::pthread_key_t) {
    lock(&KEYS).retain(|(other, _)| *other != key);
}

/// A library is about to start a thread.
pub(super) fn thread_starts(base: usize) {
    lock(&THREADS).push((STARTING, base));
}

/// It did not come to it.
pub(super) fn thread_failed(base: usize) {
    let mut threads = lock(&THREADS);
    if let Some(position) = threads.iter().position(|thread| *thread == (STARTING, base)) {
        threads.swap_remove(position);
    }
}

/// Called on the new thread, before anything of the library runs there.
pub(super) fn thread_started(base: usize) {
    // SAFETY: takes nothing, cannot fail.
    let id = unsafe { libc::gettid() };
    if let Some(thread) = lock(&THREADS).iter_mut().find(|thread| **thread == (STARTING, base)) {
        thread.0 = id;
    }
    adopt_current();
}

/// Waits until every thread that the library started has left the kernel; answers how many have not.
pub(super) fn wait_for_threads(base: usize, limit: Duration) -> usize {
    let since = Instant::now();
    loop {
        let left = {
            let mut threads = lock(&THREADS);
            threads.retain(|(id, owner)| *owner != base || *id == STARTING || thread_exists(*id));
            threads.iter().filter(|(_, owner)| *owner == base).count()
        };
        if left == 0 || since.elapsed() > limit {
            return left;
        }
        std::thread::park_timeout(LOOK_AGAIN);
    }
}

fn thread_exists(id: libc::pid_t) -> bool {
    Path::new(&format!("/proc/self/task/{id}")).exists()
}

/// Has every thread run what it holds of the library, or forget it where it passes no checkpoints; answers the names of those
/// that still hold something. `nudge` wakes idle ones.
pub(super) fn evict(base: usize, limit: Duration, nudge: &dyn Fn()) -> Vec<String> {
    *lock(&RETIRED) = base;
    EPOCH.fetch_add(1, Ordering::SeqCst);
    checkpoint();
    let left = wait_for_holders(base, limit, nudge);
    *lock(&RETIRED) = 0;
    left
}

fn wait_for_holders(base: usize, limit: Duration, nudge: &dyn Fn()) -> Vec<String> {
    let since = Instant::now();
    loop {
        let mut left = lock(&ALL).clone();
        for thread in left.iter().filter(|thread| !thread.passes.load(Ordering::SeqCst)) {
            thread.forget(base);
        }
        left.retain(|thread| thread.holds(base));
        if left.is_empty() || since.elapsed() > limit {
            return left.iter().map(|thread| thread.name()).collect();
        }
        nudge();
        std::thread::park_timeout(LOOK_AGAIN);
    }
}

/// Deletes the keys the library left; answers the first error number.
pub(super) fn delete_keys(base: usize) -> Result<(), c_int> {
    let own: Vec<libc::pthread_key_t> = {
        let mut keys = lock(&KEYS);
        let own = keys
            .iter()
            .filter(|(_, owner)| *owner == base)
            .map(|(key, _)| *key)
            .collect();
        keys.retain(|(_, owner)| *owner != base);
        own
    };
    for key in own {
        // SAFETY: the library made the key and did not delete it; none of its threads and none of its code runs any more.
        let failed = unsafe { libc::pthread_key_delete(key) };
        if failed != 0 {
            return Err(failed);
        }
    }
    Ok(())
}
