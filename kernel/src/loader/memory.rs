//! Keeps the heap of a process small whose threads come and go with its plugins.
//!
//! Every plugin's own runtime brings threads, and glibc gives each new thread a heap of its own, which keeps what was freed.
//! A swap then leaves the pages of a whole generation behind. So the number of heaps is bounded when the kernel starts, and
//! after a library is gone its pages are given back. Large blocks stay out of the heaps altogether: one at the top of a heap
//! would keep all that was freed below it. Called by `unload` and by the kernel's start; does nothing on other C libraries,
//! where none of it is needed.

/// Heaps for each processor. Fewer cost threads waiting time, more cost memory.
#[cfg(target_env = "gnu")]
const HEAPS_PER_PROCESSOR: usize = 2;

/// Blocks from this size on are mapped each by itself and go back to the system when they are freed. Said once, it stays: by
/// default glibc raises its limit with the largest block that was freed, and the libraries that a swap reads are large.
#[cfg(target_env = "gnu")]
const LARGE_BLOCK_BYTES_MIN: i32 = 4 * 1024 * 1024;

/// Bounds the number of heaps, for threads that are made from now on, and what may lie in them.
pub(crate) fn bound_heaps() {
    #[cfg(target_env = "gnu")]
    {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let heaps = i32::try_from(processors * HEAPS_PER_PROCESSOR).unwrap_or(i32::MAX);
        // SAFETY: `mallopt` with these parameters only sets numbers that later allocations look at; it may be called at any time.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, heaps);
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES_MIN);
        }
    }
}

/// Gives freed pages back to the system. Costs some milliseconds; on a plain thread.
pub(super) fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: `malloc_trim` takes the heaps' own locks and touches free memory only.
    unsafe {
        libc::malloc_trim(0)
    };
}
