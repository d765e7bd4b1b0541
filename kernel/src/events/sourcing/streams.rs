//! Events and snapshots of sourced records where they are kept outside of the event store (`eventSourcing.storage`),
//! and what is kept of a record in store and streams as one page. Who moves the events is `archive`; `fold`,
//! `rebuild` and `snapshots` read and write here.

use objectos_plugin_api::{
    Result,
    contracts::{
        event_store::{Aggregate, AggregatePage, AggregateRequest, DueRequest, KeepRequest, PruneRequest},
        event_streams::{FILE_STREAMS, S3_STREAMS},
    },
};
use std::sync::Arc;

use crate::events::{
    archive::{ArchiveKind, joined},
    keeper::Keeper,
    port::EventStreamsPort,
    shared::Shared,
};

/// Where events and snapshots of sourced records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the event store, with all others.
    Store,
    /// In files of the host.
    File,
    /// In a bucket of an S3 server.
    S3,
}

impl Place {
    /// Name of the service that keeps them; `None` for the event store.
    pub(crate) fn service(self) -> Option<&'static str> {
        match self {
            Self::Store => None,
            Self::File => Some(FILE_STREAMS),
            Self::S3 => Some(S3_STREAMS),
        }
    }

    /// Where replays find the events when all others stay in the event store.
    pub(crate) fn archive(self) -> Option<ArchiveKind> {
        match self {
            Self::Store => None,
            Self::File => Some(ArchiveKind::File),
            Self::S3 => Some(ArchiveKind::S3),
        }
    }
}

/// The streams of a bus that keeps them outside of the event store.
pub(crate) struct Streams {
    pub(crate) port: Arc<dyn EventStreamsPort>,
    pub(crate) keeper: Keeper,
}

impl Streams {
    pub(crate) fn new(service: &'static str, port: Arc<dyn EventStreamsPort>) -> Self {
        Self {
            port,
            keeper: Keeper::new(service),
        }
    }
}

/// What is kept of a record, and whether there may be more after it. Its events may be none although there are more.
///
/// # Errors
/// What store and streams answer.
pub(super) async fn page(shared: &Shared, request: AggregateRequest) -> Result<(AggregatePage, bool)> {
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    // The store first: what is moved in between is in both answers. The other way round it could be in neither.
    let stored = shared.store_call(shared.store.aggregate(request.clone())).await?;
    let stored_more = stored.events.len() >= limit;
    let Some(streams) = &shared.streams else {
        return Ok((stored, stored_more));
    };
    let moved = streams.port.page(request.clone());
    let moved = streams.keeper.call(shared, moved).await?;
    let more = stored_more || moved.events.len() >= limit;
    Ok((one(stored, moved, &request), more))
}

/// Two pages of a record as one: the newer snapshot, and what came after it.
fn one(stored: AggregatePage, moved: AggregatePage, request: &AggregateRequest) -> AggregatePage {
    let snapshots = [stored.snapshot, moved.snapshot].into_iter().flatten();
    let snapshot = snapshots.max_by_key(|snapshot| snapshot.sequence);
    let begin = snapshot.as_ref().map(|snapshot| snapshot.sequence);
    let after = request.after.or(begin).unwrap_or_default();
    AggregatePage {
        events: joined(stored.events, moved.events, after, request.limit),
        snapshot,
    }
}

/// Records that had so many events since their last snapshot, as far as whoever keeps snapshots knows.
pub(super) async fn due(shared: &Shared, request: DueRequest) -> Result<Vec<Aggregate>> {
    match &shared.streams {
        None => shared.store_call(shared.store.aggregates_due(request)).await,
        Some(streams) => streams.keeper.call(shared, streams.port.due(request)).await,
    }
}

/// Stores snapshots.
pub(super) async fn keep_snapshots(shared: &Shared, request: KeepRequest) -> Result<()> {
    match &shared.streams {
        None => shared.store_call(shared.store.keep_snapshots(request)).await,
        Some(streams) => streams.keeper.call(shared, streams.port.keep_snapshots(request)).await,
    }
}

/// Forgets what is old in the streams, if there are any; answers how many events.
pub(crate) async fn prune(shared: &Shared, request: PruneRequest) -> Result<u64> {
    match &shared.streams {
        None => Ok(0),
        Some(streams) => streams.keeper.call(shared, streams.port.prune(request)).await,
    }
}

#[cfg(test)]
mod tests;
