//! The kernel as one instance of a plugin sees it: the other side of `RawHost`. Every right is checked here.
//!
//! Invariants
//! * Nothing unwinds into the plugin: each entry is guarded.
//! * A future handed to a plugin is the host's, shielded, and drops cleanly on any thread.
//! * What the plugin says about itself (its id, its being the system) is ignored; the kernel knows.

mod handles;
mod limiter;
mod log;
mod publish;
mod raw;
mod tasks;

use objectos_plugin_api::{
    Error as PluginError, ErrorKind,
    abi::{RawHost_TO, RawHostObject},
    private::abi_stable::{sabi_trait::TD_Opaque, std_types::RArc},
    protocol::kernel::plugin_document::{PluginDeclaration, parse_range},
};
use std::{
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use tracing_core::Level;

use self::{
    handles::HandleTable,
    limiter::{Admission, Limiter},
    tasks::Tasks,
};
use crate::{
    error::nearest_hint,
    hooks::HookPoint,
    instance::{Instance, own_threads::OwnThreads},
    kernel::core::Core,
    package::Candidate,
    services::{Caller, Principals, ServiceReference},
    streams::Kind,
    threads,
};

/// The kernel's side of one instance.
#[derive(Debug)]
pub(crate) struct HostObject {
    core: Arc<Core>,
    plugin: Arc<str>,
    candidate: Arc<Candidate>,
    caller: Arc<Caller>,
    /// Where it is noted whom the plugin is asked to act for; `None` where that is of no use.
    notes: Option<Arc<Principals>>,
    services: HandleTable<ServiceReference>,
    hooks: HandleTable<HookHandle>,
    tasks: Tasks,
    logs: Limiter,
    events: Limiter,
}

/// A hook point that the plugin runs.
#[derive(Debug)]
pub(crate) struct HookHandle(Arc<HookPoint>);

/// What crosses the ABI: one strong reference.
#[derive(Clone)]
struct Side(Arc<HostObject>);

impl HostObject {
    /// `principals`: whom the plugin was asked to act for so far.
    pub(crate) fn new(
        core: Arc<Core>,
        plugin: Arc<str>,
        candidate: Arc<Candidate>,
        principals: &Arc<Principals>,
    ) -> Self {
        let plan = threads::plan(&core.options.threads, &plugin, candidate.document.objectos.threads);
        let tasks = Tasks::open(Arc::new(OwnThreads::new(&plugin, plan)));
        let limits = &core.options.limits;
        let logs = Limiter::new(limits.log_records_per_second, limits.log_records_burst);
        let events = Limiter::new(limits.events_per_second, limits.events_burst);
        let caller = Arc::new(Caller {
            id: Arc::clone(&plugin),
            system: candidate.grants.is_system(),
            held_to: (!candidate.grants.may_set_principal()).then(|| Arc::clone(principals)),
        });
        // Who calls nobody, runs no hook and publishes nothing hands nobody on.
        let declared = &candidate.document.objectos;
        let hands_on = !declared.services.uses.is_empty()
            || !declared.hooks.runs.is_empty()
            || !declared.events.publishes.is_empty();
        let notes = caller.held_to.clone().filter(|_| hands_on);
        Self {
            core,
            plugin,
            candidate,
            caller,
            notes,
            services: HandleTable::default(),
            hooks: HandleTable::default(),
            tasks,
            logs,
            events,
        }
    }

    /// A reference to hand to the plugin.
    pub(crate) fn object(self: &Arc<Self>) -> RawHostObject {
        RawHost_TO::from_ptr(RArc::new(Side(Arc::clone(self))), TD_Opaque)
    }

    /// Where to note whom the plugin is asked to act for.
    pub(crate) fn notes(&self) -> Option<&Arc<Principals>> {
        self.notes.as_ref()
    }

    /// The plugin's own threads.
    pub(crate) fn threads(&self) -> &Arc<OwnThreads> {
        self.tasks.threads()
    }

    /// Takes over a body or a socket that this plugin answered with; answers the number under which it is read.
    pub(crate) fn open_stream(&self, instance: &Arc<Instance>, left: (Kind, u64)) -> u64 {
        self.core.streams.open(instance, left, self.core.clock.now_ms())
    }

    /// Ends what the plugin left running in the background.
    pub(crate) async fn close(&self) {
        self.tasks.close().await;
    }

    fn declaration(&self) -> &PluginDeclaration {
        &self.candidate.document.objectos
    }

    fn denied(&self, what: &str, hint: &str) -> PluginError {
        PluginError::new(
            ErrorKind::Denied,
            format!("plugin {} may not {what}{hint}", self.plugin),
        )
    }

    fn open_service(&self, name: &str, range: &str) -> Result<u64, PluginError> {
        let range = parse_range(range).map_err(PluginError::invalid)?;
        let uses = &self.declaration().services.uses;
        if !uses.iter().any(|used| names(&used.name, name)) {
            let near = nearest_hint(name, uses.iter().map(|used| used.name.as_str()));
            let hint = format!(": its plugin.json does not name it in services.uses{near}");
            return Err(self.denied(&format!("use the service {name}"), &hint));
        }
        if !self.candidate.grants.may_use_service(name) {
            return Err(self.denied(&format!("use the service {name}"), ": the operator does not grant it"));
        }
        let slot = self.core.services.slot(name);
        let same = |known: &ServiceReference| Arc::ptr_eq(&known.slot, &slot) && known.range == range;
        self.services
            .open(same, || ServiceReference::new(Arc::clone(&slot), range.clone()))
            .ok_or_else(|| too_many("services"))
    }

    fn open_hook(&self, name: &str) -> Result<u64, PluginError> {
        let runs = &self.declaration().hooks.runs;
        if !runs.iter().any(|known| known == name) {
            let near = nearest_hint(name, runs.iter().map(String::as_str));
            let hint = format!(": its plugin.json does not name it in hooks.runs{near}");
            return Err(self.denied(&format!("run the hook {name}"), &hint));
        }
        if !self.candidate.grants.may_run_hook(name) {
            return Err(self.denied(&format!("run the hook {name}"), ": the operator does not grant it"));
        }
        let point = self.core.hooks.point(name);
        self.hooks
            .open(|known| Arc::ptr_eq(&known.0, &point), || HookHandle(Arc::clone(&point)))
            .ok_or_else(|| too_many("hooks"))
    }

    fn service(&self, handle: u64) -> Result<&Arc<ServiceReference>, PluginError> {
        self.services
            .get(handle)
            .ok_or_else(|| PluginError::internal(format_args!("{handle} is no service handle")))
    }

    fn hook(&self, handle: u64) -> Result<&Arc<HookPoint>, PluginError> {
        let found = self.hooks.get(handle).map(|handle| &handle.0);
        found.ok_or_else(|| PluginError::internal(format_args!("{handle} is no hook handle")))
    }

    fn listen(&self, address: &str) -> Result<i32, PluginError> {
        let (scheme, address) = match address.split_once("://") {
            Some((scheme, address)) => (Some(scheme), address),
            None => (None, address),
        };
        let address: SocketAddr = address.parse().map_err(|_| {
            PluginError::invalid(format!(
                "`{address}` is no address to listen at; write it as in 127.0.0.1:3000"
            ))
        })?;
        if !self.candidate.grants.may_listen(&address) {
            return Err(self.denied(
                &format!("listen at {address}"),
                &format!("; grant it with network:listen:{address}"),
            ));
        }
        self.core.listeners.open(address, &self.plugin, scheme)
    }

    fn environment(&self, name: &str) -> Result<String, PluginError> {
        if !self.candidate.grants.may_read_env(name) {
            let what = format!("read the environment variable {name}");
            return Err(self.denied(&what, ": neither its manifest nor the operator's grants name it"));
        }
        std::env::var(name).map_err(|_| PluginError::not_found(format!("the environment variable {name} is not set")))
    }

    fn log(&self, level: Level, target: &str, message: &str, fields: &str) {
        let Admission::Granted { refused_before } = self.logs.admit() else {
            return;
        };
        if refused_before > 0 {
            tracing::warn!(
                plugin = &*self.plugin,
                left_out = refused_before,
                "a plugin logs more than its limit; records were left out"
            );
        }
        let fields = if log::is_object(fields) { fields } else { "" };
        log::emit(&self.plugin, level, target, message, fields);
    }
}

fn too_many(what: &str) -> PluginError {
    PluginError::new(
        ErrorKind::Limited,
        format!("a plugin may have {} {what} open", handles::HANDLES_MAX),
    )
}

/// Whether a declared name, which may end in `*` after a colon, names this one.
fn names(declared: &str, name: &str) -> bool {
    match declared.strip_suffix('*') {
        Some(prefix) => name.len() > prefix.len() && name.starts_with(prefix),
        None => declared == name,
    }
}

/// Runs an entry; a panic of the kernel's own is logged and answered with `otherwise`.
fn guarded<T>(otherwise: impl FnOnce(PluginError) -> T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::error!("the kernel panicked in a call from a plugin; this is a fault of the kernel");
        otherwise(PluginError::internal("the kernel panicked"))
    })
}
