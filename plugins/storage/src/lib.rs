//! `objectos.storage`: objects by key, in a bucket of an S3 server or in a folder of the host, and what is kept in
//! them: done events (service `event-archive-s3`) and the events and snapshots of sourced records (services
//! `event-streams-s3` and `event-streams-file`). The kernel moves events here and is the only caller; files of
//! records are not here.
//!
//! # Map
//! * `config`, `error`, `caller`: what an operator sets, what may go wrong, and who may call.
//! * `objects`: what is asked of a place for objects; `s3` is a bucket, `folder` a folder.
//! * `batch`: events as the text of an object, and what its name tells of them. `gathered`: a page of events out of
//!   several.
//! * `archive`: done events by the day. `streams`: events and snapshots by the record.
//! * `plugin`: all of it behind the kernel.
//!
//! # Invariants
//! * What was acknowledged is in the bucket, or on the disk. An object is written as a whole or not at all, and never
//!   changed.
//! * The name of a batch follows from what is in it: the same batch that comes again is the same object.
//! * An event may be in several objects, and is answered once, by its sequence.
//! * Whoever takes an object away has put what is still needed of it into another one before.

mod archive;
mod batch;
mod caller;
mod config;
mod error;
mod folder;
mod gathered;
mod moment;
mod objects;
mod plugin;
mod s3;
mod streams;

pub use config::{RetryConfig, S3Config, Secret, StorageConfig};
pub use error::StorageError;
pub use plugin::StoragePlugin;
