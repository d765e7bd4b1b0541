//! Reloading, caching and how dependencies are chosen, as part of the loading section.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::check::{optional_whole, optional_whole_from, present, published, whole, whole_from};
use crate::map_only::map_only;

/// Which version is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResolutionStrategy {
    Strict,
    #[default]
    Compatible,
    Latest,
    Pinned,
}

/// What to do about a problem; also for a budget that was overrun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProblemReaction {
    Error,
    #[default]
    Warn,
    Ignore,
}

/// Packages expected beside this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PeerDependencies", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct PeerDependencies {
    pub resolve: bool,
    pub on_missing: ProblemReaction,
    pub on_mismatch: ProblemReaction,
}

impl Default for PeerDependencies {
    fn default() -> Self {
        Self {
            resolve: true,
            on_missing: ProblemReaction::Warn,
            on_mismatch: ProblemReaction::Warn,
        }
    }
}

/// What to do when something optional fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OptionalFailureReaction {
    #[default]
    Warn,
    Ignore,
}

/// Packages used when present.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "OptionalDependencies",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct OptionalDependencies {
    pub load: bool,
    pub on_failure: OptionalFailureReaction,
}

impl Default for OptionalDependencies {
    fn default() -> Self {
        Self {
            load: true,
            on_failure: OptionalFailureReaction::Warn,
        }
    }
}

/// Which of two versions wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConflictResolution {
    Fail,
    #[default]
    Latest,
    Oldest,
    Manual,
}

/// What to do about a cycle; the kernel always refuses one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CycleReaction {
    Error,
    #[default]
    Warn,
    Allow,
}

/// Choice of dependencies, from `kernel/PluginDependencyResolution`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "PluginDependencyResolution",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct PluginDependencyResolution {
    pub strategy: ResolutionStrategy,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub peer_dependencies: Option<PeerDependencies>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub optional_dependencies: Option<OptionalDependencies>,
    pub conflict_resolution: ConflictResolution,
    pub circular_dependencies: CycleReaction,
}

/// Where reloading is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReloadEnvironment {
    #[default]
    Development,
    Staging,
    Production,
}

/// How much is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReloadStrategy {
    #[default]
    Full,
    Partial,
    StatePreserve,
}

/// State kept over a reload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "StateSerialization",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct StateSerialization {
    pub enabled: bool,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
}

/// Functions called around a reload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ReloadHooks", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct ReloadHooks {
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub before_reload: Option<String>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub after_reload: Option<String>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub on_error: Option<String>,
}

/// Safety net of a reload; times in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ReloadSafety", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct ReloadSafety {
    pub health_validation: bool,
    pub rollback_on_failure: bool,
    #[serde(deserialize_with = "whole_from::<_, 1000>")]
    #[schemars(range(min = 1000))]
    pub health_timeout: u64,
    pub drain_connections: bool,
    #[serde(deserialize_with = "whole")]
    pub drain_timeout: u64,
    #[serde(deserialize_with = "whole_from::<_, 1>")]
    #[schemars(range(min = 1))]
    pub max_concurrent_reloads: u64,
    #[serde(deserialize_with = "whole_from::<_, 1000>")]
    #[schemars(range(min = 1000))]
    pub min_reload_interval: u64,
}

impl Default for ReloadSafety {
    fn default() -> Self {
        Self {
            health_validation: true,
            rollback_on_failure: true,
            health_timeout: 30_000,
            drain_connections: true,
            drain_timeout: 15_000,
            max_concurrent_reloads: 1,
            min_reload_interval: 5000,
        }
    }
}

/// Reloading, from `kernel/PluginHotReload`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginHotReload", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct PluginHotReload {
    pub enabled: bool,
    pub environment: ReloadEnvironment,
    pub strategy: ReloadStrategy,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub watch_patterns: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore_patterns: Vec<String>,
    #[serde(deserialize_with = "whole")]
    pub debounce_ms: u64,
    pub preserve_state: bool,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub state_serialization: Option<StateSerialization>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub hooks: Option<ReloadHooks>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub production_safety: Option<ReloadSafety>,
}

impl Default for PluginHotReload {
    fn default() -> Self {
        Self {
            enabled: false,
            environment: ReloadEnvironment::Development,
            strategy: ReloadStrategy::Full,
            watch_patterns: Vec::new(),
            ignore_patterns: Vec::new(),
            debounce_ms: 300,
            preserve_state: false,
            state_serialization: None,
            hooks: None,
            production_safety: None,
        }
    }
}

/// Where code is cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CacheStorage {
    #[default]
    Memory,
    Disk,
    Indexeddb,
    Hybrid,
}

/// What a cache key is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CacheKeyStrategy {
    #[default]
    Version,
    Hash,
    Timestamp,
}

/// What empties the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CacheInvalidation {
    VersionChange,
    DependencyChange,
    Manual,
    Error,
}

/// How cached code is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CompressionAlgorithm {
    #[default]
    Gzip,
    Brotli,
    Deflate,
}

/// Compression of cached code.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CacheCompression", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct CacheCompression {
    pub enabled: bool,
    pub algorithm: CompressionAlgorithm,
}

/// Cache of code, from `kernel/PluginCaching`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PluginCaching", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct PluginCaching {
    pub enabled: bool,
    pub storage: CacheStorage,
    pub key_strategy: CacheKeyStrategy,
    /// Seconds; 0 means for ever.
    #[serde(deserialize_with = "optional_whole", skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
    /// Megabytes.
    #[serde(
        deserialize_with = "optional_whole_from::<_, 1>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 1))]
    pub max_size: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub invalidate_on: Vec<CacheInvalidation>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub compression: Option<CacheCompression>,
}

impl Default for PluginCaching {
    fn default() -> Self {
        Self {
            enabled: true,
            storage: CacheStorage::Memory,
            key_strategy: CacheKeyStrategy::Version,
            ttl: None,
            max_size: None,
            invalidate_on: Vec::new(),
            compression: None,
        }
    }
}

map_only! {
    PeerDependencies, OptionalDependencies, PluginDependencyResolution, StateSerialization, ReloadHooks, ReloadSafety, PluginHotReload, CacheCompression, PluginCaching,
}
