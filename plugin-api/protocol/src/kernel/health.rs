//! Health of a plugin: how it is watched and what a probe found.
//!
//! Shapes of `kernel/PluginHealth*` and `kernel/HealthStatus`. Nothing here runs a probe; the kernel's health
//! monitor does, and writes these.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kernel::check::{DateTime, integer, present, published, text, whole, whole_from};
use crate::map_only::map_only;

/// State of a plugin as its watcher sees it, from `kernel/PluginHealthStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PluginHealthStatus {
    Healthy,
    Degraded,
    Unhealthy,
    Failed,
    Recovering,
    Unknown,
}

/// How the wait grows from one attempt to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BackoffStrategy {
    Fixed,
    Linear,
    #[default]
    Exponential,
}

/// How a plugin is probed and when it is restarted, from `kernel/PluginHealthCheck`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginHealthCheck", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct PluginHealthCheck {
    /// Milliseconds from one probe to the next, at least 1000.
    #[serde(deserialize_with = "whole_from::<_, 1000>")]
    #[schemars(range(min = 1000))]
    pub interval: u64,
    /// Milliseconds one probe may take, at least 100.
    #[serde(deserialize_with = "whole_from::<_, 100>")]
    #[schemars(range(min = 100))]
    pub timeout: u64,
    /// Failed probes in a row after which the plugin counts as unhealthy.
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(range(min = 1))]
    pub failure_threshold: u64,
    /// Good probes in a row after which it counts as healthy again.
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(range(min = 1))]
    pub success_threshold: u64,
    /// Service method to call in place of the plugin's own `health`.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub check_method: Option<String>,
    /// Restart the plugin when it is unhealthy. After a panic it is restarted in any case, unless its document says `false`
    /// here: then `max_restart_attempts` is 0.
    pub auto_restart: bool,
    /// Restarts before the monitor gives up; 0 means none.
    #[serde(deserialize_with = "whole")]
    pub max_restart_attempts: u64,
    pub restart_backoff: BackoffStrategy,
}

impl Default for PluginHealthCheck {
    fn default() -> Self {
        Self {
            interval: 30_000,
            timeout: 5000,
            failure_threshold: 3,
            success_threshold: 1,
            check_method: None,
            auto_restart: false,
            max_restart_attempts: 3,
            restart_backoff: BackoffStrategy::Exponential,
        }
    }
}

/// Outcome of one named check, also of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HealthCheckStatus {
    Passed,
    Failed,
    Warning,
}

/// One named check inside a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "HealthCheckResult", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct HealthCheckResult {
    pub name: String,
    pub status: HealthCheckStatus,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whatever the plugin wants to show beside the verdict.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Value>,
}

/// Numbers a plugin may report about itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "HealthMetrics", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct HealthMetrics {
    /// Milliseconds since start.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub uptime: Option<f64>,
    /// Bytes.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub memory_usage: Option<f64>,
    /// Percent of one core.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub cpu_usage: Option<f64>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub active_connections: Option<f64>,
    /// Errors per minute.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<f64>,
    /// Average milliseconds.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub response_time: Option<f64>,
}

/// Health of something the plugin needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "DependencyHealth", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct DependencyHealth {
    pub plugin_id: String,
    pub status: PluginHealthStatus,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What a probe found, from `kernel/PluginHealthReport`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginHealthReport", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginHealthReport {
    pub status: PluginHealthStatus,
    /// RFC 3339, UTC.
    #[serde(deserialize_with = "text::<_, DateTime>")]
    #[schemars(extend("format" = "date-time"))]
    pub timestamp: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub metrics: Option<HealthMetrics>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<HealthCheckResult>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<DependencyHealth>,
}

/// Short form used in start reports, from `kernel/HealthStatus`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "HealthStatus", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct HealthStatus {
    pub healthy: bool,
    /// Milliseconds since 1970.
    #[serde(deserialize_with = "integer")]
    pub timestamp: i64,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub details: Map<String, Value>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

map_only! {
    PluginHealthCheck, HealthCheckResult, HealthMetrics, DependencyHealth, PluginHealthReport, HealthStatus,
}
