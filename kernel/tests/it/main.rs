//! Integration tests of the kernel, a module for each part.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cancel;
mod events;
mod health;
mod journal;
mod lifecycle;
mod log_filter;
mod meeting;
mod rig;
mod sockets;
mod streams;
mod swap;
mod threads;
mod waiting;
mod watch;
mod zoo;
