//! Plugins that stay out or down for lack of another one, and come when that one is there: after each load, start and swap that
//! went well, whoever lacks something is held once more against those that are there, and what now fits is started.
//!
//! Not here: files that were refused for themselves; those wait for another file, which the watcher sees. Called by
//! [`crate::swap`] alone.

use futures_util::future::BoxFuture;
use std::{collections::BTreeSet, sync::Arc};

use super::check;
use crate::{
    journal::Cause,
    kernel::{core::Core, record::PluginRecord},
    lifecycle::boot,
    package::{Candidate, Refusal},
};

/// A plugin that lacks nothing any more.
enum Ready {
    /// Refused before it was anything: its file is loaded as a new one.
    File(Arc<Candidate>),
    /// Down since what it needs did not start.
    Down(Arc<PluginRecord>),
}

/// Looks, in the background, whether somebody waited for what just came.
pub(super) fn look_again(core: &Arc<Core>, cause: &Cause) {
    if !waiting(core).is_empty() {
        core.executor.spawn(round(Arc::clone(core), cause.clone()));
    }
}

/// Starts what fits until nothing more does, each plugin once: one that fails then waits for nobody. Boxed, since what it
/// starts looks again as well.
fn round(core: Arc<Core>, cause: Cause) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let _turn = core.rounds.lock().await;
        let mut tried = BTreeSet::new();
        while core.require_running().is_ok() {
            let Some((id, ready)) = next(&core, &tried).await else {
                return;
            };
            tracing::info!(plugin = id, "plugin {id} waited for another one, which is there now");
            let started = match ready {
                Ready::File(candidate) => super::load_new(&core, candidate.path.clone(), cause.clone()).await,
                Ready::Down(record) => super::swap(&core, &record.id, None, cause.clone()).await.map(drop),
            };
            if let Err(error) = started {
                tracing::warn!(
                    plugin = id,
                    error = error.chain(),
                    "a plugin that waited for another one did not start"
                );
            }
            tried.insert(id);
        }
    })
}

/// Refusals for lack of something, of plugins that do not run.
fn waiting(core: &Core) -> Vec<Refusal> {
    let refusals = core.refusals.lock().clone();
    let runs = |id: &str| core.record(id).is_ok_and(|record| record.cell.running().is_some());
    let waits = |refusal: &Refusal| refusal.reason.is_lack() && refusal.plugin.as_deref().is_some_and(|id| !runs(id));
    refusals.into_iter().filter(waits).collect()
}

/// One that may start now and was not tried yet.
async fn next(core: &Arc<Core>, tried: &BTreeSet<String>) -> Option<(String, Ready)> {
    for refusal in waiting(core) {
        let Some(id) = refusal.plugin.filter(|id| !tried.contains(id)) else {
            continue;
        };
        if let Ok(record) = core.record(&id) {
            if fits(core, &record.candidate()) {
                return Some((id, Ready::Down(record)));
            }
            continue;
        }
        // It may have become another file since, or none: that is for the watcher to tell.
        let Ok(candidate) = check::examine_file(core, refusal.path).await else {
            continue;
        };
        let candidate = Arc::new(candidate);
        if candidate.id() == id && fits(core, &candidate) {
            return Some((id, Ready::File(candidate)));
        }
    }
    None
}

/// Whether a plugin has what it needs, running, and takes nothing away from anybody who runs.
fn fits(core: &Core, candidate: &Arc<Candidate>) -> bool {
    let resolution = check::beside_the_others(core, candidate);
    check::conflict(core, candidate, &resolution).is_none()
        && boot::missing_dependency(core, candidate, &resolution.graph).is_none()
}
