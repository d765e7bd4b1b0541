//! What each plugin is configured with once the defaults of its schema are filled in: for people who ask, nothing is loaded.

use objectos_kernel::discover::survey;
use serde_json::Value;
use std::collections::BTreeMap;

use super::Policy;
use crate::settings::Settings;

/// Configurations by plugin id, secrets hidden. Without those of plugins that would be refused; empty when the plugin folder
/// cannot be looked at.
#[must_use]
pub fn effective(settings: &Settings) -> BTreeMap<String, Value> {
    // Whoever asks wants nothing written below the data folder.
    let Ok(scratch) = tempfile::tempdir() else {
        return BTreeMap::new();
    };
    let mut looked = settings.clone();
    looked.data.value = scratch.path().to_path_buf();
    let Ok(policy) = Policy::of(&looked) else {
        return BTreeMap::new();
    };
    let found = survey(&policy.request(&settings.plugins.value));
    found
        .candidates
        .iter()
        .map(|candidate| (candidate.id().to_owned(), candidate.settings.redacted()))
        .collect()
}
