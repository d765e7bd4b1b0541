//! Why a plugin stays out: one variant per situation, each with a sentence and what to do about it.
//!
//! `Display` of a reason is the sentence; [`RefusalReason::remedy`] is the advice; [`RefusalReason::code`] is a stable
//! word for programs. All three are shown at `GET /api/v1/plugins` and in the start report.

mod remedy;

use std::fmt;
use std::path::{Path, PathBuf};

use objectos_protocol::kernel::plugin_document::{DocumentProblem, PluginDocument};
use objectos_protocol::kernel::{PluginTrustLevel, RuntimeMode};
use semver::{Version, VersionReq};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::{Candidate, Digest};

/// A file that will not be loaded, with everything that was learned before the decision.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The plugin's id, once its manifest could be read.
    pub plugin: Option<String>,
    pub version: Option<Version>,
    /// The file, or the folder when the folder itself is refused.
    pub path: PathBuf,
    pub sha256: Option<Digest>,
    pub trust: Option<PluginTrustLevel>,
    /// Names of the services it would have provided.
    pub provides: Vec<String>,
    /// Names of the services it uses.
    pub uses: Vec<String>,
    /// It is a gateway, and may listen as far as that is known.
    pub gateway: bool,
    /// Names of the hooks that it was to be asked by before something is done, and may not be passed over in.
    pub vetoes: Vec<String>,
    pub reason: RefusalReason,
    /// Who wants what and who offers what, from this plugin to the root of the trouble; empty when the reason says all.
    pub chain: Vec<String>,
    /// What to do about it.
    pub remedy: String,
}

impl Refusal {
    /// A refusal of `path` about which nothing else is known yet.
    #[must_use]
    pub fn of_file(path: &Path, reason: RefusalReason) -> Self {
        Self {
            plugin: None,
            version: None,
            path: path.to_owned(),
            sha256: None,
            trust: None,
            provides: Vec::new(),
            uses: Vec::new(),
            gateway: false,
            vetoes: Vec::new(),
            remedy: reason.remedy(),
            reason,
            chain: Vec::new(),
        }
    }

    /// A refusal of a plugin that had passed every check on it alone.
    #[must_use]
    pub fn of_candidate(candidate: &Candidate, reason: RefusalReason) -> Self {
        Self {
            plugin: Some(candidate.id().to_owned()),
            version: Some(candidate.version()),
            sha256: Some(candidate.sha256),
            trust: Some(candidate.trust.level),
            provides: provided_by(&candidate.document),
            uses: used_by(&candidate.document),
            gateway: candidate.listens(),
            vetoes: vetoes_of(candidate),
            ..Self::of_file(&candidate.path, reason)
        }
    }

    /// The plugin if it is known, else the file.
    #[must_use]
    pub fn label(&self) -> String {
        match (&self.plugin, &self.version) {
            (Some(id), Some(version)) => format!("`{id}` {version} ({})", self.path.display()),
            (Some(id), None) => format!("`{id}` ({})", self.path.display()),
            (None, _) => self.path.display().to_string(),
        }
    }
}

impl Refusal {
    /// Whether the operator wants it so: the file is blocked, or another provider preferred.
    #[must_use]
    pub fn intended(&self) -> bool {
        let reason = &self.reason;
        matches!(
            reason,
            RefusalReason::Blocked { .. } | RefusalReason::TwoProviders { preferred: true, .. }
        )
    }
}

impl fmt::Display for Refusal {
    /// Several lines: the sentence, the chain indented, the remedy.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} refused: {}", self.label(), self.reason)?;
        for link in &self.chain {
            write!(formatter, "\n  {link}")?;
        }
        if !self.remedy.is_empty() {
            write!(formatter, "\n  hint: {}", self.remedy)?;
        }
        Ok(())
    }
}

impl Serialize for Refusal {
    /// `{plugin, version, path, sha256, trust, code, reason, chain, remedy}`, unknown ones `null`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut state = serializer.serialize_struct("Refusal", 9)?;
        state.serialize_field("plugin", &self.plugin)?;
        state.serialize_field("version", &self.version)?;
        state.serialize_field("path", &self.path.display().to_string())?;
        state.serialize_field("sha256", &self.sha256)?;
        state.serialize_field("trust", &self.trust)?;
        state.serialize_field("code", self.reason.code())?;
        state.serialize_field("reason", &self.reason.to_string())?;
        state.serialize_field("chain", &self.chain)?;
        state.serialize_field("remedy", &self.remedy)?;
        state.end()
    }
}

/// Something a plugin asks for and the operator's file does not offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingGrant {
    /// The rule that would grant it, as in `network:connect:api.example.com`.
    pub rule: String,
    /// Id of the permission in the plugin's manifest; absent for what its declaration implies.
    pub permission: Option<String>,
    /// What the plugin's author says it is for.
    pub purpose: String,
    /// The operator's rule that takes it away, when there is one.
    pub denied_by: Option<String>,
}

impl fmt::Display for MissingGrant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`", self.rule)?;
        if !self.purpose.is_empty() {
            write!(formatter, " ({})", self.purpose)?;
        }
        match &self.denied_by {
            Some(rule) => write!(formatter, ", denied by `{rule}`"),
            None => Ok(()),
        }
    }
}

/// Why a plugin stays out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalReason {
    #[error("the plugin folder cannot be read: {problem}")]
    FolderUnreadable { problem: String },
    #[error("the folder can be written by every user of this machine (mode {mode:03o})")]
    FolderWritableByOthers { mode: u32 },
    #[error("the file can be written by every user of this machine (mode {mode:03o})")]
    WritableByOthers { mode: u32 },
    #[error("the file cannot be read: {problem}")]
    Unreadable { problem: String },
    #[error("not a regular file but {kind}")]
    NotRegular { kind: &'static str },
    #[error("a symlink that leads out of the plugin folder, to {}", target.display())]
    OutsideFolder { target: PathBuf },
    #[error("it lies too deep: libraries are taken from the plugin folder and from its direct subfolders")]
    TooDeep,
    #[error("the private copy cannot be made: {problem}")]
    CopyFailed { problem: String },
    #[error("the file kept changing while it was copied, {attempts} times in a row")]
    ChangedWhileCopied { attempts: u32 },
    #[error("the file is empty")]
    Empty,
    #[error("the file has {size_bytes} bytes, more than the limit of {limit_bytes}")]
    TooLarge { size_bytes: u64, limit_bytes: u64 },
    #[error("not an ELF file")]
    NotElf,
    #[error("the file is cut off: {size_bytes} bytes of at least {expected_bytes}")]
    Truncated { size_bytes: u64, expected_bytes: u64 },
    #[error("the ELF file is damaged: {problem}")]
    Malformed { problem: String },
    #[error("built for another machine: {found}, this host is {expected}")]
    OtherArchitecture { found: String, expected: String },
    #[error("an ELF file, but not a shared library")]
    NotShared,

    #[error("not an ObjectOS plugin: it exports no plugin entry point")]
    NotAPlugin,
    #[error("the plugin has no manifest: section `.objectos.manifest` is missing")]
    ManifestMissing,
    #[error("the manifest has {size_bytes} bytes, more than the limit of {limit_bytes}")]
    ManifestTooLarge { size_bytes: u64, limit_bytes: u64 },
    #[error("the manifest is not valid: {}", joined(problems))]
    ManifestInvalid { problems: Vec<DocumentProblem> },
    #[error("the manifest does not say how the library was built")]
    BuildFactsMissing,
    #[error("built for another target: {found}, this host is {expected}")]
    OtherTarget { found: String, expected: String },
    #[error("built with `panic = \"abort\"`: a panic in it would end the whole host")]
    PanicAborts,
    #[error("wants plugin API {wanted}, this host offers {offered}")]
    ApiRange { wanted: VersionReq, offered: Version },
    #[error("built with plugin API {built}, this host offers {offered}: another major version")]
    ApiMajor { built: Version, offered: Version },
    #[error("the id `{id}` is already taken by {}", first.display())]
    DuplicateId { id: String, first: PathBuf },

    #[error("blocked by the operator: {what}")]
    Blocked { what: String },
    #[error("the signature file is not valid: {problem}")]
    SignatureInvalid { problem: String },
    #[error("signed by the unknown key `{key_id}`")]
    SignerUnknown { key_id: String },
    #[error("the file is not the one that was signed: its SHA-256 is {found}, the signature is for {signed}")]
    DigestMismatch { found: Digest, signed: Digest },
    #[error("the signature was not made by the key `{key_id}` it names")]
    SignatureForged { key_id: String },
    #[error("the signature expired at {not_after}")]
    SignatureExpired { not_after: String },
    #[error("the signature is valid only from {not_before}")]
    SignatureNotYetValid { not_before: String },
    #[error("trust level {} may not be loaded in {} mode", name_of(level), name_of(mode))]
    TrustTooLow {
        level: PluginTrustLevel,
        mode: RuntimeMode,
        allowed: Vec<PluginTrustLevel>,
        signed: bool,
    },

    #[error("needs what the operator does not grant: {}", joined(missing))]
    NotGranted { plugin: String, missing: Vec<MissingGrant> },
    #[error("the library uses {}, which is for plugins that may {purpose}", listed(symbols))]
    ForbiddenImport {
        symbols: Vec<String>,
        purpose: &'static str,
        permission: &'static str,
        rule: &'static str,
    },
    #[error("the configuration is not valid: {}", joined(problems))]
    SettingsInvalid { problems: Vec<DocumentProblem> },

    #[error("needs plugin `{wanted}` {range}, which is not here")]
    PluginMissing {
        wanted: String,
        range: VersionReq,
        nearest: Option<String>,
    },
    #[error("needs plugin `{wanted}` {range}, present is {found} from {}", path.display())]
    PluginRange {
        wanted: String,
        range: VersionReq,
        found: Version,
        path: PathBuf,
    },
    #[error("needs plugin `{wanted}` to implement `{capability}`, the one from {} implements {}", path.display(), if implements.is_empty() { "nothing".to_owned() } else { listed(implements) })]
    CapabilityMissing {
        wanted: String,
        /// Id of a protocol, as in `com.example.protocol.storage.v1`.
        capability: String,
        path: PathBuf,
        implements: Vec<String>,
    },
    #[error("needs service `{service}` {range}, which no plugin provides")]
    ServiceMissing {
        service: String,
        range: VersionReq,
        nearest: Option<String>,
    },
    #[error("needs service `{service}` {range}, offered is {}", offered.join(" and "))]
    ServiceRange {
        service: String,
        range: VersionReq,
        offered: Vec<String>,
    },
    #[error("the plugins need each other in a circle: {}", path.join(" -> "))]
    Cycle { path: Vec<String> },
    #[error("needs {what}, which comes from `{plugin}`, and that was refused")]
    DependencyRefused { what: String, plugin: String },
    #[error("service `{service}` is part of the kernel")]
    ReservedService { service: String },
    #[error("service `{service}` is also provided by `{other}` from {}{}", path.display(), if *preferred { ", which the operator prefers" } else { "" })]
    TwoProviders {
        service: String,
        other: String,
        path: PathBuf,
        preferred: bool,
    },
    #[error("route {route} belongs to `{other}` from {}", path.display())]
    RouteTaken {
        route: String,
        other: String,
        path: PathBuf,
    },
    #[error("command `{command}` belongs to {owner}")]
    CommandTaken { command: String, owner: String },
    #[error("object `{object}` belongs to `{other}` from {}", path.display())]
    ObjectTaken {
        object: String,
        other: String,
        path: PathBuf,
    },
}

impl RefusalReason {
    /// Whether something is missing that may still come, and nothing is wrong with the plugin itself.
    pub(crate) fn is_lack(&self) -> bool {
        matches!(
            self,
            Self::PluginMissing { .. }
                | Self::PluginRange { .. }
                | Self::CapabilityMissing { .. }
                | Self::ServiceMissing { .. }
                | Self::ServiceRange { .. }
                | Self::DependencyRefused { .. }
        )
    }
}

/// Names of the services a document offers.
pub(crate) fn provided_by(document: &PluginDocument) -> Vec<String> {
    document
        .objectos
        .services
        .provides
        .iter()
        .map(|provided| provided.name.clone())
        .collect()
}

/// Names of the services a document says it uses.
pub(crate) fn used_by(document: &PluginDocument) -> Vec<String> {
    let used = &document.objectos.services.uses;
    used.iter().map(|service| service.name.clone()).collect()
}

/// Hooks that a document says its plugin handles before something is done, and without which it does not mean to run.
pub(crate) fn vetoes_in(document: &PluginDocument) -> impl Iterator<Item = &String> {
    let hooks = &document.objectos.hooks;
    let before = |name: &str| name.rsplit('.').next().is_some_and(|last| last.starts_with("before"));
    hooks
        .handles
        .iter()
        .filter(move |name| before(name) && !hooks.optional.contains(name))
}

/// The same of a candidate, but for what the operator denies it.
pub(crate) fn vetoes_of(candidate: &Candidate) -> Vec<String> {
    let granted = vetoes_in(&candidate.document).filter(|name| candidate.grants.may_handle_hook(name));
    granted.cloned().collect()
}

fn joined<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn listed(items: &[String]) -> String {
    items
        .iter()
        .map(|item| format!("`{item}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The spelling of a protocol enum value.
pub(crate) fn name_of<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(_) | Err(_) => String::new(),
    }
}
