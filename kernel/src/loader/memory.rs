//! One heap for the host and every library that it loads: mimalloc in the place of the C library's `malloc`.
//!
//! The executable that links this crate defines `malloc` and its kin, so the dynamic linker binds the host and the libraries of
//! plugins to them. Why another heap: rows of a database, requests and events are made on one thread and freed on another, and
//! glibc answers that with locks on its heaps; each plugin's runtime brings threads that come and go, and glibc keeps what
//! they freed. Here a freed block goes back to the thread that made it without a lock, and what a thread leaves is taken over by
//! others. Why not in each library: a heap that is part of a library would go with it, and what it mapped would stay.
//!
//! Called by the kernel's start, and by `unload` after a library is gone.

use libmimalloc_sys::{mi_collect, mi_option_set, mi_option_set_default, mi_option_t};

/// `mi_option_purge_delay`, which the bindings have no name for: for how long freed pages are kept, milliseconds.
const PURGE_DELAY: mi_option_t = 15;

/// `mi_option_arena_eager_commit`: whether the memory that is reserved counts as handed out from the start. Then much of what is
/// freed is never given back.
const ARENA_EAGER_COMMIT: mi_option_t = 4;

/// Among the functions that run before `main`: by then something is allocated, and what was reserved for it stays as it is.
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
static BEFORE_MAIN: extern "C" fn() = reserve_lazily;

/// `MIMALLOC_ARENA_EAGER_COMMIT` in the environment has the last word.
extern "C" fn reserve_lazily() {
    // SAFETY: sets a number that is read when memory is reserved for the first time, and needs nothing that is set up later; no
    // other thread is there yet.
    unsafe { mi_option_set_default(ARENA_EAGER_COMMIT, 0) };
}

/// What is freed goes back to the system, now and not when something is allocated again, which in a server that has nothing to do
/// may be never. Pages of two megabytes are left to those that ask for them: of a hundred small heaps each would be mostly empty.
pub(crate) fn keep_small() {
    // SAFETY: the first sets a number that later frees look at, the second a mark of this process for later page faults; both
    // may be called at any time.
    unsafe {
        mi_option_set(PURGE_DELAY, 0);
        #[cfg(target_os = "linux")]
        libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0);
    }
}

/// Gives freed pages back to the system. Costs some milliseconds; on a plain thread.
pub(super) fn give_back() {
    // SAFETY: `mi_collect` may be called on any thread at any time; it frees what nobody owns and touches no live block.
    unsafe { mi_collect(true) };
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    /// What mimalloc's second version keeps pages for unless it is told.
    const DEFAULT_MS: std::ffi::c_long = 10;

    /// The address of a function as a library that is loaded would find it.
    fn found(name: &CStr) -> usize {
        // SAFETY: `dlsym` with the default handle only looks the name up.
        unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }.addr()
    }

    #[test]
    fn the_number_of_the_option_is_right() {
        // SAFETY: reads and writes a number.
        let before = unsafe { libmimalloc_sys::mi_option_get(super::PURGE_DELAY) };
        assert!([0, DEFAULT_MS].contains(&before), "{before} is not the default");
        super::keep_small();
        // SAFETY: as above.
        assert_eq!(unsafe { libmimalloc_sys::mi_option_get(super::PURGE_DELAY) }, 0);
    }

    #[test]
    fn memory_is_reserved_lazily_before_anything_runs() {
        assert!(
            std::env::var_os("MIMALLOC_ARENA_EAGER_COMMIT").is_none(),
            "the environment has the last word"
        );
        // SAFETY: reads a number.
        let found = unsafe { libmimalloc_sys::mi_option_get(super::ARENA_EAGER_COMMIT) };
        assert_eq!(found, 0);
    }

    #[test]
    fn a_library_finds_the_heap_of_the_executable() {
        for name in [
            c"malloc",
            c"calloc",
            c"realloc",
            c"free",
            c"posix_memalign",
            c"aligned_alloc",
        ] {
            // SAFETY: as above; the handle is that of the object behind the executable.
            let next = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) }.addr();
            assert_ne!(found(name), next, "{name:?} is the C library's");
        }
        super::give_back();
    }
}
