//! The data plugin from outside: its engine over a real database, without a host.
#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, and says what it did"
)]

mod app_examples;
mod app_models;
mod app_problems;
mod app_reload;
mod app_support;
mod between;
mod check;
mod datasources;
mod driver;
mod drivers;
mod engine;
mod event_archive;
mod event_store;
mod formula_random;
mod introspect;
mod locked;
mod metadata;
mod metadata_shared;
mod objectql;
mod permissions;
mod plugin;
mod postgres;
mod probe;
mod runtime;
mod seam;
mod sql;
mod store;
mod world;
