//! From an instance that nobody is to call any more to an unmapped library: drain, stop, end its tasks, join its threads,
//! drop its object, unload. Whatever cannot be proven done leaves the library where it is.

use objectos_plugin_api::abi::RawPluginObject;
use objectos_protocol::kernel::{EventPhase, PluginLifecycleEventType as Kind};
use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{ms, notices};
use crate::{
    instance::{Instance, own_threads::OwnThreads, phase},
    kernel::core::Core,
    loader::{Library, Unload, note_kept},
};

/// How long the thread that joins a plugin's threads and unmaps it may take.
const UNLOAD_LIMIT: Duration = Duration::from_secs(30);
/// How long the tasks a plugin gave to the host may take to be dropped.
const TASKS_LIMIT: Duration = Duration::from_secs(5);
/// How long somebody may hold an instance of which no call is under way any more.
const NUDGE_LIMIT: Duration = Duration::from_secs(1);
/// How often a drain looks again at first and at last: an `Arc` has no bell.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_micros(200), Duration::from_millis(5));

/// What became of a retired instance.
#[derive(Debug)]
pub(crate) struct Retired {
    /// From the beginning until its last call had ended; `None`: calls were still under way.
    pub(crate) drained: Option<Duration>,
    pub(crate) unload: Unload,
}

/// An instance that came to its end: closed, its library still mapped.
pub(crate) struct Closed {
    pub(crate) drained: Duration,
    pub(crate) library: Library,
}

/// Undoes a start that failed. False when the instance could not be brought to its end.
pub(crate) async fn undo(core: &Arc<Core>, instance: Arc<Instance>, started: bool) -> bool {
    let plugin = Arc::clone(&instance.plugin);
    let retired = retire(core, instance, Duration::ZERO, started).await;
    report(&plugin, &retired.unload);
    retired.drained.is_some()
}

/// Tells of a library that had to be kept.
pub(crate) fn report(plugin: &str, unload: &Unload) {
    if let Unload::Kept(reason) = unload {
        tracing::warn!(plugin, reason, "the library of a plugin was kept in memory");
    }
}

/// All of it. `started`: `stop` is to be called.
pub(crate) async fn retire(core: &Arc<Core>, instance: Arc<Instance>, drain_limit: Duration, started: bool) -> Retired {
    let file = instance.file();
    match close(core, instance, drain_limit, started).await {
        Ok(Closed { drained, library }) => Retired {
            drained: Some(drained),
            unload: unload(core, library).await,
        },
        Err(reason) => {
            note_kept(file, &reason);
            Retired {
                drained: None,
                unload: Unload::Kept(reason),
            }
        }
    }
}

/// Drains, stops, and drops the instance's object; answers its library.
///
/// # Errors
/// Why the instance could not be brought to its end. It stays, and its library with it.
pub(crate) async fn close(
    core: &Arc<Core>,
    mut instance: Arc<Instance>,
    drain_limit: Duration,
    started: bool,
) -> Result<Closed, String> {
    let (plugin, since) = (Arc::clone(&instance.plugin), Instant::now());
    notices::phase(core, Kind::PluginBeforeDestroy, &plugin, EventPhase::Destroy, None);
    end_sockets(core, &instance);
    let on_time = drain(&instance, drain_limit).await;
    let drained = since.elapsed();
    if !on_time {
        end_streams(core, &instance);
    }
    if started {
        stop(core, &instance).await;
    }
    if tokio::time::timeout(TASKS_LIMIT, instance.host.close()).await.is_err() {
        return Err("a task that it gave to the host does not end".to_owned());
    }
    // Calls that overran the limit may have ended with the stop.
    if !on_time {
        drain(&instance, ms(instance.limits.stop_ms)).await;
    }
    let own = loop {
        let shared = match Arc::try_unwrap(instance) {
            Ok(own) => break own,
            Err(shared) => shared,
        };
        // Whoever nudges threads holds every instance for a moment.
        if !drain(&shared, NUDGE_LIMIT).await {
            let calls = Arc::strong_count(&shared) - 1;
            let stuck = match shared.threads().stuck() {
                0 => String::new(),
                threads => format!("; {threads} threads are blocked in it"),
            };
            return Err(format!("{calls} of its calls or phases have not ended{stuck}"));
        }
        instance = shared;
    };
    let threads = Arc::clone(own.threads());
    let (object, library) = own.into_parts();
    let drained = if on_time { drained } else { since.elapsed() };
    let library = shut(&plugin, threads, object, library).await?;
    notices::phase(
        core,
        Kind::PluginDestroyed,
        &plugin,
        EventPhase::Destroy,
        Some(since.elapsed()),
    );
    notices::phase(
        core,
        Kind::PluginAfterDestroy,
        &plugin,
        EventPhase::Destroy,
        Some(since.elapsed()),
    );
    Ok(Closed { drained, library })
}

async fn stop(core: &Arc<Core>, instance: &Arc<Instance>) {
    let limit = ms(instance.limits.stop_ms);
    let stopped = phase::run(instance, "stop", limit, |instance| instance.object().stop()).await;
    if let Err(failure) = stopped {
        let error = failure.into_error(&instance.plugin, "stop", limit);
        notices::failed(core, &instance.plugin, EventPhase::Destroy, &error);
        tracing::warn!(
            plugin = &*instance.plugin,
            error = error.chain(),
            "a plugin did not stop as it should"
        );
    }
}

/// Joins the plugin's threads and drops its object, on a plain thread.
async fn shut(
    plugin: &str,
    threads: Arc<OwnThreads>,
    object: RawPluginObject,
    library: Library,
) -> Result<Library, String> {
    let name = format!("shutdown {plugin}");
    let shut = phase::on_thread(&name, UNLOAD_LIMIT, move || {
        threads.close();
        object.shutdown_blocking();
        drop(object);
        library
    });
    shut.await.ok_or_else(|| "its threads did not end".to_owned())
}

/// Unmaps a library, on a plain thread.
pub(crate) async fn unload(core: &Arc<Core>, library: Library) -> Unload {
    let own = Arc::clone(core);
    let unloaded = phase::on_thread("unload", UNLOAD_LIMIT, move || library.unload(&|| own.nudge()));
    let unloaded = unloaded
        .await
        .unwrap_or_else(|| Unload::Kept("unloading it did not end".to_owned()));
    if unloaded == Unload::Unmapped {
        core.figures.unmapped.fetch_add(1, Ordering::Relaxed);
    }
    unloaded
}

/// Ends the bodies that an instance still makes: the time for them is over.
fn end_streams(core: &Core, instance: &Instance) {
    let streams = core.streams.end_of(instance);
    if streams > 0 {
        tracing::warn!(
            plugin = &*instance.plugin,
            streams,
            "answers that were still being sent were broken off"
        );
    }
}

/// Ends the sockets of an instance: they may be open for days, and whoever is on the other side comes back to the generation
/// that follows.
fn end_sockets(core: &Core, instance: &Instance) {
    let sockets = core.streams.end_sockets_of(instance);
    if sockets > 0 {
        tracing::info!(plugin = &*instance.plugin, sockets, "open sockets were ended");
    }
}

/// As [`drain`]; sockets are ended at once, bodies that are still being read when the limit is over are ended then, and only
/// calls are left to object.
pub(crate) async fn drain_with_streams(core: &Core, instance: &Arc<Instance>, limit: Duration) -> bool {
    end_sockets(core, instance);
    if drain(instance, limit).await {
        return true;
    }
    end_streams(core, instance);
    drain(instance, NUDGE_LIMIT).await
}

/// Waits until nobody but the caller holds the instance; false when that takes longer than the limit.
pub(crate) async fn drain(instance: &Arc<Instance>, limit: Duration) -> bool {
    let since = Instant::now();
    let mut pause = LOOK_AGAIN.0;
    while Arc::strong_count(instance) > 1 {
        if since.elapsed() >= limit {
            return false;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LOOK_AGAIN.1);
    }
    true
}
