//! Starting plugins: options going in, results coming out.
//!
//! Shapes of `kernel/Startup*` and `kernel/PluginStartupResult`; the kernel's lifecycle fills them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kernel::HealthStatus;
use crate::kernel::check::{number_from, present, published, whole};
use crate::map_only::map_only;

/// An error as the protocol writes it; also carried by `kernel/PluginErrorEvent`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginError", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginError {
    pub name: String,
    pub message: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// The plugin a start result speaks of. Further keys are allowed and kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "StartedPlugin", rename_all = "camelCase")]
#[schemars(transform = published)]
pub struct StartedPlugin {
    /// The plugin's id.
    pub name: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Keys the protocol does not name.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Outcome of starting one plugin, from `kernel/PluginStartupResult`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginStartupResult", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct PluginStartupResult {
    pub plugin: StartedPlugin,
    pub success: bool,
    /// Milliseconds.
    #[serde(deserialize_with = "number_from::<_, 0>")]
    #[schemars(range(min = 0))]
    pub duration: f64,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub error: Option<PluginError>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthStatus>,
}

/// How the kernel starts its plugins, from `kernel/StartupOptions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "StartupOptions", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct StartupOptions {
    /// Milliseconds each plugin has for its start.
    #[serde(deserialize_with = "whole")]
    pub timeout: u64,
    /// Stop what was started when one plugin fails.
    pub rollback_on_failure: bool,
    /// Probe each plugin once it has started.
    pub health_check: bool,
    /// Start plugins of the same level at the same time.
    pub parallel: bool,
    /// Anything that is handed to the lifecycle methods.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
}

impl Default for StartupOptions {
    fn default() -> Self {
        Self {
            timeout: 30_000,
            rollback_on_failure: true,
            health_check: false,
            parallel: false,
            context: None,
        }
    }
}

/// Outcome of starting all plugins, from `kernel/StartupOrchestrationResult`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "StartupOrchestrationResult", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct StartupOrchestrationResult {
    pub results: Vec<PluginStartupResult>,
    /// Milliseconds.
    #[serde(deserialize_with = "number_from::<_, 0>")]
    #[schemars(range(min = 0))]
    pub total_duration: f64,
    pub all_successful: bool,
    /// Ids of plugins that were stopped again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rolled_back: Vec<String>,
}

map_only! {
    PluginError, StartedPlugin, PluginStartupResult, StartupOptions, StartupOrchestrationResult,
}
