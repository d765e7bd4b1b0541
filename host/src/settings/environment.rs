//! The environment: `OBJECTOS_` and the setting's name.

use std::path::PathBuf;

use super::{Origin, Setting, Settings, SettingsError, file};

/// Every variable that is read.
pub(super) const VARIABLES: [&str; 17] = [
    "OBJECTOS_CONFIG",
    "OBJECTOS_PLUGINS",
    "OBJECTOS_APP",
    "OBJECTOS_DATA",
    "OBJECTOS_LISTEN",
    "OBJECTOS_MODE",
    "OBJECTOS_LOG_FORMAT",
    "OBJECTOS_LOG_LEVEL",
    "OBJECTOS_WATCH",
    "OBJECTOS_STOP_LIMIT_MS",
    "OBJECTOS_TRUST",
    "OBJECTOS_GRANTS",
    "OBJECTOS_PREFER",
    "OBJECTOS_THREADS",
    "OBJECTOS_EVENTS",
    "OBJECTOS_FEATURES",
    "OBJECTOS_SET",
];

/// Sections that a variable may hold as YAML or JSON, in the place of the file's.
const SECTIONS: [(&str, &str); 6] = [
    ("OBJECTOS_TRUST", "trust"),
    ("OBJECTOS_GRANTS", "grants"),
    ("OBJECTOS_PREFER", "prefer"),
    ("OBJECTOS_THREADS", "threads"),
    ("OBJECTOS_EVENTS", "events"),
    ("OBJECTOS_FEATURES", "features"),
];

/// Applies what is set. Paths of several apps are separated by `:`.
pub(super) fn apply(settings: &mut Settings, variables: &dyn Fn(&str) -> Option<String>) -> Result<(), SettingsError> {
    let read = |name: &str| variables(name).filter(|value| !value.is_empty());
    let put = |setting: &mut Setting<String>, name: &str| setting.replace(read(name), origin(name));
    put(&mut settings.listen, "OBJECTOS_LISTEN");
    put(&mut settings.mode, "OBJECTOS_MODE");
    put(&mut settings.log_format, "OBJECTOS_LOG_FORMAT");
    put(&mut settings.log_level, "OBJECTOS_LOG_LEVEL");
    let put_path =
        |setting: &mut Setting<PathBuf>, name: &str| setting.replace(read(name).map(PathBuf::from), origin(name));
    put_path(&mut settings.plugins, "OBJECTOS_PLUGINS");
    put_path(&mut settings.data, "OBJECTOS_DATA");
    let apps = read("OBJECTOS_APP").map(|list| std::env::split_paths(&list).collect());
    settings.apps.replace(apps, origin("OBJECTOS_APP"));
    parse(
        &mut settings.watch,
        "watch",
        "OBJECTOS_WATCH",
        &read,
        "write true or false",
    )?;
    parse(
        &mut settings.stop_limit_ms,
        "stop-limit-ms",
        "OBJECTOS_STOP_LIMIT_MS",
        &read,
        "write milliseconds",
    )?;
    for (name, section) in SECTIONS {
        if let Some(text) = read(name) {
            put_section(settings, name, section, &text)?;
        }
    }
    super::set::apply_environment(settings, &read)
}

fn put_section(settings: &mut Settings, name: &'static str, section: &str, text: &str) -> Result<(), SettingsError> {
    let value: serde_json::Value =
        file::parse(text).map_err(|reason| SettingsError::VariableInvalid { name, reason })?;
    // Nothing at all stands for no section, as it does in the file.
    if value.is_null() {
        settings.kernel_sections.remove(section);
    } else {
        settings.kernel_sections.insert(section.to_owned(), value);
    }
    settings.section_origins.insert(section.to_owned(), origin(name));
    Ok(())
}

fn origin(name: &str) -> Origin {
    Origin::Environment(name.to_owned())
}

fn parse<T: std::str::FromStr>(
    setting: &mut Setting<T>,
    name: &'static str,
    variable: &str,
    read: &dyn Fn(&str) -> Option<String>,
    expected: &str,
) -> Result<(), SettingsError> {
    let Some(text) = read(variable) else {
        return Ok(());
    };
    let value = text.parse().map_err(|_| SettingsError::Value {
        name,
        place: origin(variable).to_string(),
        value: text.clone(),
        expected: expected.to_owned(),
    })?;
    setting.replace(Some(value), origin(variable));
    Ok(())
}
