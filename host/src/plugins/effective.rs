//! What is in force once the defaults are filled in, for people who ask: nothing is loaded, and nothing written.

use indexmap::IndexMap;
use objectos_kernel::{discover::survey, events::BusSettings, threads::ThreadsConfig};
use objectos_protocol::kernel::EventBusConfig;
use serde_json::Value;

use super::{CommandError, Policy, resolved, section};
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
    let events = events(settings)?;
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

/// The section `events` with its defaults, once the bus would take it.
fn events(settings: &Settings) -> Result<Value, CommandError> {
    let config: EventBusConfig = section(settings, "events")?.unwrap_or_default();
    let wrong = |error: &dyn std::fmt::Display| {
        let text = format!("{}: events: {error}", settings.place_of("events"));
        CommandError::new(Exit::Configuration, text)
    };
    BusSettings::from_config(&config).map_err(|error| wrong(&error))?;
    serde_json::to_value(BusSettings::with_defaults(&config)).map_err(|error| wrong(&error))
}
