//! What the server knows of the plugins at one moment: the route table, who provides `auth` and `permissions`, and the
//! documents made from that. Replaced as a whole when the kernel says that contributions changed.

use arc_swap::ArcSwap;
use bytes::Bytes;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use std::sync::{Arc, OnceLock};

use crate::{
    discovery,
    gateway::{ContributedRoute, ContributedService, Gateway},
    openapi,
    router::{OWN_ID, Opened, Table},
};

/// One moment's knowledge.
#[derive(Debug)]
pub(crate) struct Snapshot<R> {
    epoch: u64,
    pub(crate) table: Table<R>,
    pub(crate) services: Vec<ContributedService>,
    /// Id of the plugin that provides `auth`, even while it is down.
    pub(crate) auth: Option<String>,
    discovery: OnceLock<discovery::Documents>,
    openapi: OnceLock<Bytes>,
}

impl<R: Clone> Snapshot<R> {
    fn take<G: Gateway<Routes = R>>(gateway: &G, opened: &mut Opened<R>) -> Self {
        // The epoch first: a change in between makes the next request look again.
        let epoch = gateway.epoch();
        let services: Vec<ContributedService> = read(gateway, "services");
        let routes: Vec<ContributedRoute> = read(gateway, "routes");
        Self {
            epoch,
            table: Table::build(gateway, opened, routes),
            auth: provider(&services, "auth").map(ToOwned::to_owned),
            services,
            discovery: OnceLock::new(),
            openapi: OnceLock::new(),
        }
    }

    /// True when a plugin declares the service, up or down.
    pub(crate) fn provides(&self, service: &str) -> bool {
        provider(&self.services, service).is_some()
    }

    pub(crate) fn discovery(&self, environment: &str) -> &discovery::Documents {
        self.discovery
            .get_or_init(|| discovery::Documents::build(self, environment))
    }

    pub(crate) fn openapi(&self) -> Bytes {
        self.openapi
            .get_or_init(|| openapi::document(&self.table).into())
            .clone()
    }
}

/// The plugin that provides a service; the server's own and the kernel's do not count.
fn provider<'a>(services: &'a [ContributedService], name: &str) -> Option<&'a str> {
    let other = |service: &&ContributedService| service.plugin != "kernel" && service.plugin != OWN_ID;
    services
        .iter()
        .find(|service| service.name == name && other(service))
        .map(|service| service.plugin.as_str())
}

fn read<G: Gateway, T: DeserializeOwned>(gateway: &G, kind: &str) -> Vec<T> {
    let entries: Vec<Box<serde_json::value::RawValue>> = serde_json::from_slice(gateway.contributions(kind).as_ref())
        .unwrap_or_else(|error| {
            tracing::error!(kind, %error, "what plugins contribute cannot be read");
            Vec::new()
        });
    let entry = |raw: Box<serde_json::value::RawValue>| {
        // One entry that a later kernel spells differently must not cost all others.
        serde_json::from_str(raw.get())
            .inspect_err(|error| tracing::warn!(kind, %error, entry = raw.get(), "a contribution is left out"))
            .ok()
    };
    entries.into_iter().filter_map(entry).collect()
}

/// The latest snapshot, looked at by each request.
pub(crate) struct Snapshots<G: Gateway> {
    latest: ArcSwap<Snapshot<G::Routes>>,
    opened: Mutex<Opened<G::Routes>>,
}

impl<G: Gateway> Snapshots<G> {
    pub(crate) fn new(gateway: &G) -> Self {
        let mut opened = Opened::new();
        let first = Snapshot::take(gateway, &mut opened);
        Self {
            latest: ArcSwap::from_pointee(first),
            opened: Mutex::new(opened),
        }
    }

    /// The snapshot for this request: one atomic load and a comparison, unless something changed.
    pub(crate) fn latest(&self, gateway: &G) -> Arc<Snapshot<G::Routes>> {
        let latest = self.latest.load_full();
        if latest.epoch == gateway.epoch() {
            latest
        } else {
            self.renew(gateway)
        }
    }

    #[cold]
    fn renew(&self, gateway: &G) -> Arc<Snapshot<G::Routes>> {
        let mut opened = self.opened.lock();
        let latest = self.latest.load_full();
        if latest.epoch == gateway.epoch() {
            return latest;
        }
        let renewed = Arc::new(Snapshot::take(gateway, &mut opened));
        self.latest.store(Arc::clone(&renewed));
        renewed
    }
}

impl<G: Gateway> std::fmt::Debug for Snapshots<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshots")
            .field("epoch", &self.latest.load().epoch)
            .finish_non_exhaustive()
    }
}
