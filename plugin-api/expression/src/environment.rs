//! What names stand for during evaluation: the record, its state before the change, the caller, the clock.

use serde_json::Value as Json;

use crate::node::Path;
use crate::zone::Zone;

static UTC: Zone = Zone::UTC;

/// What a path leads to.
#[derive(Clone, Debug)]
pub enum Lookup<'a> {
    /// This stored value.
    Found(&'a Json),
    /// A value made for the purpose.
    Made(Json),
    /// Nothing: counts as null.
    Missing,
    /// The path leads through a relation of which only the id is at hand.
    NotLoaded,
}

/// Gives an evaluation its values. All methods must be cheap; they are called once for each use.
pub trait Environment {
    /// A field of the record.
    fn field(&self, path: &Path) -> Lookup<'_>;

    /// The same field before the change; `Missing` if the record is new.
    fn previous(&self, path: &Path) -> Lookup<'_> {
        let _ = path;
        Lookup::Missing
    }

    /// A property of the caller, for example `id` or `manager.id`.
    fn user(&self, property: &str) -> Lookup<'_> {
        let _ = property;
        Lookup::Missing
    }

    /// The moment of the evaluation, in milliseconds since 1970-01-01T00:00:00Z. The same on each call.
    fn now_ms(&self) -> i64;

    /// The time zone of days and of times of day.
    fn zone(&self) -> &Zone {
        &UTC
    }

    /// The time zone that the operator chose, for what is not the caller's to choose.
    fn usual_zone(&self) -> &Zone {
        self.zone()
    }

    /// Whether the record is being created.
    fn is_new(&self) -> bool {
        false
    }

    /// The id of the record.
    fn record_id(&self) -> Option<&str> {
        None
    }
}

/// An environment over JSON documents.
///
/// A path is walked through nested objects. `account.id` is also found if `account` holds the id itself; any other path through
/// an id is `NotLoaded`. `record_id` is the record's `id`.
#[derive(Clone, Debug)]
pub struct RecordEnvironment<'a> {
    record: &'a Json,
    previous: Option<&'a Json>,
    user: Option<&'a Json>,
    now_ms: i64,
    zone: Zone,
    new: bool,
}

impl<'a> RecordEnvironment<'a> {
    /// A record at a moment in milliseconds since 1970-01-01T00:00:00Z.
    pub fn new(record: &'a Json, now_ms: i64) -> Self {
        RecordEnvironment {
            record,
            previous: None,
            user: None,
            now_ms,
            zone: Zone::UTC,
            new: false,
        }
    }

    /// The record before the change.
    #[must_use]
    pub fn with_previous(mut self, previous: &'a Json) -> Self {
        self.previous = Some(previous);
        self
    }

    /// The record is being created.
    #[must_use]
    pub fn as_new(mut self) -> Self {
        self.new = true;
        self
    }

    /// The caller, for example `{"id": "u1", "roles": ["sales"]}`.
    #[must_use]
    pub fn with_user(mut self, user: &'a Json) -> Self {
        self.user = Some(user);
        self
    }

    /// Seconds by which local time is ahead of UTC, always.
    #[must_use]
    pub fn with_utc_offset(self, seconds: i32) -> Self {
        self.with_zone(Zone::fixed(seconds))
    }

    /// The time zone.
    #[must_use]
    pub fn with_zone(mut self, zone: Zone) -> Self {
        self.zone = zone;
        self
    }
}

impl Environment for RecordEnvironment<'_> {
    fn field(&self, path: &Path) -> Lookup<'_> {
        walk(self.record, path.segments())
    }

    fn previous(&self, path: &Path) -> Lookup<'_> {
        self.previous
            .map_or(Lookup::Missing, |previous| walk(previous, path.segments()))
    }

    fn user(&self, property: &str) -> Lookup<'_> {
        self.user
            .map_or(Lookup::Missing, |user| walk(user, property.split('.')))
    }

    fn now_ms(&self) -> i64 {
        self.now_ms
    }

    fn zone(&self) -> &Zone {
        &self.zone
    }

    fn is_new(&self) -> bool {
        self.new
    }

    fn record_id(&self) -> Option<&str> {
        self.record.get("id")?.as_str()
    }
}

/// Follows names through nested objects.
fn walk<'a, 'p>(document: &'a Json, segments: impl Iterator<Item = &'p str>) -> Lookup<'a> {
    let mut at = document;
    let mut segments = segments.peekable();
    while let Some(segment) = segments.next() {
        match at {
            Json::Object(fields) => match fields.get(segment) {
                Some(next) => at = next,
                None => return Lookup::Missing,
            },
            Json::Null => return Lookup::Missing,
            Json::String(_) if segment == "id" && segments.peek().is_none() => return Lookup::Found(at),
            _ => return Lookup::NotLoaded,
        }
    }
    Lookup::Found(at)
}
