//! As for the host: the program exports the symbols by which the kernel sees what a plugin leaves on threads.

fn main() {
    for symbol in [
        "__cxa_thread_atexit_impl",
        "pthread_key_create",
        "pthread_key_delete",
        "pthread_create",
    ] {
        println!("cargo:rustc-link-arg-bin=objectos-bench=-Wl,--export-dynamic-symbol={symbol}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
