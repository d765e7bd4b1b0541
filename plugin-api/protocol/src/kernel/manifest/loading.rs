//! How a package wants to be loaded: `kernel/PluginLoadingConfig`.
//!
//! Native plugins follow the lifecycle of the kernel; most of this speaks to tools that bundle code for a browser.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::check::{optional_whole, optional_whole_from, present, published, whole, whole_from, whole_in};
use crate::kernel::{
    PluginCaching, PluginDependencyResolution, PluginHotReload, PluginPerformanceMonitoring, PluginSandboxing,
};
use crate::map_only::map_only;

/// When a package is loaded, from `kernel/PluginLoadingStrategy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LoadingStrategy {
    Eager,
    #[default]
    Lazy,
    Parallel,
    Deferred,
    OnDemand,
}

/// What is fetched ahead of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PreloadResource {
    Metadata,
    Dependencies,
    Assets,
    Code,
    Services,
}

/// Kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeviceType {
    Desktop,
    Mobile,
    Tablet,
}

/// Speed of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum NetworkSpeed {
    #[serde(rename = "slow-2g")]
    SlowG2,
    #[serde(rename = "2g")]
    G2,
    #[serde(rename = "3g")]
    G3,
    #[serde(rename = "4g")]
    G4,
}

/// When to fetch ahead.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PreloadConditions", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct PreloadConditions {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub device_type: Vec<DeviceType>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub min_network_speed: Option<NetworkSpeed>,
}

/// Fetching ahead of time, from `kernel/PluginPreloadConfig`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "PluginPreloadConfig",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct PluginPreloadConfig {
    pub enabled: bool,
    #[serde(deserialize_with = "whole")]
    pub priority: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<PreloadResource>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub conditions: Option<PreloadConditions>,
}

impl Default for PluginPreloadConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            priority: 100,
            resources: Vec::new(),
            conditions: None,
        }
    }
}

/// Where code is split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SplitStrategy {
    Route,
    #[default]
    Feature,
    Size,
    Custom,
}

/// How pieces are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChunkNaming {
    #[default]
    Hashed,
    Named,
    Sequential,
}

/// Pieces several others share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SharedChunks", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct SharedChunks {
    pub enabled: bool,
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(range(min = 1))]
    pub min_chunks: u64,
}

impl Default for SharedChunks {
    fn default() -> Self {
        Self {
            enabled: true,
            min_chunks: 2,
        }
    }
}

/// Code in pieces, from `kernel/PluginCodeSplitting`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "PluginCodeSplitting",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct PluginCodeSplitting {
    pub enabled: bool,
    pub strategy: SplitStrategy,
    pub chunk_naming: ChunkNaming,
    /// Kilobytes.
    #[serde(
        deserialize_with = "optional_whole_from::<_, 10>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 10))]
    pub max_chunk_size: Option<u64>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub shared_dependencies: Option<SharedChunks>,
}

impl Default for PluginCodeSplitting {
    fn default() -> Self {
        Self {
            enabled: true,
            strategy: SplitStrategy::Feature,
            chunk_naming: ChunkNaming::Hashed,
            max_chunk_size: None,
            shared_dependencies: None,
        }
    }
}

/// How code is imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImportMode {
    #[default]
    Async,
    Sync,
    Eager,
    Lazy,
}

/// Retries of an import.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ImportRetry", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct ImportRetry {
    pub enabled: bool,
    #[serde(deserialize_with = "whole_in::<_, 1, 10>")]
    #[schemars(range(min = 1, max = 10))]
    pub max_attempts: u64,
    #[serde(deserialize_with = "whole")]
    pub backoff_ms: u64,
}

impl Default for ImportRetry {
    fn default() -> Self {
        Self {
            enabled: true,
            max_attempts: 3,
            backoff_ms: 1000,
        }
    }
}

/// Code imported on demand, from `kernel/PluginDynamicImport`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "PluginDynamicImport",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct PluginDynamicImport {
    pub enabled: bool,
    pub mode: ImportMode,
    pub prefetch: bool,
    pub preload: bool,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub webpack_chunk_name: Option<String>,
    #[serde(deserialize_with = "whole_from::<_, 100>")]
    #[schemars(range(min = 100))]
    pub timeout: u64,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub retry: Option<ImportRetry>,
}

impl Default for PluginDynamicImport {
    fn default() -> Self {
        Self {
            enabled: true,
            mode: ImportMode::Async,
            prefetch: false,
            preload: false,
            webpack_chunk_name: None,
            timeout: 30_000,
            retry: None,
        }
    }
}

/// Order of initialisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InitializationMode {
    Sync,
    #[default]
    Async,
    Parallel,
    Sequential,
}

/// Retries of an initialisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "InitializationRetry",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct InitializationRetry {
    pub enabled: bool,
    #[serde(deserialize_with = "whole_in::<_, 1, 5>")]
    #[schemars(range(min = 1, max = 5))]
    pub max_attempts: u64,
    #[serde(deserialize_with = "whole")]
    pub backoff_ms: u64,
}

impl Default for InitializationRetry {
    fn default() -> Self {
        Self {
            enabled: false,
            max_attempts: 3,
            backoff_ms: 1000,
        }
    }
}

/// Initialisation, from `kernel/PluginInitialization`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "PluginInitialization",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct PluginInitialization {
    pub mode: InitializationMode,
    #[serde(deserialize_with = "whole_from::<_, 100>")]
    #[schemars(range(min = 100))]
    pub timeout: u64,
    #[serde(deserialize_with = "whole")]
    pub priority: u64,
    pub critical: bool,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub retry: Option<InitializationRetry>,
    /// Milliseconds; 0 means none.
    #[serde(deserialize_with = "optional_whole", skip_serializing_if = "Option::is_none")]
    pub health_check_interval: Option<u64>,
}

impl Default for PluginInitialization {
    fn default() -> Self {
        Self {
            mode: InitializationMode::Async,
            timeout: 30_000,
            priority: 100,
            critical: false,
            retry: None,
            health_check_interval: None,
        }
    }
}

/// The whole loading section, from `kernel/PluginLoadingConfig`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "PluginLoadingConfig",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct PluginLoadingConfig {
    pub strategy: LoadingStrategy,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub preload: Option<PluginPreloadConfig>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub code_splitting: Option<PluginCodeSplitting>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub dynamic_import: Option<PluginDynamicImport>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub initialization: Option<PluginInitialization>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub dependency_resolution: Option<PluginDependencyResolution>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub hot_reload: Option<PluginHotReload>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub caching: Option<PluginCaching>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub sandboxing: Option<PluginSandboxing>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub monitoring: Option<PluginPerformanceMonitoring>,
}

map_only! {
    PreloadConditions, PluginPreloadConfig, SharedChunks, PluginCodeSplitting, ImportRetry, PluginDynamicImport, InitializationRetry, PluginInitialization, PluginLoadingConfig,
}
