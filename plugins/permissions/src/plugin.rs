//! The plugin behind the kernel: reads the model once before it says it is ready, and registers service, hooks, routes and the
//! command.

use std::sync::Arc;

use objectos_plugin_api::contracts::events::CHANGED_ELSEWHERE;
use objectos_plugin_api::contracts::hooks;
use objectos_plugin_api::contracts::metadata::MetadataClient;
use objectos_plugin_api::contracts::permissions::PermissionsServer;
use objectos_plugin_api::{Context, Event, Health, HookCall, Plugin, Registry, Result, Setup, plugin};

use crate::config::Settings;
use crate::guard::{self, Change, FACT_OBJECTS, MODEL_OBJECTS, TOLD_OBJECTS};
use crate::load::{Loader, POLICY_OBJECTS};
use crate::problem;
use crate::reach::PLACES;
use crate::records::Store;
use crate::service::Provider;
use crate::state::State;
use crate::{command, routes};

/// `objectos.permissions`.
#[derive(Debug)]
pub struct PermissionsPlugin {
    pub(crate) state: Arc<State>,
}

#[plugin]
impl Plugin for PermissionsPlugin {
    async fn init(setup: Setup) -> Result<Self> {
        let settings: Settings = if setup.config.is_null() {
            Settings::default()
        } else {
            setup.config()?
        };
        // Later nobody could be told of a name that is none.
        settings.zone()?;
        let loader = Loader {
            metadata: MetadataClient::open(&setup.host)?,
            store: Store::open(&setup.host)?,
            host: setup.host,
            settings,
            apps: setup.settings.apps,
        };
        Ok(Self {
            state: Arc::new(State::new(loader)),
        })
    }

    fn register(self: &Arc<Self>, registry: &mut Registry<Self>) {
        registry.service(PermissionsServer::new(Arc::new(Provider::new(Arc::clone(&self.state)))));
        let policies = POLICY_OBJECTS.map(|(object, _)| object);
        let taken: Vec<&str> = policies.into_iter().chain(TOLD_OBJECTS).collect();
        // Places are guarded when they are given; taking one away is for whoever manages the organisation.
        let given: Vec<&str> = taken.iter().copied().chain(PLACES).collect();
        for (point, change, guarded) in [
            (hooks::BEFORE_INSERT, Change::Created, &given),
            (hooks::BEFORE_UPDATE, Change::Updated, &given),
            (hooks::BEFORE_DELETE, Change::Deleted, &taken),
        ] {
            registry.hook(
                point,
                guarded,
                move |plugin: Arc<Self>, context: Context, call: HookCall| async move {
                    guard::before(&plugin.state, &context, &call, change).await
                },
            );
        }
        let watched: Vec<&str> = MODEL_OBJECTS.into_iter().chain(FACT_OBJECTS).collect();
        for point in [hooks::AFTER_INSERT, hooks::AFTER_UPDATE, hooks::AFTER_DELETE] {
            registry.hook(point, &watched, |plugin: Arc<Self>, _, call| async move {
                guard::after(&plugin.state, &call)
            });
        }
        registry.event(
            "elsewhere",
            CHANGED_ELSEWHERE,
            |plugin: Arc<Self>, _, event: Event| async move {
                guard::elsewhere(&plugin.state, &serde_json::from_value(event.payload)?);
                Ok(())
            },
        );
        registry.command(command::TEST, |_, _, arguments| async move {
            Ok(command::test(&arguments).await)
        });
        routes::register(registry);
    }

    async fn start(self: Arc<Self>) -> Result<()> {
        self.state.version()?;
        self.state.loaded(&Context::background()).await.map(drop)
    }

    async fn health(self: Arc<Self>) -> Health {
        let problems = self.state.problems();
        if problems.is_empty() {
            Health::healthy()
        } else {
            Health::degraded(format!(
                "access rules that are not in use:\n{}",
                problem::lines(&problems)
            ))
        }
    }
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
