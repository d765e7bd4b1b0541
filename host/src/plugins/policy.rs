//! What the operator decided about plugins, out of the settings: trust, grants, preferences. The kernel's own types check it.

use objectos_kernel::{
    discover::{HostFacts, RuntimeFolder, SurveyRequest},
    grants::{GrantPolicy, GrantsConfig},
    package::{Candidate, Refusal},
    resolve::{Resolution, ResolveRequest, resolve},
    trust::{TrustConfig, TrustPolicy},
};
use objectos_protocol::kernel::{RuntimeMode, plugin_document::DocumentProblem};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{path::Path, sync::Arc, time::SystemTime};
use tempfile::TempDir;

use super::{CommandError, OWN_COMMANDS};
use crate::{exit::Exit, settings::Settings};

/// Everything that a check before loading needs.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) trust: TrustPolicy,
    pub(crate) grants: GrantPolicy,
    pub(crate) host: HostFacts,
    pub(crate) runtime: RuntimeFolder,
    pub(crate) settings: indexmap::IndexMap<String, Value>,
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
            trust: TrustPolicy::new(&trust, mode).map_err(|problems| wrong(&problems))?,
            grants: GrantPolicy::new(grants.as_ref(), mode, &base).map_err(|problems| wrong(&problems))?,
            host: HostFacts::current(api),
            runtime,
            settings: settings
                .plugin_settings
                .iter()
                .map(|(id, value)| (id.clone(), value.clone()))
                .collect(),
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

/// One section of the file as its type.
pub(crate) fn section<T: DeserializeOwned>(settings: &Settings, name: &str) -> Result<Option<T>, CommandError> {
    let Some(value) = settings.kernel_sections.get(name) else {
        return Ok(None);
    };
    serde_path_to_error::deserialize(value).map(Some).map_err(|error| {
        let place = settings.place_of(name);
        let text = format!("{place}: {name}.{}: {}", error.path(), error.inner());
        CommandError::new(Exit::Configuration, text)
    })
}

fn wrong(problems: &[DocumentProblem]) -> CommandError {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    CommandError::new(Exit::Configuration, lines.join("\n"))
}
