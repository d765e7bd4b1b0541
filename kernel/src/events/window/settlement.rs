//! What is to be written down, and what it changes when that is done.

use objectos_plugin_api::contracts::event_store::{Delivery, SettleRequest};

use super::{
    Window,
    entry::{Entry, State},
};

/// Outcomes that are being written.
#[derive(Debug)]
pub(crate) struct Settlement {
    pub(crate) request: SettleRequest,
    /// Sequences whose state is in the request.
    included: Vec<u64>,
    /// Given-up deliveries whose dead letters are in the request.
    buried: Vec<(u64, u32)>,
}

impl Window {
    /// Takes outcomes to write, or `None` when there are none. They count as written until [`Window::unsettled`] says no.
    pub(crate) fn take_settlement(&mut self) -> Option<Settlement> {
        let included: Vec<u64> = self.dirty.iter().take(self.rules.settle_max).copied().collect();
        if included.is_empty() {
            return None;
        }
        let mut settlement = Settlement {
            request: SettleRequest::default(),
            included,
            buried: Vec::new(),
        };
        for sequence in &settlement.included {
            self.dirty.remove(sequence);
            let Some(entry) = self.entries.get_mut(sequence) else {
                continue;
            };
            let request = &mut settlement.request;
            for slot in entry.slots.iter().filter(|slot| slot.state == State::Dying) {
                settlement.buried.push((*sequence, slot.number()));
                request.dead_letters.extend(slot.dead_letter.as_deref().cloned());
            }
            if entry.is_finished() {
                request.done.push(*sequence);
            } else {
                request.deliveries.extend(entry.take_dirty(*sequence));
            }
        }
        if self.dirty.is_empty() {
            self.dirty_since_ms = None;
        }
        Some(settlement)
    }

    /// The settlement is written: done events are forgotten, and keys go on behind dead letters.
    pub(crate) fn settled(&mut self, settlement: &Settlement) {
        for (sequence, number) in &settlement.buried {
            if let Some(slot) = self.entries.get_mut(sequence).and_then(|entry| entry.slot_mut(*number)) {
                slot.state = State::Dead;
                slot.dead_letter = None;
                self.advance(*sequence, *number);
            }
        }
        for sequence in &settlement.request.done {
            self.drop_entry(*sequence);
        }
    }

    /// The settlement could not be written: it is part of the next one.
    pub(crate) fn unsettled(&mut self, settlement: &Settlement, now_ms: i64) {
        for delivery in &settlement.request.deliveries {
            let Some(entry) = self.entries.get_mut(&delivery.sequence) else {
                continue;
            };
            for slot in &mut entry.slots {
                slot.dirty |= slot.route.handler.target.id().as_str() == delivery.handler;
            }
        }
        for sequence in settlement
            .included
            .iter()
            .filter(|sequence| self.entries.contains_key(sequence))
        {
            self.dirty.insert(*sequence);
        }
        if !self.dirty.is_empty() {
            self.dirty_since_ms.get_or_insert(now_ms);
        }
    }
}

impl Entry {
    fn take_dirty(&mut self, sequence: u64) -> Vec<Delivery> {
        self.slots
            .iter_mut()
            .filter(|slot| slot.dirty)
            .map(|slot| {
                slot.dirty = false;
                Delivery {
                    sequence,
                    handler: slot.route.handler.target.id().to_string(),
                    state: slot.stored_state(),
                    attempts: slot.attempts,
                    first_failed_at_ms: slot.first_failed_at_ms,
                    error: slot.error.clone(),
                }
            })
            .collect()
    }
}
