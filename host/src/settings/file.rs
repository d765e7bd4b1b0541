//! `objectos.yml`. Unknown keys are refused with their place and the nearest spelling.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{Origin, Settings, SettingsError, lines::Lines, nearest};

/// The keys of the file; used for suggestions.
const TOP_KEYS: [&str; 8] = [
    "host", "plugins", "trust", "grants", "prefer", "threads", "events", "features",
];
const HOST_KEYS: [&str; 9] = [
    "plugins",
    "apps",
    "data",
    "listen",
    "mode",
    "logFormat",
    "logLevel",
    "watch",
    "stopLimitMs",
];

/// The file as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileSettings {
    host: HostSection,
    plugins: BTreeMap<String, Value>,
    trust: Option<Value>,
    grants: Option<Value>,
    prefer: Option<Value>,
    threads: Option<Value>,
    events: Option<Value>,
    features: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
struct HostSection {
    plugins: Option<PathBuf>,
    apps: Option<Vec<PathBuf>>,
    data: Option<PathBuf>,
    listen: Option<String>,
    mode: Option<String>,
    log_format: Option<String>,
    log_level: Option<String>,
    watch: Option<bool>,
    stop_limit_ms: Option<u64>,
}

impl FileSettings {
    /// Reads the file: what it says, and in which lines. `named_by`: what to look at when it cannot be read.
    ///
    /// # Errors
    /// `FileUnreadable`, `FileInvalid`.
    pub(super) fn read(path: &Path, named_by: &'static str) -> Result<(Self, Lines), SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|error| SettingsError::FileUnreadable {
            path: path.to_path_buf(),
            reason: error.to_string(),
            named_by,
        })?;
        if text.trim().is_empty() {
            return Ok((Self::default(), Lines::default()));
        }
        let file = parse(&text).map_err(|reason| SettingsError::FileInvalid {
            path: path.to_path_buf(),
            reason: suggest(&reason),
        })?;
        Ok((file, Lines::in_text(&text)))
    }

    /// Relative paths in the file are relative to the file.
    pub(super) fn apply(self, settings: &mut Settings, path: &Path) {
        let base = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let resolve = |relative: PathBuf| {
            if relative.is_absolute() {
                relative
            } else {
                base.join(relative)
            }
        };
        let host = self.host;
        settings.plugins.replace(host.plugins.map(resolve), Origin::File);
        settings.apps.replace(
            host.apps.map(|apps| apps.into_iter().map(resolve).collect()),
            Origin::File,
        );
        settings.data.replace(host.data.map(resolve), Origin::File);
        settings.listen.replace(host.listen, Origin::File);
        settings.mode.replace(host.mode, Origin::File);
        settings.log_format.replace(host.log_format, Origin::File);
        settings.log_level.replace(host.log_level, Origin::File);
        settings.watch.replace(host.watch, Origin::File);
        settings.stop_limit_ms.replace(host.stop_limit_ms, Origin::File);
        settings.plugin_settings = self.plugins;
        let sections = [
            ("trust", self.trust),
            ("grants", self.grants),
            ("prefer", self.prefer),
            ("threads", self.threads),
            ("events", self.events),
            ("features", self.features),
        ];
        settings.kernel_sections = sections
            .into_iter()
            .filter_map(|(name, section)| section.map(|section| (name.to_owned(), section)))
            .collect::<Map<_, _>>();
    }
}

/// Reads YAML, of which JSON is a part.
///
/// # Errors
/// What is wrong with it, with line and column.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

/// Adds the nearest spelling to a message about an unknown key.
fn suggest(message: &str) -> String {
    let unknown = message
        .split("unknown field `")
        .nth(1)
        .and_then(|rest| rest.split('`').next());
    let hint = unknown.map_or_else(String::new, |word| {
        let all: Vec<&str> = TOP_KEYS.into_iter().chain(HOST_KEYS).collect();
        nearest(word, &all)
    });
    format!("{message}{hint}")
}
