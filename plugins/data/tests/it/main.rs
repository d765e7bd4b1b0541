//! The data plugin from outside: its engine over a real SQLite file, without a host.

mod app_examples;
mod app_models;
mod app_problems;
mod app_reload;
mod app_support;
mod check;
mod engine;
mod event_store;
mod metadata;
mod plugin;
mod sql;
mod store;
mod world;
