//! What the end-to-end tests are made of: the real host as a process, a plain HTTP client that hides nothing, and plugin
//! folders put together from the libraries that the build made. Tests alone call it, so what goes wrong here panics with a
//! sentence.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::print_stderr
)]

pub mod client;
pub mod host;
pub mod load;
pub mod node;
pub mod plugins;
pub mod postgres;

pub use client::{Answer, Client};
pub use host::{Host, HostBuilder};
