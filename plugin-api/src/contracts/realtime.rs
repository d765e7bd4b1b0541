//! `realtime`: events to clients that keep a connection, over WebSocket, server-sent events or long polling. Who may see what is
//! the provider's business: it asks `auth`, `permissions` and `data` for each client at the moment of delivery, so whoever calls
//! here need not know who listens.
//!
//! Called by the kernel for the section `realtime` of the event bus ([`Realtime::push`]), and by plugins that were granted the
//! service, for messages of their own ([`Realtime::publish`]).

use objectos_plugin_macros::service;
use objectos_protocol::kernel::{Event, RealtimeProtocol, RealtimeRateLimit};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Context, Result};

/// An event of the bus that goes to all clients of a protocol, whether they subscribed to it or not, as far as they may read
/// it. JSON, camelCase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushRequest {
    /// The event.
    pub event: Event,
    /// Clients of this protocol.
    pub protocol: RealtimeProtocol,
    /// Only clients of the user who caused the event.
    pub user_filter: bool,
    /// Only clients of the event's tenant.
    pub tenant_filter: bool,
    /// Only clients that subscribed to one of these channels; absent is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<String>>,
    /// How many of these events one client gets; what is over is dropped, and the client told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RealtimeRateLimit>,
}

/// A message of a plugin to those clients that subscribed to its name. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PublishRequest {
    /// Name of the event, `^[a-z][a-z0-9_.]*$`, at least three characters. The families of the platform (`data.`, `auth.`,
    /// `security.`, `system.`, …) are refused.
    pub name: String,
    /// Clients of this tenant; absent is those that have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Only these users; empty is all of the tenant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Object that it is about, for subscriptions that name objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Record of that object: only for those who may read it when it is delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_id: Option<String>,
    /// What clients get, as it is.
    pub payload: Map<String, Value>,
}

/// Whose presence is asked for. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PresenceRequest {
    /// The tenant; absent is those who have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The channel or document; `object:id` names a record.
    pub channel: String,
}

/// Somebody who is there. JSON, camelCase; the members of `getPresence`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PresentMember {
    /// Id of the user.
    pub user_id: String,
    /// `online`, `away`, `busy` or `offline`.
    pub status: String,
    /// RFC 3339, UTC, milliseconds.
    pub last_seen: String,
    /// Whatever the client said of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
}

/// Clients that keep a connection.
#[service(name = "realtime", version = "1.0.0")]
pub trait Realtime {
    /// Hands an event of the bus on; answers for how many connections it waits. The kernel only: `Denied` to others.
    async fn push(&self, context: Context, request: PushRequest) -> Result<u64>;
    /// Hands a message of the calling plugin on; answers for how many connections it waits. `Invalid` for a name that it may
    /// not have.
    async fn publish(&self, context: Context, request: PublishRequest) -> Result<u64>;
    /// Who is there. Those of this node alone; whoever asks decides who may know.
    async fn presence(&self, context: Context, request: PresenceRequest) -> Result<Vec<PresentMember>>;
}
