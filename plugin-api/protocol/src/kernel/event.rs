//! Events: what travels on the bus, and the records the bus keeps about them.
//!
//! The bus itself is the kernel's; its configuration is in [`bus`] and below.

mod bus;
mod delivery;
mod sourcing;
mod webhook;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kernel::check::{
    DateTime, EventName, Pattern, one, optional_integer, optional_text, positive, present, published, text, whole,
};
use crate::map_only::map_only;

pub use self::bus::{
    EventBusConfig, EventPersistence, EventReplaySwitch, EventRoute, EventStorage, EventTypeDefinition,
};
pub use self::delivery::{EventHandler, EventQueueConfig, HandlerRetry, RetryPolicy};
pub use self::sourcing::{
    EventMessageQueueConfig, EventSourcingConfig, EventSourcingStorage, EventSourcingStorageKind, MessageCompression,
    MessageFormat, MessageQueueProvider,
};
pub use self::webhook::{
    EventWebhookConfig, RealTimeNotificationConfig, RealtimeChannel, RealtimeProtocol, RealtimeRateLimit,
    WebhookAuthentication, WebhookAuthenticationKind, WebhookMethod,
};

/// Order in which waiting events are served, from `kernel/EventPriority`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventPriority {
    Critical,
    High,
    #[default]
    Normal,
    Low,
    Background,
}

/// Where an event comes from, from `kernel/EventMetadata`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EventMetadata", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct EventMetadata {
    /// Id of the plugin that published it, or `kernel`.
    pub source: String,
    /// RFC 3339, UTC.
    #[serde(deserialize_with = "text::<_, DateTime>")]
    #[schemars(extend("format" = "date-time"))]
    pub timestamp: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// The same for everything one request set off.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Id of the event that caused this one.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    #[serde(default)]
    pub priority: EventPriority,
}

/// Something that happened, from `kernel/Event`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Event", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct Event {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `^[a-z][a-z0-9_.]*$`, at least three characters; the kernel's own use `:` and are listed in `PluginLifecycleEventType`.
    #[serde(deserialize_with = "text::<_, EventName>")]
    #[schemars(length(min = 3), regex(pattern = EventName::PATTERN))]
    pub name: String,
    /// Any JSON; its shape belongs to the event's name.
    pub payload: Value,
    pub metadata: EventMetadata,
}

/// Why delivery failed the last time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EventFailure", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct EventFailure {
    pub message: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// An event no retry could deliver, from `kernel/DeadLetterQueueEntry`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "DeadLetterQueueEntry", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct DeadLetterQueueEntry {
    pub id: String,
    pub event: Event,
    pub error: EventFailure,
    /// Attempts after the first.
    #[serde(deserialize_with = "whole")]
    pub retries: u64,
    #[serde(deserialize_with = "text::<_, DateTime>")]
    #[schemars(extend("format" = "date-time"))]
    pub first_failed_at: String,
    #[serde(deserialize_with = "text::<_, DateTime>")]
    #[schemars(extend("format" = "date-time"))]
    pub last_failed_at: String,
    /// Id of the handler or webhook.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub failed_handler: Option<String>,
}

/// How far an event has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventLogStatus {
    Pending,
    Processing,
    Completed,
    Failed,
}

/// How one handler ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HandlerOutcome {
    Success,
    Failed,
    Timeout,
}

/// One handler's run for one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "HandlerExecution", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct HandlerExecution {
    pub handler_id: String,
    pub status: HandlerOutcome,
    #[serde(
        default,
        deserialize_with = "optional_integer",
        skip_serializing_if = "Option::is_none"
    )]
    pub duration_ms: Option<i64>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// An event and what became of it, from `kernel/EventLogEntry`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EventLogEntry", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct EventLogEntry {
    pub id: String,
    pub event: Event,
    pub status: EventLogStatus,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handlers_executed: Vec<HandlerExecution>,
    #[serde(deserialize_with = "text::<_, DateTime>")]
    #[schemars(extend("format" = "date-time"))]
    pub received_at: String,
    #[serde(
        default,
        deserialize_with = "optional_text::<_, DateTime>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(extend("format" = "date-time"))]
    pub processed_at: Option<String>,
    #[serde(
        default,
        deserialize_with = "optional_integer",
        skip_serializing_if = "Option::is_none"
    )]
    pub total_duration_ms: Option<i64>,
}

/// What to deliver once more, from `kernel/EventReplayConfig`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EventReplayConfig", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct EventReplayConfig {
    /// RFC 3339, UTC, inclusive.
    #[serde(deserialize_with = "text::<_, DateTime>")]
    #[schemars(extend("format" = "date-time"))]
    pub from_timestamp: String,
    /// RFC 3339, UTC; absent means until now.
    #[serde(
        default,
        deserialize_with = "optional_text::<_, DateTime>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(extend("format" = "date-time"))]
    pub to_timestamp: Option<String>,
    /// Event names or patterns; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_types: Vec<String>,
    /// Metadata or payload key to wanted value.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub filters: Map<String, Value>,
    /// 1 is as fast as it happened, 2 twice as fast.
    #[serde(default = "one", deserialize_with = "positive")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub speed: f64,
    /// Handler ids; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_handlers: Vec<String>,
}

map_only! {
    EventMetadata, Event, EventFailure, DeadLetterQueueEntry, HandlerExecution, EventLogEntry, EventReplayConfig,
}
