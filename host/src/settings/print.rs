//! `--print-config`: the effective view, one line a value, with its origin. What looks like a secret is hidden by the same
//! rules as in the kernel's reports.

use objectos_kernel::settings::shown;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{Display, Write},
};

use super::{Origin, Setting, Settings, environment::VARIABLES};

/// What is in force beyond what was written.
#[derive(Clone, Debug, Default)]
pub struct Effective {
    /// Configurations with the defaults of their plugins' schemas, secrets hidden, by plugin id.
    pub plugins: BTreeMap<String, Value>,
    /// Plugins that would be refused, or their files where no manifest could be read, with the reason.
    pub refused: BTreeMap<String, String>,
    /// The section `events` with its defaults.
    pub events: Value,
}

/// The view as text.
#[must_use]
pub fn print(settings: &Settings, effective: &Effective) -> String {
    let mut out = String::new();
    let config = settings
        .config
        .as_ref()
        .map_or_else(|| "none".to_owned(), |path| path.display().to_string());
    line(&mut out, "config", &config, "");
    let mut put = |name: &str, value: &dyn Display, origin: &dyn Display| {
        line(&mut out, name, &value.to_string(), &origin.to_string());
    };
    put("plugins", &settings.plugins.value.display(), &settings.plugins.origin);
    let apps: Vec<String> = settings
        .apps
        .value
        .iter()
        .map(|app| app.display().to_string())
        .collect();
    put("apps", &format!("[{}]", apps.join(", ")), &settings.apps.origin);
    put("data", &settings.data.value.display(), &settings.data.origin);
    plain(&mut put, "listen", &settings.listen);
    plain(&mut put, "mode", &settings.mode);
    plain(&mut put, "logFormat", &settings.log_format);
    plain(&mut put, "logLevel", &settings.log_level);
    if settings.watch.value && !settings.watching() {
        put("watch", &false, &"off in production");
    } else {
        plain(&mut put, "watch", &settings.watch);
    }
    plain(&mut put, "stopLimitMs", &settings.stop_limit_ms);
    plugin_lines(&mut out, settings, effective);
    let mut sections = settings.kernel_sections.clone();
    let nothing = Value::Object(Map::new());
    // There where it is not written, its defaults hold.
    if effective.events != nothing && !effective.events.is_null() {
        sections.entry("events").or_insert(nothing);
    }
    for (section, written) in &sections {
        let whole = if section == "events" && effective.events.is_object() {
            &effective.events
        } else {
            written
        };
        let origin = settings.section_origins.get(section).unwrap_or(&Origin::File);
        let origins = |_: &str| origin.clone();
        // Below its own name, so that what the name tells of its keys counts.
        let hidden = shown(&Value::Object(Map::from_iter([(section.clone(), whole.clone())])));
        leaves(&mut out, section, "", &hidden[section], Some(written), &origins);
    }
    // Writing into a String cannot fail.
    let _ = writeln!(out, "\nvariables: {}", VARIABLES.join(" "));
    out
}

/// Every plugin that is there or has a configuration.
fn plugin_lines(out: &mut String, settings: &Settings, effective: &Effective) {
    let named = settings.plugin_settings.keys().chain(effective.plugins.keys());
    let all: BTreeSet<&String> = named.chain(effective.refused.keys()).collect();
    for plugin in all {
        let written = settings.plugin_settings.get(plugin);
        // A file of which nothing could be read has no id.
        let prefix = if plugin.contains('/') {
            plugin.clone()
        } else {
            format!("plugins.{plugin}")
        };
        if let Some(reason) = effective.refused.get(plugin) {
            line(out, &prefix, &format!("refused: {reason}"), "");
        }
        if let Some(whole) = effective.plugins.get(plugin).or(written) {
            let origins = |path: &str| settings.plugin_origin(plugin, path);
            leaves(out, &prefix, "", &shown(whole), written, &origins);
        }
    }
}

/// One line for each value at `path` (dotted, empty for the whole) below `prefix` that is no mapping. `written`: what somebody
/// wrote there; all else is a default.
fn leaves(
    out: &mut String,
    prefix: &str,
    path: &str,
    value: &Value,
    written: Option<&Value>,
    origins: &dyn Fn(&str) -> Origin,
) {
    if let Value::Object(entries) = value
        && !entries.is_empty()
    {
        for (key, value) in entries {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            let written = written.and_then(|written| written.get(key));
            leaves(out, prefix, &path, value, written, origins);
        }
        return;
    }
    let origin = if written.is_some() {
        origins(path)
    } else {
        Origin::Default
    };
    let dot = if path.is_empty() { "" } else { "." };
    line(
        out,
        &format!("{prefix}{dot}{path}"),
        &value.to_string(),
        &origin.to_string(),
    );
}

fn plain<T: Display>(put: &mut dyn FnMut(&str, &dyn Display, &dyn Display), name: &str, setting: &Setting<T>) {
    put(name, &setting.value, &setting.origin);
}

fn line(out: &mut String, name: &str, value: &str, origin: &str) {
    let _ = match origin {
        "" => writeln!(out, "{name:<14} {value}"),
        origin => writeln!(out, "{name:<14} {value:<40} ({origin})"),
    };
}
