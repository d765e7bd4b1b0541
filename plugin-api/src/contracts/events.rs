//! Names and payloads of the events that the platform publishes. One table; older spellings are aliases where users write
//! them, never here.

use objectos_protocol::kernel::Event;
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
/// The five events of records. Their key is `object/record`.
pub const RECORD_EVENTS: [&str; 5] = [
    RECORD_CREATED,
    RECORD_UPDATED,
    RECORD_DELETED,
    RECORD_RESTORED,
    RECORD_PURGED,
];

/// What a record is from an event on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RecordState<'a> {
    /// This.
    Is(&'a Map<String, Value>),
    /// There is none any more.
    Gone,
}

/// Object and id of the record that an event tells of; `None` when it is none of [`RECORD_EVENTS`].
#[must_use]
pub fn record_of(event: &Event) -> Option<(&str, &str)> {
    let text = |key: &str| event.payload.get(key).and_then(Value::as_str);
    RECORD_EVENTS
        .contains(&event.name.as_str())
        .then(|| Some((text("object")?, text("recordId")?)))
        .flatten()
}

/// What a record is from this event on; `None` when the event does not say.
#[must_use]
pub fn record_state(event: &Event) -> Option<RecordState<'_>> {
    match event.name.as_str() {
        RECORD_DELETED | RECORD_PURGED => Some(RecordState::Gone),
        RECORD_CREATED | RECORD_UPDATED | RECORD_RESTORED => event
            .payload
            .get("after")
            .and_then(Value::as_object)
            .map(RecordState::Is),
        _ => None,
    }
}

/// Many records were given out at once. Durable, no key. Payload: [`SecurityEvent`].
pub const DATA_EXPORT: &str = "data.export";
/// Many records were taken in at once. Durable, no key; each record has its own event as well. Payload: [`SecurityEvent`].
pub const DATA_IMPORT: &str = "data.import";
/// Many records were changed by one request. Durable, no key; each record has its own event as well. Payload: [`SecurityEvent`].
pub const DATA_BULK_UPDATE: &str = "data.bulk_update";
/// Many records were deleted by one request. Durable, no key; each record has its own event as well. Payload: [`SecurityEvent`].
pub const DATA_BULK_DELETE: &str = "data.bulk_delete";
/// Another node that shares the database changed records of the platform's own objects. Transient, heard a moment after the
/// change was committed there. What a node changes itself is told by hooks and not here. Payload: [`ChangedElsewhere`].
pub const CHANGED_ELSEWHERE: &str = "data.changed_elsewhere";
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
    /// Where the change came from.
    #[serde(default)]
    pub origin: Origin,
}

/// What other nodes changed: records of objects that are declared as the system's and whose changes hooks look at. For those
/// who keep in memory what they read of such records. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ChangedElsewhere {
    /// Something may have been missed: whatever is in memory may be out of date.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub missed: bool,
    /// The records, in the order of their changes.
    pub records: Vec<ChangedRecord>,
}

/// A record that another node changed. JSON, camelCase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedRecord {
    /// Name of the object.
    pub object: String,
    /// Id of the record; absent where so many were changed at once that they are not named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What happened to it; absent where it is not named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<RecordChange>,
}

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordChange {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was deleted.
    Deleted,
}

/// Where something came from: enough to write down who did it, from where, by which request. JSON, camelCase; absent keys are
/// not known. Source: actor and context of `system/AuditEvent`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Origin {
    /// Id of the principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<String>,
    /// `user`, `service`, `local`, `anonymous` as in `PrincipalKind`, or `system`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_kind: Option<String>,
    /// Name of the principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_name: Option<String>,
    /// E-mail address of the principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_email: Option<String>,
    /// Who really acts, where one user acts as another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impersonator_id: Option<String>,
    /// Active organisation of the principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// Id of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Address of the peer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// `User-Agent` of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Id of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Id of the plugin that acted, where no request of a client did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
}

impl Origin {
    /// Of a request context.
    #[must_use]
    pub fn of(context: &crate::Context) -> Self {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let extra = context.extra();
        let fact = |key: &str| extra.get(key).and_then(Value::as_str).map(str::to_owned);
        let principal = context.principal().ok().flatten();
        let mut origin = Self {
            tenant_id: text(context.tenant()),
            address: fact("address"),
            user_agent: fact("userAgent"),
            request_id: text(context.request_id()),
            plugin: text(context.caller()),
            ..Self::default()
        };
        if let Some(principal) = principal {
            origin.impersonator_id = principal
                .attributes
                .get("impersonatedBy")
                .and_then(Value::as_str)
                .map(str::to_owned);
            origin.actor_kind = serde_json::to_value(principal.kind)
                .ok()
                .and_then(|kind| kind.as_str().map(str::to_owned));
            // Guests have no id.
            origin.actor_id = text(&principal.id);
            origin.actor_name = principal.name;
            origin.actor_email = principal.email;
            origin.session_id = principal.session;
        } else if context.system() {
            origin.actor_kind = Some("system".to_owned());
        }
        origin
    }
}

/// An access was refused. Durable, no key. Payload: [`SecurityEvent`].
pub const ACCESS_DENIED: &str = "security.access_denied";

/// Metadata or configuration was changed while the system runs. Durable, no key. Payload: [`SecurityEvent`].
pub const CONFIG_CHANGED: &str = "system.config_changed";

/// A plugin that was not there at the start runs. This and all below are durable events of the kernel, keyed by what they are
/// about. Payload: [`SecurityEvent`] with the target `plugin` and, in its metadata, `trigger` (`start`, `request`, `host`,
/// `file` or `health`), `version` and `sha256`.
pub const PLUGIN_LOADED: &str = "plugin.loaded";
/// The file of a plugin was taken out of the plugin folder; what is loaded stays until the host stops. Told where the folder is
/// watched. Metadata: `path`, `version`, `sha256`.
pub const PLUGIN_REMOVED: &str = "plugin.removed";
/// A plugin was replaced by another file, or was not. Metadata: `fromVersion`, `fromSha256`, `toVersion`, `toSha256`,
/// `generation`.
pub const PLUGIN_SWAPPED: &str = "plugin.swapped";
/// A plugin was loaded anew, or was not. Metadata as above, and the `reason` when the health monitor did it.
pub const PLUGIN_RESTARTED: &str = "plugin.restarted";
/// The restarts of a plugin are used up. Metadata: `reason`.
pub const PLUGIN_GIVEN_UP: &str = "plugin.given_up";
/// A plugin that was to run did not start.
pub const PLUGIN_START_FAILED: &str = "plugin.start_failed";
/// The file of a plugin was not let in. Metadata: `path`.
pub const PLUGIN_REFUSED: &str = "plugin.refused";
/// A dead letter was delivered again, or could not be. Target `dead_letter`.
pub const DEAD_LETTER_RETRIED: &str = "system.dead_letter_retried";
/// Stored events are being delivered again. Metadata: `request` (`kernel/EventReplayConfig`), `events`.
pub const REPLAY_STARTED: &str = "system.replay_started";
/// They were. Metadata: `request`, `delivered`, `failed`.
pub const REPLAY_ENDED: &str = "system.replay_ended";

/// Something of `system/AuditEventType` that is no change of a record: a sign-in, a refused access, a granted role. JSON,
/// camelCase; the name of the event is the type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SecurityEvent {
    /// Where it came from.
    pub origin: Origin,
    /// What it was about: `object`, `record`, `user`, `session`, `role`, `plugin`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_type: Option<String>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_name: Option<String>,
    /// In a sentence.
    pub description: String,
    /// `success`, `failure` or `partial`; empty is `success`.
    pub result: String,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// What else is worth knowing; no secrets.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}
