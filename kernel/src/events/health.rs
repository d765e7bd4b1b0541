//! The bus's part of the health report: does the store answer, do durable events flow, are all webhooks on, are
//! done events moved into the archive.

use objectos_plugin_api::protocol::kernel::{HealthCheckResult, HealthCheckStatus};
use serde_json::{Map, Value, json};
use std::sync::atomic::Ordering;

use super::{archive::ArchiveKind, keeper::Keeper, routing::Handler, shared::Shared};

/// From when on an event that is not done is worth a warning, milliseconds.
const LAG_WARNING_MS: u64 = 5 * 60_000;

/// `event-store`, `event-delivery` and, when there are any, `webhooks`, `event-sourcing` and `event-archive`. `alive`: the
/// dispatcher runs.
pub(crate) fn checks(shared: &Shared, alive: bool) -> Vec<HealthCheckResult> {
    let mut checks = vec![store(shared), delivery(shared, alive)];
    checks.extend(webhooks(shared));
    checks.extend(sourcing(shared));
    checks.extend(archive(shared));
    checks
}

fn store(shared: &Shared) -> HealthCheckResult {
    let buffered = shared.buffer.len();
    let limit = shared.settings.limits.buffer_events_max;
    let state = shared.store_state();
    let (status, message) = match state.down_since_ms {
        None => (HealthCheckStatus::Passed, None),
        Some(since_ms) => {
            let seconds = shared.clock.now_ms().saturating_sub(since_ms) / 1_000;
            let reason = state.error.map(|error| error.message().to_owned()).unwrap_or_default();
            let full = buffered >= limit.div_ceil(2);
            let status = if full {
                HealthCheckStatus::Failed
            } else {
                HealthCheckStatus::Warning
            };
            let text = format!(
                "the event store does not answer for {seconds} s ({reason}); {buffered} of at most {limit} durable events wait in memory"
            );
            (status, Some(text))
        }
    };
    let mut data = Map::new();
    data.insert("buffered".to_owned(), json!(buffered));
    HealthCheckResult {
        name: "event-store".to_owned(),
        status,
        message,
        data,
    }
}

fn delivery(shared: &Shared, alive: bool) -> HealthCheckResult {
    let counters = &shared.counters;
    let lag_ms = shared.lag_ms();
    let table = shared.table.load();
    let away: Vec<&str> = table
        .handlers
        .iter()
        .filter(|handler| is_away(handler))
        .map(|handler| handler.target.id().as_str())
        .collect();
    let mut problems = Vec::new();
    if counters.window_full.load(Ordering::Relaxed) != 0 {
        problems.push("too many events wait, no more are read".to_owned());
    }
    if lag_ms > LAG_WARNING_MS {
        problems.push(format!("the oldest event waits for {} s", lag_ms / 1_000));
    }
    if !away.is_empty() {
        problems.push(format!("nobody is there to take events for {}", away.join(", ")));
    }
    let mut data = Map::new();
    for (key, value) in [
        ("queue", json!(shared.settings.queue_name)),
        ("deadLetterQueue", json!(shared.settings.dead_letter_name)),
        ("pending", json!(counters.pending.load(Ordering::Relaxed))),
        ("lagMs", json!(lag_ms)),
        ("dead", json!(counters.dead.get())),
        ("dropped", json!(counters.dropped.get())),
    ] {
        if value != Value::Null {
            data.insert(key.to_owned(), value);
        }
    }
    let mut check = result("event-delivery", &problems, data);
    if !alive {
        check.status = HealthCheckStatus::Failed;
        check.message = Some("durable events are not delivered any more; restart the host".to_owned());
    }
    check
}

fn webhooks(shared: &Shared) -> Option<HealthCheckResult> {
    let all = &shared.settings.webhooks;
    let off: Vec<String> = all
        .iter()
        .filter(|webhook| webhook.is_off())
        .map(|webhook| {
            format!(
                "{} was answered with 410 (gone) and is off until the next start",
                webhook.id
            )
        })
        .collect();
    (!all.is_empty()).then(|| result("webhooks", &off, Map::new()))
}

fn sourcing(shared: &Shared) -> Option<HealthCheckResult> {
    shared.settings.sourcing.as_ref()?;
    let mut problems = Vec::new();
    if shared.touched.is_off() {
        problems.push("the event store cannot keep what records were; records are not rebuilt from events".to_owned());
    }
    if let Some(streams) = &shared.streams {
        let kind = "eventSourcing.storage: {type: database}";
        problems.extend(away(
            shared,
            &streams.keeper,
            "see to the plugin that provides it",
            kind,
        ));
    }
    let mut data = Map::new();
    data.insert("snapshots".to_owned(), json!(shared.counters.snapshots.get()));
    Some(result("event-sourcing", &problems, data))
}

fn archive(shared: &Shared) -> Option<HealthCheckResult> {
    let archive = shared.archive.as_ref()?;
    let remedy = match archive.kind {
        ArchiveKind::File | ArchiveKind::S3 => "see to the plugin that provides it",
        ArchiveKind::Custom => "install or enable a plugin that provides it",
    };
    let back = if shared.settings.archive_all {
        "persistence.storage: database"
    } else {
        "eventSourcing.storage: {type: database}"
    };
    let problems: Vec<String> = away(shared, &archive.keeper, remedy, back).into_iter().collect();
    let mut data = Map::new();
    data.insert("service".to_owned(), json!(archive.kind.service()));
    data.insert("archived".to_owned(), json!(shared.counters.archived.get()));
    Some(result("event-archive", &problems, data))
}

/// What is wrong with a service that takes done events; `back` is the setting with which they would stay where they
/// are.
fn away(shared: &Shared, keeper: &Keeper, remedy: &str, back: &str) -> Option<String> {
    let state = keeper.state();
    let since_ms = state.down_since_ms?;
    let seconds = shared.clock.now_ms().saturating_sub(since_ms) / 1_000;
    let service = keeper.service();
    let reason = state.error.map(|error| error.message().to_owned()).unwrap_or_default();
    Some(format!(
        "the service {service} does not take done events for {seconds} s ({reason}); they stay in the event store, nothing is lost; {remedy}, or write {back}"
    ))
}

fn result(name: &str, problems: &[String], data: Map<String, Value>) -> HealthCheckResult {
    let fine = problems.is_empty();
    HealthCheckResult {
        name: name.to_owned(),
        status: if fine {
            HealthCheckStatus::Passed
        } else {
            HealthCheckStatus::Warning
        },
        message: (!fine).then(|| problems.join("; ")),
        data,
    }
}

pub(crate) fn is_away(handler: &Handler) -> bool {
    handler.counters.away_since_ms.load(Ordering::Relaxed) != 0
}
