//! Models of what the bus asks for: the store as its contract describes it, handlers by a script, and an HTTP client.

use objectos_kernel::{
    clock::{Clock, ManualClock},
    events::{EventStorePort, HandlerId, HandlerPort, Pattern, PortFuture, WebhookPort},
};
use objectos_plugin_api::{
    Context, Error, ErrorKind, Result,
    contracts::{
        event_store::{
            Aggregate, AggregatePage, AggregateRequest, DeadLetterRequest, Delivery, DeliveryState, DoneEvent,
            DoneRequest, DueRequest, EventToStore, KeepRequest, PendingRequest, PruneRequest, RangePage,
            RangePageRequest, SettleRequest, StoredEvent,
        },
        http_client::{IncomingAnswer, OutgoingRequest},
    },
    protocol::kernel::{DeadLetterQueueEntry, Event},
};
use parking_lot::Mutex;

use super::model_aggregates::{Aggregates, aggregate_of, wanted};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

/// What goes wrong with a call of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is done, the answer is an error.
    Refuse(ErrorKind),
    /// Everything is done, and still the answer is an error.
    LoseAnswer(ErrorKind),
    /// Nothing is done, and no answer comes.
    Hang,
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) stored: StoredEvent,
    pub(crate) stored_at_ms: i64,
    pub(crate) done: bool,
    node: String,
    lease_until_ms: i64,
}

impl Row {
    /// As it was before it was moved.
    pub(super) fn of(done: &DoneEvent) -> Self {
        Self {
            stored: StoredEvent {
                sequence: done.sequence,
                key: done.key.clone(),
                event: done.event.clone(),
                deliveries: Vec::new(),
            },
            stored_at_ms: done.stored_at_ms,
            done: true,
            node: String::new(),
            lease_until_ms: 0,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct StoreState {
    pub(crate) rows: BTreeMap<u64, Row>,
    pub(crate) dead: Vec<DeadLetterQueueEntry>,
    /// Names of the methods that were called.
    pub(crate) calls: Vec<&'static str>,
    pub(crate) settlements: Vec<SettleRequest>,
    /// How many events each look asked for.
    pub(crate) asked: Vec<u32>,
    pub(crate) away: bool,
    pub(crate) faults: HashMap<usize, Fault>,
    /// It is a store of before there were aggregates.
    pub(crate) without_aggregates: bool,
    pub(crate) aggregates: Aggregates,
    last: u64,
}

/// A store. Clones share one state, as two kernels share a database.
#[derive(Clone, Debug)]
pub(crate) struct ModelStore {
    pub(crate) state: Arc<Mutex<StoreState>>,
    clock: ManualClock,
}

impl ModelStore {
    pub(crate) fn new(clock: &ManualClock) -> Self {
        Self {
            state: Arc::default(),
            clock: clock.clone(),
        }
    }

    /// Stores events as the plugin that owns the database does, without the bus.
    pub(crate) fn write(&self, events: impl IntoIterator<Item = (Event, String)>) -> Vec<u64> {
        let items = events
            .into_iter()
            .map(|(event, key)| EventToStore { event, key })
            .collect();
        self.state.lock().append(items, self.clock.now_ms())
    }

    pub(crate) fn calls(&self, name: &str) -> usize {
        self.state.lock().calls.iter().filter(|call| **call == name).count()
    }

    /// Ids of all events.
    pub(crate) fn ids(&self) -> Vec<String> {
        let state = self.state.lock();
        let ids = state.rows.values().map(|row| row.stored.event.id.clone());
        ids.map(Option::unwrap_or_default).collect()
    }

    /// Ids of events that are not done.
    pub(crate) fn open_ids(&self) -> Vec<String> {
        let state = self.state.lock();
        let open = state.rows.values().filter(|row| !row.done);
        open.map(|row| row.stored.event.id.clone().unwrap_or_default())
            .collect()
    }

    fn call<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&mut StoreState, i64) -> T + Send + 'static,
    ) -> PortFuture<T> {
        let model = self.clone();
        Box::pin(async move {
            let fault = {
                let mut state = model.state.lock();
                if state.away {
                    return Err(Error::unavailable("no provider"));
                }
                state.calls.push(name);
                let number = state.calls.len();
                state.faults.remove(&number)
            };
            // A store takes its time: others run in between.
            tokio::task::yield_now().await;
            match fault {
                None => Ok(work(&mut model.state.lock(), model.clock.now_ms())),
                Some(Fault::Refuse(kind)) => Err(Error::new(kind, "refused by the test")),
                Some(Fault::LoseAnswer(kind)) => {
                    work(&mut model.state.lock(), model.clock.now_ms());
                    Err(Error::new(kind, "the answer was lost by the test"))
                }
                Some(Fault::Hang) => std::future::pending().await,
            }
        })
    }
}

impl StoreState {
    fn append(&mut self, events: Vec<EventToStore>, now_ms: i64) -> Vec<u64> {
        events
            .into_iter()
            .map(|EventToStore { event, key }| {
                self.last += 1;
                let stored = StoredEvent {
                    sequence: self.last,
                    key,
                    event,
                    deliveries: Vec::new(),
                };
                let row = Row {
                    stored,
                    stored_at_ms: now_ms,
                    done: false,
                    node: String::new(),
                    lease_until_ms: 0,
                };
                self.rows.insert(self.last, row);
                self.last
            })
            .collect()
    }

    fn pending(&mut self, request: &PendingRequest, now_ms: i64) -> Vec<StoredEvent> {
        self.asked.push(request.limit);
        let mut foreign_keys = Vec::new();
        let mut page = Vec::new();
        for row in self.rows.values_mut().filter(|row| !row.done) {
            let others = row.lease_until_ms > now_ms || row.stored.sequence <= request.after;
            let foreign = row.node != request.node && others;
            if foreign || foreign_keys.contains(&row.stored.key) {
                if !row.stored.key.is_empty() {
                    foreign_keys.push(row.stored.key.clone());
                }
                continue;
            }
            if row.stored.sequence <= request.after || page.len() >= usize::try_from(request.limit).unwrap() {
                continue;
            }
            row.node.clone_from(&request.node);
            row.lease_until_ms = now_ms + i64::try_from(request.lease_ms).unwrap();
            page.push(row.stored.clone());
        }
        page
    }

    fn settle(&mut self, request: SettleRequest) {
        for sequence in &request.done {
            if let Some(row) = self.rows.get_mut(sequence) {
                row.done = true;
            }
        }
        for delivery in &request.deliveries {
            let Some(row) = self.rows.get_mut(&delivery.sequence) else {
                continue;
            };
            let known = &mut row.stored.deliveries;
            match known.iter_mut().find(|other| other.handler == delivery.handler) {
                Some(other) => *other = delivery.clone(),
                None => known.push(delivery.clone()),
            }
        }
        for letter in &request.dead_letters {
            if !self.dead.iter().any(|other| other.id == letter.id) {
                self.dead.insert(0, letter.clone());
            }
        }
        self.settlements.push(request);
    }

    /// The last event is never given away: its sequence must not be given twice.
    fn done(&self, request: &DoneRequest) -> Vec<DoneEvent> {
        let is_of = |stored: &StoredEvent, objects: &[String]| {
            aggregate_of(stored).is_some_and(|aggregate| wanted(objects, &aggregate))
        };
        let stays = |stored: &StoredEvent| {
            let (but, only) = (request.but_records_of.as_deref(), request.only_records_of.as_deref());
            but.is_some_and(|objects| is_of(stored, objects)) || only.is_some_and(|objects| !is_of(stored, objects))
        };
        let done = self.rows.values().filter(|row| {
            let sequence = row.stored.sequence;
            row.done && sequence > request.after && sequence < self.last && !stays(&row.stored)
        });
        done.take(usize::try_from(request.limit).unwrap())
            .map(|row| DoneEvent {
                sequence: row.stored.sequence,
                stored_at_ms: row.stored_at_ms,
                key: row.stored.key.clone(),
                event: row.stored.event.clone(),
            })
            .collect()
    }

    fn forget_done(&mut self, sequences: &[u64]) -> u64 {
        let (before, last) = (self.rows.len(), self.last);
        self.rows
            .retain(|sequence, row| !row.done || *sequence == last || !sequences.contains(sequence));
        u64::try_from(before - self.rows.len()).unwrap()
    }

    fn dead_letters(&mut self, request: &DeadLetterRequest) -> Vec<DeadLetterQueueEntry> {
        let wanted = |letter: &DeadLetterQueueEntry| request.id.as_ref().is_none_or(|id| letter.id == *id);
        let (offset, limit) = (
            usize::try_from(request.offset).unwrap(),
            usize::try_from(request.limit).unwrap(),
        );
        let found: Vec<_> = self
            .dead
            .iter()
            .filter(|letter| wanted(letter))
            .skip(offset)
            .take(limit)
            .cloned()
            .collect();
        if request.remove {
            self.dead.retain(|letter| !found.contains(letter));
        }
        found
    }

    /// What is written about one handler of one event.
    pub(crate) fn delivery(&self, event: &str, handler: &str) -> Option<Delivery> {
        let row = self
            .rows
            .values()
            .find(|row| row.stored.event.id.as_deref() == Some(event))?;
        row.stored
            .deliveries
            .iter()
            .find(|delivery| delivery.handler == handler)
            .cloned()
    }

    pub(crate) fn delivery_state(&self, event: &str, handler: &str) -> Option<DeliveryState> {
        self.delivery(event, handler).map(|delivery| delivery.state)
    }
}

impl EventStorePort for ModelStore {
    fn append(&self, events: Vec<EventToStore>) -> PortFuture<Vec<u64>> {
        self.call("append", move |state, now_ms| state.append(events, now_ms))
    }

    fn pending(&self, request: PendingRequest) -> PortFuture<Vec<StoredEvent>> {
        self.call("pending", move |state, now_ms| state.pending(&request, now_ms))
    }

    fn settle(&self, request: SettleRequest) -> PortFuture<()> {
        self.call("settle", move |state, _| state.settle(request))
    }

    fn range_page(&self, request: RangePageRequest) -> PortFuture<RangePage> {
        self.call("range", move |state, _| {
            let rows = state.rows.values().map(|row| (row.stored.clone(), row.stored_at_ms));
            page_of(rows, &request)
        })
    }

    fn dead_letters(&self, request: DeadLetterRequest) -> PortFuture<Vec<DeadLetterQueueEntry>> {
        self.call("dead_letters", move |state, _| state.dead_letters(&request))
    }

    fn prune(&self, before_ms: i64) -> PortFuture<u64> {
        self.call("prune", move |state, _| {
            let before = state.rows.len();
            state.rows.retain(|_, row| !row.done || row.stored_at_ms >= before_ms);
            u64::try_from(before - state.rows.len()).unwrap()
        })
    }

    fn aggregate(&self, request: AggregateRequest) -> PortFuture<AggregatePage> {
        self.aggregates("aggregate", move |state| state.aggregates.page(&state.rows, &request))
    }

    fn aggregates_due(&self, request: DueRequest) -> PortFuture<Vec<Aggregate>> {
        self.aggregates("aggregates_due", move |state| {
            state.aggregates.due(&state.rows, &request)
        })
    }

    fn keep_snapshots(&self, request: KeepRequest) -> PortFuture<()> {
        self.aggregates("keep_snapshots", move |state| state.aggregates.keep(request))
    }

    fn prune_but_aggregates(&self, request: PruneRequest) -> PortFuture<u64> {
        self.aggregates("prune_but_aggregates", move |state| {
            state.aggregates.prune(&mut state.rows, &request)
        })
    }

    fn done(&self, request: DoneRequest) -> PortFuture<Vec<DoneEvent>> {
        self.call("done", move |state, _| state.done(&request))
    }

    fn forget_done(&self, sequences: Vec<u64>) -> PortFuture<u64> {
        self.call("forget_done", move |state, _| state.forget_done(&sequences))
    }
}

impl ModelStore {
    fn aggregates<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&mut StoreState) -> T + Send + 'static,
    ) -> PortFuture<T> {
        if self.state.lock().without_aggregates {
            self.state.lock().calls.push(name);
            return Box::pin(async { Err(Error::new(ErrorKind::NotImplemented, "no aggregates")) });
        }
        self.call(name, move |state, _| work(state))
    }
}

/// The page that a store answers, or an archive, which looks at one entry after the other. They come in order of sequence, each
/// with the time at which it was stored.
pub(crate) fn page_of(entries: impl Iterator<Item = (StoredEvent, i64)>, request: &RangePageRequest) -> RangePage {
    let range = &request.range;
    let names: Vec<Pattern> = range.names.iter().map(|name| Pattern::parse(name).unwrap()).collect();
    let (limit, looked_at_max) = (
        usize::try_from(range.limit).unwrap(),
        usize::try_from(request.looked_at_max).unwrap(),
    );
    let mut page = RangePage::default();
    let behind = entries.filter(|(stored, _)| stored.sequence > range.after);
    for (looked_at, (stored, stored_at_ms)) in behind.enumerate() {
        if page.events.len() >= limit || looked_at >= looked_at_max {
            return page;
        }
        page.next = Some(stored.sequence);
        let in_time = stored_at_ms >= range.from_ms && range.to_ms.is_none_or(|to_ms| stored_at_ms < to_ms);
        if in_time && (names.is_empty() || names.iter().any(|name| name.matches(&stored.event.name))) {
            page.events.push(stored);
        }
    }
    page.next = None;
    page
}

/// What a handler does with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Take,
    Fail,
    Away,
    Hang,
    Panic,
    /// Takes it after so many milliseconds.
    TakeAfter(i64),
}

/// One call of a handler.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub(crate) handler: String,
    pub(crate) event: String,
    pub(crate) at_ms: i64,
    pub(crate) verdict: Verdict,
    pub(crate) context: Context,
    /// How many calls ran at the same time, this one among them.
    pub(crate) running: usize,
}

type Script = Box<dyn FnMut(&str, &Event) -> Verdict + Send>;

/// Handlers of all plugins.
#[derive(Clone)]
pub(crate) struct ModelHandlers {
    pub(crate) calls: Arc<Mutex<Vec<Called>>>,
    script: Arc<Mutex<Script>>,
    running: Arc<Mutex<usize>>,
    clock: ManualClock,
}

impl ModelHandlers {
    pub(crate) fn new(clock: &ManualClock) -> Self {
        Self {
            calls: Arc::default(),
            script: Arc::new(Mutex::new(Box::new(|_, _| Verdict::Take))),
            running: Arc::default(),
            clock: clock.clone(),
        }
    }

    /// From now on handlers do what this says of handler and event.
    pub(crate) fn script(&self, script: impl FnMut(&str, &Event) -> Verdict + Send + 'static) {
        *self.script.lock() = Box::new(script);
    }

    /// Ids of the events of the calls of one handler, in order; of a call with several, all in one text with `+` between them.
    pub(crate) fn seen(&self, handler: &str) -> Vec<String> {
        let calls = self.calls.lock();
        calls
            .iter()
            .filter(|call| call.handler == handler)
            .map(|call| call.event.clone())
            .collect()
    }

    /// Ids of the events that one handler took, in order.
    pub(crate) fn taken(&self, handler: &str) -> Vec<String> {
        let calls = self.calls.lock();
        let taken = calls
            .iter()
            .filter(|call| call.handler == handler && matches!(call.verdict, Verdict::Take | Verdict::TakeAfter(_)));
        let ids = |call: &Called| call.event.split('+').map(str::to_owned).collect::<Vec<_>>();
        taken.flat_map(ids).collect()
    }
}

struct Busy(Arc<Mutex<usize>>);

impl Drop for Busy {
    fn drop(&mut self) {
        *self.0.lock() -= 1;
    }
}

impl HandlerPort for ModelHandlers {
    fn deliver(&self, handler: &HandlerId, events: &[Arc<[u8]>], context: Context) -> PortFuture<()> {
        let (model, handler) = (self.clone(), handler.to_string());
        let read = |event: &Arc<[u8]>| serde_json::from_slice(event).expect("an event");
        let events: Vec<Event> = events.iter().map(read).collect();
        Box::pin(async move {
            // Several are taken as one call, and as badly as the worst of them.
            let verdicts = events.iter().map(|event| (model.script.lock())(&handler, event));
            let verdict = verdicts.reduce(|all, one| if all == Verdict::Take { one } else { all });
            let verdict = verdict.expect("an event");
            let ids: Vec<String> = events.into_iter().map(|event| event.id.unwrap_or_default()).collect();
            let running = {
                let mut running = model.running.lock();
                *running += 1;
                *running
            };
            let _busy = Busy(Arc::clone(&model.running));
            model.calls.lock().push(Called {
                handler,
                event: ids.join("+"),
                at_ms: model.clock.now_ms(),
                verdict,
                context,
                running,
            });
            tokio::task::yield_now().await;
            match verdict {
                Verdict::Take => Ok(()),
                Verdict::TakeAfter(wait_ms) => {
                    model.clock.sleep_until_ms(model.clock.now_ms() + wait_ms).await;
                    Ok(())
                }
                Verdict::Fail => Err(Error::internal("the handler failed by script")),
                Verdict::Away => Err(Error::unavailable("the plugin is away by script")),
                Verdict::Hang => std::future::pending().await,
                Verdict::Panic => panic!("the handler panics by script"),
            }
        })
    }
}

/// The other side of webhooks.
#[derive(Clone, Default)]
pub(crate) struct ModelHttp {
    pub(crate) requests: Arc<Mutex<Vec<OutgoingRequest>>>,
    /// Answers in their order; 200 when there are none left.
    pub(crate) answers: Arc<Mutex<VecDeque<Result<IncomingAnswer>>>>,
}

impl ModelHttp {
    pub(crate) fn answer(&self, status: u16, headers: &[(&str, &str)]) {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        self.answers.lock().push_back(Ok(IncomingAnswer {
            status,
            headers,
            body: String::new(),
        }));
    }
}

impl WebhookPort for ModelHttp {
    fn send(&self, request: OutgoingRequest) -> PortFuture<IncomingAnswer> {
        let model = self.clone();
        Box::pin(async move {
            model.requests.lock().push(request);
            tokio::task::yield_now().await;
            let next = model.answers.lock().pop_front();
            next.unwrap_or_else(|| {
                Ok(IncomingAnswer {
                    status: 200,
                    headers: Vec::new(),
                    body: String::new(),
                })
            })
        })
    }
}
