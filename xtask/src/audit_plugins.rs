//! `cargo xtask audit-spec`, the half about plugins: reads each built library, starts all of them in a kernel, asks how they
//! do, swaps and stops them, and holds what they registered against what they declare. Also whether everything in the
//! repository that has a version has the same one.
//!
//! Not here: the protocol's types, which are the other half's.

mod library;
mod life;
mod objects;
mod told;
mod versions;

#[cfg(test)]
mod tests;

use anyhow::{Context, Result};
use objectos_kernel::discover::{RuntimeFolder, inspect};
use serde_json::{Value, json};
use std::{fmt::Write, fs, path::Path};

use crate::{
    build::{self, Profile},
    paths,
};

/// What the audit of the plugins says.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    findings: Vec<String>,
}

/// One plugin that was started. Pairs are what is registered, of what is declared.
#[derive(Debug, Default)]
struct Row {
    id: String,
    version: String,
    api: String,
    services: (usize, usize),
    hooks: (usize, usize),
    events: (usize, usize),
    routes: (usize, usize),
    objects: (usize, usize),
    start_ms: f64,
    /// What the plugin said when it was asked.
    health: String,
}

impl Report {
    pub(crate) fn clean(&self) -> bool {
        self.findings.is_empty()
    }

    pub(crate) fn to_json(&self) -> Value {
        let plugins: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                let pair =
                    |(registered, declared): (usize, usize)| json!({ "registered": registered, "declared": declared });
                json!({
                    "id": row.id, "version": row.version, "api": row.api, "services": pair(row.services),
                    "hooks": pair(row.hooks), "events": pair(row.events), "routes": pair(row.routes),
                    "objects": pair(row.objects), "startMs": row.start_ms, "health": row.health,
                })
            })
            .collect();
        json!({ "plugins": plugins, "findings": self.findings })
    }

    pub(crate) fn to_text(&self) -> String {
        let mut out = String::from("plugins against their manifests (registered/declared)\n");
        // Writing into a String cannot fail.
        let _ = writeln!(
            out,
            "  {:<24} {:<8} {:<6} {:>8} {:>7} {:>7} {:>7} {:>7} {:>9}  HEALTH",
            "ID", "VERSION", "API", "SERVICES", "HOOKS", "EVENTS", "ROUTES", "OBJECTS", "START MS"
        );
        for row in &self.rows {
            let pair = |(registered, declared): (usize, usize)| format!("{registered}/{declared}");
            let _ = writeln!(
                out,
                "  {:<24} {:<8} {:<6} {:>8} {:>7} {:>7} {:>7} {:>7} {:>9.1}  {}",
                row.id,
                row.version,
                row.api,
                pair(row.services),
                pair(row.hooks),
                pair(row.events),
                pair(row.routes),
                pair(row.objects),
                row.start_ms,
                row.health
            );
        }
        let _ = writeln!(out, "  findings {:>15}", self.findings.len());
        for finding in &self.findings {
            let _ = writeln!(out, "  {finding}");
        }
        out
    }

    /// Notes what is wrong with a plugin or a file. The same is told once.
    fn find(&mut self, subject: &str, text: &str) {
        let finding = format!("{subject}: {text}");
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

/// Builds, looks and starts.
pub(crate) fn run() -> Result<Report> {
    build::build(Profile::Dev)?;
    let scratch = paths::target().join("audit-plugins");
    drop(fs::remove_dir_all(&scratch));
    let folder = scratch.join("plugins");
    for plugin in build::plugins()? {
        build::place(&plugin, &Profile::Dev.folder(), &folder)?;
    }
    let mut report = look(&folder, &scratch, &Value::Null)?;
    for (file, text) in versions::check(&paths::root())? {
        report.find(&file, &text);
    }
    Ok(report)
}

/// Audits the libraries in a folder. `scratch` is for what they write; `settings` is their configuration by plugin id, as in
/// the section `plugins` of `objectos.yml`.
fn look(folder: &Path, scratch: &Path, settings: &Value) -> Result<Report> {
    let mut report = Report::default();
    let runtime_folder = RuntimeFolder::open(&scratch.join("inspect"))?;
    let mut inspections = Vec::new();
    for library in libraries(folder)? {
        match inspect(&library, &runtime_folder) {
            Ok(inspection) => inspections.push(inspection),
            Err(refusal) => report.find(&library.display().to_string(), &refusal.reason.to_string()),
        }
    }
    for inspection in &inspections {
        library::check(inspection, &mut report);
    }
    life::check(folder, scratch, settings, inspections, report).context("start the plugins")
}

fn libraries(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "so") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
