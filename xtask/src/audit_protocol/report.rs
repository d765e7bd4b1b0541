//! What the audit found, and how it is shown.

use std::fmt;

use serde::Serialize;

/// One difference between our type and the published schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// Path of the published schema, such as `data/Object`.
    #[serde(rename = "type")]
    pub(crate) schema: String,
    /// Where within the type; empty for the type itself.
    pub(crate) path: String,
    /// What was held against each other, such as `required` or `verdict`.
    pub(crate) check: &'static str,
    /// What our type says.
    pub(crate) ours: String,
    /// What the published schema says.
    pub(crate) published: String,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// Types that have a published schema.
    pub(crate) types: usize,
    /// Places in the schemas that were compared.
    pub(crate) places: usize,
    /// Documents on which both sides gave a verdict.
    pub(crate) documents: usize,
    /// Of these, documents that the published schema accepts.
    pub(crate) valid_documents: usize,
    /// Accepted differences.
    pub(crate) accepted: usize,
}

/// The outcome of the audit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// What has to be put right; empty when all is well.
    pub(crate) findings: Vec<Finding>,
    /// How much was looked at.
    pub(crate) counts: Counts,
}

impl Report {
    /// Whether nothing was found.
    #[must_use]
    pub(crate) fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            types,
            places,
            documents,
            valid_documents,
            accepted,
        } = self.counts;
        writeln!(
            f,
            "protocol types against the published schemas, version {}",
            objectos_protocol::VERSION
        )?;
        writeln!(f, "  types compared       {types:>7}")?;
        writeln!(f, "  places compared      {places:>7}")?;
        writeln!(
            f,
            "  documents judged     {documents:>7}  ({valid_documents} valid, {} not)",
            documents - valid_documents
        )?;
        writeln!(f, "  accepted differences {accepted:>7}  (xtask/audit-accepted.json)")?;
        writeln!(f, "  findings             {:>7}", self.findings.len())?;
        if self.findings.is_empty() {
            return Ok(());
        }
        writeln!(f)?;
        let rows: Vec<[&str; 5]> = self
            .findings
            .iter()
            .map(|finding| {
                [
                    finding.check,
                    finding.schema.as_str(),
                    finding.path.as_str(),
                    finding.ours.as_str(),
                    finding.published.as_str(),
                ]
            })
            .collect();
        table(f, ["check", "type", "path", "ours", "published"], &rows)
    }
}

fn table(f: &mut fmt::Formatter<'_>, head: [&str; 5], rows: &[[&str; 5]]) -> fmt::Result {
    const WIDEST: usize = 60;
    let mut widths = head.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count().min(WIDEST));
        }
    }
    for row in std::iter::once(&head).chain(rows) {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        writeln!(f, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}
