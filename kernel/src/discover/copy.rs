//! Private copies: what is checked is what will be opened.
//!
//! A copy lies in a folder only this user may enter, under a name no other load has used: the dynamic linker takes a
//! path it has seen for the library it has seen. The name begins with the content's hash.

#[cfg(test)]
mod tests;

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::folder;
use crate::package::{Digest, PrivateCopy, RefusalReason};

/// A library larger than this is refused before it fills memory.
const SIZE_LIMIT_BYTES: u64 = 512 * 1024 * 1024;
/// Copies made of a file that keeps changing, before it is refused.
const ATTEMPTS: u32 = 3;

/// Numbers copies within the process, so that no name is used twice.
static NEXT_COPY: AtomicU64 = AtomicU64::new(0);

/// A folder for private copies: entered by this user alone, and swept of what dead processes left.
#[derive(Clone, Debug)]
pub struct RuntimeFolder {
    path: PathBuf,
}

/// Why a folder cannot hold private copies.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeFolderError {
    #[error("the runtime folder {} cannot be made or read", path.display())]
    Unusable { path: PathBuf, source: io::Error },
    #[error("the runtime folder {} belongs to another user", path.display())]
    ForeignOwner { path: PathBuf },
    #[error("the runtime folder {} is a symlink or a file", path.display())]
    NotAFolder { path: PathBuf },
}

impl RuntimeFolder {
    /// Makes the folder if need be, closes it to others (mode 0700) and removes copies of processes that are gone.
    ///
    /// # Errors
    ///
    /// [`RuntimeFolderError`] when the path is not a folder of this user's, or cannot be made one.
    pub fn open(path: &Path) -> Result<Self, RuntimeFolderError> {
        let unusable = |source| RuntimeFolderError::Unusable {
            path: path.to_owned(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(unusable)?;
        let metadata = fs::symlink_metadata(path).map_err(unusable)?;
        if !metadata.is_dir() {
            return Err(RuntimeFolderError::NotAFolder { path: path.to_owned() });
        }
        // A folder we may set the mode of is ours, or we are root; a foreign one that root is pointed at is refused.
        let own = fs::metadata("/proc/self")
            .map(|process| process.uid())
            .map_err(unusable)?;
        if metadata.uid() != own {
            return Err(RuntimeFolderError::ForeignOwner { path: path.to_owned() });
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(unusable)?;
        let folder = Self {
            path: path.canonicalize().map_err(unusable)?,
        };
        folder.sweep().map_err(unusable)?;
        Ok(folder)
    }

    /// Where the folder is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes copies whose process no longer runs; other files are left alone.
    fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let owner = name
                .strip_suffix(".so")
                .and_then(|stem| stem.split('-').nth(1))
                .and_then(|pid| pid.parse::<u32>().ok());
            let dead = owner
                .is_some_and(|pid| pid != std::process::id() && !Path::new("/proc").join(pid.to_string()).exists());
            if dead {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn fresh(&self, stem: &str) -> PathBuf {
        let number = NEXT_COPY.fetch_add(1, Ordering::Relaxed);
        self.path.join(format!("{stem}-{}-{number}.so", std::process::id()))
    }
}

/// A verified copy and its content.
pub(super) struct Copied {
    pub(super) copy: PrivateCopy,
    pub(super) bytes: Vec<u8>,
    pub(super) sha256: Digest,
}

/// Copies a library and reads the copy back.
pub(super) fn take(source: &Path, runtime: &RuntimeFolder) -> Result<Copied, RefusalReason> {
    take_watched(source, runtime, &mut |_| {})
}

/// [`take`], with a look-in for tests between the copying and the check that the file held still.
pub(super) fn take_watched(
    source: &Path,
    runtime: &RuntimeFolder,
    between: &mut dyn FnMut(u32),
) -> Result<Copied, RefusalReason> {
    for attempt in 1..=ATTEMPTS {
        let (mut file, before) = open(source)?;
        let copy = copy_once(&mut file, runtime)?;
        between(attempt);
        if still(source, &file, &before)? {
            return finish(copy, runtime);
        }
    }
    Err(RefusalReason::ChangedWhileCopied { attempts: ATTEMPTS })
}

fn unreadable(error: &io::Error) -> RefusalReason {
    RefusalReason::Unreadable {
        problem: error.to_string(),
    }
}

fn copy_failed(error: &io::Error) -> RefusalReason {
    RefusalReason::CopyFailed {
        problem: error.to_string(),
    }
}

/// Opens the file and checks what was opened, not what the path named a moment ago.
fn open(source: &Path) -> Result<(File, Metadata), RefusalReason> {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(source)
        .map_err(|error| match fs::metadata(source) {
            Ok(metadata) => folder::check_file(&metadata)
                .err()
                .unwrap_or_else(|| unreadable(&error)),
            Err(_) => unreadable(&error),
        })?;
    let metadata = file.metadata().map_err(|error| unreadable(&error))?;
    folder::check_file(&metadata)?;
    match metadata.len() {
        0 => Err(RefusalReason::Empty),
        size_bytes if size_bytes > SIZE_LIMIT_BYTES => Err(RefusalReason::TooLarge {
            size_bytes,
            limit_bytes: SIZE_LIMIT_BYTES,
        }),
        _ => Ok((file, metadata)),
    }
}

fn copy_once(source: &mut File, runtime: &RuntimeFolder) -> Result<PrivateCopy, RefusalReason> {
    let path = runtime.fresh("copying");
    let mut target = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| copy_failed(&error))?;
    let copy = PrivateCopy::adopt(path);
    io::copy(&mut source.take(SIZE_LIMIT_BYTES + 1), &mut target).map_err(|error| copy_failed(&error))?;
    Ok(copy)
}

/// Whether neither the opened file nor what the path names changed since `before`.
fn still(source: &Path, file: &File, before: &Metadata) -> Result<bool, RefusalReason> {
    let opened = file.metadata().map_err(|error| unreadable(&error))?;
    let named = match fs::metadata(source) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(unreadable(&error)),
    };
    Ok(identity(&opened) == identity(before) && identity(&named) == identity(before))
}

fn identity(metadata: &Metadata) -> [i128; 7] {
    [
        metadata.dev().into(),
        metadata.ino().into(),
        metadata.len().into(),
        metadata.mtime().into(),
        metadata.mtime_nsec().into(),
        metadata.ctime().into(),
        metadata.ctime_nsec().into(),
    ]
}

/// Names the copy by its content and makes it read-only.
fn finish(copy: PrivateCopy, runtime: &RuntimeFolder) -> Result<Copied, RefusalReason> {
    let bytes = fs::read(copy.path()).map_err(|error| copy_failed(&error))?;
    let sha256 = Digest::of(&bytes);
    let path = runtime.fresh(&sha256.short());
    fs::set_permissions(copy.path(), fs::Permissions::from_mode(0o400)).map_err(|error| copy_failed(&error))?;
    let copy = copy.renamed(path).map_err(|error| copy_failed(&error))?;
    Ok(Copied { copy, bytes, sha256 })
}
