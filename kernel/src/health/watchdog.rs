//! Looks for threads that do not come back from a plugin. A plugin that blocks the thread of somebody else is told by name and
//! called on threads of its own from then on; how many threads are blocked in a plugin now is in its health.
//!
//! One plain thread: the executor's may be the ones that are blocked. It counts its own looks and reads no clock: on a machine
//! that was busy or asleep its looks come as late as everything else.

use objectos_protocol::kernel::{HealthCheckResult, HealthCheckStatus, PluginHealthReport, PluginHealthStatus};
use serde_json::{Map, Value, json};
use std::{
    sync::{Arc, Weak},
    thread,
    time::Duration,
};

use crate::{
    instance::{
        Instance,
        own_threads::OwnThreads,
        presence::{self, About, Errand, Sight},
    },
    kernel::core::{Core, KernelState},
    loader,
};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// So many looks at the same entry after the first: 250 ms.
const LOOKS_MAX: u32 = 5;
/// Name of the check in a plugin's health.
const CHECK: &str = "threads";

/// Looks until the kernel is stopped or gone.
pub(crate) fn watch_threads(core: &Arc<Core>) {
    let weak = Arc::downgrade(core);
    let started = thread::Builder::new()
        .name("watchdog".to_owned())
        .spawn(move || watch(&weak));
    if let Err(error) = started {
        tracing::error!(%error, "the watchdog could not be started; nobody looks for plugins that block threads");
    }
}

fn watch(core: &Weak<Core>) {
    let (mut sights, mut ages) = (Vec::new(), Vec::new());
    loop {
        thread::park_timeout(LOOK);
        let Some(core) = core.upgrade() else { return };
        if core.state() == KernelState::Stopped {
            return;
        }
        presence::look(&mut sights);
        ages.resize_with(sights.len(), Age::default);
        for (age, sight) in ages.iter_mut().zip(&sights) {
            age.note(&core, *sight);
        }
    }
}

/// How long a slot has held the same entry.
#[derive(Debug, Default)]
struct Age {
    entry: u64,
    looks: u32,
    stuck: Option<Stuck>,
}

impl Age {
    fn note(&mut self, core: &Arc<Core>, sight: Sight) {
        let Some((serial, about)) = sight.inside.filter(|_| sight.entry == self.entry) else {
            *self = Self {
                entry: sight.entry,
                ..Self::default()
            };
            return;
        };
        if self.looks >= LOOKS_MAX {
            return;
        }
        self.looks += 1;
        if self.looks == LOOKS_MAX {
            // Another kernel's, in a process that has several, is for that one's watchdog.
            self.stuck = core.instance(serial).map(|instance| Stuck::note(&instance, about));
            wake_others(core);
        }
    }
}

/// Sockets and timers are looked after by one of a runtime's threads at a time. If that was the one that is stuck, nobody does
/// until another is woken. On a thread that ends at once: code of plugins leaves values on its thread, which keep their libraries.
fn wake_others(core: &Arc<Core>) {
    let core = Arc::clone(core);
    let started = thread::Builder::new().name("nudge".to_owned()).spawn(move || {
        // What code of plugins leaves on this thread is noted then, and an unload need not wait for its end.
        loader::on_thread_start();
        core.nudge();
    });
    if let Err(error) = started {
        tracing::warn!(%error, "the threads beside one that is blocked could not be woken");
    }
}

/// A thread that does not come back. Dropped when it did.
#[derive(Debug)]
struct Stuck {
    threads: Arc<OwnThreads>,
    at_home: bool,
}

impl Stuck {
    fn note(instance: &Instance, about: About) -> Self {
        let (threads, at_home) = (Arc::clone(instance.threads()), about.at_home);
        let full = threads.note_stuck(at_home);
        let stuck = Self { threads, at_home };
        let (plugin, called_for) = (&*instance.plugin, instance.errand_text(about.errand));
        if at_home {
            if full {
                tracing::warn!(
                    plugin,
                    called_for,
                    "all threads of a plugin are blocked; its calls wait until their time is over"
                );
            }
            return stuck;
        }
        let synchronous = matches!(about.errand, Errand::SyncCall(_));
        if !stuck.threads.set_apart(&called_for) {
            tracing::debug!(
                plugin,
                called_for,
                "a plugin blocks one more thread that is not its own"
            );
        } else if synchronous {
            tracing::warn!(
                plugin,
                called_for,
                "a plugin blocks the thread of its caller; what can be called on threads of its own is from now on"
            );
        } else {
            tracing::warn!(
                plugin,
                called_for,
                "a plugin blocks a thread that it shares with others; from now on it is called on threads of its own"
            );
        }
        stuck
    }
}

impl Drop for Stuck {
    fn drop(&mut self) {
        self.threads.note_back(self.at_home);
    }
}

/// Adds to a plugin's health what is known of its threads, when there is something to say.
pub(super) fn tell(instance: &Instance, report: &mut PluginHealthReport) {
    let threads = instance.threads();
    let figures = threads.figures();
    let own = threads.stuck_at_home();
    let all = own >= figures.max;
    let mut sentences = Vec::new();
    if let Some(called_for) = threads.blocked() {
        sentences.push(format!(
            "it blocked a thread of somebody else in {called_for}; it is called on threads of its own"
        ));
    }
    if all {
        sentences.push(format!(
            "{own} threads are blocked in it, of {} it may have",
            figures.max
        ));
    }
    if sentences.is_empty() {
        return;
    }
    let message = sentences.join("; ");
    // What is over and led to nothing worse is a remark; what lasts is a state.
    if figures.stuck > 0 && report.status == PluginHealthStatus::Healthy {
        report.status = PluginHealthStatus::Degraded;
        report.message.get_or_insert_with(|| message.clone());
    }
    let data: Map<String, Value> = json!(figures).as_object().cloned().unwrap_or_default();
    report.checks.push(HealthCheckResult {
        name: CHECK.to_owned(),
        status: if all {
            HealthCheckStatus::Failed
        } else {
            HealthCheckStatus::Warning
        },
        message: Some(message),
        data,
    });
}
