//! `kernel/Manifest`: who a plugin or an app is and what it brings.
//!
//! The parts other tools read (`loading`) are kept whole, so that a document keeps its meaning on a round trip; the
//! kernel acts on id, version, dependencies, configuration and contributions.

mod configuration;
mod contributes;
mod dataset;
mod hot_reload;
mod isolation;
mod loading;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kernel::PluginCapabilityManifest;
use crate::kernel::check::{Namespace, Pattern, PlainVersion, optional_text, present, published, text};
use crate::map_only::map_only;

pub use self::configuration::{ManifestConfiguration, SettingProperty, SettingType};
pub use self::contributes::{
    ContributedAction, ContributedCommand, ContributedDriver, ContributedFieldType, ContributedFunction,
    ContributedKind, ContributedMenuItem, ContributedRoute, ContributedTheme, ContributedTranslation,
    ManifestContributions,
};
pub use self::dataset::{DatasetEnvironment, DatasetMode, ManifestDataset};
pub use self::hot_reload::{
    CacheCompression, CacheInvalidation, CacheKeyStrategy, CacheStorage, CompressionAlgorithm, ConflictResolution,
    CycleReaction, OptionalDependencies, OptionalFailureReaction, PeerDependencies, PluginCaching,
    PluginDependencyResolution, PluginHotReload, ProblemReaction, ReloadEnvironment, ReloadHooks, ReloadSafety,
    ReloadStrategy, ResolutionStrategy, StateSerialization,
};
pub use self::isolation::{
    IpcTransport, IsolationIpc, IsolationLevel, IsolationPermissions, IsolationScope, MonitoredMetric,
    PerformanceBudgets, PluginPerformanceMonitoring, PluginSandboxing, ResourceQuotas,
};
pub use self::loading::{
    ChunkNaming, DeviceType, ImportMode, ImportRetry, InitializationMode, InitializationRetry, LoadingStrategy,
    NetworkSpeed, PluginCodeSplitting, PluginDynamicImport, PluginInitialization, PluginLoadingConfig,
    PluginPreloadConfig, PreloadConditions, PreloadResource, SharedChunks, SplitStrategy,
};

/// What kind of package it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PackageType {
    Plugin,
    Ui,
    Driver,
    Server,
    App,
    Theme,
    Agent,
    Objectql,
    Module,
    Gateway,
    Adapter,
}

/// The manifest of a plugin or an app, from `kernel/Manifest`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Manifest", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct Manifest {
    /// Reverse-domain id, as in `com.example.audit`.
    pub id: String,
    /// Prefix of the package's objects.
    #[serde(
        default,
        deserialize_with = "optional_text::<_, Namespace>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(regex(pattern = Namespace::PATTERN))]
    pub namespace: Option<String>,
    /// Three numbers, as in `1.4.0`.
    #[serde(deserialize_with = "text::<_, PlainVersion>")]
    #[schemars(regex(pattern = PlainVersion::PATTERN))]
    pub version: String,
    #[serde(rename = "type")]
    pub kind: PackageType,
    pub name: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Names of permissions the package needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
    /// Globs of object files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub datasources: Vec<String>,
    /// Id of another package to a version range.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub dependencies: IndexMap<String, String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub configuration: Option<ManifestConfiguration>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub contributes: Option<ManifestContributions>,
    /// Records to load at install.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<ManifestDataset>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<PluginCapabilityManifest>,
    /// Anything for other tools.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extensions: Map<String, Value>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub loading: Option<PluginLoadingConfig>,
}

map_only! {
    Manifest,
}
