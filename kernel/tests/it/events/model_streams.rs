//! A model of the streams of sourced records: events as they came, doubles among them, and snapshots.

use objectos_kernel::events::{EventStreamsPort, PortFuture};
use objectos_plugin_api::{
    Error,
    contracts::event_store::{
        Aggregate, AggregatePage, AggregateRequest, DoneEvent, DueRequest, KeepRequest, PruneRequest,
    },
};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    model::{Fault, Row},
    model_aggregates::Aggregates,
};

#[derive(Debug, Default)]
pub(crate) struct StreamsState {
    pub(crate) rows: BTreeMap<u64, Row>,
    pub(crate) aggregates: Aggregates,
    /// Names of the methods that were called.
    pub(crate) calls: Vec<&'static str>,
    pub(crate) faults: HashMap<usize, Fault>,
}

/// Streams. Clones share one state.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModelStreams {
    pub(crate) state: Arc<Mutex<StreamsState>>,
}

impl ModelStreams {
    /// Ids of the events, by sequence.
    pub(crate) fn ids(&self) -> Vec<String> {
        let state = self.state.lock();
        let ids = state.rows.values().map(|row| row.stored.event.id.clone());
        ids.map(Option::unwrap_or_default).collect()
    }

    fn call<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&mut StreamsState) -> T + Send + 'static,
    ) -> PortFuture<T> {
        let model = self.clone();
        Box::pin(async move {
            let fault = {
                let mut state = model.state.lock();
                state.calls.push(name);
                let number = state.calls.len();
                state.faults.remove(&number)
            };
            tokio::task::yield_now().await;
            match fault {
                None => Ok(work(&mut model.state.lock())),
                Some(Fault::Refuse(kind)) => Err(Error::new(kind, "refused by the test")),
                Some(Fault::LoseAnswer(kind)) => {
                    work(&mut model.state.lock());
                    Err(Error::new(kind, "the answer was lost by the test"))
                }
                Some(Fault::Hang) => std::future::pending().await,
            }
        })
    }
}

impl EventStreamsPort for ModelStreams {
    fn append(&self, events: Vec<DoneEvent>) -> PortFuture<()> {
        self.call("append", move |state| {
            let rows = events.iter().map(|done| (done.sequence, Row::of(done)));
            state.rows.extend(rows);
        })
    }

    fn page(&self, request: AggregateRequest) -> PortFuture<AggregatePage> {
        self.call("page", move |state| state.aggregates.page(&state.rows, &request))
    }

    fn due(&self, request: DueRequest) -> PortFuture<Vec<Aggregate>> {
        self.call("due", move |state| {
            // The model of the store takes no names for all names.
            if request.aggregates.is_empty() {
                return Vec::new();
            }
            state.aggregates.due(&state.rows, &request)
        })
    }

    fn keep_snapshots(&self, request: KeepRequest) -> PortFuture<()> {
        self.call("keep_snapshots", move |state| state.aggregates.keep(request))
    }

    fn prune(&self, request: PruneRequest) -> PortFuture<u64> {
        self.call("prune", move |state| state.aggregates.prune(&mut state.rows, &request))
    }
}
