//! Which delivery comes next, and what the end of one means.

use objectos_plugin_api::{
    Error, ErrorKind,
    protocol::kernel::{DeadLetterQueueEntry, Event, EventFailure},
};
use sha2::{Digest, Sha256};
use std::sync::{Arc, atomic::Ordering};

use super::{
    Window,
    entry::{Entry, Slot, Start, State},
};
use crate::events::{delivery::Outcome, routing::Route, time_text::text_of_ms};

/// What the end of a delivery was.
#[derive(Debug)]
pub(crate) struct Completion {
    pub(crate) route: Arc<Route>,
    pub(crate) event_name: Arc<str>,
    pub(crate) ended: Ended,
}

/// How a delivery ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Done,
    /// Failed, and is tried again.
    Retrying(Error),
    /// Failed, and is given up.
    Dead(Error),
    /// Failed together with others; each is tried by itself, and none of them has had an attempt.
    Apart(Error),
    /// Nobody was there; tried again, not counted.
    Away,
}

impl Window {
    /// Lets those go whose wait is over.
    pub(crate) fn tick(&mut self, now_ms: i64) {
        while let Some((at_ms, sequence, number)) = self.timers.first().copied()
            && at_ms <= now_ms
        {
            self.timers.remove(&(at_ms, sequence, number));
            if self
                .find(sequence, number)
                .is_some_and(|(_, slot)| matches!(slot.state, State::Waiting(_)))
            {
                self.make_ready(sequence, number);
            }
        }
    }

    /// The next delivery to start: the most urgent, then by the priority of the handler, then whoever has least in work.
    pub(crate) fn next_start(&mut self, now_ms: i64) -> Option<Start> {
        let share = if self.lanes.len() > 1 {
            (self.rules.concurrency / 2).max(1)
        } else {
            self.rules.concurrency
        };
        while self.running < self.rules.concurrency {
            let (_, number, (urgency, priority, sequence)) = self
                .lanes
                .iter()
                .filter(|(_, lane)| lane.is_open(now_ms, share))
                .filter_map(|(number, lane)| {
                    let first = lane.first_ready()?;
                    Some(((first.0, first.1, lane.running, first.2), *number, first))
                })
                .min()?;
            let lane = self.lanes.get_mut(&number)?;
            lane.remove_ready((urgency, priority, sequence));
            let Some(entry) = self.entries.get_mut(&sequence) else {
                continue;
            };
            let (body, context) = (entry.body.clone(), entry.context.clone());
            let leased = entry.lease_until_ms > now_ms;
            let Some(slot) = entry.slot_mut(number) else { continue };
            let (Some(body), true) = (body, leased) else {
                slot.state = State::Unread;
                self.unread.insert(sequence);
                continue;
            };
            slot.state = State::Running;
            lane.running += 1;
            self.running += 1;
            let (route, attempt) = (Arc::clone(&slot.route), slot.attempts.saturating_add(1));
            let (mut sequences, mut bodies) = (vec![sequence], vec![body]);
            self.take_along(&mut sequences, &mut bodies, &route, now_ms);
            return Some(Start {
                sequences,
                route,
                bodies,
                context,
                attempt,
            });
        }
        None
    }

    /// A delivery ended. Says nothing of what is not known any more, its handler or an event.
    pub(crate) fn complete(
        &mut self,
        sequences: &[u64],
        number: u32,
        outcome: Outcome,
        now_ms: i64,
    ) -> Vec<Completion> {
        self.running = self.running.saturating_sub(1);
        let Some(lane) = self.lanes.get_mut(&number) else {
            return Vec::new();
        };
        lane.running = lane.running.saturating_sub(1);
        if matches!(outcome, Outcome::Away) {
            lane.hold(now_ms);
        } else {
            lane.release();
        }
        match sequences {
            [sequence] => Vec::from_iter(self.end(*sequence, number, outcome, now_ms)),
            _ => self.end_together(sequences, number, outcome, now_ms),
        }
    }

    /// What the end of a call means for one of its events.
    pub(super) fn end(&mut self, sequence: u64, number: u32, outcome: Outcome, now_ms: i64) -> Option<Completion> {
        let away = matches!(outcome, Outcome::Away);
        let entry = self.entries.get_mut(&sequence)?;
        let event_name = Arc::clone(&entry.name);
        let slot = entry.slot_mut(number)?;
        let route = Arc::clone(&slot.route);
        note_away(&route, away, now_ms);
        let ended = match outcome {
            Outcome::Away => {
                self.make_ready(sequence, number);
                Ended::Away
            }
            Outcome::Done => {
                slot.state = State::Done;
                slot.dirty = true;
                self.advance(sequence, number);
                Ended::Done
            }
            Outcome::Failed { error, not_before_ms } => {
                slot.fail(&error, now_ms);
                match route.retry.delay_ms(slot.attempts) {
                    Some(delay_ms) => {
                        let at_ms = now_ms.saturating_add(delay_ms).max(not_before_ms.unwrap_or(now_ms));
                        slot.state = State::Waiting(at_ms);
                        self.timers.insert((at_ms, sequence, number));
                        Ended::Retrying(error)
                    }
                    None => {
                        bury(entry, number, &error, now_ms);
                        Ended::Dead(error)
                    }
                }
            }
            Outcome::Gone(error) => {
                slot.fail(&error, now_ms);
                bury(entry, number, &error, now_ms);
                Ended::Dead(error)
            }
        };
        if !matches!(ended, Ended::Away) {
            self.mark_dirty(sequence, now_ms);
            self.finish_if_done(sequence, now_ms);
        }
        Some(Completion {
            route,
            event_name,
            ended,
        })
    }

    /// An event that every handler had is to be written down; its body is needed no more.
    pub(super) fn finish_if_done(&mut self, sequence: u64, now_ms: i64) {
        if let Some(entry) = self.entries.get_mut(&sequence)
            && entry.is_finished()
        {
            self.body_bytes -= entry.body_bytes();
            entry.body = None;
            self.unread.remove(&sequence);
            self.mark_dirty(sequence, now_ms);
        }
    }

    /// Somebody is there again for these handlers.
    pub(crate) fn release(&mut self, is_meant: impl Fn(u32) -> bool) {
        for (number, lane) in &mut self.lanes {
            if is_meant(*number) {
                lane.release();
            }
        }
    }
}

impl Slot {
    fn fail(&mut self, error: &Error, now_ms: i64) {
        self.attempts = self.attempts.saturating_add(1);
        if self.first_failed_at_ms == 0 {
            self.first_failed_at_ms = now_ms;
        }
        self.error = describe(error);
        self.dirty = true;
    }
}

/// Remembers since when nobody is there.
pub(super) fn note_away(route: &Route, away: bool, now_ms: i64) {
    let since = &route.handler.counters.away_since_ms;
    if away {
        let _ = since.compare_exchange(0, now_ms, Ordering::Relaxed, Ordering::Relaxed);
    } else {
        since.store(0, Ordering::Relaxed);
    }
}

/// What the operator reads: the public message, and the inner one where there is one.
fn describe(error: &Error) -> String {
    match (error.message(), error.internal_message()) {
        (message, "") => message.to_owned(),
        (_, internal) if matches!(error.kind(), ErrorKind::Internal | ErrorKind::Panicked) => internal.to_owned(),
        (message, internal) => format!("{message} ({internal})"),
    }
}

/// Gives a delivery up.
fn bury(entry: &mut Entry, number: u32, error: &Error, now_ms: i64) {
    let event = entry
        .body
        .as_ref()
        .and_then(|body| serde_json::from_slice::<Event>(body).ok());
    let Some(slot) = entry.slot_mut(number) else { return };
    slot.state = State::Dying;
    let handler = slot.route.handler.target.id();
    slot.dead_letter = event.map(|event| {
        Box::new(DeadLetterQueueEntry {
            id: dead_letter_id(event.id.as_deref().unwrap_or_default(), handler.as_str()),
            error: EventFailure {
                message: slot.error.clone(),
                stack: None,
                code: Some(error.code().to_owned()),
            },
            retries: u64::from(slot.attempts.saturating_sub(1)),
            first_failed_at: text_of_ms(slot.first_failed_at_ms),
            last_failed_at: text_of_ms(now_ms),
            failed_handler: Some(handler.to_string()),
            event,
        })
    });
}

/// The same for the same event and handler, so that a dead letter written twice is one.
fn dead_letter_id(event: &str, handler: &str) -> String {
    let digest = Sha256::new()
        .chain_update(event)
        .chain_update([0])
        .chain_update(handler)
        .finalize();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
