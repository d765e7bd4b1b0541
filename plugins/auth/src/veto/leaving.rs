//! Whose records go with them. The data engine deletes what belongs to a user or an organisation in the same transaction, and asks
//! the hooks about each of those records, without saying that it follows from something. So whoever was let delete the one may
//! delete, in the same request and for a little while, what belongs to it.

use parking_lot::Mutex;
use serde_json::Value;

use super::Write;

/// How long somebody may be on their way, milliseconds: longer than a request takes.
const WAY_MS: i64 = 60_000;

/// Who is on their way.
#[derive(Debug, Default)]
pub(crate) struct Leaving(Mutex<Vec<Left>>);

#[derive(Debug)]
struct Left {
    request: String,
    by: String,
    /// The field by which records belong to it.
    field: &'static str,
    id: String,
    until_ms: i64,
}

impl Leaving {
    /// The record of this write goes, and all that points to it by a field.
    pub(super) fn note(&self, write: &Write<'_>, field: &'static str, now_ms: i64) {
        let mut leaving = self.0.lock();
        leaving.retain(|left| left.until_ms > now_ms);
        leaving.push(Left {
            request: write.context.request_id().to_owned(),
            by: write.context.user().to_owned(),
            field,
            id: write.hook.id.clone(),
            until_ms: now_ms.saturating_add(WAY_MS),
        });
    }

    /// Whether a record goes because what it belongs to does. With a team go its members.
    pub(super) fn covers(&self, write: &Write<'_>, now_ms: i64) -> bool {
        let previous = write.hook.previous.as_ref();
        let points = |left: &Left| {
            let to = previous
                .and_then(|record| record.get(left.field))
                .and_then(Value::as_str);
            to == Some(left.id.as_str())
        };
        let covered = self.0.lock().iter().any(|left| {
            left.until_ms > now_ms
                && left.request == write.context.request_id()
                && left.by == write.context.user()
                && points(left)
        });
        if covered && write.hook.object == "sys_team" {
            self.note(write, "team_id", now_ms);
        }
        covered
    }
}
