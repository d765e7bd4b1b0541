//! `--print-config`: the effective view, one line a value, with its origin.

use serde_json::Value;
use std::fmt::{Display, Write};

use super::{Setting, Settings, environment::VARIABLES};

/// Keys whose values are never printed.
const SECRET_WORDS: [&str; 5] = ["secret", "password", "token", "key", "credential"];

/// The view as text.
#[must_use]
pub fn print(settings: &Settings) -> String {
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
    plain(&mut put, "watch", &settings.watch);
    plain(&mut put, "stopLimitMs", &settings.stop_limit_ms);
    for (plugin, value) in &settings.plugin_settings {
        line(
            &mut out,
            &format!("plugins.{plugin}"),
            &masked(value.clone()).to_string(),
            "file or --set",
        );
    }
    for (section, value) in &settings.kernel_sections {
        line(&mut out, section, &masked(value.clone()).to_string(), "file");
    }
    // Writing into a String cannot fail.
    let _ = writeln!(out, "\nvariables: {} OBJECTOS_SET", VARIABLES.join(" "));
    out
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
