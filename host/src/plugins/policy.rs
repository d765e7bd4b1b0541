//! What the operator decided about plugins, out of the settings: trust, grants, preferences. The kernel's own types check it.

use objectos_kernel::{
    discover::{HostFacts, RuntimeFolder, SurveyRequest},
    grants::{GrantPolicy, GrantsConfig},
    package::{Candidate, Refusal},
    resolve::{Resolution, ResolveRequest, resolve},
    settings::Places,
    trust::{TrustConfig, TrustPolicy},
};
use objectos_protocol::kernel::{RuntimeMode, plugin_document::DocumentProblem};
use serde_json::Value;
use std::{path::Path, sync::Arc, time::SystemTime};
use tempfile::TempDir;

use super::{CommandError, OWN_COMMANDS, sections::section};
use crate::{
    exit::Exit,
    settings::{Settings, parts},
};

/// Everything that a check before loading needs.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) trust: TrustPolicy,
    pub(crate) grants: GrantPolicy,
    pub(crate) host: HostFacts,
    pub(crate) runtime: RuntimeFolder,
    pub(crate) settings: indexmap::IndexMap<String, Value>,
    /// Where those were written.
    pub(crate) places: Places,
    /// The folder for private copies, where it is thrown away.
    _scratch: Option<TempDir>,
}

impl Policy {
    /// Reads the operator's sections. Private copies go below the data folder, which is made.
    pub(crate) fn of(settings: &Settings) -> Result<Self, CommandError> {
        let runtime = RuntimeFolder::open(&settings.data.value.join("run"))
            .map_err(|error| CommandError::new(Exit::Missing, format!("{error}; --data names another folder")))?;
        Self::with(settings, runtime, None)
    }

    /// The same for whoever only looks: nothing is written into the installation.
    pub(crate) fn looking(settings: &Settings) -> Result<Self, CommandError> {
        let unusable = |error: &dyn std::fmt::Display| {
            let text = format!("no folder can be made in {}: {error}", std::env::temp_dir().display());
            CommandError::new(Exit::Missing, text)
        };
        let scratch = tempfile::tempdir().map_err(|error| unusable(&error))?;
        let runtime = RuntimeFolder::open(scratch.path()).map_err(|error| unusable(&error))?;
        Self::with(settings, runtime, Some(scratch))
    }

    fn with(settings: &Settings, runtime: RuntimeFolder, scratch: Option<TempDir>) -> Result<Self, CommandError> {
        let mode = if settings.development() {
            RuntimeMode::Development
        } else {
            RuntimeMode::Production
        };
        let trust: TrustConfig = section(settings, "trust")?.unwrap_or_default();
        let grants: Option<GrantsConfig> = section(settings, "grants")?;
        let base = std::path::absolute(settings.root())
            .map_err(|error| CommandError::new(Exit::Internal, error.to_string()))?;
        let api = semver::Version::parse(objectos_plugin_api::abi::API_VERSION)
            .map_err(|error| CommandError::new(Exit::Internal, error.to_string()))?;
        Ok(Self {
            trust: TrustPolicy::new(&trust, mode).map_err(|problems| wrong(settings, &problems))?,
            grants: GrantPolicy::new(grants.as_ref(), mode, &base).map_err(|problems| wrong(settings, &problems))?,
            host: HostFacts::current(api),
            runtime,
            settings: settings
                .plugin_settings
                .iter()
                .map(|(id, value)| (id.clone(), value.clone()))
                .collect(),
            places: places(settings),
            _scratch: scratch,
        })
    }

    /// The request for a survey of `folder`.
    pub(crate) fn request<'a>(&'a self, folder: &'a Path) -> SurveyRequest<'a> {
        SurveyRequest {
            folder,
            runtime: &self.runtime,
            host: &self.host,
            trust: &self.trust,
            grants: &self.grants,
            settings: &self.settings,
            places: &self.places,
            now: time::OffsetDateTime::from(SystemTime::now()),
        }
    }
}

/// Holds plugins against each other as a start would. `refused`: what stays out already.
pub(crate) fn resolved(
    settings: &Settings,
    candidates: &[Arc<Candidate>],
    refused: &[Refusal],
) -> Result<Resolution, CommandError> {
    let prefer = section(settings, "prefer")?;
    let kernel_services = objectos_kernel::kernel_services();
    let request = ResolveRequest {
        kernel_services: &kernel_services,
        host_commands: &OWN_COMMANDS,
        prefer: prefer.as_ref(),
        refused,
    };
    Ok(resolve(candidates, &request))
}

/// Where configurations of plugins were written, for the kernel's advice.
fn places(settings: &Settings) -> Places {
    let settings = settings.clone();
    Places::new(move |plugin, path| settings.plugin_place(plugin, path))
}

/// Problems that the kernel found in a section, each with its place: their paths begin with the section's name.
fn wrong(settings: &Settings, problems: &[DocumentProblem]) -> CommandError {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("{}: {problem}", place(settings, &problem.path)))
        .collect();
    CommandError::new(Exit::Configuration, lines.join("\n"))
}

/// The line of a path such as `grants.com.example.notes.allow[0]`, whose keys have dots themselves: each is the longest one that
/// is there.
fn place(settings: &Settings, path: &str) -> String {
    let (section, rest) = path.split_once('.').unwrap_or((path, ""));
    let mut keys: Vec<&str> = Vec::new();
    let (mut value, mut rest) = (settings.kernel_sections.get(section), rest);
    while let Some(Value::Object(map)) = value {
        let begins = |key: &&String| {
            let after = rest.strip_prefix(key.as_str());
            after.is_some_and(|after| after.is_empty() || after.starts_with(['.', '[']))
        };
        let Some(key) = map.keys().filter(begins).max_by_key(|key| key.len()) else {
            break;
        };
        value = map.get(key);
        rest = rest[key.len()..].trim_start_matches('.');
        keys.push(key);
    }
    keys.extend(parts(rest));
    settings.place_in(section, &keys)
}

#[cfg(test)]
mod tests {
    use super::place;
    use crate::{cli::Flags, settings::Settings};

    #[test]
    fn a_path_is_found_though_ids_have_dots() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.yml");
        let text =
            "grants:\n  a.b:\n    allow: ['*']\n  a.b.c:\n    allow: []\n    deny:\n      - x\n      - y\ntrust: {}\n";
        std::fs::write(&path, text).unwrap();
        let flags = Flags {
            config: Some(path.clone()),
            ..Flags::default()
        };
        let variables = |name: &str| (name == "OBJECTOS_TRUST").then(|| "{ blocked: [] }".to_owned());
        let settings = Settings::load(&flags, &variables).unwrap();
        let file = path.display();
        for (path, expected) in [
            ("grants.a.b.allow[0]", format!("{file}:3")),
            ("grants.a.b.c.deny[1]", format!("{file}:8")),
            ("grants.a.b.c", format!("{file}:4")),
            ("grants.x.y", format!("{file}:1")),
            ("trust.blocked[0]", "OBJECTOS_TRUST".to_owned()),
        ] {
            assert_eq!(place(&settings, path), expected, "{path}");
        }
    }
}
