//! Isolation and monitoring, as part of the loading section.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::ProblemReaction;
use crate::kernel::check::{number_in, optional_whole, optional_whole_from, present, published, whole_from};
use crate::map_only::map_only;

/// Which code is isolated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IsolationScope {
    #[default]
    AutomationOnly,
    UntrustedOnly,
    AllPlugins,
}

/// How code is isolated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IsolationLevel {
    #[default]
    None,
    Process,
    Vm,
    Iframe,
    WebWorker,
}

/// What isolated code may use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ResourceQuotas", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct ResourceQuotas {
    #[serde(
        rename = "maxMemoryMB",
        deserialize_with = "optional_whole_from::<_, 1>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 1))]
    pub max_memory_mb: Option<u64>,
    #[serde(
        deserialize_with = "optional_whole_from::<_, 100>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 100))]
    pub max_cpu_time_ms: Option<u64>,
    #[serde(
        deserialize_with = "optional_whole_from::<_, 1>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 1))]
    pub max_file_descriptors: Option<u64>,
    #[serde(
        rename = "maxNetworkKBps",
        deserialize_with = "optional_whole_from::<_, 1>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 1))]
    pub max_network_kbps: Option<u64>,
}

/// What isolated code may reach.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "IsolationPermissions",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct IsolationPermissions {
    #[serde(rename = "allowedAPIs", skip_serializing_if = "Vec::is_empty")]
    pub allowed_apis: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_paths: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_endpoints: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_env_vars: Vec<String>,
}

/// How isolated code talks to the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IpcTransport {
    #[default]
    MessagePort,
    UnixSocket,
    Tcp,
    Memory,
}

/// Messages to and from isolated code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "IsolationIpc", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct IsolationIpc {
    pub enabled: bool,
    pub transport: IpcTransport,
    /// Bytes.
    #[serde(deserialize_with = "whole_from::<_, 1024>")]
    #[schemars(range(min = 1024))]
    pub max_message_size: u64,
    /// Milliseconds.
    #[serde(deserialize_with = "whole_from::<_, 100>")]
    #[schemars(range(min = 100))]
    pub timeout: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_services: Vec<String>,
}

impl Default for IsolationIpc {
    fn default() -> Self {
        Self {
            enabled: true,
            transport: IpcTransport::MessagePort,
            max_message_size: 1_048_576,
            timeout: 30_000,
            allowed_services: Vec::new(),
        }
    }
}

/// Isolation, from `kernel/PluginSandboxing`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginSandboxing", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct PluginSandboxing {
    pub enabled: bool,
    pub scope: IsolationScope,
    pub isolation_level: IsolationLevel,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_capabilities: Vec<String>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub resource_quotas: Option<ResourceQuotas>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub permissions: Option<IsolationPermissions>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub ipc: Option<IsolationIpc>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MonitoredMetric {
    LoadTime,
    InitTime,
    MemoryUsage,
    CpuUsage,
    ApiCalls,
    ErrorRate,
    CacheHitRate,
}

/// What loading may cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "PerformanceBudgets",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct PerformanceBudgets {
    #[serde(deserialize_with = "optional_whole", skip_serializing_if = "Option::is_none")]
    pub max_load_time_ms: Option<u64>,
    #[serde(deserialize_with = "optional_whole", skip_serializing_if = "Option::is_none")]
    pub max_init_time_ms: Option<u64>,
    #[serde(
        rename = "maxMemoryMB",
        deserialize_with = "optional_whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_memory_mb: Option<u64>,
}

/// Measurement, from `kernel/PluginPerformanceMonitoring`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "PluginPerformanceMonitoring",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct PluginPerformanceMonitoring {
    pub enabled: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<MonitoredMetric>,
    /// 0 to 1.
    #[serde(deserialize_with = "number_in::<_, 0, 1>")]
    #[schemars(range(min = 0, max = 1))]
    pub sampling_rate: f64,
    /// Seconds.
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(range(min = 1))]
    pub reporting_interval: u64,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub budgets: Option<PerformanceBudgets>,
    pub on_budget_violation: ProblemReaction,
}

impl Default for PluginPerformanceMonitoring {
    fn default() -> Self {
        Self {
            enabled: false,
            metrics: Vec::new(),
            sampling_rate: 1.0,
            reporting_interval: 60,
            budgets: None,
            on_budget_violation: ProblemReaction::Warn,
        }
    }
}

map_only! {
    ResourceQuotas, IsolationPermissions, IsolationIpc, PluginSandboxing, PerformanceBudgets, PluginPerformanceMonitoring,
}
