//! Events the kernel publishes about itself, its plugins, services and hooks.
//!
//! `PluginLifecycleEventType` names them; the structs are their payloads. All timestamps are milliseconds since 1970.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kernel::PluginError;
use crate::kernel::check::{DateTime, integer, optional_number_from, optional_whole, present, published, text, whole};
use crate::map_only::map_only;

/// Names of the kernel's own events, from `kernel/PluginLifecycleEventType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum PluginLifecycleEventType {
    #[serde(rename = "kernel:ready")]
    KernelReady,
    #[serde(rename = "kernel:shutdown")]
    KernelShutdown,
    #[serde(rename = "kernel:before-init")]
    KernelBeforeInit,
    #[serde(rename = "kernel:after-init")]
    KernelAfterInit,
    #[serde(rename = "plugin:registered")]
    PluginRegistered,
    #[serde(rename = "plugin:before-init")]
    PluginBeforeInit,
    #[serde(rename = "plugin:init")]
    PluginInit,
    #[serde(rename = "plugin:after-init")]
    PluginAfterInit,
    #[serde(rename = "plugin:before-start")]
    PluginBeforeStart,
    #[serde(rename = "plugin:started")]
    PluginStarted,
    #[serde(rename = "plugin:after-start")]
    PluginAfterStart,
    #[serde(rename = "plugin:before-destroy")]
    PluginBeforeDestroy,
    #[serde(rename = "plugin:destroyed")]
    PluginDestroyed,
    #[serde(rename = "plugin:after-destroy")]
    PluginAfterDestroy,
    #[serde(rename = "plugin:error")]
    PluginError,
    #[serde(rename = "service:registered")]
    ServiceRegistered,
    #[serde(rename = "service:unregistered")]
    ServiceUnregistered,
    #[serde(rename = "hook:registered")]
    HookRegistered,
    #[serde(rename = "hook:triggered")]
    HookTriggered,
}

/// Phase of a plugin's life, from `kernel/EventPhase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventPhase {
    Init,
    Start,
    Destroy,
}

/// Least payload of a `kernel:*` event, from `kernel/KernelEventBase`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "KernelEventBase", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct KernelEventBase {
    #[serde(deserialize_with = "integer")]
    pub timestamp: i64,
}

/// Payload of `kernel:ready`, from `kernel/KernelReadyEvent`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "KernelReadyEvent", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct KernelReadyEvent {
    #[serde(deserialize_with = "integer")]
    pub timestamp: i64,
    /// Milliseconds from the first plugin to ready.
    #[serde(
        default,
        deserialize_with = "optional_number_from::<_, 0>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 0))]
    pub duration: Option<f64>,
    #[serde(
        default,
        deserialize_with = "optional_whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub plugin_count: Option<u64>,
}

/// Payload of `kernel:shutdown`, from `kernel/KernelShutdownEvent`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "KernelShutdownEvent", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct KernelShutdownEvent {
    #[serde(deserialize_with = "integer")]
    pub timestamp: i64,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Least payload of a `plugin:*` event, from `kernel/PluginEventBase`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginEventBase", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginEventBase {
    /// The plugin's id.
    pub plugin_name: String,
    #[serde(deserialize_with = "integer")]
    pub timestamp: i64,
}

/// Payload of `plugin:registered`, from `kernel/PluginRegisteredEvent`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginRegisteredEvent", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginRegisteredEvent {
    /// The plugin's id.
    pub plugin_name: String,
    #[serde(deserialize_with = "integer")]
    pub timestamp: i64,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// Payload of the init, start and destroy events, from `kernel/PluginLifecyclePhaseEvent`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginLifecyclePhaseEvent", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginLifecyclePhaseEvent {
    /// The plugin's id.
    pub plugin_name: String,
    #[serde(deserialize_with = "integer")]
    pub timestamp: i64,
    /// Milliseconds the phase took; absent before it.
    #[serde(
        default,
        deserialize_with = "optional_number_from::<_, 0>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 0))]
    pub duration: Option<f64>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub phase: Option<EventPhase>,
}

/// Payload of `plugin:error`, from `kernel/PluginErrorEvent`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginErrorEvent", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginErrorEvent {
    /// The plugin's id.
    pub plugin_name: String,
    #[serde(deserialize_with = "integer")]
    pub timestamp: i64,
    pub error: PluginError,
    pub phase: EventPhase,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub error_stack: Option<String>,
}

/// Payload of `service:registered`, from `kernel/ServiceRegisteredEvent`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ServiceRegisteredEvent", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ServiceRegisteredEvent {
    pub service_name: String,
    #[serde(deserialize_with = "integer")]
    pub timestamp: i64,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub service_type: Option<String>,
}

/// Payload of `service:unregistered`, from `kernel/ServiceUnregisteredEvent`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ServiceUnregisteredEvent", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ServiceUnregisteredEvent {
    pub service_name: String,
    #[serde(deserialize_with = "integer")]
    pub timestamp: i64,
}

/// Payload of `hook:registered`, from `kernel/HookRegisteredEvent`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "HookRegisteredEvent", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct HookRegisteredEvent {
    pub hook_name: String,
    #[serde(deserialize_with = "integer")]
    pub timestamp: i64,
    #[serde(deserialize_with = "whole")]
    pub handler_count: u64,
}

/// Payload of `hook:triggered`, from `kernel/HookTriggeredEvent`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "HookTriggeredEvent", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct HookTriggeredEvent {
    pub hook_name: String,
    #[serde(deserialize_with = "integer")]
    pub timestamp: i64,
    pub args: Vec<Value>,
    #[serde(
        default,
        deserialize_with = "optional_whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub handler_count: Option<u64>,
}

/// How the state of a snapshot is stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SnapshotMetadata", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct SnapshotMetadata {
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    pub compressed: bool,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub encryption: Option<String>,
}

/// State a plugin hands to its successor, from `kernel/PluginStateSnapshot`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginStateSnapshot", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginStateSnapshot {
    pub plugin_id: String,
    pub version: String,
    /// RFC 3339, UTC.
    #[serde(deserialize_with = "text::<_, DateTime>")]
    #[schemars(extend("format" = "date-time"))]
    pub timestamp: String,
    pub state: Map<String, Value>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub metadata: Option<SnapshotMetadata>,
}

impl PluginLifecycleEventType {
    /// Every name the protocol lists, in its order.
    pub const ALL: [Self; 19] = [
        Self::KernelReady,
        Self::KernelShutdown,
        Self::KernelBeforeInit,
        Self::KernelAfterInit,
        Self::PluginRegistered,
        Self::PluginBeforeInit,
        Self::PluginInit,
        Self::PluginAfterInit,
        Self::PluginBeforeStart,
        Self::PluginStarted,
        Self::PluginAfterStart,
        Self::PluginBeforeDestroy,
        Self::PluginDestroyed,
        Self::PluginAfterDestroy,
        Self::PluginError,
        Self::ServiceRegistered,
        Self::ServiceUnregistered,
        Self::HookRegistered,
        Self::HookTriggered,
    ];

    /// The name as it travels, as in `plugin:before-init`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KernelReady => "kernel:ready",
            Self::KernelShutdown => "kernel:shutdown",
            Self::KernelBeforeInit => "kernel:before-init",
            Self::KernelAfterInit => "kernel:after-init",
            Self::PluginRegistered => "plugin:registered",
            Self::PluginBeforeInit => "plugin:before-init",
            Self::PluginInit => "plugin:init",
            Self::PluginAfterInit => "plugin:after-init",
            Self::PluginBeforeStart => "plugin:before-start",
            Self::PluginStarted => "plugin:started",
            Self::PluginAfterStart => "plugin:after-start",
            Self::PluginBeforeDestroy => "plugin:before-destroy",
            Self::PluginDestroyed => "plugin:destroyed",
            Self::PluginAfterDestroy => "plugin:after-destroy",
            Self::PluginError => "plugin:error",
            Self::ServiceRegistered => "service:registered",
            Self::ServiceUnregistered => "service:unregistered",
            Self::HookRegistered => "hook:registered",
            Self::HookTriggered => "hook:triggered",
        }
    }

    /// The type with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

map_only! {
    KernelEventBase, KernelReadyEvent, KernelShutdownEvent, PluginEventBase, PluginRegisteredEvent, PluginLifecyclePhaseEvent, PluginErrorEvent, ServiceRegisteredEvent, ServiceUnregisteredEvent, HookRegisteredEvent, HookTriggeredEvent, SnapshotMetadata, PluginStateSnapshot,
}
