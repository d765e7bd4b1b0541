//! A folder as a place for objects: a file for each, at its key. A file is written beside its goal, put on the disk,
//! and renamed; what is half written begins with a dot and is no object. Several may write at once, also of two
//! processes.

use std::collections::hash_map::RandomState;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Result, StorageError};
use crate::objects::{Keys, Objects};

/// Keys of a page.
const KEYS_MAX: usize = 1_000;
/// How often a folder that somebody else takes away as empty is made again.
const ATTEMPTS_MAX: usize = 5;

/// Numbers half-written files.
static HALVES: AtomicU64 = AtomicU64::new(0);
/// Tells them from those of others: two versions of this library in one process count each by itself, and processes in
/// two containers may have the same id.
static OWN: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());

/// The folder, which is made when there is something to keep.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Works on the disk, on a thread that may wait for it.
    async fn work<T, W>(&self, key: &str, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce(&Path) -> io::Result<T> + Send + 'static,
    {
        let root = self.root.clone();
        let done = tokio::task::spawn_blocking(move || work(&root));
        let failed = |source: io::Error| StorageError::File {
            key: key.to_owned(),
            source,
        };
        done.await
            .map_err(|error| failed(io::Error::other(error)))?
            .map_err(failed)
    }
}

impl Objects for Folder {
    async fn put(&self, key: &str, body: String) -> Result<()> {
        let own = key.to_owned();
        self.work(key, move |root| put(root, &own, body.as_bytes())).await
    }

    async fn get(&self, key: &str) -> Result<Option<String>> {
        let own = key.to_owned();
        self.work(key, move |root| present(fs::read_to_string(root.join(own))))
            .await
    }

    async fn list(&self, prefix: &str, after: &str) -> Result<Keys> {
        let (own, after) = (prefix.to_owned(), after.to_owned());
        self.work(prefix, move |root| {
            let mut keys = Vec::new();
            walk(root, &own, &after, &mut keys)?;
            let more = keys.len() > KEYS_MAX;
            keys.truncate(KEYS_MAX);
            Ok(Keys { keys, more })
        })
        .await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        let own = key.to_owned();
        self.work(key, move |root| {
            let path = root.join(own);
            present(fs::remove_file(&path))?;
            let above = path.ancestors().skip(1).take_while(|folder| *folder != root);
            // The first that is not empty stays, and so does all above it.
            for folder in above {
                if fs::remove_dir(folder).is_err() {
                    break;
                }
            }
            Ok(())
        })
        .await
    }
}

/// `None` for what is not there.
fn present<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn put(root: &Path, key: &str, body: &[u8]) -> io::Result<()> {
    let goal = root.join(key);
    let folder = goal.parent().unwrap_or(root);
    let number = HALVES.fetch_add(1, Ordering::Relaxed);
    let half = folder.join(format!(".{:016x}-{number}", *OWN));
    let mut attempts = 0;
    loop {
        match make(root, folder).and_then(|()| write(&half, &goal, folder, body)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempts < ATTEMPTS_MAX => attempts += 1,
            done => return done,
        }
    }
}

/// Makes a folder; each that is new is on the disk once the one above it is.
fn make(root: &Path, folder: &Path) -> io::Result<()> {
    let new: Vec<&Path> = folder
        .ancestors()
        .take_while(|folder| folder.starts_with(root) && !folder.is_dir())
        .collect();
    fs::create_dir_all(folder)?;
    for folder in new {
        folder.parent().map_or(Ok(()), sync)?;
    }
    Ok(())
}

fn write(half: &Path, goal: &Path, folder: &Path, body: &[u8]) -> io::Result<()> {
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(half)?;
    let written = file.write_all(body).and_then(|()| file.sync_all());
    let renamed = written.and_then(|()| fs::rename(half, goal));
    if renamed.is_err() {
        // Else every further try would fill a full disk a little more.
        let _ = fs::remove_file(half);
    }
    renamed.and_then(|()| sync(folder))
}

/// Waits until what a folder contains is on the disk.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Adds the keys that begin with `prefix` and come after `after`, in their order, until there is one more than a page
/// has.
fn walk(root: &Path, prefix: &str, after: &str, keys: &mut Vec<String>) -> io::Result<()> {
    let Some(entries) = present(fs::read_dir(root.join(prefix)))? else {
        return Ok(());
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Ok(mut name) = entry.file_name().into_string() else {
            continue;
        };
        if name.starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            // As it stands in keys, so that these are in the order of their bytes.
            name.push('/');
        }
        names.push(name);
    }
    names.sort_unstable();
    for name in names {
        if keys.len() > KEYS_MAX {
            return Ok(());
        }
        let key = format!("{prefix}{name}");
        let is_folder = key.ends_with('/');
        if is_folder && (key.as_str() > after || after.starts_with(&key)) {
            walk(root, &key, after, keys)?;
        } else if !is_folder && key.as_str() > after {
            keys.push(key);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
