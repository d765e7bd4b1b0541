//! The plugin around it all: reads the configuration, finds the secret, registers service, routes and hooks, and sees to it
//! that there is a way to the first administrator.

use objectos_plugin_api::{
    Context, Event, Health, HookAnswer, HookCall, Plugin, Registry, Result, Setup,
    contracts::{
        events::{CHANGED_ELSEWHERE, METADATA_CHANGED},
        hooks::{AFTER_DELETE, AFTER_INSERT, AFTER_UPDATE, BEFORE_DELETE, BEFORE_INSERT, BEFORE_UPDATE, RecordHook},
    },
    plugin,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;

use crate::{
    alarm::ALARM,
    auth::Auth,
    config::AuthConfig,
    crypto::secret,
    error::AuthError,
    identify::AuthService,
    records::kinds::Verification,
    routes,
    rules::KIND,
    veto::{Change, GUARDED},
    watch::{MADE, WATCHED},
};

/// How often what is over is taken out of the store.
const SWEEP: Duration = Duration::from_secs(600);
/// Record by which a start notices that the secret is another one.
const SECRET_CHECK: &str = "secret_check";

/// `objectos.auth`.
#[derive(Debug)]
pub struct AuthPlugin {
    auth: Arc<Auth>,
    sweeper: Mutex<Option<JoinHandle<()>>>,
}

#[plugin]
impl Plugin for AuthPlugin {
    const RUNTIME_WORKERS: usize = 1;

    async fn init(setup: Setup) -> Result<Self> {
        let config: AuthConfig = if setup.config.is_null() {
            AuthConfig::default()
        } else {
            setup.config()?
        };
        let folder = setup.data_directory()?;
        let secret = secret::find(&setup.host, config.secret_file.as_deref(), &folder)?;
        let development = setup.settings.mode != "production";
        let auth = Auth::new(setup.host, config, &secret, development, setup.settings.listen)?;
        Ok(Self {
            auth: Arc::new(auth),
            sweeper: Mutex::default(),
        })
    }

    fn register(self: &Arc<Self>, registry: &mut Registry<Self>) {
        registry.service(AuthService(Arc::clone(&self.auth)));
        routes::register(registry, &self.auth);
        registry.event("elsewhere", CHANGED_ELSEWHERE, |plugin, _, event: Event| async move {
            plugin
                .auth
                .changed_elsewhere(&serde_json::from_value(event.payload)?)
                .await;
            Ok(())
        });
        registry.event("rules", METADATA_CHANGED, |plugin, _, event: Event| async move {
            let kinds = event.payload.get("kinds").and_then(Value::as_array);
            if kinds.is_none_or(|kinds| kinds.iter().any(|kind| kind == KIND))
                && let Err(error) = plugin.auth.read_rules(&Context::background()).await
            {
                tracing::error!(%error, "the policies of the apps could not be read; those read before hold on");
            }
            Ok(())
        });
        registry.durable_event("alarms", ALARM, |plugin, _, event: Event| async move {
            let alarm = serde_json::from_value(event.payload)?;
            Ok(plugin.auth.act_on(&Context::background(), &alarm).await?)
        });
        let watched: [(&str, &[&str]); 3] = [
            (AFTER_INSERT, &MADE),
            (AFTER_UPDATE, &WATCHED),
            (AFTER_DELETE, &WATCHED),
        ];
        for (hook, objects) in watched {
            registry.hook(hook, objects, |plugin, context: Context, call: HookCall| async move {
                let hook: RecordHook = call.json()?;
                plugin.auth.changed(&hook).await;
                plugin.auth.after_write(&context, &hook).await;
                Ok(HookAnswer::Unchanged)
            });
        }
        for (hook, change) in [
            (BEFORE_INSERT, Change::Made),
            (BEFORE_UPDATE, Change::Changed),
            (BEFORE_DELETE, Change::Deleted),
        ] {
            registry.hook(
                hook,
                &GUARDED,
                move |plugin, context: Context, call: HookCall| async move {
                    let mut hook: RecordHook = call.json()?;
                    let beside = plugin.auth.before_write(&context, &hook, change).await?;
                    if beside.events.is_empty() && beside.fields.is_empty() {
                        return Ok(HookAnswer::Unchanged);
                    }
                    hook.events.extend(beside.events);
                    hook.record.extend(beside.fields);
                    HookAnswer::changed(&hook)
                },
            );
        }
    }

    async fn start(self: Arc<Self>) -> Result<()> {
        let context = Context::background();
        self.auth.check_secret(&context).await?;
        self.auth.read_rules(&context).await?;
        self.auth.ensure_administrator(&context).await?;
        self.auth.read_blocks(&context).await?;
        let auth = Arc::clone(&self.auth);
        // At once, too: what came to its end while nobody was here is told now, and what ends from here on has its turn later.
        let mut now_ms = auth.now_ms();
        let sweeping = tokio::spawn(async move {
            loop {
                if let Err(error) = auth.sweep(&Context::background(), now_ms).await {
                    tracing::warn!(%error, "what is over could not be taken out of the store");
                }
                tokio::time::sleep(SWEEP).await;
                now_ms = auth.now_ms();
            }
        });
        *self.sweeper.lock() = Some(sweeping);
        Ok(())
    }

    async fn stop(self: Arc<Self>) -> Result<()> {
        let sweeper = self.sweeper.lock().take();
        if let Some(sweeper) = sweeper {
            sweeper.abort();
            // An error is what an aborted task answers.
            drop(sweeper.await);
        }
        self.auth.later.finish().await;
        Ok(())
    }

    async fn health(self: Arc<Self>) -> Health {
        match self.auth.is_administered(&Context::background()).await {
            Ok(_) => Health::healthy(),
            Err(error) => Health::unhealthy(format!("the store does not answer: {error}")),
        }
    }
}

impl Auth {
    /// Whether the secret is the one that the installation began with.
    ///
    /// # Errors
    /// `Configuration` when it is not.
    async fn check_secret(&self, context: &Context) -> crate::error::Result<()> {
        let found: Option<Verification> = self.records.get(context, SECRET_CHECK).await?;
        let Some(record) = found else {
            let value = self.secrets.seal(SECRET_CHECK, SECRET_CHECK);
            let record = json!({ "id": SECRET_CHECK, "identifier": SECRET_CHECK, "value": value });
            return match self.records.create::<Verification>(context, record).await {
                // Another node starts at the same time, with the same secret or with an error of its own.
                Err(error) if error.duplicate().is_none() => Err(error),
                _ => Ok(()),
            };
        };
        match self.secrets.open(SECRET_CHECK, record.value.as_deref().unwrap_or_default()) {
            Ok(_) => Ok(()),
            Err(_) => Err(AuthError::Configuration {
                message: "the secret of objectos.auth is not the one with which this database began: set OBJECTOS_AUTH_SECRET, or secretFile, to that one".to_owned(),
            }),
        }
    }
}
