//! The service `kernel`, as plugins call it: reports, swaps, restarts, dead letters, replays. Declared like any other service
//! in `services.uses`, so the operator decides who may; who the principal is, the gateway decides.

use objectos_plugin_api::{
    Context, Error as PluginError, Result, ServiceHandler,
    contracts::kernel::{
        DeadLetterPage, Kernel as KernelContract, KernelHealth, KernelServer, SwapReport, SwapRequest,
    },
};
use objectos_protocol::kernel::{DeadLetterQueueEntry, EventReplayConfig, plugin_document::ProvidedService};
use semver::Version;
use serde_json::Value;
use std::{
    path::PathBuf,
    sync::{Arc, Weak},
};

use crate::{error::Error, health, kernel::core::Core, report, swap};

/// The provider. Does not keep the kernel alive.
#[derive(Debug)]
struct Control(Weak<Core>);

/// What the kernel itself provides.
#[must_use]
pub fn own_services() -> Vec<ProvidedService> {
    let handler = service(Weak::new());
    let version = Version::parse(handler.version()).unwrap_or(Version::new(1, 0, 0));
    vec![ProvidedService {
        name: handler.name().to_owned(),
        version,
    }]
}

/// The service for this kernel.
pub(crate) fn service(core: Weak<Core>) -> Arc<dyn ServiceHandler> {
    Arc::new(KernelServer::new(Arc::new(Control(core))))
}

impl Control {
    fn core(&self) -> Result<Arc<Core>> {
        self.0
            .upgrade()
            .ok_or_else(|| PluginError::unavailable("the kernel is gone"))
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

    async fn swap(&self, _: Context, request: SwapRequest) -> Result<SwapReport> {
        let core = self.core()?;
        plain(swap::swap(&core, &request.plugin, request.path.map(PathBuf::from)).await)
    }

    async fn restart(&self, _: Context, plugin: String) -> Result<()> {
        let core = self.core()?;
        plain(swap::restart(&core, &plugin, false).await).map(drop)
    }

    async fn hooks(&self, _: Context) -> Result<Value> {
        Ok(report::hooks(&*self.core()?))
    }

    async fn metrics(&self, _: Context) -> Result<Value> {
        Ok(report::metrics(&*self.core()?))
    }

    async fn dead_letters(&self, _: Context, page: DeadLetterPage) -> Result<Vec<DeadLetterQueueEntry>> {
        let core = self.core()?;
        core.bus().dead_letters(page.offset, page.limit).await
    }

    async fn retry_dead_letter(&self, _: Context, id: String) -> Result<()> {
        let core = self.core()?;
        core.bus().retry_dead_letter(&id).await
    }

    async fn replay(&self, _: Context, request: EventReplayConfig) -> Result<u64> {
        let core = self.core()?;
        core.bus().replay(&request).await
    }
}
