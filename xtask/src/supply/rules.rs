//! What `deny.toml` says, as far as it is ours to ask: allowed licences, and advisories that were looked at.

use anyhow::{Context, Result, bail};
use std::{fs, path::Path};

use super::document;

/// The rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rules {
    allow: Vec<String>,
    /// Licences of one crate alone: its name, then they.
    exceptions: Vec<(String, Vec<String>)>,
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
            ignored: list("advisories", "ignore").unwrap_or_default(),
        })
    }

    /// Whether a crate may come under this licence.
    pub(super) fn allows(&self, name: &str, licence: &str) -> bool {
        let own = self.exceptions.iter().filter(|(named, _)| named == name);
        let own = own.flat_map(|(_, licences)| licences);
        self.allow.iter().chain(own).any(|allowed| allowed == licence)
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
