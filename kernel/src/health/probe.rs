//! One look at one plugin: asks it by its policy (`kernel/PluginHealthCheck`), and writes down what that means. When a plugin
//! is looked at is said elsewhere: after its start ([`first_look`]), at its interval (`monitor`), before a swap switches to
//! it ([`answer_of`]).

use futures_util::future::join_all;
use objectos_plugin_api::{
    Health,
    abi::RawContext,
    private::abi_stable::std_types::{RResult, RSlice, RStr},
};
use objectos_protocol::kernel::{PluginHealthCheck, PluginHealthStatus};
use semver::VersionReq;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinHandle;

use super::supervisor;
use crate::{
    instance::{Instance, nanoseconds},
    kernel::{
        core::Core,
        record::{PluginRecord, Standing, Streak},
    },
    lifecycle::{health_of, ms, serves},
};

/// How long a start waits for the first word of its plugins; one that takes longer is waited for by nobody.
const FIRST_LOOK_LIMIT: Duration = Duration::from_millis(500);

/// A probe that is under way: one for a plugin at a time.
struct UnderWay {
    core: Arc<Core>,
    record: Arc<PluginRecord>,
}

impl UnderWay {
    /// `None` while another one is.
    fn begin(core: &Arc<Core>, record: &Arc<PluginRecord>) -> Option<Self> {
        if record.probing.swap(true, Ordering::AcqRel) {
            return None;
        }
        in_flight(core).fetch_add(1, Ordering::AcqRel);
        Some(Self {
            core: Arc::clone(core),
            record: Arc::clone(record),
        })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.record.probing.store(false, Ordering::Release);
        in_flight(&self.core).fetch_sub(1, Ordering::AcqRel);
    }
}

fn in_flight(core: &Core) -> &AtomicU64 {
    &core.figures.probes_in_flight
}

/// Begins a probe as a task of its own: however long the plugin takes, nobody else's probe waits for it. `None` when there is
/// nothing to ask, or the last probe is still under way.
pub(super) fn begin(core: &Arc<Core>, record: &Arc<PluginRecord>) -> Option<JoinHandle<()>> {
    if record.standing() != Standing::Running {
        return None;
    }
    let under_way = UnderWay::begin(core, record)?;
    Some(core.executor.spawn(async move {
        probe(&under_way.core, &under_way.record).await;
        drop(under_way);
    }))
}

/// Asks plugins that have just started how they do, and waits a moment for their answers.
pub(crate) async fn first_look(core: &Arc<Core>, records: &[Arc<PluginRecord>]) {
    let probes = join_all(records.iter().filter_map(|record| begin(core, record)));
    // What has not answered by then stays unknown until it does.
    let _ = tokio::time::timeout(FIRST_LOOK_LIMIT, probes).await;
}

async fn probe(core: &Arc<Core>, record: &Arc<PluginRecord>) {
    let Some(instance) = record.cell.running() else { return };
    let policy = record.candidate().document.objectos.health.clone();
    let health = answer_of(&instance, &policy).await;
    let serial = instance.serial;
    let panicked = instance.has_panicked();
    drop(instance);
    // A swap may have come first; what the version before said is nobody's business any more.
    if record.cell.running().is_none_or(|instance| instance.serial != serial) {
        return;
    }
    if note(
        core,
        record,
        &policy,
        Seen {
            health,
            serial,
            panicked,
        },
    ) && policy.auto_restart
    {
        let reason = format!("it failed {} probes in a row", policy.failure_threshold);
        let (own, record) = (Arc::clone(core), Arc::clone(record));
        core.executor
            .spawn(async move { supervisor::restart(&own, &record, reason, serial).await });
    }
}

/// What one probe brought.
struct Seen {
    health: Health,
    serial: u32,
    panicked: bool,
}

/// Writes the probe down: a plugin changes its state only after as many probes in a row as its thresholds say. True when it
/// has just failed that many and may be restarted.
fn note(core: &Core, record: &PluginRecord, policy: &PluginHealthCheck, seen: Seen) -> bool {
    let Seen {
        health,
        serial,
        panicked,
    } = seen;
    record.with(|details| {
        // The next version's own word may have been written down since.
        if record.cell.running().is_none_or(|instance| instance.serial != serial) {
            return false;
        }
        let streak = details.streak.after(serves(health.status));
        details.streak = streak;
        let well = streak.successes >= policy.success_threshold;
        let unhealthy = streak.failures >= policy.failure_threshold;
        let recovered = well && !panicked;
        if details.given_up == Some(serial) && recovered {
            details.given_up = None;
            details.reason = None;
        }
        let given_up = details.given_up == Some(serial);
        details.health.status = match health.status {
            // A panic leaves its mark until the restart, and one whose restarts are used up stays failed until it is well.
            _ if panicked || given_up => PluginHealthStatus::Failed,
            status if serves(status) && (well || counted_as_well(details.health.status)) => status,
            status if serves(status) => PluginHealthStatus::Recovering,
            _ if unhealthy => PluginHealthStatus::Unhealthy,
            _ => PluginHealthStatus::Degraded,
        };
        details.health.timestamp = core.now_text();
        if !panicked && !given_up {
            details.health.message = health.message;
        }
        details.health.checks = health.checks;
        let restart = unhealthy && !given_up;
        if restart && policy.auto_restart {
            details.streak.failures = 0;
        }
        restart
    })
}

/// Whether one good word is enough: it was well before, or nobody has asked it yet.
fn counted_as_well(before: PluginHealthStatus) -> bool {
    matches!(
        before,
        PluginHealthStatus::Healthy | PluginHealthStatus::Degraded | PluginHealthStatus::Unknown
    )
}

impl Streak {
    fn after(self, well: bool) -> Self {
        if well {
            Self {
                failures: 0,
                successes: self.successes.saturating_add(1),
            }
        } else {
            Self {
                failures: self.failures.saturating_add(1),
                successes: 0,
            }
        }
    }
}

/// The plugin's word, or that of the service that stands for it.
pub(crate) async fn answer_of(instance: &Arc<Instance>, policy: &PluginHealthCheck) -> Health {
    let limit = ms(policy.timeout);
    let answer = match &policy.check_method {
        None => health_of(instance, limit).await.map_err(|error| error.chain()),
        Some(method) => ask_service(instance, method, policy.timeout)
            .await
            .map(|()| Health::healthy()),
    };
    answer.unwrap_or_else(Health::unhealthy)
}

/// Calls `service.method` of the plugin itself; any answer but an error is good.
async fn ask_service(instance: &Arc<Instance>, name: &str, timeout_ms: u64) -> Result<(), String> {
    let registered = instance.registered();
    let (service, method) = match name.rsplit_once('.') {
        Some((service, method)) => (service.to_owned(), method),
        None => (
            registered
                .raw
                .services
                .first()
                .map(|service| service.name.clone())
                .unwrap_or_default(),
            name,
        ),
    };
    let Some(Ok(index)) = registered.service(&service, &VersionReq::STAR) else {
        return Err(format!(
            "checkMethod names the service {service}, which the plugin does not offer"
        ));
    };
    let context = RawContext {
        deadline_ns: objectos_plugin_api::private::monotonic_ns().saturating_add(nanoseconds(ms(timeout_ms))),
        flags: 0,
        trace_id: RStr::empty(),
        request_id: RStr::from_str("health"),
        caller: RStr::empty(),
        tenant: RStr::empty(),
        user: RStr::empty(),
        principal: RSlice::EMPTY,
        extra: RSlice::EMPTY,
    };
    let call = instance.call(index, RStr::from_str(method), &context, RSlice::EMPTY);
    match call.answer().await {
        RResult::ROk(_) => Ok(()),
        RResult::RErr(error) => Err(error.parts.message.as_str().to_owned()),
    }
}
