//! What we depend on, held against `deny.toml`: licences, sources and published advisories, for the workspace and for the example
//! plugin, which is a workspace of its own. Called by `cargo xtask test`.
//!
//! Licences and sources are read from cargo's metadata: that takes a second and needs no network, where cargo-deny would first
//! have to be built for minutes. Where cargo-deny is installed it looks as well: it reads the licence texts, too. Advisories
//! need a database that others write; when it cannot be reached, that is said and nothing fails.

mod advisories;
pub(crate) mod document;
mod licence;
mod rules;

#[cfg(test)]
mod tests;

use anyhow::{Context, Result, bail};
use semver::Version;
use serde::Deserialize;
use std::{collections::BTreeSet, path::Path, process::Command};

use self::rules::{Judgement, Rules};
use crate::{paths, shell};

/// The oldest cargo-deny that reads `deny.toml` as it is.
const DENY_MIN: Version = Version::new(0, 18, 0);
/// Manifests of the workspaces that have a lock file.
const WORKSPACES: [&str; 2] = ["Cargo.toml", "examples/hello-plugin/Cargo.toml"];

/// One package of the dependency graph, as `cargo metadata` tells of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Package {
    name: String,
    version: Version,
    /// An SPDX expression.
    license: Option<String>,
    /// Where it was taken from; nothing for what lies in this repository.
    source: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// Looks at everything.
///
/// # Errors
/// All findings, each with the package; or what could not be read.
pub(crate) fn check() -> Result<()> {
    shell::say("── licences, sources and advisories");
    let rules = Rules::read(&paths::root().join("deny.toml"))?;
    let host = host()?;
    let mut all = BTreeSet::new();
    for workspace in WORKSPACES {
        all.extend(packages(&paths::root().join(workspace), &host)?);
    }
    let packages: Vec<Package> = all.into_iter().collect();
    let mut findings = Vec::new();
    for package in &packages {
        findings.extend(faults(package, &rules));
        if let Some(source) = package
            .source
            .as_deref()
            .filter(|source| rules.source(source) == Judgement::Warn)
        {
            shell::say(&format!(
                "note: {} {} comes from {source}",
                package.name, package.version
            ));
        }
    }
    findings.extend(advisories::check(&packages, &rules)?);
    if findings.is_empty() {
        return cargo_deny();
    }
    for finding in &findings {
        shell::say(finding);
    }
    bail!("{} findings about what we depend on (rules: deny.toml)", findings.len())
}

/// The packages of one workspace that are built for this machine, ours included. Of what its lock file says, and of nothing
/// newer.
fn packages(manifest: &Path, host: &str) -> Result<Vec<Package>> {
    let mut command = shell::cargo();
    command.args([
        "metadata",
        "--locked",
        "--format-version",
        "1",
        "--filter-platform",
        host,
    ]);
    command.arg("--manifest-path").arg(manifest);
    let output = command.output().context("start cargo metadata")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("cargo metadata of {} failed: {said}", manifest.display());
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("read what cargo metadata says")?;
    Ok(metadata.packages)
}

/// The target that cargo builds for when none is named.
fn host() -> Result<String> {
    let output = shell::cargo().args(["version", "--verbose"]).output();
    let output = output.context("start cargo version")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("cargo version does not name its host")?.trim().to_owned())
}

/// What is wrong with one package.
fn faults(package: &Package, rules: &Rules) -> Vec<String> {
    let Package { name, version, .. } = package;
    let mut found = Vec::new();
    match &package.license {
        None => found.push(format!("{name} {version}: names no licence")),
        Some(expression) => match licence::allowed(expression, |named| rules.allows(name, named)) {
            Ok(true) => {}
            Ok(false) => found.push(format!(
                "{name} {version}: its licence `{expression}` is not among those of [licenses] in deny.toml"
            )),
            Err(problem) => found.push(format!(
                "{name} {version}: its licence `{expression}` cannot be read: {problem}"
            )),
        },
    }
    if let Some(source) = &package.source
        && rules.source(source) == Judgement::Deny
    {
        found.push(format!(
            "{name} {version}: comes from {source}, which [sources] in deny.toml does not name; take it from crates.io, or into \
             this repository"
        ));
    }
    found
}

/// A second opinion, where there is somebody to give it.
fn cargo_deny() -> Result<()> {
    if !shell::exists("cargo-deny") {
        shell::say(
            "skipped: cargo-deny is not installed and not asked as well; licences, sources and advisories were held against \
             deny.toml all the same (cargo install cargo-deny)",
        );
        return Ok(());
    }
    let output = Command::new("cargo-deny").arg("--version").output();
    let text = String::from_utf8_lossy(&output.context("start cargo-deny")?.stdout).into_owned();
    let version = text.split_whitespace().next_back().map(Version::parse);
    match version {
        Some(Ok(version)) if version >= DENY_MIN => {}
        _ => {
            shell::say(&format!(
                "skipped: cargo-deny is not asked as well: it says it is `{}`, and {DENY_MIN} is needed",
                text.trim()
            ));
            return Ok(());
        }
    }
    let mut deny = Command::new("cargo-deny");
    deny.current_dir(paths::root())
        .args(["--log-level", "error", "check", "licenses", "bans", "sources"]);
    shell::run("cargo-deny", &mut deny)
}
