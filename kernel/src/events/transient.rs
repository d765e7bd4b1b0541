//! Transient events: each handler has a bounded queue and one worker, so it takes one event at a time, urgent ones first,
//! otherwise in the order in which they were published. The publisher never waits: what does not fit is dropped, the
//! least urgent first, and counted. One publisher can fill half of a queue, so a flood costs nobody else's events.

mod queue;
#[cfg(test)]
mod tests;

use objectos_plugin_api::{Context, protocol::kernel::Event};
use std::{
    cell::OnceCell,
    sync::{Arc, atomic::Ordering},
};

pub(crate) use self::queue::{TransientQueue, Waiting};
use super::{
    delivery::Outcome,
    message::urgency,
    routing::{Handler, Route},
    shared::Shared,
};

/// First and longest wait for a plugin that is not there, milliseconds.
const AWAY_MS: (i64, i64) = (50, 1_000);

/// An event on its way to transient handlers.
pub(crate) struct Flying<'a> {
    pub(crate) source: Arc<str>,
    pub(crate) priority: objectos_plugin_api::protocol::kernel::EventPriority,
    pub(crate) json: Arc<[u8]>,
    pub(crate) context: Context,
    /// The event in parts, when somebody has read it already.
    pub(crate) event: Option<&'a Event>,
}

/// Puts an event into the queues of those who want it; answers how many want it and how many of them will get it.
pub(crate) fn fan_out(shared: &Shared, routes: &[Arc<Route>], flying: &Flying<'_>) -> (usize, usize) {
    let read: OnceCell<Option<Event>> = OnceCell::new();
    let event = || {
        flying
            .event
            .or_else(|| read.get_or_init(|| serde_json::from_slice(&flying.json).ok()).as_ref())
    };
    let (mut wanted, mut queued) = (0, 0);
    for route in routes {
        let Some(queue) = route.handler.queue.as_ref().filter(|_| route.accepts(event)) else {
            continue;
        };
        wanted += 1;
        let waiting = Waiting {
            source: Arc::clone(&flying.source),
            event: Arc::clone(&flying.json),
            context: flying.context.clone(),
            limit_ms: route.timeout_ms,
        };
        let pushed = queue.push(urgency(flying.priority), waiting);
        queued += usize::from(pushed.accepted);
        for _ in 0..pushed.dropped {
            shared.counters.dropped.one();
            let dropped = route.handler.counters.dropped.one();
            // Each doubling: a flood must not flood the log too.
            if dropped.is_power_of_two() {
                tracing::warn!(handler = %route.handler.target.id(), dropped, "events come faster than the handler takes them; some are dropped");
            }
        }
    }
    (wanted, queued)
}

/// Hands the queue of one handler on, until the queue is closed.
pub(crate) async fn work(shared: Arc<Shared>, handler: Arc<Handler>, queue: Arc<TransientQueue>) {
    while let Some(waiting) = queue.pop().await {
        deliver(&shared, &handler, &waiting).await;
    }
}

async fn deliver(shared: &Shared, handler: &Handler, waiting: &Waiting) {
    let limit_ms = i64::try_from(waiting.limit_ms).unwrap_or(i64::MAX);
    let give_up_at_ms = shared.clock.now_ms().saturating_add(limit_ms);
    let mut away_ms = AWAY_MS.0;
    loop {
        let events = std::slice::from_ref(&waiting.event);
        let outcome = shared
            .delivery
            .attempt(&handler.target, events, &waiting.context, waiting.limit_ms)
            .await;
        match outcome {
            Outcome::Done => {
                handler.counters.away_since_ms.store(0, Ordering::Relaxed);
                handler.counters.delivered.one();
                shared.counters.delivered.one();
                return;
            }
            Outcome::Failed { error, .. } | Outcome::Gone(error) => {
                handler.counters.away_since_ms.store(0, Ordering::Relaxed);
                shared.count_failure(handler, &error);
                return;
            }
            Outcome::Away => {
                let now_ms = shared.clock.now_ms();
                let _ =
                    handler
                        .counters
                        .away_since_ms
                        .compare_exchange(0, now_ms, Ordering::Relaxed, Ordering::Relaxed);
                if now_ms >= give_up_at_ms {
                    handler.counters.failed.one();
                    shared.counters.failed.one();
                    return;
                }
                // A restart or a swap is short; the events that come meanwhile wait in the queue.
                shared
                    .clock
                    .sleep_until_ms(now_ms.saturating_add(away_ms).min(give_up_at_ms))
                    .await;
                away_ms = away_ms.saturating_mul(2).min(AWAY_MS.1);
            }
        }
    }
}
