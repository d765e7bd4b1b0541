//! Watches the plugin folder in development: a changed library is swapped, a new one loaded, a removed one only told of.
//!
//! What is looked at is what a start looks at: libraries in the folder and in its direct subfolders; those of a folder that
//! comes as a whole, and a library whose signature comes after it. Files count as changed once they were quiet for a
//! moment: a build writes a library in many pieces. What changes while the kernel starts waits until it has: the folder was read at
//! the beginning of that, and nobody would look again.

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc;

use crate::{
    discover,
    error::Error,
    instance::cell::{CellState, DownState},
    journal::{self, Cause},
    kernel::{
        core::{Core, KernelState},
        record::PluginRecord,
    },
    lifecycle::{Switch, absent, ms, switch},
    package::Digest,
    swap,
};

/// Parts of a path below the folder, at most: a subfolder and a file.
const DEPTH_MAX: usize = 2;
/// The extension of a signature, behind that of its library.
const SIGNATURE: &str = "sig";

/// Watches until dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    _watcher: RecommendedWatcher,
}

/// What changed since the watch began and was not looked at.
#[derive(Debug)]
pub(crate) struct Changes {
    /// The folder, as the system names it.
    root: PathBuf,
    changed: mpsc::UnboundedReceiver<PathBuf>,
}

/// Begins to watch: to be called before the folder is read. [`follow`] makes something of it.
///
/// # Errors
/// `Watch` when the system does not let it.
pub(crate) fn begin(core: &Core) -> Result<(Watch, Changes), Error> {
    let folder = core.options.plugin_directory.clone();
    let failed = |error: &notify::Error| Error::Watch {
        path: folder.clone(),
        reason: error.to_string(),
    };
    let (changes, changed) = mpsc::unbounded_channel();
    // As the system names what changes.
    let root = std::path::absolute(&folder).unwrap_or_else(|_| folder.clone());
    let below = root.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| match event {
        Ok(event) => {
            for path in telling(&below, event) {
                // Nobody listens once the kernel is down.
                let _ = changes.send(path);
            }
        }
        Err(error) => tracing::warn!(%error, "a change of the plugin folder may have been missed"),
    })
    .map_err(|error| failed(&error))?;
    watcher
        .watch(&folder, RecursiveMode::Recursive)
        .map_err(|error| failed(&error))?;
    Ok((Watch { _watcher: watcher }, Changes { root, changed }))
}

/// What an event tells of, and may stand for libraries below `root`. A folder is not listed yet: it is watched only once this has
/// returned, so what comes into it until then would be neither listed nor told of.
fn telling(root: &Path, event: Event) -> Vec<PathBuf> {
    let mut paths = match event.kind {
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) => event.paths,
        _ => Vec::new(),
    };
    paths.retain(|path| path.is_dir() || !meant(root, path.clone()).is_empty());
    paths
}

/// The libraries that a changed path stands for.
fn meant(root: &Path, path: PathBuf) -> Vec<PathBuf> {
    let depth = path.strip_prefix(root).map_or(0, |below| below.components().count());
    let hidden = path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with('.'));
    if hidden || !(1..=DEPTH_MAX).contains(&depth) {
        return Vec::new();
    }
    let path = if path.extension().is_some_and(|extension| extension == SIGNATURE) {
        path.with_extension("")
    } else {
        path
    };
    if discover::is_library(&path) {
        vec![path]
    } else if depth == 1 && path.is_dir() {
        discover::libraries(&path)
    } else {
        Vec::new()
    }
}

/// Swaps, loads and tells of what changes, once the kernel runs.
pub(crate) async fn follow(core: Arc<Core>, changes: Changes) {
    let Changes { root, mut changed } = changes;
    while let Some(first) = changed.recv().await {
        let mut paths = BTreeSet::from([first]);
        let quiet = ms(core.options.limits.watch_quiet_ms);
        collect(&mut changed, &mut paths, quiet).await;
        if !matches!(core.state(), KernelState::Starting | KernelState::Running) {
            return;
        }
        let libraries: BTreeSet<PathBuf> = paths.into_iter().flat_map(|path| meant(&root, path)).collect();
        for library in libraries {
            apply(&core, library).await;
        }
    }
}

/// Takes what comes until nothing came for a while.
async fn collect(changed: &mut mpsc::UnboundedReceiver<PathBuf>, paths: &mut BTreeSet<PathBuf>, quiet: Duration) {
    while let Ok(Some(path)) = tokio::time::timeout(quiet, changed.recv()).await {
        paths.insert(path);
    }
}

async fn apply(core: &Arc<Core>, path: PathBuf) {
    let same = |known: &Path| {
        known == path
            || known
                .canonicalize()
                .ok()
                .zip(path.canonicalize().ok())
                .is_some_and(|(a, b)| a == b)
    };
    let record = core
        .all_records()
        .into_iter()
        .find(|record| same(&record.candidate().path));
    match record {
        _ if !path.exists() => {
            let plugin = record.as_ref().map(|record| record.id.to_string());
            tracing::info!(path = %path.display(), plugin, "a plugin's file was removed; what is loaded stays");
            if let Some(record) = &record {
                journal::removed(core, &Cause::file(), &record.candidate());
                forget_failed(core, record);
            }
            forget_refused(core, &path);
        }
        Some(record) if unchanged(core, &record, &path).await => {}
        // How it went is logged by the swap.
        Some(record) => drop(swap::swap(core, &record.id, None, Cause::file()).await),
        None => match swap::load_new(core, path.clone(), Cause::file()).await {
            Ok(()) => tracing::info!(path = %path.display(), "a new plugin was loaded"),
            Err(error) => tracing::warn!(path = %path.display(), error = error.chain(), "a new plugin was not loaded"),
        },
    }
}

/// A plugin that never served and has no file any more is not waited for: what it was to be asked about goes on without it.
fn forget_failed(core: &Arc<Core>, record: &Arc<PluginRecord>) {
    let failed = matches!(&**record.cell.load(), CellState::Down(down) if down.state == DownState::Failed);
    if failed && !record.with(|details| details.served) {
        switch(
            core,
            record,
            Switch::Down(DownState::Stopped, "its file was removed".to_owned()),
        );
    }
}

/// The same for a file that was refused.
fn forget_refused(core: &Core, path: &Path) {
    let gone = |known: &Path| known == path || (known.file_name() == path.file_name() && !known.exists());
    core.refusals.lock().retain(|refusal| !gone(&refusal.path));
    absent::of_refused(core);
}

/// Whether the file holds what is loaded already: touching a file is no reason to swap.
async fn unchanged(core: &Core, record: &PluginRecord, path: &Path) -> bool {
    let (path, loaded) = (path.to_owned(), record.candidate().sha256);
    let read = core
        .executor
        .spawn_blocking(move || std::fs::read(path).is_ok_and(|bytes| Digest::of(&bytes) == loaded));
    read.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::meant;
    use std::{fs, path::PathBuf};

    #[test]
    fn a_change_stands_for_the_libraries_that_a_start_would_look_at() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("moved");
        fs::create_dir_all(folder.join("deep")).unwrap();
        for name in ["b.so", "a.so", "a.so.sig", ".c.so", "notes.txt", "deep/d.so"] {
            fs::write(folder.join(name), "").unwrap();
        }
        let check = |changed: &str, expected: &[&str]| {
            let expected: Vec<PathBuf> = expected.iter().map(|name| root.path().join(name)).collect();
            assert_eq!(meant(root.path(), root.path().join(changed)), expected, "{changed}");
        };
        check("gone.so", &["gone.so"]);
        check("gone.so.sig", &["gone.so"]);
        check("moved/a.so", &["moved/a.so"]);
        check("moved/a.so.sig", &["moved/a.so"]);
        check("moved", &["moved/a.so", "moved/b.so"]);
        for other in [
            "moved/deep",
            "moved/deep/d.so",
            "moved/.c.so",
            "moved/notes.txt",
            "key.sig",
            "",
        ] {
            check(other, &[]);
        }
    }
}
