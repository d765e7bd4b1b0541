//! What the bus asks of the kernel around it: the durable store (service `event-store`), the archive of done events (service
//! `event-archive`, `event-archive-file` or `event-archive-s3`), the streams of sourced records outside of the store
//! (service `event-streams-file` or `event-streams-s3`), outgoing HTTP (service `http-client`), connected clients (service
//! `realtime`) and the handlers of plugins. Implemented by the kernel with service calls, and by tests with models.
//!
//! A port answers [`ErrorKind::Unavailable`](objectos_plugin_api::ErrorKind) when nobody is there to ask: the bus then
//! waits and asks again, and counts no failure. Dropping a future is the cancellation of what was asked.

use objectos_plugin_api::{
    Context, Result,
    contracts::{
        event_store::{
            Aggregate, AggregatePage, AggregateRequest, DeadLetterRequest, DoneEvent, DoneRequest, DueRequest,
            EventToStore, KeepRequest, PendingRequest, PruneRequest, RangePage, RangePageRequest, SettleRequest,
            StoredEvent,
        },
        http_client::{IncomingAnswer, OutgoingRequest},
        realtime::PushRequest,
    },
    protocol::kernel::DeadLetterQueueEntry,
};
use std::{fmt, future::Future, pin::Pin, sync::Arc};

/// The answer of a port.
pub type PortFuture<T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'static>>;

/// The durable store. What the bus relies on beyond the contract `event-store`:
/// * `append` is all or none, and keeps the order.
/// * `pending` leaves out events of a key of which another node holds an earlier one, else their order would be lost. So it
///   does where an earlier one lies before the page that this node was never given: it became visible late, where there are
///   several writers.
/// * `settle` is one transaction, and doing it twice is doing it once (a dead letter of a known id is not doubled):
///   a settlement whose answer got lost is sent again.
/// * What it cannot do at all it answers with `NotImplemented`.
pub trait EventStorePort: Send + Sync + 'static {
    /// Stores events in order, all or none; answers their sequences.
    fn append(&self, events: Vec<EventToStore>) -> PortFuture<Vec<u64>>;
    /// Claims events that are not done, in order of sequence, and renews the lease of those this node has already.
    fn pending(&self, request: PendingRequest) -> PortFuture<Vec<StoredEvent>>;
    /// Writes down what became of events.
    fn settle(&self, request: SettleRequest) -> PortFuture<()>;
    /// Reads events again, done or not, as far as one call should.
    fn range_page(&self, request: RangePageRequest) -> PortFuture<RangePage>;
    /// Reads or removes dead letters, latest first.
    fn dead_letters(&self, request: DeadLetterRequest) -> PortFuture<Vec<DeadLetterQueueEntry>>;
    /// Forgets done events stored before this time, milliseconds since 1970; answers how many.
    fn prune(&self, before_ms: i64) -> PortFuture<u64>;
    /// Reads what is kept of a record.
    fn aggregate(&self, request: AggregateRequest) -> PortFuture<AggregatePage>;
    /// Records of which a snapshot is due.
    fn aggregates_due(&self, request: DueRequest) -> PortFuture<Vec<Aggregate>>;
    /// Stores snapshots.
    fn keep_snapshots(&self, request: KeepRequest) -> PortFuture<()>;
    /// Forgets done events, those of records later than others; answers how many.
    fn prune_but_aggregates(&self, request: PruneRequest) -> PortFuture<u64>;
    /// Reads done events that may be forgotten, in order of sequence.
    fn done(&self, request: DoneRequest) -> PortFuture<Vec<DoneEvent>>;
    /// Forgets done events that the archive has; answers how many.
    fn forget_done(&self, sequences: Vec<u64>) -> PortFuture<u64>;
}

/// The archive of done events. What the bus relies on beyond the contract `event-archive`: after an answer of `append` the
/// events outlive a crash.
pub trait EventArchivePort: Send + Sync + 'static {
    /// Keeps events; the same ones may come again.
    fn append(&self, events: Vec<DoneEvent>) -> PortFuture<()>;
    /// Reads events, in order of sequence, as far as one call should.
    fn range_page(&self, request: RangePageRequest) -> PortFuture<RangePage>;
    /// Forgets events stored before this time, milliseconds since 1970; answers how many entries.
    fn prune(&self, before_ms: i64) -> PortFuture<u64>;
}

/// Events and snapshots of sourced records outside of the store. What the bus relies on beyond the contract
/// `event-streams`: after an answer of `append` the events outlive a crash.
pub trait EventStreamsPort: Send + Sync + 'static {
    /// Keeps events of records; the same ones may come again.
    fn append(&self, events: Vec<DoneEvent>) -> PortFuture<()>;
    /// Reads what is kept of a record.
    fn page(&self, request: AggregateRequest) -> PortFuture<AggregatePage>;
    /// Those of the named records of which a snapshot is due.
    fn due(&self, request: DueRequest) -> PortFuture<Vec<Aggregate>>;
    /// Stores snapshots.
    fn keep_snapshots(&self, request: KeepRequest) -> PortFuture<()>;
    /// Forgets old events, and keeps what they led to; answers how many.
    fn prune(&self, request: PruneRequest) -> PortFuture<u64>;
}

/// Outgoing HTTP, for webhooks.
pub trait WebhookPort: Send + Sync + 'static {
    /// Sends a request; any status is an answer.
    fn send(&self, request: OutgoingRequest) -> PortFuture<IncomingAnswer>;
}

/// Clients that keep a connection.
pub trait ClientsPort: Send + Sync + 'static {
    /// Hands an event on; answers for how many connections it waits.
    fn push(&self, request: PushRequest) -> PortFuture<u64>;
}

/// The handlers of plugins.
pub trait HandlerPort: Send + Sync + 'static {
    /// Calls one handler with one event (`kernel/Event` as JSON), or with several of one key, in their order, where it takes them
    /// together. The context carries request id, user, tenant and a deadline, but no principal: a handler that wants more rights
    /// than nobody acts as the system. The bus drops the future at the deadline by its own clock.
    fn deliver(&self, handler: &HandlerId, events: &[Arc<[u8]>], context: Context) -> PortFuture<()>;
}

/// Who handles an event. Displayed as `plugin/name`, the id under which progress and dead letters are kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HandlerId {
    full: Arc<str>,
    slash: usize,
}

impl HandlerId {
    /// The handler `name` of the plugin `plugin`.
    #[must_use]
    pub fn new(plugin: &str, name: &str) -> Self {
        Self {
            full: format!("{plugin}/{name}").into(),
            slash: plugin.len(),
        }
    }

    /// Id of the plugin; `webhook` for a webhook.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.full[..self.slash]
    }

    /// The plugin's name for it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.full[self.slash + 1..]
    }

    /// `plugin/name`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.full
    }
}

impl fmt::Display for HandlerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.full)
    }
}
