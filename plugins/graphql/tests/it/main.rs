//! GraphQL on the in-memory host: what is asked of the services, how often, and what is refused before anything is
//! asked. What the real engine makes of it is shown by the end-to-end tests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod door;
mod world;
