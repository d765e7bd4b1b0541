//! `objectos.data`: the object engine. Apps in YAML become objects, objects become tables, and every record is read and written
//! here, whoever asks: the network, other plugins, seeds.
//!
//! # Map
//! * [`app`]: loads apps, checks them, and compiles them into a [`model::Catalogue`]. [`metadata`], [`routes_meta`]: what was
//!   declared, for readers. [`seed`], [`watch`], [`commands`]: seed records, live reload, subcommands.
//! * [`schema`]: plans the changes of a database; [`store`]: the database itself, SQLite or PostgreSQL.
//! * [`query`]: from what clients write to SQL. [`record`]: from rows to JSON. [`validate`]: from JSON to values.
//! * [`vault`]: encrypts what is secret at rest. [`access`]: what a caller may see and do. [`engine`]: the one path of every
//!   read and write, on all of these.
//! * [`outbox`], [`event_store`]: events, stored in the transaction of the change they tell of. [`event_archive`]: files for
//!   those that are done, when they are not to stay there. [`attachments`]: the one that
//!   this plugin hears itself.
//! * [`runtime`]: metadata that is saved while the system runs. [`import_jobs`]: imports that run by themselves.
//! * [`routes_data`], [`routes_search`], [`routes_recent`], [`plugin`]: the engine behind HTTP and behind the kernel.
//!
//! # Invariants
//! * Only this plugin links a database driver: two copies of SQLite in one process would break each other's locks.
//! * There is one path: access plan, validation, hooks, one transaction with its events. Nothing goes round it.
//! * Names in SQL come from the catalogue and are quoted; values are bound.

pub mod access;
pub mod app;
pub mod attachments;
pub mod commands;
pub mod config;
mod declared;
pub mod engine;
pub mod error;
pub mod event_archive;
mod event_budget;
mod event_relay;
pub mod event_store;
pub mod import_jobs;
pub mod introspect;
pub mod metadata;
pub mod model;
pub mod outbox;
mod plugin;
pub mod query;
pub mod record;
pub mod routes_data;
pub mod routes_meta;
pub mod routes_recent;
pub mod routes_search;
pub mod runtime;
pub mod schema;
pub mod seed;
pub mod store;
pub mod validate;
pub mod vault;
pub mod watch;

pub use plugin::DataPlugin;
