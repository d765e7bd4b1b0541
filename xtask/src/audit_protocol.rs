//! Holds the protocol types of `objectos-protocol` against the published JSON Schemas.
//!
//! Three checks for each type in [`registry`]: the schema that schemars derives says the same as the published one
//! ([`compare`]); our type and the published schema give the same verdict on a corpus of documents ([`corpus`]); what our
//! type writes is valid by the published schema. Differences that are meant stand in `xtask/audit-accepted.json` with a
//! reason ([`accepted`]); a new entry is a finding, and one that matches nothing, so the list can only shrink.
//!
//! Called by `cargo xtask audit-spec`. Not here: the audit of built plugins.

mod accepted;
mod compare;
mod corpus;
mod fill;
mod mutate;
mod owner;
mod package;
mod probe;
mod registry;
mod report;
mod sample;
mod view;

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use report::Counts;
pub(crate) use report::Report;
use view::Plain;

/// Runs all checks.
///
/// # Errors
/// When the published schemas cannot be had or read, or the list of accepted differences cannot be read. Findings are
/// not errors: they are in the report, and the caller decides the exit code.
pub(crate) fn audit() -> Result<Report> {
    let root = package::workspace_root();
    let package = package::Package::ensure(&root)?;
    let mut accepted = accepted::Accepted::read(&root.join("xtask/audit-accepted.json"))?;
    let mut counts = Counts::default();
    let mut done = mutate::Done::new();
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    for entry in registry::all() {
        let published = package.schema(entry.path)?;
        let subject = Subject {
            entry,
            published_plain: Plain::new(&published),
            published,
            written: Plain::new(&(entry.written)()),
            read: (entry.readable)(),
        };
        counts.types += 1;
        let compared = compare::compare(&subject, &mut counts);
        let verdicts =
            corpus::check(&subject, &mut done, &mut counts).with_context(|| format!("checking {}", entry.path))?;
        for (origin, finding) in compared.into_iter().chain(verdicts) {
            // The published schemas repeat each other; a difference is told where its type is met first.
            if seen.insert((origin, finding.check)) {
                findings.push(finding);
            }
        }
    }
    findings.retain(|finding| !accepted.covers(finding));
    counts.accepted = accepted.len();
    findings.extend(accepted.grown());
    findings.extend(accepted.unused());
    Ok(Report { findings, counts })
}

/// One type with all its schemas.
struct Subject {
    entry: &'static registry::Entry,
    /// The published schema, of the form that is written.
    published: serde_json::Value,
    published_plain: Plain,
    /// Our schema of the form that is written.
    written: Plain,
    /// Our schema of the form that is read.
    read: serde_json::Value,
}

#[cfg(test)]
mod tests;
