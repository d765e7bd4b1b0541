//! How plugins do: probes at the interval each manifest states (`kernel/PluginHealthCheck`), restarts, and threads that do not
//! come back from a plugin.
//!
//! A panic and a plugin that is unhealthy for too long lead to the same restart: loaded anew from its file, the first time
//! at once, then with the backoff of its manifest, at most as often as it says. A plugin that then ran well for a while has
//! its restarts forgiven. When they are used up, it is left as it is and reported as failed, once, until somebody replaces
//! it or, where it did not panic, it is well again by itself: what still works goes on.

mod backoff;
mod monitor;
mod probe;
mod supervisor;
mod watchdog;

use objectos_plugin_api::contracts::kernel::KernelHealth;
use objectos_protocol::kernel::{
    DependencyHealth, HealthCheckStatus, HealthMetrics, PluginHealthReport, PluginHealthStatus,
};
use std::{collections::BTreeMap, sync::atomic::Ordering};

use crate::kernel::{
    core::{Core, KernelState, VERSION},
    record::PluginRecord,
};

pub(crate) use self::{
    monitor::watch_all,
    probe::{answer_of, first_look},
    supervisor::supervise,
    watchdog::watch_threads,
};

/// How the whole does: the worst of the plugins and of the kernel's own checks. A plugin that was refused is down like one that
/// failed, unless the operator wants it out; a file that nobody could read names no plugin.
pub(crate) fn overall(core: &Core) -> KernelHealth {
    let records = core.all_records();
    let mut plugins: BTreeMap<String, PluginHealthReport> = records
        .iter()
        .map(|record| (record.id.to_string(), report(core, record)))
        .collect();
    for (id, report) in refused(core) {
        plugins.entry(id).or_insert(report);
    }
    let checks = core.bus().health();
    let worst_plugin = plugins.values().map(|report| badness(report.status)).max();
    let worst_check = checks.iter().map(|check| check_badness(check.status)).max();
    let status = match worst_plugin.max(worst_check).unwrap_or(0) {
        0 => "healthy",
        1 => "degraded",
        _ => "unhealthy",
    };
    // A plugin that failed costs its own function; what the others do is served all the same.
    let ready = core.state() == KernelState::Running;
    KernelHealth {
        status: status.to_owned(),
        ready,
        state: core.state().as_str().to_owned(),
        uptime_ms: u64::try_from(core.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        version: VERSION.to_owned(),
        plugins,
        checks,
    }
}

/// Reports of the plugins that are known by their manifests alone.
fn refused(core: &Core) -> Vec<(String, PluginHealthReport)> {
    let refusals = core.refusals.lock();
    let missed = refusals.iter().filter(|refusal| !refusal.intended());
    let told = missed.filter_map(|refusal| {
        let report = PluginHealthReport {
            status: PluginHealthStatus::Failed,
            timestamp: core.now_text(),
            message: Some(format!("it was refused: {}", refusal.reason)),
            metrics: None,
            checks: Vec::new(),
            dependencies: Vec::new(),
        };
        Some((refusal.plugin.clone()?, report))
    });
    told.collect()
}

/// 0 good, 1 so-so, 2 bad.
fn badness(status: PluginHealthStatus) -> u8 {
    match status {
        PluginHealthStatus::Healthy => 0,
        PluginHealthStatus::Degraded | PluginHealthStatus::Recovering | PluginHealthStatus::Unknown => 1,
        PluginHealthStatus::Unhealthy | PluginHealthStatus::Failed => 2,
    }
}

fn check_badness(status: HealthCheckStatus) -> u8 {
    match status {
        HealthCheckStatus::Passed => 0,
        HealthCheckStatus::Warning => 1,
        HealthCheckStatus::Failed => 2,
    }
}

/// How one plugin does, with its figures.
fn report(core: &Core, record: &PluginRecord) -> PluginHealthReport {
    let (mut report, since) = record.with(|details| (details.health.clone(), details.running_since_ms));
    let instance = record.cell.running();
    #[allow(clippy::cast_precision_loss)]
    let number = |count: u64| count as f64;
    if let Some(instance) = &instance {
        watchdog::tell(instance, &mut report);
    }
    report.metrics = instance.map(|instance| {
        let uptime_ms = since.map_or(0, |since| core.clock.now_ms().saturating_sub(since));
        let minutes = number(u64::try_from(uptime_ms).unwrap_or(0)) / 60_000.0;
        let errors = number(instance.figures.errors.load(Ordering::Relaxed));
        HealthMetrics {
            uptime: Some(minutes * 60_000.0),
            error_rate: Some(errors / minutes.max(1.0)),
            ..HealthMetrics::default()
        }
    });
    let candidate = record.candidate();
    for used in &candidate.document.objectos.services.uses {
        let Some(provider) = provider_of(core, &used.name) else {
            continue;
        };
        let (status, message) = provider.with(|details| (details.health.status, details.health.message.clone()));
        report.dependencies.push(DependencyHealth {
            plugin_id: provider.id.to_string(),
            status,
            message,
        });
    }
    report
}

fn provider_of(core: &Core, service: &str) -> Option<std::sync::Arc<PluginRecord>> {
    let provides = |record: &PluginRecord| {
        let candidate = record.candidate();
        candidate
            .document
            .objectos
            .services
            .provides
            .iter()
            .any(|provided| provided.name == service)
    };
    core.all_records().into_iter().find(|record| provides(record))
}
