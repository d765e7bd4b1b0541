//! Several events of one chain in one call, for handlers that take them together: which go along, and what the end of the call
//! means for each. Whatever is true of one event alone is in `progress`.

use std::sync::Arc;

use super::{
    Window,
    entry::State,
    intake::chain_of,
    lane::Chain,
    progress::{Completion, Ended, note_away},
};
use crate::events::{delivery::Outcome, routing::Route};

/// Bytes of the bodies in one call, but for the last of them.
const RUN_BYTES_MAX: usize = 256 * 1024;

impl Window {
    /// Adds to a call with one event those of its key behind it that may go along. What was tried before goes by itself, and so
    /// does what has another time limit, or is to go strictly one after the other.
    pub(super) fn take_along(
        &mut self,
        sequences: &mut Vec<u64>,
        bodies: &mut Vec<Arc<[u8]>>,
        route: &Arc<Route>,
        now_ms: i64,
    ) {
        let (handler, number) = (&route.handler, route.handler.number);
        let &[first] = &sequences[..] else { return };
        let Some((entry, slot)) = self.find(first, number) else {
            return;
        };
        if handler.together_max < 2 || slot.alone || slot.attempts > 0 {
            return;
        }
        let Some(chain @ Chain::Key(_)) = chain_of(entry, slot) else {
            return;
        };
        let Some(lane) = self.lanes.get(&number) else { return };
        let mut bytes = entry.body_bytes();
        for sequence in lane.behind(&chain, first) {
            let Some(entry) = self.entries.get_mut(&sequence) else {
                break;
            };
            let leased = entry.lease_until_ms > now_ms;
            let (Some(body), true, true) = (
                entry.body.clone(),
                leased,
                bytes < RUN_BYTES_MAX && sequences.len() < handler.together_max,
            ) else {
                break;
            };
            let Some(slot) = entry.slot_mut(number) else { break };
            let fresh = slot.state == State::Queued && slot.attempts == 0 && !slot.alone;
            if !fresh || slot.route.timeout_ms != route.timeout_ms {
                break;
            }
            slot.state = State::Running;
            bytes += body.len();
            sequences.push(sequence);
            bodies.push(body);
        }
    }

    /// The end of a call with several events.
    pub(super) fn end_together(
        &mut self,
        sequences: &[u64],
        number: u32,
        outcome: Outcome,
        now_ms: i64,
    ) -> Vec<Completion> {
        if matches!(outcome, Outcome::Done) {
            let done = sequences.iter();
            return done
                .filter_map(|sequence| self.end(*sequence, number, Outcome::Done, now_ms))
                .collect();
        }
        let apart = !matches!(outcome, Outcome::Away);
        // They wait one behind the other again.
        for sequence in sequences {
            let slot = self.entries.get_mut(sequence).and_then(|entry| entry.slot_mut(number));
            if let Some(slot) = slot {
                slot.state = State::Queued;
                slot.alone |= apart;
            }
        }
        let Some(first) = sequences.first() else {
            return Vec::new();
        };
        let Some((entry, slot)) = self.find(*first, number) else {
            return Vec::new();
        };
        let (event_name, route) = (Arc::clone(&entry.name), Arc::clone(&slot.route));
        let chain = chain_of(entry, slot);
        note_away(&route, !apart, now_ms);
        let lane = self.lanes.get(&number);
        // An earlier one may have come meanwhile: that lets the first go when it is done.
        if lane.zip(chain).is_some_and(|(lane, chain)| lane.leads(&chain, *first)) {
            self.make_ready(*first, number);
        }
        let ended = match outcome {
            Outcome::Failed { error, .. } | Outcome::Gone(error) => Ended::Apart(error),
            Outcome::Done | Outcome::Away => Ended::Away,
        };
        vec![Completion {
            route,
            event_name,
            ended,
        }]
    }
}
