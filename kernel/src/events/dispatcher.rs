//! The one task that delivers durable events: it reads them from the store in pages, starts deliveries, gathers outcomes
//! and writes them down together. All its decisions are the window's; here are the calls, the tasks and the time.
//!
//! The store is asked one thing at a time, so that an answer is never older than what was written before it. A crash at
//! any point delivers again what was not written down; nothing is lost.

mod paging;
mod scan;
mod store;

use objectos_plugin_api::ErrorKind;
use std::sync::{Arc, atomic::Ordering};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};

use self::{
    paging::Paging,
    scan::Scan,
    store::{Call, StoreAnswer},
};
use super::{
    delivery::{Outcome, Target, marked},
    routing::Handler,
    shared::Shared,
    window::{Completion, Ended, Rules, Start, Window},
};

/// What the bus tells the dispatcher.
#[derive(Debug)]
pub(crate) enum Command {
    /// Every plugin had its chance to register: begin.
    Open,
    /// Handlers that are not registered any more.
    Removed(Vec<u32>),
    /// Handlers that stood for a plugin which is here now.
    ExpectedCame(Vec<u32>),
    /// A plugin may be there again.
    Awake(Vec<u32>),
    /// End: start nothing, wait until then for what runs, write the outcomes down.
    Stop(i64, oneshot::Sender<()>),
}

struct Stop {
    until_ms: i64,
    done: oneshot::Sender<()>,
}

/// A delivery that ended.
struct Ran {
    sequences: Vec<u64>,
    /// The handler's number.
    number: u32,
    outcome: Outcome,
}

pub(crate) struct Dispatcher {
    shared: Arc<Shared>,
    window: Window,
    running: JoinSet<Ran>,
    scan: Scan,
    paging: Paging,
    call: Option<Call>,
    /// The store is not asked before.
    store_at_ms: i64,
    store_failures: u32,
    opened: bool,
    stop: Option<Stop>,
}

impl Dispatcher {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let (settings, limits) = (&shared.settings, &shared.settings.limits);
        let page = usize::try_from(limits.page_events).unwrap_or(usize::MAX);
        let rules = Rules {
            concurrency: settings.concurrency.max(1),
            priorities: settings.priorities,
            events_max: limits.window_events_max,
            bytes_max: limits.window_bytes_max,
            ready_max: page.saturating_mul(2),
            linger_ms: i64::try_from(limits.settle_linger_ms).unwrap_or(i64::MAX),
            settle_max: limits.settle_events_max,
        };
        Self {
            window: Window::new(rules),
            running: JoinSet::new(),
            scan: Scan::new(i64::try_from(limits.lease_ms).unwrap_or(i64::MAX)),
            paging: Paging::new(limits.page_events, limits.window_bytes_max),
            call: None,
            store_at_ms: i64::MIN,
            store_failures: 0,
            opened: false,
            stop: None,
            shared,
        }
    }

    pub(crate) async fn run(
        mut self,
        mut commands: mpsc::UnboundedReceiver<Command>,
        mut store_changed: watch::Receiver<u64>,
    ) {
        let shared = Arc::clone(&self.shared);
        loop {
            let now_ms = shared.clock.now_ms();
            self.window.tick(now_ms);
            self.start_deliveries(now_ms);
            self.start_call(now_ms);
            self.show_gauges();
            if self.stopped(now_ms) {
                break;
            }
            let wake_ms = self.wake_ms(now_ms).unwrap_or(i64::MAX);
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(command) => self.apply(command),
                    None => break,
                },
                Some(ended) = self.running.join_next() => self.completed(ended),
                answer = store::answer(&mut self.call), if self.call.is_some() => self.answered(answer),
                () = shared.arrived.notified(), if self.opened => self.scan.want(),
                _ = store_changed.changed() => self.store_at_ms = i64::MIN,
                () = shared.clock.sleep_until_ms(wake_ms), if wake_ms < i64::MAX => {}
            }
        }
        if let Some(stop) = self.stop {
            // Nobody waits when the limit of the stop was shorter than ours.
            let _ = stop.done.send(());
        }
    }

    fn apply(&mut self, command: Command) {
        let now_ms = self.shared.clock.now_ms();
        match command {
            Command::Open => {
                self.opened = true;
                self.scan.want();
            }
            Command::Removed(numbers) => {
                numbers
                    .into_iter()
                    .for_each(|number| self.window.remove_handler(number, now_ms));
            }
            Command::ExpectedCame(numbers) => {
                numbers.into_iter().for_each(|number| self.window.expected_came(number));
            }
            Command::Awake(numbers) => self.window.release(|number| numbers.contains(&number)),
            Command::Stop(until_ms, done) => {
                self.stop = Some(Stop { until_ms, done });
                // Outcomes are gathered no longer, and the store gets a last chance.
                self.store_at_ms = i64::MIN;
            }
        }
    }

    fn start_deliveries(&mut self, now_ms: i64) {
        if self.stop.is_some() {
            return;
        }
        while let Some(Start {
            sequences,
            route,
            bodies,
            context,
            attempt,
        }) = self.window.next_start(now_ms)
        {
            let delivery = self.shared.delivery.clone();
            let context = if attempt > 1 {
                marked(&context, [("attempt", attempt.into())])
            } else {
                context
            };
            self.running.spawn(async move {
                let outcome = delivery
                    .attempt(&route.handler.target, &bodies, &context, route.timeout_ms)
                    .await;
                Ran {
                    sequences,
                    number: route.handler.number,
                    outcome,
                }
            });
        }
    }

    fn completed(&mut self, ended: Result<Ran, tokio::task::JoinError>) {
        let now_ms = self.shared.clock.now_ms();
        let mut next = Some(ended);
        while let Some(ended) = next {
            // A delivery catches its panics, and nobody cancels it but the end of this task.
            if let Ok(Ran {
                sequences,
                number,
                outcome,
            }) = ended
            {
                let gone = matches!(outcome, Outcome::Gone(_));
                for completion in self.window.complete(&sequences, number, outcome, now_ms) {
                    self.count(&completion);
                    if gone {
                        self.switch_off(&completion.route.handler, now_ms);
                    }
                }
            }
            next = self.running.try_join_next();
        }
    }

    fn count(&self, completion: &Completion) {
        let (shared, handler) = (&self.shared, &completion.route.handler);
        match &completion.ended {
            Ended::Done => {
                handler.counters.delivered.one();
                shared.counters.delivered.one();
            }
            Ended::Away => {}
            Ended::Apart(error) => shared.count_failure(handler, error),
            Ended::Retrying(error) => {
                shared.count_failure(handler, error);
                handler.counters.retried.one();
                shared.counters.retried.one();
            }
            Ended::Dead(error) => {
                shared.count_failure(handler, error);
                handler.counters.dead.one();
                shared.counters.dead.one();
                tracing::error!(
                    handler = %handler.target.id(), event = %completion.event_name,
                    "an event was given up; it is among the dead letters"
                );
            }
        }
    }

    /// The other side of a webhook is gone.
    fn switch_off(&mut self, handler: &Arc<Handler>, now_ms: i64) {
        if let Target::Webhook(webhook) = &handler.target {
            tracing::error!(webhook = %webhook.id, "the webhook was answered with 410 (gone); it is off until the next start");
            webhook.switch_off();
            self.shared.retire(handler.number);
            self.window.remove_handler(handler.number, now_ms);
        }
    }

    fn answered(&mut self, answer: StoreAnswer) {
        self.call = None;
        let now_ms = self.shared.clock.now_ms();
        let failure = match answer {
            StoreAnswer::Page {
                request,
                asked_at_ms,
                result,
            } => match result {
                Ok(page) => {
                    self.take_page(&request, asked_at_ms, page, now_ms);
                    None
                }
                Err(error) => {
                    self.scan.failed();
                    Some(error)
                }
            },
            StoreAnswer::Settled { settlement, result } => match result {
                Ok(()) => {
                    self.window.settled(&settlement);
                    None
                }
                Err(error) => {
                    self.window.unsettled(&settlement, now_ms);
                    Some(error)
                }
            },
        };
        match failure {
            None => self.store_failures = 0,
            Some(error) => {
                self.store_failures = self.store_failures.saturating_add(1);
                self.store_at_ms = now_ms.saturating_add(self.shared.store_pause_ms(self.store_failures));
                if error.kind() != ErrorKind::Unavailable {
                    tracing::debug!(error = %error, internal = error.internal_message(), "a call of the event store failed");
                }
            }
        }
    }

    /// The next moment at which something is to do by itself.
    fn wake_ms(&self, now_ms: i64) -> Option<i64> {
        if let Some(stop) = &self.stop {
            let settle = self.call.is_none() && self.window.settle_due_ms().is_some();
            return Some(if settle {
                stop.until_ms.min(self.store_at_ms)
            } else {
                stop.until_ms
            });
        }
        let store = if self.call.is_some() {
            None
        } else {
            self.next_call_ms(now_ms)
        };
        [self.window.next_start_ms(now_ms), store].into_iter().flatten().min()
    }

    fn stopped(&self, now_ms: i64) -> bool {
        let Some(stop) = &self.stop else { return false };
        let clean = self.running.is_empty() && self.call.is_none() && self.window.settle_due_ms().is_none();
        clean || now_ms >= stop.until_ms
    }

    fn show_gauges(&self) {
        let counters = &self.shared.counters;
        let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        counters.pending.store(wide(self.window.len()), Ordering::Relaxed);
        counters.running.store(wide(self.window.running()), Ordering::Relaxed);
        counters
            .oldest_at_ms
            .store(self.window.oldest_at_ms().unwrap_or_default(), Ordering::Relaxed);
        counters
            .window_full
            .store(u64::from(self.window.is_full()), Ordering::Relaxed);
    }
}
