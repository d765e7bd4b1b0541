//! An event as it waits for clients: what it is called and what it is about. Of a record's fields nothing is kept, but of one
//! that is gone: what it was decides who may hear that it is gone, and is not sent.

use objectos_plugin_api::{
    Event,
    contracts::{
        events::{self, RecordEvent},
        realtime::PublishRequest,
    },
};
use serde_json::{Map, Value};

/// Families whose events are the platform's: what stands in them, `view_audit` reads over REST.
const AUDITED: [&str; 11] = [
    "data.",
    "auth.",
    "authz.",
    "security.",
    "job.",
    "workflow.",
    "automation.",
    "approval.",
    "storage.",
    "audit.",
    "record.",
];

/// Families that no plugin may publish messages under.
const RESERVED: [&str; 14] = [
    "data.",
    "auth.",
    "authz.",
    "security.",
    "system.",
    "plugin.",
    "kernel.",
    "audit.",
    "metadata.",
    "record.",
    "field.",
    "hook.",
    "service.",
    "objectos.",
];

/// An event.
#[derive(Clone, Debug)]
pub(crate) struct News {
    /// Place in the order in which events arrived here; what was read before that may be out of date.
    pub(crate) number: u64,
    /// Its id, the same for every client.
    pub(crate) id: String,
    /// Its name on the bus.
    pub(crate) name: String,
    /// Who caused it.
    pub(crate) user: Option<String>,
    /// Of which tenant it is.
    pub(crate) tenant: Option<String>,
    /// RFC 3339.
    pub(crate) timestamp: String,
    pub(crate) what: What,
}

/// What it tells.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// A record is there, new or changed.
    Record {
        object: String,
        record: String,
        /// Names of fields; none for a new record.
        changes: Option<Vec<String>>,
    },
    /// A record is gone.
    Gone {
        object: String,
        record: String,
        /// What it was.
        before: Map<String, Value>,
        /// It may be in the bin.
        binned: bool,
    },
    /// Metadata changed.
    Metadata { payload: Value },
    /// Something that people with a system permission may read.
    Internal { payload: Value, reader: Reader },
    /// A message of a plugin.
    Message {
        payload: Map<String, Value>,
        users: Vec<String>,
        object: Option<String>,
        record: Option<String>,
    },
}

/// Who may read an event that is no record's, as the routes that tell of such things have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Readers of the trail: `view_audit`, and `manage_platform` beyond one's own tenant.
    Trail,
    /// Administrators of the system: `manage_platform`.
    Platform,
}

impl News {
    /// Reads an event of the bus. One of a record that cannot be read as such is an event for administrators.
    pub(crate) fn of_event(event: &Event, number: u64) -> Self {
        let metadata = &event.metadata;
        let what = record(event).unwrap_or_else(|| other(event));
        let tenant = match &what {
            What::Record { .. } | What::Gone { .. } => event.payload["organizationId"].as_str().map(str::to_owned),
            _ => metadata.tenant_id.clone(),
        };
        let user = match &what {
            What::Record { .. } | What::Gone { .. } => event.payload["userId"].as_str().map(str::to_owned),
            _ => metadata.user_id.clone(),
        };
        Self {
            number,
            id: event.id.clone().unwrap_or_default(),
            name: event.name.clone(),
            user,
            tenant: tenant.filter(|tenant| !tenant.is_empty()),
            timestamp: metadata.timestamp.clone(),
            what,
        }
    }

    /// A message of a plugin, under an id of its own.
    pub(crate) fn of_message(request: PublishRequest, number: u64, timestamp: String) -> Self {
        Self {
            number,
            id: uuid::Uuid::new_v4().to_string(),
            name: request.name,
            user: None,
            tenant: request.tenant.filter(|tenant| !tenant.is_empty()),
            timestamp,
            what: What::Message {
                payload: request.payload,
                users: request.users,
                object: request.object,
                record: request.record_id,
            },
        }
    }

    /// The object that it is about.
    pub(crate) fn object(&self) -> Option<&str> {
        match &self.what {
            What::Record { object, .. } | What::Gone { object, .. } => Some(object),
            What::Message { object, .. } => object.as_deref(),
            What::Metadata { .. } | What::Internal { .. } => None,
        }
    }

    /// The record that it is about.
    pub(crate) fn record(&self) -> Option<&str> {
        match &self.what {
            What::Record { record, .. } | What::Gone { record, .. } => Some(record),
            What::Message { record, .. } => record.as_deref(),
            What::Metadata { .. } | What::Internal { .. } => None,
        }
    }

    /// About so many bytes.
    pub(crate) fn bytes(&self) -> usize {
        let map = |map: &Map<String, Value>| map.values().map(value_bytes).sum::<usize>();
        let more = match &self.what {
            What::Record { changes, .. } => changes.iter().flatten().map(String::len).sum(),
            What::Gone { before, .. } => map(before),
            What::Metadata { payload } | What::Internal { payload, .. } => value_bytes(payload),
            What::Message { payload, .. } => map(payload),
        };
        256 + more
    }
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => 32 + text.len(),
        Value::Array(values) => values.iter().map(value_bytes).sum::<usize>() + 32,
        Value::Object(map) => {
            map.iter()
                .map(|(key, value)| key.len() + value_bytes(value))
                .sum::<usize>()
                + 32
        }
        _ => 32,
    }
}

/// Whether a plugin may publish messages under a name.
pub(crate) fn is_free(name: &str) -> bool {
    !RESERVED.iter().any(|family| name.starts_with(family))
}

fn record(event: &Event) -> Option<What> {
    if !events::RECORD_EVENTS.contains(&event.name.as_str()) {
        return None;
    }
    let told: RecordEvent = serde_json::from_value(event.payload.clone()).ok()?;
    let gone = matches!(event.name.as_str(), events::RECORD_DELETED | events::RECORD_PURGED);
    Some(if gone {
        What::Gone {
            object: told.object,
            record: told.record_id,
            before: told.before.unwrap_or_default(),
            binned: event.name == events::RECORD_DELETED,
        }
    } else {
        What::Record {
            object: told.object,
            record: told.record_id,
            changes: told.changes,
        }
    })
}

fn other(event: &Event) -> What {
    let name = event.name.as_str();
    let payload = event.payload.clone();
    if name == events::METADATA_CHANGED || name.starts_with("metadata.") {
        return What::Metadata { payload };
    }
    let record = events::RECORD_EVENTS.contains(&name);
    let trail = !record && AUDITED.iter().any(|family| name.starts_with(family));
    let reader = if trail { Reader::Trail } else { Reader::Platform };
    What::Internal { payload, reader }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// An event of the bus.
    #[allow(clippy::needless_pass_by_value, reason = "reads better at the call")]
    pub(crate) fn event(name: &str, payload: Value) -> Event {
        serde_json::from_value(json!({
            "id": "e1", "name": name, "payload": payload,
            "metadata": {"source": "test", "timestamp": "2025-01-31T08:00:00.000Z", "userId": "u1", "tenantId": "t1"},
        }))
        .unwrap()
    }

    #[test]
    fn of_a_record_only_names_are_kept() {
        let payload = json!({
            "type": "data.record.updated", "object": "deal", "recordId": "d1", "organizationId": "t2", "userId": "u2",
            "changes": ["amount"], "before": {"amount": 1}, "after": {"amount": 2},
            "timestamp": "2025-01-31T08:00:00.000Z", "origin": {"address": "203.0.113.7"},
        });
        let news = News::of_event(&event("data.record.updated", payload.clone()), 7);
        assert_eq!(
            (news.number, news.object(), news.record()),
            (7, Some("deal"), Some("d1"))
        );
        assert_eq!((news.tenant.as_deref(), news.user.as_deref()), (Some("t2"), Some("u2")));
        assert!(matches!(&news.what, What::Record { changes: Some(changes), .. } if changes == &["amount"]));
        assert!(!format!("{news:?}").contains("203.0.113.7"));
        let gone = News::of_event(&event("data.record.purged", payload), 8);
        assert!(matches!(&gone.what, What::Gone { binned: false, before, .. } if before["amount"] == 1));
    }

    #[test]
    fn other_events_have_their_readers() {
        for (name, expected) in [
            ("auth.login", Some(Reader::Trail)),
            ("security.access_denied", Some(Reader::Trail)),
            ("data.export", Some(Reader::Trail)),
            ("system.config_changed", Some(Reader::Platform)),
            ("plugin.swapped", Some(Reader::Platform)),
            ("crm.thing", Some(Reader::Platform)),
            // No record can be read out of it.
            ("data.record.created", Some(Reader::Platform)),
            ("system.metadata.changed", None),
            ("metadata.object.updated", None),
        ] {
            let news = News::of_event(&event(name, json!({})), 1);
            let reader = match news.what {
                What::Internal { reader, .. } => Some(reader),
                _ => None,
            };
            assert_eq!(reader, expected, "{name}");
        }
    }

    #[test]
    fn names_of_the_platform_are_its_own() {
        for (name, free) in [
            ("crm.call", true),
            ("data.record.created", false),
            ("auth.login", false),
            ("database.x", true),
        ] {
            assert_eq!(is_free(name), free, "{name}");
        }
    }
}
