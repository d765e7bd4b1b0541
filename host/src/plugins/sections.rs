//! The operator's sections as their types, and what is said when they are none: place, key, what is wrong, what to write. A start
//! and `--print-config` say the same, since both ask here.

use objectos_kernel::events::BusSettings;
use objectos_protocol::kernel::EventBusConfig;
use serde::de::DeserializeOwned;

use super::CommandError;
use crate::{
    exit::Exit,
    settings::{Settings, parts},
};

/// What each section looks like.
const SHAPES: [(&str, &str); 6] = [
    (
        "trust",
        "write keys, levels and blocked files, as in `trust: { keys: [{ name: release, publicKey: \"…\", level: trusted }] }`",
    ),
    (
        "grants",
        "write lists of rules below a plugin's id, as in `grants: { com.example.notes: { allow: [service:use:data] } }`",
    ),
    (
        "prefer",
        "write the id of a plugin behind a service, as in `prefer: { mailer: com.example.mail }`",
    ),
    (
        "threads",
        "write how threads are used below a plugin's id, as in `threads: { com.example.notes: { mode: shared, max: 4 } }`",
    ),
    (
        "events",
        "write what EventBusConfig of the protocol has, as in `events: { eventSourcing: { enabled: true } }`",
    ),
    (
        "features",
        "write true or false behind a name, as in `features: { fast: true }`",
    ),
];

/// One section as its type; `None` where it is not written.
///
/// # Errors
/// [`Exit::Configuration`], with place, key and remedy.
pub(crate) fn section<T: DeserializeOwned>(settings: &Settings, name: &str) -> Result<Option<T>, CommandError> {
    let Some(value) = settings.kernel_sections.get(name) else {
        return Ok(None);
    };
    serde_path_to_error::deserialize(value).map(Some).map_err(|error| {
        let mut path = error.path().to_string();
        // That is how it writes the whole.
        if path == "." {
            path.clear();
        }
        let keys: Vec<String> = error.path().iter().map(ToString::to_string).collect();
        let keys: Vec<&str> = keys.iter().map(|key| key.trim_matches(['[', ']'])).collect();
        let place = settings.place_in(name, &keys);
        let shape = SHAPES
            .iter()
            .find(|(known, _)| *known == name)
            .map_or("", |(_, shape)| shape);
        let dot = if path.is_empty() { "" } else { "." };
        let text = format!(
            "{place}: {name}{dot}{path}: {}; {shape}",
            plain(&error.inner().to_string())
        );
        CommandError::new(Exit::Configuration, text)
    })
}

/// The section `events`, once the bus would take it.
///
/// # Errors
/// As [`section`].
pub(crate) fn events(settings: &Settings) -> Result<EventBusConfig, CommandError> {
    let config: EventBusConfig = section(settings, "events")?.unwrap_or_default();
    BusSettings::from_config(&config).map_err(|error| {
        let keys: Vec<&str> = parts(error.key()).collect();
        let text = format!("{}: events.{error}", settings.place_in("events", &keys));
        CommandError::new(Exit::Configuration, text)
    })?;
    Ok(config)
}

/// A message without the names of our types, which tell an operator nothing.
fn plain(message: &str) -> String {
    match message.split_once("expected struct ") {
        Some((before, _)) => format!("{before}expected keys and values"),
        None => message.replace("expected a map", "expected keys and values"),
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn types_of_ours_are_not_named() {
        for (message, expected) in [
            (
                "invalid type: integer `3`, expected struct GrantRules",
                "invalid type: integer `3`, expected keys and values",
            ),
            (
                "invalid type: integer `3`, expected a map",
                "invalid type: integer `3`, expected keys and values",
            ),
            (
                "unknown field `allw`, expected `allow` or `deny`",
                "unknown field `allw`, expected `allow` or `deny`",
            ),
        ] {
            assert_eq!(plain(message), expected);
        }
    }
}
