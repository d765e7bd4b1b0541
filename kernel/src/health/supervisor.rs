//! Restarts what broke.

use objectos_protocol::kernel::{EventPhase, PluginHealthStatus};
use std::sync::{Arc, Weak, atomic::Ordering};
use tokio::sync::mpsc;

use super::backoff;
use crate::{
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

/// Restarts a plugin as often as its manifest allows, until one restart succeeds.
pub(super) async fn restart(core: &Arc<Core>, record: &Arc<PluginRecord>, reason: String, serial: u32) {
    loop {
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
            details.health.message = Some(reason.clone());
            details.health.timestamp = core.now_text();
            details.reason = Some(reason.clone());
            details.restarts
        });
        if restarts >= policy.max_restart_attempts {
            let text = format!("{reason}; its {restarts} restarts are used up");
            tracing::error!(
                plugin = &*record.id,
                reason = text,
                "a plugin is not restarted any more"
            );
            journal::given_up(core, &Cause::health(&reason), &record.candidate(), &text);
            record.with(|details| details.reason = Some(text));
            return;
        }
        let limits = &core.options.limits;
        let wait = backoff::wait_ms(
            policy.restart_backoff,
            restarts,
            limits.restart_ms,
            limits.restart_ms_max,
        );
        if wait > 0 {
            core.clock
                .sleep_until_ms(now.saturating_add(i64::try_from(wait).unwrap_or(i64::MAX)))
                .await;
        }
        // A swap or a stop may have come first.
        let replaced = record.cell.running().is_some_and(|instance| instance.serial != serial);
        if replaced || !matches!(core.state(), KernelState::Starting | KernelState::Running) {
            return;
        }
        record.with(|details| details.restarts += 1);
        match swap::restart(core, &record.id, true, Cause::health(&reason)).await {
            Ok(report) => {
                tracing::info!(
                    plugin = &*record.id,
                    generation = report.generation,
                    reason,
                    "a plugin was restarted"
                );
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
