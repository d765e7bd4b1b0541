//! Four functions of the C library that the executable exports in place of glibc's, so that what a plugin's library does to
//! threads is known: `__cxa_thread_atexit_impl`, `pthread_key_create`, `pthread_key_delete`, `pthread_create`.
//!
//! A library's references bind to the executable first. The executable must be linked with
//! `-Wl,--export-dynamic-symbol=` for each; [`exported`] tells whether it was. glibc and Linux only. Each behaves as glibc's
//! for the executable itself.
#![allow(unreachable_pub)]

use std::{
    ffi::{CStr, c_int, c_void},
    sync::atomic::{AtomicUsize, Ordering},
};

use super::threads::{self, Destructor};

type Routine = extern "C" fn(*mut c_void) -> *mut c_void;
type AtExit = unsafe extern "C" fn(Destructor, *mut c_void, *mut c_void) -> c_int;
type KeyCreate = unsafe extern "C" fn(*mut libc::pthread_key_t, Option<Destructor>) -> c_int;
type KeyDelete = unsafe extern "C" fn(libc::pthread_key_t) -> c_int;
type ThreadCreate =
    unsafe extern "C" fn(*mut libc::pthread_t, *const libc::pthread_attr_t, Routine, *mut c_void) -> c_int;

/// glibc's function of this name, looked up once. 0 only where there is no such function, which cannot be on glibc.
fn next(cache: &AtomicUsize, name: &CStr) -> usize {
    let mut address = cache.load(Ordering::Relaxed);
    if address == 0 {
        // SAFETY: the name is a C string; looking up has no effect on it.
        address = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) }.addr();
        cache.store(address, Ordering::Relaxed);
    }
    assert!(
        address != 0,
        "the C library must define every function that this module stands in for"
    );
    address
}

/// Declares `$name(…)` as glibc's function.
macro_rules! real {
    ($name:literal as $kind:ty) => {{
        static CACHE: AtomicUsize = AtomicUsize::new(0);
        let address = std::ptr::with_exposed_provenance::<()>(next(&CACHE, $name));
        // SAFETY: glibc's function of this name has this signature.
        unsafe { std::mem::transmute::<*const (), $kind>(address) }
    }};
}

/// Registers the destructor of a thread-local value. For a plugin's value on a thread of ours: kept by [`threads`].
///
/// # Safety
/// As glibc's: `destructor` may be called with `value` on this thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __cxa_thread_atexit_impl(
    destructor: Destructor,
    value: *mut c_void,
    library: *mut c_void,
) -> c_int {
    if threads::keep_destructor(destructor, value, library) {
        return 0;
    }
    let real = real!(c"__cxa_thread_atexit_impl" as AtExit);
    // SAFETY: handed on as it came.
    unsafe { real(destructor, value, library) }
}

/// Makes a key; remembers whose destructor it runs.
///
/// # Safety
/// As glibc's: `key` can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_key_create(key: *mut libc::pthread_key_t, destructor: Option<Destructor>) -> c_int {
    let real = real!(c"pthread_key_create" as KeyCreate);
    // SAFETY: handed on as it came.
    let failed = unsafe { real(key, destructor) };
    if failed == 0
        && let Some(destructor) = destructor
    {
        let base = threads::image_base(destructor as *const c_void);
        if base != 0 && base != threads::executable_base() {
            // SAFETY: glibc wrote a key there.
            threads::remember_key(unsafe { *key }, base);
        }
    }
    failed
}

/// Deletes a key. The standard library deletes keys when two threads race for one: such a key must not be deleted again at
/// unload, when its number may be another library's.
///
/// # Safety
/// As glibc's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_key_delete(key: libc::pthread_key_t) -> c_int {
    threads::forget_key(key);
    let real = real!(c"pthread_key_delete" as KeyDelete);
    // SAFETY: handed on as it came.
    unsafe { real(key) }
}

/// What a thread of a plugin gets in place of its argument.
struct Start {
    routine: Routine,
    argument: *mut c_void,
    base: usize,
}

extern "C" fn trampoline(start: *mut c_void) -> *mut c_void {
    // SAFETY: `pthread_create` below made it with `Box::into_raw` for this thread alone.
    let start = unsafe { Box::from_raw(start.cast::<Start>()) };
    let Start {
        routine,
        argument,
        base,
    } = *start;
    threads::thread_started(base);
    routine(argument)
}

/// Starts a thread; a plugin's is counted and its thread-local values are kept by [`threads`].
///
/// # Safety
/// As glibc's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_create(
    thread: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    routine: Routine,
    argument: *mut c_void,
) -> c_int {
    let real = real!(c"pthread_create" as ThreadCreate);
    let base = threads::image_base(routine as *const c_void);
    if base == 0 || base == threads::executable_base() {
        // SAFETY: handed on as it came.
        return unsafe { real(thread, attributes, routine, argument) };
    }
    threads::thread_starts(base);
    let start = Box::into_raw(Box::new(Start {
        routine,
        argument,
        base,
    }))
    .cast::<c_void>();
    // SAFETY: the trampoline takes the box apart and goes on as the caller wanted.
    let failed = unsafe { real(thread, attributes, trampoline, start) };
    if failed != 0 {
        threads::thread_failed(base);
        // SAFETY: no thread was started, so the box is still ours.
        drop(unsafe { Box::from_raw(start.cast::<Start>()) });
    }
    failed
}

/// Whether the executable exports all four, so that libraries bind to them. Naming them here also keeps them in the binary.
pub(super) fn exported() -> bool {
    let own: [(&CStr, usize); 4] = [
        (
            c"__cxa_thread_atexit_impl",
            (__cxa_thread_atexit_impl as *const ()).addr(),
        ),
        (c"pthread_key_create", (pthread_key_create as *const ()).addr()),
        (c"pthread_key_delete", (pthread_key_delete as *const ()).addr()),
        (c"pthread_create", (pthread_create as *const ()).addr()),
    ];
    // SAFETY: the names are C strings; looking up has no effect.
    own.iter()
        .all(|(name, address)| unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }.addr() == *address)
}
