//! Restarts what broke.

use objectos_protocol::kernel::{EventPhase, PluginHealthStatus};
use std::sync::{Arc, Weak, atomic::Ordering};
use tokio::sync::mpsc;

use super::backoff;
use crate::{
    error::Error,
    instance::Incident,
    journal::{self, Cause},
    kernel::{
        core::{Core, KernelState},
        record::PluginRecord,
    },
    lifecycle::notices,
    swap,
};

/// Answers to every panic, until the kernel is gone.
pub(crate) async fn supervise(core: Weak<Core>, mut incidents: mpsc::UnboundedReceiver<Incident>) {
    while let Some(incident) = incidents.recv().await {
        let Some(core) = core.upgrade() else { return };
        core.figures.panics.fetch_add(1, Ordering::Relaxed);
        let Ok(record) = core.record(&incident.plugin) else {
            continue;
        };
        if current_serial(&record) != Some(incident.serial) {
            continue;
        }
        tracing::error!(plugin = &*incident.plugin, panic = incident.text, "a plugin panicked");
        let reason = format!("it panicked: {}", incident.text);
        notices::error_text(&core, &record.id, EventPhase::Start, &reason);
        let own = Arc::clone(&core);
        core.executor
            .spawn(async move { restart(&own, &record, reason, incident.serial).await });
    }
}

fn current_serial(record: &PluginRecord) -> Option<u32> {
    record.cell.running().map(|instance| instance.serial)
}

/// A generation that broke.
struct Broken {
    serial: u32,
    reason: String,
}

/// Restarts a plugin as often as its manifest allows, until one restart succeeds. One restart of a plugin is under way at a
/// time; whoever is at it looks once more at its end, so that nothing is lost that broke meanwhile.
pub(super) async fn restart(core: &Arc<Core>, record: &Arc<PluginRecord>, reason: String, serial: u32) {
    let mut broken = Broken { serial, reason };
    while !record.restarting.swap(true, Ordering::AcqRel) {
        until_it_runs(core, record, &broken).await;
        // A swap: whoever came meanwhile and left it to this one has written before what is read now.
        record.restarting.swap(false, Ordering::AcqRel);
        match broken_since(core, record, broken.serial) {
            Some(next) => broken = next,
            None => return,
        }
    }
}

/// The generation that runs, if it is another one than `serial` and has panicked.
fn broken_since(core: &Core, record: &PluginRecord, serial: u32) -> Option<Broken> {
    let instance = record.cell.running().filter(|instance| instance.has_panicked())?;
    let goes_on = matches!(core.state(), KernelState::Starting | KernelState::Running);
    (goes_on && instance.serial != serial).then(|| Broken {
        serial: instance.serial,
        reason: "it panicked right after a restart".to_owned(),
    })
}

async fn until_it_runs(core: &Arc<Core>, record: &Arc<PluginRecord>, broken: &Broken) {
    while let Some(wait) = next_attempt(core, record, broken) {
        core.clock.sleep_until_ms(wait).await;
        // A swap or a stop may have come first.
        if replaced(record, broken.serial) || !matches!(core.state(), KernelState::Starting | KernelState::Running) {
            return;
        }
        record.with(|details| details.restarts += 1);
        let cause = Cause::health(&broken.reason);
        match swap::restart(core, &record.id, Some(broken.serial), cause).await {
            Ok(report) => {
                tracing::info!(
                    plugin = &*record.id,
                    generation = report.generation,
                    reason = broken.reason,
                    "a plugin was restarted"
                );
                return;
            }
            Err(Error::Superseded { .. }) => {
                record.with(|details| details.restarts = details.restarts.saturating_sub(1));
                return;
            }
            Err(error) => {
                tracing::warn!(
                    plugin = &*record.id,
                    error = error.chain(),
                    "a restart of a plugin failed"
                );
            }
        }
    }
}

fn replaced(record: &PluginRecord, serial: u32) -> bool {
    record.cell.running().is_some_and(|instance| instance.serial != serial)
}

/// When to restart next, milliseconds since 1970. `None` when its restarts are used up: that is said once for a generation.
fn next_attempt(core: &Core, record: &PluginRecord, broken: &Broken) -> Option<i64> {
    if replaced(record, broken.serial) || record.with(|details| details.given_up == Some(broken.serial)) {
        return None;
    }
    let policy = record.candidate().document.objectos.health.clone();
    let now = core.clock.now_ms();
    let window = i64::try_from(core.options.limits.restart_window_ms).unwrap_or(i64::MAX);
    let restarts = record.with(|details| {
        if details
            .running_since_ms
            .is_some_and(|since| now.saturating_sub(since) >= window)
        {
            details.restarts = 0;
        }
        details.health.status = PluginHealthStatus::Failed;
        details.health.message = Some(broken.reason.clone());
        details.health.timestamp = core.now_text();
        details.reason = Some(broken.reason.clone());
        details.restarts
    });
    if restarts >= policy.max_restart_attempts {
        let text = format!("{}; its {restarts} restarts are used up", broken.reason);
        tracing::error!(
            plugin = &*record.id,
            reason = text,
            "a plugin is not restarted any more"
        );
        let cause = Cause::health(&broken.reason);
        journal::given_up(core, &cause, &record.candidate(), &text);
        record.with(|details| {
            details.given_up = Some(broken.serial);
            details.reason = Some(text);
        });
        return None;
    }
    let limits = &core.options.limits;
    let wait = backoff::wait_ms(
        policy.restart_backoff,
        restarts,
        limits.restart_ms,
        limits.restart_ms_max,
    );
    Some(now.saturating_add(i64::try_from(wait).unwrap_or(i64::MAX)))
}
