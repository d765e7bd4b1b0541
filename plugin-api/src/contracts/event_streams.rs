//! `event-streams`: the events of sourced records and the snapshots between them, where they are kept outside of the
//! event store (`eventSourcing.storage`). Only what every handler has had comes here, so what a record was is read
//! out of the store and out of here, and joined. The kernel moves the events and is the only caller.
//!
//! As with `event_archive`, the kernel forgets events in the store once `append` answered, and no sooner; what was
//! answered may come again. So an event may be here twice, and is answered once.
//!
//! The service is offered under the name of the place where it keeps things ([`Named`](super::named::Named)).

use objectos_plugin_macros::service;

use super::event_store::{
    Aggregate, AggregatePage, AggregateRequest, DoneEvent, DueRequest, KeepRequest, PruneRequest,
};
use crate::{Context, Result};

/// Name of [`EventStreams`] in files of the host, for `eventSourcing.storage: {type: file}`.
pub const FILE_STREAMS: &str = "event-streams-file";
/// Name of [`EventStreams`] in a bucket of an S3 server, for `eventSourcing.storage: {type: s3}`.
pub const S3_STREAMS: &str = "event-streams-s3";

/// Events and snapshots of records.
#[service(name = "event-streams", version = "1.0.0")]
pub trait EventStreams {
    /// Keeps events of records. When it answers, they are on the disk, or as safe as they are ever going to be.
    /// Events that are here already may come again. `Invalid` when one tells of no record: nothing is kept then.
    async fn append(&self, context: Context, events: Vec<DoneEvent>) -> Result<()>;
    /// A page of what is kept of a record: its newest snapshot within the bounds, and the events after it, in order of
    /// sequence, each once. Fewer than the limit means that there are no more.
    async fn page(&self, context: Context, request: AggregateRequest) -> Result<AggregatePage>;
    /// Those of the named records that have had so many events since their last snapshot; `interval` is at least 1.
    /// It may name one that has had fewer. An empty list names no record.
    async fn due(&self, context: Context, request: DueRequest) -> Result<Vec<Aggregate>>;
    /// Stores snapshots, and takes out older ones of the same records beyond a number. Doing it twice is doing it once.
    async fn keep_snapshots(&self, context: Context, request: KeepRequest) -> Result<()>;
    /// Forgets events of the named objects stored before `aggregates_before_ms`, and keeps the state that they led to
    /// as a snapshot that does not count among the others; forgets all that is kept of other objects when it is older
    /// than `before_ms`. Answers how many events. They may stay up to a month longer, where several are forgotten as
    /// one; with very many records it may take several calls until all were looked at.
    async fn prune(&self, context: Context, request: PruneRequest) -> Result<u64>;
}
