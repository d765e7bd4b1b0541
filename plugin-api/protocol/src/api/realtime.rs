//! Events pushed to clients.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::guard::{date_time, event_pattern, guarded, some, uuid};
use crate::map_only::map_only;
use crate::shared::JsonMap;
use crate::text::{DATE_TIME, EVENT_PATTERN, UUID};
use crate::wire_enum::wire_enum;

wire_enum! {
    /// How events reach a client. Source: `api/TransportProtocol`.
    #[derive(Default)]
    pub enum TransportProtocol {
        #[default]
        Websocket = "websocket",
        Sse = "sse",
        Polling = "polling",
    }
}

wire_enum! {
    /// What happened. Source: `api/RealtimeEventType`.
    pub enum RealtimeEventType {
        RecordCreated = "record.created",
        RecordUpdated = "record.updated",
        RecordDeleted = "record.deleted",
        FieldChanged = "field.changed",
    }
}

wire_enum! {
    /// What happened to a record. Source: `api/RealtimeAction`.
    pub enum RealtimeAction {
        Created = "created",
        Updated = "updated",
        Deleted = "deleted",
    }
}

/// The same shape as [`RealtimeAction`]. Source: `api/RealtimeRecordAction`.
pub type RealtimeRecordAction = RealtimeAction;

/// An event as a client gets it. Source: `api/RealtimeEvent`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RealtimeEvent", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RealtimeEvent {
    #[serde(deserialize_with = "uuid")]
    #[schemars(regex(pattern = UUID), extend("format" = "uuid"))]
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub object: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub action: Option<RealtimeAction>,
    pub payload: JsonMap,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub timestamp: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub session_id: Option<String>,
}

/// Which events a subscription wants. Source: `api/SubscriptionEvent`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SubscriptionEvent", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct SubscriptionEvent {
    #[serde(rename = "type")]
    pub kind: RealtimeEventType,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub object: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub filters: Option<Value>,
}

/// A client's standing wish for events. Source: `api/Subscription`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Subscription", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Subscription {
    #[serde(deserialize_with = "uuid")]
    #[schemars(regex(pattern = UUID), extend("format" = "uuid"))]
    pub id: String,
    pub events: Vec<SubscriptionEvent>,
    pub transport: TransportProtocol,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub channel: Option<String>,
}

/// Whether events are pushed, and how. Source: `api/RealtimeConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RealtimeConfig", default)]
#[schemars(transform = guarded)]
pub struct RealtimeConfig {
    pub enabled: bool,
    pub transport: TransportProtocol,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub subscriptions: Option<Vec<Subscription>>,
    /// Keys this version does not know; kept as they came.
    #[serde(flatten)]
    pub extra: JsonMap,
}

impl Default for RealtimeConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            transport: TransportProtocol::Websocket,
            subscriptions: None,
            extra: JsonMap::new(),
        }
    }
}

/// Asks for a connection. Source: `api/RealtimeConnectRequest`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RealtimeConnectRequest", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RealtimeConnectRequest {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub transport: Option<TransportProtocol>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub channels: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub token: Option<String>,
}

/// The connection. Source: `api/RealtimeConnectResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RealtimeConnectResponse", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RealtimeConnectResponse {
    pub connection_id: String,
    pub transport: TransportProtocol,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub url: Option<String>,
}

/// Ends a connection. Source: `api/RealtimeDisconnectRequest`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "RealtimeDisconnectRequest",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct RealtimeDisconnectRequest {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub connection_id: Option<String>,
}

/// Tells that it was done. Source: `api/RealtimeDisconnectResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RealtimeDisconnectResponse", deny_unknown_fields)]
pub struct RealtimeDisconnectResponse {
    pub success: bool,
}

/// Asks for the events of a channel. Source: `api/RealtimeSubscribeRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RealtimeSubscribeRequest", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RealtimeSubscribeRequest {
    pub channel: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub events: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub filter: Option<JsonMap>,
}

/// The subscription. Source: `api/RealtimeSubscribeResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RealtimeSubscribeResponse", rename_all = "camelCase", deny_unknown_fields)]
pub struct RealtimeSubscribeResponse {
    pub subscription_id: String,
    pub channel: String,
}

/// Ends a subscription. Source: `api/RealtimeUnsubscribeRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RealtimeUnsubscribeRequest", rename_all = "camelCase", deny_unknown_fields)]
pub struct RealtimeUnsubscribeRequest {
    pub subscription_id: String,
}

/// The same shape as [`RealtimeDisconnectResponse`]. Source: `api/RealtimeUnsubscribeResponse`.
pub type RealtimeUnsubscribeResponse = RealtimeDisconnectResponse;

wire_enum! {
    /// Operators of event filters. Source: `api/FilterOperator`.
    pub enum FilterOperator {
        Eq = "eq",
        Ne = "ne",
        Gt = "gt",
        Gte = "gte",
        Lt = "lt",
        Lte = "lte",
        In = "in",
        Nin = "nin",
        Contains = "contains",
        StartsWith = "startsWith",
        EndsWith = "endsWith",
        Exists = "exists",
        Regex = "regex",
    }
}

/// One condition on an event. Source: `api/EventFilterCondition`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EventFilterCondition", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct EventFilterCondition {
    pub field: String,
    pub operator: FilterOperator,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub value: Option<Value>,
}

/// Which events get through; all given parts must hold. Source: `api/EventFilter`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EventFilter", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct EventFilter {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub conditions: Option<Vec<EventFilterCondition>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub and: Option<Vec<EventFilter>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub or: Option<Vec<EventFilter>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub not: Option<Box<EventFilter>>,
}

/// Which events of which objects a client wants. Source: `api/EventSubscription`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EventSubscription", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct EventSubscription {
    #[serde(deserialize_with = "uuid")]
    #[schemars(regex(pattern = UUID), extend("format" = "uuid"))]
    pub subscription_id: String,
    #[serde(deserialize_with = "event_pattern")]
    #[schemars(inner(regex(pattern = EVENT_PATTERN), length(min = 1)))]
    pub events: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub objects: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub filters: Option<EventFilter>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub channels: Option<Vec<String>>,
}

/// Ends a subscription made over the socket. Source: `api/UnsubscribeRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "UnsubscribeRequest", rename_all = "camelCase", deny_unknown_fields)]
pub struct UnsubscribeRequest {
    #[serde(deserialize_with = "uuid")]
    #[schemars(regex(pattern = UUID), extend("format" = "uuid"))]
    pub subscription_id: String,
}

map_only! {
    RealtimeEvent, SubscriptionEvent, Subscription, RealtimeConfig, RealtimeConnectRequest, RealtimeConnectResponse, RealtimeDisconnectRequest, RealtimeDisconnectResponse, RealtimeSubscribeRequest, RealtimeSubscribeResponse, RealtimeUnsubscribeRequest, EventFilterCondition, EventFilter, EventSubscription, UnsubscribeRequest,
}
