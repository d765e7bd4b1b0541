//! What operators do, and what happens to plugins, as durable events (`plugin.*` and `system.*` of `contracts::events`) for
//! whoever keeps a record of it. Beside the transient events of `lifecycle::notices`, which follow the protocol.
//!
//! While the plugin that stores events is not up yet, they wait here, so that a start tells of itself; where there is none,
//! they are published as transient events. Called by whatever changes a plugin, and by the service `kernel`.

use objectos_plugin_api::{
    Context, NewEvent,
    contracts::{
        events::{
            DEAD_LETTER_RETRIED, Origin, PLUGIN_GIVEN_UP, PLUGIN_LOADED, PLUGIN_REFUSED, PLUGIN_REMOVED,
            PLUGIN_RESTARTED, PLUGIN_START_FAILED, PLUGIN_SWAPPED, REPLAY_ENDED, REPLAY_STARTED, SecurityEvent,
        },
        kernel::SwapReport,
    },
};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use std::sync::Arc;

use crate::{
    error::Error,
    events::ReplayEnd,
    kernel::{
        client::EVENT_STORE,
        core::Core,
        record::{PluginRecord, Standing},
    },
    package::{Candidate, Refusal},
};

/// The source of the kernel's own events.
const SOURCE: &str = "kernel";
/// Events that wait for the store; what comes beyond them is in the log alone.
const WAITING_MAX: usize = 1_000;

/// Who or what had something done.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    context: Context,
    trigger: &'static str,
    reason: Option<String>,
}

impl Cause {
    /// Somebody who called the service `kernel`.
    pub(crate) fn request(context: Context) -> Self {
        Self {
            context,
            trigger: "request",
            reason: None,
        }
    }

    /// The program around the kernel: whoever holds its control socket.
    pub(crate) fn host() -> Self {
        Self::own("host", None)
    }

    /// A changed file in the plugin folder.
    pub(crate) fn file() -> Self {
        Self::own("file", None)
    }

    /// The health monitor, and what it saw.
    pub(crate) fn health(reason: &str) -> Self {
        Self::own("health", Some(reason.to_owned()))
    }

    /// The start of the kernel.
    pub(crate) fn boot() -> Self {
        Self::own("start", None)
    }

    fn own(trigger: &'static str, reason: Option<String>) -> Self {
        Self {
            context: Context::background().as_system(),
            trigger,
            reason,
        }
    }
}

/// A change of a plugin's generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Another file, or the same one with its state carried over.
    Swap,
    /// Loaded anew from its file.
    Restart,
}

/// Events that wait for the store.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    name: &'static str,
    key: String,
    payload: Vec<u8>,
    context: Context,
}

/// A generation was replaced, or was not.
pub(crate) fn changed(
    core: &Core,
    cause: &Cause,
    change: Change,
    before: &Candidate,
    record: &PluginRecord,
    outcome: &Result<SwapReport, Error>,
) {
    let mut metadata = facts(cause);
    metadata.insert("fromVersion".to_owned(), json!(before.document.manifest.version));
    metadata.insert("fromSha256".to_owned(), json!(before.sha256.to_string()));
    let (name, verb) = match change {
        Change::Swap => (PLUGIN_SWAPPED, "swapped"),
        Change::Restart => (PLUGIN_RESTARTED, "restarted"),
    };
    let now = record.candidate();
    let description = match outcome {
        Ok(report) => {
            metadata.insert("toVersion".to_owned(), json!(report.to_version));
            metadata.insert("toSha256".to_owned(), json!(now.sha256.to_string()));
            metadata.insert("generation".to_owned(), json!(report.generation));
            format!(
                "Plugin {} {verb}: {} to {}",
                record.id, report.from_version, report.to_version
            )
        }
        Err(_) => format!("Plugin {} not {verb}", record.id),
    };
    let event = SecurityEvent {
        description,
        metadata,
        ..of_plugin(&now, cause)
    };
    let failure = outcome.as_ref().err().map(Error::chain);
    tell(core, name, cause, &with_failure(event, failure));
}

/// A plugin that was not there before runs.
pub(crate) fn loaded(core: &Core, cause: &Cause, candidate: &Candidate) {
    let mut metadata = facts(cause);
    metadata.insert("version".to_owned(), json!(candidate.document.manifest.version));
    metadata.insert("sha256".to_owned(), json!(candidate.sha256.to_string()));
    let event = SecurityEvent {
        description: format!(
            "Plugin {} {} loaded",
            candidate.id(),
            candidate.document.manifest.version
        ),
        metadata,
        ..of_plugin(candidate, cause)
    };
    tell(core, PLUGIN_LOADED, cause, &event);
}

/// The file of a plugin is gone; the plugin itself stays until the host stops.
pub(crate) fn removed(core: &Core, cause: &Cause, candidate: &Candidate) {
    let mut metadata = facts(cause);
    metadata.insert("path".to_owned(), json!(candidate.path.display().to_string()));
    metadata.insert("version".to_owned(), json!(candidate.document.manifest.version));
    metadata.insert("sha256".to_owned(), json!(candidate.sha256.to_string()));
    let event = SecurityEvent {
        description: format!("File of plugin {} removed; what is loaded stays", candidate.id()),
        metadata,
        ..of_plugin(candidate, cause)
    };
    tell(core, PLUGIN_REMOVED, cause, &event);
}

/// A plugin that was to run does not.
pub(crate) fn start_failed(core: &Core, cause: &Cause, candidate: &Candidate, why: &str) {
    let mut metadata = facts(cause);
    metadata.insert("version".to_owned(), json!(candidate.document.manifest.version));
    metadata.insert("sha256".to_owned(), json!(candidate.sha256.to_string()));
    let event = SecurityEvent {
        description: format!("Plugin {} did not start", candidate.id()),
        metadata,
        ..of_plugin(candidate, cause)
    };
    tell(
        core,
        PLUGIN_START_FAILED,
        cause,
        &with_failure(event, Some(why.to_owned())),
    );
}

/// A file that was not let in.
pub(crate) fn refused(core: &Core, cause: &Cause, refusal: &Refusal) {
    let mut metadata = facts(cause);
    metadata.insert("path".to_owned(), json!(refusal.path.display().to_string()));
    for (key, value) in [
        ("version", refusal.version.as_ref().map(ToString::to_string)),
        ("sha256", refusal.sha256.as_ref().map(ToString::to_string)),
    ] {
        if let Some(value) = value {
            metadata.insert(key.to_owned(), value.into());
        }
    }
    let shown = refusal
        .plugin
        .clone()
        .unwrap_or_else(|| refusal.path.display().to_string());
    let event = SecurityEvent {
        origin: Origin::of(&cause.context),
        target_type: Some("plugin".to_owned()),
        target_id: Some(shown.clone()),
        description: format!("Plugin {shown} refused"),
        metadata,
        ..SecurityEvent::default()
    };
    tell(
        core,
        PLUGIN_REFUSED,
        cause,
        &with_failure(event, Some(refusal.to_string())),
    );
}

/// The restarts of a plugin are used up.
pub(crate) fn given_up(core: &Core, cause: &Cause, candidate: &Candidate, why: &str) {
    let event = SecurityEvent {
        description: format!("Plugin {} is not restarted any more", candidate.id()),
        metadata: facts(cause),
        ..of_plugin(candidate, cause)
    };
    tell(core, PLUGIN_GIVEN_UP, cause, &with_failure(event, Some(why.to_owned())));
}

/// A dead letter was tried again.
pub(crate) fn dead_letter_retried(core: &Core, cause: &Cause, id: &str, failure: Option<String>) {
    let event = SecurityEvent {
        origin: Origin::of(&cause.context),
        target_type: Some("dead_letter".to_owned()),
        target_id: Some(id.to_owned()),
        description: format!("Dead letter {id} tried again"),
        metadata: facts(cause),
        ..SecurityEvent::default()
    };
    tell(core, DEAD_LETTER_RETRIED, cause, &with_failure(event, failure));
}

/// A replay begins. `request`: what was asked for.
pub(crate) fn replay_started(core: &Core, cause: &Cause, request: &Value, events: u64) {
    let mut event = of_replay(cause, request, format!("Replay of {events} events begun"));
    event.metadata.insert("events".to_owned(), events.into());
    tell(core, REPLAY_STARTED, cause, &event);
}

/// It is over.
pub(crate) fn replay_ended(core: &Core, cause: &Cause, request: &Value, end: &ReplayEnd) {
    let mut event = of_replay(cause, request, format!("Replay ended: {} deliveries", end.delivered));
    event.metadata.insert("delivered".to_owned(), end.delivered.into());
    event.metadata.insert("failed".to_owned(), end.failed.into());
    let failure = end.error.as_ref().map(ToString::to_string);
    let mut event = with_failure(event, failure);
    if event.result.is_empty() && end.failed > 0 {
        event.result = "partial".to_owned();
    }
    tell(core, REPLAY_ENDED, cause, &event);
}

fn of_replay(cause: &Cause, request: &Value, description: String) -> SecurityEvent {
    let mut metadata = facts(cause);
    metadata.insert("request".to_owned(), request.clone());
    SecurityEvent {
        origin: Origin::of(&cause.context),
        target_type: Some("event_replay".to_owned()),
        description,
        metadata,
        ..SecurityEvent::default()
    }
}

fn facts(cause: &Cause) -> Map<String, Value> {
    let mut facts = Map::from_iter([("trigger".to_owned(), json!(cause.trigger))]);
    if let Some(reason) = &cause.reason {
        facts.insert("reason".to_owned(), json!(reason));
    }
    facts
}

fn of_plugin(candidate: &Candidate, cause: &Cause) -> SecurityEvent {
    SecurityEvent {
        origin: Origin::of(&cause.context),
        target_type: Some("plugin".to_owned()),
        target_id: Some(candidate.id().to_owned()),
        target_name: Some(candidate.document.manifest.name.clone()),
        ..SecurityEvent::default()
    }
}

fn with_failure(event: SecurityEvent, failure: Option<String>) -> SecurityEvent {
    match failure {
        None => event,
        Some(text) => SecurityEvent {
            result: "failure".to_owned(),
            error_message: Some(text),
            ..event
        },
    }
}

fn tell(core: &Core, name: &'static str, cause: &Cause, event: &SecurityEvent) {
    let key = match (&event.target_type, &event.target_id) {
        (Some(kind), Some(id)) => format!("{kind}/{id}"),
        _ => String::new(),
    };
    let entry = Entry {
        name,
        key,
        payload: serde_json::to_vec(event).unwrap_or_default(),
        context: cause.context.clone(),
    };
    match store(core) {
        Store::Runs => publish(core, &entry),
        Store::Expected => {
            let mut waiting = core.journal.0.lock();
            if waiting.len() < WAITING_MAX {
                waiting.push(entry);
            }
        }
        Store::Absent => {
            let event = NewEvent::new(entry.name, &entry.payload).with_key(&entry.key);
            if let Err(error) = core.bus().publish(SOURCE, &entry.context, &event) {
                tracing::debug!(event = name, %error, "an event of the kernel reached nobody");
            }
        }
    }
}

/// The store may have come: what waited for it is published.
pub(crate) fn flush(core: &Core) {
    if store(core) == Store::Runs {
        let waiting = std::mem::take(&mut *core.journal.0.lock());
        waiting.iter().for_each(|entry| publish(core, entry));
    }
}

fn publish(core: &Core, entry: &Entry) {
    let event = NewEvent::new(entry.name, &entry.payload).with_key(&entry.key);
    let stored = core.bus().publish_durable(SOURCE, &entry.context, &event);
    let name = entry.name;
    core.executor.spawn(async move {
        if let Err(error) = stored.await {
            tracing::warn!(event = name, %error, "an event of the kernel was not stored");
        }
    });
}

/// How the plugin that stores events stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    Runs,
    /// It is about to.
    Expected,
    /// There is none, or it is down for good.
    Absent,
}

fn store(core: &Core) -> Store {
    let provides = |record: &Arc<PluginRecord>| {
        let candidate = record.candidate();
        let services = &candidate.document.objectos.services.provides;
        services.iter().any(|service| service.name == EVENT_STORE)
    };
    match core.all_records().iter().find(|record| provides(record)) {
        None => Store::Absent,
        Some(record) => match record.standing() {
            Standing::Running | Standing::Swapping => Store::Runs,
            Standing::Starting => Store::Expected,
            Standing::Failed | Standing::Stopped => Store::Absent,
        },
    }
}
