//! The event bus of this kernel: what it is started with, and the short ways to it that the other parts take.

use objectos_plugin_api::{Context, NewEvent, contracts::realtime::RealtimeClient};
use objectos_protocol::kernel::PluginLifecycleEventType;
use serde_json::Value;
use std::{sync::Arc, time::Duration};

use super::{
    client::{EVENT_STORE, Handlers, KernelClient},
    core::Core,
    record::PluginRecord,
};
use crate::{
    error::Error,
    events::{BusParts, BusSettings, ClientsPort, EventArchivePort, EventBus, EventStreamsPort, HandlerSpec, Pattern},
    instance::Instance,
    journal,
    package::Candidate,
};

/// The source of the kernel's own events.
const SOURCE: &str = "kernel";

impl Core {
    /// Starts the bus.
    ///
    /// # Errors
    /// `EventBus` when its configuration cannot be used.
    pub(crate) fn start_bus(self: &Arc<Self>) -> Result<(), Error> {
        let settings = BusSettings::from_config(&self.options.event_bus).map_err(|error| Error::EventBus {
            reason: error.to_string(),
        })?;
        let archive = settings
            .archive_service()
            .map(|name| Arc::new(KernelClient::event_archive(self, name)) as Arc<dyn EventArchivePort>);
        let clients = settings
            .clients_service()
            .map(|name| Arc::new(KernelClient::clients(self, name)) as Arc<dyn ClientsPort>);
        let streams = settings
            .streams_service()
            .map(|name| Arc::new(KernelClient::event_streams(self, name)) as Arc<dyn EventStreamsPort>);
        self.set_bus(EventBus::start(BusParts {
            settings,
            store: Arc::new(KernelClient::event_store(self)),
            archive,
            streams,
            webhooks: Arc::new(KernelClient::http_client(self)),
            clients,
            handlers: Arc::new(Handlers(Arc::downgrade(self))),
            clock: Arc::clone(&self.clock),
            runtime: self.executor.clone(),
            node: self.context.instance_id.clone(),
        }));
        Ok(())
    }

    /// Looks whether a plugin that is to run keeps the connections that the configuration wants events to be pushed to.
    ///
    /// # Errors
    /// `EventBus` when none does.
    pub(crate) fn check_clients(&self) -> Result<(), Error> {
        let section = self.options.event_bus.realtime.as_ref();
        let name = RealtimeClient::NAME;
        let kept = || {
            let mut candidates = self.all_records().into_iter().map(|record| record.candidate());
            candidates.any(|candidate| {
                let services = &candidate.document.objectos.services.provides;
                services.iter().any(|service| service.name == name)
            })
        };
        if section.is_none_or(|section| !section.enabled) || kept() {
            return Ok(());
        }
        Err(Error::EventBus {
            reason: format!(
                "realtime: no plugin that is to run provides the service {name}, which keeps the connections to clients; put \
                 the plugin objectos.realtime into the plugin folder, remove the section, or write enabled: false"
            ),
        })
    }

    /// Stops it: what waits is stored, deliveries may end within the limit.
    pub(crate) async fn stop_bus(&self, limit: Duration) {
        if tokio::time::timeout(limit, self.bus().stop(limit / 2)).await.is_err() {
            tracing::warn!(
                "the event bus did not end within the limit; what was not done is delivered after the next start"
            );
        }
    }

    /// Publishes one of the kernel's own events, best effort.
    pub(crate) fn publish_own(&self, context: &Context, kind: PluginLifecycleEventType, payload: &Value) {
        let payload = payload.to_string();
        let event = NewEvent::new(kind.as_str(), payload.as_bytes());
        if let Err(error) = self.bus().publish(SOURCE, context, &event) {
            tracing::debug!(event = kind.as_str(), %error, "an event of the kernel reached nobody");
        }
    }

    /// Sets the handlers of a plugin to what this generation registered.
    pub(crate) fn set_event_handlers(&self, record: &PluginRecord, instance: &Instance) {
        let handlers: Vec<HandlerSpec> = instance
            .registered()
            .events()
            .map(|event| HandlerSpec {
                name: event.name.clone(),
                pattern: event.pattern.clone(),
                durable: event.durable,
                timeout_ms: instance.limits.event_ms,
                together_max: usize::try_from(event.together_max).unwrap_or(usize::MAX),
            })
            .collect();
        if let Err(error) = self.bus().register(&record.id, &handlers) {
            tracing::error!(plugin = &*record.id, %error, "the event handlers of a plugin were not taken");
        }
    }

    /// The plugin did not come up and may later: durable events wait for it.
    pub(crate) fn expect_event_handlers(&self, record: &PluginRecord) {
        let patterns = record.candidate().document.objectos.events.handles.clone();
        if let Err(error) = self.bus().expect(&record.id, &patterns) {
            tracing::error!(plugin = &*record.id, %error, "durable events are not kept for a plugin");
        }
    }

    /// Tells the bus when the plugin that came or went is the one that stores events.
    pub(crate) fn note_event_store(&self, record: &PluginRecord) {
        if keeps_events(&record.candidate()) {
            self.bus().store_changed();
            journal::flush(self);
        }
    }

    /// Holds the storages of the configuration against the plugins that are there, whether they run or not.
    ///
    /// # Errors
    /// `EventBus` when no plugin provides a service without which a storage keeps nothing.
    pub(crate) fn check_event_storages(&self) -> Result<(), Error> {
        let candidates: Vec<_> = self
            .all_records()
            .into_iter()
            .map(|record| record.candidate())
            .collect();
        for (key, needed) in self.bus().needed_services() {
            let provided = candidates.iter().any(|candidate| provides(candidate, needed));
            if !provided {
                let reason = format!(
                    "{key} needs the service {needed}, and no plugin that could be loaded provides it; install one that \
                     does, or write database"
                );
                return Err(Error::EventBus { reason });
            }
        }
        Ok(())
    }

    /// Schemas of `events.eventTypes` that hold nobody, as sentences: the plugin that keeps events writes events of these names
    /// by itself, in the transaction of what they tell of, and those do not pass the bus before they are kept.
    pub(crate) fn unheld_event_types(&self) -> Vec<String> {
        let mut candidates = self.all_records().into_iter().map(|record| record.candidate());
        let Some(store) = candidates.find(|candidate| keeps_events(candidate)) else {
            return Vec::new();
        };
        let patterns: Vec<Pattern> = store
            .document
            .objectos
            .events
            .publishes
            .iter()
            .filter_map(|pattern| Pattern::parse(pattern).ok())
            .collect();
        let own = |name: &str| patterns.iter().any(|pattern| pattern.matches(name));
        let types = &self.options.event_bus.event_types;
        let unheld = types.iter().filter(|known| known.schema.is_some() && own(&known.name));
        unheld
            .map(|known| {
                format!(
                    "events.eventTypes: the schema of {} is not held to what {} writes into the event store by itself",
                    known.name,
                    store.id()
                )
            })
            .collect()
    }

    pub(crate) fn bus_metrics(&self) -> Value {
        serde_json::to_value(self.bus().metrics()).unwrap_or_default()
    }
}

/// Whether a plugin is the one that stores events.
fn keeps_events(candidate: &Candidate) -> bool {
    provides(candidate, EVENT_STORE)
}

fn provides(candidate: &Candidate, name: &str) -> bool {
    let services = &candidate.document.objectos.services.provides;
    services.iter().any(|service| service.name == name)
}
