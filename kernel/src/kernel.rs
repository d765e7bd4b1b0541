//! A running kernel, as the host holds it: boot, calls from outside, swap, shutdown.

pub(crate) mod bus;
pub(crate) mod client;
pub(crate) mod core;
pub(crate) mod record;

use objectos_plugin_api::{
    CommandAnswer, Context, Error as PluginError, ErrorKind,
    contracts::kernel::{KernelHealth, SwapReport},
    private::abi_stable::std_types::{RResult, RSlice, RStr, RVec},
};
use semver::VersionReq;
use serde_json::Value;
use std::{
    path::PathBuf,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};
use tokio::{runtime::Handle, sync::mpsc};

use self::core::{Core, KernelState};
use crate::{
    config::{KernelOptions, Selection},
    control,
    discover::RuntimeFolder,
    error::{Error, nearest_hint},
    health,
    instance::call::Started,
    journal::Cause,
    lifecycle,
    lifecycle::boot,
    listeners::Listener,
    report::{self, StartReport},
    services::{COMMAND_PREFIX, ServiceReference},
    swap,
    watch::{self, Watch},
};

/// How long the bus may take to end after a start that failed.
const BUS_LIMIT: Duration = Duration::from_secs(5);

/// A kernel. Clones share one.
#[derive(Clone, Debug)]
pub struct Kernel {
    core: Arc<Core>,
    _watch: Option<Arc<Watch>>,
}

/// A service as the host calls it: as the kernel, with the system's rights.
#[derive(Clone, Debug)]
pub struct HostService {
    core: Arc<Core>,
    reference: Arc<ServiceReference>,
}

impl Kernel {
    /// Finds, checks and starts the plugins. `executor` is the host's tokio runtime: multi-threaded, with timers and I/O, built
    /// with `on_thread_start(objectos_kernel::loader::on_thread_start)` and
    /// `on_thread_park(objectos_kernel::loader::on_thread_park)`, else libraries of replaced plugins stay in memory.
    ///
    /// Plugins that do not start are in the report; the kernel runs without them.
    ///
    /// # Errors
    /// `Directory` for a folder that cannot be used, `EventBus` for its configuration, `UnknownCommand` when the selection
    /// names none, `Watch` when the folder cannot be watched.
    pub async fn boot(options: KernelOptions, executor: Handle) -> Result<(Self, StartReport), Error> {
        let task = executor.clone();
        let booted = task.spawn(Self::boot_on(options, executor)).await;
        booted.unwrap_or_else(|error| Err(Error::Internal(format!("the start ended early: {error}"))))
    }

    async fn boot_on(options: KernelOptions, executor: Handle) -> Result<(Self, StartReport), Error> {
        let since = Instant::now();
        crate::loader::keep_small();
        let runtime = RuntimeFolder::open(&options.runtime_directory).map_err(|error| Error::RuntimeFolder {
            path: options.runtime_directory.clone(),
            source: error,
        })?;
        std::fs::create_dir_all(&options.data_directory).map_err(|source| Error::Directory {
            path: options.data_directory.clone(),
            source,
        })?;
        let (incidents, reported) = mpsc::unbounded_channel();
        let watch_files = options.watch;
        let core = Arc::new(Core::new(
            options,
            executor,
            runtime,
            control::own_services(),
            incidents,
        )?);
        core.start_bus()?;
        for service in control::services(&Arc::downgrade(&core)) {
            core.services.provide(service);
        }
        let watch = if watch_files { Some(watch::begin(&core)?) } else { None };
        core.executor.spawn(health::supervise(Arc::downgrade(&core), reported));
        health::watch_threads(&core);
        if let Err(error) = boot::start_all(&core).await {
            core.set_state(KernelState::Stopped);
            core.stop_bus(BUS_LIMIT).await;
            return Err(error);
        }
        core.set_state(KernelState::Running);
        if core.options.select == Selection::All {
            health::first_look(&core, &core.all_records()).await;
        }
        core.executor.spawn(health::watch_all(Arc::clone(&core)));
        let watch = watch.map(|(watch, changes)| {
            core.executor.spawn(watch::follow(Arc::clone(&core), changes));
            Arc::new(watch)
        });
        let report = report::start_report(&core, since.elapsed());
        Ok((Self { core, _watch: watch }, report))
    }

    /// Stops all plugins in reverse order of their start. What is not done within the limit is left where it is.
    pub async fn shutdown(&self, limit: Duration) {
        let core = Arc::clone(&self.core);
        let stopped = self.core.executor.spawn(async move {
            lifecycle::stop::stop_all(&core, limit, "the host is stopping").await;
        });
        if let Err(error) = stopped.await {
            tracing::error!(%error, "the stop of the kernel ended early");
        }
    }

    /// Swaps a plugin for what now lies in its file.
    ///
    /// # Errors
    /// `UnknownPlugin`, `SwapRefused`, `SwapFailed`, `NotRunning`.
    pub async fn swap(&self, id: &str) -> Result<SwapReport, Error> {
        swap::swap(&self.core, id, None, Cause::host()).await
    }

    /// Swaps a plugin for another file inside the plugin folder.
    ///
    /// # Errors
    /// As [`Kernel::swap`].
    pub async fn swap_with(&self, id: &str, path: PathBuf) -> Result<SwapReport, Error> {
        swap::swap(&self.core, id, Some(path), Cause::host()).await
    }

    /// Loads a plugin anew from its file, without its state.
    ///
    /// # Errors
    /// As [`Kernel::swap`].
    pub async fn restart(&self, id: &str) -> Result<SwapReport, Error> {
        swap::restart(&self.core, id, None, Cause::host()).await
    }

    /// Loads a plugin that was not there at the start, from a file inside the plugin folder.
    ///
    /// # Errors
    /// `SwapRefused` when it may not be loaded, or what its start says.
    pub async fn load(&self, path: PathBuf) -> Result<(), Error> {
        let core = Arc::clone(&self.core);
        let task = self
            .core
            .executor
            .spawn(async move { swap::load_new(&core, path, Cause::host()).await });
        task.await
            .unwrap_or_else(|error| Err(Error::Internal(format!("a load ended early: {error}"))))
    }

    /// A service by name and semver range, called as the kernel. It need not be there yet.
    ///
    /// # Errors
    /// `Invalid` for a bad range.
    pub fn service(&self, name: &str, range: &str) -> Result<HostService, PluginError> {
        let range = VersionReq::parse(range).map_err(|error| PluginError::invalid(error.to_string()))?;
        let reference = Arc::new(ServiceReference::new(self.core.services.slot(name), range));
        Ok(HostService {
            core: Arc::clone(&self.core),
            reference,
        })
    }

    /// Calls a method of a service, in whatever version is there, on the host's executor.
    ///
    /// # Errors
    /// What the service answers; `Unavailable` without a provider.
    pub async fn call_service(
        &self,
        name: &str,
        method: &str,
        context: Context,
        payload: Vec<u8>,
    ) -> Result<Vec<u8>, PluginError> {
        let service = self.service(name, "*")?;
        let method = method.to_owned();
        let task = self
            .core
            .executor
            .spawn(async move { service.call(&method, &context, &payload).await });
        task.await.unwrap_or_else(|error| Err(PluginError::internal(error)))
    }

    /// Runs a command that a plugin contributes.
    ///
    /// # Errors
    /// `NotFound` with the nearest name when no plugin contributes it; what the command answers.
    pub async fn run_command(&self, name: &str, arguments: &[String]) -> Result<CommandAnswer, PluginError> {
        let Some(plugin) = self.command_owner(name) else {
            let known = self.commands();
            let hint = nearest_hint(name, known.iter().map(String::as_str));
            return Err(PluginError::new(
                ErrorKind::NotFound,
                format!("there is no command {name}{hint}"),
            ));
        };
        let payload = serde_json::to_vec(arguments).map_err(PluginError::internal)?;
        let context = Context::background().as_system();
        let answer = self
            .call_service(&format!("{COMMAND_PREFIX}{plugin}"), name, context, payload)
            .await?;
        serde_json::from_slice(&answer).map_err(PluginError::internal)
    }

    fn command_owner(&self, name: &str) -> Option<Arc<str>> {
        let contributes = |candidate: &crate::package::Candidate| {
            candidate
                .document
                .objectos
                .commands
                .iter()
                .any(|command| command.name == name)
        };
        let records = self.core.all_records();
        records
            .iter()
            .find(|record| contributes(&record.candidate()))
            .map(|record| Arc::clone(&record.id))
    }

    /// Names of all contributed commands.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        let records = self.core.all_records();
        let names = |record: &Arc<record::PluginRecord>| {
            let candidate = record.candidate();
            candidate
                .document
                .objectos
                .commands
                .iter()
                .map(|command| command.name.clone())
                .collect::<Vec<_>>()
        };
        records.iter().flat_map(names).collect()
    }

    /// What plugins contribute of one kind, as JSON: `routes`, `commands`, `objects`, `services`.
    #[must_use]
    pub fn contributions(&self, kind: &str) -> Vec<u8> {
        self.core.contributions.json(kind)
    }

    /// Everything found, loaded or refused, as the `kernel` service answers it.
    #[must_use]
    pub fn plugins(&self) -> Value {
        report::plugins(&self.core)
    }

    /// How the start went, as things stand now.
    #[must_use]
    pub fn report(&self) -> StartReport {
        report::start_report(&self.core, self.core.started.elapsed())
    }

    /// How the whole does.
    #[must_use]
    pub fn health(&self) -> KernelHealth {
        health::overall(&self.core)
    }

    /// Figures.
    #[must_use]
    pub fn metrics(&self) -> Value {
        report::metrics(&self.core)
    }

    /// Addresses at which plugins listen, as bound.
    #[must_use]
    pub fn listeners(&self) -> Vec<Listener> {
        self.core.listeners.bound()
    }

    /// The host's log filter changed: every plugin asks anew what to log.
    pub fn log_filter_changed(&self) {
        for instance in self.core.running() {
            instance.object().rebuild_log_interest();
        }
    }

    /// For whoever must not keep the kernel alive.
    #[must_use]
    pub fn downgrade(&self) -> WeakKernel {
        WeakKernel {
            core: Arc::downgrade(&self.core),
        }
    }
}

/// A kernel that may be gone.
#[derive(Clone, Debug)]
pub struct WeakKernel {
    core: Weak<Core>,
}

impl WeakKernel {
    /// The kernel, if it is still there.
    #[must_use]
    pub fn upgrade(&self) -> Option<Kernel> {
        self.core.upgrade().map(|core| Kernel { core, _watch: None })
    }
}

impl HostService {
    /// True while a provider is there.
    #[must_use]
    pub fn available(&self) -> bool {
        self.reference.slot.available()
    }

    /// Calls a method. The payload is copied before the first wait; the future is polled where the caller polls it, which
    /// should be a thread of the host's executor.
    ///
    /// # Errors
    /// What the service answers.
    pub async fn call(&self, method: &str, context: &Context, payload: &[u8]) -> Result<Vec<u8>, PluginError> {
        let started = self.reference.start_here(
            &self.core.executor,
            &self.core.caller,
            RStr::from_str(method),
            &context.raw(),
            RSlice::from_slice(payload),
        );
        match started {
            Started::Answer(at_once) => answer(at_once),
            started => answer(started.answer().await),
        }
    }

    /// Calls a synchronous method on this thread.
    ///
    /// # Errors
    /// What the service answers.
    pub fn call_sync(&self, method: &str, context: &Context, payload: &[u8]) -> Result<Vec<u8>, PluginError> {
        answer(self.reference.call_sync(
            &self.core.caller,
            RStr::from_str(method),
            &context.raw(),
            RSlice::from_slice(payload),
        ))
    }
}

fn answer(answer: RResult<RVec<u8>, objectos_plugin_api::abi::RawError>) -> Result<Vec<u8>, PluginError> {
    match answer {
        RResult::ROk(bytes) => Ok(bytes.into_vec()),
        RResult::RErr(error) => Err(PluginError::from_raw(&error)),
    }
}
