//! A new version of a plugin in the place of the loaded one, while calls go on.
//!
//! Parallel: the new one comes up beside the old, references switch at once, the old one drains. Exclusive (the plugin owns
//! something that cannot be open twice): calls are held, the old one drains and closes, the new one opens, the calls go on.
//! In both, a failure before the switch leaves the old version in charge.
//!
//! Invariants
//! * One change of a plugin at a time; the file was checked like any other before anything happens.
//! * No other running plugin loses what it needs.
//! * Whoever lacked what came is started after it.

mod check;
mod exclusive;
mod parallel;
mod waiting;

use objectos_plugin_api::{Health, contracts::kernel::SwapReport};
use objectos_protocol::kernel::plugin_document::SwapMode;
use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

use crate::{
    error::Error,
    health,
    instance::Instance,
    journal::{self, Cause, Change},
    kernel::{
        core::Core,
        record::{PluginRecord, Standing},
    },
    lifecycle::{self, boot, hold, ms, retire::Retired},
    loader::Unload,
    package::{Candidate, Refusal},
};

pub(crate) use self::check::load_new;

/// How a generation is replaced.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// The new one gets the old one's state.
    carry_state: bool,
    /// Calls wait meanwhile, in parallel mode too: the old one is not to be called any more.
    hold: bool,
    /// Only this generation (its serial) is to be replaced: it broke. Another one is left alone.
    broken: Option<u32>,
}

/// A new generation that came up and may serve.
struct Up {
    instance: Arc<Instance>,
    /// What it declares and does not register.
    warnings: Vec<String>,
    /// Its own word.
    health: Health,
}

/// A replacement that is under way.
struct Replacement<'a> {
    core: &'a Arc<Core>,
    record: &'a Arc<PluginRecord>,
    candidate: Arc<Candidate>,
    from_version: String,
    plan: Plan,
    since: Instant,
}

/// Swaps a plugin for the file at `path`, or for what now lies where it was loaded from.
///
/// # Errors
/// `UnknownPlugin`, `SwapRefused`, `SwapFailed`, `NotRunning`.
pub(crate) async fn swap(core: &Arc<Core>, id: &str, path: Option<PathBuf>, cause: Cause) -> Result<SwapReport, Error> {
    detached(
        core,
        id,
        path,
        cause,
        Plan {
            carry_state: true,
            hold: false,
            broken: None,
        },
    )
    .await
}

/// Loads a plugin anew from its file. `broken`: the generation (its serial) that broke; calls wait for the one that follows,
/// and a later one is left alone.
///
/// # Errors
/// As [`swap`]; `Superseded` when the broken generation is gone already.
pub(crate) async fn restart(
    core: &Arc<Core>,
    id: &str,
    broken: Option<u32>,
    cause: Cause,
) -> Result<SwapReport, Error> {
    let report = detached(
        core,
        id,
        None,
        cause,
        Plan {
            carry_state: false,
            hold: broken.is_some(),
            broken,
        },
    )
    .await;
    if report.is_ok() {
        core.figures.restarts.fetch_add(1, Ordering::Relaxed);
    }
    report
}

/// As a task of its own: whoever asked may go away in the middle.
async fn detached(
    core: &Arc<Core>,
    id: &str,
    path: Option<PathBuf>,
    cause: Cause,
    plan: Plan,
) -> Result<SwapReport, Error> {
    let record = core.record(id)?;
    let own = Arc::clone(core);
    let task = core.executor.spawn(async move {
        let outcome = turn(&own, &record, path, &cause, plan).await;
        if outcome.is_ok() {
            waiting::look_again(&own, &cause);
        }
        outcome
    });
    task.await
        .unwrap_or_else(|error| Err(Error::Internal(format!("a swap ended early: {error}"))))
}

async fn turn(
    core: &Arc<Core>,
    record: &Arc<PluginRecord>,
    path: Option<PathBuf>,
    cause: &Cause,
    plan: Plan,
) -> Result<SwapReport, Error> {
    let since = Instant::now();
    let _turn = record.turn.lock().await;
    core.require_running()?;
    let replaced = |serial: u32| record.cell.running().is_some_and(|instance| instance.serial != serial);
    if plan.broken.is_some_and(replaced) {
        return Err(Error::Superseded {
            plugin: record.id.to_string(),
        });
    }
    let before = record.candidate();
    let outcome = replace(core, record, path, plan, since).await;
    match &outcome {
        Ok(report) => {
            core.figures.swaps.fetch_add(1, Ordering::Relaxed);
            tracing::info!(
                plugin = report.plugin,
                from = report.from_version,
                to = report.to_version,
                generation = report.generation,
                switch_us = report.switch_us,
                "a plugin was swapped"
            );
        }
        Err(error) => {
            core.figures.swaps_failed.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(plugin = &*record.id, error = error.chain(), "a plugin was not swapped");
        }
    }
    let change = if plan.carry_state {
        Change::Swap
    } else {
        Change::Restart
    };
    journal::changed(core, cause, change, &before, record, &outcome);
    outcome
}

async fn replace(
    core: &Arc<Core>,
    record: &Arc<PluginRecord>,
    path: Option<PathBuf>,
    plan: Plan,
    since: Instant,
) -> Result<SwapReport, Error> {
    let before = record.candidate();
    let candidate = check::examine(core, record, path).await?;
    check::fits(core, record, &candidate)?;
    let Some(old) = record.cell.running() else {
        return start_again(core, record, &before, &candidate, since).await;
    };
    if plan.hold {
        hold(core, record);
    }
    record.set_standing(Standing::Swapping, None);
    let exclusive = [&before, &candidate]
        .iter()
        .any(|side| side.document.objectos.swap == SwapMode::Exclusive);
    let replacement = Replacement {
        core,
        record,
        candidate,
        from_version: old.version.to_string(),
        plan,
        since,
    };
    let outcome = if exclusive {
        exclusive::replace(&replacement, old, &before).await
    } else {
        parallel::replace(&replacement, old).await
    };
    if record.standing() == Standing::Swapping {
        record.set_standing(Standing::Running, None);
    }
    outcome
}

/// The plugin is down: there is nothing to replace.
async fn start_again(
    core: &Arc<Core>,
    record: &Arc<PluginRecord>,
    before: &Arc<Candidate>,
    candidate: &Arc<Candidate>,
    since: Instant,
) -> Result<SwapReport, Error> {
    record.with(|details| details.candidate = Arc::clone(candidate));
    // What kept it down before is over, whatever comes of this.
    let stale = |known: &Refusal| known.plugin.as_deref() == Some(&*record.id) && known.path == candidate.path;
    core.refusals.lock().retain(|known| !stale(known));
    boot::start_plugin(core, record, candidate).await?;
    health::first_look(core, &[Arc::clone(record)]).await;
    let generation = record.with(|details| details.generation);
    let report = SwapReport {
        plugin: record.id.to_string(),
        from_version: before.document.manifest.version.clone(),
        to_version: candidate.document.manifest.version.clone(),
        generation,
        switch_us: micros(since.elapsed()),
        drain_us: 0,
        unmapped: None,
        kept: None,
    };
    note_swap(record, &report);
    Ok(report)
}

impl Replacement<'_> {
    /// The new instance serves from now on.
    fn switch(&self, up: Up) -> SwapReport {
        let Up {
            instance,
            warnings,
            health,
        } = up;
        let report = SwapReport {
            plugin: self.record.id.to_string(),
            from_version: self.from_version.clone(),
            to_version: instance.version.to_string(),
            generation: instance.generation,
            switch_us: 0,
            drain_us: 0,
            unmapped: None,
            kept: None,
        };
        self.record.with(|details| {
            details.candidate = Arc::clone(&self.candidate);
            details.warnings = warnings;
            details.health.status = health.status;
            details.health.message = health.message;
            details.health.checks = health.checks;
            details.health.timestamp = self.core.now_text();
        });
        lifecycle::switch(self.core, self.record, lifecycle::Switch::To(instance));
        SwapReport {
            switch_us: micros(self.since.elapsed()),
            ..report
        }
    }

    fn failed(&self, outcome: String, source: Error) -> Error {
        Error::SwapFailed {
            plugin: self.record.id.to_string(),
            version: self.candidate.document.manifest.version.clone(),
            outcome,
            source: Box::new(source),
        }
    }

    fn goes_on(&self) -> String {
        format!("version {} goes on", self.from_version)
    }
}

/// Waits a moment for the old generation's end, so that a report is usually complete; the end then comes by itself.
async fn report_soon(
    core: &Core,
    record: &PluginRecord,
    report: SwapReport,
    ended: oneshot::Receiver<()>,
) -> SwapReport {
    let _ = tokio::time::timeout(ms(core.options.limits.swap_report_ms), ended).await;
    let latest = record.with(|details| details.last_swap.clone());
    latest
        .filter(|latest| latest.generation == report.generation)
        .unwrap_or(report)
}

fn note_swap(record: &PluginRecord, report: &SwapReport) {
    record.with(|details| {
        details.swaps += 1;
        details.last_swap = Some(report.clone());
    });
}

/// Writes what became of the old generation into the report of its swap.
fn note_retired(core: &Core, record: &PluginRecord, generation: u64, retired: &Retired) {
    let drain_us = retired.drained.map_or(0, micros);
    core.figures.drain_us_last.store(drain_us, Ordering::Relaxed);
    core.figures.drain_us_max.fetch_max(drain_us, Ordering::Relaxed);
    record.with(|details| {
        let Some(report) = details
            .last_swap
            .as_mut()
            .filter(|report| report.generation == generation)
        else {
            return;
        };
        report.drain_us = drain_us;
        match &retired.unload {
            Unload::Unmapped => report.unmapped = Some(true),
            Unload::Kept(reason) => {
                report.unmapped = Some(false);
                report.kept = Some(reason.clone());
            }
        }
    });
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
