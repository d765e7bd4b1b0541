//! What a host gives the kernel to start with. Everything is decided by the host; the kernel reads no file of settings and
//! no environment variable by itself.

use indexmap::IndexMap;
use objectos_protocol::kernel::{EventBusConfig, RuntimeMode};
use serde_json::Value;
use std::{path::PathBuf, sync::Arc};

use crate::{
    clock::{Clock, SystemClock},
    grants::GrantPolicy,
    settings::Places,
    threads::ThreadsConfig,
    trust::TrustPolicy,
};

/// How a kernel is started.
#[derive(Debug)]
pub struct KernelOptions {
    /// Where plugins are looked for: `*.so`, one level of subfolders.
    pub plugin_directory: PathBuf,
    /// Each plugin gets `plugins/<id>` in it.
    pub data_directory: PathBuf,
    /// For private copies of libraries while they are opened; this user's alone.
    pub runtime_directory: PathBuf,
    /// What the instance is run for.
    pub mode: RuntimeMode,
    /// Handed to every plugin as `host`: `{apps, listen, mode, dataDirectory, pluginDirectory}`.
    pub host_settings: Value,
    /// Configuration by plugin id.
    pub plugin_settings: IndexMap<String, Value>,
    /// Where that was written, for whoever has to correct it.
    pub settings_places: Places,
    /// Whom to trust, what to grant, whom to prefer.
    pub policy: Policy,
    /// On whose threads plugins are called, where the operator has a word on it.
    pub threads: ThreadsConfig,
    /// `kernel/EventBusConfig`.
    pub event_bus: EventBusConfig,
    /// Limits of the kernel's own.
    pub limits: KernelLimits,
    /// Swap a plugin when its file changes. For development.
    pub watch: bool,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Which plugins to start.
    pub select: Selection,
    /// Commands of the host program itself, which no plugin may take.
    pub host_commands: Vec<String>,
    /// Switches that plugins read in the kernel's context: name to on or off.
    pub features: IndexMap<String, bool>,
    /// What the host calls what it runs, for the kernel's context.
    pub app_name: Option<String>,
    /// The folder that everything belongs to, for the kernel's context.
    pub workspace_root: Option<PathBuf>,
}

impl KernelOptions {
    /// Options with everything at its default but the folders and the policy.
    #[must_use]
    pub fn new(plugin_directory: PathBuf, data_directory: PathBuf, runtime_directory: PathBuf, policy: Policy) -> Self {
        Self {
            plugin_directory,
            data_directory,
            runtime_directory,
            mode: RuntimeMode::Development,
            host_settings: Value::Object(serde_json::Map::new()),
            plugin_settings: IndexMap::new(),
            settings_places: Places::default(),
            policy,
            threads: ThreadsConfig::new(),
            event_bus: EventBusConfig::default(),
            limits: KernelLimits::default(),
            watch: false,
            clock: Arc::new(SystemClock),
            select: Selection::All,
            host_commands: Vec::new(),
            features: IndexMap::new(),
            app_name: None,
            workspace_root: None,
        }
    }
}

/// Whom to trust, what to grant, whom to prefer.
#[derive(Debug)]
pub struct Policy {
    /// Keys, levels and blocked files.
    pub trust: TrustPolicy,
    /// What plugins may do.
    pub grants: GrantPolicy,
    /// Service to the id of the plugin that shall provide it, where several could.
    pub prefer: IndexMap<String, String>,
}

/// Which plugins to start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// All that may.
    #[default]
    All,
    /// The one that contributes this command, what the command needs, and what those need.
    Command(String),
}

/// Limits of the kernel's own; those of plugins are in their manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelLimits {
    /// Opening a library and making its instance, milliseconds.
    pub load_ms: u64,
    /// Calls that may wait for a plugin that is being replaced.
    pub held_calls_max: usize,
    /// How long they may, milliseconds.
    pub held_ms: u64,
    /// How long a swap waits for the old version to drain before it answers, milliseconds; the drain then goes on.
    pub swap_report_ms: u64,
    /// Log records of one plugin, in the long run and at once.
    pub log_records_per_second: u32,
    /// As above.
    pub log_records_burst: u32,
    /// Transient events of one plugin, in the long run and at once.
    pub events_per_second: u32,
    /// As above.
    pub events_burst: u32,
    /// Wait before the second restart of a plugin in a row, milliseconds; the first is at once.
    pub restart_ms: u64,
    /// The longest wait between restarts, milliseconds.
    pub restart_ms_max: u64,
    /// A plugin that ran so long has its restarts forgiven, milliseconds.
    pub restart_window_ms: u64,
    /// How long files must be quiet before a change counts, milliseconds.
    pub watch_quiet_ms: u64,
}

impl Default for KernelLimits {
    fn default() -> Self {
        Self {
            load_ms: 30_000,
            held_calls_max: 4096,
            held_ms: 30_000,
            swap_report_ms: 100,
            log_records_per_second: 500,
            log_records_burst: 2000,
            events_per_second: 10_000,
            events_burst: 20_000,
            restart_ms: 1000,
            restart_ms_max: 60_000,
            restart_window_ms: 300_000,
            watch_quiet_ms: 300,
        }
    }
}
