//! A bus in a world of models, and the course of its time.

use objectos_kernel::{
    clock::{Clock, ManualClock},
    events::{BusParts, BusSettings, EventBus, HandlerSpec},
};
use objectos_plugin_api::{
    Context, NewEvent,
    protocol::kernel::{Event, EventMetadata, EventPriority},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

use super::{
    model::{ModelHandlers, ModelHttp, ModelStore},
    model_archive::ModelArchive,
    model_streams::ModelStreams,
};

/// 2025-01-31T08:00:00Z.
pub(crate) const START_MS: i64 = 1_738_310_400_000;

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) store: ModelStore,
    /// Of use only when the configuration says so.
    pub(crate) archive: ModelArchive,
    /// Of use only when the configuration says so.
    pub(crate) streams: ModelStreams,
    pub(crate) handlers: ModelHandlers,
    pub(crate) http: ModelHttp,
    config: Value,
    tune: fn(&mut BusSettings),
    registered: Vec<(String, Vec<HandlerSpec>)>,
    pub(crate) bus: EventBus,
}

impl World {
    pub(crate) fn new(config: Value) -> Self {
        Self::tuned(config, |_| {})
    }

    /// With other limits than the usual ones.
    pub(crate) fn tuned(config: Value, tune: fn(&mut BusSettings)) -> Self {
        let clock = ManualClock::new(START_MS);
        let handlers = ModelHandlers::new(&clock);
        let stores = (
            ModelStore::new(&clock),
            ModelArchive::default(),
            ModelStreams::default(),
        );
        Self::of_parts(config, tune, clock, stores, handlers, "node-1")
    }

    /// Another node on the same store, with handlers of its own.
    pub(crate) fn neighbour(&self, node: &str) -> Self {
        let handlers = ModelHandlers::new(&self.clock);
        Self::of_parts(
            self.config.clone(),
            self.tune,
            self.clock.clone(),
            (self.store.clone(), self.archive.clone(), self.streams.clone()),
            handlers,
            node,
        )
    }

    fn of_parts(
        config: Value,
        tune: fn(&mut BusSettings),
        clock: ManualClock,
        (store, archive, streams): (ModelStore, ModelArchive, ModelStreams),
        handlers: ModelHandlers,
        node: &str,
    ) -> Self {
        let http = ModelHttp::default();
        let stores = (&store, &archive, &streams);
        let bus = start(&config, tune, &clock, stores, &handlers, &http, node);
        Self {
            clock,
            store,
            archive,
            streams,
            handlers,
            http,
            config,
            tune,
            registered: Vec::new(),
            bus,
        }
    }

    /// Registers durable (`!`) and transient handlers of a plugin: `!name pattern`.
    pub(crate) fn register(&mut self, plugin: &str, handlers: &[&str]) {
        let specs: Vec<HandlerSpec> = handlers.iter().map(|text| spec(text)).collect();
        self.bus.register(plugin, &specs).expect("handlers");
        self.registered.push((plugin.to_owned(), specs));
    }

    /// The bus ends without a chance to do anything, and begins again.
    pub(crate) fn crash(&mut self) {
        self.bus = start(
            &self.config,
            self.tune,
            &self.clock,
            (&self.store, &self.archive, &self.streams),
            &self.handlers,
            &self.http,
            "node-1",
        );
        for (plugin, specs) in &self.registered {
            self.bus.register(plugin, specs).expect("handlers");
        }
        self.bus.open();
    }

    /// Stores events without the bus and tells it: `(id, name, key)`.
    pub(crate) fn write(&self, events: &[(&str, &str, &str)]) {
        self.store.write(
            events
                .iter()
                .map(|(id, name, key)| (self.event(id, name), (*key).to_owned())),
        );
        self.bus.events_stored();
    }

    pub(crate) fn event(&self, id: &str, name: &str) -> Event {
        event(id, name, EventPriority::Normal, json!({"n": id}))
    }

    /// Everything that can happen without time going by happens.
    pub(crate) async fn calm(&self) {
        let mut still = 0;
        let mut before = self.activity();
        while still < 40 {
            tokio::task::yield_now().await;
            let now = self.activity();
            still = if now == before { still + 1 } else { 0 };
            before = now;
        }
    }

    /// Time goes by, from one moment that somebody waits for to the next.
    pub(crate) async fn pass_ms(&self, by_ms: i64) {
        let until_ms = self.clock.now_ms() + by_ms;
        self.calm().await;
        while self.clock.advance_to_next(until_ms) {
            self.calm().await;
        }
        self.clock.set_ms(until_ms);
        self.calm().await;
    }

    /// Time goes by until nothing is left to do, but no longer than `most_ms`.
    pub(crate) async fn finish(&self, most_ms: i64) {
        let until_ms = self.clock.now_ms() + most_ms;
        self.calm().await;
        while !self.store.open_ids().is_empty() && self.clock.advance_to_next(until_ms) {
            self.calm().await;
        }
    }

    fn activity(&self) -> (usize, usize, usize, u64, usize, usize) {
        let metrics = self.bus.metrics();
        let done = metrics.delivered + metrics.failed + metrics.stored + metrics.replayed + metrics.running;
        let store = self.store.state.lock();
        let state = (store.calls.len(), store.settlements.len());
        (
            state.0,
            state.1,
            self.handlers.calls.lock().len(),
            done,
            self.http.requests.lock().len(),
            self.archive.state.lock().calls.len() + self.streams.state.lock().calls.len(),
        )
    }
}

fn start(
    config: &Value,
    tune: fn(&mut BusSettings),
    clock: &ManualClock,
    (store, archive, streams): (&ModelStore, &ModelArchive, &ModelStreams),
    handlers: &ModelHandlers,
    http: &ModelHttp,
    node: &str,
) -> EventBus {
    let config = serde_json::from_value(config.clone()).expect("a configuration");
    let mut settings = BusSettings::from_config(&config).expect("settings");
    tune(&mut settings);
    EventBus::start(BusParts {
        settings,
        store: Arc::new(store.clone()),
        archive: Some(Arc::new(archive.clone())),
        streams: Some(Arc::new(streams.clone())),
        webhooks: Arc::new(http.clone()),
        clients: None,
        handlers: Arc::new(handlers.clone()),
        clock: Arc::new(clock.clone()),
        runtime: tokio::runtime::Handle::current(),
        node: node.to_owned(),
    })
}

/// `name pattern`; `!name` is durable, and `!!name` takes four of a key together.
pub(crate) fn spec(text: &str) -> HandlerSpec {
    let (name, pattern) = text.split_once(' ').expect("a name and a pattern");
    HandlerSpec {
        name: name.trim_start_matches('!').to_owned(),
        pattern: pattern.to_owned(),
        durable: name.starts_with('!'),
        timeout_ms: 5_000,
        together_max: if name.starts_with("!!") { 4 } else { 1 },
    }
}

pub(crate) fn event(id: &str, name: &str, priority: EventPriority, payload: Value) -> Event {
    Event {
        id: Some(id.to_owned()),
        name: name.to_owned(),
        payload,
        metadata: EventMetadata {
            source: "objectos.data".to_owned(),
            timestamp: "2025-01-31T08:00:00Z".to_owned(),
            user_id: Some("u1".to_owned()),
            tenant_id: Some("t1".to_owned()),
            correlation_id: Some("r1".to_owned()),
            causation_id: None,
            priority,
        },
    }
}

/// Runs a test on one thread, so that it takes the same course every time.
pub(crate) fn run<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        // Nothing here waits for real time; a test that hangs is a fault.
        tokio::time::timeout(Duration::from_secs(60), test())
            .await
            .expect("the test ends");
    });
}

pub(crate) fn publish(bus: &EventBus, name: &str, payload: &Value) -> Result<(), objectos_plugin_api::Error> {
    let payload = payload.to_string();
    bus.publish(
        "objectos.test",
        &Context::request("r1"),
        &NewEvent::new(name, payload.as_bytes()),
    )
}
