//! The mailer against a real SMTP server on loopback with records in memory.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod delivery;
mod memory;
mod smtp_server;
mod world;
