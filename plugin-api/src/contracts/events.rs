//! Names and payloads of the events that the platform publishes. One table; older spellings are aliases where users write
//! them, never here.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A record was made. Durable, keyed by object and record. Payload: [`RecordEvent`].
pub const RECORD_CREATED: &str = "data.record.created";
/// A record was changed. Durable, keyed by object and record. Payload: [`RecordEvent`].
pub const RECORD_UPDATED: &str = "data.record.updated";
/// A record was deleted. Durable, keyed by object and record. Payload: [`RecordEvent`].
pub const RECORD_DELETED: &str = "data.record.deleted";
/// A record came back from the bin. Durable, keyed by object and record. Payload: [`RecordEvent`].
pub const RECORD_RESTORED: &str = "data.record.restored";
/// A record was deleted for good. Durable, keyed by object and record. Payload: [`RecordEvent`].
pub const RECORD_PURGED: &str = "data.record.purged";
/// Metadata changed. Transient. Payload: `{kinds: [string], version: number}`.
pub const METADATA_CHANGED: &str = "system.metadata.changed";

/// What happened to a record. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordEvent {
    /// Name of the event, again, for consumers that get the payload alone.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name of the object.
    pub object: String,
    /// Id of the record.
    pub record_id: String,
    /// Tenant of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// Names of the fields that changed; absent for a new record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<String>>,
    /// The record before; absent for a new record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Map<String, Value>>,
    /// The record after; absent for a deleted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Map<String, Value>>,
    /// Who did it; absent for the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// RFC 3339, UTC, milliseconds.
    pub timestamp: String,
}
