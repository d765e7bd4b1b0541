//! Done events that are kept outside of the event store (`persistence.storage` other than `database`): moves them there, and
//! reads store and archive as one.
//!
//! The store stays where an event is written with its change, and where it waits until every handler had it. Only then it is
//! moved: read from the store, appended to the archive, forgotten in the store once the archive answered. Whatever fails, the
//! event is in at least one of the two; it may be in both, or twice in the archive, and is read once all the same.
//!
//! Events of records that are sourced stay in the store: what a record was is rebuilt there (`sourcing`).
//!
//! `keep_moved` is a task of the bus; `page` is called by replays, [`Archive::call`] by the retention as well.

use objectos_plugin_api::{
    Error, ErrorKind, Result,
    contracts::{
        event_archive::{EventArchiveClient, FILE_ARCHIVE},
        event_store::{DoneEvent, DoneRequest, RangePage, RangePageRequest},
    },
};
use parking_lot::Mutex;
use std::sync::Arc;

use super::{
    port::{EventArchivePort, PortFuture},
    shared::{Shared, StoreState},
};

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
    /// Whichever plugin provides the service `event-archive`.
    Custom,
}

impl ArchiveKind {
    /// Name of the service.
    pub(crate) fn service(self) -> &'static str {
        match self {
            Self::File => FILE_ARCHIVE,
            Self::Custom => EventArchiveClient::NAME,
        }
    }
}

/// The archive of a bus that has one, and how it does.
pub(crate) struct Archive {
    pub(crate) kind: ArchiveKind,
    pub(crate) port: Arc<dyn EventArchivePort>,
    state: Mutex<StoreState>,
}

impl Archive {
    pub(crate) fn new(kind: ArchiveKind, port: Arc<dyn EventArchivePort>) -> Self {
        Self {
            kind,
            port,
            state: Mutex::default(),
        }
    }

    /// A call of the archive with its time limit, and its result remembered for the health report.
    pub(crate) async fn call<T>(&self, shared: &Shared, call: PortFuture<T>) -> Result<T> {
        let limit_ms = shared.settings.limits.store_call_ms;
        let due_ms = shared
            .clock
            .now_ms()
            .saturating_add(i64::try_from(limit_ms).unwrap_or(i64::MAX));
        let result = tokio::select! {
            biased;
            result = call => result,
            () = shared.clock.sleep_until_ms(due_ms) => {
                Err(Error::new(ErrorKind::Timeout, format!("the archive of events took longer than {limit_ms} ms")))
            }
        };
        self.note(shared.clock.now_ms(), result.as_ref().err());
        result
    }

    fn note(&self, now_ms: i64, error: Option<&Error>) {
        let mut state = self.state.lock();
        let Some(error) = error else {
            if state.down_since_ms.is_some() {
                tracing::info!(
                    service = self.kind.service(),
                    "done events are moved into the archive again"
                );
                *state = StoreState::default();
            }
            return;
        };
        if state.down_since_ms.is_none() {
            tracing::warn!(
                service = self.kind.service(), error = %error, internal = error.internal_message(),
                "done events are not moved into the archive; they stay in the event store"
            );
        }
        state.down_since_ms = state.down_since_ms.or(Some(now_ms));
        state.error = Some(error.clone());
    }

    pub(crate) fn state(&self) -> StoreState {
        self.state.lock().clone()
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
                    archive.note(shared.clock.now_ms(), Some(&error));
                }
                AGAIN_MS
            }
        };
        next_ms = shared.clock.now_ms().saturating_add(pause_ms);
    }
}

/// Moves what is done after this sequence, which becomes that of the last moved event.
async fn move_done(shared: &Shared, archive: &Archive, after: &mut u64) -> Result<()> {
    let limit = EVENTS_MAX.min(shared.settings.limits.page_events);
    loop {
        let request = DoneRequest {
            after: *after,
            limit,
            but_records_of: shared
                .settings
                .sourcing
                .as_ref()
                .map(|sourcing| sourcing.objects.clone()),
        };
        let page: Vec<DoneEvent> = shared.store_call(shared.store.done(request)).await?;
        let Some(last) = page.last().map(|done| done.sequence) else {
            return Ok(());
        };
        let sequences: Vec<u64> = page.iter().map(|done| done.sequence).collect();
        archive.call(shared, archive.port.append(page)).await?;
        let moved = shared.store_call(shared.store.forget_done(sequences)).await?;
        shared
            .counters
            .archived
            .add(usize::try_from(moved).unwrap_or(usize::MAX));
        *after = last;
    }
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
    let archived = archive.call(shared, archive.port.range_page(request)).await?;
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

#[cfg(test)]
mod tests;
