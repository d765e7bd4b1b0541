//! The audit behind the kernel: reads the configuration, listens, writes, answers, and keeps everybody from changing rows.

use objectos_plugin_api::{
    CommandAnswer, Error, Event, Health, Host, HttpRequest, Plugin, Refusals, Registry, Result, Setup,
    contracts::hooks::{AFTER_FIND, BEFORE_DELETE, BEFORE_UPDATE, QueryHook},
    plugin,
};
use parking_lot::Mutex;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    access::Access,
    checkpoint::{Key, Keys},
    config::AuditSettings,
    entry::Entries,
    error::AuditError,
    fields::Fields,
    guard::{self, Pass},
    history::History,
    reads::{self, Sampling},
    removal::Rules,
    retention::Keeper,
    routes::Reader,
    store::Records,
    suspicious::Alarms,
    verify::{self, Places, Signing},
    writer::{self, JobReceiver, Writer, WriterTask},
};

/// Families of events that are listened to, each with a handler of its own, so that one does not hold up another.
const FAMILIES: [(&str, &str); 11] = [
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
];

/// Events of one record or person that are written down together: what somebody does a hundred times a second costs no hundred
/// transactions.
const EVENTS_TOGETHER_MAX: u32 = 64;

/// `objectos.audit`.
#[derive(Debug)]
pub struct AuditPlugin {
    host: Host,
    settings: AuditSettings,
    key: Option<Arc<Key>>,
    keys: Keys,
    folder: PathBuf,
    records: Records,
    pass: Pass,
    entries: Entries,
    reader: Reader,
    writer: Writer,
    sampling: Sampling,
    /// Wait for the start.
    waiting: Mutex<Option<(WriterTask, JobReceiver)>>,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    writer: JoinHandle<()>,
    end: oneshot::Sender<()>,
    keeper: Option<JoinHandle<()>>,
}

#[plugin]
impl Plugin for AuditPlugin {
    const RUNTIME_WORKERS: usize = 1;

    async fn init(setup: Setup) -> Result<Self> {
        let settings = AuditSettings::read(&setup.config)?;
        let key = Key::read(&settings)?.map(Arc::new);
        let keys = Keys::read(&settings)?;
        for sentence in settings.untold() {
            tracing::warn!("{sentence}");
        }
        let host = setup.host.clone();
        let folder = setup.data_directory()?;
        let pass = Pass::new();
        let records = Records::new(&host, pass.clone())?;
        let (writer, jobs) = writer::channel();
        let task = WriterTask {
            host: host.clone(),
            records: records.clone(),
            key: key.clone(),
            folder: folder.clone(),
            checkpoint_rows: settings.own.checkpoint_rows,
            batch_max: settings.batch_max(),
            alarms: Arc::new(Alarms::new(&host, records.clone(), &settings)?),
        };
        let fields = Arc::new(Fields::new(&host)?);
        let reader = Reader {
            host: host.clone(),
            access: Access::new(&host, Arc::clone(&fields))?,
            records: records.clone(),
            writer: writer.clone(),
            export_max: settings.own.export_max,
            refusals: Refusals::default(),
        };
        Ok(Self {
            entries: Entries::new(&settings, fields)?,
            sampling: Sampling::new(&settings),
            host,
            settings,
            key,
            keys,
            folder,
            records,
            pass,
            reader,
            writer,
            waiting: Mutex::new(Some((task, jobs))),
            running: Mutex::new(None),
        })
    }

    fn register(self: &Arc<Self>, registry: &mut Registry<Self>) {
        if self.settings.audit.enabled {
            for (name, pattern) in FAMILIES {
                registry.durable_events(name, pattern, EVENTS_TOGETHER_MAX, |plugin, _, events| async move {
                    plugin.take(events).await
                });
            }
        }
        if self.settings.immutable() {
            registry.hook(BEFORE_UPDATE, &guard::OBJECTS, |_, _, _| async move {
                guard::before_update()
            });
            registry.hook(BEFORE_DELETE, &guard::OBJECTS, |plugin, context, _| async move {
                plugin.pass.before_delete(&context)
            });
        }
        if self.sampling.on {
            registry.hook(AFTER_FIND, &[], |plugin, context, call| async move {
                let hook: QueryHook = call.json()?;
                let now_ms = plugin.host.now_ms();
                reads::note(
                    plugin.sampling,
                    &plugin.entries,
                    &plugin.writer,
                    &context,
                    now_ms,
                    &hook,
                );
                Ok(objectos_plugin_api::HookAnswer::Unchanged)
            });
        }
        self.routes(registry);
        registry.command("audit verify", |plugin, _, arguments| async move {
            plugin.verify(&arguments).await
        });
    }

    async fn start(self: Arc<Self>) -> Result<()> {
        let Some((task, jobs)) = self.waiting.lock().take() else {
            return Ok(());
        };
        let (end, ended) = oneshot::channel();
        let keeper = self.settings.audit.retention_policy.clone().map(|policy| {
            let keeper = Keeper {
                host: self.host.clone(),
                records: self.records.clone(),
                writer: self.writer.clone(),
                key: self.key.clone(),
                folder: Keeper::archive_folder(&policy, &self.folder),
                compression: self.settings.audit.storage.compression,
                policy,
            };
            tokio::spawn(keep(
                keeper,
                Duration::from_millis(self.settings.own.retention_interval_ms),
            ))
        });
        *self.running.lock() = Some(Running {
            writer: tokio::spawn(task.run(jobs, ended)),
            end,
            keeper,
        });
        Ok(())
    }

    async fn stop(self: Arc<Self>) -> Result<()> {
        let running = self.running.lock().take();
        if let Some(running) = running {
            if let Some(keeper) = running.keeper {
                keeper.abort();
                // An error is what an aborted task answers.
                drop(keeper.await);
            }
            // The writer ends what it began and signs it.
            let _ = running.end.send(());
            running.writer.await.map_err(Error::internal)?;
        }
        Ok(())
    }

    async fn health(self: Arc<Self>) -> Health {
        if !self.settings.audit.enabled {
            return Health::degraded("the audit is switched off: nothing is written down");
        }
        match self.records.head().await {
            Ok(_) => Health::healthy(),
            Err(error) => Health::unhealthy(format!("the audit trail cannot be read: {error}")),
        }
    }
}

/// Retention, again and again. The first time one interval after the start, when the rest is up.
async fn keep(keeper: Keeper, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        match keeper.run().await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "audit events whose time is over taken out"),
            Err(error) => {
                tracing::warn!(error = %error, "audit events whose time is over could not be taken out; tried again")
            }
        }
    }
}

impl AuditPlugin {
    fn routes(self: &Arc<Self>, registry: &mut Registry<Self>) {
        registry.route("GET /api/v1/audit/events", |plugin, context, request| async move {
            Ok(plugin.reader.events(&context, &request).await?)
        });
        registry.route("GET /api/v1/audit/events/{id}", |plugin, context, request| async move {
            Ok(plugin.reader.event(&context, &request).await?)
        });
        registry.route("GET /api/v1/audit/export", |plugin, context, request| async move {
            Ok(plugin.reader.export(&context, &request, &plugin.entries).await?)
        });
        registry.route(
            "GET /api/v1/audit/trail/{object}/{id}",
            |plugin, context, request| async move { Ok(plugin.history().trail(&context, &request).await?) },
        );
        registry.route(
            "GET /api/v1/audit/field-history/{object}/{id}/{field}",
            |plugin, context, request: HttpRequest| async move { Ok(plugin.history().field(&context, &request).await?) },
        );
        registry.route(
            "GET /api/v1/data/{object}/{id}/changelog",
            |plugin, context, request| async move { Ok(plugin.history().changelog(&context, &request).await?) },
        );
    }

    fn history(&self) -> History<'_> {
        History {
            access: &self.reader.access,
            records: &self.records,
        }
    }

    /// An event from the bus. Whatever keeps the row from being stored now is said to be an absence: the event waits and
    /// comes again, as often as it takes. Only a row that can never be stored counts as a failure.
    async fn take(&self, events: Vec<Event>) -> Result<()> {
        let away = |error: AuditError| {
            if error.is_final() {
                let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
                let names = names.join(", ");
                tracing::error!(events = names, error = %error, "what happened cannot be written down");
                return Error::from(error);
            }
            Error::unavailable(format!("the audit trail cannot be written: {error}"))
        };
        let mut rows = Vec::with_capacity(events.len());
        for event in &events {
            rows.extend(self.entries.row(event).await.map_err(away)?);
        }
        if rows.is_empty() {
            return Ok(());
        }
        self.writer.store(rows).await.map_err(away)
    }

    /// `audit verify [--archives DIR]`
    async fn verify(&self, arguments: &[String]) -> Result<CommandAnswer> {
        let usual = self.settings.audit.retention_policy.as_ref().map_or_else(
            || self.folder.join("archive"),
            |policy| Keeper::archive_folder(policy, &self.folder),
        );
        let archives = match arguments {
            [] => usual,
            [flag, folder] if flag == "--archives" => PathBuf::from(folder),
            _ => {
                return Ok(CommandAnswer {
                    error: "usage: objectos-host audit verify [--archives DIR]".to_owned(),
                    exit_code: 2,
                    ..CommandAnswer::default()
                });
            }
        };
        let places = Places {
            own: &self.folder,
            archives: &archives,
        };
        let signing = Signing {
            rules: Rules {
                keys: &self.keys,
                policy: self.settings.audit.retention_policy.as_ref(),
                unsigned_up_to: self.settings.own.unsigned_removals_up_to,
            },
            every: self.settings.signed_every(),
        };
        let report = verify::verify(&self.records, signing, &places).await?;
        let broken = !report.broken.is_empty();
        let untold = verify::tell(&self.host, &report).await.unwrap_or_default();
        Ok(CommandAnswer {
            output: report.text(),
            error: report.complaint() + &untold,
            exit_code: u8::from(broken),
        })
    }
}
