//! The plugin folder: which files of it are looked at, and which are refused by where they lie and by what they are. The
//! start lists all of it ([`list`]); a swap, the watcher and `plugins verify` ask about one file ([`admit`]) by the same
//! rules.

use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use crate::package::{Refusal, RefusalReason};

/// Write right of users who are neither the owner nor in the group.
const OTHERS_WRITE: u32 = 0o002;
const MODE_BITS: u32 = 0o777;

type Entry = Result<PathBuf, Box<Refusal>>;

/// Libraries of `root` and of its direct subfolders, in order of path.
pub(super) fn list(root: &Path) -> Result<Vec<Entry>, RefusalReason> {
    let unreadable = |error: io::Error| RefusalReason::FolderUnreadable {
        problem: error.to_string(),
    };
    let metadata = fs::metadata(root).map_err(unreadable)?;
    if !metadata.is_dir() {
        return Err(RefusalReason::FolderUnreadable {
            problem: "it is not a folder".to_owned(),
        });
    }
    not_for_everybody(&metadata)?;
    let real_root = root.canonicalize().map_err(unreadable)?;
    let mut entries = Vec::new();
    for path in sorted(root).map_err(unreadable)? {
        if is_library(&path) {
            entries.push(inside(&path, &real_root));
        } else if path.is_dir() {
            subfolder(&path, &real_root, &mut entries);
        }
    }
    Ok(entries)
}

/// Refuses a file that a start would not take from where it lies: outside `root` once every symlink is followed, below the
/// direct subfolders, or in a folder that everybody may write.
pub(super) fn admit(root: &Path, path: &Path) -> Result<(), RefusalReason> {
    let unreadable = |error: io::Error| RefusalReason::FolderUnreadable {
        problem: error.to_string(),
    };
    not_for_everybody(&fs::metadata(root).map_err(unreadable)?)?;
    let real_root = root.canonicalize().map_err(unreadable)?;
    inside(path, &real_root).map_err(|refusal| refusal.reason)?;
    let Some(below) = below(root, &real_root, path) else {
        return Err(RefusalReason::TooDeep);
    };
    match below.components().count() {
        0 | 1 => Ok(()),
        2 => {
            let folder = path.parent().unwrap_or(root);
            not_for_everybody(&fs::metadata(folder).map_err(unreadable)?)
        }
        _ => Err(RefusalReason::TooDeep),
    }
}

/// Where a file lies below the root: as it is named, since symlinks within the folder are followed, or, where the name goes
/// another way round, by the folder that really holds it.
fn below(root: &Path, real_root: &Path, path: &Path) -> Option<PathBuf> {
    let plain = |relative: &&Path| relative.components().all(|part| matches!(part, Component::Normal(_)));
    let named = path.strip_prefix(root).or_else(|_| path.strip_prefix(real_root)).ok();
    if let Some(named) = named.filter(plain) {
        return Some(named.to_owned());
    }
    // The folder of a bare name is the current one.
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
    folder
        .join(path.file_name()?)
        .strip_prefix(real_root)
        .ok()
        .map(Path::to_owned)
}

/// Libraries that lie directly in a folder, in order of path; none where it cannot be read.
pub(crate) fn libraries(folder: &Path) -> Vec<PathBuf> {
    let paths = sorted(folder).unwrap_or_default();
    paths.into_iter().filter(|path| is_library(path)).collect()
}

/// A subfolder without libraries is nobody's business, whatever its rights.
fn subfolder(path: &Path, real_root: &Path, entries: &mut Vec<Entry>) {
    let libraries = match sorted(path) {
        Ok(paths) => paths.into_iter().filter(|path| is_library(path)).collect::<Vec<_>>(),
        Err(error) => {
            let reason = RefusalReason::FolderUnreadable {
                problem: error.to_string(),
            };
            entries.push(Err(Box::new(Refusal::of_file(path, reason))));
            return;
        }
    };
    if libraries.is_empty() {
        return;
    }
    let sound = inside(path, real_root).and_then(|_| {
        let metadata = fs::metadata(path).map_err(|error| RefusalReason::FolderUnreadable {
            problem: error.to_string(),
        });
        metadata
            .and_then(|metadata| not_for_everybody(&metadata))
            .map_err(|reason| Box::new(Refusal::of_file(path, reason)))
    });
    match sound {
        Ok(()) => entries.extend(libraries.iter().map(|library| inside(library, real_root))),
        Err(refusal) => entries.push(Err(refusal)),
    }
}

fn not_for_everybody(metadata: &Metadata) -> Result<(), RefusalReason> {
    if metadata.mode() & OTHERS_WRITE == 0 {
        Ok(())
    } else {
        Err(RefusalReason::FolderWritableByOthers {
            mode: metadata.mode() & MODE_BITS,
        })
    }
}

/// The path itself when it stays below the root once every symlink is followed.
fn inside(path: &Path, real_root: &Path) -> Entry {
    let refused = |reason| Err(Box::new(Refusal::of_file(path, reason)));
    match path.canonicalize() {
        Ok(real) if real.starts_with(real_root) => Ok(path.to_owned()),
        Ok(target) => refused(RefusalReason::OutsideFolder { target }),
        Err(error) => refused(RefusalReason::Unreadable {
            problem: error.to_string(),
        }),
    }
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| {
        path.file_name()
            .is_some_and(|name| !name.to_string_lossy().starts_with('.'))
    });
    paths.sort();
    Ok(paths)
}

/// Whether a file is looked at, by its name.
pub(crate) fn is_library(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "so")
}

/// Refuses an opened file by its type and rights.
pub(super) fn check_file(metadata: &Metadata) -> Result<(), RefusalReason> {
    let kind = metadata.file_type();
    if !kind.is_file() {
        return Err(RefusalReason::NotRegular { kind: described(kind) });
    }
    if metadata.mode() & OTHERS_WRITE != 0 {
        return Err(RefusalReason::WritableByOthers {
            mode: metadata.mode() & MODE_BITS,
        });
    }
    Ok(())
}

fn described(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_symlink() {
        "a symlink"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}
