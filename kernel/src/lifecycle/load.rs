//! From a verified candidate to a running instance.

use objectos_plugin_api::{Health, Registrations, private::abi_stable::std_types::RSlice};
use objectos_protocol::kernel::{EventPhase, PluginHealthStatus, PluginLifecycleEventType as Kind};
use serde::Serialize;
use serde_json::Value;
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{ms, notices, retire};
use crate::{
    error::Error,
    host_object::HostObject,
    instance::{Instance, Parts, phase, registered},
    kernel::{core::Core, record::PluginRecord},
    loader::{Library, note_kept},
    package::{Candidate, idle_parts},
};

/// Why the library of a plugin that does not come back from its making is kept.
const BLOCKED: &str = "making an instance of it did not end";

/// A step that is under way for one plugin.
pub(crate) struct Loading<'a> {
    pub(crate) core: &'a Arc<Core>,
    pub(crate) record: &'a Arc<PluginRecord>,
    pub(crate) candidate: &'a Arc<Candidate>,
}

/// `RawPlugin::init`'s argument.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Setup<'a> {
    config: &'a serde_json::Map<String, Value>,
    data_directory: PathBuf,
    host: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    resume: Option<Vec<u8>>,
}

/// A start that failed.
#[derive(Debug)]
pub(crate) struct StartFailure {
    pub(crate) error: Error,
    /// What had been begun was brought to its end: nothing of it holds anything open any more.
    pub(crate) closed: bool,
}

/// Loads, initialises and starts a plugin; undoes it all when a step fails. The warnings name what it declares and does not
/// register.
///
/// # Errors
/// The step's.
pub(crate) async fn bring_up(
    loading: &Loading<'_>,
    resume: Option<Vec<u8>>,
) -> Result<(Arc<Instance>, Vec<String>), StartFailure> {
    match load(loading).await {
        Ok(instance) => start(loading, instance, resume).await,
        // Nothing of the author's has run, so nothing is open.
        Err(error) => Err(StartFailure { error, closed: true }),
    }
}

/// Initialises and starts an instance that was made; retires it when a step fails.
///
/// # Errors
/// As [`bring_up`].
pub(crate) async fn start(
    loading: &Loading<'_>,
    instance: Arc<Instance>,
    resume: Option<Vec<u8>>,
) -> Result<(Arc<Instance>, Vec<String>), StartFailure> {
    let id = &loading.record.id;
    match init(loading, &instance, resume).await {
        Ok(warnings) => match run_start(loading, &instance).await {
            Ok(()) => Ok((instance, warnings)),
            Err(error) => {
                notices::failed(loading.core, id, EventPhase::Start, &error);
                let closed = retire::undo(loading.core, instance, true).await;
                Err(StartFailure { error, closed })
            }
        },
        Err(error) => {
            notices::failed(loading.core, id, EventPhase::Init, &error);
            let closed = retire::undo(loading.core, instance, false).await;
            Err(StartFailure { error, closed })
        }
    }
}

/// Opens the library and makes an instance.
///
/// # Errors
/// What the loader says; `Phase` and `PhaseTimeout` of `create`.
pub(crate) async fn load(loading: &Loading<'_>) -> Result<Arc<Instance>, Error> {
    let (core, candidate) = (Arc::clone(loading.core), Arc::clone(loading.candidate));
    let host = Arc::new(HostObject::new(
        Arc::clone(&core),
        Arc::clone(&loading.record.id),
        Arc::clone(&candidate),
        &loading.record.principals,
    ));
    let limit = ms(core.options.limits.load_ms);
    let object = host.object();
    let name = format!("load {}", candidate.id());
    let made = phase::on_thread(&name, limit, move || {
        let library = Library::open(candidate.copy.path(), &candidate.path)?;
        match library.create(object) {
            Ok(object) => Ok((object, library)),
            Err(source) => {
                retire::report(&candidate.document.manifest.id, &library.unload(&|| core.nudge()));
                Err(Error::Phase {
                    plugin: candidate.id().to_owned(),
                    phase: "create",
                    source,
                })
            }
        }
    });
    let Some(made) = made.await else {
        note_kept(loading.candidate.file(), BLOCKED);
        let limit_ms = loading.core.options.limits.load_ms;
        return Err(Error::PhaseTimeout {
            plugin: loading.record.id.to_string(),
            phase: "create",
            limit_ms,
        });
    };
    let (object, library) = made?;
    Ok(instance(loading, Made { object, library, host }))
}

/// Makes a new instance of a library that is still mapped, for a way back.
///
/// # Errors
/// `Phase` and `PhaseTimeout` of `create`; the library is then kept.
pub(crate) async fn recreate(loading: &Loading<'_>, library: Library) -> Result<Arc<Instance>, Error> {
    let host = Arc::new(HostObject::new(
        Arc::clone(loading.core),
        Arc::clone(&loading.record.id),
        Arc::clone(loading.candidate),
        &loading.record.principals,
    ));
    let object = host.object();
    let limit = ms(loading.core.options.limits.load_ms);
    let name = format!("load {}", loading.record.id);
    let made = phase::on_thread(&name, limit, move || {
        let made = library.create(object);
        made.map(|object| (object, library))
    });
    match made.await {
        Some(Ok((object, library))) => Ok(instance(loading, Made { object, library, host })),
        Some(Err(source)) => {
            note_kept(loading.candidate.file(), "no instance could be made of it once more");
            Err(Error::Phase {
                plugin: loading.record.id.to_string(),
                phase: "create",
                source,
            })
        }
        None => {
            note_kept(loading.candidate.file(), BLOCKED);
            let limit_ms = loading.core.options.limits.load_ms;
            Err(Error::PhaseTimeout {
                plugin: loading.record.id.to_string(),
                phase: "create",
                limit_ms,
            })
        }
    }
}

struct Made {
    object: objectos_plugin_api::abi::RawPluginObject,
    library: Library,
    host: Arc<HostObject>,
}

fn instance(loading: &Loading<'_>, made: Made) -> Arc<Instance> {
    let generation = loading.record.with(|details| {
        details.generation += 1;
        details.generation
    });
    let instance = Arc::new(Instance::new(Parts {
        plugin: Arc::clone(&loading.record.id),
        version: loading.candidate.version(),
        generation,
        object: made.object,
        library: made.library,
        host: made.host,
        limits: loading.candidate.document.objectos.limits.clone(),
        executor: loading.core.executor.clone(),
        incidents: loading.core.incidents.clone(),
    }));
    loading.core.note_instance(&instance);
    instance
}

async fn init(loading: &Loading<'_>, instance: &Arc<Instance>, resume: Option<Vec<u8>>) -> Result<Vec<String>, Error> {
    let id = &*loading.record.id;
    notices::phase(loading.core, Kind::PluginBeforeInit, id, EventPhase::Init, None);
    let since = Instant::now();
    let setup = Setup {
        config: loading.candidate.settings.value(),
        data_directory: loading.core.options.data_directory.join("plugins").join(id),
        host: &loading.core.options.host_settings,
        resume: resume.filter(|state| !state.is_empty()),
    };
    let setup = serde_json::to_vec(&setup).map_err(|error| Error::Internal(format!("the setup of {id}: {error}")))?;
    notices::phase(loading.core, Kind::PluginInit, id, EventPhase::Init, None);
    let limit = ms(instance.limits.init_ms);
    let answer = phase::run(instance, "init", limit, move |instance| {
        instance.object().init(RSlice::from_slice(&setup))
    })
    .await
    .map_err(|failure| failure.into_error(id, "init", limit))?;
    let registrations: Registrations = serde_json::from_slice(&answer)
        .map_err(|error| Error::Internal(format!("the registrations of {id} cannot be read: {error}")))?;
    let (registered, mut warnings) = registered::check(
        id,
        registrations,
        &loading.candidate.document.objectos,
        &loading.candidate.grants,
    )?;
    let idle = idle_parts(&loading.candidate.document);
    if !idle.is_empty() {
        warnings.push(format!(
            "says in its plugin.json what has no effect: {}",
            idle.join(", ")
        ));
    }
    instance.set_registered(registered);
    notices::phase(
        loading.core,
        Kind::PluginAfterInit,
        id,
        EventPhase::Init,
        Some(since.elapsed()),
    );
    Ok(warnings)
}

async fn run_start(loading: &Loading<'_>, instance: &Arc<Instance>) -> Result<(), Error> {
    let id = &*loading.record.id;
    notices::phase(loading.core, Kind::PluginBeforeStart, id, EventPhase::Start, None);
    let since = Instant::now();
    let limit = ms(instance.limits.start_ms);
    phase::run(instance, "start", limit, |instance| instance.object().start())
        .await
        .map_err(|failure| failure.into_error(id, "start", limit))?;
    notices::phase(
        loading.core,
        Kind::PluginStarted,
        id,
        EventPhase::Start,
        Some(since.elapsed()),
    );
    notices::phase(
        loading.core,
        Kind::PluginAfterStart,
        id,
        EventPhase::Start,
        Some(since.elapsed()),
    );
    Ok(())
}

/// The state a plugin leaves to its successor; empty when it has none.
///
/// # Errors
/// `Phase` and `PhaseTimeout` of `suspend`.
pub(crate) async fn suspend(instance: &Arc<Instance>) -> Result<Vec<u8>, Error> {
    let limit = ms(instance.limits.stop_ms);
    phase::run(instance, "suspend", limit, |instance| instance.object().suspend())
        .await
        .map_err(|failure| failure.into_error(&instance.plugin, "suspend", limit))
}

/// Asks a plugin how it does, on a plain thread.
///
/// # Errors
/// `Phase` and `PhaseTimeout` of `health`; `Internal` for an answer that is none.
pub(crate) async fn health_of(instance: &Arc<Instance>, limit: Duration) -> Result<Health, Error> {
    let answer = phase::run(instance, "health", limit, |instance| instance.object().health())
        .await
        .map_err(|failure| failure.into_error(&instance.plugin, "health", limit))?;
    serde_json::from_slice(&answer)
        .map_err(|error| Error::Internal(format!("the health of {} cannot be read: {error}", instance.plugin)))
}

/// Whether a plugin in this state of health may serve.
pub(crate) fn serves(status: PluginHealthStatus) -> bool {
    matches!(
        status,
        PluginHealthStatus::Healthy | PluginHealthStatus::Degraded | PluginHealthStatus::Recovering
    )
}
