//! Listing a plugin folder: which files are looked at, and which are refused by what they are.

use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

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

fn is_library(path: &Path) -> bool {
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
