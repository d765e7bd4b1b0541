//! Names and payloads of the hook points that the data engine runs. The subject of each is the object's name.
//!
//! A before-hook may change the payload's `record` or `query`, or refuse; and it may have events and records stored with the
//! change, in its transaction. An after-hook runs once the change is stored: it
//! may refuse nothing; what it changes in `record` goes to the caller only.
//!
//! `object`, `id` and `previous` say what is done, and after records were found `query` does, too ([`fixed_keys`]): a handler
//! that writes them, or leaves them out of what it changed, ends the operation in the name of its plugin before the next one sees
//! it. So whoever decides by them decides about what is done. After a change is stored it ends the hook alone, and what handlers
//! made of the record is left out.

mod fixed;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::fixed::{fixed_keys, hold_to_operation, same_value};

use super::data::{EventBeside, RecordBeside};

/// Before records are looked for. Payload: [`QueryHook`].
pub const BEFORE_FIND: &str = "data.before_find";
/// After records were found. Payload: [`QueryHook`] with `records`.
pub const AFTER_FIND: &str = "data.after_find";
/// Before a record is made. Payload: [`RecordHook`].
pub const BEFORE_INSERT: &str = "data.before_insert";
/// After a record was made. Payload: [`RecordHook`].
pub const AFTER_INSERT: &str = "data.after_insert";
/// Before a record is changed; `record` holds the changing fields, `previous` the stored record. Payload: [`RecordHook`].
pub const BEFORE_UPDATE: &str = "data.before_update";
/// After a record was changed. Payload: [`RecordHook`].
pub const AFTER_UPDATE: &str = "data.after_update";
/// Before a record is deleted; `previous` holds it. Payload: [`RecordHook`].
pub const BEFORE_DELETE: &str = "data.before_delete";
/// After a record was deleted. Payload: [`RecordHook`].
pub const AFTER_DELETE: &str = "data.after_delete";

/// All of them, for manifests and reports.
pub const ALL: [&str; 8] = [
    BEFORE_FIND,
    AFTER_FIND,
    BEFORE_INSERT,
    AFTER_INSERT,
    BEFORE_UPDATE,
    AFTER_UPDATE,
    BEFORE_DELETE,
    AFTER_DELETE,
];

/// A record on its way. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordHook {
    /// Name of the object.
    pub object: String,
    /// Id of the record.
    pub id: String,
    /// The fields: all of them for an insert, the changing ones for an update, none for a delete.
    #[serde(default)]
    pub record: Map<String, Value>,
    /// The stored record before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Map<String, Value>>,
    /// Events to store with the change; before-hooks add theirs, which are told under the id of the handler's plugin. One that its
    /// manifest does not name under `events.publishes`, or that the operator denies it, refuses the change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventBeside>,
    /// Records to make with the change; before-hooks add theirs: of objects that the manifest of the handler's plugin declares,
    /// or of any of the platform's own where it holds the grant `system`. Another one refuses the change. Those that are here
    /// already were added to the same transaction before, and stay when a handler leaves them out. When one takes a unique
    /// value that somebody else took meanwhile, the change is planned anew and the hook asked again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<RecordBeside>,
}

/// A query on its way. JSON, camelCase. A handler that leaves out the query, or what was found, changes nothing of it.
/// Records that come by a relation are one query for all of them: it says what is wanted of them, and not which records point
/// there. Each of them has its `id`, by which it is known again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryHook {
    /// Name of the object.
    pub object: String,
    /// `data/Query` without `object`.
    #[serde(default)]
    pub query: Map<String, Value>,
    /// What was found, for the after-hook. In the place of an encrypted value, and of a password's hash, stands a text that says
    /// nothing of it; in the answer the value is where its text is then, whoever asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<Vec<Map<String, Value>>>,
}
