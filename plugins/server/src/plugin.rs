//! The plugin around the server: reads the configuration, binds on start, stops in stages, and offers `http-client`. The
//! server's own routes are registered like everybody's, and answered without a call when they come in by HTTP.

use objectos_plugin_api::{
    Context, Health, Host, HttpRequest, HttpResponse, Plugin, PrincipalKind, Registry, Result, Setup,
    contracts::http_client::HttpClientServer, plugin,
};
use parking_lot::Mutex;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio_rustls::TlsAcceptor;

use crate::{
    HostGateway, HostGrants, Listening, Outgoing, Server, ServerConfig, acceptor,
    access::{PERMISSIONS, may_administer},
    config::{host_of, is_loopback_host},
    refuse_exposure,
    system::{self, OwnCall, OwnRoute},
};

const ADDRESS: &str = "127.0.0.1:3000";

/// The plugin `objectos.server`.
pub struct ServerPlugin {
    host: Host,
    address: String,
    server: Arc<Server<HostGateway>>,
    outgoing: Arc<Outgoing<HostGrants>>,
    tls: Option<TlsAcceptor>,
    listening: Mutex<Option<Arc<Listening<HostGateway>>>>,
    /// Another version is about to take over.
    succeeded: AtomicBool,
}

impl fmt::Debug for ServerPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerPlugin")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

#[plugin]
impl Plugin for ServerPlugin {
    const RUNTIME_WORKERS: usize = 2;

    async fn init(setup: Setup) -> Result<Self> {
        let config: ServerConfig = setup.config()?;
        let development = setup.settings.mode != "production";
        let environment = if development { "development" } else { "production" };
        let tls = config.tls.as_ref().map(acceptor).transpose()?;
        let outgoing = Outgoing::new(&config.outgoing, development, HostGrants::open(&setup.host)?)?;
        let settings = Some(setup.settings.listen.clone()).filter(|address| !address.is_empty());
        let address = config.listen.clone().or(settings).unwrap_or_else(|| ADDRESS.to_owned());
        let gateway = HostGateway::new(setup.host.clone());
        Ok(Self {
            server: Arc::new(Server::new(gateway, config, environment)?),
            host: setup.host,
            address,
            outgoing: Arc::new(outgoing),
            tls,
            listening: Mutex::new(None),
            succeeded: AtomicBool::new(false),
        })
    }

    fn register(self: &Arc<Self>, registry: &mut Registry<Self>) {
        registry.service(HttpClientServer::new(Arc::clone(&self.outgoing)));
        for &(key, route) in OwnRoute::ALL {
            registry.route(key, move |plugin, context, request| async move {
                plugin.own(route, key, &context, &request).await
            });
        }
    }

    async fn start(self: Arc<Self>) -> Result<()> {
        let listening = self.listen()?;
        let url = format!("{}://{}", self.scheme(), listening.address());
        tracing::info!(url, "listening");
        if !self.server.provides("auth") {
            tracing::info!(
                "no plugin provides auth: only this machine is served, and everybody on it may do everything"
            );
        }
        *self.listening.lock() = Some(Arc::new(listening));
        Ok(())
    }

    async fn suspend(self: Arc<Self>) -> Result<Vec<u8>> {
        self.succeeded.store(true, Ordering::Relaxed);
        Ok(Vec::new())
    }

    async fn stop(self: Arc<Self>) -> Result<()> {
        let listening = self.listening.lock().take();
        if let Some(listening) = listening {
            listening.stop(self.succeeded.load(Ordering::Relaxed)).await;
        }
        Ok(())
    }

    async fn health(self: Arc<Self>) -> Health {
        match &*self.listening.lock() {
            Some(listening) if listening.tasks() > 0 => Health::healthy(),
            _ => Health::unhealthy(format!("nothing accepts connections on {}", self.address)),
        }
    }
}

impl ServerPlugin {
    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    fn listen(&self) -> Result<Listening<HostGateway>> {
        let host = host_of(&self.address);
        // Before the socket is there, so that it is never open, not even for a moment. A name that is not plainly this
        // machine's counts as open; the kernel resolves it, and the address it came to is looked at once more.
        if !is_loopback_host(host) {
            refuse_exposure(&self.server, &self.address)?;
        }
        let socket = self.host.listen(&format!("{}://{}", self.scheme(), self.address))?;
        Ok(Listening::start(Arc::clone(&self.server), socket, self.tls.clone())?)
    }

    /// An own route that another plugin calls, and not HTTP; the caller's principal has to do.
    async fn own(&self, route: OwnRoute, key: &str, context: &Context, request: &HttpRequest) -> Result<HttpResponse> {
        if self.server.is_system(key) {
            let kind = context
                .principal()?
                .map_or(PrincipalKind::Anonymous, |principal| principal.kind);
            let permissions = self.server.provides(PERMISSIONS);
            may_administer(&self.server.gateway, permissions, kind, context, key).await?;
        }
        let parameter = request.parameter("id");
        let call = OwnCall {
            context,
            parameter,
            query: request.query(),
            body: request.body(),
        };
        let draft = system::answer(&self.server, route, call).await?;
        Ok(HttpResponse::json_bytes(draft.status.as_u16(), draft.body.to_vec()))
    }
}
