//! The event bus: who learns that something happened, and with which guarantee.
//!
//! * Transient events live in memory, best effort: [`EventBus::publish`] never waits. See `transient`.
//! * Durable events are stored first and then delivered at least once, in order for each key and handler, retried with
//!   backoff, and given up into dead letters: [`EventBus::publish_durable`], or written by the store's own plugin in the
//!   transaction of a change, which [`EventBus::events_stored`] announces. See `dispatcher` and `window`.
//! * Transient handlers see durable events too, once they are stored: on the node that reads them from the store, and
//!   again after a restart when they were not done. Durable handlers see what is stored, and nothing else: a transient
//!   event reaches them only when `persistence` stores it.
//! * Done events stay in the store for their retention, or are moved out of it for that: see `archive`, `sourcing` and
//!   `retention`.
//!
//! The bus knows no HTTP and no SQL: the store, outgoing requests and the handlers themselves are ports (`port`), which
//! the kernel implements with services. It checks no rights: what a plugin may publish is the caller's business.
//!
//! Life: [`EventBus::start`], then plugins register; [`EventBus::open`] begins durable delivery when all had their
//! chance (an event nobody is registered for counts as done); [`EventBus::stop`] ends it before the plugins stop.
//! Dropping the bus ends everything at once, as a crash would.

mod archive;
mod buffer;
mod clients;
mod dead_letters;
mod delivery;
mod dispatcher;
mod error;
mod event_types;
mod filter;
mod health;
mod keeper;
mod message;
mod metrics;
mod path;
mod pattern;
mod port;
mod registry;
mod replay;
mod retention;
mod retry;
mod routing;
mod settings;
mod shared;
mod sourcing;
mod template;
mod time_text;
mod transient;
mod webhook;
mod window;

use objectos_plugin_api::{
    Context, Error, NewEvent, Result,
    contracts::{
        event_store::EventToStore,
        kernel::{RecordStateAnswer, RecordStateRequest},
    },
    protocol::kernel::{DeadLetterQueueEntry, Event, EventReplayConfig, HealthCheckResult},
};
use parking_lot::Mutex;
use std::{fmt, future::Future, sync::Arc, time::Duration};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};

use self::{
    archive::Archive,
    delivery::Delivery,
    dispatcher::{Command, Dispatcher},
    message::Draft,
    registry::Change,
    replay::{Replay, ReplayState},
    shared::Shared,
    sourcing::Streams,
    transient::Flying,
};
pub use self::{
    error::EventConfigError,
    metrics::{BusMetrics, HandlerMetrics},
    pattern::Pattern,
    port::{
        ClientsPort, EventArchivePort, EventStorePort, EventStreamsPort, HandlerId, HandlerPort, PortFuture,
        WebhookPort,
    },
    registry::HandlerSpec,
    replay::ReplayEnd,
    retry::Backoff,
    settings::{BusLimits, BusSettings},
};
use crate::clock::Clock;

/// What a bus is made of.
pub struct BusParts {
    /// The checked configuration.
    pub settings: BusSettings,
    /// The durable store.
    pub store: Arc<dyn EventStorePort>,
    /// The archive of done events: the service that [`BusSettings::archive_service`] names. Without it they stay in the store.
    pub archive: Option<Arc<dyn EventArchivePort>>,
    /// The streams of sourced records: the service that [`BusSettings::streams_service`] names. Without it they stay
    /// in the store.
    pub streams: Option<Arc<dyn EventStreamsPort>>,
    /// Outgoing HTTP.
    pub webhooks: Arc<dyn WebhookPort>,
    /// Connected clients: the service that [`BusSettings::clients_service`] names.
    pub clients: Option<Arc<dyn ClientsPort>>,
    /// The handlers of plugins.
    pub handlers: Arc<dyn HandlerPort>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where the bus's tasks run; with timers.
    pub runtime: Handle,
    /// Stands for this kernel instance in the store's leases; must differ from that of every other node.
    pub node: String,
}

impl fmt::Debug for BusParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusParts")
            .field("settings", &self.settings)
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

/// The event bus. Shared by reference; every method may be called from any thread.
pub struct EventBus {
    shared: Arc<Shared>,
    commands: mpsc::UnboundedSender<Command>,
    store_changed: watch::Sender<u64>,
    replay: Arc<ReplayState>,
    runtime: Handle,
    /// Aborted when the bus is dropped.
    tasks: Mutex<JoinSet<()>>,
}

impl fmt::Debug for EventBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBus")
            .field("node", &self.shared.node)
            .finish_non_exhaustive()
    }
}

impl EventBus {
    /// Starts the bus. Publishing works from here on; durable delivery waits for [`EventBus::open`].
    #[must_use]
    pub fn start(parts: BusParts) -> Self {
        let BusParts {
            settings,
            store,
            archive,
            streams,
            webhooks,
            clients,
            handlers,
            clock,
            runtime,
            node,
        } = parts;
        let archive = settings.archive.zip(archive);
        let streams = settings.streams_service().zip(streams);
        let shared = Arc::new(Shared::new(
            Arc::new(settings),
            store,
            (
                archive.map(|(kind, port)| Archive::new(kind, port)),
                streams.map(|(service, port)| Streams::new(service, port)),
            ),
            Delivery {
                handlers,
                webhooks,
                clients,
                clock,
            },
            node,
        ));
        shared.add_webhooks();
        let clients = shared.add_clients();
        let (commands, received) = mpsc::unbounded_channel();
        let (store_changed, _) = watch::channel(0);
        let mut tasks = JoinSet::new();
        tasks.spawn_on(buffer::write(Arc::clone(&shared), store_changed.subscribe()), &runtime);
        tasks.spawn_on(
            Dispatcher::new(Arc::clone(&shared)).run(received, store_changed.subscribe()),
            &runtime,
        );
        tasks.spawn_on(retention::keep_pruned(Arc::clone(&shared)), &runtime);
        tasks.spawn_on(sourcing::keep(Arc::clone(&shared)), &runtime);
        tasks.spawn_on(archive::keep_moved(Arc::clone(&shared)), &runtime);
        if let Some(handler) = clients
            && let Some(queue) = handler.queue.clone()
        {
            tasks.spawn_on(transient::work(Arc::clone(&shared), handler, queue), &runtime);
        }
        Self {
            shared,
            commands,
            store_changed,
            replay: Arc::default(),
            runtime,
            tasks: Mutex::new(tasks),
        }
    }

    /// Registers the handlers of a plugin, in the place of those it had: ones that stay keep queue, order and progress,
    /// ones that are not listed any more are dropped with what waits for them.
    ///
    /// # Errors
    /// `Invalid` for a pattern that cannot be, and for a name that is empty or there twice; nothing changes then.
    pub fn register(&self, plugin: &str, handlers: &[HandlerSpec]) -> Result<()> {
        let Change {
            new_transient,
            removed,
            came,
        } = self.shared.replace_handlers(plugin, handlers)?;
        let mut tasks = self.tasks.lock();
        while tasks.try_join_next().is_some() {}
        for handler in new_transient {
            if let Some(queue) = handler.queue.clone() {
                tasks.spawn_on(transient::work(Arc::clone(&self.shared), handler, queue), &self.runtime);
            }
        }
        drop(tasks);
        self.command(Command::Removed(removed));
        self.command(Command::ExpectedCame(came));
        self.awake(plugin);
        Ok(())
    }

    /// Forgets the handlers of a plugin that was unloaded for good. Not for a restart or a swap: while a plugin is away,
    /// its handlers stay registered and the handler port answers `Unavailable`.
    pub fn unregister(&self, plugin: &str) {
        self.command(Command::Removed(self.shared.remove_handlers(plugin)));
    }

    /// Holds back durable events with these names for a plugin that has no handlers registered yet but will have: one
    /// that did not start, and is tried again. They are not done before it registers, or [`EventBus::unregister`] gives it up.
    ///
    /// # Errors
    /// `Invalid` for a pattern that cannot be.
    pub fn expect(&self, plugin: &str, patterns: &[String]) -> Result<()> {
        self.shared.expect_handlers(plugin, patterns)
    }

    /// A plugin is there (again): what waits for it is tried at once.
    pub fn awake(&self, plugin: &str) {
        self.command(Command::Awake(self.shared.numbers_of(plugin)));
    }

    /// Begins durable delivery. To be called when every plugin had its chance to register or is expected.
    pub fn open(&self) {
        self.command(Command::Open);
    }

    /// The store came, went or came back: whoever waits for it looks again at once.
    pub fn store_changed(&self) {
        self.store_changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Publishes a transient event of `source` (the id of the plugin, or `kernel`); returns at once. What costs: nothing to
    /// speak of when nobody listens, else one copy of the payload. Payloads that nobody wants are not looked at.
    ///
    /// # Errors
    /// `Invalid` for a name, or a payload that is too large, no JSON, or does not fit its described type; `Limited` when
    /// every handler that wants it has too many events waiting.
    pub fn publish(&self, source: &str, context: &Context, event: &NewEvent<'_>) -> Result<()> {
        let shared = &self.shared;
        message::check(source, event, &shared.settings)?;
        shared.counters.published.one();
        self.hold_to_type(source, event)?;
        let routes = shared.table.load().routes(event.name);
        let persist = shared
            .settings
            .persist
            .as_ref()
            .filter(|filter| filter.may_accept(event.name));
        if routes.transient.is_empty() && persist.is_none() {
            return Ok(());
        }
        let draft = Draft {
            source,
            context,
            event,
            now_ms: shared.clock.now_ms(),
        };
        let id = draft.id();
        let mut stored = false;
        if let Some(filter) = persist {
            let whole = draft.event(id.clone())?;
            if filter.accepts(&whole) {
                stored = self.store_transient(&draft, whole, !routes.transient.is_empty());
            }
        }
        let flying = Flying {
            source: source.into(),
            priority: message::priority_of(event.priority),
            json: draft.json(&id)?.into(),
            context: delivery::context_after(context),
            event: None,
        };
        let (wanted, queued) = transient::fan_out(shared, &routes.transient, &flying);
        if wanted > 0 && queued == 0 && !stored {
            return Err(Error::new(
                objectos_plugin_api::ErrorKind::Limited,
                format!(
                    "too many events wait for the handlers of {}; it was dropped",
                    event.name
                ),
            ));
        }
        Ok(())
    }

    /// Publishes a durable event of `source`; the future ends with its id once it is stored. Dropping the future does not
    /// take the event back.
    ///
    /// # Errors
    /// `Invalid` as for [`EventBus::publish`]; `Limited` when too many events wait for the store; `Unavailable` when the
    /// bus stops before it is stored; what the store says against it.
    pub fn publish_durable(
        &self,
        source: &str,
        context: &Context,
        event: &NewEvent<'_>,
    ) -> impl Future<Output = Result<String>> + Send + 'static + use<> {
        let begun = self.begin_durable(source, context, event);
        async move {
            let (id, stored) = begun?;
            stored
                .await
                .unwrap_or_else(|_| Err(Error::unavailable("the event bus stopped before the event was stored")))?;
            Ok(id)
        }
    }

    /// Whether a transient handler listens to `hook:triggered`. One load.
    #[must_use]
    pub fn hooks_watched(&self) -> bool {
        self.shared.table.load().hooks_watched
    }

    /// The store holds new events. Cheap; may be called for each one.
    pub fn events_stored(&self) {
        self.shared.arrived.notify_one();
    }

    /// A page of dead letters, latest first.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn dead_letters(&self, offset: u32, limit: u32) -> Result<Vec<DeadLetterQueueEntry>> {
        dead_letters::list(&self.shared, offset, limit).await
    }

    /// Delivers a dead letter once more to the handler that failed; it is removed when that goes well.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the handler is not registered; what the handler or the store answers.
    pub async fn retry_dead_letter(&self, id: &str) -> Result<()> {
        dead_letters::retry(&self.shared, id).await
    }

    /// Delivers stored events once more, in the background; answers how many there are. See `replay`.
    ///
    /// # Errors
    /// `Conflict` when replays are switched off or one runs; `Invalid` for what cannot be; what the store answers.
    pub async fn replay(&self, request: &EventReplayConfig) -> Result<u64> {
        let replay = self.prepare_replay(request).await?;
        let count = replay.count();
        replay.begin(drop);
        Ok(count)
    }

    /// The same without beginning. While what is answered lives, no other replay runs.
    ///
    /// # Errors
    /// As [`EventBus::replay`].
    pub async fn prepare_replay(&self, request: &EventReplayConfig) -> Result<PreparedReplay<'_>> {
        let replay = Replay::prepare(Arc::clone(&self.shared), &self.replay, request).await?;
        Ok(PreparedReplay { bus: self, replay })
    }

    /// What a record was at a moment or after an event, rebuilt from its events. See `sourcing`.
    ///
    /// # Errors
    /// `Conflict` when its object is not sourced; `Invalid` for what cannot be; `NotFound` for a record or a time of which
    /// nothing is kept; what the store answers.
    pub fn record_state(
        &self,
        request: &RecordStateRequest,
    ) -> impl Future<Output = Result<RecordStateAnswer>> + Send + 'static + use<> {
        let (shared, request) = (Arc::clone(&self.shared), request.clone());
        async move { sourcing::rebuild(&shared, &request).await }
    }

    /// Figures.
    #[must_use]
    pub fn metrics(&self) -> BusMetrics {
        metrics::read(&self.shared, self.replay.remaining())
    }

    /// The bus's checks for the health report: `event-store`, `event-delivery` and, where there are any,
    /// `webhooks`, `event-sourcing` and `event-archive`.
    #[must_use]
    pub fn health(&self) -> Vec<HealthCheckResult> {
        health::checks(&self.shared, !self.commands.is_closed())
    }

    /// What of the configuration has no effect, as sentences for the start report: entries of `handlers` that no registered
    /// handler fits, and sections that the bus does not act on.
    #[must_use]
    pub fn unused_settings(&self) -> Vec<String> {
        let table = self.shared.table.load();
        let unused = self.shared.settings.overrides.iter().filter(|entry| {
            !table
                .handlers
                .iter()
                .any(|handler| entry.selector.selects(handler.target.id()))
        });
        unused
            .map(|entry| format!("{} fits no event handler of any plugin", entry.place))
            .chain(self.shared.settings.notes().iter().cloned())
            .collect()
    }

    /// Services that the configuration asks for by the kind of a storage, each with the key and value that do.
    #[must_use]
    pub fn needed_services(&self) -> Vec<(&'static str, &'static str)> {
        self.shared.settings.needed_services()
    }

    /// Ends the bus: takes no durable events any more, stores those that wait, lets deliveries end within `limit`, and
    /// writes down what became of them. What was not done is delivered after the next start.
    pub async fn stop(&self, limit: Duration) {
        let shared = &self.shared;
        shared.buffer.close();
        let limit_ms = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
        let until_ms = shared.clock.now_ms().saturating_add(limit_ms);
        let (done, ended) = oneshot::channel();
        self.command(Command::Stop(until_ms, done));
        tokio::select! {
            biased;
            () = shared.buffer.drained() => {}
            () = shared.clock.sleep_until_ms(until_ms) => {}
        }
        // An error means that the dispatcher is gone already.
        let _ = ended.await;
        self.shared.close_queues();
        self.shared.buffer.abandon();
        self.tasks.lock().abort_all();
    }

    fn command(&self, command: Command) {
        // Fails only after the end, when there is nothing left to tell.
        let _ = self.commands.send(command);
    }

    fn begin_durable(
        &self,
        source: &str,
        context: &Context,
        event: &NewEvent<'_>,
    ) -> Result<(String, oneshot::Receiver<Result<()>>)> {
        let shared = &self.shared;
        message::check(source, event, &shared.settings)?;
        shared.counters.published.one();
        self.hold_to_type(source, event)?;
        let draft = Draft {
            source,
            context,
            event,
            now_ms: shared.clock.now_ms(),
        };
        let id = draft.id();
        let item = EventToStore {
            event: draft.event(id.clone())?,
            key: event.key.to_owned(),
        };
        let (reply, stored) = oneshot::channel();
        shared.buffer.push(source, event.payload.len(), item, Some(reply))?;
        Ok((id, stored))
    }

    /// Hands a transient event to the store as well.
    fn store_transient(&self, draft: &Draft<'_>, event: Event, shown: bool) -> bool {
        let shared = &self.shared;
        let id = event.id.clone().unwrap_or_default();
        if shown {
            shared.remember_shown(&id);
        }
        let item = EventToStore {
            event,
            key: draft.event.key.to_owned(),
        };
        let pushed = shared.buffer.push(draft.source, draft.event.payload.len(), item, None);
        if pushed.is_err() {
            shared.forget_shown(&id);
            shared.counters.dropped.one();
        }
        pushed.is_ok()
    }

    fn hold_to_type(&self, source: &str, event: &NewEvent<'_>) -> Result<()> {
        let types = &self.shared.settings.event_types;
        if types.is_empty() {
            return Ok(());
        }
        if let Some(text) = types.deprecation(event.name) {
            tracing::warn!(source, "{text}");
        }
        if types.checks(event.name) {
            types.check(event.name, &message::payload(event)?)?;
        }
        Ok(())
    }
}

/// A replay that was checked and counted.
pub struct PreparedReplay<'a> {
    bus: &'a EventBus,
    replay: Replay,
}

impl fmt::Debug for PreparedReplay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedReplay")
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

impl PreparedReplay<'_> {
    /// Events that it will deliver.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.replay.count
    }

    /// Delivers, in the background. `ended` is told how it went, unless the bus ends first.
    pub fn begin(self, ended: impl FnOnce(ReplayEnd) + Send + 'static) {
        let Self { bus, replay } = self;
        let run = async move { ended(replay.run().await) };
        bus.tasks.lock().spawn_on(run, &bus.runtime);
    }
}

impl Drop for EventBus {
    fn drop(&mut self) {
        self.shared.close_queues();
        self.shared.buffer.close();
        self.shared.buffer.abandon();
    }
}
