//! Probes each plugin at its interval.

use objectos_plugin_api::{
    Health,
    abi::RawContext,
    private::abi_stable::std_types::{RResult, RSlice, RStr},
};
use objectos_protocol::kernel::{PluginHealthCheck, PluginHealthStatus};
use semver::VersionReq;
use std::{collections::BTreeMap, sync::Arc};

use super::supervisor;
use crate::{
    instance::{Instance, nanoseconds},
    kernel::{
        core::{Core, KernelState},
        record::{PluginRecord, Standing},
    },
    lifecycle::{health_of, ms, serves},
};

/// Failures and successes in a row.
#[derive(Clone, Copy, Debug, Default)]
struct Streak {
    failures: u64,
    successes: u64,
}

/// Probes until the kernel stops.
pub(crate) async fn watch_all(core: Arc<Core>) {
    let mut due: BTreeMap<Arc<str>, i64> = BTreeMap::new();
    let mut streaks: BTreeMap<Arc<str>, Streak> = BTreeMap::new();
    while matches!(core.state(), KernelState::Starting | KernelState::Running) {
        let now = core.clock.now_ms();
        let records = core.all_records();
        for record in &records {
            let interval = i64::try_from(record.candidate().document.objectos.health.interval).unwrap_or(i64::MAX);
            let at = *due
                .entry(Arc::clone(&record.id))
                .or_insert(now.saturating_add(interval));
            if at <= now {
                due.insert(Arc::clone(&record.id), now.saturating_add(interval));
                probe(&core, record, streaks.entry(Arc::clone(&record.id)).or_default()).await;
            }
        }
        // New plugins are looked for once a second.
        let next = due
            .values()
            .min()
            .copied()
            .unwrap_or(i64::MAX)
            .min(core.clock.now_ms().saturating_add(1000));
        core.clock.sleep_until_ms(next).await;
    }
}

async fn probe(core: &Arc<Core>, record: &Arc<PluginRecord>, streak: &mut Streak) {
    if record.standing() != Standing::Running {
        return;
    }
    let Some(instance) = record.cell.running() else { return };
    let policy = record.candidate().document.objectos.health.clone();
    let health = ask(&instance, &policy).await;
    let serial = instance.serial;
    let panicked = instance.has_panicked();
    drop(instance);
    if serves(health.status) {
        *streak = Streak {
            failures: 0,
            successes: streak.successes + 1,
        };
    } else {
        *streak = Streak {
            failures: streak.failures + 1,
            successes: 0,
        };
    }
    let unhealthy = streak.failures >= policy.failure_threshold;
    note(core, record, &policy, *streak, health, panicked);
    if unhealthy && policy.auto_restart {
        streak.failures = 0;
        let reason = format!("it failed {} probes in a row", policy.failure_threshold);
        let (core, record) = (Arc::clone(core), Arc::clone(record));
        let executor = core.executor.clone();
        executor.spawn(async move { supervisor::restart(&core, &record, reason, serial).await });
    }
}

/// Writes the probe down: a plugin changes its state only after as many probes in a row as its thresholds say.
fn note(
    core: &Core,
    record: &PluginRecord,
    policy: &PluginHealthCheck,
    streak: Streak,
    health: Health,
    panicked: bool,
) {
    record.with(|details| {
        let before = details.health.status;
        let well = streak.successes >= policy.success_threshold;
        let status = match health.status {
            // A panic leaves its mark until the restart.
            _ if panicked => PluginHealthStatus::Failed,
            status if serves(status) && well => status,
            status
                if serves(status) && matches!(before, PluginHealthStatus::Healthy | PluginHealthStatus::Degraded) =>
            {
                status
            }
            status if serves(status) => PluginHealthStatus::Recovering,
            _ if streak.failures >= policy.failure_threshold => PluginHealthStatus::Unhealthy,
            _ => PluginHealthStatus::Degraded,
        };
        details.health.status = status;
        details.health.timestamp = core.now_text();
        if !panicked {
            details.health.message = health.message;
        }
        details.health.checks = health.checks;
    });
}

/// The plugin's word, or what stands for it.
async fn ask(instance: &Arc<Instance>, policy: &PluginHealthCheck) -> Health {
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
        RResult::RErr(error) => Err(error.message.into_string()),
    }
}
