//! Watches the plugin folder in development: a changed library is swapped, a new one loaded, a removed one only told of.
//!
//! Files count as changed once they were quiet for a moment: a build writes a library in many pieces.

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc;

use crate::{
    error::Error,
    journal::{self, Cause},
    kernel::{
        core::{Core, KernelState},
        record::PluginRecord,
    },
    lifecycle::ms,
    package::Digest,
    swap,
};

/// Watches until dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    _watcher: RecommendedWatcher,
}

/// Begins to watch.
///
/// # Errors
/// `Watch` when the system does not let it.
pub(crate) fn begin(core: &Arc<Core>) -> Result<Watch, Error> {
    let folder = core.options.plugin_directory.clone();
    let failed = |error: &notify::Error| Error::Watch {
        path: folder.clone(),
        reason: error.to_string(),
    };
    let (changes, changed) = mpsc::unbounded_channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| match event {
        Ok(event) => {
            for path in libraries(event) {
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
    core.executor.spawn(follow(Arc::clone(core), changed));
    Ok(Watch { _watcher: watcher })
}

/// The libraries an event tells of.
fn libraries(event: Event) -> Vec<PathBuf> {
    match event.kind {
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) => {
            event.paths.into_iter().filter(|path| is_library(path)).collect()
        }
        _ => Vec::new(),
    }
}

fn is_library(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !hidden && path.extension().is_some_and(|extension| extension == "so")
}

async fn follow(core: Arc<Core>, mut changed: mpsc::UnboundedReceiver<PathBuf>) {
    while let Some(first) = changed.recv().await {
        let mut paths = BTreeSet::from([first]);
        let quiet = ms(core.options.limits.watch_quiet_ms);
        collect(&mut changed, &mut paths, quiet).await;
        if !matches!(core.state(), KernelState::Starting | KernelState::Running) {
            return;
        }
        for path in paths {
            apply(&core, path).await;
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
            if let Some(record) = record {
                journal::removed(core, &Cause::file(), &record.candidate());
            }
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

/// Whether the file holds what is loaded already: touching a file is no reason to swap.
async fn unchanged(core: &Core, record: &PluginRecord, path: &Path) -> bool {
    let (path, loaded) = (path.to_owned(), record.candidate().sha256);
    let read = core
        .executor
        .spawn_blocking(move || std::fs::read(path).is_ok_and(|bytes| Digest::of(&bytes) == loaded));
    read.await.unwrap_or(false)
}
