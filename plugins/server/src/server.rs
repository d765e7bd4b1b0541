//! What all connections share: the gateway, the configuration made ready, the latest snapshot of routes, and the counts of
//! what is going on. Lives as long as the plugin.

use objectos_plugin_api::protocol::kernel::plugin_document::RouteAccess;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use crate::{
    ServerError,
    access::local_principal,
    config::{AddressRange, ServerConfig},
    cors::Cors,
    gateway::Gateway,
    rate::RateLimiter,
    router::{OWN_ID, Route},
    snapshot::Snapshots,
    socket::Sockets,
};

/// The shared part of the server.
pub struct Server<G: Gateway> {
    pub(crate) gateway: G,
    pub(crate) config: ServerConfig,
    pub(crate) environment: String,
    pub(crate) cors: Cors,
    pub(crate) proxies: Vec<AddressRange>,
    pub(crate) hosts: Vec<String>,
    pub(crate) rate: Option<RateLimiter>,
    /// For guests, beside the other.
    pub(crate) guest_rate: Option<RateLimiter>,
    pub(crate) sockets: Arc<Sockets>,
    pub(crate) snapshots: Snapshots<G>,
    pub(crate) local_principal: Vec<u8>,
    /// Browsers are told to come back by HTTPS only.
    pub(crate) strict_transport: bool,
    running: AtomicU32,
    draining: AtomicBool,
    exposed: AtomicBool,
}

impl<G: Gateway> Server<G> {
    /// Checks the configuration and takes the first snapshot. `environment` is `development` or `production`.
    ///
    /// # Errors
    /// `Setting` for a value that cannot be meant.
    pub fn new(gateway: G, config: ServerConfig, environment: &str) -> Result<Self, ServerError> {
        config.check()?;
        Ok(Self {
            snapshots: Snapshots::new(&gateway),
            gateway,
            environment: environment.to_owned(),
            cors: Cors::new(&config)?,
            proxies: config.proxies()?,
            hosts: config.hosts.clone(),
            rate: RateLimiter::new(config.rate_limit),
            guest_rate: RateLimiter::new(config.guest_rate_limit.0),
            sockets: Sockets::new(config.sockets),
            local_principal: local_principal(),
            strict_transport: config.tls.is_some() && environment == "production",
            running: AtomicU32::new(0),
            draining: AtomicBool::new(false),
            exposed: AtomicBool::new(false),
            config,
        })
    }

    /// True when a plugin declares the service, up or down.
    #[must_use]
    pub fn provides(&self, service: &str) -> bool {
        self.snapshots.latest(&self.gateway).provides(service)
    }

    /// True when an own route, by its key, is for administrators; a route that is not declared is.
    pub(crate) fn is_system(&self, key: &str) -> bool {
        let snapshot = self.snapshots.latest(&self.gateway);
        let own = |route: &&Arc<Route<G::Routes>>| route.plugin == OWN_ID && route.key == key;
        let access = snapshot.table.routes.iter().find(own).map(|route| route.access);
        access.is_none_or(|access| access == RouteAccess::System)
    }

    /// Begins to work on a request; `None` when as many as may be are being worked on.
    pub(crate) fn begin(&self) -> Option<Running<'_>> {
        let before = self.running.fetch_add(1, Ordering::Relaxed);
        let running = Running(&self.running);
        (before < self.config.limits.concurrent_requests_max).then_some(running)
    }

    /// The body of an answer is still to be made when its request has ended: it counts as one that is worked on.
    pub(crate) fn hold(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    /// The body is over.
    pub(crate) fn release(&self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
    }

    /// Answers announce the end of their connection.
    pub(crate) fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Other machines can reach the server, so that nobody is `local`.
    pub(crate) fn exposed(&self) -> bool {
        self.exposed.load(Ordering::Relaxed)
    }

    pub(crate) fn expose(&self) {
        self.exposed.store(true, Ordering::Relaxed);
    }
}

impl<G: Gateway> fmt::Debug for Server<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("running", &self.running)
            .field("draining", &self.draining)
            .field("sockets", &self.sockets.count())
            .field("snapshots", &self.snapshots)
            .finish_non_exhaustive()
    }
}

/// One request being worked on.
#[derive(Debug)]
pub(crate) struct Running<'a>(&'a AtomicU32);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
