//! The operator's trust policy: the `trust` section of objectos.yml, checked once and then asked for each file.

use std::collections::BTreeSet;
use std::path::Path;

use indexmap::IndexMap;
use objectos_protocol::kernel::plugin_document::{DocumentProblem, is_plugin_id};
use objectos_protocol::kernel::{PluginTrustLevel, RuntimeMode};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::keys::PublicKey;
use super::{SignatureFile, TrustVerdict};
use crate::package::{Digest, RefusalReason};

/// The `trust` section. `{keys: [{name, publicKey, level}], levels: {mode: [level]}, blocked: {hashes, plugins}}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TrustConfig {
    pub keys: Vec<TrustedKey>,
    /// Levels that may load, by mode; a mode that is not named keeps its default.
    pub levels: IndexMap<RuntimeMode, Vec<PluginTrustLevel>>,
    pub blocked: BlockList,
    /// What becomes of operations that a plugin was to be asked about which is configured and did not come up.
    pub absent_guards: AbsentGuards,
}

/// Operations whose before-hooks belong to a plugin that never came up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AbsentGuards {
    /// Go on without it: a plugin that is broken costs its own function only. The log and the health report name it.
    #[default]
    Open,
    /// Are refused until it runs, its file is gone, or it is denied the hook.
    Refuse,
}

/// A key the operator knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustedKey {
    /// A name for reports.
    pub name: String,
    /// PEM, or base64 of the 32 bytes.
    pub public_key: String,
    /// Level of what this key signs; `blocked` revokes the key.
    pub level: PluginTrustLevel,
}

/// What never loads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BlockList {
    /// SHA-256 of files.
    pub hashes: Vec<String>,
    /// Plugin ids.
    pub plugins: Vec<String>,
}

/// The policy of one run.
#[derive(Clone, Debug)]
pub struct TrustPolicy {
    mode: RuntimeMode,
    allowed: Vec<PluginTrustLevel>,
    keys: Vec<(String, PublicKey, PluginTrustLevel)>,
    blocked_digests: BTreeSet<Digest>,
    blocked_plugins: BTreeSet<String>,
    absent_guards: AbsentGuards,
}

impl TrustPolicy {
    /// Checks a configuration.
    ///
    /// # Errors
    ///
    /// Every entry that cannot be used, with its path below `trust`.
    pub fn new(config: &TrustConfig, mode: RuntimeMode) -> Result<Self, Vec<DocumentProblem>> {
        let mut problems = Vec::new();
        let keys = read_keys(&config.keys, &mut problems);
        let blocked_digests = read_digests(&config.blocked.hashes, &mut problems);
        for (index, id) in config
            .blocked
            .plugins
            .iter()
            .enumerate()
            .filter(|(_, id)| !is_plugin_id(id))
        {
            let path = format!("trust.blocked.plugins[{index}]");
            problems.push(DocumentProblem::new(
                path,
                format!("`{id}` is not a plugin id"),
                "write it as in `com.example.audit`",
            ));
        }
        for (listed, levels) in &config.levels {
            if levels.contains(&PluginTrustLevel::Blocked) {
                let path = format!("trust.levels.{}", crate::package::name_of(listed));
                problems.push(DocumentProblem::new(
                    path,
                    "`blocked` can never be loaded",
                    "remove it from the list",
                ));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            mode,
            allowed: config
                .levels
                .get(&mode)
                .cloned()
                .unwrap_or_else(|| default_levels(mode)),
            keys,
            blocked_digests,
            blocked_plugins: config.blocked.plugins.iter().cloned().collect(),
            absent_guards: config.absent_guards,
        })
    }

    /// What operations do without a plugin that they were to ask.
    pub(crate) fn absent_guards(&self) -> AbsentGuards {
        self.absent_guards
    }

    /// Refuses a file the operator blocked by its hash.
    ///
    /// # Errors
    ///
    /// [`RefusalReason::Blocked`].
    pub fn check_digest(&self, sha256: &Digest) -> Result<(), RefusalReason> {
        if self.blocked_digests.contains(sha256) {
            return Err(RefusalReason::Blocked {
                what: format!("SHA-256 {sha256}"),
            });
        }
        Ok(())
    }

    /// Checks block list and signature of a library whose digest is `sha256`.
    ///
    /// # Errors
    ///
    /// The reason it may not be loaded in any mode: blocked, or a signature that does not hold.
    pub fn verify(
        &self,
        library: &Path,
        sha256: &Digest,
        id: &str,
        now: OffsetDateTime,
    ) -> Result<TrustVerdict, RefusalReason> {
        self.check_digest(sha256)?;
        if self.blocked_plugins.contains(id) {
            return Err(RefusalReason::Blocked {
                what: format!("plugin `{id}`"),
            });
        }
        let invalid = |problem| RefusalReason::SignatureInvalid { problem };
        let Some(signature) = SignatureFile::of_library(library).map_err(invalid)? else {
            return Ok(TrustVerdict::unsigned());
        };
        self.verify_signature(&signature, sha256, now)
    }

    /// Checks one signature against the operator's keys.
    ///
    /// # Errors
    ///
    /// Unknown key, other file, forged, expired, not yet valid, or a revoked key.
    pub fn verify_signature(
        &self,
        signature: &SignatureFile,
        sha256: &Digest,
        now: OffsetDateTime,
    ) -> Result<TrustVerdict, RefusalReason> {
        let key_id = signature.key_id.clone();
        let Some((name, key, level)) = self.keys.iter().find(|(_, key, _)| key.id() == key_id) else {
            return Err(RefusalReason::SignerUnknown { key_id });
        };
        if !signature.made_by(key) {
            return Err(RefusalReason::SignatureForged { key_id });
        }
        if signature.sha256 != *sha256 {
            return Err(RefusalReason::DigestMismatch {
                found: *sha256,
                signed: signature.sha256,
            });
        }
        let times = signature
            .times()
            .map_err(|problem| RefusalReason::SignatureInvalid { problem })?;
        if now > times.not_after {
            return Err(RefusalReason::SignatureExpired {
                not_after: signature.not_after.clone(),
            });
        }
        if now < times.not_before {
            return Err(RefusalReason::SignatureNotYetValid {
                not_before: signature.not_before.clone(),
            });
        }
        if *level == PluginTrustLevel::Blocked {
            return Err(RefusalReason::Blocked {
                what: format!("key `{name}` ({key_id})"),
            });
        }
        Ok(TrustVerdict {
            level: *level,
            key_id: Some(key_id),
            key_name: Some(name.clone()),
            not_after: Some(signature.not_after.clone()),
        })
    }

    /// Whether a verdict is good enough for this mode.
    ///
    /// # Errors
    ///
    /// [`RefusalReason::TrustTooLow`].
    pub fn admit(&self, verdict: &TrustVerdict) -> Result<(), RefusalReason> {
        if self.allowed.contains(&verdict.level) {
            return Ok(());
        }
        Err(RefusalReason::TrustTooLow {
            level: verdict.level,
            mode: self.mode,
            allowed: self.allowed.clone(),
            signed: verdict.key_id.is_some(),
        })
    }
}

/// Development and tests load anything that is not blocked; where real data is, only what was vouched for.
fn default_levels(mode: RuntimeMode) -> Vec<PluginTrustLevel> {
    let vouched_for = vec![PluginTrustLevel::Verified, PluginTrustLevel::Trusted];
    match mode {
        RuntimeMode::Production | RuntimeMode::Provisioning => vouched_for,
        RuntimeMode::Development | RuntimeMode::Test => [
            vouched_for,
            vec![PluginTrustLevel::Community, PluginTrustLevel::Untrusted],
        ]
        .concat(),
    }
}

fn read_keys(keys: &[TrustedKey], problems: &mut Vec<DocumentProblem>) -> Vec<(String, PublicKey, PluginTrustLevel)> {
    let mut known: Vec<(String, PublicKey, PluginTrustLevel)> = Vec::new();
    for (index, trusted) in keys.iter().enumerate() {
        let path = format!("trust.keys[{index}].publicKey");
        match PublicKey::parse(&trusted.public_key) {
            Ok(key) if known.iter().any(|(_, other, _)| *other == key) => {
                problems.push(DocumentProblem::new(
                    path,
                    "this key is given twice",
                    "keep one of the two, so that its level is clear",
                ));
            }
            Ok(key) => known.push((trusted.name.clone(), key, trusted.level)),
            Err(error) => {
                let remedy = "copy it from the `.pub` file that `objectos-host plugins keygen` wrote";
                problems.push(DocumentProblem::new(path, error.to_string(), remedy));
            }
        }
    }
    known
}

fn read_digests(hashes: &[String], problems: &mut Vec<DocumentProblem>) -> BTreeSet<Digest> {
    let mut digests = BTreeSet::new();
    for (index, text) in hashes.iter().enumerate() {
        match text.parse() {
            Ok(digest) => {
                digests.insert(digest);
            }
            Err(error) => {
                let path = format!("trust.blocked.hashes[{index}]");
                problems.push(DocumentProblem::new(
                    path,
                    format!("{error}, found `{text}`"),
                    "copy it from `objectos-host plugins list`",
                ));
            }
        }
    }
    digests
}
