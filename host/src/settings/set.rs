//! Single values of a plugin's configuration, from `--set plugin.id:key.path=value` or the variable `OBJECTOS_SET`, which holds
//! the same, several separated by newlines.

use serde_json::{Map, Value};

use super::{Origin, Settings, SettingsError};

const SHAPE: &str = "write PLUGIN:KEY=VALUE, such as objectos.data:database.synchronous=FULL";

pub(super) fn apply_environment(
    settings: &mut Settings,
    read: &dyn Fn(&str) -> Option<String>,
) -> Result<(), SettingsError> {
    let text = read("OBJECTOS_SET").unwrap_or_default();
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .try_for_each(|line| apply(settings, line, Origin::Environment("OBJECTOS_SET".to_owned())))
}

/// Sets one value. A value that is JSON is taken as such, anything else as text.
pub(super) fn apply(settings: &mut Settings, argument: &str, origin: Origin) -> Result<(), SettingsError> {
    let wrong = || SettingsError::Set {
        place: match &origin {
            Origin::Flag(flag) => (*flag).to_owned(),
            Origin::Environment(name) => name.clone(),
            other => other.to_string(),
        },
        // Without the value: it may be a secret.
        argument: argument.split('=').next().unwrap_or_default().to_owned(),
        expected: SHAPE.to_owned(),
    };
    let (target, text) = argument.split_once('=').ok_or_else(wrong)?;
    let (plugin, path) = target.split_once(':').ok_or_else(wrong)?;
    if plugin.is_empty() || path.split('.').any(str::is_empty) {
        return Err(wrong());
    }
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    let mut place = settings
        .plugin_settings
        .entry(plugin.to_owned())
        .or_insert_with(|| Value::Object(Map::new()));
    for key in path.split('.') {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(map) = place else {
            return Err(wrong());
        };
        place = map.entry(key.to_owned()).or_insert(Value::Null);
    }
    *place = value;
    let origins = settings.plugin_origins.entry(plugin.to_owned()).or_default();
    // What was set below it is gone.
    let below = format!("{path}.");
    origins.retain(|known, _| !known.starts_with(&below));
    origins.insert(path.to_owned(), origin);
    Ok(())
}
