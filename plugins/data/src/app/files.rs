//! Folders of apps: which files belong, their text, and a fingerprint that changes with them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use globset::{Glob, GlobSet, GlobSetBuilder};
use walkdir::{DirEntry, WalkDir};

use super::manifest::{AppManifest, MANIFEST_FILE};
use super::problem::{Place, Problem, Problems};
use super::{PackageSource, SourceFile};

/// Largest file.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Most files of one app.
const FILES_MAX: usize = 20_000;
/// Folders that never hold files of an app.
const IGNORED: [&str; 2] = ["node_modules", "target"];
/// Folders that hold built files when there is a `src` beside them.
const BUILT: [&str; 3] = ["dist", "build", "out"];

/// Reads the manifest and all files of an app; what is wrong goes to `problems`.
pub fn read_app(folder: &Path, problems: &mut Problems) -> Option<PackageSource> {
    let shown = folder.display().to_string();
    if !folder.is_dir() {
        let what = if folder.exists() {
            "the app is not a folder"
        } else {
            "the folder of the app does not exist"
        };
        let hint = format!("name a folder with an {MANIFEST_FILE}");
        problems.push(Problem::error(Place::file(&shown), "", what).hint(hint));
        return None;
    }
    let path = folder.join(MANIFEST_FILE);
    if !path.is_file() {
        let hint = "write one with `id` and `version`, or name the folder that holds it";
        problems.push(Problem::error(Place::file(&shown), "", format!("the folder has no {MANIFEST_FILE}")).hint(hint));
        return None;
    }
    let manifest = AppManifest::read(&read_file(&path, problems)?, problems)?;
    let (include, exclude) = (globs(&manifest.globs)?, globs(&manifest.exclude)?);
    let mut files = Vec::new();
    for path in list(folder, problems) {
        let relative = path.strip_prefix(folder).unwrap_or(&path);
        if relative != Path::new(MANIFEST_FILE)
            && include.is_match(relative)
            && !exclude.is_match(relative)
            && is_document(&path)
        {
            files.extend(read_file(&path, problems));
        }
    }
    let manifest_file = path.display().to_string();
    Some(PackageSource {
        id: manifest.id.clone(),
        manifest: Some(manifest),
        manifest_file,
        files,
    })
}

fn globs(patterns: &[String]) -> Option<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern.trim_start_matches("./")).ok()?);
    }
    set.build().ok()
}

fn is_document(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with(".yml")
        || name.ends_with(".yaml")
        || (name.ends_with(".json") && crate::metadata::kind_of_file(name).is_some())
}

/// All files below a folder in the order of their names. Links are not followed: a folder is all there is to an app.
fn list(folder: &Path, problems: &mut Problems) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let walk = WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || wanted(entry));
    for entry in walk {
        match entry {
            Ok(entry) if entry.file_type().is_file() => paths.push(entry.into_path()),
            Ok(_) => {}
            Err(error) => {
                let place = error.path().unwrap_or(folder).display().to_string();
                problems.push(Problem::error(
                    Place::file(&place),
                    "",
                    format!("cannot be read: {error}"),
                ));
            }
        }
        if paths.len() > FILES_MAX {
            let message = format!("the app has more than {FILES_MAX} files");
            problems
                .push(Problem::error(Place::file(&folder.display().to_string()), "", message).hint("narrow `globs`"));
            break;
        }
    }
    paths
}

fn wanted(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_str().unwrap_or_default();
    if name.starts_with('.') {
        return false;
    }
    if !entry.file_type().is_dir() {
        return true;
    }
    let beside_src = || entry.path().parent().is_some_and(|parent| parent.join("src").is_dir());
    !(IGNORED.contains(&name) || BUILT.contains(&name) && beside_src())
}

fn read_file(path: &Path, problems: &mut Problems) -> Option<SourceFile> {
    let shown = path.display().to_string();
    let read = || -> std::io::Result<(Vec<u8>, i64)> {
        let file = std::fs::File::open(path)?;
        let modified = file
            .metadata()?
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified_ms = modified
            .and_then(|since| i64::try_from(since.as_millis()).ok())
            .unwrap_or_default();
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        Ok((bytes, modified_ms))
    };
    let problem = match read() {
        Ok((bytes, _)) if u64::try_from(bytes.len()).is_ok_and(|size| size > FILE_BYTES_MAX) => {
            let message = format!("the file is larger than {} MiB", FILE_BYTES_MAX / 1024 / 1024);
            Problem::error(Place::file(&shown), "", message).hint("split it")
        }
        Ok((bytes, modified_ms)) => match String::from_utf8(bytes) {
            Ok(text) => {
                return Some(SourceFile {
                    name: shown,
                    text,
                    modified_ms,
                });
            }
            Err(_) => Problem::error(Place::file(&shown), "", "the file is not text in UTF-8").hint("save it as UTF-8"),
        },
        Err(error) => Problem::error(Place::file(&shown), "", format!("the file cannot be read: {error}")),
    };
    problems.push(problem);
    None
}

/// Names, sizes and dates of all files below some folders, in one number: another number means that something changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// As the folders are now. A folder that is gone counts like an empty one.
    #[must_use]
    pub fn of(folders: &[PathBuf]) -> Self {
        let mut hasher = DefaultHasher::new();
        for path in folders.iter().flat_map(|folder| list(folder, &mut Problems::default())) {
            path.hash(&mut hasher);
            if let Ok(metadata) = std::fs::metadata(&path) {
                metadata.len().hash(&mut hasher);
                metadata.modified().ok().hash(&mut hasher);
            }
        }
        Self(hasher.finish())
    }
}

#[cfg(test)]
mod tests;
