//! A model of the archive: entries as they came, doubles among them.

use objectos_kernel::events::{EventArchivePort, Pattern, PortFuture};
use objectos_plugin_api::{
    Error,
    contracts::event_store::{DoneEvent, RangeRequest, StoredEvent},
};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};

use super::model::Fault;

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

    fn range(&self, request: RangeRequest) -> PortFuture<Vec<StoredEvent>> {
        self.call("range", move |state| {
            let names: Vec<Pattern> = request.names.iter().map(|name| Pattern::parse(name).unwrap()).collect();
            let mut found: Vec<StoredEvent> = state
                .entries
                .iter()
                .filter(|entry| {
                    entry.sequence > request.after
                        && entry.stored_at_ms >= request.from_ms
                        && request.to_ms.is_none_or(|to_ms| entry.stored_at_ms < to_ms)
                        && (names.is_empty() || names.iter().any(|name| name.matches(&entry.event.name)))
                })
                .map(|entry| StoredEvent {
                    sequence: entry.sequence,
                    key: entry.key.clone(),
                    event: entry.event.clone(),
                    deliveries: Vec::new(),
                })
                .collect();
            found.sort_by_key(|stored| stored.sequence);
            found.truncate(usize::try_from(request.limit).unwrap());
            found
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
