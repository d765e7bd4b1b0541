//! Everything that can be said against a new file before anything happens.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::waiting;
use crate::{
    discover,
    error::Error,
    health,
    journal::{self, Cause},
    kernel::{
        core::Core,
        record::{PluginRecord, Standing},
    },
    lifecycle::{absent, boot},
    loader,
    package::{Candidate, Refusal},
    resolve::{self, Resolution},
};

/// Examines the file that is to replace a plugin.
///
/// # Errors
/// `SwapRefused` with the reason and what to do.
pub(super) async fn examine(
    core: &Arc<Core>,
    record: &PluginRecord,
    path: Option<PathBuf>,
) -> Result<Arc<Candidate>, Error> {
    let refused = |reason: String| Error::SwapRefused {
        plugin: record.id.to_string(),
        reason,
    };
    let path = match path {
        Some(path) => inside(&core.options.plugin_directory, &path).map_err(refused)?,
        None => record.candidate().path.clone(),
    };
    let candidate = examine_file(core, path)
        .await
        .map_err(|refusal| refused(refusal.to_string()))?;
    if candidate.id() != &*record.id {
        let reason = format!(
            "{} is another plugin; a file keeps its id, so load this one as a new plugin",
            candidate.label()
        );
        return Err(refused(reason));
    }
    Ok(Arc::new(candidate))
}

pub(super) async fn examine_file(core: &Arc<Core>, path: PathBuf) -> Result<Candidate, Box<Refusal>> {
    let own = Arc::clone(core);
    let examined = core.executor.spawn_blocking(move || {
        // Swap after swap may come to the same thread, which never rests long enough to end: what libraries left on it goes now.
        loader::checkpoint();
        discover::examine(&path, &own.survey_request())
    });
    match examined.await {
        Ok(outcome) => outcome,
        // The one way is a panic in the check itself; nothing is loaded unchecked.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The file, if it lies inside the plugin folder.
fn inside(folder: &Path, path: &Path) -> Result<PathBuf, String> {
    let whole = folder.join(path);
    let shown = || whole.display().to_string();
    let found = whole
        .canonicalize()
        .map_err(|error| format!("{} cannot be read: {error}", shown()))?;
    let folder = folder
        .canonicalize()
        .map_err(|error| format!("{} cannot be read: {error}", folder.display()))?;
    if found.starts_with(&folder) {
        Ok(whole)
    } else {
        Err(format!(
            "{} lies outside the plugin folder {}; copy it there",
            shown(),
            folder.display()
        ))
    }
}

/// Whether everybody who runs still has what they need with the new file in place.
///
/// # Errors
/// `SwapRefused` with the refusal of whoever would fall.
pub(super) fn fits(core: &Core, record: &PluginRecord, candidate: &Arc<Candidate>) -> Result<(), Error> {
    match conflict(core, candidate, &beside_the_others(core, candidate)) {
        None => Ok(()),
        Some(refusal) => Err(Error::SwapRefused {
            plugin: record.id.to_string(),
            reason: refusal.to_string(),
        }),
    }
}

/// This candidate and everybody else who is there, held against each other.
pub(super) fn beside_the_others(core: &Core, candidate: &Arc<Candidate>) -> Resolution {
    let records = core.all_records();
    let mut candidates: Vec<Arc<Candidate>> = records
        .iter()
        .filter(|record| &*record.id != candidate.id() && record.standing() != Standing::Stopped)
        .map(|record| record.candidate())
        .collect();
    candidates.push(Arc::clone(candidate));
    let commands = core.host_commands();
    let refused = core.refusals.lock().clone();
    resolve::resolve(&candidates, &core.resolve_request(&commands, &refused))
}

/// The refusal that this candidate would bring, to itself or to somebody who runs.
pub(super) fn conflict(core: &Core, candidate: &Candidate, resolution: &Resolution) -> Option<Refusal> {
    let matters = |refusal: &&Refusal| {
        let plugin = refusal.plugin.as_deref().unwrap_or_default();
        plugin == candidate.id() || core.record(plugin).is_ok_and(|record| record.cell.running().is_some())
    };
    resolution.refusals.iter().find(matters).cloned()
}

/// Loads a plugin from a file that was not there before.
///
/// # Errors
/// `SwapRefused` when it may not be loaded or does not fit; what its start says.
pub(crate) async fn load_new(core: &Arc<Core>, path: PathBuf, cause: Cause) -> Result<(), Error> {
    core.require_running()?;
    let _loading = core.loading.lock().await;
    let shown = path.display().to_string();
    let refuse = |refusal: Refusal| {
        journal::refused(core, &cause, &refusal);
        let error = Error::SwapRefused {
            plugin: shown.clone(),
            reason: refusal.to_string(),
        };
        {
            let mut refusals = core.refusals.lock();
            refusals.retain(|known| known.path != refusal.path);
            refusals.push(refusal);
        }
        absent::of_refused(core);
        error
    };
    let candidate = Arc::new(examine_file(core, path).await.map_err(|refusal| refuse(*refusal))?);
    if let Ok(known) = core.record(candidate.id()) {
        let first = known.candidate().label();
        return Err(Error::SwapRefused {
            plugin: known.id.to_string(),
            reason: format!("{} has its id; {first} was there first", candidate.label()),
        });
    }
    if let Some(refusal) = conflict(core, &candidate, &beside_the_others(core, &candidate)) {
        return Err(refuse(refusal));
    }
    let level = core
        .all_records()
        .iter()
        .map(|record| record.with(|details| details.level + 1))
        .max()
        .unwrap_or(0);
    let record = boot::add_record(core, &candidate, level);
    let _turn = record.turn.lock().await;
    core.refusals.lock().retain(|known| known.path != candidate.path);
    core.refused_providers
        .lock()
        .retain(|known| known.plugin != candidate.id());
    absent::of_refused(core);
    // Others are to know its limits before it begins.
    core.refresh_contributions();
    let started = boot::start_plugin(core, &record, &candidate).await;
    if started.is_ok() {
        health::first_look(core, &[Arc::clone(&record)]).await;
        waiting::look_again(core, &cause);
    }
    match &started {
        Ok(()) => journal::loaded(core, &cause, &candidate),
        Err(error) => journal::start_failed(core, &cause, &candidate, &error.chain()),
    }
    started
}
