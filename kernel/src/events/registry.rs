//! The handlers that are registered, by plugin. Every change builds a new routing table.

use objectos_plugin_api::{Error, Result};
use std::{collections::HashSet, sync::Arc};

use super::{
    clients,
    delivery::Target,
    metrics::HandlerCounters,
    pattern::Pattern,
    port::HandlerId,
    routing::{Handler, RoutingTable},
    shared::Shared,
    transient::TransientQueue,
    webhook,
};

/// A handler as a plugin registers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandlerSpec {
    /// Stable name; progress and dead letters are kept under `plugin/name`.
    pub name: String,
    /// Exact name, `prefix.*` or `*`.
    pub pattern: String,
    /// At least once, ordered by key, retried; else best effort.
    pub durable: bool,
    /// Limit for one event, milliseconds; `handlers[].timeoutMs` of the configuration goes before it.
    pub timeout_ms: u64,
    /// How many events of one key it takes in one call, 1 at least; of a durable handler.
    pub together_max: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    handlers: Vec<Arc<Handler>>,
    next_number: u32,
}

/// What a change did.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// New transient handlers, which need a worker.
    pub(crate) new_transient: Vec<Arc<Handler>>,
    /// Handlers that are gone.
    pub(crate) removed: Vec<u32>,
    /// Handlers that stood for the plugin while it was only expected.
    pub(crate) came: Vec<u32>,
}

impl Registry {
    fn add(&mut self, target: Target, pattern: Pattern, spec: Added) -> Arc<Handler> {
        let handler = Arc::new(Handler {
            number: self.next_number,
            target,
            pattern,
            timeout_ms: spec.timeout_ms.max(1),
            together_max: spec.together_max.max(1),
            queue: spec.queue,
            retry: spec.retry,
            counters: Arc::new(HandlerCounters::default()),
        });
        self.next_number += 1;
        self.handlers.push(Arc::clone(&handler));
        handler
    }
}

/// What a handler has beside target and pattern.
#[derive(Default)]
struct Added {
    timeout_ms: u64,
    together_max: usize,
    queue: Option<Arc<TransientQueue>>,
    retry: Option<super::retry::Backoff>,
}

impl Shared {
    /// Registers the webhooks of the configuration.
    pub(crate) fn add_webhooks(&self) {
        let mut registry = self.registry.lock();
        for webhook in &self.settings.webhooks {
            let added = Added {
                timeout_ms: webhook.timeout_ms,
                together_max: 1,
                queue: None,
                retry: Some(webhook.retry.clone()),
            };
            registry.add(Target::Webhook(Arc::clone(webhook)), webhook.pattern.clone(), added);
        }
        self.rebuild(&registry);
    }

    /// Registers the connected clients of the configuration; answers the handler, which needs a worker.
    pub(crate) fn add_clients(&self) -> Option<Arc<Handler>> {
        let clients = self.settings.clients.as_ref()?;
        let limits = &self.settings.limits;
        let mut registry = self.registry.lock();
        let added = Added {
            timeout_ms: clients.timeout_ms,
            together_max: 1,
            queue: Some(Arc::new(TransientQueue::new(
                limits.transient_events_max,
                limits.transient_bytes_max,
            ))),
            retry: None,
        };
        let handler = registry.add(Target::Clients(Arc::clone(clients)), clients.pattern.clone(), added);
        self.rebuild(&registry);
        Some(handler)
    }

    /// Puts the handlers of a plugin in the place of those it had. Handlers that stay keep their queue and progress.
    ///
    /// # Errors
    /// `Invalid` for a pattern or a name that cannot be, or a name that is there twice; nothing changes then.
    pub(crate) fn replace_handlers(&self, plugin: &str, specs: &[HandlerSpec]) -> Result<Change> {
        let patterns = check(plugin, specs)?;
        let limits = &self.settings.limits;
        let mut registry = self.registry.lock();
        let (before, others): (Vec<_>, Vec<_>) = registry
            .handlers
            .drain(..)
            .partition(|handler| handler.target.id().plugin() == plugin);
        registry.handlers = others;
        let mut change = Change::default();
        let mut kept = HashSet::new();
        for (spec, pattern) in specs.iter().zip(patterns) {
            let same = before.iter().find(|handler| {
                matches!(handler.target, Target::Plugin(_))
                    && handler.target.id().name() == spec.name
                    && handler.queue.is_none() == spec.durable
            });
            if let Some(same) = same {
                kept.insert(same.number);
                registry.handlers.push(Arc::new(Handler {
                    number: same.number,
                    target: same.target.clone(),
                    pattern,
                    timeout_ms: spec.timeout_ms.max(1),
                    together_max: spec.together_max.max(1),
                    queue: same.queue.clone(),
                    retry: None,
                    counters: Arc::clone(&same.counters),
                }));
                continue;
            }
            let queue = (!spec.durable).then(|| {
                Arc::new(TransientQueue::new(
                    limits.transient_events_max,
                    limits.transient_bytes_max,
                ))
            });
            let is_transient = queue.is_some();
            let added = Added {
                timeout_ms: spec.timeout_ms,
                together_max: spec.together_max,
                queue,
                retry: None,
            };
            let handler = registry.add(Target::Plugin(HandlerId::new(plugin, &spec.name)), pattern, added);
            if is_transient {
                change.new_transient.push(handler);
            }
        }
        for handler in before.iter().filter(|handler| !kept.contains(&handler.number)) {
            if let Some(queue) = &handler.queue {
                queue.close();
            }
            match handler.target {
                Target::Expected(_) => change.came.push(handler.number),
                Target::Plugin(_) | Target::Webhook(_) | Target::Clients(_) => change.removed.push(handler.number),
            }
        }
        self.rebuild(&registry);
        Ok(change)
    }

    /// Holds durable events back that a plugin may want which has not registered yet.
    ///
    /// # Errors
    /// `Invalid` for a pattern that cannot be.
    pub(crate) fn expect_handlers(&self, plugin: &str, patterns: &[String]) -> Result<()> {
        let parsed: Vec<Pattern> = patterns
            .iter()
            .map(|pattern| Pattern::parse(pattern).map_err(Error::invalid))
            .collect::<Result<_>>()?;
        let mut registry = self.registry.lock();
        if registry
            .handlers
            .iter()
            .any(|handler| handler.target.id().plugin() == plugin)
        {
            return Ok(());
        }
        for pattern in parsed {
            let id = HandlerId::new(plugin, &pattern.to_string());
            registry.add(Target::Expected(id), pattern, Added::default());
        }
        self.rebuild(&registry);
        Ok(())
    }

    /// Takes out all handlers of a plugin.
    pub(crate) fn remove_handlers(&self, plugin: &str) -> Vec<u32> {
        self.remove_where(|handler| handler.target.id().plugin() == plugin)
    }

    /// Takes out one handler.
    pub(crate) fn retire(&self, number: u32) {
        self.remove_where(|handler| handler.number == number);
    }

    /// Numbers of the handlers of a plugin.
    pub(crate) fn numbers_of(&self, plugin: &str) -> Vec<u32> {
        let table = self.table.load();
        let of_plugin = table
            .handlers
            .iter()
            .filter(|handler| handler.target.id().plugin() == plugin);
        of_plugin.map(|handler| handler.number).collect()
    }

    /// Ends the queues of all transient handlers.
    pub(crate) fn close_queues(&self) {
        for queue in self
            .registry
            .lock()
            .handlers
            .iter()
            .filter_map(|handler| handler.queue.as_ref())
        {
            queue.close();
        }
    }

    fn remove_where(&self, is_meant: impl Fn(&Handler) -> bool) -> Vec<u32> {
        let mut registry = self.registry.lock();
        let (gone, left): (Vec<_>, Vec<_>) = registry.handlers.drain(..).partition(|handler| is_meant(handler));
        registry.handlers = left;
        for queue in gone.iter().filter_map(|handler| handler.queue.as_ref()) {
            queue.close();
        }
        self.rebuild(&registry);
        gone.iter().map(|handler| handler.number).collect()
    }

    fn rebuild(&self, registry: &Registry) {
        self.table.store(Arc::new(RoutingTable::new(
            Arc::clone(&self.settings),
            registry.handlers.clone(),
        )));
    }
}

fn check(plugin: &str, specs: &[HandlerSpec]) -> Result<Vec<Pattern>> {
    if plugin == webhook::PLUGIN || plugin == clients::PLUGIN || plugin.is_empty() || plugin.contains('/') {
        return Err(Error::invalid(format!(
            "`{plugin}` cannot be the id of a plugin with event handlers"
        )));
    }
    let mut names = HashSet::new();
    specs
        .iter()
        .map(|spec| {
            if spec.name.is_empty() || !names.insert(spec.name.as_str()) {
                let problem = if spec.name.is_empty() {
                    "has no name"
                } else {
                    "is registered twice; rename one"
                };
                return Err(Error::invalid(format!(
                    "the event handler {plugin}/{} {problem}",
                    spec.name
                )));
            }
            Pattern::parse(&spec.pattern)
                .map_err(|problem| Error::invalid(format!("the event handler {plugin}/{}: {problem}", spec.name)))
        })
        .collect()
}
