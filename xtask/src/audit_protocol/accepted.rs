//! The differences that are meant: `xtask/audit-accepted.json`.
//!
//! Shape: `{"accepted": [{"type", "path", "check", "reason"}]}`. An entry covers the findings with the same type, path and
//! check. The list can only shrink: an entry that covers nothing is a finding itself, and so is one that is not in
//! [`BASELINE`] or stands there no more.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::report::Finding;

/// The differences that were ever accepted, as `(type, path, check)`. Take one out when it is out of the file; none is ever put
/// in: a new difference is a fault of our type, and that is where it is put right.
const BASELINE: [(&str, &str, &str); 4] = [
    ("data/FilterCondition", "", "additional"),
    ("data/FilterCondition", "", "verdict"),
    (
        "api/RouteGenerationConfig",
        "overrides.sample_key.operations",
        "verdict",
    ),
    ("api/CrudEndpointsConfig", "patterns", "verdict"),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    accepted: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(rename = "type")]
    schema: String,
    path: String,
    check: String,
    reason: String,
    #[serde(skip)]
    used: bool,
}

impl Entry {
    fn key(&self) -> (&str, &str, &str) {
        (&self.schema, &self.path, &self.check)
    }
}

/// The list, with a mark at each entry that covered something.
#[derive(Debug)]
pub(super) struct Accepted(Vec<Entry>);

impl Accepted {
    /// Reads the list; every entry needs a reason.
    pub(super) fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        Self::parse(&text).with_context(|| format!("reading {}", file.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let File { accepted } = serde_json::from_str(text)?;
        for entry in &accepted {
            ensure!(
                !entry.reason.trim().is_empty(),
                "{} {} has no reason",
                entry.schema,
                entry.path
            );
        }
        Ok(Self(accepted))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether a finding is accepted; marks the entry.
    pub(super) fn covers(&mut self, finding: &Finding) -> bool {
        let mut covered = false;
        for entry in &mut self.0 {
            if entry.schema == finding.schema && entry.path == finding.path && entry.check == finding.check {
                entry.used = true;
                covered = true;
            }
        }
        covered
    }

    /// A finding for each entry that is new, and for each that the baseline still has after it went.
    pub(super) fn grown(&self) -> Vec<Finding> {
        let finding = |(schema, path, check): (&str, &str, &str), ours: &str, remedy: &str| Finding {
            schema: schema.to_owned(),
            path: path.to_owned(),
            check: "accepted",
            ours: format!("the difference in `{check}` {ours}"),
            published: remedy.to_owned(),
        };
        let entries: Vec<(&str, &str, &str)> = self.0.iter().map(Entry::key).collect();
        let new = entries.iter().enumerate().filter(|(at, key)| {
            let twice = entries[..*at].contains(key);
            twice || !BASELINE.contains(key)
        });
        let new = new.map(|(_, key)| {
            let remedy = "correct our type: the list of accepted differences only shrinks";
            finding(*key, "is newly accepted", remedy)
        });
        let gone = BASELINE.iter().filter(|key| !entries.contains(key)).map(|key| {
            let remedy = "take it out of the baseline in xtask/src/audit_protocol/accepted.rs, too";
            finding(*key, "is accepted no more", remedy)
        });
        new.chain(gone).collect()
    }

    /// A finding for each entry that covered nothing.
    pub(super) fn unused(&self) -> Vec<Finding> {
        self.0
            .iter()
            .filter(|entry| !entry.used)
            .map(|entry| Finding {
                schema: entry.schema.clone(),
                path: entry.path.clone(),
                check: "accepted",
                ours: format!("no difference in `{}` any more", entry.check),
                published: "remove the entry from xtask/audit-accepted.json".to_owned(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
