//! The engine behind the kernel: opens the database, loads the apps, registers services, routes and commands, and closes
//! everything when the plugin stops, so that another generation can open the same file.

mod data;
mod encrypt;
mod host;
mod load;
mod migrate;
mod open;
mod owners;
mod publishers;

use std::sync::Arc;
use std::time::Duration;

use objectos_plugin_api::contracts::data::DataServer;
use objectos_plugin_api::contracts::event_archive::{EventArchiveServer, FILE_ARCHIVE};
use objectos_plugin_api::contracts::event_store::EventStoreServer;
use objectos_plugin_api::contracts::events::METADATA_CHANGED;
use objectos_plugin_api::contracts::metadata::MetadataServer;
use objectos_plugin_api::contracts::named::Named;
use objectos_plugin_api::{
    CommandAnswer, Context, Event, Health, Host, NewEvent, Plugin, Registry, Result, Setup, plugin,
};
use parking_lot::Mutex;
use serde_json::json;
use tokio::task::JoinHandle;

use self::data::DataProvider;
use self::host::{HostClock, HostElsewhere, HostFiles, HostHooks, HostMetadataSignal, HostOutside, HostSignal};
use self::load::Fit;
use crate::access::ServicePermissions;
use crate::app::{Fingerprint, Library};
use crate::attachments::{self, FILES_CHANGED, FilesChanged};
use crate::config::DataConfig;
use crate::engine::ports::Files;
use crate::engine::{Engine, EngineParts, EngineSeeds};
use crate::event_archive::FileArchive;
use crate::event_store::StoredEvents;
use crate::import_jobs::ImportJobs;
use crate::metadata::MetadataProvider;
use crate::outbox::SOURCE;
use crate::runtime::RuntimeMetadata;
use crate::seed::{self, environment_of_mode};
use crate::store::{Datasources, Statement, Store};
use crate::vault::{Vault, keys};
use crate::{commands, introspect, routes_data, routes_meta, routes_recent, routes_search, watch};

/// How long the end waits for a database to take which records people used last.
const USED_LIMIT: Duration = Duration::from_secs(5);

/// `objectos.data`.
#[derive(Debug)]
pub struct DataPlugin {
    host: Host,
    mode: String,
    library: Arc<Library>,
    engine: Arc<Engine>,
    files: Arc<dyn Files>,
    runtime: Arc<RuntimeMetadata>,
    jobs: Arc<ImportJobs>,
    events: Arc<StoredEvents>,
    archive: Arc<FileArchive>,
    /// The state of the app folders from before they were read.
    loaded: Fingerprint,
    /// The state of the plugins' contributions from before their objects were read.
    epoch: u64,
    watchers: Mutex<Vec<JoinHandle<()>>>,
    /// Why the apps are not in use although they are in order: the database would have to lose something for them, or has values
    /// that they do not allow. The plugin runs all the same, so that the command that tells or decides it can be given.
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
        let vault = Arc::new(keys::of_config(&config, &folder)?);
        let (store, datasources) = open::open_all(&config, &folder).await?;
        let built = Self::build(&setup, &config, (&store, &datasources), vault).await;
        if built.is_err() {
            // Nobody else will: what failed in `init` is only dropped.
            datasources.close().await;
            store.close().await;
        }
        built
    }

    fn register(self: &Arc<Self>, registry: &mut Registry<Self>) {
        registry.service(DataServer::new(Arc::new(DataProvider::new(Arc::clone(&self.engine)))));
        registry.service(MetadataServer::new(Arc::new(MetadataProvider::new(Arc::clone(
            self.library.cell(),
        )))));
        registry.service(EventStoreServer::new(Arc::clone(&self.events)));
        let archive = EventArchiveServer::new(Arc::clone(&self.archive));
        registry.service(Named::new(FILE_ARCHIVE, archive));
        routes_data::register(registry, &self.engine);
        routes_data::register_jobs(registry, &self.jobs);
        routes_meta::register(registry, self.library.cell());
        routes_meta::register_writes(registry, &self.runtime);
        routes_meta::register_views(registry, self.library.cell(), &self.runtime);
        routes_search::register(registry, &self.engine);
        routes_recent::register(registry, &self.engine);
        registry.durable_event("files", FILES_CHANGED, |plugin, _, event: Event| async move {
            // Whatever another plugin publishes under this name is nothing that a record has.
            if event.metadata.source != SOURCE {
                return Ok(());
            }
            let changed: FilesChanged = serde_json::from_value(event.payload)?;
            Ok(attachments::settle(&*plugin.files, &changed).await?)
        });
        registry.command(commands::CHECK, |_, _, arguments| async move {
            Ok(commands::check(&arguments))
        });
        registry.command(introspect::INTROSPECT, |_, _, arguments| async move {
            Ok(introspect::introspect(&arguments).await)
        });
        for name in migrate::COMMANDS {
            registry.command(name, move |plugin: Arc<Self>, _, arguments| async move {
                let answer: CommandAnswer =
                    migrate::run(&plugin.library, plugin.engine.parts(), name, &arguments).await;
                Ok(answer)
            });
        }
        for name in encrypt::COMMANDS {
            registry.command(name, move |plugin: Arc<Self>, _, arguments| async move {
                Ok(match &plugin.blocked {
                    None => encrypt::run(&plugin.engine, name, &arguments).await,
                    Some(reason) => CommandAnswer {
                        error: format!("{reason}\n"),
                        exit_code: 1,
                        ..CommandAnswer::default()
                    },
                })
            });
        }
    }

    async fn start(self: Arc<Self>) -> Result<()> {
        if self.blocked.is_some() {
            return Ok(());
        }
        self.runtime.load().await?;
        self.apply_seeds().await?;
        if self.mode == "development" && !self.library.folders().is_empty() {
            let plugin = Arc::clone(&self);
            let watching = watch::run(self.library.folders(), self.loaded, move || {
                let plugin = Arc::clone(&plugin);
                async move { plugin.reload().await }
            });
            self.watchers.lock().push(tokio::spawn(watching));
        }
        let (store, told) = (Arc::clone(&self.engine.parts().store), HostElsewhere(self.host.clone()));
        self.watchers.lock().push(tokio::spawn(async move {
            store.listen(&move |changed| told.tell(&changed)).await;
        }));
        let (plugin, host) = (Arc::clone(&self), self.host.clone());
        let watching = watch::epochs(
            move || host.contributions_epoch(),
            self.epoch,
            move || {
                let plugin = Arc::clone(&plugin);
                async move { plugin.reload_documents().await }
            },
        );
        self.watchers.lock().push(tokio::spawn(watching));
        let runtime = Arc::clone(&self.runtime);
        let following = watch::saved(move || {
            let runtime = Arc::clone(&runtime);
            async move { runtime.follow().await }
        });
        self.watchers.lock().push(tokio::spawn(following));
        let engine = Arc::clone(&self.engine);
        let keeping = watch::used(move || {
            let engine = Arc::clone(&engine);
            async move { engine.keep_used(false).await }
        });
        self.watchers.lock().push(tokio::spawn(keeping));
        Ok(())
    }

    async fn stop(self: Arc<Self>) -> Result<()> {
        let watchers = std::mem::take(&mut *self.watchers.lock());
        for watcher in watchers {
            watcher.abort();
            // An error is what an aborted task answers.
            drop(watcher.await);
        }
        self.jobs.stop().await;
        self.events.stop().await;
        self.keep_used().await;
        self.engine.parts().datasources.close().await;
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
        let asked = async {
            let statement = Statement::new("SELECT 1", Vec::new()).single();
            let others = self.engine.parts().datasources.iter().map(|(_, store)| store);
            for store in std::iter::once(self.engine.store()).chain(others) {
                let mut reader = store.reader().await?;
                reader.read(&statement, &mut |_| {}).await?;
            }
            Ok::<(), crate::error::DataError>(())
        };
        match asked.await {
            Ok(()) => Health::healthy(),
            Err(error) => Health::unhealthy(error.to_string()),
        }
    }
}

impl DataPlugin {
    async fn build(
        setup: &Setup,
        config: &DataConfig,
        (store, datasources): (&Arc<dyn Store>, &Datasources),
        vault: Arc<Vault>,
    ) -> Result<Self> {
        let host = setup.host.clone();
        let archive = FileArchive::new(
            setup.data_directory()?.join("events"),
            store.shared(),
            Arc::new(HostClock(host.clone())),
        );
        let library = Arc::new(Library::new(setup.settings.apps.clone()));
        let epoch = host.contributions_epoch();
        load::take_documents(&library, &host)?;
        let loaded = Fingerprint::of(&library.folders());
        let change = load::read(&library)?;
        let blocked = match load::fit_databases(&change.catalogue, store, datasources).await? {
            Fit::Fits => {
                library.accept(&change);
                None
            }
            Fit::Blocked(reason) => {
                tracing::error!("{reason}");
                Some(reason)
            }
        };
        let parts = EngineParts {
            store: Arc::clone(store),
            datasources: datasources.clone(),
            catalogue: Arc::clone(library.cell()),
            hooks: Arc::new(HostHooks::new(&host)?),
            permissions: Arc::new(ServicePermissions::new(&host, library.cell())?),
            signal: Arc::new(HostSignal(host.clone())),
            outside: Arc::new(HostOutside(host.clone())),
            clock: Arc::new(HostClock(host.clone())),
            limits: config.limits.clone(),
        };
        let events =
            StoredEvents::with_datasources(Arc::clone(store), datasources, Arc::clone(&parts.clock), &parts.signal);
        let files: Arc<dyn Files> = Arc::new(HostFiles::new(&host));
        if blocked.is_none() && !files.kept() {
            load::tell_unkept_files(&library.catalogue());
        }
        if !vault.can_seal() {
            load::tell_unkeyed_secrets(&library.catalogue());
        }
        let engine = Engine::new(parts)
            .with_zone(config.zone()?)
            .with_vault(vault)
            .with_files(Arc::clone(&files));
        let engine = Arc::new(engine);
        let signal = Arc::new(HostMetadataSignal(host.clone()));
        let runtime = Arc::new(RuntimeMetadata::new(Arc::clone(&library), Arc::clone(&engine), signal));
        Ok(Self {
            host,
            mode: setup.settings.mode.clone(),
            library,
            jobs: Arc::new(ImportJobs::new(Arc::clone(&engine))),
            events: Arc::new(events),
            archive: Arc::new(archive),
            engine,
            files,
            runtime,
            loaded,
            epoch,
            watchers: Mutex::default(),
            blocked,
        })
    }

    /// Has it written down which records people used last. That it cannot be keeps nothing from ending.
    async fn keep_used(&self) {
        let kept = tokio::time::timeout(USED_LIMIT, self.engine.keep_used(true)).await;
        let trouble = match kept {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the database does not answer".to_owned(),
        };
        tracing::warn!("which records people used lately could not be written down: {trouble}");
    }

    /// Puts in the seeds that are new or changed. Records that are refused are told of; they keep nothing from starting.
    async fn apply_seeds(&self) -> Result<()> {
        let catalogue = self.library.catalogue();
        let sink = EngineSeeds::new(Arc::clone(&self.engine));
        // Of several hosts one puts them in, the others find that they are there.
        let lock = self.engine.store().lock("seeds").await?;
        let applied = seed::apply(&catalogue, environment_of_mode(&self.mode), &sink).await;
        lock.release().await;
        let report = applied?;
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

    /// Reads what plugins declare again, and then everything.
    async fn reload_documents(&self) {
        match load::take_documents(&self.library, &self.host) {
            Ok(()) => self.reload().await,
            Err(error) => tracing::error!("the changed objects of plugins are not taken: {error}"),
        }
    }

    /// Reads the apps again after a change of their files. What is wrong is told, and what was in use stays.
    async fn reload(&self) {
        let _alone = self.runtime.alone().await;
        let change = match load::read(&self.library) {
            Ok(change) if change.is_empty() => return,
            Ok(change) => change,
            Err(error) => {
                tracing::error!("the changed app is not taken: {error}");
                return;
            }
        };
        match load::fit_databases(&change.catalogue, self.engine.store(), &self.engine.parts().datasources).await {
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
        if !self.files.kept() {
            load::tell_unkept_files(&change.catalogue);
        }
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
