//! `objectos.realtime`: events to clients that keep a connection, over WebSocket, server-sent events or long polling; and who is
//! there, where cursors are and what is edited, between clients that look at the same document.
//!
//! # Map
//! * `config`, `error`, `moment`: what an operator sets, what may go wrong, how times are written.
//! * `frame`: messages as clients write and read them. `pattern`, `filter`, `subscription`: what a client wants to hear.
//! * `news`: an event, as little of it as is kept. `outbox`: what waits for one client, bounded.
//! * `proof`, `session`: what a client signed in with, and whether that still holds. `sight`, `catalog`: what it may read.
//! * `connection`, `hub`, `room`: one client, all of them, and who is where.
//! * `deliver`: an item of an outbox on its way out: looked at by session, access and filter, in this order.
//! * `incoming`, `socket`: the WebSocket's two directions. `routes`, `stream`: the HTTP side.
//! * `service`: what other plugins and the kernel may call. `plugin`: all of it behind the kernel.
//!
//! # Invariants
//! * What waits for a client is names and ids, never fields of records. Those are read when they are sent, as that client, by
//!   the same service that answers REST: so nobody gets what it could not read at that moment, however long something waited.
//! * Before anything is sent the session is looked at. Nothing follows its end but the word that it ended.
//! * Whatever cannot be decided is not sent. Whatever grows has a limit.
//! * Nothing is kept in the database; a client whose connection broke reads what it needs and subscribes anew.
//! * Handlers of events are transient: they tell those who are connected now. A durable one would hold the bus up for clients
//!   that are gone, and be retried for nobody.

mod catalog;
mod config;
mod connection;
mod deliver;
mod error;
mod filter;
mod frame;
mod hub;
mod incoming;
mod moment;
mod news;
mod outbox;
mod pattern;
mod plugin;
mod proof;
mod room;
mod routes;
mod service;
mod session;
mod sight;
mod socket;
mod stream;
mod subscription;

pub use config::RealtimeSettings;
pub use error::RealtimeError;
pub use plugin::RealtimePlugin;
