//! `objectos.audit`: who did what and when, in a chain that shows every alteration.
//!
//! # Map
//! * `config`, `types`, `compliance`, `error`: what an operator sets (`system/AuditConfig`), and what may go wrong.
//! * `entry`: what became of an event on the bus: a row, or nothing; with `scope` (what is left out), `severity`, `redact` and
//!   `fields` (labels and types of fields).
//! * `row`, `chain`: a row, its canonical form, its hash and its link to the row before.
//! * `writer`: the one task that gives rows their place in the chain and stores them; `store`: the records.
//! * `reads`, `guard`: the hooks: a sample of reads, and nobody changes a row.
//! * `suspicious`: so many events in so much time, and what is done then.
//! * `retention`, `archive`, `checkpoint`: rows whose time is over, and statements that outlive them.
//! * `verify`: the command that walks the chain.
//! * `query`, `access`, `sight`, `view`, `history`, `export`, `routes`: who may read what, and how.
//! * `plugin`: all of it behind the kernel.
//!
//! # Invariants
//! * An acknowledged write has its row, whatever is killed when: the event is stored in the write's transaction, is delivered
//!   until the row is stored, and the row has the event's id, so that it is stored once.
//! * There is one chain for all tenants. Sequences are unique in the database: of two nodes that take the same place, one is
//!   refused, reads the end of the chain again and takes the next.
//! * A row never changes. Rows go in one way only, retention, which leaves a row in the chain that says what went and between
//!   which hashes it stood.

mod access;
mod archive;
mod chain;
mod checkpoint;
mod compliance;
mod config;
mod entry;
mod error;
mod export;
mod fields;
mod guard;
mod history;
mod moment;
mod plugin;
mod query;
mod reads;
mod redact;
mod removal;
mod retention;
mod routes;
mod row;
mod scope;
mod severity;
mod sight;
mod store;
mod suspicious;
mod types;
mod verify;
mod view;
mod writer;

pub use error::AuditError;
pub use plugin::AuditPlugin;
