//! The bus's configuration, read from `kernel/EventBusConfig` and checked as a whole before anything starts. What the
//! protocol knows and this bus does not do is refused by name, never ignored.
//!
//! What each section means here:
//! * `persistence`: durable events are always stored; that is their guarantee. `enabled` stores transient events as well,
//!   those that `filter` accepts (absent: all of them), so that they can be replayed and reach durable handlers.
//!   `retention` is how many days done events are kept, whether `enabled` or not; without the section it is seven.
//!   `storage` says where done events are kept for so long: `database` is in the event store, where they wait until every
//!   handler had them; `file` is the service `event-archive-file`, `s3` the service `event-archive-s3`, `custom` the
//!   service `event-archive`. See `archive`.
//! * `queue`: `concurrency` durable deliveries at the same time, of which one handler takes at most half while there are
//!   others; `retryPolicy` for handlers without one of their own; `priorityEnabled` serves urgent events first.
//!   `name` and `deadLetterQueue` are labels: there is one queue, and one list of dead letters in the event store.
//! * `replay.enabled`: whether [`EventBus::replay`](super::EventBus::replay) may be used.
//! * `webhooks`: see `webhook`. `eventTypes`: see `event_types`. `handlers`: see [`HandlerOverride`].
//! * `realtime`: events for connected clients, by the service `realtime`; see `clients`.
//! * `eventSourcing`: see `sourcing`. `messageQueue`: refused.

#[cfg(test)]
mod tests;

use objectos_plugin_api::protocol::kernel::{
    EventBusConfig, EventHandler, EventPersistence, EventStorage, EventWebhookConfig, RetryPolicy,
};
use serde_json::Value;
use std::{collections::HashSet, sync::Arc};

use super::{
    archive::ArchiveKind,
    clients::Clients,
    error::EventConfigError,
    event_types::EventTypes,
    filter::EventFilter,
    pattern::Pattern,
    port::HandlerId,
    retry::Backoff,
    sourcing::{Place, Sourcing},
    webhook::Webhook,
};

const RETENTION_DAYS: u64 = 7;

/// Sizes that the protocol leaves open. The defaults suit a server of any size; tests make them small.
#[derive(Clone, Debug)]
pub struct BusLimits {
    /// Transient events that wait for one handler; one publisher may fill half of it.
    pub transient_events_max: usize,
    /// Bytes of them.
    pub transient_bytes_max: usize,
    /// Durable events that wait for the store; one publisher may fill half of it.
    pub buffer_events_max: usize,
    /// Bytes of them.
    pub buffer_bytes_max: usize,
    /// Largest payload of one event, bytes.
    pub payload_bytes_max: usize,
    /// Stored events asked for at once; fewer where they are large, so that they fit into the window.
    pub page_events: u32,
    /// Events that are not done and known to the dispatcher; beyond that it reads no further.
    pub window_events_max: usize,
    /// Bytes of their bodies; beyond that, events that have to wait are read again when their time comes.
    pub window_bytes_max: usize,
    /// How long an event stays with this node without being asked for again, milliseconds.
    pub lease_ms: u64,
    /// How long outcomes are gathered before they are written, milliseconds. What is lost in that time by a crash is
    /// delivered again.
    pub settle_linger_ms: u64,
    /// Outcomes written at once.
    pub settle_events_max: usize,
    /// Limit for one call of the store, milliseconds.
    pub store_call_ms: u64,
    /// Stored events that are looked at for one page of a replay, wanted or not.
    pub replay_looked_at_max: u32,
    /// How long they are looked at for one page, milliseconds. Far below `store_call_ms`, so that no call comes near its limit.
    pub replay_page_ms: u64,
}

impl Default for BusLimits {
    fn default() -> Self {
        Self {
            transient_events_max: 2_048,
            transient_bytes_max: 8 * 1024 * 1024,
            buffer_events_max: 10_000,
            buffer_bytes_max: 32 * 1024 * 1024,
            payload_bytes_max: 1024 * 1024,
            page_events: 1_000,
            window_events_max: 50_000,
            window_bytes_max: 16 * 1024 * 1024,
            lease_ms: 30_000,
            settle_linger_ms: 25,
            settle_events_max: 4_000,
            store_call_ms: 30_000,
            replay_looked_at_max: 20_000,
            replay_page_ms: 1_000,
        }
    }
}

/// The checked configuration.
#[derive(Debug)]
pub struct BusSettings {
    /// Sizes.
    pub limits: BusLimits,
    pub(crate) persist: Option<EventFilter>,
    pub(crate) retention_days: u64,
    pub(crate) archive: Option<ArchiveKind>,
    /// All done events go there, not only those of sourced records.
    pub(crate) archive_all: bool,
    pub(crate) queue_name: String,
    pub(crate) dead_letter_name: Option<String>,
    pub(crate) concurrency: usize,
    pub(crate) priorities: bool,
    pub(crate) retry: Backoff,
    pub(crate) replay: bool,
    pub(crate) webhooks: Vec<Arc<Webhook>>,
    pub(crate) clients: Option<Arc<Clients>>,
    pub(crate) event_types: EventTypes,
    pub(crate) overrides: Vec<Arc<HandlerOverride>>,
    pub(crate) sourcing: Option<Sourcing>,
    notes: Vec<String>,
}

impl Default for BusSettings {
    fn default() -> Self {
        Self::from_config(&EventBusConfig::default()).expect("the default configuration is valid")
    }
}

impl BusSettings {
    /// Checks a configuration.
    ///
    /// # Errors
    /// The first key that cannot be used: `Unsupported` for `eventSourcing.storage` of `eventstore` and for `messageQueue`;
    /// `Invalid` for patterns, filters, templates, schemas, credentials, names, ids, and storages that do not go together.
    pub fn from_config(config: &EventBusConfig) -> Result<Self, EventConfigError> {
        refuse_unsupported(config)?;
        let queue = config.queue.clone().unwrap_or_default();
        let policy = queue.retry_policy.unwrap_or_default();
        let sourcing = Sourcing::compile(config.event_sourcing.as_ref())?;
        let place = sourcing.as_ref().map_or(Place::Store, |sourcing| sourcing.place);
        let archive = archive(config.persistence.as_ref());
        go_together(archive, place)?;
        Ok(Self {
            limits: BusLimits::default(),
            persist: persist(config.persistence.as_ref())?,
            retention_days: config
                .persistence
                .as_ref()
                .map_or(RETENTION_DAYS, |section| section.retention),
            archive: archive.or_else(|| place.archive()),
            archive_all: archive.is_some(),
            queue_name: queue.name,
            dead_letter_name: queue.dead_letter_queue,
            concurrency: usize::try_from(queue.concurrency).unwrap_or(usize::MAX),
            priorities: queue.priority_enabled,
            retry: Backoff::from_policy(&policy),
            replay: config.replay.as_ref().is_none_or(|section| section.enabled),
            webhooks: webhooks(&config.webhooks, &policy)?,
            clients: Clients::compile(config.realtime.as_ref())?.map(Arc::new),
            event_types: EventTypes::compile(&config.event_types)?,
            overrides: overrides(&config.handlers, &policy)?,
            sourcing,
            notes: notes(config),
        })
    }

    /// A configuration with what holds where it says nothing. Sections that do nothing unless they are written stay absent.
    #[must_use]
    pub fn with_defaults(config: &EventBusConfig) -> EventBusConfig {
        let mut whole = config.clone();
        whole.persistence.get_or_insert(EventPersistence {
            enabled: false,
            retention: RETENTION_DAYS,
            filter: None,
            storage: EventStorage::Database,
        });
        let queue = whole.queue.get_or_insert_default();
        queue.retry_policy.get_or_insert_default();
        whole.replay.get_or_insert_default();
        whole
    }

    /// Name of the service that done events are moved to; `None` while they stay in the event store.
    #[must_use]
    pub fn archive_service(&self) -> Option<&'static str> {
        self.archive.map(ArchiveKind::service)
    }

    /// Name of the service that keeps connections to clients, where events are pushed to them.
    #[must_use]
    pub fn clients_service(&self) -> Option<&'static str> {
        self.clients.as_ref().map(|_| Clients::SERVICE)
    }

    /// Name of the service that events and snapshots of sourced records are moved to; `None` while they stay in the
    /// event store.
    #[must_use]
    pub fn streams_service(&self) -> Option<&'static str> {
        self.sourcing.as_ref().and_then(|sourcing| sourcing.place.service())
    }

    /// Services that a storage asks for and that are nobody's as a matter of course, each with the key and value that
    /// ask.
    pub(crate) fn needed_services(&self) -> Vec<(&'static str, &'static str)> {
        let mut needed = Vec::new();
        if self.archive_all && self.archive == Some(ArchiveKind::S3) {
            needed.push(("persistence.storage: s3", ArchiveKind::S3.service()));
        }
        let place = self.sourcing.as_ref().map_or(Place::Store, |sourcing| sourcing.place);
        let key = match place {
            Place::Store => return needed,
            Place::File => "eventSourcing.storage: {type: file}",
            Place::S3 => "eventSourcing.storage: {type: s3}",
        };
        let archive = self.archive.map(ArchiveKind::service).filter(|_| !self.archive_all);
        needed.extend(place.service().into_iter().chain(archive).map(|service| (key, service)));
        needed
    }

    /// What the operator should know about sections that have no effect on the bus itself.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

fn refuse_unsupported(config: &EventBusConfig) -> Result<(), EventConfigError> {
    if let Some(broker) = &config.message_queue {
        return Err(EventConfigError::Unsupported {
            key: "messageQueue".to_owned(),
            what: format!("the foreign broker {}", plain(&broker.provider)),
            hint: "remove the section; a webhook, or a plugin with a durable event handler, passes events on",
        });
    }
    Ok(())
}

/// Where done events go; `None` while they stay in the event store. Until they are done they are there in any case.
fn archive(section: Option<&EventPersistence>) -> Option<ArchiveKind> {
    match section.map_or(EventStorage::Database, |section| section.storage) {
        EventStorage::Database => None,
        EventStorage::File => Some(ArchiveKind::File),
        EventStorage::S3 => Some(ArchiveKind::S3),
        EventStorage::Custom => Some(ArchiveKind::Custom),
    }
}

/// Streams in files of one host are not there for others on the same database. Whoever keeps the archive in files
/// knows whether there may be others, and takes nothing then; beside another archive nobody would say so.
fn go_together(archive: Option<ArchiveKind>, place: Place) -> Result<(), EventConfigError> {
    let known = matches!(archive, None | Some(ArchiveKind::File));
    if place != Place::File || known {
        return Ok(());
    }
    Err(EventConfigError::invalid(
        "eventSourcing.storage.type",
        "file goes together with persistence.storage file or database; write database or s3, or change persistence.storage",
    ))
}

/// A value of an enum as it is written.
pub(crate) fn plain(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => text,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

fn persist(section: Option<&EventPersistence>) -> Result<Option<EventFilter>, EventConfigError> {
    let Some(section) = section.filter(|section| section.enabled) else {
        return Ok(None);
    };
    let filter = section
        .filter
        .as_ref()
        .map_or(Ok(EventFilter::Names(vec![Pattern::All])), EventFilter::compile);
    filter
        .map(Some)
        .map_err(|problem| EventConfigError::invalid("persistence.filter", problem))
}

fn webhooks(entries: &[EventWebhookConfig], policy: &RetryPolicy) -> Result<Vec<Arc<Webhook>>, EventConfigError> {
    let mut ids = HashSet::new();
    let mut webhooks = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let place = format!("webhooks[{index}]");
        let webhook = Webhook::compile(&place, entry, policy)?;
        if !ids.insert(webhook.id.clone()) {
            return Err(EventConfigError::invalid(
                format!("{place}.id"),
                format!(
                    "another webhook has the id {}; give this one an id of its own",
                    webhook.id.name()
                ),
            ));
        }
        if entry.enabled {
            webhooks.push(Arc::new(webhook));
        }
    }
    Ok(webhooks)
}

fn notes(config: &EventBusConfig) -> Vec<String> {
    let mut notes = Vec::new();
    if config
        .queue
        .as_ref()
        .is_some_and(|queue| queue.dead_letter_queue.is_some())
    {
        notes
            .push("queue.deadLetterQueue is a label; dead letters are kept in the event store, in one list".to_owned());
    }
    notes
}

/// An entry of `handlers`: settings for handlers that plugins register, for the events that it names.
///
/// * `handler` says whose: `plugin/name`, `plugin/*`, or `*`. `eventName` says for which events.
/// * `priority`: among handlers of events that are equally urgent, lower ones are served first. 0 without an entry.
/// * `async: false`: the handler takes its events strictly one after the other, whatever their keys: each waits until it
///   had the one before (or that was given up). `true`: only events of one key wait for each other. The publisher
///   never waits for handlers in either case. Transient handlers take one event at a time anyway.
/// * `retry` (durable only), `timeoutMs`, and `filter` (see `filter`): events that it does not accept are skipped.
///
/// The first entry that fits a handler and an event holds; entries are not merged.
#[derive(Debug)]
pub(crate) struct HandlerOverride {
    pub(crate) place: String,
    pub(crate) pattern: Pattern,
    pub(crate) selector: Selector,
    pub(crate) priority: i64,
    pub(crate) serial: bool,
    pub(crate) retry: Option<Backoff>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) filter: Option<EventFilter>,
}

/// Which handlers an entry is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selector {
    All,
    Plugin(String),
    One(String),
}

impl Selector {
    fn parse(value: &Value) -> Result<Self, String> {
        let text = value.as_str().unwrap_or_default();
        match text.split_once('/') {
            None if text == "*" => Ok(Self::All),
            Some((plugin, "*")) if !plugin.is_empty() => Ok(Self::Plugin(plugin.to_owned())),
            Some((plugin, name)) if !plugin.is_empty() && !name.is_empty() => Ok(Self::One(text.to_owned())),
            _ => Err(format!(
                "{value} names no handler; write `plugin/name`, `plugin/*` for all of a plugin, or `*`"
            )),
        }
    }

    pub(crate) fn selects(&self, id: &HandlerId) -> bool {
        match self {
            Self::All => true,
            Self::Plugin(plugin) => id.plugin() == plugin,
            Self::One(full) => id.as_str() == full,
        }
    }
}

fn overrides(entries: &[EventHandler], policy: &RetryPolicy) -> Result<Vec<Arc<HandlerOverride>>, EventConfigError> {
    let mut ids = HashSet::new();
    entries
        .iter()
        .enumerate()
        .map(|(index, entry)| {
            let place = format!("handlers[{index}]");
            let invalid = |key: &str, problem: String| EventConfigError::invalid(format!("{place}.{key}"), problem);
            if let Some(id) = &entry.id
                && !ids.insert(id.as_str())
            {
                return Err(invalid("id", format!("another entry has the id {id}; remove one")));
            }
            let filter = match &entry.filter {
                None => None,
                Some(filter) => Some(EventFilter::compile(filter).map_err(|problem| invalid("filter", problem))?),
            };
            Ok(Arc::new(HandlerOverride {
                pattern: Pattern::parse(&entry.event_name).map_err(|problem| invalid("eventName", problem))?,
                selector: Selector::parse(&entry.handler).map_err(|problem| invalid("handler", problem))?,
                priority: entry.priority,
                serial: !entry.asynchronous,
                retry: entry.retry.as_ref().map(|retry| Backoff::from_handler(retry, policy)),
                timeout_ms: entry.timeout_ms,
                filter,
                place,
            }))
        })
        .collect()
}
