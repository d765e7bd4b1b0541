//! Events of a record, read page by page from its newest snapshot on, and folded into its state.

use objectos_plugin_api::{
    Result,
    contracts::{
        event_store::{AggregateRequest, Snapshot, StoredEvent},
        events::{RecordState, record_state},
    },
};
use serde_json::{Map, Value};

use super::streams;
use crate::events::{
    shared::Shared,
    time_text::{ms_of_text, text_of_ms},
};

/// A record as far as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Folded {
    /// The record; `None` while there is none.
    pub(super) state: Option<Map<String, Value>>,
    /// Of the last event in it; 0 for none.
    pub(super) sequence: u64,
    /// When that was stored, milliseconds since 1970.
    pub(super) at_ms: i64,
    /// Sequence of the snapshot it began with.
    pub(super) snapshot: Option<u64>,
    /// Events read after that.
    pub(super) events: u64,
}

impl Folded {
    /// Begins with a snapshot, if there is one.
    pub(super) fn begin(snapshot: Option<Snapshot>) -> Self {
        snapshot.map_or_else(Self::default, |snapshot| Self {
            snapshot: Some(snapshot.sequence),
            sequence: snapshot.sequence,
            at_ms: snapshot.at_ms,
            state: snapshot.state,
            events: 0,
        })
    }

    /// One event further.
    pub(super) fn apply(&mut self, stored: &StoredEvent) {
        match record_state(&stored.event) {
            Some(RecordState::Is(record)) => self.state = Some(record.clone()),
            Some(RecordState::Gone) => self.state = None,
            // Tells of the record without saying what it is.
            None => {}
        }
        self.sequence = stored.sequence;
        self.at_ms = ms_of_text(&stored.event.metadata.timestamp).unwrap_or(self.at_ms);
        self.events += 1;
    }

    /// When its last event was stored; `None` for none.
    pub(super) fn at(&self) -> Option<String> {
        (self.sequence > 0).then(|| text_of_ms(self.at_ms))
    }
}

/// A record that is being read.
pub(super) struct Reading<'a> {
    shared: &'a Shared,
    request: AggregateRequest,
    begun: bool,
    ended: bool,
    /// What it is so far; whoever reads folds the events of each page in before the next.
    pub(super) folded: Folded,
}

impl<'a> Reading<'a> {
    pub(super) fn new(shared: &'a Shared, request: AggregateRequest) -> Self {
        let limit = shared.settings.limits.page_events;
        Self {
            shared,
            request: AggregateRequest { limit, ..request },
            begun: false,
            ended: false,
            folded: Folded::default(),
        }
    }

    /// The next events; `None` after the last.
    ///
    /// # Errors
    /// What the store answers, or who keeps streams outside of it.
    pub(super) async fn page(&mut self) -> Result<Option<Vec<StoredEvent>>> {
        if self.ended {
            return Ok(None);
        }
        let mut request = self.request.clone();
        if self.begun {
            request.after = Some(self.folded.sequence);
        }
        let (page, more) = streams::page(self.shared, request).await?;
        if !self.begun {
            self.begun = true;
            self.folded = Folded::begin(page.snapshot);
        }
        self.ended = !more;
        Ok(Some(page.events))
    }
}
