//! House rules that no other tool checks: every module says what it is, files and functions stay small, crates opt in to the
//! workspace's lints and versions, and the repository speaks of the product alone.

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
    if findings.is_empty() {
        return Ok(());
    }
    for finding in &findings {
        shell::say(finding);
    }
    bail!("{} findings", findings.len())
}

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
    if path.file_name().is_some_and(|name| name == "mod.rs") {
        findings.push(format!("{}: use foo.rs beside foo/", path.display()));
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
