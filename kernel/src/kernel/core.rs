//! What all parts of the kernel share: the tables, the records of plugins, the clock, the executor.
//!
//! Not here: what happens to a plugin ([`crate::lifecycle`], [`crate::swap`], [`crate::health`]).

use objectos_plugin_api::abi::API_VERSION;
use objectos_protocol::kernel::{KernelContext, plugin_document::ProvidedService};
use parking_lot::{Mutex, RwLock};
use semver::Version;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Instant,
};
use time::OffsetDateTime;
use tokio::{runtime::Handle, sync::mpsc};

use super::record::{PluginRecord, Standing};
use crate::{
    clock::Clock,
    config::KernelOptions,
    contributions::{Contributions, Contributor, RefusedProvider},
    discover::{HostFacts, RuntimeFolder, SurveyRequest},
    error::{Error, nearest_hint},
    events::EventBus,
    hooks::HookTable,
    instance::{Incident, Instance, cell::ChainBits},
    journal::Journal,
    lifecycle::absent::Shut,
    listeners::Listeners,
    package::{Candidate, Refusal},
    resolve::ResolveRequest,
    services::{COMMAND_PREFIX, Caller, ROUTE_PREFIX, ServiceRegistry},
    streams::Streams,
};

/// Version of the kernel.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where the kernel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum KernelState {
    Starting = 0,
    Running = 1,
    Stopping = 2,
    Stopped = 3,
}

impl KernelState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

/// Figures of the whole.
#[derive(Debug, Default)]
pub(crate) struct KernelFigures {
    pub(crate) swaps: AtomicU64,
    pub(crate) swaps_failed: AtomicU64,
    pub(crate) restarts: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) unmapped: AtomicU64,
    pub(crate) probes_in_flight: AtomicU64,
    pub(crate) drain_us_last: AtomicU64,
    pub(crate) drain_us_max: AtomicU64,
}

/// The shared part of a kernel.
pub(crate) struct Core {
    pub(crate) options: KernelOptions,
    pub(crate) executor: Handle,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) runtime: RuntimeFolder,
    pub(crate) facts: HostFacts,
    pub(crate) services: ServiceRegistry,
    /// What the kernel itself provides.
    pub(crate) own_services: Vec<ProvidedService>,
    pub(crate) hooks: HookTable,
    pub(crate) contributions: Contributions,
    pub(crate) listeners: Listeners,
    pub(crate) streams: Streams,
    pub(crate) chain_bits: ChainBits,
    pub(crate) records: RwLock<BTreeMap<Arc<str>, Arc<PluginRecord>>>,
    /// Files and plugins that stay out.
    pub(crate) refusals: Mutex<Vec<Refusal>>,
    pub(crate) refused_providers: Mutex<Vec<RefusedProvider>>,
    /// Refused files whose plugins' hooks are held shut.
    pub(crate) shut: Mutex<Vec<Shut>>,
    /// Plugins that only a command keeps from running.
    pub(crate) left_out: Mutex<Vec<Arc<Candidate>>>,
    pub(crate) incidents: mpsc::UnboundedSender<Incident>,
    pub(crate) figures: KernelFigures,
    /// The kernel as a caller of services.
    pub(crate) caller: Arc<Caller>,
    pub(crate) journal: Journal,
    instances: Mutex<Vec<Weak<Instance>>>,
    /// Taken for the moment in which references switch and tables follow.
    pub(crate) switch: Mutex<()>,
    /// Held while a plugin is loaded that was not there before: no id is taken twice.
    pub(crate) loading: tokio::sync::Mutex<()>,
    /// Held while those are started that waited for another plugin.
    pub(crate) rounds: tokio::sync::Mutex<()>,
    pub(crate) started: Instant,
    pub(crate) context: KernelContext,
    bus: OnceLock<EventBus>,
    state: AtomicU8,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl Core {
    pub(crate) fn new(
        options: KernelOptions,
        executor: Handle,
        runtime: RuntimeFolder,
        own_services: Vec<ProvidedService>,
        incidents: mpsc::UnboundedSender<Incident>,
    ) -> Result<Self, Error> {
        let clock = Arc::clone(&options.clock);
        let api = Version::parse(API_VERSION)
            .map_err(|error| Error::Internal(format!("the API version is none: {error}")))?;
        let context = KernelContext {
            instance_id: uuid::Uuid::new_v4().to_string(),
            mode: options.mode,
            version: VERSION.to_owned(),
            app_name: options.app_name.clone(),
            cwd: std::env::current_dir().unwrap_or_default().display().to_string(),
            workspace_root: options.workspace_root.as_ref().map(|root| root.display().to_string()),
            start_time: clock.now_ms(),
            features: options.features.clone(),
        };
        Ok(Self {
            options,
            executor,
            clock,
            runtime,
            facts: HostFacts::current(api),
            services: ServiceRegistry::default(),
            own_services,
            hooks: HookTable::default(),
            contributions: Contributions::default(),
            listeners: Listeners::default(),
            streams: Streams::default(),
            chain_bits: ChainBits::default(),
            records: RwLock::default(),
            refusals: Mutex::default(),
            refused_providers: Mutex::default(),
            shut: Mutex::default(),
            left_out: Mutex::default(),
            incidents,
            figures: KernelFigures::default(),
            caller: Arc::new(Caller::kernel()),
            journal: Journal::default(),
            instances: Mutex::default(),
            switch: Mutex::new(()),
            loading: tokio::sync::Mutex::default(),
            rounds: tokio::sync::Mutex::default(),
            started: Instant::now(),
            context,
            bus: OnceLock::new(),
            state: AtomicU8::new(KernelState::Starting as u8),
        })
    }

    /// The event bus.
    pub(crate) fn bus(&self) -> &EventBus {
        self.bus.get().expect("the bus is set before any plugin is loaded")
    }

    pub(crate) fn set_bus(&self, bus: EventBus) {
        // The one caller is the boot.
        let _ = self.bus.set(bus);
    }

    pub(crate) fn state(&self) -> KernelState {
        match self.state.load(Ordering::Acquire) {
            0 => KernelState::Starting,
            1 => KernelState::Running,
            2 => KernelState::Stopping,
            _ => KernelState::Stopped,
        }
    }

    pub(crate) fn set_state(&self, state: KernelState) {
        self.state.store(state as u8, Ordering::Release);
    }

    /// # Errors
    /// `NotRunning` once the kernel goes down.
    pub(crate) fn require_running(&self) -> Result<(), Error> {
        match self.state() {
            KernelState::Starting | KernelState::Running => Ok(()),
            state => Err(Error::NotRunning { state: state.as_str() }),
        }
    }

    /// The record of a plugin.
    ///
    /// # Errors
    /// `UnknownPlugin` with the nearest id.
    pub(crate) fn record(&self, id: &str) -> Result<Arc<PluginRecord>, Error> {
        let records = self.records.read();
        records.get(id).map(Arc::clone).ok_or_else(|| Error::UnknownPlugin {
            id: id.to_owned(),
            hint: nearest_hint(id, records.keys().map(|known| &**known)),
        })
    }

    /// All records, by id.
    pub(crate) fn all_records(&self) -> Vec<Arc<PluginRecord>> {
        self.records.read().values().map(Arc::clone).collect()
    }

    /// All instances that run now.
    pub(crate) fn running(&self) -> Vec<Arc<Instance>> {
        self.all_records()
            .iter()
            .filter_map(|record| record.cell.running())
            .collect()
    }

    /// What files are held against.
    pub(crate) fn survey_request(&self) -> SurveyRequest<'_> {
        SurveyRequest {
            folder: &self.options.plugin_directory,
            runtime: &self.runtime,
            host: &self.facts,
            trust: &self.options.policy.trust,
            grants: &self.options.policy.grants,
            settings: &self.options.plugin_settings,
            places: &self.options.settings_places,
            now: self.now(),
        }
    }

    /// What plugins are resolved against.
    pub(crate) fn resolve_request<'a>(
        &'a self,
        host_commands: &'a [&'a str],
        refused: &'a [Refusal],
    ) -> ResolveRequest<'a> {
        ResolveRequest {
            kernel_services: &self.own_services,
            host_commands,
            prefer: Some(&self.options.policy.prefer),
            refused,
        }
    }

    pub(crate) fn host_commands(&self) -> Vec<&str> {
        self.options.host_commands.iter().map(String::as_str).collect()
    }

    /// Time by the kernel's clock.
    pub(crate) fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.clock.now_ms()) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// The same as RFC 3339.
    pub(crate) fn now_text(&self) -> String {
        self.now()
            .format(&time::format_description::well_known::Rfc3339)
            .unwrap_or_default()
    }

    /// Builds the contributions anew from what is declared and what runs.
    pub(crate) fn refresh_contributions(&self) {
        let records = self.all_records();
        let candidates: Vec<_> = records.iter().map(|record| (record, record.candidate())).collect();
        let contributors: Vec<Contributor<'_>> = candidates
            .iter()
            .map(|(record, candidate)| Contributor {
                plugin: &record.id,
                declaration: &candidate.document.objectos,
                grants: &candidate.grants,
                loaded: record.standing() != Standing::Stopped && record.with(|details| details.generation > 0),
            })
            .collect();
        let left_out = self.left_out.lock().clone();
        let left_out: Vec<Contributor<'_>> = left_out
            .iter()
            .map(|candidate| Contributor {
                plugin: candidate.id(),
                declaration: &candidate.document.objectos,
                grants: &candidate.grants,
                loaded: false,
            })
            .collect();
        let refused = self.refused_providers.lock().clone();
        let available = |plugin: &str, service: &str| {
            plugin == "kernel" || (self.services.slot(service).available() && self.provides(plugin, service))
        };
        self.contributions
            .rebuild(&contributors, &left_out, &refused, &self.own_services, available);
    }

    fn provides(&self, plugin: &str, service: &str) -> bool {
        let running = self
            .records
            .read()
            .get(plugin)
            .is_some_and(|record| record.standing() != Standing::Stopped);
        running && !service.starts_with(ROUTE_PREFIX) && !service.starts_with(COMMAND_PREFIX)
    }

    /// Remembers an instance for as long as it lives.
    pub(crate) fn note_instance(&self, instance: &Arc<Instance>) {
        let mut instances = self.instances.lock();
        instances.retain(|known| known.strong_count() > 0);
        instances.push(Arc::downgrade(instance));
    }

    /// The instance with this serial, while it lives.
    pub(crate) fn instance(&self, serial: u32) -> Option<Arc<Instance>> {
        let instances = self.instances.lock().clone();
        let mut living = instances.iter().filter_map(Weak::upgrade);
        living.find(|instance| instance.serial == serial)
    }

    /// Makes idle threads pass a checkpoint: the executor's workers and those of every plugin, also of one that is coming up
    /// or going down.
    pub(crate) fn nudge(&self) {
        for _ in 0..self.executor.metrics().num_workers() {
            self.executor.spawn(std::future::ready(()));
        }
        let instances = self.instances.lock().clone();
        for instance in instances.iter().filter_map(Weak::upgrade) {
            instance.poke();
        }
    }
}
