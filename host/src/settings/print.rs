//! `--print-config`: the effective view, one line a value, with its origin.

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{Display, Write},
};

use super::{Origin, Setting, Settings, environment::VARIABLES};

/// Keys whose values are never printed.
const SECRET_WORDS: [&str; 5] = ["secret", "password", "token", "key", "credential"];

/// The view as text. `effective`: configurations with the defaults of their plugins' schemas, by plugin id, where those are
/// known.
#[must_use]
pub fn print(settings: &Settings, effective: &BTreeMap<String, Value>) -> String {
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
    let plugins: BTreeSet<&String> = settings.plugin_settings.keys().chain(effective.keys()).collect();
    for plugin in plugins {
        let written = settings.plugin_settings.get(plugin);
        if let Some(whole) = effective.get(plugin).or(written) {
            let shown = Shown { settings, plugin };
            shown.leaves(&mut out, "", &masked(whole.clone()), written);
        }
    }
    for (section, value) in &settings.kernel_sections {
        let origin = settings.section_origins.get(section).unwrap_or(&Origin::File);
        line(
            &mut out,
            section,
            &masked(value.clone()).to_string(),
            &origin.to_string(),
        );
    }
    // Writing into a String cannot fail.
    let _ = writeln!(out, "\nvariables: {}", VARIABLES.join(" "));
    out
}

/// The configuration of one plugin.
struct Shown<'a> {
    settings: &'a Settings,
    plugin: &'a str,
}

impl Shown<'_> {
    /// One line for each value at `path` (dotted, empty for the whole) that is no mapping. `written`: what somebody wrote
    /// there; all else is the schema's.
    fn leaves(&self, out: &mut String, path: &str, value: &Value, written: Option<&Value>) {
        if let Value::Object(entries) = value
            && !entries.is_empty()
        {
            for (key, value) in entries {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                self.leaves(out, &path, value, written.and_then(|written| written.get(key)));
            }
            return;
        }
        let origin = if written.is_some() {
            self.settings.plugin_origin(self.plugin, path)
        } else {
            Origin::Default
        };
        let dot = if path.is_empty() { "" } else { "." };
        let name = format!("plugins.{}{dot}{path}", self.plugin);
        line(out, &name, &value.to_string(), &origin.to_string());
    }
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

/// Secrets become `***`.
fn masked(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, value)| {
                    let lower = key.to_ascii_lowercase();
                    let secret = SECRET_WORDS.iter().any(|word| lower.ends_with(word)) && value.is_string();
                    let value = if secret { Value::from("***") } else { masked(value) };
                    (key, value)
                })
                .collect(),
        ),
        Value::Array(list) => Value::Array(list.into_iter().map(masked).collect()),
        other => other,
    }
}
