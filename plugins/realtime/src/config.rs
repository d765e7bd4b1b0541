//! What an operator sets under `plugins.objectos.realtime`; the manifest holds the limits of each value.

use serde::Deserialize;

/// The settings. JSON, camelCase; absent keys are the defaults.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RealtimeSettings {
    /// Connections at the same time.
    pub connections_max: usize,
    /// Connections of one user at the same time.
    pub connections_per_user_max: usize,
    /// Subscriptions of one connection.
    pub subscriptions_per_connection_max: usize,
    /// Events that wait for one client, or are kept for one that comes back.
    pub buffer_events_max: usize,
    /// How long a connection may lie unused, milliseconds.
    pub idle_ms: u64,
    /// How long a session counts as good once it was looked at, milliseconds; 0 looks before each delivery.
    pub session_check_ms: u64,
    /// Messages that one client may send over its WebSocket.
    pub messages_per_second_max: u64,
    /// Clients tell each other who is there.
    pub presence: bool,
    /// Clients tell each other where their cursors are and what they edit.
    pub cursor_sharing: bool,
}

impl Default for RealtimeSettings {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            connections_per_user_max: 100,
            subscriptions_per_connection_max: 100,
            buffer_events_max: 2_000,
            idle_ms: 300_000,
            session_check_ms: 0,
            messages_per_second_max: 100,
            presence: true,
            cursor_sharing: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_manifest() {
        let manifest: Value = serde_json::from_str(include_str!("../plugin.json")).unwrap();
        let properties = manifest["objectos"]["settings"]["properties"].as_object().unwrap();
        let defaults: serde_json::Map<String, Value> = properties
            .iter()
            .map(|(name, schema)| (name.clone(), schema["default"].clone()))
            .collect();
        let read: RealtimeSettings = serde_json::from_value(Value::Object(defaults)).unwrap();
        assert_eq!(read, RealtimeSettings::default());
        let read: RealtimeSettings = serde_json::from_value(json!({"idleMs": 5000})).unwrap();
        assert_eq!((read.idle_ms, read.presence), (5_000, true));
    }
}
