//! Published faults of what we depend on: the RustSec advisory database, fetched with git and kept in the target folder. Whoever
//! has no way to it is told so and goes on; a copy from an earlier run is better than none.

use anyhow::{Context, Result, bail};
use semver::{Version, VersionReq};
use std::{fs, path::Path, process::Command};

use super::{Package, document, rules::Rules};
use crate::{paths, shell};

const DATABASE: &str = "https://github.com/rustsec/advisory-db";
/// A machine whose packets vanish shall not wait for long.
const FETCH_LIMIT_S: &str = "60";

/// What is published about these packages and was not looked at yet.
///
/// # Errors
/// When the database is there and cannot be read.
pub(super) fn check(packages: &[Package], rules: &Rules) -> Result<Vec<String>> {
    let folder = paths::target().join("advisory-db");
    if let Err(error) = fetch(&folder) {
        if !folder.join("crates").is_dir() {
            shell::say(&format!(
                "skipped: no advisory is looked at, for {DATABASE} cannot be fetched: {error:#}"
            ));
            return Ok(Vec::new());
        }
        shell::say(&format!(
            "advisories are those of an earlier run, for {DATABASE} cannot be fetched: {error:#}"
        ));
    }
    let mut findings = Vec::new();
    // What lies in this repository has no advisories.
    for package in packages.iter().filter(|package| package.source.is_some()) {
        let Ok(files) = fs::read_dir(folder.join("crates").join(&package.name)) else {
            continue;
        };
        for file in files {
            let path = file?.path();
            let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            let Some(advisory) = Advisory::read(&text).with_context(|| format!("read {}", path.display()))? else {
                continue;
            };
            if advisory.concerns(&package.version) && !rules.ignored.contains(&advisory.id) {
                findings.push(format!(
                    "{} {}: {}, see https://rustsec.org/advisories/{}; take another version, or write in deny.toml why it \
                     does not matter here",
                    package.name, package.version, advisory.kind, advisory.id
                ));
            }
        }
    }
    Ok(findings)
}

fn fetch(folder: &Path) -> Result<()> {
    if folder.join(".git").is_dir() {
        git(Some(folder), &["fetch", "--quiet", "--depth", "1", "origin", "HEAD"])?;
        return git(Some(folder), &["reset", "--quiet", "--hard", "FETCH_HEAD"]);
    }
    // What a fetch that broke off left behind.
    drop(fs::remove_dir_all(folder));
    let goal = folder.display().to_string();
    git(None, &["clone", "--quiet", "--depth", "1", DATABASE, &goal])
}

fn git(folder: Option<&Path>, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("timeout");
    command.args([FETCH_LIMIT_S, "git"]).args(arguments);
    command.env("GIT_TERMINAL_PROMPT", "0");
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    let output = command.output().context("start git")?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().lines().next_back().unwrap_or("it took too long");
    bail!("git: {said}")
}

/// One advisory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Advisory {
    pub(super) id: String,
    /// `has a fault`, or what it says of itself: `unmaintained`, `unsound`.
    pub(super) kind: String,
    /// Versions that do not have it: without it again, and not yet with it.
    sound: Vec<VersionReq>,
}

impl Advisory {
    /// Reads an advisory: TOML in a fence, then prose. `None` for one that was withdrawn or only gives notice, and for a file
    /// that is none.
    pub(super) fn read(text: &str) -> Result<Option<Self>> {
        let fenced = text
            .strip_prefix("```toml")
            .and_then(|rest| rest.split_once("```"))
            .map(|(head, _)| head);
        let Some(head) = fenced else { return Ok(None) };
        let entries = document::entries(head)?;
        let one = |key: &str| {
            let value = document::value(&entries, "advisory", key);
            value.and_then(|value| document::texts(value).into_iter().next())
        };
        let kind = one("informational");
        if document::value(&entries, "advisory", "withdrawn").is_some() || kind.as_deref() == Some("notice") {
            return Ok(None);
        }
        let mut sound = Vec::new();
        for key in ["patched", "unaffected"] {
            for range in document::value(&entries, "versions", key)
                .map(document::texts)
                .unwrap_or_default()
            {
                sound.push(VersionReq::parse(&range).with_context(|| format!("versions.{key}: `{range}`"))?);
            }
        }
        Ok(Some(Self {
            id: one("id").context("advisory.id is missing")?,
            kind: kind.unwrap_or_else(|| "has a fault".to_owned()),
            sound,
        }))
    }

    /// Whether this version has it.
    pub(super) fn concerns(&self, version: &Version) -> bool {
        !self.sound.iter().any(|range| range.matches(version))
    }
}
