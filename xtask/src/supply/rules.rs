//! What `deny.toml` says, as far as it is ours to ask: allowed licences, allowed sources, and advisories that were looked at.

use anyhow::{Context, Result, bail};
use std::{fs, path::Path};

use super::document;

/// The registry of everybody, as `deny.toml` names it and as cargo's other protocol does.
const CRATES_IO: [&str; 2] = [
    "https://github.com/rust-lang/crates.io-index",
    "https://index.crates.io",
];

/// What is to be done about a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Judgement {
    Allow,
    Warn,
    #[default]
    Deny,
}

/// The rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rules {
    allow: Vec<String>,
    /// Licences of one crate alone: its name, then they.
    exceptions: Vec<(String, Vec<String>)>,
    /// Registries and git repositories that are named, and what is said of all others.
    registries: Vec<String>,
    unknown_registry: Judgement,
    repositories: Vec<String>,
    unknown_git: Judgement,
    /// Ids of advisories that were looked at.
    pub(super) ignored: Vec<String>,
}

impl Rules {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("read {}", path.display()))
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let entries = document::entries(text)?;
        let list = |section: &str, key: &str| document::value(&entries, section, key).map(document::texts);
        let Some(allow) = list("licenses", "allow").filter(|allow| !allow.is_empty()) else {
            bail!("[licenses] allows none: write them as in `allow = [\"MIT\"]`");
        };
        let tables = document::value(&entries, "licenses", "exceptions").unwrap_or_default();
        Ok(Self {
            allow,
            exceptions: exceptions(tables)?,
            registries: list("sources", "allow-registry").unwrap_or_else(|| vec![CRATES_IO[0].to_owned()]),
            unknown_registry: judgement(&entries, "unknown-registry")?,
            repositories: list("sources", "allow-git").unwrap_or_default(),
            unknown_git: judgement(&entries, "unknown-git")?,
            ignored: list("advisories", "ignore").unwrap_or_default(),
        })
    }

    /// Whether a crate may come under this licence.
    pub(super) fn allows(&self, name: &str, licence: &str) -> bool {
        let own = self.exceptions.iter().filter(|(named, _)| named == name);
        let own = own.flat_map(|(_, licences)| licences);
        self.allow.iter().chain(own).any(|allowed| allowed == licence)
    }

    /// What is to be done about a source, as cargo writes it: `registry+https://…`, `sparse+https://…`, `git+https://…?rev=…#…`.
    /// One of another kind is denied.
    pub(super) fn source(&self, source: &str) -> Judgement {
        let (kind, address) = source.split_once('+').unwrap_or_default();
        let (named, unknown) = match kind {
            "registry" | "sparse" => (&self.registries, self.unknown_registry),
            "git" => (&self.repositories, self.unknown_git),
            _ => return Judgement::Deny,
        };
        let same = |allowed: &String| place(allowed) == place(address);
        if named.iter().any(same) {
            Judgement::Allow
        } else {
            unknown
        }
    }
}

/// An address without what does not tell one place from another.
fn place(address: &str) -> &str {
    let bare = address.split(['?', '#']).next().unwrap_or_default();
    let bare = bare.trim_end_matches('/').trim_end_matches(".git");
    if bare == CRATES_IO[1] { CRATES_IO[0] } else { bare }
}

/// A key of `[sources]`; what is not written is denied.
fn judgement(entries: &[document::Entry], key: &str) -> Result<Judgement> {
    let Some(written) = document::value(entries, "sources", key) else {
        return Ok(Judgement::Deny);
    };
    match document::texts(written).first().map(String::as_str) {
        Some("allow") => Ok(Judgement::Allow),
        Some("warn") => Ok(Judgement::Warn),
        Some("deny") => Ok(Judgement::Deny),
        _ => bail!("[sources] {key} is {written}: write \"deny\", \"warn\" or \"allow\""),
    }
}

/// Reads `[{ allow = ["MPL-2.0"], crate = "a" }]`.
fn exceptions(tables: &str) -> Result<Vec<(String, Vec<String>)>> {
    let mut found = Vec::new();
    for table in tables.split('{').skip(1) {
        let wrong = || format!("`{{{table}` is no exception, as `{{ allow = [\"MPL-2.0\"], crate = \"a\" }}` is one");
        let (licences, name) = table.split_once("crate").with_context(wrong)?;
        let name = document::texts(name).into_iter().next().with_context(wrong)?;
        let licences = document::texts(licences);
        if licences.is_empty() {
            bail!(wrong());
        }
        found.push((name, licences));
    }
    Ok(found)
}
