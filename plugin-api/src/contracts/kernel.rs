//! `kernel`: the kernel's own service, for the gateway's system routes, the console and the command line.

use objectos_plugin_macros::service;
use objectos_protocol::kernel::{DeadLetterQueueEntry, EventReplayConfig, HealthCheckResult, PluginHealthReport};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Context, Result};

/// Which plugin to swap. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SwapRequest {
    /// Id of the plugin.
    pub plugin: String,
    /// Another file than the one it was loaded from; must lie inside the plugin folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// What a swap did. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SwapReport {
    /// Id of the plugin.
    pub plugin: String,
    /// Version before.
    pub from_version: String,
    /// Version now.
    pub to_version: String,
    /// Generation now; 1 is the first load.
    pub generation: u64,
    /// From the request until new calls reach the new version, microseconds.
    pub switch_us: u64,
    /// From the switch until the last call of the old version ended, microseconds; 0 while it still drains.
    pub drain_us: u64,
    /// The old library is out of memory: `true`; kept, with the reason in `kept`: `false`; not known yet: `null`.
    pub unmapped: Option<bool>,
    /// Why the old library was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
}

/// A page of dead letters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterPage {
    /// Skip so many.
    #[serde(default)]
    pub offset: u32,
    /// At most so many.
    pub limit: u32,
}

/// How the whole does. JSON, camelCase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KernelHealth {
    /// `healthy`, `degraded` or `unhealthy`: the worst of all, plugins and checks.
    pub status: String,
    /// True when the start is over: every plugin that was to start has started or failed.
    pub ready: bool,
    /// `starting`, `running`, `stopping`, `stopped`.
    pub state: String,
    /// Milliseconds since the start.
    pub uptime_ms: u64,
    /// Kernel version.
    pub version: String,
    /// Report by plugin id.
    pub plugins: std::collections::BTreeMap<String, PluginHealthReport>,
    /// The kernel's own checks: `event-store` (events are durable, or wait in memory for the store), `event-delivery` and,
    /// where there are any, `webhooks`, `event-sourcing` and `event-archive`.
    #[serde(default)]
    pub checks: Vec<HealthCheckResult>,
}

/// Which state of a record to rebuild from its events. JSON, camelCase; without `at` and `sequence` the last one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordStateRequest {
    /// Name of the object.
    pub object: String,
    /// Id of the record.
    pub record: String,
    /// That of this moment, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// That after the last event up to this sequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
}

/// What a record was. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordStateAnswer {
    /// Name of the object.
    pub object: String,
    /// Id of the record.
    pub record: String,
    /// Sequence of the last event in it; 0 before the first.
    pub sequence: u64,
    /// When that was stored, RFC 3339; `null` before the first.
    pub at: Option<String>,
    /// All fields of the record; `null` when there was none.
    pub state: Option<Map<String, Value>>,
    /// Sequence of the snapshot it was rebuilt from; `null` for none.
    pub snapshot: Option<u64>,
    /// Events read after that.
    pub events: u64,
}

/// The kernel itself. Whatever changes something, and what shows records (`dead_letters`, `record_state`), fails with `Denied` for
/// a plugin that does not hold `plugin:manage`, for the plugin that it names where it names one.
#[service(name = "kernel", version = "1.1.0")]
pub trait Kernel {
    /// Everything found, loaded or refused:
    /// `{plugins: [{id, name, version, state, path, sha256, trust, grants, startMs, health, generation, services, hooks, events, routes, reason?}], refused: [{path, id?, reason, chain, remedy}], levels: [[id]], checks: [kernel/HealthCheckResult]}`.
    async fn plugins(&self, context: Context) -> Result<Value>;
    /// How the whole does.
    async fn health(&self, context: Context) -> Result<KernelHealth>;
    /// Puts a new file of a plugin in the place of the loaded one.
    async fn swap(&self, context: Context, request: SwapRequest) -> Result<SwapReport>;
    /// Stops a plugin and starts it again.
    async fn restart(&self, context: Context, plugin: String) -> Result<()>;
    /// Handlers of every hook in their order: `{hook: [{plugin, priority, subjects}]}`.
    async fn hooks(&self, context: Context) -> Result<Value>;
    /// Figures: swaps, generations mapped, calls, events.
    async fn metrics(&self, context: Context) -> Result<Value>;
    /// Events that were given up, latest first.
    async fn dead_letters(&self, context: Context, page: DeadLetterPage) -> Result<Vec<DeadLetterQueueEntry>>;
    /// Tries a dead letter again.
    async fn retry_dead_letter(&self, context: Context, id: String) -> Result<()>;
    /// Delivers stored events again; answers how many.
    async fn replay(&self, context: Context, request: EventReplayConfig) -> Result<u64>;
    /// What a record was, rebuilt from its events; needs `eventSourcing`. All fields, whoever asks. Since 1.1.
    async fn record_state(&self, context: Context, request: RecordStateRequest) -> Result<RecordStateAnswer>;
}
