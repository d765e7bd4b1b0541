//! Who gets which event: the registered handlers, and for every event name the routes to those that want it. The table is
//! immutable and replaced as a whole when a plugin comes or goes; the routes of a name are worked out once.

use objectos_plugin_api::protocol::kernel::PluginLifecycleEventType;
use parking_lot::RwLock;
use std::{collections::HashMap, sync::Arc};

use super::{
    delivery::Target,
    metrics::HandlerCounters,
    pattern::Pattern,
    retry::Backoff,
    settings::{BusSettings, HandlerOverride},
    transient::TransientQueue,
};

/// Names whose routes are remembered; more than a product has, but a plugin may make names up.
const CACHED_NAMES_MAX: usize = 4_096;

/// One handler, as long as its plugin keeps it. Registered again under the same id it keeps number, queue and counters.
#[derive(Debug)]
pub(crate) struct Handler {
    /// Stands for the handler in the dispatcher.
    pub(crate) number: u32,
    pub(crate) target: Target,
    pub(crate) pattern: Pattern,
    pub(crate) timeout_ms: u64,
    /// Events of one key that it takes in one call.
    pub(crate) together_max: usize,
    /// Where transient events wait; `None` for a durable handler.
    pub(crate) queue: Option<Arc<TransientQueue>>,
    /// The webhook's own; plugins' handlers go by the configuration.
    pub(crate) retry: Option<Backoff>,
    pub(crate) counters: Arc<HandlerCounters>,
}

/// A handler together with the settings for one event name.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) handler: Arc<Handler>,
    pub(crate) timeout_ms: u64,
    pub(crate) retry: Backoff,
    /// Lower first.
    pub(crate) priority: i64,
    /// Events of this entry go strictly one after the other.
    pub(crate) serial: Option<u32>,
    /// The entry whose filter has to accept the event.
    pub(crate) filtered_by: Option<Arc<HandlerOverride>>,
}

/// The routes of one event name.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    pub(crate) transient: Vec<Arc<Route>>,
    pub(crate) durable: Vec<Arc<Route>>,
}

/// All handlers of a moment.
#[derive(Debug)]
pub(crate) struct RoutingTable {
    pub(crate) handlers: Vec<Arc<Handler>>,
    /// A plugin listens to the kernel's `hook:triggered`, which clients get only then: asked at every hook, so it is worked out beforehand.
    pub(crate) hooks_watched: bool,
    settings: Arc<BusSettings>,
    cache: RwLock<HashMap<Box<str>, Arc<Routes>>>,
}

impl RoutingTable {
    pub(crate) fn new(settings: Arc<BusSettings>, handlers: Vec<Arc<Handler>>) -> Self {
        let name = PluginLifecycleEventType::HookTriggered.as_str();
        Self {
            hooks_watched: handlers
                .iter()
                .filter(|handler| !matches!(handler.target, Target::Clients(_)))
                .any(|handler| handler.queue.is_some() && handler.pattern.matches(name)),
            handlers,
            settings,
            cache: RwLock::default(),
        }
    }

    /// The routes of a name.
    pub(crate) fn routes(&self, name: &str) -> Arc<Routes> {
        if let Some(known) = self.cache.read().get(name) {
            return Arc::clone(known);
        }
        let routes = Arc::new(self.work_out(name));
        let mut cache = self.cache.write();
        if cache.len() >= CACHED_NAMES_MAX {
            cache.clear();
        }
        cache.insert(name.into(), Arc::clone(&routes));
        routes
    }

    fn work_out(&self, name: &str) -> Routes {
        let mut routes = Routes::default();
        for handler in self.handlers.iter().filter(|handler| handler.pattern.matches(name)) {
            let route = Arc::new(self.route(handler, name));
            if handler.queue.is_some() {
                routes.transient.push(route);
            } else {
                routes.durable.push(route);
            }
        }
        routes.transient.sort_by_key(|route| route.priority);
        routes
    }

    fn route(&self, handler: &Arc<Handler>, name: &str) -> Route {
        let id = handler.target.id();
        let entry = self
            .settings
            .overrides
            .iter()
            .zip(0_u32..)
            .find(|(entry, _)| entry.selector.selects(id) && entry.pattern.matches(name));
        let (timeout_ms, retry) = (
            handler.timeout_ms,
            handler.retry.as_ref().unwrap_or(&self.settings.retry).clone(),
        );
        match entry {
            None => Route {
                handler: Arc::clone(handler),
                timeout_ms,
                retry,
                priority: 0,
                serial: None,
                filtered_by: None,
            },
            Some((entry, index)) => Route {
                handler: Arc::clone(handler),
                timeout_ms: entry.timeout_ms.unwrap_or(timeout_ms),
                retry: entry.retry.clone().unwrap_or(retry),
                priority: entry.priority,
                serial: entry.serial.then_some(index),
                filtered_by: entry.filter.is_some().then(|| Arc::clone(entry)),
            },
        }
    }
}

impl Route {
    /// True when the settings let the event through; `event` is asked for only when a filter needs it.
    pub(crate) fn accepts<'a>(
        &self,
        event: impl FnOnce() -> Option<&'a objectos_plugin_api::protocol::kernel::Event>,
    ) -> bool {
        match self.filtered_by.as_ref().and_then(|entry| entry.filter.as_ref()) {
            None => true,
            Some(filter) => event().is_some_and(|event| filter.accepts(event)),
        }
    }
}
