//! Records as aggregates, as an event store keeps them: what is asked of their events and snapshots. All JSON, camelCase.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::StoredEvent;

/// A record whose state follows from its events, those of [`RECORD_EVENTS`](crate::contracts::events::RECORD_EVENTS) with the
/// key `object/record`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Aggregate {
    /// Name of the object.
    pub object: String,
    /// Id of the record.
    pub record: String,
}

/// What a record was after one of its events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The record.
    #[serde(flatten)]
    pub aggregate: Aggregate,
    /// Sequence of the event.
    pub sequence: u64,
    /// When it was stored, milliseconds since 1970.
    pub at_ms: i64,
    /// The record; `null` when there was none any more.
    pub state: Option<Map<String, Value>>,
}

/// What to read of a record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AggregateRequest {
    /// The record.
    #[serde(flatten)]
    pub aggregate: Aggregate,
    /// Events after this sequence, and no snapshot; `null` begins with the newest snapshot, if there is one.
    #[serde(default)]
    pub after: Option<u64>,
    /// Nothing beyond this sequence; `null` for no bound.
    #[serde(default)]
    pub until: Option<u64>,
    /// Nothing stored later than this, milliseconds since 1970; `null` for no bound.
    #[serde(default)]
    pub until_ms: Option<i64>,
    /// At most so many events.
    pub limit: u32,
}

impl AggregateRequest {
    /// All of a record, a thousand events at once.
    #[must_use]
    pub fn of(aggregate: &Aggregate) -> Self {
        Self {
            aggregate: aggregate.clone(),
            limit: 1_000,
            ..Self::default()
        }
    }
}

/// A part of what is kept of a record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AggregatePage {
    /// The newest snapshot within the bounds.
    #[serde(default)]
    pub snapshot: Option<Snapshot>,
    /// Events after it, in order of sequence.
    pub events: Vec<StoredEvent>,
}

/// Which records to look at for a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueRequest {
    /// These; empty is all.
    #[serde(default)]
    pub aggregates: Vec<Aggregate>,
    /// Of these objects; empty is all.
    #[serde(default)]
    pub objects: Vec<String>,
    /// Those with at least so many events after their newest snapshot, or in all when they have none.
    pub interval: u64,
    /// At most so many.
    pub limit: u32,
}

/// Snapshots to store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeepRequest {
    /// The snapshots.
    pub snapshots: Vec<Snapshot>,
    /// How many of a record stay: the newest.
    pub newest: u64,
}

/// What may be forgotten.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PruneRequest {
    /// Done events stored before this, milliseconds since 1970.
    pub before_ms: i64,
    /// The same for events of records of these objects.
    pub aggregates_before_ms: i64,
    /// Names of the objects; empty is all.
    #[serde(default)]
    pub objects: Vec<String>,
}
