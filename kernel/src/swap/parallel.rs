//! The new generation beside the old one.

use objectos_plugin_api::{Health, contracts::kernel::SwapReport};
use std::sync::Arc;
use tokio::sync::oneshot;

use super::{Replacement, Up, note_retired, note_swap, report_soon};
use crate::{
    error::Error,
    health::answer_of,
    instance::Instance,
    lifecycle::{self, Loading, StartFailure, bring_up, ms, retire, serves},
};

pub(super) async fn replace(replacement: &Replacement<'_>, old: Arc<Instance>) -> Result<SwapReport, Error> {
    let up = match come_up(replacement, &old).await {
        Ok(up) => up,
        Err(error) => {
            if replacement.plan.hold {
                // Whoever waits goes on with the old one.
                replacement.record.cell.set_running(old);
            }
            return Err(replacement.failed(replacement.goes_on(), error));
        }
    };
    let report = replacement.switch(up);
    note_swap(replacement.record, &report);
    let ended = retire_later(replacement, old, report.generation);
    Ok(report_soon(replacement.core, replacement.record, report, ended).await)
}

async fn come_up(replacement: &Replacement<'_>, old: &Arc<Instance>) -> Result<Up, Error> {
    let state = if replacement.plan.carry_state {
        Some(lifecycle::suspend(old).await?)
    } else {
        None
    };
    let Replacement {
        core,
        record,
        candidate,
        ..
    } = replacement;
    let loading = Loading {
        core,
        record,
        candidate,
    };
    let (instance, warnings) = bring_up(&loading, state)
        .await
        .map_err(|StartFailure { error, .. }| error)?;
    match healthy(replacement, &instance).await {
        Ok(health) => Ok(Up {
            instance,
            warnings,
            health,
        }),
        Err(error) => {
            retire::undo(core, instance, true).await;
            Err(error)
        }
    }
}

/// The new generation's word that it does well, asked as the monitor will ask it.
pub(super) async fn healthy(replacement: &Replacement<'_>, instance: &Arc<Instance>) -> Result<Health, Error> {
    let health = answer_of(instance, &replacement.candidate.document.objectos.health).await;
    if serves(health.status) {
        return Ok(health);
    }
    let message = health
        .message
        .unwrap_or_else(|| "it says that it is not healthy".to_owned());
    Err(Error::Phase {
        plugin: replacement.record.id.to_string(),
        phase: "health",
        source: objectos_plugin_api::Error::unavailable(message),
    })
}

/// Retires the old generation in the background.
fn retire_later(replacement: &Replacement<'_>, old: Arc<Instance>, generation: u64) -> oneshot::Receiver<()> {
    let (core, record) = (Arc::clone(replacement.core), Arc::clone(replacement.record));
    let (ended, receiver) = oneshot::channel();
    replacement.core.executor.spawn(async move {
        let limit = ms(old.limits.drain_ms);
        let retired = retire::retire(&core, old, limit, true).await;
        retire::report(&record.id, &retired.unload);
        note_retired(&core, &record, generation, &retired);
        // Nobody waits any more when it took long.
        let _ = ended.send(());
    });
    receiver
}
