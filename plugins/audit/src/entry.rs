//! From an event on the bus to a row, or to nothing when it is not to be written down.

use objectos_plugin_api::{
    Event, NESTED_MAX,
    contracts::events::{Origin, RecordEvent, SecurityEvent},
    nests_beyond,
    protocol::system::AuditEventSeverity,
};
use serde_json::{Map, Value, json};
use std::{collections::HashMap, sync::Arc};

use crate::{
    config::AuditSettings,
    error::Result,
    fields::{Fields, ObjectFacts},
    moment,
    redact::{HIDDEN, Redaction},
    row::{Change, Row},
    scope::{ARCHIVED, Scope, type_of},
    severity,
};

/// Fields that a record's name may stand in; the first that there is.
const TITLES: [&str; 3] = ["name", "title", "subject"];
/// Fields that the engine fills for every record: who and when stand in the row itself.
const STAMPS: [&str; 5] = ["id", "created_at", "updated_at", "created_by", "updated_by"];
/// Bytes of a payload that is written down as it is.
const PAYLOAD_BYTES_MAX: usize = 16_384;

/// Makes rows.
#[derive(Debug)]
pub(crate) struct Entries {
    pub(crate) scope: Scope,
    redaction: Redaction,
    severities: HashMap<String, AuditEventSeverity>,
    fields: Arc<Fields>,
}

impl Entries {
    pub(crate) fn new(settings: &AuditSettings, fields: Arc<Fields>) -> Result<Self> {
        Ok(Self {
            scope: Scope::new(settings)?,
            redaction: Redaction::new(settings),
            severities: settings.own.severities.clone(),
            fields,
        })
    }

    pub(crate) fn severity(&self, event_type: &str) -> AuditEventSeverity {
        severity::of(event_type, &self.severities)
    }

    /// The row of an event; `None` when it is not written down.
    pub(crate) async fn row(&self, event: &Event) -> Result<Option<Row>> {
        let (event_type, action) = type_of(&event.name);
        let severity = self.severity_of(event_type, event);
        if !self.scope.wants(event_type, severity) {
            return Ok(None);
        }
        let mut row = Row {
            id: event.id.clone().unwrap_or_default(),
            event_type: event_type.to_owned(),
            severity: severity.as_str().to_owned(),
            timestamp: moment::parse(&event.metadata.timestamp).unwrap_or_default(),
            result: "success".to_owned(),
            ..Row::default()
        };
        if event.name.starts_with("data.record.") {
            let change: RecordEvent =
                serde_json::from_value(event.payload.clone()).map_err(objectos_plugin_api::Error::from)?;
            if !self.scope.wants_change(&change) {
                return Ok(None);
            }
            self.record(&mut row, change, action).await?;
        } else {
            self.other(&mut row, event, action);
        }
        row.fit();
        Ok(Some(row))
    }

    /// An alarm says itself how much it matters.
    fn severity_of(&self, event_type: &str, event: &Event) -> AuditEventSeverity {
        let said = event.payload["metadata"]["severity"]
            .as_str()
            .filter(|_| event_type == "security.suspicious_activity")
            .and_then(|severity| severity.parse().ok());
        said.unwrap_or_else(|| self.severity(event_type))
    }

    async fn record(&self, row: &mut Row, event: RecordEvent, action: Option<&str>) -> Result<()> {
        let facts = self.fields.object(&event.object).await?;
        row.changes = Some(self.changes(&event, &facts));
        let verb = match (action, row.event_type.as_str()) {
            (Some("restore"), _) => "restored",
            (Some(_), _) => "deleted for good",
            (None, "data.create") => "created",
            (None, "data.update") => "updated",
            (None, _) => "deleted",
        };
        let shown = event.after.as_ref().or(event.before.as_ref());
        let title = shown.and_then(|record| TITLES.iter().find_map(|field| Some((*field, record.get(*field)?))));
        row.target_name = title
            .filter(|(field, _)| !self.hides(&event.object, field, &facts))
            .and_then(|(_, value)| value.as_str())
            .map(str::to_owned);
        let label = facts.label.as_deref().unwrap_or(&event.object);
        row.description = Some(match &row.target_name {
            Some(name) => format!("{label} {name} {verb}"),
            None => format!("{label} {} {verb}", event.record_id),
        });
        row.metadata = action.and_then(|action| json!({ "action": action }).as_object().cloned());
        if let Some(timestamp) = moment::parse(&event.timestamp) {
            row.timestamp = timestamp;
        }
        row.come_from(event.origin);
        if row.actor_id.is_none() {
            row.actor_id = event.user_id;
        }
        // A record belongs to its tenant, whoever changed it.
        row.tenant_id = event.organization_id.or(row.tenant_id.take());
        row.target_type = Some("record".to_owned());
        row.target_id = Some(event.record_id.clone());
        row.object_name = Some(event.object);
        row.record_id = Some(event.record_id);
        Ok(())
    }

    fn hides(&self, object: &str, field: &str, facts: &ObjectFacts) -> bool {
        let known = facts.fields.get(field);
        let internal = facts.system && known.is_some_and(|known| known.hidden);
        internal
            || self
                .redaction
                .hides_field(object, field, known.and_then(|known| known.kind.as_deref()))
    }

    /// Field by field: for a change those that changed, for a new or deleted record those that have a value.
    fn changes(&self, event: &RecordEvent, facts: &ObjectFacts) -> Vec<Change> {
        let value = |record: &Option<Map<String, Value>>, field: &str| {
            record
                .as_ref()
                .and_then(|record| record.get(field))
                .filter(|value| !value.is_null())
                .cloned()
        };
        let names: Vec<&String> = match (&event.changes, &event.after, &event.before) {
            (Some(changes), Some(_), Some(_)) => changes.iter().collect(),
            (_, Some(only), _) | (_, None, Some(only)) => only
                .iter()
                .filter(|(name, value)| !value.is_null() && !STAMPS.contains(&name.as_str()))
                .map(|(name, _)| name)
                .collect(),
            _ => Vec::new(),
        };
        let change = |name: &String| {
            let (mut old_value, mut new_value) = (value(&event.before, name), value(&event.after, name));
            let known = facts.fields.get(name);
            if self.hides(&event.object, name, facts) {
                for value in [&mut old_value, &mut new_value] {
                    *value = value.take().map(|_| Value::from(HIDDEN));
                }
            } else {
                // Fields that hold documents may hold secrets inside.
                [&mut old_value, &mut new_value]
                    .into_iter()
                    .flatten()
                    .for_each(|value| self.redaction.clean(value));
            }
            for value in [&mut old_value, &mut new_value].into_iter().flatten() {
                flatten(value);
            }
            Change {
                field: name.clone(),
                field_label: known.and_then(|known| known.label.clone()),
                field_type: known.and_then(|known| known.kind.clone()),
                old_value,
                new_value,
            }
        };
        names.into_iter().map(change).collect()
    }

    /// What is no change of a record: a `SecurityEvent`, or a payload of somebody's own.
    fn other(&self, row: &mut Row, event: &Event, action: Option<&str>) {
        let said: Option<SecurityEvent> = event
            .payload
            .get("origin")
            .is_some_and(Value::is_object)
            .then(|| serde_json::from_value(event.payload.clone()).ok())
            .flatten();
        let said = said.unwrap_or_else(|| self.foreign(event));
        row.result = match said.result.as_str() {
            "failure" | "partial" => said.result,
            "" if event.name.contains("failed") || event.name.contains("denied") => "failure".to_owned(),
            _ => "success".to_owned(),
        };
        row.description = Some(said.description)
            .filter(|text| !text.is_empty())
            .or_else(|| Some(sentence(&event.name)));
        row.error_message = said.error_message;
        let mut metadata = said.metadata;
        self.redaction.clean_map(&mut metadata);
        if let Some(action) = action {
            metadata.insert("action".to_owned(), action.into());
        }
        if row.event_type == ARCHIVED {
            // What was taken out of the chain is told by retention alone, which does not tell it over the bus.
            metadata.remove("runs");
        }
        let text = |key: &str| metadata.get(key).and_then(Value::as_str).map(str::to_owned);
        row.object_name = text("object");
        row.record_id = text("recordId");
        match said.target_type.as_deref() {
            Some("object") if row.object_name.is_none() => {
                row.object_name = said.target_name.clone().or_else(|| said.target_id.clone());
            }
            Some("record") if row.record_id.is_none() => row.record_id.clone_from(&said.target_id),
            _ => {}
        }
        row.target_type = said.target_type;
        row.target_id = said.target_id;
        row.target_name = said.target_name;
        row.metadata = Some(metadata);
        row.come_from(said.origin);
    }

    /// An event whose payload is not ours to read: kept as it is, within a limit, with what the bus knows of its origin.
    fn foreign(&self, event: &Event) -> SecurityEvent {
        let metadata = &event.metadata;
        let small = event.payload.to_string().len() <= PAYLOAD_BYTES_MAX;
        let payload = match &event.payload {
            Value::Object(map) if small => map.clone(),
            Value::Null => Map::new(),
            other if small => Map::from_iter([("payload".to_owned(), other.clone())]),
            _ => Map::from_iter([("payload".to_owned(), Value::from("left out: too long"))]),
        };
        SecurityEvent {
            origin: Origin {
                actor_id: metadata.user_id.clone(),
                actor_kind: metadata.user_id.as_ref().map(|_| "user".to_owned()),
                tenant_id: metadata.tenant_id.clone(),
                request_id: metadata.correlation_id.clone(),
                plugin: Some(metadata.source.clone()),
                ..Origin::default()
            },
            metadata: payload,
            ..SecurityEvent::default()
        }
    }
}

/// `auth.login_failed` as `Login failed`.
fn sentence(name: &str) -> String {
    let words = name.rsplit('.').next().unwrap_or(name).replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

/// Writes a value as the text of its JSON that lies deeper than a row can hold, which lists it with others.
fn flatten(value: &mut Value) {
    if nests_beyond(value, NESTED_MAX) {
        *value = Value::String(value.to_string());
    }
}
