//! What is in force once the defaults are filled in, for people who ask: nothing is loaded, and nothing written.

use indexmap::IndexMap;
use objectos_kernel::{discover::survey, events::BusSettings, threads::ThreadsConfig};

use super::{CommandError, Policy, events, resolved, section};
use crate::{
    exit::Exit,
    settings::{Effective, Settings},
};

/// The configurations of plugins and of the event bus with their defaults, secrets hidden, and why plugins would be refused.
///
/// # Errors
/// [`Exit::Configuration`] for a section that cannot be used: a start would end with the same words.
pub fn effective(settings: &Settings) -> Result<Effective, CommandError> {
    let policy = Policy::looking(settings)?;
    section::<ThreadsConfig>(settings, "threads")?;
    section::<IndexMap<String, bool>>(settings, "features")?;
    let config = events(settings)?;
    let events = serde_json::to_value(BusSettings::with_defaults(&config))
        .map_err(|error| CommandError::new(Exit::Internal, format!("the section events cannot be shown: {error}")))?;
    let found = survey(&policy.request(&settings.plugins.value));
    let plugins = found
        .candidates
        .iter()
        .map(|candidate| (candidate.id().to_owned(), candidate.settings.redacted()))
        .collect();
    let resolution = resolved(settings, &found.candidates, &found.refusals)?;
    let refused = found
        .refusals
        .iter()
        .chain(&resolution.refusals)
        .map(|refusal| {
            let name = refusal
                .plugin
                .clone()
                .unwrap_or_else(|| refusal.path.display().to_string());
            (name, refusal.reason.to_string())
        })
        .collect();
    Ok(Effective {
        plugins,
        refused,
        events,
    })
}
