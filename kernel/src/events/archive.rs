//! Done events that are kept outside of the event store (`persistence.storage`, or `eventSourcing.storage`, other than
//! `database`): moves them there, and reads store and archive as one.
//!
//! The store stays where an event is written with its change, and where it waits until every handler had it. Only then it is
//! moved: read from the store, appended to the archive (and, when it is of a record whose streams are kept elsewhere,
//! to those), forgotten in the store once all of them answered. Whatever fails, the event is in at least one of them;
//! it may be in several, or twice in one, and is read once all the same.
//!
//! Events of records that are sourced stay in the store while their streams are there: what a record was is rebuilt
//! from them (`sourcing`). Where the streams are elsewhere and all other events stay in the store, the events of
//! sourced records alone are moved, into the archive of the streams' kind, so that a replay finds them.
//!
//! `keep_moved` is a task of the bus; `page` is called by replays, the keeper by the retention as well.

use objectos_plugin_api::{
    ErrorKind, Result,
    contracts::{
        event_archive::{EventArchiveClient, FILE_ARCHIVE, S3_ARCHIVE},
        event_store::{DoneEvent, DoneRequest, RangePage, RangePageRequest, StoredEvent},
        events::record_of,
    },
};
use std::sync::Arc;

use super::{keeper::Keeper, port::EventArchivePort, shared::Shared};

/// After the start, so that it does not compete with it, milliseconds.
const FIRST_MS: i64 = 10_000;
/// Between two looks at what was done since, milliseconds.
const NEXT_MS: i64 = 60_000;
/// After a failure, milliseconds.
const AGAIN_MS: i64 = 10_000;
/// Between two looks at all done events: some were done after later ones had been moved, milliseconds.
const ALL_MS: i64 = 60 * 60_000;
/// Events moved at once. Fewer than of other pages: all of them are in memory, and in one call of the archive.
const EVENTS_MAX: u32 = 200;

/// Where done events go, and who is asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArchiveKind {
    /// Files of the host.
    File,
    /// A bucket of an S3 server.
    S3,
    /// Whichever plugin provides the service `event-archive`.
    Custom,
}

impl ArchiveKind {
    /// Name of the service.
    pub(crate) fn service(self) -> &'static str {
        match self {
            Self::File => FILE_ARCHIVE,
            Self::S3 => S3_ARCHIVE,
            Self::Custom => EventArchiveClient::NAME,
        }
    }
}

/// The archive of a bus that has one.
pub(crate) struct Archive {
    pub(crate) kind: ArchiveKind,
    pub(crate) port: Arc<dyn EventArchivePort>,
    pub(crate) keeper: Keeper,
}

impl Archive {
    pub(crate) fn new(kind: ArchiveKind, port: Arc<dyn EventArchivePort>) -> Self {
        Self {
            kind,
            port,
            keeper: Keeper::new(kind.service()),
        }
    }
}

/// Moves for ever.
pub(crate) async fn keep_moved(shared: Arc<Shared>) {
    let Some(archive) = &shared.archive else { return };
    let mut next_ms = shared.clock.now_ms().saturating_add(FIRST_MS);
    let (mut after, mut all_at_ms) = (0, i64::MIN);
    loop {
        shared.clock.sleep_until_ms(next_ms).await;
        let now_ms = shared.clock.now_ms();
        if now_ms >= all_at_ms {
            after = 0;
            all_at_ms = now_ms.saturating_add(ALL_MS);
        }
        let pause_ms = match move_done(&shared, archive, &mut after).await {
            Ok(()) => NEXT_MS,
            Err(error) => {
                // What a store cannot do at all, the health report of the store does not tell.
                if error.kind() == ErrorKind::NotImplemented {
                    archive.keeper.note(shared.clock.now_ms(), Some(&error));
                }
                AGAIN_MS
            }
        };
        next_ms = shared.clock.now_ms().saturating_add(pause_ms);
    }
}

/// Moves what is done after this sequence, which becomes that of the last moved event.
async fn move_done(shared: &Shared, archive: &Archive, after: &mut u64) -> Result<()> {
    loop {
        let request = wanted(shared, *after);
        let only_records = request.only_records_of.is_some();
        let mut page: Vec<DoneEvent> = shared.store_call(shared.store.done(request)).await?;
        let Some(last) = page.last().map(|done| done.sequence) else {
            return Ok(());
        };
        // A store of an older version gives all away.
        page.retain(|done| !only_records || is_sourced(shared, done));
        move_page(shared, archive, page).await?;
        *after = last;
    }
}

/// Which done events are to be moved.
fn wanted(shared: &Shared, after: u64) -> DoneRequest {
    let settings = &shared.settings;
    let objects = settings.sourcing.as_ref().map(|sourcing| sourcing.objects.clone());
    let elsewhere = shared.streams.is_some();
    DoneRequest {
        after,
        limit: EVENTS_MAX.min(settings.limits.page_events),
        but_records_of: objects.clone().filter(|_| !elsewhere),
        only_records_of: objects.filter(|_| elsewhere && !settings.archive_all),
    }
}

fn is_sourced(shared: &Shared, done: &DoneEvent) -> bool {
    let sourcing = shared.settings.sourcing.as_ref();
    record_of(&done.event).is_some_and(|(object, _)| sourcing.is_some_and(|sourcing| sourcing.covers(object)))
}

async fn move_page(shared: &Shared, archive: &Archive, page: Vec<DoneEvent>) -> Result<()> {
    if page.is_empty() {
        return Ok(());
    }
    let sequences: Vec<u64> = page.iter().map(|done| done.sequence).collect();
    let streams = shared.streams.as_ref();
    let sourced: Vec<DoneEvent> = match streams {
        None => Vec::new(),
        Some(_) => page.iter().filter(|done| is_sourced(shared, done)).cloned().collect(),
    };
    // The archive first: one that cannot be used by several hosts says so, and the streams of its kind could not
    // either.
    archive.keeper.call(shared, archive.port.append(page)).await?;
    if let Some(streams) = streams.filter(|_| !sourced.is_empty()) {
        let append = streams.port.append(sourced.clone());
        streams.keeper.call(shared, append).await?;
    }
    let moved = shared.store_call(shared.store.forget_done(sequences)).await?;
    shared
        .counters
        .archived
        .add(usize::try_from(moved).unwrap_or(usize::MAX));
    for done in &sourced {
        shared.touched.note(&done.event, |_| true);
    }
    Ok(())
}

/// A page of events, done or not, out of the store and the archive, in order of sequence, each once. It may be empty before there
/// are no more, and may have up to twice as many as asked for.
pub(crate) async fn page(shared: &Shared, request: RangePageRequest) -> Result<RangePage> {
    // The store first: what is moved in between is in both answers. The other way round it could be in neither.
    let stored = shared.store_call(shared.store.range_page(request.clone())).await?;
    let Some(archive) = &shared.archive else {
        return Ok(stored);
    };
    let after = request.range.after;
    let archived = archive.keeper.call(shared, archive.port.range_page(request)).await?;
    Ok(merged(stored, archived, after))
}

/// Two pages as one. Of a page nothing is known beyond where it ends, so nothing beyond it is taken of the other.
fn merged(stored: RangePage, archived: RangePage, after: u64) -> RangePage {
    let next = [stored.next, archived.next].into_iter().flatten().min();
    let until = next.unwrap_or(u64::MAX);
    let mut events = stored.events;
    events.extend(archived.events);
    events.retain(|stored| stored.sequence > after && stored.sequence <= until);
    events.sort_by_key(|stored| stored.sequence);
    events.dedup_by_key(|stored| stored.sequence);
    RangePage { events, next }
}

/// Two pages of what comes after a sequence as one, each event once. Of a page of `limit` events nothing is known
/// beyond its end, so nothing beyond it is taken of the other.
pub(super) fn joined(stored: Vec<StoredEvent>, archived: Vec<StoredEvent>, after: u64, limit: u32) -> Vec<StoredEvent> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let end = |page: &[StoredEvent]| {
        let last = page.iter().map(|stored| stored.sequence).max();
        last.filter(|_| page.len() >= limit)
    };
    let until = [end(&stored), end(&archived)]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(u64::MAX);
    let mut page = stored;
    page.extend(archived);
    page.retain(|stored| stored.sequence > after && stored.sequence <= until);
    page.sort_by_key(|stored| stored.sequence);
    page.dedup_by_key(|stored| stored.sequence);
    page
}

#[cfg(test)]
mod tests;
