//! The checks on one file, in the order that decides nothing late that could be decided early.

use std::path::{Path, PathBuf};

use objectos_protocol::kernel::plugin_document::{DocumentProblem, PanicStrategy, PluginDocument};
use objectos_protocol::kernel::{PackageType, PluginTrustLevel};
use semver::Version;
use serde::Serialize;

use super::{HostFacts, RuntimeFolder, SurveyRequest, copy, elf, folder};
use crate::grants::{Capability, GrantSet};
use crate::package::{Candidate, Digest, Refusal, RefusalReason, provided_by, used_by, vetoes_in};
use crate::settings::{self, Places};

/// Functions a library must not bring into the host, and what a plugin must be allowed to do to use them.
const GUARDED_IMPORTS: [Guarded; 2] = [
    Guarded {
        symbols: &[
            "execl",
            "execle",
            "execlp",
            "execv",
            "execve",
            "execveat",
            "execvp",
            "execvpe",
            "fexecve",
            "fork",
            "popen",
            "posix_spawn",
            "posix_spawnp",
            "system",
            "vfork",
        ],
        purpose: "start programs",
        permission: "process.spawn: execute",
        rule: "process:spawn",
        allowed: GrantSet::may_spawn_any,
    },
    // Handlers outlive the library they point into.
    Guarded {
        symbols: &["__sigaction", "atexit", "bsd_signal", "on_exit", "sigaction", "signal"],
        purpose: "install process-wide handlers",
        permission: "process.spawn: manage",
        rule: "process:signal",
        allowed: GrantSet::may_handle_signals,
    },
];

struct Guarded {
    symbols: &'static [&'static str],
    purpose: &'static str,
    permission: &'static str,
    rule: &'static str,
    allowed: fn(&GrantSet) -> bool,
}

/// What a library says about itself, read without trust, grants or configuration. `{path, sha256, sizeBytes, document,
/// imports, exports}`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    pub path: PathBuf,
    pub sha256: Digest,
    pub size_bytes: u64,
    pub document: PluginDocument,
    /// Dynamic symbols the library expects from others.
    pub imports: Vec<String>,
    /// Dynamic symbols it offers.
    pub exports: Vec<String>,
}

/// What is known about a file so far, for the refusal that may come.
struct Known<'a> {
    path: &'a Path,
    sha256: Option<Digest>,
    document: Option<Claims>,
    trust: Option<PluginTrustLevel>,
}

/// What a manifest that could be read says of its plugin.
struct Claims {
    id: String,
    version: Version,
    provides: Vec<String>,
    uses: Vec<String>,
    /// Once the grants are known: one that may listen.
    gateway: bool,
    vetoes: Vec<String>,
}

impl Known<'_> {
    fn refuse(&self, reason: RefusalReason) -> Box<Refusal> {
        let mut refusal = Refusal::of_file(self.path, reason);
        refusal.sha256 = self.sha256;
        refusal.trust = self.trust;
        if let Some(claims) = &self.document {
            refusal.plugin = Some(claims.id.clone());
            refusal.version = Some(claims.version.clone());
            refusal.provides.clone_from(&claims.provides);
            refusal.uses.clone_from(&claims.uses);
            refusal.gateway = claims.gateway;
            refusal.vetoes.clone_from(&claims.vetoes);
        }
        Box::new(refusal)
    }

    /// Its configuration is wrong: the advice says where it was written.
    fn misconfigured(&self, problems: Vec<DocumentProblem>, places: &Places) -> Box<Refusal> {
        let id = self.document.as_ref().map_or("", |claims| claims.id.as_str());
        let advice = places.advice(id, problems.iter().map(|problem| problem.path.as_str()));
        let mut refusal = self.refuse(RefusalReason::SettingsInvalid { problems });
        if let Some(advice) = advice {
            refusal.remedy = advice;
        }
        refusal
    }
}

/// Reads what a library says about itself.
///
/// # Errors
///
/// A [`Refusal`] when it is not a plugin of this host: not an ELF file, another machine, no or a broken manifest.
pub fn inspect(path: &Path, runtime: &RuntimeFolder) -> Result<Inspection, Box<Refusal>> {
    let mut known = Known {
        path,
        sha256: None,
        document: None,
        trust: None,
    };
    let copied = copy::take(path, runtime).map_err(|reason| known.refuse(reason))?;
    known.sha256 = Some(copied.sha256);
    let (facts, document) = read(&copied.bytes).map_err(|reason| known.refuse(reason))?;
    Ok(Inspection {
        path: path.to_owned(),
        sha256: copied.sha256,
        size_bytes: size(&copied.bytes),
        document,
        imports: facts.imports,
        exports: facts.exports,
    })
}

/// Checks one file of the plugin folder against everything but other plugins.
///
/// # Errors
///
/// A [`Refusal`] with the first reason found, in the order place, file, manifest, trust, grants, imports, configuration.
pub fn examine(path: &Path, request: &SurveyRequest<'_>) -> Result<Candidate, Box<Refusal>> {
    let mut known = Known {
        path,
        sha256: None,
        document: None,
        trust: None,
    };
    folder::admit(request.folder, path).map_err(|reason| known.refuse(reason))?;
    let copied = copy::take(path, request.runtime).map_err(|reason| known.refuse(reason))?;
    known.sha256 = Some(copied.sha256);
    request
        .trust
        .check_digest(&copied.sha256)
        .map_err(|reason| known.refuse(reason))?;

    let (facts, document) = read(&copied.bytes).map_err(|reason| known.refuse(reason))?;
    let denied = |name: &str| request.grants.denies_hook(document.id(), name);
    known.document = Some(Claims {
        id: document.id().to_owned(),
        version: document.version(),
        provides: provided_by(&document),
        uses: used_by(&document),
        gateway: document.manifest.kind == PackageType::Gateway,
        vetoes: vetoes_in(&document).filter(|name| !denied(name)).cloned().collect(),
    });
    fits_host(&document, request.host).map_err(|reason| known.refuse(reason))?;

    let trust = request
        .trust
        .verify(path, &copied.sha256, document.id(), request.now)
        .map_err(|reason| known.refuse(reason))?;
    known.trust = Some(trust.level);
    request.trust.admit(&trust).map_err(|reason| known.refuse(reason))?;

    let grants = request.grants.grant(&document).map_err(|reason| known.refuse(reason))?;
    if let Some(claims) = &mut known.document {
        claims.gateway &= grants.may_any(Capability::NetworkListen);
    }
    guarded_imports(&facts.imports, &grants).map_err(|reason| known.refuse(reason))?;
    let configuration = request.settings.get(document.id());
    let settings =
        settings::check(&document, configuration).map_err(|problems| known.misconfigured(problems, request.places))?;
    Ok(Candidate {
        size_bytes: size(&copied.bytes),
        document,
        path: path.to_owned(),
        copy: copied.copy,
        sha256: copied.sha256,
        trust,
        grants,
        settings,
    })
}

fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn read(bytes: &[u8]) -> Result<(elf::ElfFacts, PluginDocument), RefusalReason> {
    let facts = elf::read(bytes)?;
    let document =
        PluginDocument::parse(&facts.manifest).map_err(|problems| RefusalReason::ManifestInvalid { problems })?;
    Ok((facts, document))
}

fn fits_host(document: &PluginDocument, host: &HostFacts) -> Result<(), RefusalReason> {
    let Some(build) = &document.build else {
        return Err(RefusalReason::BuildFactsMissing);
    };
    if build.target != host.target {
        return Err(RefusalReason::OtherTarget {
            found: build.target.clone(),
            expected: host.target.clone(),
        });
    }
    if build.panic == PanicStrategy::Abort {
        return Err(RefusalReason::PanicAborts);
    }
    if build.api.major != host.api.major {
        return Err(RefusalReason::ApiMajor {
            built: build.api.clone(),
            offered: host.api.clone(),
        });
    }
    if !document.objectos.api.matches(&host.api) {
        return Err(RefusalReason::ApiRange {
            wanted: document.objectos.api.clone(),
            offered: host.api.clone(),
        });
    }
    Ok(())
}

fn guarded_imports(imports: &[String], grants: &GrantSet) -> Result<(), RefusalReason> {
    for guarded in GUARDED_IMPORTS {
        let symbols: Vec<String> = imports
            .iter()
            .filter(|import| guarded.symbols.contains(&import.as_str()))
            .cloned()
            .collect();
        if !symbols.is_empty() && !(guarded.allowed)(grants) {
            return Err(RefusalReason::ForbiddenImport {
                symbols,
                purpose: guarded.purpose,
                permission: guarded.permission,
                rule: guarded.rule,
            });
        }
    }
    Ok(())
}
