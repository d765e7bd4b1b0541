//! House rules that no other tool checks: every module says what it is, files and functions stay small, what is called only in
//! one place stays there, crates opt in to the workspace's lints, and rooms depend on no more than they may know ([`rooms`]).
//!
//! Not here: versions, which `cargo xtask audit-spec` compares, and what clippy sees (`clippy.toml`).

mod functions;
mod rooms;

#[cfg(test)]
mod tests;

use anyhow::{Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{paths, shell};

/// Lines of a file without its tests.
const FILE_LINES_MAX: usize = 600;
/// Folders that hold no source of ours.
const SKIPPED: [&str; 4] = ["target", ".git", "node_modules", ".objectos"];

pub(crate) fn tidy() -> Result<()> {
    let findings = findings()?;
    if findings.is_empty() {
        return Ok(());
    }
    for finding in &findings {
        shell::say(finding);
    }
    bail!("{} findings", findings.len())
}

/// All that is wrong in the repository, each with its file.
fn findings() -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for path in files(&paths::root())? {
        let shown = path.strip_prefix(paths::root()).unwrap_or(&path).to_path_buf();
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".rs") {
            check_source(&shown, &text, &mut findings);
        } else if name == "Cargo.toml" && !text.contains("[workspace]") && !text.contains("[lints]\nworkspace = true") {
            findings.push(format!("{}: does not opt in to the workspace's lints", shown.display()));
        }
        for (index, line) in text.lines().enumerate() {
            if line.ends_with(' ') && !name.ends_with(".md") {
                findings.push(format!("{}:{}: trailing space", shown.display(), index + 1));
            }
        }
    }
    for folder in rooms::members(&paths::root())? {
        let text = fs::read_to_string(paths::root().join(&folder).join("Cargo.toml"))?;
        findings.extend(rooms::check(&folder, &text)?);
    }
    Ok(findings)
}

/// Calls that belong to one place: elsewhere they block threads, end the process or go past the clock that tests set.
const PLACES: [(&str, &[&str], &str); 3] = [
    (
        "thread::sleep(",
        &["xtask/"],
        "wait for what is to happen, or for the clock",
    ),
    (
        "process::exit(",
        &["host/src/", "xtask/src/tidy.rs"],
        "answer an exit code; only the host ends the process",
    ),
    (
        "SystemTime::now(",
        &["kernel/src/clock.rs", "host/src/", "xtask/"],
        "ask the injected clock (`Host::now_ms` in a plugin)",
    ),
];

fn check_source(path: &Path, text: &str, findings: &mut Vec<String>) {
    let test = path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
    if !test && !text.starts_with("//!") {
        findings.push(format!(
            "{}: does not begin with //!: say what it is, what it is not, who calls it",
            path.display()
        ));
    }
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX && !test {
        findings.push(format!(
            "{}: {lines} lines; split it (at most {FILE_LINES_MAX})",
            path.display()
        ));
    }
    if !test {
        check_places(path, text, findings);
        findings.extend(functions::check(path, text));
    }
    if path.file_name().is_some_and(|name| name == "mod.rs") {
        findings.push(format!("{}: use foo.rs beside foo/", path.display()));
    }
}

fn check_places(path: &Path, text: &str, findings: &mut Vec<String>) {
    for (call, places, remedy) in PLACES {
        if places.iter().any(|place| path.starts_with(place.trim_end_matches('/'))) {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if code.contains(call) {
                let name = call.trim_end_matches('(');
                findings.push(format!("{}:{}: {name}: {remedy}", path.display(), index + 1));
            }
        }
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !SKIPPED.contains(&name.as_str()) {
            found.extend(files(&path)?);
        } else if name.ends_with(".rs") || name == "Cargo.toml" {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
