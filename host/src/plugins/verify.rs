//! `plugins verify`: every check that comes before loading, on the file alone and beside those of the plugin folder. What
//! could not be checked is said. No code of the library runs.

use objectos_kernel::{
    discover::{examine, survey},
    package::{Candidate, Refusal},
};
use std::{path::Path, sync::Arc};

use super::{
    CommandError, Policy,
    inspect::{describe, refused},
    resolved, tell,
};
use crate::{exit::Exit, settings::Settings};

pub(super) fn verify(file: &Path, settings: &Settings) -> Result<Exit, CommandError> {
    let policy = Policy::looking(settings)?;
    let folder = &settings.plugins.value;
    let within = lies_within(file, folder);
    let place = if within { folder.as_path() } else { parent(file) };
    let candidate = match examine(file, &policy.request(place)) {
        Ok(candidate) => Arc::new(candidate),
        Err(refusal) => return Ok(refused(&refusal)),
    };
    let unfit = if folder.is_dir() {
        beside_others(&candidate, &policy, settings)?
    } else {
        Vec::new()
    };
    if !unfit.is_empty() {
        unfit.iter().for_each(|refusal| tell(&describe(refusal)));
        return Ok(Exit::Failed);
    }
    let mode = &settings.mode.value;
    tell(&format!("{} may be loaded in {mode} mode", candidate.label()));
    tell(&format!("sha256      {}", candidate.sha256));
    let level = serde_json::json!(candidate.trust.level);
    tell(&format!("trust       {}", level.as_str().unwrap_or_default()));
    if !folder.is_dir() {
        tell(&format!(
            "not checked: whether other plugins offer what it needs, for the plugin folder {} is not there; --plugins names another",
            folder.display()
        ));
    } else if !within {
        tell(&format!(
            "not checked: where it will lie, for it is not in the plugin folder {}",
            folder.display()
        ));
    }
    Ok(Exit::Success)
}

/// What a start with this file in the folder would refuse because of it: the file, or others that it does not go with.
fn beside_others(
    candidate: &Arc<Candidate>,
    policy: &Policy,
    settings: &Settings,
) -> Result<Vec<Refusal>, CommandError> {
    let found = survey(&policy.request(&settings.plugins.value));
    let same = |path: &Path| path.canonicalize().ok() == candidate.path.canonicalize().ok();
    // Not by what a symlink leads to: one that is refused is refused as a symlink.
    let named = |path: &Path| {
        let folders = (
            parent(path).canonicalize().ok(),
            parent(&candidate.path).canonicalize().ok(),
        );
        path.file_name() == candidate.path.file_name() && folders.0 == folders.1
    };
    if let Some(refusal) = found.refusals.iter().find(|refusal| named(&refusal.path)) {
        // Sound by itself, but another file has its id.
        return Ok(vec![refusal.clone()]);
    }
    let mut without = found.candidates.clone();
    let mut with = found.candidates.clone();
    if with.iter().any(|known| same(&known.path)) {
        without.retain(|known| !same(&known.path));
    } else {
        // It takes the place of the file that has its id.
        with.retain(|known| known.id() != candidate.id());
        with.push(Arc::clone(candidate));
    }
    let before = resolved(settings, &without, &found.refusals)?.refusals;
    let mut refusals = resolved(settings, &with, &found.refusals)?.refusals;
    let own = |refusal: &Refusal| refusal.plugin.as_deref() == Some(candidate.id());
    refusals.retain(|refusal| own(refusal) || !before.iter().any(|known| known.plugin == refusal.plugin));
    Ok(refusals)
}

fn parent(file: &Path) -> &Path {
    file.parent()
        .filter(|parent| *parent != Path::new(""))
        .unwrap_or(Path::new("."))
}

/// Whether a file is named as one of the folder, however it comes there.
fn lies_within(file: &Path, folder: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(parent(file))
        .zip(real(folder))
        .is_some_and(|(parent, folder)| parent.starts_with(folder))
}
