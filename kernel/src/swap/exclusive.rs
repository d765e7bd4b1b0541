//! One generation after the other, calls held meanwhile: never are two of them open at the same time.

use objectos_plugin_api::contracts::kernel::SwapReport;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

use super::{Replacement, Up, note_retired, note_swap, parallel::healthy, report_soon};
use crate::{
    error::Error,
    instance::Instance,
    lifecycle::{
        self, Loading, StartFailure, Switch, boot, bring_up, hold, ms, recreate,
        retire::{self, Retired},
        start,
    },
    loader::{Library, note_kept},
    package::Candidate,
};

/// The old generation, closed: what a way back needs.
struct Before<'a> {
    candidate: &'a Arc<Candidate>,
    library: Library,
    state: Option<Vec<u8>>,
    drained: Duration,
}

pub(super) async fn replace(
    replacement: &Replacement<'_>,
    old: Arc<Instance>,
    candidate: &Arc<Candidate>,
) -> Result<SwapReport, Error> {
    hold(replacement.core, replacement.record);
    let since = Instant::now();
    let state = match quiet(replacement, &old).await {
        Ok(state) => state,
        Err(error) => {
            old.stay();
            replacement.record.cell.set_running(old);
            return Err(replacement.failed(replacement.goes_on(), error));
        }
    };
    let drained = since.elapsed();
    let file = old.file();
    let closed = match retire::close(replacement.core, old, Duration::ZERO, true).await {
        Ok(closed) => closed,
        Err(reason) => {
            note_kept(file, &reason);
            let error = Error::Internal(format!("the old version cannot be closed: {reason}"));
            return Err(down(
                replacement,
                candidate,
                "and the old one could not be closed".to_owned(),
                error,
            ));
        }
    };
    let before = Before {
        candidate,
        library: closed.library,
        state,
        drained,
    };
    match come_up(replacement, before.state.clone()).await {
        Ok(up) => {
            let report = replacement.switch(up);
            note_swap(replacement.record, &report);
            let ended = unload_later(replacement, before.library, before.drained, report.generation);
            Ok(report_soon(replacement.core, replacement.record, report, ended).await)
        }
        Err(failure) => Err(back(replacement, before, failure).await),
    }
}

/// Waits until no call is under way and asks for the state.
async fn quiet(replacement: &Replacement<'_>, old: &Arc<Instance>) -> Result<Option<Vec<u8>>, Error> {
    if !retire::drain_with_streams(replacement.core, old, ms(old.limits.drain_ms)).await {
        return Err(Error::PhaseTimeout {
            plugin: replacement.record.id.to_string(),
            phase: "drain",
            limit_ms: old.limits.drain_ms,
        });
    }
    if replacement.plan.carry_state {
        lifecycle::suspend(old).await.map(Some)
    } else {
        Ok(None)
    }
}

async fn come_up(replacement: &Replacement<'_>, state: Option<Vec<u8>>) -> Result<Up, StartFailure> {
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
    let (instance, warnings) = bring_up(&loading, state).await?;
    match healthy(replacement, &instance).await {
        Ok(health) => Ok(Up {
            instance,
            warnings,
            health,
        }),
        Err(error) => {
            let closed = retire::undo(core, instance, true).await;
            Err(StartFailure { error, closed })
        }
    }
}

/// Brings the old version back, in its library, which is still there.
async fn back(replacement: &Replacement<'_>, before: Before<'_>, failure: StartFailure) -> Error {
    let StartFailure { error, closed } = failure;
    if !closed {
        note_kept(before.library.file(), "the version that was to follow it did not close");
        let outcome = format!(
            "and version {} stays down: the new one did not close",
            replacement.from_version
        );
        return down(replacement, before.candidate, outcome, error);
    }
    let Replacement { core, record, .. } = replacement;
    let loading = Loading {
        core,
        record,
        candidate: before.candidate,
    };
    let again = match recreate(&loading, before.library).await {
        Ok(instance) => start(&loading, instance, before.state)
            .await
            .map_err(|failure| failure.error),
        Err(error) => Err(error),
    };
    match again {
        Ok((instance, _)) => {
            lifecycle::switch(core, record, Switch::To(instance));
            replacement.failed(format!("version {} is back", replacement.from_version), error)
        }
        Err(second) => {
            let outcome = format!(
                "and version {} did not come back: {}",
                replacement.from_version,
                second.chain()
            );
            down(replacement, before.candidate, outcome, error)
        }
    }
}

/// Neither version serves.
fn down(replacement: &Replacement<'_>, candidate: &Arc<Candidate>, outcome: String, error: Error) -> Error {
    let failed = replacement.failed(outcome, error);
    boot::note_failure(
        replacement.core,
        replacement.record,
        candidate,
        Duration::ZERO,
        &failed.chain(),
    );
    failed
}

/// Unmaps the old library in the background.
fn unload_later(
    replacement: &Replacement<'_>,
    library: Library,
    drained: Duration,
    generation: u64,
) -> oneshot::Receiver<()> {
    let (core, record) = (Arc::clone(replacement.core), Arc::clone(replacement.record));
    let (ended, receiver) = oneshot::channel();
    replacement.core.executor.spawn(async move {
        let retired = Retired {
            drained: Some(drained),
            unload: retire::unload(&core, library).await,
        };
        retire::report(&record.id, &retired.unload);
        note_retired(&core, &record, generation, &retired);
        // Nobody waits any more when it took long.
        let _ = ended.send(());
    });
    receiver
}
