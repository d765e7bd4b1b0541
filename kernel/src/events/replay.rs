//! Delivers stored events once more (`kernel/EventReplayConfig`), those in the archive among them: by time, names, filters and
//! handlers, paced as they happened (`speed` 1) or faster, and never more than some hundred a second. The context of such a
//! delivery has `replay: true` among its extra facts. Events go one after the other, in their order, to durable handlers and
//! webhooks; a failure is counted, not retried, and writes no dead letter. One replay runs at a time, beside live delivery.
//! They are read page by page (`pages`).

mod pages;

use objectos_plugin_api::{
    Error, ErrorKind, Result,
    contracts::event_store::{RangeRequest, StoredEvent},
    protocol::kernel::{Event, EventReplayConfig, plugin_document::nearest},
};
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use self::pages::Pages;
use super::{
    delivery::{Outcome, Target, context_of, marked},
    filter::EventFilter,
    pattern::Pattern,
    routing::Route,
    shared::Shared,
    time_text::ms_of_text,
};

/// Least pause between two events, milliseconds.
const PAUSE_MS: i64 = 2;
/// Pause before a plugin that is not there is asked again, and when to go on without it, milliseconds.
const AWAY_MS: (i64, i64) = (200, 30_000);

/// Whether one runs, and how much it has before it.
#[derive(Debug, Default)]
pub(crate) struct ReplayState {
    running: AtomicBool,
    remaining: AtomicU64,
}

impl ReplayState {
    pub(crate) fn remaining(&self) -> u64 {
        self.remaining.load(Ordering::Relaxed)
    }
}

/// Ends the replay when it is dropped, however it ended.
struct Running(Arc<ReplayState>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.remaining.store(0, Ordering::Relaxed);
        self.0.running.store(false, Ordering::Release);
    }
}

/// How a replay went.
#[derive(Clone, Debug, Default)]
pub struct ReplayEnd {
    /// Deliveries that went well, each to one handler.
    pub delivered: u64,
    /// Those that did not.
    pub failed: u64,
    /// Why it ended before the last event.
    pub error: Option<Error>,
}

/// A replay that was checked and counted.
pub(crate) struct Replay {
    shared: Arc<Shared>,
    running: Running,
    range: RangeRequest,
    filter: EventFilter,
    /// Ids of handlers; empty is all.
    targets: HashSet<String>,
    speed: f64,
    /// Events that it will deliver.
    pub(crate) count: u64,
}

impl Replay {
    /// Checks what is asked for and counts the events.
    ///
    /// # Errors
    /// `Conflict` when replays are switched off or one runs; `Invalid` for times, names, filters or handlers that cannot
    /// be; what the store answers.
    pub(crate) async fn prepare(
        shared: Arc<Shared>,
        state: &Arc<ReplayState>,
        request: &EventReplayConfig,
    ) -> Result<Self> {
        if !shared.settings.replay {
            let text = "replays are switched off by replay.enabled in the configuration of events";
            return Err(Error::new(ErrorKind::Conflict, text));
        }
        let range = range(&shared, request)?;
        let filter = EventFilter::compile_map(&request.filters)
            .map_err(|problem| Error::invalid(format!("filters: {problem}")))?;
        let targets = targets(&shared, &request.target_handlers)?;
        if state.running.swap(true, Ordering::Acquire) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "another replay is running; wait until it ends",
            ));
        }
        let running = Running(Arc::clone(state));
        let mut replay = Self {
            shared,
            running,
            range,
            filter,
            targets,
            speed: request.speed,
            count: 0,
        };
        replay.count = replay.count_events().await?;
        replay.running.0.remaining.store(replay.count, Ordering::Relaxed);
        Ok(replay)
    }

    async fn count_events(&self) -> Result<u64> {
        let mut count = 0;
        let mut pages = Pages::new(self);
        while let Some(page) = pages.next().await? {
            let wanted = page
                .iter()
                .filter(|stored| !self.routes(&stored.event).is_empty())
                .count();
            count += u64::try_from(wanted).unwrap_or(u64::MAX);
        }
        Ok(count)
    }

    /// Delivers.
    pub(crate) async fn run(self) -> ReplayEnd {
        let mut end = ReplayEnd::default();
        let started_ms = self.shared.clock.now_ms();
        let mut first_ms = None;
        let mut pages = Pages::new(&self);
        loop {
            let page = match pages.next().await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(error) => {
                    tracing::error!(error = %error, "the replay ended early: events cannot be read");
                    end.error = Some(error);
                    return end;
                }
            };
            for StoredEvent { event, .. } in page {
                let routes = self.routes(&event);
                if routes.is_empty() {
                    continue;
                }
                let at_ms = ms_of_text(&event.metadata.timestamp).unwrap_or(started_ms);
                let since_ms = at_ms.saturating_sub(*first_ms.get_or_insert(at_ms)).max(0);
                let paced_ms = started_ms.saturating_add(paced(since_ms, self.speed));
                let now_ms = self.shared.clock.now_ms();
                self.shared
                    .clock
                    .sleep_until_ms(paced_ms.max(now_ms.saturating_add(PAUSE_MS)))
                    .await;
                self.deliver(&event, &routes, &mut end).await;
                let remaining = &self.running.0.remaining;
                remaining.store(self.running.0.remaining().saturating_sub(1), Ordering::Relaxed);
            }
        }
        tracing::info!(count = self.count, "the replay is done");
        end
    }

    fn routes(&self, event: &Event) -> Vec<Arc<Route>> {
        if !self.filter.accepts(event) {
            return Vec::new();
        }
        let table = self.shared.table.load();
        let all = table.routes(&event.name);
        let wanted = all.durable.iter().filter(|route| {
            let target = &route.handler.target;
            !matches!(target, Target::Expected(_))
                && (self.targets.is_empty() || self.targets.contains(target.id().as_str()))
                && route.accepts(|| Some(event))
        });
        wanted.cloned().collect()
    }

    async fn deliver(&self, event: &Event, routes: &[Arc<Route>], end: &mut ReplayEnd) {
        let json: Arc<[u8]> = serde_json::to_vec(event).unwrap_or_default().into();
        let context = marked(&context_of(event), [("replay", true.into())]);
        for route in routes {
            let give_up_ms = self.shared.clock.now_ms().saturating_add(AWAY_MS.1);
            loop {
                let target = &route.handler.target;
                let outcome = self
                    .shared
                    .delivery
                    .attempt(target, std::slice::from_ref(&json), &context, route.timeout_ms)
                    .await;
                let now_ms = self.shared.clock.now_ms();
                match outcome {
                    Outcome::Done => {
                        self.shared.counters.replayed.one();
                        end.delivered += 1;
                    }
                    Outcome::Away if now_ms < give_up_ms => {
                        self.shared.clock.sleep_until_ms(now_ms.saturating_add(AWAY_MS.0)).await;
                        continue;
                    }
                    Outcome::Away => {
                        let error = Error::unavailable("nobody is there to take the replayed event");
                        self.shared.count_failure(&route.handler, &error);
                        end.failed += 1;
                    }
                    Outcome::Failed { error, .. } | Outcome::Gone(error) => {
                        self.shared.count_failure(&route.handler, &error);
                        end.failed += 1;
                    }
                }
                break;
            }
        }
    }
}

fn range(shared: &Shared, request: &EventReplayConfig) -> Result<RangeRequest> {
    let moment = |key: &str, text: &str| {
        ms_of_text(text).ok_or_else(|| Error::invalid(format!("{key}: `{text}` is no date and time")))
    };
    let from_ms = moment("fromTimestamp", &request.from_timestamp)?;
    // Both ends are inclusive; what is published from now on is not part of it.
    let to_ms = match &request.to_timestamp {
        Some(text) => moment("toTimestamp", text)?,
        None => shared.clock.now_ms(),
    };
    if to_ms < from_ms {
        return Err(Error::invalid("toTimestamp is before fromTimestamp"));
    }
    for pattern in &request.event_types {
        Pattern::parse(pattern).map_err(|problem| Error::invalid(format!("eventTypes: {problem}")))?;
    }
    if !(request.speed.is_finite() && request.speed > 0.0) {
        return Err(Error::invalid("speed must be a number above 0"));
    }
    Ok(RangeRequest {
        from_ms,
        to_ms: Some(to_ms.saturating_add(1)),
        names: request.event_types.clone(),
        after: 0,
        limit: shared.settings.limits.page_events,
    })
}

fn targets(shared: &Shared, wanted: &[String]) -> Result<HashSet<String>> {
    let table = shared.table.load();
    let durable: Vec<&str> = table
        .handlers
        .iter()
        .filter(|handler| handler.queue.is_none() && !matches!(handler.target, Target::Expected(_)))
        .map(|handler| handler.target.id().as_str())
        .collect();
    for id in wanted {
        if !durable.contains(&id.as_str()) {
            let hint = nearest(id, durable.iter().copied())
                .map(|name| format!("; the nearest one is {name}"))
                .unwrap_or_default();
            return Err(Error::invalid(format!(
                "targetHandlers: there is no durable handler {id}{hint}"
            )));
        }
    }
    Ok(wanted.iter().cloned().collect())
}

/// Milliseconds after the start at which an event is due that happened so long after the first.
fn paced(since_ms: i64, speed: f64) -> i64 {
    let since = Duration::from_millis(u64::try_from(since_ms).unwrap_or_default());
    let due = Duration::try_from_secs_f64(since.as_secs_f64() / speed).unwrap_or(Duration::MAX);
    i64::try_from(due.as_millis()).unwrap_or(i64::MAX)
}
