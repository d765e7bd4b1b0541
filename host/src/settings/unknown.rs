//! What was written and means nothing here: plugins that are not there, variables that nobody reads. Told as warnings and no
//! more, for one configuration may serve several installations.

use serde_json::Value;

use super::{Origin, Settings, environment::VARIABLES, nearest};

/// Where the variables of tests begin: not ours.
const TEST_PREFIX: &str = "OBJECTOS_TEST_";

/// Ids below `plugins`, `grants`, `threads` and `prefer` that are no plugin's, as sentences with place and nearest id.
pub(crate) fn unknown_plugins(settings: &Settings, known: &[&str]) -> Vec<String> {
    let mut written: Vec<(String, String, &str)> = Vec::new();
    for id in settings.plugin_settings.keys() {
        let place = match settings.plugin_origins.get(id).and_then(|set| set.values().next()) {
            Some(Origin::Flag(flag)) => (*flag).to_owned(),
            Some(Origin::Environment(name)) => name.clone(),
            _ => settings.file_name(),
        };
        written.push((place, format!("plugins.{id}"), id));
    }
    let section = |name: &str| settings.kernel_sections.get(name).and_then(Value::as_object);
    for name in ["grants", "threads"] {
        for id in section(name).into_iter().flat_map(|rules| rules.keys()) {
            if id != "*" {
                written.push((settings.place_of(name), format!("{name}.{id}"), id));
            }
        }
    }
    for (service, id) in section("prefer").into_iter().flatten() {
        if let Some(id) = id.as_str() {
            written.push((settings.place_of("prefer"), format!("prefer.{service}"), id));
        }
    }
    written
        .into_iter()
        .filter(|(_, _, id)| !known.contains(id))
        .map(|(place, key, id)| format!("{place}: {key}: there is no plugin {id}{}", nearest(id, known)))
        .collect()
}

/// Variables that look like settings and that nobody reads, as sentences. `readable`: what plugins may read, where a name may
/// end in `*`.
pub(crate) fn unknown_variables(set: impl IntoIterator<Item = String>, readable: &[String]) -> Vec<String> {
    let known: Vec<&str> = VARIABLES
        .into_iter()
        .chain(readable.iter().map(String::as_str))
        .collect();
    let is_known = |name: &str| {
        known.iter().any(|known| match known.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => *known == name,
        })
    };
    let mut names: Vec<String> = set
        .into_iter()
        .filter(|name| name.starts_with("OBJECTOS_") && !name.starts_with(TEST_PREFIX) && !is_known(name))
        .collect();
    names.sort();
    names
        .iter()
        .map(|name| format!("environment: nobody here reads {name}{}", nearest(name, &known)))
        .collect()
}
