//! One generation after the other, calls held meanwhile: never are two of them open at the same time.

use objectos_plugin_api::contracts::kernel::SwapReport;
use std::{sync::Arc, time::Duration};
use tokio::sync::oneshot;

use super::{Replacement, note_retired, note_swap, parallel::healthy, report_soon};
use crate::{
    error::Error,
    instance::Instance,
    lifecycle::{
        self, Loading, StartFailure, Switch, boot, bring_up, hold, ms, recreate,
        retire::{self, Closed, Retired},
        start,
    },
    loader::Library,
    package::Candidate,
};

/// The old generation, closed: what a way back needs.
struct Before {
    candidate: Arc<Candidate>,
    library: Library,
    state: Option<Vec<u8>>,
    drained: Duration,
    version: String,
}

pub(super) async fn replace(replacement: Replacement<'_>) -> Result<SwapReport, Error> {
    hold(replacement.core, replacement.record);
    let state = match quiet(&replacement).await {
        Ok(state) => state,
        Err(error) => {
            replacement.record.cell.set_running(Arc::clone(&replacement.old));
            return Err(replacement.failed(replacement.goes_on(), error));
        }
    };
    let before = close(&replacement, state).await?;
    // The old one's Arc is gone with the close; what is needed of it was noted.
    match come_up(&replacement, before.state.clone()).await {
        Ok((instance, warnings)) => {
            let report = SwapReport {
                from_version: before.version.clone(),
                ..replacement.switch(instance, warnings)
            };
            note_swap(replacement.record, &report);
            let drained = before.drained;
            Ok(unload_later(&replacement, before.library, drained, report).await)
        }
        Err(failure) => Err(back(&replacement, before, failure).await),
    }
}

/// Waits until no call is under way and asks for the state.
async fn quiet(replacement: &Replacement<'_>) -> Result<Option<Vec<u8>>, Error> {
    let limit = ms(replacement.old.limits.drain_ms);
    if !retire::drain(&replacement.old, limit).await {
        return Err(Error::PhaseTimeout {
            plugin: replacement.record.id.to_string(),
            phase: "drain",
            limit_ms: replacement.old.limits.drain_ms,
        });
    }
    if replacement.plan.carry_state { lifecycle::suspend(&replacement.old).await.map(Some) } else { Ok(None) }
}
