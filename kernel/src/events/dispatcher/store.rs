//! The dispatcher's calls of the store: which one is next, and what a page of events changes.

use objectos_plugin_api::{
    Result,
    contracts::event_store::{PendingRequest, StoredEvent},
};
use std::{collections::HashSet, future::Future, pin::Pin, sync::Arc};

use super::{Dispatcher, scan::Look};
use crate::events::{
    shared::Shared,
    transient::{Flying, fan_out},
    window::{Admitted, Settlement},
};

/// A call of the store that is on its way.
pub(super) type Call = Pin<Box<dyn Future<Output = StoreAnswer> + Send>>;

/// What the store answered.
pub(super) enum StoreAnswer {
    Page {
        request: PageRequest,
        asked_at_ms: i64,
        result: Result<Vec<StoredEvent>>,
    },
    Settled {
        settlement: Settlement,
        result: Result<()>,
    },
}

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageRequest {
    look: Look,
    limit: u32,
}

/// Waits for the call; for ever when there is none.
pub(super) async fn answer(call: &mut Option<Call>) -> StoreAnswer {
    match call {
        Some(call) => call.await,
        None => std::future::pending().await,
    }
}

impl Dispatcher {
    /// When the store is to be asked next.
    pub(super) fn next_call_ms(&self, now_ms: i64) -> Option<i64> {
        let mut due = self.window.settle_due_ms();
        if self.opened {
            let reading = match self.window.first_unread() {
                Some(_) => i64::MIN,
                None => self.scan.due_ms(self.window.has_room(now_ms)),
            };
            due = Some(due.map_or(reading, |due| due.min(reading)));
        }
        due.map(|due| due.max(self.store_at_ms))
    }

    /// Asks the store, if something is due and it is not asked already.
    pub(super) fn start_call(&mut self, now_ms: i64) {
        if self.call.is_some() || now_ms < self.store_at_ms {
            return;
        }
        let stopping = self.stop.is_some();
        let settle = self
            .window
            .settle_due_ms()
            .is_some_and(|due_ms| due_ms <= now_ms || stopping);
        if settle && let Some(settlement) = self.window.take_settlement() {
            self.call = Some(Box::pin(settle_call(Arc::clone(&self.shared), settlement)));
            return;
        }
        if stopping || !self.opened {
            return;
        }
        let look = match self.window.first_unread() {
            Some(first) => Some(Look {
                after: first.saturating_sub(1),
                follow: false,
            }),
            None => self.scan.begin(now_ms, self.window.has_room(now_ms)),
        };
        if let Some(look) = look {
            let request = PageRequest {
                look,
                limit: self.paging.limit(),
            };
            self.call = Some(Box::pin(page_call(Arc::clone(&self.shared), request, now_ms)));
        }
    }

    /// Takes a page in.
    pub(super) fn take_page(&mut self, request: &PageRequest, asked_at_ms: i64, page: Vec<StoredEvent>, now_ms: i64) {
        let limits = &self.shared.settings.limits;
        let lease_until_ms = asked_at_ms.saturating_add(i64::try_from(limits.lease_ms).unwrap_or(i64::MAX));
        let full = page.len() >= usize::try_from(request.limit).unwrap_or(usize::MAX);
        let last = page.last().map(|stored| stored.sequence);
        let answered: HashSet<u64> = page.iter().map(|stored| stored.sequence).collect();
        self.window
            .reconcile(request.look.after, last.filter(|_| full), &answered);
        let table = self.shared.table.load_full();
        let (mut cut, mut bytes) = (false, 0);
        // Asked once for the page: it was read because there was room, and a page more does no harm.
        let room = self.window.has_room(now_ms);
        for stored in page {
            let sequence = stored.sequence;
            if !room && !self.window.knows(sequence) {
                cut = true;
                bytes += serde_json::to_vec(&stored.event).map_or(0, |json| json.len());
                continue;
            }
            if let Some(admitted) = self.window.admit(stored, &table, lease_until_ms, now_ms) {
                // Where streams are outside of the store, snapshots are taken of what was moved there.
                let shared = &self.shared;
                let sourcing = shared.settings.sourcing.as_ref();
                if let Some(sourcing) = sourcing.filter(|_| shared.streams.is_none()) {
                    self.shared
                        .touched
                        .note(&admitted.event, |object| sourcing.covers(object));
                }
                show(&self.shared, admitted);
            }
            bytes += self.window.bytes_of(sequence);
        }
        self.paging.came(answered.len(), bytes);
        self.scan.done(request.look, last, full, cut);
        self.window.lighten(now_ms);
    }
}

/// Transient handlers see durable events once they are stored.
fn show(shared: &Shared, admitted: Admitted) {
    let Admitted {
        event,
        json,
        context,
        routes,
    } = admitted;
    if shared.forget_shown(event.id.as_deref().unwrap_or_default()) || routes.transient.is_empty() {
        return;
    }
    let flying = Flying {
        source: event.metadata.source.as_str().into(),
        priority: event.metadata.priority,
        json,
        context,
        event: Some(&event),
    };
    fan_out(shared, &routes.transient, &flying);
}

async fn settle_call(shared: Arc<Shared>, settlement: Settlement) -> StoreAnswer {
    let result = shared.store_call(shared.store.settle(settlement.request.clone())).await;
    StoreAnswer::Settled { settlement, result }
}

async fn page_call(shared: Arc<Shared>, request: PageRequest, asked_at_ms: i64) -> StoreAnswer {
    let pending = PendingRequest {
        after: request.look.after,
        limit: request.limit,
        node: shared.node.clone(),
        lease_ms: shared.settings.limits.lease_ms,
    };
    let result = shared.store_call(shared.store.pending(pending)).await;
    StoreAnswer::Page {
        request,
        asked_at_ms,
        result,
    }
}
