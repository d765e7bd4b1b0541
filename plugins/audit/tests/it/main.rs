//! The audit on the in-memory host: what becomes a row, that nothing alters a row unseen, and who may read what.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alarms;
mod chain;
mod entries;
#[path = "../../../notification/tests/it/memory.rs"]
mod memory;
mod reading;
mod retention;
mod world;
