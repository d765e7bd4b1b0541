//! Events that leave the process: webhooks, realtime clients and message queues.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kernel::RetryPolicy;
use crate::kernel::check::{Uri, present, published, text, unsigned, whole_from, yes};
use crate::map_only::map_only;

/// HTTP method of a webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum WebhookMethod {
    Get,
    #[default]
    Post,
    Put,
    Patch,
}

/// How a webhook proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WebhookAuthenticationKind {
    None,
    Bearer,
    Basic,
    ApiKey,
}

/// Credentials of a webhook. Keys of `credentials` depend on `type`: `token`, `username` and `password`, or `header` and `key`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "WebhookAuthentication", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct WebhookAuthentication {
    #[serde(rename = "type")]
    pub kind: WebhookAuthenticationKind,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub credentials: IndexMap<String, String>,
}

/// One outgoing webhook, from `kernel/EventWebhookConfig`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EventWebhookConfig", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct EventWebhookConfig {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Exact name, `prefix.*` or `*`.
    pub event_pattern: String,
    #[serde(deserialize_with = "text::<_, Uri>")]
    #[schemars(extend("format" = "uri"))]
    pub url: String,
    #[serde(default)]
    pub method: WebhookMethod,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub headers: IndexMap<String, String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub authentication: Option<WebhookAuthentication>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
    /// Limit for one attempt.
    #[serde(default = "unsigned::<30_000>", deserialize_with = "whole_from::<_, 1>")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub timeout_ms: u64,
    /// How the event is changed before it is sent.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub transform: Option<Value>,
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// How clients are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RealtimeProtocol {
    #[default]
    Websocket,
    Sse,
    LongPolling,
}

/// A named selection of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RealtimeChannel", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct RealtimeChannel {
    pub name: String,
    pub event_pattern: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub filter: Option<Value>,
}

/// Events one client may be sent in a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RealtimeRateLimit", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct RealtimeRateLimit {
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub max_events_per_second: u64,
    #[serde(default = "unsigned::<1000>", deserialize_with = "whole_from::<_, 1>")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub window_ms: u64,
}

/// Events for connected clients, from `kernel/RealTimeNotificationConfig`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "RealTimeNotificationConfig",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct RealTimeNotificationConfig {
    pub enabled: bool,
    pub protocol: RealtimeProtocol,
    pub event_pattern: String,
    /// Only events of the client's own user.
    pub user_filter: bool,
    /// Only events of the client's own tenant.
    pub tenant_filter: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<RealtimeChannel>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RealtimeRateLimit>,
}

impl Default for RealTimeNotificationConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            protocol: RealtimeProtocol::Websocket,
            event_pattern: "*".to_owned(),
            user_filter: true,
            tenant_filter: true,
            channels: Vec::new(),
            rate_limit: None,
        }
    }
}

map_only! {
    WebhookAuthentication, EventWebhookConfig, RealtimeChannel, RealtimeRateLimit, RealTimeNotificationConfig,
}
