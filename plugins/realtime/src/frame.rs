//! Messages as clients write and read them, JSON text: what came in is read and checked here, what goes out is written here.
//! Each has `messageId` (UUID), `type` and `timestamp`.

use objectos_plugin_api::protocol::api::EventSubscription;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    error::{RealtimeError, Result},
    moment,
    pattern::shown,
};

/// Largest message of a client, bytes.
pub(crate) const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// Largest presence or cursor, bytes: they are kept, and told to many.
const TOLD_BYTES_MAX: usize = 4 * 1024;

/// Code of what is no message.
pub(crate) const INVALID_MESSAGE: &str = "INVALID_MESSAGE";

const STATUSES: [&str; 4] = ["online", "away", "busy", "offline"];
const DEVICES: [&str; 4] = ["desktop", "mobile", "tablet", "other"];
const OPERATIONS: [&str; 3] = ["insert", "delete", "replace"];

/// A message of a client.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) message_id: String,
    pub(crate) said: Said,
}

/// What it says.
#[derive(Debug)]
pub(crate) enum Said {
    Subscribe(EventSubscription),
    Unsubscribe(Unsubscribe),
    Ping,
    Presence(Map<String, Value>),
    Cursor(Map<String, Value>),
    Edit(Map<String, Value>),
    /// An answer of the client, which nobody waits for.
    Nothing,
}

/// Which subscriptions end: `{subscriptionId}`, `{subscriptionIds: []}` or `{all: true}`.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Unsubscribe {
    pub(crate) subscription_id: Option<String>,
    pub(crate) subscription_ids: Vec<String>,
    pub(crate) all: bool,
}

/// Why a message was not understood, and which one it was, where that can be told.
#[derive(Debug)]
pub(crate) struct NotUnderstood {
    pub(crate) message_id: Option<String>,
    pub(crate) problem: String,
}

/// Reads a message.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read(text: &str) -> Result<Received, NotUnderstood> {
    let broken = |problem: String| NotUnderstood {
        message_id: None,
        problem,
    };
    if text.len() > MESSAGE_BYTES_MAX {
        return Err(broken(format!("a message has at most {MESSAGE_BYTES_MAX} bytes")));
    }
    let message: Value =
        serde_json::from_str(text).map_err(|error| broken(format!("the text is not JSON: {error}")))?;
    let Value::Object(mut message) = message else {
        return Err(broken("a message is a JSON object".to_owned()));
    };
    let message_id = message
        .get("messageId")
        .and_then(Value::as_str)
        .and_then(|id| Uuid::parse_str(id).ok().map(|_| id.to_owned()))
        .ok_or_else(|| broken("messageId must be a UUID".to_owned()))?;
    match said(&mut message) {
        Ok(said) => Ok(Received { message_id, said }),
        Err(error) => Err(NotUnderstood {
            message_id: Some(message_id),
            problem: error.to_string(),
        }),
    }
}

fn said(message: &mut Map<String, Value>) -> Result<Said> {
    if message.get("timestamp").is_some_and(|timestamp| !timestamp.is_string()) {
        return Err(RealtimeError::invalid(
            "timestamp must be a text as 2025-01-31T08:00:00.000Z",
        ));
    }
    let kind = message
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let mut part = |key: &str| match message.remove(key) {
        Some(Value::Object(part)) => Ok(part),
        _ => Err(RealtimeError::invalid(format!(
            "a message of the type {kind} needs the object '{key}'"
        ))),
    };
    Ok(match kind.as_str() {
        "subscribe" => Said::Subscribe(shaped("subscription", part("subscription")?)?),
        "unsubscribe" => {
            let request: Unsubscribe = shaped("request", part("request")?)?;
            if request == Unsubscribe::default() {
                return Err(RealtimeError::invalid(
                    "request needs subscriptionId, subscriptionIds or all: true",
                ));
            }
            Said::Unsubscribe(request)
        }
        "ping" => Said::Ping,
        "presence" => Said::Presence(checked_presence(part("presence")?)?),
        "cursor" => Said::Cursor(checked_cursor(part("cursor")?)?),
        "edit" => Said::Edit(checked_edit(part("operation")?)?),
        "pong" | "ack" => Said::Nothing,
        other => {
            return Err(RealtimeError::invalid(format!(
                "type is '{}': send subscribe, unsubscribe, ping, presence, cursor or edit",
                shown(other)
            )));
        }
    })
}

fn shaped<T: for<'de> Deserialize<'de>>(key: &str, part: Map<String, Value>) -> Result<T> {
    serde_json::from_value(Value::Object(part))
        .map_err(|error| RealtimeError::invalid(format!("{key} does not have its shape: {error}")))
}

/// One of the keys' values must be one of these.
fn one_of(map: &Map<String, Value>, key: &str, values: &[&str]) -> Result<()> {
    let known = map
        .get(key)
        .and_then(Value::as_str)
        .is_some_and(|value| values.contains(&value));
    if known {
        return Ok(());
    }
    Err(RealtimeError::invalid(format!(
        "{key} must be one of {}",
        values.join(", ")
    )))
}

fn optional_text(map: &Map<String, Value>, keys: &[&str]) -> Result<()> {
    match keys
        .iter()
        .find(|key| map.get(**key).is_some_and(|value| !value.is_string()))
    {
        None => Ok(()),
        Some(key) => Err(RealtimeError::invalid(format!("{key} must be a text"))),
    }
}

fn required_text(map: &Map<String, Value>, keys: &[&str]) -> Result<()> {
    match keys
        .iter()
        .find(|key| map.get(**key).and_then(Value::as_str).is_none_or(str::is_empty))
    {
        None => Ok(()),
        Some(key) => Err(RealtimeError::invalid(format!(
            "{key} must be a text, and not an empty one"
        ))),
    }
}

fn optional_object(map: &Map<String, Value>, key: &str) -> Result<()> {
    if map.get(key).is_some_and(|value| !value.is_object()) {
        return Err(RealtimeError::invalid(format!("{key} must be an object")));
    }
    Ok(())
}

fn small(told: Map<String, Value>, name: &str) -> Result<Map<String, Value>> {
    let told = Value::Object(told);
    if told.to_string().len() > TOLD_BYTES_MAX {
        return Err(RealtimeError::invalid(format!(
            "{name} has at most {TOLD_BYTES_MAX} bytes: leave out what others need not know at once"
        )));
    }
    Ok(keys(told))
}

/// Holds presence to its shape; who and when are said by the server. Keys that it does not have are left out.
///
/// # Errors
/// `Invalid` with the key.
pub(crate) fn checked_presence(mut presence: Map<String, Value>) -> Result<Map<String, Value>> {
    one_of(&presence, "status", &STATUSES)?;
    if presence.contains_key("device") {
        one_of(&presence, "device", &DEVICES)?;
    }
    optional_text(&presence, &["currentLocation", "customStatus"])?;
    optional_object(&presence, "metadata")?;
    const KEYS: [&str; 5] = ["status", "currentLocation", "device", "customStatus", "metadata"];
    presence.retain(|key, _| KEYS.contains(&key.as_str()));
    small(presence, "presence")
}

fn checked_cursor(mut cursor: Map<String, Value>) -> Result<Map<String, Value>> {
    required_text(&cursor, &["documentId"])?;
    optional_text(&cursor, &["color", "userName"])?;
    optional_object(&cursor, "position")?;
    optional_object(&cursor, "selection")?;
    const KEYS: [&str; 5] = ["documentId", "position", "selection", "color", "userName"];
    cursor.retain(|key, _| KEYS.contains(&key.as_str()));
    small(cursor, "cursor")
}

fn checked_edit(mut operation: Map<String, Value>) -> Result<Map<String, Value>> {
    required_text(&operation, &["operationId", "documentId"])?;
    one_of(&operation, "type", &OPERATIONS)?;
    optional_text(&operation, &["content", "baseOperationId"])?;
    if !operation.contains_key("position") {
        return Err(RealtimeError::invalid("position is missing"));
    }
    if !operation.get("version").is_some_and(Value::is_u64) {
        return Err(RealtimeError::invalid("version must be a whole number from 0 on"));
    }
    const KEYS: [&str; 8] = [
        "operationId",
        "documentId",
        "type",
        "position",
        "endPosition",
        "content",
        "version",
        "baseOperationId",
    ];
    operation.retain(|key, _| KEYS.contains(&key.as_str()));
    Ok(operation)
}

/// A message to a client; `more` are the keys beside the three.
pub(crate) fn message(now_ms: i64, kind: &str, more: Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::with_capacity(more.len() + 3);
    out.insert("messageId".to_owned(), Uuid::new_v4().to_string().into());
    out.insert("type".to_owned(), kind.into());
    out.insert("timestamp".to_owned(), moment::text(now_ms).into());
    out.extend(more);
    out
}

fn keys(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Answers a message.
pub(crate) fn ack(now_ms: i64, message_id: &str, error: Option<&str>) -> Map<String, Value> {
    let mut more = keys(json!({ "ackMessageId": message_id, "success": error.is_none() }));
    if let Some(error) = error {
        more.insert("error".to_owned(), error.into());
    }
    message(now_ms, "ack", more)
}

/// Answers a ping.
pub(crate) fn pong(now_ms: i64, message_id: &str) -> Map<String, Value> {
    message(now_ms, "pong", keys(json!({ "pingMessageId": message_id })))
}

/// Says what is wrong.
pub(crate) fn error(now_ms: i64, code: &str, text: &str, message_id: Option<&str>) -> Map<String, Value> {
    let mut more = keys(json!({ "code": code, "message": text }));
    if let Some(message_id) = message_id {
        more.insert("details".to_owned(), json!({ "messageId": message_id }));
    }
    message(now_ms, "error", more)
}

/// Tells of an event.
pub(crate) fn event(
    now_ms: i64,
    (subscription, name): (&str, &str),
    (object, user): (Option<&str>, Option<&str>),
    payload: Map<String, Value>,
) -> Map<String, Value> {
    let mut more = keys(json!({ "subscriptionId": subscription, "eventName": name }));
    if let Some(object) = object {
        more.insert("object".to_owned(), object.into());
    }
    more.insert("payload".to_owned(), Value::Object(payload));
    if let Some(user) = user {
        more.insert("userId".to_owned(), user.into());
    }
    message(now_ms, "event", more)
}

#[cfg(test)]
mod tests;
