//! The files that definitions were written in: of the running apps, so that a decision can name a line, and of an app that is
//! tested without a host.

use std::path::{Path, PathBuf};

use objectos_plugin_api::Host;
use serde::Deserialize;
use serde_json::Value;
use walkdir::WalkDir;

use crate::decode::KINDS;
use crate::document::Document;
use crate::problem::Problem;

/// Largest file.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Folders that never hold files of an app.
const IGNORED: [&str; 2] = ["node_modules", "target"];

/// A file that was read.
#[derive(Debug)]
pub struct Read {
    /// Suffix: `permission`, `object`, …
    pub kind: String,
    /// Name without suffixes.
    pub stem: String,
    /// What it says.
    pub document: Document,
}

/// Kind and stem of a file's name: `sales.permission.yml` is `permission` and `sales`.
fn kind_of(name: &str) -> Option<(&str, &str)> {
    let rest = [".yml", ".yaml", ".json"]
        .iter()
        .find_map(|end| name.strip_suffix(end))?;
    rest.rsplit_once('.').map(|(stem, kind)| (kind, stem))
}

/// Reads the files of some kinds in the folder of an app. They are named from the folder's own name on.
pub fn read_app(folder: &Path, kinds: &[&str], problems: &mut Vec<Problem>) -> Vec<Read> {
    let base = folder.file_name().map(PathBuf::from).unwrap_or_default();
    let walk = WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| {
            let name = entry.file_name().to_str().unwrap_or_default();
            entry.depth() == 0 || !(name.starts_with('.') || IGNORED.contains(&name))
        });
    let mut read = Vec::new();
    for entry in walk.filter_map(Result::ok).filter(|entry| entry.file_type().is_file()) {
        let name = entry.file_name().to_str().unwrap_or_default();
        let Some((kind, stem)) = kind_of(name).filter(|(kind, _)| kinds.contains(kind)) else {
            continue;
        };
        let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let shown = base.join(relative).display().to_string();
        let fits = entry.metadata().is_ok_and(|metadata| metadata.len() <= FILE_BYTES_MAX);
        let text = fits.then(|| std::fs::read_to_string(entry.path()).ok()).flatten();
        let Some(text) = text else {
            problems.push(Problem::new(shown, "", "the file cannot be read"));
            continue;
        };
        match Document::parse(&shown, &text) {
            Ok(document) => read.push(Read {
                kind: kind.to_owned(),
                stem: stem.to_owned(),
                document,
            }),
            Err(problem) => problems.push(problem),
        }
    }
    read
}

#[derive(Deserialize)]
struct Contributed {
    plugin: String,
    file: String,
    text: String,
}

/// Everything about access that the apps and plugins of a host have written. What cannot be read is left out: these are looked
/// at for lines only.
#[must_use]
pub fn of_host(host: &Host, apps: &[PathBuf]) -> Vec<Read> {
    let mut ignored = Vec::new();
    let mut read: Vec<Read> = apps
        .iter()
        .flat_map(|app| read_app(app, &KINDS, &mut ignored))
        .collect();
    let documents: Vec<Contributed> = serde_json::from_slice(&host.contributions("documents")).unwrap_or_default();
    for contributed in documents {
        let name = contributed.file.rsplit('/').next().unwrap_or_default();
        let Some((kind, stem)) = kind_of(name).filter(|(kind, _)| KINDS.contains(kind)) else {
            continue;
        };
        let shown = format!("{}:{}", contributed.plugin, contributed.file);
        if let Ok(document) = Document::parse(&shown, &contributed.text) {
            read.push(Read {
                kind: kind.to_owned(),
                stem: stem.to_owned(),
                document,
            });
        }
    }
    read
}

/// The file that says exactly this.
#[must_use]
pub fn find<'a>(read: &'a [Read], kind: &str, definition: &Value) -> Option<&'a Read> {
    read.iter()
        .find(|file| file.kind == kind && file.document.value == *definition)
}
