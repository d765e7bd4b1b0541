//! The plugin around the hub: reads the configuration, listens to the bus, answers routes, offers `realtime`, and looks after
//! connections that nobody uses.

use objectos_plugin_api::{Health, Plugin, Registry, Result, Setup, contracts::realtime::RealtimeServer, plugin};
use parking_lot::Mutex;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;

use crate::{config::RealtimeSettings, hub::Hub, outbox::Ending, routes, socket};

/// Families of events that are listened to, each with a handler of its own, so that one does not hold up another.
const FAMILIES: [(&str, &str); 15] = [
    ("data", "data.*"),
    ("auth", "auth.*"),
    ("authz", "authz.*"),
    ("security", "security.*"),
    ("system", "system.*"),
    ("job", "job.*"),
    ("workflow", "workflow.*"),
    ("automation", "automation.*"),
    ("approval", "approval.*"),
    ("storage", "storage.*"),
    ("plugin", "plugin.*"),
    ("audit", "audit.*"),
    ("metadata", "metadata.*"),
    ("kernel", "kernel:*"),
    ("lifecycle", "plugin:*"),
];

/// How often unused connections are looked for, at most.
const SWEEP_MAX: Duration = Duration::from_secs(15);

/// `objectos.realtime`.
#[derive(Debug)]
pub struct RealtimePlugin {
    hub: Arc<Hub>,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl RealtimePlugin {
    pub(crate) fn hub(&self) -> &Hub {
        &self.hub
    }

    fn routes(registry: &mut Registry<Self>) {
        for route in ["GET /ws", "GET /api/v1/realtime/ws"] {
            registry.streaming_route(route, |plugin, context, request| async move {
                socket::open(Arc::clone(&plugin.hub), context, request).await
            });
        }
        registry.route("POST /api/v1/realtime/connect", |plugin, context, request| async move {
            routes::connect(&plugin.hub, &context, &request).await
        });
        registry.route(
            "POST /api/v1/realtime/disconnect",
            |plugin, context, request| async move { routes::disconnect(&plugin.hub, &context, &request).await },
        );
        registry.route(
            "POST /api/v1/realtime/subscribe",
            |plugin, context, request| async move { routes::subscribe(&plugin.hub, &context, &request).await },
        );
        registry.route(
            "POST /api/v1/realtime/unsubscribe",
            |plugin, context, request| async move { routes::unsubscribe(&plugin.hub, &context, &request).await },
        );
        for route in [
            "PUT /api/v1/realtime/presence",
            "PUT /api/v1/realtime/presence/{channel}",
        ] {
            registry.route(route, |plugin, context, request| async move {
                routes::set_presence(&plugin.hub, &context, &request).await
            });
        }
        registry.route(
            "GET /api/v1/realtime/presence/{channel}",
            |plugin, context, request| async move { routes::presence(&plugin.hub, &context, &request).await },
        );
        registry.streaming_route("GET /api/v1/realtime/events", |plugin, context, request| async move {
            routes::events(Arc::clone(&plugin.hub), context, request).await
        });
        registry.route("GET /api/v1/realtime/poll", |plugin, context, request| async move {
            routes::poll(&plugin.hub, &context, &request).await
        });
    }
}

#[plugin]
impl Plugin for RealtimePlugin {
    const RUNTIME_WORKERS: usize = 1;

    async fn init(setup: Setup) -> Result<Self> {
        let settings: RealtimeSettings = if setup.config.is_null() {
            RealtimeSettings::default()
        } else {
            setup.config()?
        };
        Ok(Self {
            hub: Arc::new(Hub::new(&setup.host, settings)?),
            running: Mutex::default(),
        })
    }

    fn register(self: &Arc<Self>, registry: &mut Registry<Self>) {
        registry.service(RealtimeServer::new(Arc::clone(self)));
        for (name, pattern) in FAMILIES {
            registry.event(name, pattern, |plugin, _, event| async move {
                plugin.hub.hear(&event);
                Ok(())
            });
        }
        Self::routes(registry);
    }

    async fn start(self: Arc<Self>) -> Result<()> {
        let hub = Arc::clone(&self.hub);
        let pause = Duration::from_millis(hub.settings.idle_ms / 2).min(SWEEP_MAX);
        let sweep = async move {
            loop {
                tokio::time::sleep(pause).await;
                hub.sweep();
            }
        };
        *self.running.lock() = Some(tokio::spawn(sweep));
        Ok(())
    }

    async fn stop(self: Arc<Self>) -> Result<()> {
        self.hub.end_all(Ending::RESTART);
        let running = self.running.lock().take();
        if let Some(running) = running {
            running.abort();
            // An error is what an aborted task answers.
            drop(running.await);
        }
        Ok(())
    }

    /// Connections are not handed over: their clients are told to come anew, and find the next version.
    async fn suspend(self: Arc<Self>) -> Result<Vec<u8>> {
        self.hub.end_all(Ending::RESTART);
        Ok(Vec::new())
    }

    async fn health(self: Arc<Self>) -> Health {
        let (count, most) = (self.hub.count(), self.hub.settings.connections_max);
        if count >= most {
            return Health::degraded(format!(
                "there are {count} connections, as many as connectionsMax allows; others are refused"
            ));
        }
        Health::healthy()
    }
}
