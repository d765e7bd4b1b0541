//! The sandbox a plugin describes: `kernel/SandboxConfig`.
//!
//! Sizes are bytes, times milliseconds unless a field says otherwise.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::check::{
    optional_integer, optional_number_in, optional_whole, optional_whole_from, optional_whole_in, present, published,
};
use crate::map_only::map_only;

/// How much is closed off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SandboxLevel {
    None,
    Minimal,
    #[default]
    Standard,
    Strict,
    Paranoid,
}

/// What a plugin runs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxEngine {
    #[default]
    V8Isolate,
    Wasm,
    Container,
    Process,
}

/// Limits of a WebAssembly engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "WasmEngineConfig", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct WasmEngineConfig {
    /// Pages of 64 KiB.
    #[serde(
        deserialize_with = "optional_whole_in::<_, 1, 65_536>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 1, max = 65_536))]
    pub max_memory_pages: Option<u64>,
    #[serde(
        deserialize_with = "optional_whole_from::<_, 1>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 1))]
    pub instruction_limit: Option<u64>,
    pub enable_simd: bool,
    pub enable_threads: bool,
    pub enable_bulk_memory: bool,
}

impl Default for WasmEngineConfig {
    fn default() -> Self {
        Self {
            max_memory_pages: None,
            instruction_limit: None,
            enable_simd: false,
            enable_threads: false,
            enable_bulk_memory: true,
        }
    }
}

/// Program that runs containers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContainerRuntime {
    #[default]
    Docker,
    Podman,
    Containerd,
}

/// Limits of a container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "ContainerResources",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct ContainerResources {
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub cpu_limit: Option<String>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<String>,
}

/// Network of a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContainerNetworkMode {
    None,
    #[default]
    Bridge,
    Host,
}

/// A container as engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "ContainerEngineConfig",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct ContainerEngineConfig {
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    pub runtime: ContainerRuntime,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub resources: Option<ContainerResources>,
    pub network_mode: ContainerNetworkMode,
}

/// A JavaScript isolate as engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "V8IsolateConfig", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct V8IsolateConfig {
    #[serde(
        deserialize_with = "optional_whole_from::<_, 1>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 1))]
    pub heap_size_mb: Option<u64>,
    pub enable_snapshot: bool,
}

impl Default for V8IsolateConfig {
    fn default() -> Self {
        Self {
            heap_size_mb: None,
            enable_snapshot: true,
        }
    }
}

/// Settings per engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "SandboxEngineConfig",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct SandboxEngineConfig {
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub wasm: Option<WasmEngineConfig>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerEngineConfig>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub v8_isolate: Option<V8IsolateConfig>,
}

/// Limits for any engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "SandboxResourceLimits",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct SandboxResourceLimits {
    #[serde(deserialize_with = "optional_integer", skip_serializing_if = "Option::is_none")]
    pub max_memory: Option<i64>,
    /// Percent.
    #[serde(
        deserialize_with = "optional_number_in::<_, 0, 100>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 0, max = 100))]
    pub max_cpu: Option<f64>,
    #[serde(deserialize_with = "optional_whole", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
}

/// Engine of a sandbox, from `kernel/RuntimeConfig`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RuntimeConfig", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct RuntimeConfig {
    pub engine: SandboxEngine,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub engine_config: Option<SandboxEngineConfig>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub resource_limits: Option<SandboxResourceLimits>,
}

/// How much of files or variables is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AccessMode {
    None,
    Readonly,
    Restricted,
    Full,
}

/// Files a plugin may touch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "FilesystemSandbox", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct FilesystemSandbox {
    pub mode: AccessMode,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_paths: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub denied_paths: Vec<String>,
    #[serde(deserialize_with = "optional_integer", skip_serializing_if = "Option::is_none")]
    pub max_file_size: Option<i64>,
}

impl Default for FilesystemSandbox {
    fn default() -> Self {
        Self {
            mode: AccessMode::Restricted,
            allowed_paths: Vec::new(),
            denied_paths: Vec::new(),
            max_file_size: None,
        }
    }
}

/// How much of the network is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NetworkMode {
    None,
    Local,
    #[default]
    Restricted,
    Full,
}

/// Hosts a plugin may reach.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "NetworkSandbox", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct NetworkSandbox {
    pub mode: NetworkMode,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_hosts: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub denied_hosts: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_ports: Vec<f64>,
    #[serde(deserialize_with = "optional_integer", skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<i64>,
}

/// Programs a plugin may start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ProcessSandbox", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct ProcessSandbox {
    pub allow_spawn: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_commands: Vec<String>,
    #[serde(deserialize_with = "optional_integer", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
}

/// Memory a plugin may take.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "MemorySandbox", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct MemorySandbox {
    #[serde(deserialize_with = "optional_integer", skip_serializing_if = "Option::is_none")]
    pub max_heap: Option<i64>,
    #[serde(deserialize_with = "optional_integer", skip_serializing_if = "Option::is_none")]
    pub max_stack: Option<i64>,
}

/// Processor time a plugin may take.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CpuSandbox", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct CpuSandbox {
    #[serde(
        deserialize_with = "optional_number_in::<_, 0, 100>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 0, max = 100))]
    pub max_cpu_percent: Option<f64>,
    #[serde(deserialize_with = "optional_integer", skip_serializing_if = "Option::is_none")]
    pub max_threads: Option<i64>,
}

/// Variables a plugin may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "EnvironmentSandbox",
    rename_all = "camelCase",
    deny_unknown_fields,
    default
)]
#[schemars(transform = published)]
pub struct EnvironmentSandbox {
    pub mode: AccessMode,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_vars: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub denied_vars: Vec<String>,
}

impl Default for EnvironmentSandbox {
    fn default() -> Self {
        Self {
            mode: AccessMode::Readonly,
            allowed_vars: Vec::new(),
            denied_vars: Vec::new(),
        }
    }
}

/// The whole sandbox, from `kernel/SandboxConfig`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SandboxConfig", rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(transform = published)]
pub struct SandboxConfig {
    pub enabled: bool,
    pub level: SandboxLevel,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub runtime: Option<RuntimeConfig>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub filesystem: Option<FilesystemSandbox>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkSandbox>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessSandbox>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemorySandbox>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub cpu: Option<CpuSandbox>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentSandbox>,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            level: SandboxLevel::Standard,
            runtime: None,
            filesystem: None,
            network: None,
            process: None,
            memory: None,
            cpu: None,
            environment: None,
        }
    }
}

map_only! {
    WasmEngineConfig, ContainerResources, ContainerEngineConfig, V8IsolateConfig, SandboxEngineConfig, SandboxResourceLimits, RuntimeConfig, FilesystemSandbox, NetworkSandbox, ProcessSandbox, MemorySandbox, CpuSandbox, EnvironmentSandbox, SandboxConfig,
}
