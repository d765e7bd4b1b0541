//! The kernel's own services, as plugins call them. `kernel`: reports, swaps, restarts, dead letters, replays; declared like any
//! other service in `services.uses`. What changes anything, and what shows records, is for plugins that hold `plugin:manage`:
//! that is never implied, so the operator decides who may; who the principal is, the gateway decides. `grants` is in the module
//! of that name.

mod grants;

use objectos_plugin_api::{
    Context, Error as PluginError, ErrorKind, Result, ServiceHandler,
    contracts::{
        grants::GrantsServer,
        kernel::{
            DeadLetterPage, Kernel as KernelContract, KernelHealth, KernelServer, RecordStateAnswer,
            RecordStateRequest, SwapReport, SwapRequest,
        },
    },
};
use objectos_protocol::kernel::{DeadLetterQueueEntry, EventReplayConfig, plugin_document::ProvidedService};
use semver::Version;
use serde_json::Value;
use std::{
    path::PathBuf,
    sync::{Arc, Weak},
};

use crate::{
    error::Error,
    events::ReplayEnd,
    grants::line_to_add,
    health,
    journal::{self, Cause},
    kernel::core::Core,
    report, swap,
};

/// What a rule has to be about for what concerns no single plugin.
const ALL: &str = "*";

/// The provider. Does not keep the kernel alive.
#[derive(Debug)]
struct Control(Weak<Core>);

/// What the kernel itself provides.
#[must_use]
pub fn own_services() -> Vec<ProvidedService> {
    let provided = |handler: &Arc<dyn ServiceHandler>| ProvidedService {
        name: handler.name().to_owned(),
        version: Version::parse(handler.version()).unwrap_or(Version::new(1, 0, 0)),
    };
    services(&Weak::new()).iter().map(provided).collect()
}

/// The services of this kernel.
pub(crate) fn services(core: &Weak<Core>) -> [Arc<dyn ServiceHandler>; 2] {
    [
        Arc::new(KernelServer::new(Arc::new(Control(Weak::clone(core))))),
        Arc::new(GrantsServer::new(Arc::new(grants::Grants(Weak::clone(core))))),
    ]
}

fn core_of(core: &Weak<Core>) -> Result<Arc<Core>> {
    core.upgrade()
        .ok_or_else(|| PluginError::unavailable("the kernel is gone"))
}

impl Control {
    fn core(&self) -> Result<Arc<Core>> {
        core_of(&self.0)
    }

    /// The kernel, for a caller that may manage `plugin`: the kernel itself, or a plugin with that grant.
    ///
    /// # Errors
    /// `Denied`, naming the caller and the line of the operator's file.
    fn managed(&self, context: &Context, plugin: &str) -> Result<Arc<Core>> {
        let core = self.core()?;
        let caller = context.caller();
        if caller.is_empty() {
            return Ok(core);
        }
        let record = plain(core.record(caller))?;
        if record.candidate().grants.may_manage_plugin(plugin) {
            return Ok(core);
        }
        let rule = match plugin {
            ALL => "plugin:manage".to_owned(),
            plugin => format!("plugin:manage:{plugin}"),
        };
        Err(PluginError::new(
            ErrorKind::Denied,
            format!(
                "plugin {caller} does not hold {rule}: its plugin.json has to ask for it in security.permissions \
                 (system.plugin: manage), and the operator to grant it; {}",
                line_to_add(caller, &[rule.as_str()])
            ),
        ))
    }
}

fn plain<T>(result: Result<T, Error>) -> Result<T> {
    result.map_err(Error::into_plugin_error)
}

impl KernelContract for Control {
    async fn plugins(&self, _: Context) -> Result<Value> {
        Ok(report::plugins(&*self.core()?))
    }

    async fn health(&self, _: Context) -> Result<KernelHealth> {
        Ok(health::overall(&*self.core()?))
    }

    async fn swap(&self, context: Context, request: SwapRequest) -> Result<SwapReport> {
        let core = self.managed(&context, &request.plugin)?;
        let path = request.path.map(PathBuf::from);
        plain(swap::swap(&core, &request.plugin, path, Cause::request(context)).await)
    }

    async fn restart(&self, context: Context, plugin: String) -> Result<()> {
        let core = self.managed(&context, &plugin)?;
        plain(swap::restart(&core, &plugin, None, Cause::request(context)).await).map(drop)
    }

    async fn hooks(&self, _: Context) -> Result<Value> {
        Ok(report::hooks(&*self.core()?))
    }

    async fn metrics(&self, _: Context) -> Result<Value> {
        Ok(report::metrics(&*self.core()?))
    }

    async fn dead_letters(&self, context: Context, page: DeadLetterPage) -> Result<Vec<DeadLetterQueueEntry>> {
        let core = self.managed(&context, ALL)?;
        core.bus().dead_letters(page.offset, page.limit).await
    }

    async fn retry_dead_letter(&self, context: Context, id: String) -> Result<()> {
        let core = self.managed(&context, ALL)?;
        let retried = core.bus().retry_dead_letter(&id).await;
        let failure = retried.as_ref().err();
        if failure.is_none_or(|error| error.kind() != ErrorKind::NotFound) {
            let failure = failure.map(ToString::to_string);
            journal::dead_letter_retried(&core, &Cause::request(context), &id, failure);
        }
        retried
    }

    async fn replay(&self, context: Context, request: EventReplayConfig) -> Result<u64> {
        let core = self.managed(&context, ALL)?;
        let cause = Cause::request(context);
        let asked = serde_json::to_value(&request).map_err(PluginError::internal)?;
        let (weak, whose, what) = (Weak::clone(&self.0), cause.clone(), asked.clone());
        let ended = move |end: ReplayEnd| {
            if let Some(core) = weak.upgrade() {
                journal::replay_ended(&core, &whose, &what, &end);
            }
        };
        let replay = core.bus().prepare_replay(&request).await?;
        let count = replay.count();
        journal::replay_started(&core, &cause, &asked, count);
        replay.begin(ended);
        Ok(count)
    }

    async fn record_state(&self, context: Context, request: RecordStateRequest) -> Result<RecordStateAnswer> {
        let core = self.managed(&context, ALL)?;
        core.bus().record_state(&request).await
    }
}
