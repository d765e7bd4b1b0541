//! The engine behind the kernel: opens the database, loads the apps, registers services, routes and commands, and closes
//! everything when the plugin stops, so that another generation can open the same file.

mod data;
mod host;
mod load;
mod migrate;

use std::sync::Arc;

use objectos_plugin_api::contracts::data::DataServer;
use objectos_plugin_api::contracts::event_store::EventStoreServer;
use objectos_plugin_api::contracts::events::METADATA_CHANGED;
use objectos_plugin_api::contracts::metadata::MetadataServer;
use objectos_plugin_api::{CommandAnswer, Context, Health, Host, NewEvent, Plugin, Registry, Result, Setup, plugin};
use parking_lot::Mutex;
use serde_json::json;
use tokio::task::JoinHandle;

use self::data::DataProvider;
use self::host::{HostClock, HostHooks, HostSignal};
use self::load::Fit;
use crate::access::ServicePermissions;
use crate::app::{Fingerprint, Library};
use crate::config::DataConfig;
use crate::engine::{Engine, EngineParts, EngineSeeds};
use crate::event_store::StoredEvents;
use crate::metadata::MetadataProvider;
use crate::seed::{self, environment_of_mode};
use crate::store::{SqliteOptions, SqliteStore, Store};
use crate::{commands, routes_data, routes_meta, watch};

/// `objectos.data`.
#[derive(Debug)]
pub struct DataPlugin {
    host: Host,
    mode: String,
    library: Arc<Library>,
    engine: Arc<Engine>,
    /// The state of the app folders from before they were read.
    loaded: Fingerprint,
    watcher: Mutex<Option<JoinHandle<()>>>,
    /// Why the apps are not in use although they are in order: the database would have to lose something for them. The
    /// plugin runs all the same, so that the command that decides it can be given.
    blocked: Option<String>,
}

#[plugin]
impl Plugin for DataPlugin {
    const RUNTIME_WORKERS: usize = 1;

    async fn init(setup: Setup) -> Result<Self> {
        let config: DataConfig = if setup.config.is_null() {
            DataConfig::default()
        } else {
            setup.config()?
        };
        config.check()?;
        let folder = setup.data_directory()?;
        let options = SqliteOptions {
            synchronous: config.database.synchronous,
            readers: config.database.readers,
            busy_timeout: std::time::Duration::from_millis(config.database.busy_timeout_ms),
            query_timeout: config.database.query_timeout(),
            ..SqliteOptions::new(config.database.path(&folder)?)
        };
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).await?);
        let built = Self::build(&setup, &config, &store).await;
        if built.is_err() {
            // Nobody else will: what failed in `init` is only dropped.
            store.close().await;
        }
        built
    }

    fn register(self: &Arc<Self>, registry: &mut Registry<Self>) {
        let parts = self.engine.parts();
        let events = StoredEvents::new(Arc::clone(&parts.store), Arc::clone(&parts.clock));
        registry.service(DataServer::new(Arc::new(DataProvider::new(Arc::clone(&self.engine)))));
        registry.service(MetadataServer::new(Arc::new(MetadataProvider::new(Arc::clone(
            self.library.cell(),
        )))));
        registry.service(EventStoreServer::new(Arc::new(events)));
        routes_data::register(registry, &self.engine);
        routes_meta::register(registry, self.library.cell());
        registry.command(commands::CHECK, |_, _, arguments| async move {
            Ok(commands::check(&arguments))
        });
        for name in migrate::COMMANDS {
            registry.command(name, move |plugin: Arc<Self>, _, arguments| async move {
                let answer: CommandAnswer =
                    migrate::run(&plugin.library, plugin.engine.store(), name, &arguments).await;
                Ok(answer)
            });
        }
    }

    async fn start(self: Arc<Self>) -> Result<()> {
        if self.blocked.is_some() {
            return Ok(());
        }
        self.apply_seeds().await?;
        if self.mode == "development" && !self.library.folders().is_empty() {
            let plugin = Arc::clone(&self);
            let watching = watch::run(self.library.folders(), self.loaded, move || {
                let plugin = Arc::clone(&plugin);
                async move { plugin.reload().await }
            });
            *self.watcher.lock() = Some(tokio::spawn(watching));
        }
        Ok(())
    }

    async fn stop(self: Arc<Self>) -> Result<()> {
        let watcher = self.watcher.lock().take();
        if let Some(watcher) = watcher {
            watcher.abort();
            // An error is what an aborted task answers.
            drop(watcher.await);
        }
        self.engine.store().close().await;
        Ok(())
    }

    async fn health(self: Arc<Self>) -> Health {
        let status = self.engine.store().status();
        if !status.open {
            return Health::unhealthy("the database is closed");
        }
        if let Some(reason) = &self.blocked {
            return Health::unhealthy(reason.clone());
        }
        match self.engine.store().reader().await {
            Ok(_) => Health::healthy(),
            Err(error) => Health::unhealthy(error.to_string()),
        }
    }
}

impl DataPlugin {
    async fn build(setup: &Setup, config: &DataConfig, store: &Arc<dyn Store>) -> Result<Self> {
        let host = setup.host.clone();
        let library = Arc::new(Library::new(setup.settings.apps.clone()));
        let loaded = Fingerprint::of(&library.folders());
        let change = load::read(&library)?;
        let blocked = match load::fit_database(&change.catalogue, store).await? {
            Fit::Fits => {
                library.accept(&change);
                None
            }
            Fit::Blocked(reason) => {
                tracing::error!("{reason}");
                Some(reason)
            }
        };
        let engine = Arc::new(Engine::new(EngineParts {
            store: Arc::clone(store),
            catalogue: Arc::clone(library.cell()),
            hooks: Arc::new(HostHooks::new(&host)?),
            permissions: Arc::new(ServicePermissions::new(&host)?),
            signal: Arc::new(HostSignal(host.clone())),
            clock: Arc::new(HostClock(host.clone())),
            limits: config.limits.clone(),
        }));
        Ok(Self {
            host,
            mode: setup.settings.mode.clone(),
            library,
            engine,
            loaded,
            watcher: Mutex::new(None),
            blocked,
        })
    }

    /// Puts in the seeds that are new or changed. Records that are refused are told of; they keep nothing from starting.
    async fn apply_seeds(&self) -> Result<()> {
        let catalogue = self.library.catalogue();
        let sink = EngineSeeds::new(Arc::clone(&self.engine));
        let report = seed::apply(&catalogue, environment_of_mode(&self.mode), &sink).await?;
        for problem in &report.problems {
            tracing::warn!("{problem}");
        }
        if report.created + report.updated > 0 {
            tracing::info!(
                created = report.created,
                updated = report.updated,
                "seed records put in"
            );
        }
        Ok(())
    }

    /// Reads the apps again after a change of their files. What is wrong is told, and what was in use stays.
    async fn reload(&self) {
        let change = match load::read(&self.library) {
            Ok(change) if change.is_empty() => return,
            Ok(change) => change,
            Err(error) => {
                tracing::error!("the changed app is not taken: {error}");
                return;
            }
        };
        match load::fit_database(&change.catalogue, self.engine.store()).await {
            Ok(Fit::Fits) => {}
            Ok(Fit::Blocked(reason)) => {
                tracing::error!("the changed app is not taken: {reason}");
                return;
            }
            Err(error) => {
                tracing::error!("the changed app is not taken: {error}");
                return;
            }
        }
        self.library.accept(&change);
        tracing::info!(
            added = change.added.len(),
            changed = change.changed.len(),
            removed = change.removed.len(),
            "apps read again"
        );
        let payload = json!({ "kinds": change.kinds(), "version": change.catalogue.version() }).to_string();
        let event = NewEvent::new(METADATA_CHANGED, payload.as_bytes());
        if let Err(error) = self.host.publish(&Context::background(), &event) {
            tracing::warn!(error = %error, "nobody could be told of the changed metadata");
        }
        if let Err(error) = self.apply_seeds().await {
            tracing::error!(error = %error, "the changed seeds could not be put in");
        }
    }
}
