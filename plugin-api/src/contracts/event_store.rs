//! `event-store`: where durable events wait until every handler has had them. The provider writes an event in the
//! transaction of the change it tells of; the kernel dispatches. The kernel is the only caller.

mod aggregate;

use objectos_plugin_macros::service;
use objectos_protocol::kernel::{DeadLetterQueueEntry, Event};
use serde::{Deserialize, Serialize};

pub use self::aggregate::{
    Aggregate, AggregatePage, AggregateRequest, DueRequest, KeepRequest, PruneRequest, Snapshot,
};
use crate::{Context, Error, ErrorKind, Result};

/// An event and its ordering key. JSON, camelCase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventToStore {
    /// Complete, with id and metadata.
    pub event: Event,
    /// Events of one key reach a handler in the order they were stored; empty for none.
    #[serde(default)]
    pub key: String,
}

/// A stored event that is not done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredEvent {
    /// Grows with every stored event; the order of a transaction's events is kept.
    pub sequence: u64,
    /// Ordering key.
    #[serde(default)]
    pub key: String,
    /// The event.
    pub event: Event,
    /// What is known of single handlers, when not all went the same way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<Delivery>,
}

/// The state of one event for one handler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Sequence of the event.
    pub sequence: u64,
    /// `plugin/handler`.
    pub handler: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// Milliseconds since 1970 of the first failure, 0 for none.
    #[serde(default)]
    pub first_failed_at_ms: i64,
    /// Text of the last failure; empty for none.
    #[serde(default)]
    pub error: String,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Failed, to be tried again.
    Retrying,
    /// The handler had it.
    Done,
    /// Given up; a dead letter was written.
    Dead,
}

/// What to fetch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingRequest {
    /// Events after this sequence.
    pub after: u64,
    /// At most so many.
    pub limit: u32,
    /// The kernel instance that asks: events that another instance holds are left to it while its lease runs.
    pub node: String,
    /// How long the events are this node's, milliseconds; 0 only looks. Nothing is leased in a store that one node has alone.
    pub lease_ms: u64,
}

/// What became of events, all in one transaction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettleRequest {
    /// Every handler had these.
    #[serde(default)]
    pub done: Vec<u64>,
    /// New states of single deliveries.
    #[serde(default)]
    pub deliveries: Vec<Delivery>,
    /// Dead letters to write.
    #[serde(default)]
    pub dead_letters: Vec<DeadLetterQueueEntry>,
}

/// Which stored events to read again, done or not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RangeRequest {
    /// Milliseconds since 1970, inclusive.
    pub from_ms: i64,
    /// Milliseconds since 1970, exclusive; `null` is now.
    #[serde(default)]
    pub to_ms: Option<i64>,
    /// Name patterns; empty is all.
    #[serde(default)]
    pub names: Vec<String>,
    /// After this sequence.
    #[serde(default)]
    pub after: u64,
    /// At most so many.
    pub limit: u32,
}

/// What to look at for one page of a range. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RangePageRequest {
    /// Which events; `after` is where the page before ended, and `limit` how many events this one has at most.
    pub range: RangeRequest,
    /// How many events are looked at, wanted or not. Where they lie in blocks, the last block is looked at to its end. 0 is any
    /// number.
    #[serde(default)]
    pub looked_at_max: u32,
    /// How long they are looked at, milliseconds. 0 is any time.
    #[serde(default)]
    pub time_max_ms: u64,
}

/// A page of a range. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RangePage {
    /// In order of sequence. There may be none, and more on the next page.
    #[serde(default)]
    pub events: Vec<StoredEvent>,
    /// Every event up to this sequence was looked at: `after` of the next page. It may be the `after` that was given, when the
    /// limits only allowed for finding out where events lie; it is no less. `null`: there are no more.
    #[serde(default)]
    pub next: Option<u64>,
}

impl RangePage {
    /// The answer of [`EventStore::range`], or of an archive's, to a request with this limit.
    #[must_use]
    pub fn of_range(events: Vec<StoredEvent>, limit: u32) -> Self {
        let full = events.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let last = events.last().map(|stored| stored.sequence);
        Self {
            events,
            next: last.filter(|_| full),
        }
    }
}

/// A done event, to be kept elsewhere. JSON, camelCase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DoneEvent {
    /// As it was in the store.
    pub sequence: u64,
    /// When it was stored, milliseconds since 1970.
    pub stored_at_ms: i64,
    /// Ordering key.
    #[serde(default)]
    pub key: String,
    /// The event.
    pub event: Event,
}

/// Which done events to give away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DoneRequest {
    /// Events after this sequence.
    #[serde(default)]
    pub after: u64,
    /// At most so many.
    pub limit: u32,
    /// But for events of records of these objects, those of
    /// [`RECORD_EVENTS`](crate::contracts::events::RECORD_EVENTS); empty is of all objects, `null` is of none.
    #[serde(default)]
    pub but_records_of: Option<Vec<String>>,
    /// Only events of records of these objects; empty is of all objects, `null` is all events. Since 1.3: a store
    /// that does not know it gives all away, so whoever asks looks again.
    #[serde(default)]
    pub only_records_of: Option<Vec<String>>,
}

/// A page of dead letters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterRequest {
    /// Only this one.
    #[serde(default)]
    pub id: Option<String>,
    /// Skip so many.
    #[serde(default)]
    pub offset: u32,
    /// At most so many.
    pub limit: u32,
    /// Takes them out of the store.
    #[serde(default)]
    pub remove: bool,
}

/// The store of durable events.
#[service(name = "event-store", version = "1.3.0")]
pub trait EventStore {
    /// Stores events, all or none; answers their sequences.
    async fn append(&self, context: Context, events: Vec<EventToStore>) -> Result<Vec<u64>>;
    /// Events that are not done, in order of sequence.
    async fn pending(&self, context: Context, request: PendingRequest) -> Result<Vec<StoredEvent>>;
    /// Writes down what became of events.
    async fn settle(&self, context: Context, request: SettleRequest) -> Result<()>;
    /// Reads events again, for a replay, until there are as many as the limit. Fewer mean that there are no more.
    async fn range(&self, context: Context, request: RangeRequest) -> Result<Vec<StoredEvent>>;
    /// Dead letters, latest first.
    async fn dead_letters(&self, context: Context, request: DeadLetterRequest) -> Result<Vec<DeadLetterQueueEntry>>;
    /// Forgets done events stored before this time (milliseconds since 1970); answers how many.
    async fn prune(&self, context: Context, before_ms: i64) -> Result<u64>;
    /// A page of what is kept of a record: its newest snapshot within the bounds, and the events after it. Since 1.1, like
    /// all below; a store that has none of them answers `NotImplemented`.
    async fn aggregate(&self, _context: Context, _request: AggregateRequest) -> Result<AggregatePage> {
        Err(no_aggregates())
    }
    /// Records that have had so many events since their last snapshot.
    async fn aggregates_due(&self, _context: Context, _request: DueRequest) -> Result<Vec<Aggregate>> {
        Err(no_aggregates())
    }
    /// Stores snapshots, and takes out older ones of the same records beyond a number. Doing it twice is doing it once.
    async fn keep_snapshots(&self, _context: Context, _request: KeepRequest) -> Result<()> {
        Err(no_aggregates())
    }
    /// Forgets done events as [`EventStore::prune`] does, but keeps those of records longer, and of what it forgets of a
    /// record the state that it led to, as a snapshot that does not count among the others; answers how many events.
    async fn prune_but_aggregates(&self, _context: Context, _request: PruneRequest) -> Result<u64> {
        Err(no_aggregates())
    }
    /// Done events that [`EventStore::forget_done`] would forget, in order of sequence. Since 1.2, like all below; a store
    /// that has none of them answers `NotImplemented`.
    async fn done(&self, _context: Context, _request: DoneRequest) -> Result<Vec<DoneEvent>> {
        Err(no_moving())
    }
    /// Forgets the events of these sequences that are done and kept elsewhere; answers how many. Doing it twice is doing it
    /// once. Whatever a store needs so that it never gives a sequence twice stays, and so do events that are not done.
    async fn forget_done(&self, _context: Context, _sequences: Vec<u64>) -> Result<u64> {
        Err(no_moving())
    }
    /// Reads events again, for a replay, as [`EventStore::range`] does, but no more of them than one call should take: rare ones
    /// are found by many short calls. Since 1.3; a store that does not write it reads its range.
    async fn range_page(&self, context: Context, request: RangePageRequest) -> Result<RangePage> {
        let limit = request.range.limit;
        let events = self.range(context, request.range).await?;
        Ok(RangePage::of_range(events, limit))
    }
}

fn no_aggregates() -> Error {
    Error::new(
        ErrorKind::NotImplemented,
        "this event store does not keep what records were",
    )
}

fn no_moving() -> Error {
    Error::new(
        ErrorKind::NotImplemented,
        "this event store does not give done events away",
    )
}
