//! A model of the archive: entries as they came, doubles among them.

use objectos_kernel::events::{EventArchivePort, PortFuture};
use objectos_plugin_api::{
    Error,
    contracts::event_store::{DoneEvent, RangePage, RangePageRequest, StoredEvent},
};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};

use super::model::{Fault, page_of};

#[derive(Debug, Default)]
pub(crate) struct ArchiveState {
    pub(crate) entries: Vec<DoneEvent>,
    /// Names of the methods that were called.
    pub(crate) calls: Vec<&'static str>,
    /// Methods for which nobody is there.
    pub(crate) away: Vec<&'static str>,
    pub(crate) faults: HashMap<usize, Fault>,
}

/// An archive. Clones share one state.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModelArchive {
    pub(crate) state: Arc<Mutex<ArchiveState>>,
}

impl ModelArchive {
    /// Ids of the entries, in the order in which they came.
    pub(crate) fn ids(&self) -> Vec<String> {
        let state = self.state.lock();
        let ids = state.entries.iter().map(|entry| entry.event.id.clone());
        ids.map(Option::unwrap_or_default).collect()
    }

    fn call<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&mut ArchiveState) -> T + Send + 'static,
    ) -> PortFuture<T> {
        let model = self.clone();
        Box::pin(async move {
            let fault = {
                let mut state = model.state.lock();
                state.calls.push(name);
                if state.away.contains(&name) {
                    return Err(Error::unavailable("no provider"));
                }
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

impl EventArchivePort for ModelArchive {
    fn append(&self, events: Vec<DoneEvent>) -> PortFuture<()> {
        self.call("append", move |state| state.entries.extend(events))
    }

    fn range_page(&self, request: RangePageRequest) -> PortFuture<RangePage> {
        self.call("range", move |state| {
            let mut entries: Vec<(StoredEvent, i64)> = state
                .entries
                .iter()
                .map(|entry| {
                    let stored = StoredEvent {
                        sequence: entry.sequence,
                        key: entry.key.clone(),
                        event: entry.event.clone(),
                        deliveries: Vec::new(),
                    };
                    (stored, entry.stored_at_ms)
                })
                .collect();
            entries.sort_by_key(|(stored, _)| stored.sequence);
            page_of(entries.into_iter(), &request)
        })
    }

    fn prune(&self, before_ms: i64) -> PortFuture<u64> {
        self.call("prune", move |state| {
            let before = state.entries.len();
            state.entries.retain(|entry| entry.stored_at_ms >= before_ms);
            u64::try_from(before - state.entries.len()).unwrap()
        })
    }
}
