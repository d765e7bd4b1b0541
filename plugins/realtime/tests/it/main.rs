//! Realtime on the in-memory host: who gets what over HTTP, what the service takes, and that everything has a limit.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod connections;
mod presence;
mod service;
mod world;
