//! The kernel as a caller of services, and as the bus's way to the event store, archive and streams, to outgoing
//! HTTP, to connected clients and to handlers.

use objectos_plugin_api::{
    Context, Error as PluginError, ErrorKind, Result,
    contracts::{
        event_store::{
            Aggregate, AggregatePage, AggregateRequest, DeadLetterRequest, DoneEvent, DoneRequest, DueRequest,
            EventToStore, KeepRequest, PendingRequest, PruneRequest, RangePage, RangePageRequest, SettleRequest,
            StoredEvent,
        },
        http_client::{IncomingAnswer, OutgoingRequest},
        realtime::PushRequest,
    },
    private::{
        abi_stable::std_types::{RResult, RSlice, RStr},
        decode_answer, encode,
    },
};
use objectos_protocol::kernel::DeadLetterQueueEntry;
use semver::VersionReq;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    borrow::Cow,
    sync::{Arc, Weak},
};
use tokio::runtime::Handle;

use super::core::Core;
use crate::{
    events::{
        ClientsPort, EventArchivePort, EventStorePort, EventStreamsPort, HandlerId, HandlerPort, PortFuture,
        WebhookPort,
    },
    instance::{
        call::Call,
        cell::{CellState, PluginCell},
    },
    services::{Caller, ServiceReference},
};

pub(crate) const EVENT_STORE: &str = "event-store";
const HTTP_CLIENT: &str = "http-client";

/// A service that the kernel calls, as the system.
#[derive(Clone, Debug)]
pub(crate) struct KernelClient {
    executor: Handle,
    caller: Arc<Caller>,
    reference: Arc<ServiceReference>,
    name: &'static str,
}

impl KernelClient {
    pub(crate) fn event_store(core: &Core) -> Self {
        Self::open(core, EVENT_STORE)
    }

    /// The archive of done events that the configuration names.
    pub(crate) fn event_archive(core: &Core, name: &'static str) -> Self {
        Self::open(core, name)
    }

    /// The streams of sourced records, where the configuration says they are.
    pub(crate) fn event_streams(core: &Core, name: &'static str) -> Self {
        Self::open(core, name)
    }

    pub(crate) fn http_client(core: &Core) -> Self {
        Self::open(core, HTTP_CLIENT)
    }

    /// Whoever keeps connections to clients.
    pub(crate) fn clients(core: &Core, name: &'static str) -> Self {
        Self::open(core, name)
    }

    fn open(core: &Core, name: &'static str) -> Self {
        let range = VersionReq::parse("^1").expect("a caret and a number are a range");
        let reference = Arc::new(ServiceReference::new(core.services.slot(name), range));
        Self {
            executor: core.executor.clone(),
            caller: Arc::clone(&core.caller),
            reference,
            name,
        }
    }

    fn ask<T>(&self, method: &'static str, request: &impl Serialize) -> PortFuture<T>
    where
        T: DeserializeOwned + 'static,
    {
        let name = self.name;
        let payload = match encode(name, method, request) {
            Ok(payload) => payload,
            Err(error) => return Box::pin(async move { Err(error) }),
        };
        let context = Context::background().as_system();
        let future = self.reference.start_here(
            &self.executor,
            &self.caller,
            RStr::from_str(method),
            &context.raw(),
            RSlice::from_slice(&payload),
        );
        Box::pin(async move {
            match future.answer().await {
                RResult::ROk(bytes) => decode_answer(name, method, bytes.as_slice()),
                RResult::RErr(error) => Err(PluginError::from_raw(&error)),
            }
        })
    }
}

impl KernelClient {
    /// A page of events. A provider of before there were pages reads on until it has enough.
    fn page(&self, request: RangePageRequest) -> PortFuture<RangePage> {
        let page: PortFuture<RangePage> = self.ask("range_page", &request);
        let client = self.clone();
        Box::pin(async move {
            match page.await {
                Err(error) if error.kind() == ErrorKind::NotImplemented => {}
                answered => return answered,
            }
            let events: PortFuture<Vec<StoredEvent>> = client.ask("range", &request.range);
            Ok(RangePage::of_range(events.await?, request.range.limit))
        })
    }
}

impl EventStorePort for KernelClient {
    fn append(&self, events: Vec<EventToStore>) -> PortFuture<Vec<u64>> {
        self.ask("append", &events)
    }

    fn pending(&self, request: PendingRequest) -> PortFuture<Vec<StoredEvent>> {
        self.ask("pending", &request)
    }

    fn settle(&self, request: SettleRequest) -> PortFuture<()> {
        self.ask("settle", &request)
    }

    fn range_page(&self, request: RangePageRequest) -> PortFuture<RangePage> {
        self.page(request)
    }

    fn dead_letters(&self, request: DeadLetterRequest) -> PortFuture<Vec<DeadLetterQueueEntry>> {
        self.ask("dead_letters", &request)
    }

    fn prune(&self, before_ms: i64) -> PortFuture<u64> {
        self.ask("prune", &before_ms)
    }

    fn aggregate(&self, request: AggregateRequest) -> PortFuture<AggregatePage> {
        self.ask("aggregate", &request)
    }

    fn aggregates_due(&self, request: DueRequest) -> PortFuture<Vec<Aggregate>> {
        self.ask("aggregates_due", &request)
    }

    fn keep_snapshots(&self, request: KeepRequest) -> PortFuture<()> {
        self.ask("keep_snapshots", &request)
    }

    fn prune_but_aggregates(&self, request: PruneRequest) -> PortFuture<u64> {
        self.ask("prune_but_aggregates", &request)
    }

    fn done(&self, request: DoneRequest) -> PortFuture<Vec<DoneEvent>> {
        self.ask("done", &request)
    }

    fn forget_done(&self, sequences: Vec<u64>) -> PortFuture<u64> {
        self.ask("forget_done", &sequences)
    }
}

impl EventArchivePort for KernelClient {
    fn append(&self, events: Vec<DoneEvent>) -> PortFuture<()> {
        self.ask("append", &events)
    }

    fn range_page(&self, request: RangePageRequest) -> PortFuture<RangePage> {
        self.page(request)
    }

    fn prune(&self, before_ms: i64) -> PortFuture<u64> {
        self.ask("prune", &before_ms)
    }
}

impl EventStreamsPort for KernelClient {
    fn append(&self, events: Vec<DoneEvent>) -> PortFuture<()> {
        self.ask("append", &events)
    }

    fn page(&self, request: AggregateRequest) -> PortFuture<AggregatePage> {
        self.ask("page", &request)
    }

    fn due(&self, request: DueRequest) -> PortFuture<Vec<Aggregate>> {
        self.ask("due", &request)
    }

    fn keep_snapshots(&self, request: KeepRequest) -> PortFuture<()> {
        self.ask("keep_snapshots", &request)
    }

    fn prune(&self, request: PruneRequest) -> PortFuture<u64> {
        self.ask("prune", &request)
    }
}

impl WebhookPort for KernelClient {
    fn send(&self, request: OutgoingRequest) -> PortFuture<IncomingAnswer> {
        self.ask("send", &request)
    }
}

impl ClientsPort for KernelClient {
    fn push(&self, request: PushRequest) -> PortFuture<u64> {
        self.ask("push", &request)
    }
}

/// The handlers of plugins, as the bus reaches them.
#[derive(Debug)]
pub(crate) struct Handlers(pub(crate) Weak<Core>);

impl HandlerPort for Handlers {
    fn deliver(&self, handler: &HandlerId, events: &[Arc<[u8]>], context: Context) -> PortFuture<()> {
        let begun = match self.0.upgrade() {
            Some(core) => deliver(&core, handler, events, &context),
            None => Err(PluginError::unavailable("the kernel is gone")),
        };
        match begun {
            Ok(call) => Box::pin(async move {
                let Some(call) = call else { return Ok(()) };
                match call.await {
                    RResult::ROk(_) => Ok(()),
                    RResult::RErr(error) => Err(PluginError::from_raw(&error)),
                }
            }),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// Starts a delivery; `None` when the operator denies the plugin these events, which then count as had.
fn deliver(core: &Core, handler: &HandlerId, events: &[Arc<[u8]>], context: &Context) -> Result<Option<Call>> {
    let gone = || PluginError::unavailable("the event handler is not available at the moment");
    let record = core.record(handler.plugin()).map_err(|_| gone())?;
    let cell: &PluginCell = &record.cell;
    let instance = match &**cell.load() {
        CellState::Running(instance) => Arc::clone(instance),
        CellState::Held(_) => return Err(gone()),
        CellState::Down(down) => return Err(cell.unavailable(down)),
    };
    let index = instance.registered().event(handler.name()).ok_or_else(gone)?;
    let candidate = record.candidate();
    let mut admitted: Vec<&[u8]> = Vec::with_capacity(events.len());
    for event in events {
        // A pattern may be wider than a name that the operator denies.
        let named: Named<'_> = serde_json::from_slice(event)?;
        if candidate.grants.may_handle_event(&named.name) {
            admitted.push(event);
        }
    }
    let together_max = instance.registered().together_max(index);
    if admitted.len() > together_max {
        // The library was exchanged for one that takes fewer; they come one by one now.
        let text = format!(
            "{} events came together, and the handler takes {together_max}",
            admitted.len()
        );
        return Err(PluginError::internal(text));
    }
    let mut raw = context.raw();
    raw.flags |= cell.chain_bit;
    let call = |event: &[u8]| instance.event(index, &raw, RSlice::from_slice(event));
    Ok(match admitted[..] {
        [] => None,
        [event] => Some(call(event)),
        _ => Some(call(&[&b"["[..], &admitted.join(&b','), b"]"].concat())),
    })
}
