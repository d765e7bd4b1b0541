//! Configuration of the event bus, from `kernel/EventBusConfig`, without its larger parts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kernel::check::{EventName, Pattern, present, published, text, whole_from};
use crate::kernel::{
    EventHandler, EventMessageQueueConfig, EventQueueConfig, EventSourcingConfig, EventWebhookConfig,
    RealTimeNotificationConfig,
};
use crate::map_only::map_only;

/// Where events are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventStorage {
    #[default]
    Database,
    File,
    S3,
    Custom,
}

/// Which events are kept and how long, from `kernel/EventPersistence`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EventPersistence", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct EventPersistence {
    #[serde(default)]
    pub enabled: bool,
    /// Days.
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub retention: u64,
    /// Which events to keep; absent means all.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub filter: Option<Value>,
    #[serde(default)]
    pub storage: EventStorage,
}

/// Whether events may be replayed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EventReplaySwitch", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct EventReplaySwitch {
    pub enabled: bool,
}

impl Default for EventReplaySwitch {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// A known event name, from `kernel/EventTypeDefinition`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EventTypeDefinition", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct EventTypeDefinition {
    #[serde(deserialize_with = "text::<_, EventName>")]
    #[schemars(length(min = 3), regex(pattern = EventName::PATTERN))]
    pub name: String,
    #[serde(default = "default_version")]
    pub version: String,
    /// JSON Schema of the payload.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default)]
    pub deprecated: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

fn default_version() -> String {
    "1.0.0".to_owned()
}

/// The whole configuration of the event bus, from `kernel/EventBusConfig`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EventBusConfig", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct EventBusConfig {
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub persistence: Option<EventPersistence>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub queue: Option<EventQueueConfig>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub event_sourcing: Option<EventSourcingConfig>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub replay: Option<EventReplaySwitch>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<EventWebhookConfig>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub message_queue: Option<EventMessageQueueConfig>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub realtime: Option<RealTimeNotificationConfig>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub event_types: Vec<EventTypeDefinition>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub handlers: Vec<EventHandler>,
}

/// Events of one name republished under others, from `kernel/EventRoute`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EventRoute", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct EventRoute {
    /// Pattern.
    pub from: String,
    pub to: Vec<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub transform: Option<Value>,
}

map_only! {
    EventPersistence, EventReplaySwitch, EventTypeDefinition, EventBusConfig, EventRoute,
}
