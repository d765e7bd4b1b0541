//! One heap for the host and every library that it loads: mimalloc in the place of the C library's `malloc`.
//!
//! The executable that links this crate defines `malloc` and its kin, so the dynamic linker binds the host and the libraries of
//! plugins to them. Why another heap: rows of a database, requests and events are made on one thread and freed on another, and
//! glibc answers that with locks on its heaps; each plugin's runtime brings threads that come and go, and glibc keeps what
//! they freed. Here a freed block goes back to the thread that made it without a lock, and what a thread leaves is taken over by
//! others. Why not in each library: a heap that is part of a library would go with it, and what it mapped would stay.
//!
//! Called by `unload`, after a library is gone.

/// Gives freed pages back to the system. Costs some milliseconds; on a plain thread.
pub(super) fn give_back() {
    // SAFETY: `mi_collect` may be called on any thread at any time; it frees what nobody owns and touches no live block.
    unsafe { libmimalloc_sys::mi_collect(true) };
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    /// The address of a function as a library that is loaded would find it.
    fn found(name: &CStr) -> usize {
        // SAFETY: `dlsym` with the default handle only looks the name up.
        unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }.addr()
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
