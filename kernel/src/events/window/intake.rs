//! What comes from the store: new events, known ones with a new lease, and the absence of those that another node has.

use objectos_plugin_api::{
    Context,
    contracts::event_store::{Delivery, DeliveryState, StoredEvent},
    protocol::kernel::Event,
};
use std::{collections::HashSet, sync::Arc};

use super::{
    Window,
    entry::{Entry, Slot, State},
    lane::Chain,
};
use crate::events::{
    delivery::{Target, context_of},
    message::urgency,
    routing::{Route, Routes, RoutingTable},
    time_text::ms_of_text,
};

/// A new event, for whoever else wants to see it.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) event: Event,
    pub(crate) json: Arc<[u8]>,
    pub(crate) context: Context,
    pub(crate) routes: Arc<Routes>,
}

impl Window {
    /// True for an event that is known.
    pub(crate) fn knows(&self, sequence: u64) -> bool {
        self.entries.contains_key(&sequence)
    }

    /// Bytes of an event's body, also when that was let go; 0 for one that is not known.
    pub(crate) fn bytes_of(&self, sequence: u64) -> usize {
        self.entries.get(&sequence).map_or(0, |entry| entry.bytes)
    }

    /// Takes an event in, or renews the lease of a known one (and answers `None`).
    pub(crate) fn admit(
        &mut self,
        stored: StoredEvent,
        table: &RoutingTable,
        lease_until_ms: i64,
        now_ms: i64,
    ) -> Option<Admitted> {
        let routes = table.routes(&stored.event.name);
        if self.knows(stored.sequence) {
            self.renew(&stored, &routes, lease_until_ms, now_ms);
            return None;
        }
        let StoredEvent {
            sequence,
            key,
            event,
            deliveries,
        } = stored;
        let json: Arc<[u8]> = serde_json::to_vec(&event).unwrap_or_default().into();
        let context = context_of(&event);
        let slots = slots_of(&routes.durable, &event, &deliveries);
        let numbers: Vec<u32> = slots
            .iter()
            .filter(|slot| !slot.state.is_final())
            .map(Slot::number)
            .collect();
        let entry = Entry {
            key: key.into(),
            name: event.name.as_str().into(),
            at_ms: ms_of_text(&event.metadata.timestamp).unwrap_or(now_ms),
            urgency: urgency(event.metadata.priority),
            context: context.clone(),
            body: (!numbers.is_empty()).then(|| Arc::clone(&json)),
            bytes: json.len(),
            lease_until_ms,
            slots,
            rematch: false,
        };
        self.body_bytes += entry.body_bytes();
        self.entries.insert(sequence, entry);
        if numbers.is_empty() {
            self.mark_dirty(sequence, now_ms);
        }
        for number in numbers {
            self.enqueue(sequence, number);
        }
        Some(Admitted {
            event,
            json,
            context,
            routes,
        })
    }

    /// The event came again: the lease is longer, and its body is at hand.
    fn renew(&mut self, stored: &StoredEvent, routes: &Routes, lease_until_ms: i64, now_ms: i64) {
        let sequence = stored.sequence;
        self.unread.remove(&sequence);
        let spare = self.body_bytes < self.rules.bytes_max / 2;
        let Some(entry) = self.entries.get_mut(&sequence) else {
            return;
        };
        entry.lease_until_ms = lease_until_ms;
        if entry.is_finished() {
            return;
        }
        let mut added = Vec::new();
        if std::mem::take(&mut entry.rematch) {
            entry
                .slots
                .retain(|slot| !matches!(slot.route.handler.target, Target::Expected(_)));
            for slot in slots_of(&routes.durable, &stored.event, &stored.deliveries) {
                if entry.slot(slot.number()).is_none() {
                    added.push(slot.number());
                    entry.slots.push(slot);
                }
            }
        }
        let unread: Vec<u32> = entry
            .slots
            .iter()
            .filter(|slot| slot.state == State::Unread)
            .map(Slot::number)
            .collect();
        if entry.body.is_none() && (spare || !unread.is_empty() || !added.is_empty()) {
            let body: Arc<[u8]> = serde_json::to_vec(&stored.event).unwrap_or_default().into();
            self.body_bytes += body.len();
            entry.body = Some(body);
        }
        for number in added {
            self.enqueue(sequence, number);
        }
        for number in unread {
            self.make_ready(sequence, number);
        }
        self.finish_if_done(sequence, now_ms);
    }

    /// The store answered everything after `after` up to `last` (`None`: all there is). What is known in between and was
    /// not answered is somebody else's, or done: it is dropped, unless it runs or its outcome is still to be written.
    pub(crate) fn reconcile(&mut self, after: u64, last: Option<u64>, answered: &HashSet<u64>) {
        let looked_at = after.saturating_add(1)..=last.unwrap_or(u64::MAX);
        // What stays all the same is not asked for again at once, which would be without end: a sweep finds it, or drops it.
        self.unread
            .retain(|sequence| !looked_at.contains(sequence) || answered.contains(sequence));
        let gone: Vec<u64> = self
            .entries
            .range(looked_at)
            .filter(|(sequence, entry)| {
                !answered.contains(sequence)
                    && !entry.is_finished()
                    && !entry
                        .slots
                        .iter()
                        .any(|slot| matches!(slot.state, State::Running | State::Dying))
            })
            .map(|(sequence, _)| *sequence)
            .collect();
        for sequence in gone {
            self.drop_entry(sequence);
        }
    }

    /// Lets bodies of events go that have to wait anyway, the latest first, when there are too many bytes of them.
    pub(crate) fn lighten(&mut self, now_ms: i64) {
        if self.body_bytes <= self.rules.bytes_max {
            return;
        }
        for entry in self.entries.values_mut().rev() {
            if self.body_bytes <= self.rules.bytes_max / 2 {
                break;
            }
            let needed = entry.slots.iter().any(|slot| match slot.state {
                State::Running => true,
                State::Ready => self.lanes.get(&slot.number()).is_some_and(|lane| !lane.is_held(now_ms)),
                _ => false,
            });
            if !needed {
                self.body_bytes -= entry.body_bytes();
                entry.body = None;
            }
        }
    }

    /// A plugin that was expected has said what it handles: its events are read again, to find out for whom they are.
    pub(crate) fn expected_came(&mut self, number: u32) {
        for (sequence, entry) in &mut self.entries {
            if entry.slot(number).is_some() {
                entry.rematch = true;
                self.unread.insert(*sequence);
            }
        }
    }

    /// A handler went for good: nothing waits for it any more, but what it gave up is still written down.
    pub(crate) fn remove_handler(&mut self, number: u32, now_ms: i64) {
        self.lanes.remove(&number);
        self.timers.retain(|(_, _, other)| *other != number);
        let mut changed = Vec::new();
        for (sequence, entry) in &mut self.entries {
            let before = entry.slots.len();
            entry
                .slots
                .retain(|slot| slot.number() != number || slot.state.is_final());
            if entry.slots.len() != before {
                changed.push(*sequence);
            }
        }
        for sequence in changed {
            self.finish_if_done(sequence, now_ms);
        }
    }

    /// Puts a delivery into its handler's lane.
    fn enqueue(&mut self, sequence: u64, number: u32) {
        let Some((entry, slot)) = self.find(sequence, number) else {
            return;
        };
        if matches!(slot.route.handler.target, Target::Expected(_)) {
            return;
        }
        let chain = chain_of(entry, slot);
        let lane = self.lanes.entry(number).or_default();
        let Some(chain) = chain else {
            self.make_ready(sequence, number);
            return;
        };
        let leads = lane.link(&chain, sequence);
        if leads {
            if let Some(displaced) = lane.second(&chain) {
                self.demote(displaced, number);
            }
            self.make_ready(sequence, number);
        }
    }

    /// An earlier event of its key came later: it waits for that.
    fn demote(&mut self, sequence: u64, number: u32) {
        let Some(place) = self.place(sequence, number) else {
            return;
        };
        let Some(slot) = self.entries.get_mut(&sequence).and_then(|entry| entry.slot_mut(number)) else {
            return;
        };
        if matches!(slot.state, State::Ready | State::Unread) {
            slot.state = State::Queued;
            self.unread.remove(&sequence);
            if let Some(lane) = self.lanes.get_mut(&number) {
                lane.remove_ready(place);
            }
        }
    }

    pub(super) fn make_ready(&mut self, sequence: u64, number: u32) {
        let Some(place) = self.place(sequence, number) else {
            return;
        };
        if let Some(slot) = self.entries.get_mut(&sequence).and_then(|entry| entry.slot_mut(number)) {
            slot.state = State::Ready;
            self.lanes.entry(number).or_default().push_ready(place);
        }
    }

    /// Takes a delivery out of its chain and lets the next one go.
    pub(super) fn advance(&mut self, sequence: u64, number: u32) {
        let Some((entry, slot)) = self.find(sequence, number) else {
            return;
        };
        let Some(chain) = chain_of(entry, slot) else { return };
        let next = self
            .lanes
            .get_mut(&number)
            .and_then(|lane| lane.unlink(&chain, sequence));
        if let Some(next) = next
            && self
                .find(next, number)
                .is_some_and(|(_, slot)| slot.state == State::Queued)
        {
            self.make_ready(next, number);
        }
    }

    /// Forgets an event.
    pub(super) fn drop_entry(&mut self, sequence: u64) {
        let Some(entry) = self.entries.get(&sequence) else {
            return;
        };
        let slots: Vec<(u32, State)> = entry.slots.iter().map(|slot| (slot.number(), slot.state)).collect();
        for (number, state) in slots {
            if let (Some(place), Some(lane)) = (self.place(sequence, number), self.lanes.get_mut(&number)) {
                lane.remove_ready(place);
            }
            if let State::Waiting(at_ms) = state {
                self.timers.remove(&(at_ms, sequence, number));
            }
            self.advance(sequence, number);
        }
        if let Some(entry) = self.entries.remove(&sequence) {
            self.body_bytes -= entry.body_bytes();
        }
        self.unread.remove(&sequence);
        self.dirty.remove(&sequence);
        if self.dirty.is_empty() {
            // Else a settlement would be due for ever that has nothing to write.
            self.dirty_since_ms = None;
        }
    }

    pub(super) fn find(&self, sequence: u64, number: u32) -> Option<(&Entry, &Slot)> {
        let entry = self.entries.get(&sequence)?;
        entry.slot(number).map(|slot| (entry, slot))
    }

    fn place(&self, sequence: u64, number: u32) -> Option<(u8, i64, u64)> {
        let (entry, slot) = self.find(sequence, number)?;
        let urgency = if self.rules.priorities { entry.urgency } else { 0 };
        Some((urgency, slot.route.priority, sequence))
    }
}

pub(super) fn chain_of(entry: &Entry, slot: &Slot) -> Option<Chain> {
    match slot.route.serial {
        Some(index) => Some(Chain::Serial(index)),
        None if entry.key.is_empty() => None,
        None => Some(Chain::Key(Arc::clone(&entry.key))),
    }
}

/// The deliveries of an event, as far as the store knows them already.
fn slots_of(routes: &[Arc<Route>], event: &Event, known: &[Delivery]) -> Vec<Slot> {
    routes
        .iter()
        .filter(|route| route.accepts(|| Some(event)))
        .map(|route| {
            let mut slot = Slot::new(Arc::clone(route));
            let id = route.handler.target.id().as_str();
            if let Some(delivery) = known.iter().find(|delivery| delivery.handler == id) {
                slot.attempts = delivery.attempts;
                slot.first_failed_at_ms = delivery.first_failed_at_ms;
                slot.error.clone_from(&delivery.error);
                slot.state = match delivery.state {
                    DeliveryState::Done => State::Done,
                    DeliveryState::Dead => State::Dead,
                    DeliveryState::Retrying => State::Queued,
                };
            }
            slot
        })
        .collect()
}
