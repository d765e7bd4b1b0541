//! Lets this package's test binary export the symbols that unloading a plugin needs, as the host's build script does for
//! the host: a plugin binds to them before glibc's. Without them a library is kept and the reason is told.

fn main() {
    for symbol in [
        "__cxa_thread_atexit_impl",
        "pthread_key_create",
        "pthread_key_delete",
        "pthread_create",
    ] {
        println!("cargo:rustc-link-arg-tests=-Wl,--export-dynamic-symbol={symbol}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
