//! Rows as callers get them: `system/AuditEvent` with what the trail knows beyond it. What of a row a caller may see is decided
//! before, in `sight`; of an event nobody knows who hears it, so it has none of what `sight` would withhold.

use objectos_plugin_api::{Error, Result};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::row::{Change, Row};

/// Takes out of a row from where somebody acted.
pub(crate) fn without_whereabouts(row: &mut Row) {
    for text in [
        &mut row.actor_email,
        &mut row.ip_address,
        &mut row.ip_network,
        &mut row.user_agent,
        &mut row.session_id,
        &mut row.request_id,
        &mut row.impersonator_id,
    ] {
        *text = None;
    }
}

fn put(map: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), value.into());
    }
}

fn change(change: &Change) -> Value {
    serde_json::to_value(change).unwrap_or_default()
}

/// The row as `system/AuditEvent`.
pub(crate) fn event(row: &Row) -> Value {
    let mut actor = Map::new();
    put(&mut actor, "type", Some(row.actor_type.as_str()));
    put(&mut actor, "id", Some(row.actor_id.as_deref().unwrap_or("system")));
    put(&mut actor, "name", row.actor_name.as_deref());
    put(&mut actor, "email", row.actor_email.as_deref());
    put(&mut actor, "ipAddress", row.ip_address.as_deref());
    put(&mut actor, "userAgent", row.user_agent.as_deref());
    let mut out = Map::new();
    put(&mut out, "id", Some(row.id.as_str()));
    put(&mut out, "eventType", Some(row.event_type.as_str()));
    put(&mut out, "severity", Some(row.severity.as_str()));
    put(&mut out, "timestamp", Some(row.timestamp.as_str()));
    put(&mut out, "actor", Some(actor));
    if let (Some(kind), Some(id)) = (&row.target_type, &row.target_id) {
        let mut target = Map::new();
        put(&mut target, "type", Some(kind.as_str()));
        put(&mut target, "id", Some(id.as_str()));
        put(&mut target, "name", row.target_name.as_deref());
        put(&mut out, "target", Some(target));
    }
    put(
        &mut out,
        "description",
        Some(row.description.as_deref().unwrap_or_default()),
    );
    if let Some(changes) = &row.changes {
        put(
            &mut out,
            "changes",
            Some(changes.iter().map(change).collect::<Vec<_>>()),
        );
    }
    put(&mut out, "result", Some(row.result.as_str()));
    put(&mut out, "errorMessage", row.error_message.as_deref());
    put(&mut out, "tenantId", row.tenant_id.as_deref());
    put(&mut out, "requestId", row.request_id.as_deref());
    put(&mut out, "metadata", row.metadata.clone());
    put(&mut out, "objectName", row.object_name.as_deref());
    put(&mut out, "recordId", row.record_id.as_deref());
    put(&mut out, "sessionId", row.session_id.as_deref());
    put(&mut out, "impersonatorId", row.impersonator_id.as_deref());
    put(&mut out, "plugin", row.plugin.as_deref());
    put(&mut out, "sequence", Some(row.sequence));
    put(&mut out, "previousHash", Some(row.previous_hash.as_str()));
    put(&mut out, "hash", Some(row.hash.as_str()));
    Value::Object(out)
}

/// What listeners are told of a stored row. Whoever wants its values reads it over REST, where it is known what they may see.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Recorded<'a> {
    id: &'a str,
    event_type: &'a str,
    severity: &'a str,
    timestamp: &'a str,
    result: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record_id: Option<&'a str>,
    sequence: u64,
}

/// That the row was stored and what it is about, as the payload of an event.
///
/// # Errors
/// `Internal` when it cannot be written as JSON.
pub(crate) fn recorded(row: &Row) -> Result<Vec<u8>> {
    let recorded = Recorded {
        id: &row.id,
        event_type: &row.event_type,
        severity: &row.severity,
        timestamp: &row.timestamp,
        result: &row.result,
        tenant_id: row.tenant_id.as_deref(),
        object_name: row.object_name.as_deref(),
        record_id: row.record_id.as_deref(),
        sequence: row.sequence,
    };
    serde_json::to_vec(&recorded).map_err(Error::internal)
}

/// The row as an entry of `GET /api/v1/data/{object}/{id}/changelog`.
pub(crate) fn changelog_entry(row: &Row) -> Value {
    let mut actor = json!({ "type": row.actor_type, "id": row.actor_id.as_deref().unwrap_or("system") });
    if let Some(name) = &row.actor_name {
        actor["name"] = json!(name);
    }
    let changes: Vec<Value> = row
        .changes
        .iter()
        .flatten()
        .map(|one| {
            let mut one = change(one);
            if let Some(map) = one.as_object_mut() {
                map.remove("fieldType");
            }
            one
        })
        .collect();
    json!({
        "id": row.id, "object": row.object_name, "recordId": row.record_id, "actor": actor, "changes": changes,
        "timestamp": row.timestamp, "source": row.event_type,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use objectos_plugin_api::protocol::system::AuditEvent;

    fn row() -> Row {
        let change = |field: &str| Change {
            field: field.to_owned(),
            field_label: None,
            field_type: None,
            old_value: Some(json!(1)),
            new_value: None,
        };
        Row {
            id: "e".to_owned(),
            event_type: "data.update".to_owned(),
            severity: "info".to_owned(),
            timestamp: "2023-11-14T22:13:20.000Z".to_owned(),
            actor_type: "user".to_owned(),
            object_name: Some("employee".to_owned()),
            target_type: Some("record".to_owned()),
            target_id: Some("r".to_owned()),
            target_name: Some("Ann".to_owned()),
            result: "success".to_owned(),
            changes: Some(vec![change("salary"), change("city")]),
            ..Row::default()
        }
    }

    #[test]
    fn an_event_without_our_additions_is_the_protocols() {
        let mut event = event(&row());
        let map = event.as_object_mut().expect("a map");
        for ours in [
            "objectName",
            "recordId",
            "sessionId",
            "impersonatorId",
            "plugin",
            "sequence",
            "previousHash",
            "hash",
        ] {
            map.remove(ours);
        }
        serde_json::from_value::<AuditEvent>(event).expect("system/AuditEvent");
    }
}
