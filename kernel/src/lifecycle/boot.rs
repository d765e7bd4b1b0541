//! The start of all plugins: survey, resolve, then level by level, those of one level at the same time. One plugin that does
//! not come up takes its dependents with it and nobody else.

use futures_util::future::join_all;
use objectos_protocol::kernel::{
    EventPhase, HealthStatus, PluginError, PluginHealthStatus, PluginLifecycleEventType as Kind, PluginStartupResult,
    StartedPlugin,
};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Loading, StartFailure, Switch, absent, bring_up, notices, select, switch};
use crate::{
    config::Selection,
    contributions::RefusedProvider,
    discover,
    error::Error,
    instance::cell::DownState,
    journal::{self, Cause},
    kernel::{core::Core, record::PluginRecord},
    package::{Candidate, Refusal, RefusalReason},
    resolve::{self, PluginGraph, Resolution},
};

/// Starts every plugin that may start.
///
/// # Errors
/// `UnknownCommand` when the selection names a command that nobody contributes; `Survey` when the check of the files broke;
/// `EventBus` when no plugin does what the configuration of the bus asks for, or provides what a storage of events needs.
pub(crate) async fn start_all(core: &Arc<Core>) -> Result<(), Error> {
    let since = Instant::now();
    notices::kernel(core, Kind::KernelBeforeInit);
    let resolution = survey(core).await?;
    tell_unheld_rules(core);
    let levels = select::levels(&resolution, &core.options.select)?;
    *core.left_out.lock() = select::left_out(&resolution, &core.options.select, &levels);
    register(core, &levels);
    absent::of_refused(core);
    if core.options.select == Selection::All {
        core.check_clients()?;
    }
    let refusals = core.refusals.lock().clone();
    for refusal in &refusals {
        journal::refused(core, &Cause::boot(), refusal);
    }
    if core.options.select == Selection::All {
        core.check_event_storages()?;
    }
    for level in &levels {
        join_all(
            level
                .iter()
                .map(|candidate| start_one(core, candidate, &resolution.graph)),
        )
        .await;
    }
    core.refresh_contributions();
    // A command has few of the handlers, and may run beside a host that has all of them: what waits is that one's.
    if core.options.select == Selection::All {
        core.bus().open();
    }
    for sentence in core.bus().unused_settings().iter().chain(&core.unheld_event_types()) {
        tracing::warn!("{sentence}");
    }
    notices::kernel(core, Kind::KernelAfterInit);
    notices::ready(core, since.elapsed(), core.running().len());
    Ok(())
}

/// Nobody is to rely on a rule that only decides whether a plugin is loaded.
fn tell_unheld_rules(core: &Core) {
    let rules = core.options.policy.grants.unheld();
    if core.options.select == Selection::All && !rules.is_empty() {
        tracing::warn!(
            rules = rules.join(", "),
            "some grants decide which plugins are loaded, and no more: what they are about goes past the kernel, so a plugin \
             that is loaded is not held to them"
        );
    }
}

/// Looks at the files and holds them against each other; notes what stays out. On a blocking thread: it reads and hashes.
async fn survey(core: &Arc<Core>) -> Result<Resolution, Error> {
    let own = Arc::clone(core);
    let done = core.executor.spawn_blocking(move || {
        let survey = discover::survey(&own.survey_request());
        let commands = own.host_commands();
        let resolution = resolve::resolve(&survey.candidates, &own.resolve_request(&commands, &survey.refusals));
        let mut refusals = survey.refusals;
        refusals.extend(resolution.refusals.iter().cloned());
        let providers = refused_providers(&refusals);
        (resolution, refusals, providers)
    });
    let (resolution, refusals, providers) = done.await.map_err(|error| Error::Survey {
        path: core.options.plugin_directory.clone(),
        reason: error.to_string(),
    })?;
    for refusal in &refusals {
        tracing::warn!(plugin = refusal.plugin, path = %refusal.path.display(), "{refusal}");
    }
    *core.refusals.lock() = refusals;
    *core.refused_providers.lock() = providers;
    Ok(resolution)
}

/// The services of refused plugins whose manifest could be read: they count as declared.
fn refused_providers(refusals: &[Refusal]) -> Vec<RefusedProvider> {
    let of = |refusal: &Refusal| {
        let plugin = refusal.plugin.clone()?;
        let version = refusal.version.as_ref().map_or_else(String::new, ToString::to_string);
        Some(RefusedProvider {
            plugin,
            version,
            provides: refusal.provides.clone(),
        })
    };
    refusals.iter().filter_map(of).collect()
}

/// Makes the records, so that services are bound and reports complete from the beginning.
fn register(core: &Core, levels: &[Vec<Arc<Candidate>>]) {
    for (level, candidates) in levels.iter().enumerate() {
        for candidate in candidates {
            add_record(core, candidate, level);
        }
    }
    core.refresh_contributions();
}

/// Makes the record of one plugin.
pub(crate) fn add_record(core: &Core, candidate: &Arc<Candidate>, level: usize) -> Arc<PluginRecord> {
    let chain_bit = core.chain_bits.next();
    let record = Arc::new(PluginRecord::new(
        Arc::clone(candidate),
        level,
        core.now_text(),
        chain_bit,
    ));
    core.records.write().insert(Arc::clone(&record.id), Arc::clone(&record));
    for service in &candidate.document.objectos.services.provides {
        core.services.bind(&service.name, &record.cell, false);
    }
    notices::registered(core, &record.id, &candidate.document.manifest.version);
    record
}

async fn start_one(core: &Arc<Core>, candidate: &Arc<Candidate>, graph: &PluginGraph) {
    let Ok(record) = core.record(candidate.id()) else {
        return;
    };
    if let Some(refusal) = missing_dependency(core, candidate, graph) {
        refuse(core, &record, refusal);
        return;
    }
    // Its outcome is in the record.
    if let Err(error) = start_plugin(core, &record, candidate).await {
        journal::start_failed(core, &Cause::boot(), candidate, &error.chain());
    }
}

/// Starts one plugin and notes how it went.
///
/// # Errors
/// The step's.
pub(crate) async fn start_plugin(
    core: &Arc<Core>,
    record: &Arc<PluginRecord>,
    candidate: &Arc<Candidate>,
) -> Result<(), Error> {
    let since = Instant::now();
    let loading = Loading {
        core,
        record,
        candidate,
    };
    match bring_up(&loading, None).await {
        Ok((instance, warnings)) => {
            for warning in &warnings {
                tracing::warn!(plugin = &*record.id, "plugin {} {warning}", record.id);
            }
            record.with(|details| {
                details.warnings = warnings;
                // Nobody has asked it yet.
                details.health.status = PluginHealthStatus::Unknown;
                details.health.timestamp = core.now_text();
                details.health.message = None;
                details.startup = Some(result(core, candidate, since.elapsed(), None));
            });
            switch(core, record, Switch::To(instance));
            Ok(())
        }
        Err(StartFailure { error, .. }) => {
            let text = error.chain();
            tracing::error!(plugin = &*record.id, error = text, "a plugin did not start");
            note_failure(core, record, candidate, since.elapsed(), &text);
            record.with(|details| {
                if let Some(reported) = details.startup.as_mut().and_then(|startup| startup.error.as_mut()) {
                    reported.code = error.code().map(str::to_owned);
                }
            });
            Err(error)
        }
    }
}

/// Notes that a plugin is down because of a failure.
pub(crate) fn note_failure(
    core: &Arc<Core>,
    record: &Arc<PluginRecord>,
    candidate: &Arc<Candidate>,
    took: Duration,
    text: &str,
) {
    record.with(|details| {
        details.health.status = PluginHealthStatus::Failed;
        details.health.timestamp = core.now_text();
        details.health.message = Some(text.to_owned());
        details.startup = Some(result(core, candidate, took, Some(text)));
    });
    switch(core, record, Switch::Down(DownState::Failed, text.to_owned()));
    if !record.with(|details| details.served) {
        core.expect_event_handlers(record);
        absent::of_failed(core, record, candidate);
    }
}

fn result(core: &Core, candidate: &Candidate, took: Duration, failure: Option<&str>) -> PluginStartupResult {
    PluginStartupResult {
        plugin: StartedPlugin {
            name: candidate.id().to_owned(),
            version: Some(candidate.document.manifest.version.clone()),
            extra: serde_json::Map::new(),
        },
        success: failure.is_none(),
        duration: took.as_secs_f64() * 1000.0,
        error: failure.map(|text| PluginError {
            name: "PluginError".to_owned(),
            message: text.to_owned(),
            stack: None,
            code: None,
        }),
        health: Some(HealthStatus {
            healthy: failure.is_none(),
            timestamp: core.clock.now_ms(),
            details: serde_json::Map::new(),
            message: None,
        }),
    }
}

/// Why a plugin cannot start although it was resolved: something it needs did not come up.
pub(crate) fn missing_dependency(core: &Core, candidate: &Candidate, graph: &PluginGraph) -> Option<Refusal> {
    let needs = graph
        .edges
        .iter()
        .filter(|edge| edge.from == candidate.id() && !edge.optional);
    for edge in needs {
        let provider = core.record(&edge.to).ok()?;
        if provider.cell.running().is_some() {
            continue;
        }
        let what = match edge.kind {
            resolve::GraphEdgeKind::Plugin => format!("plugin `{}` {}", edge.name, edge.range),
            resolve::GraphEdgeKind::Service => format!("service `{}` {}", edge.name, edge.range),
        };
        let reason = RefusalReason::DependencyRefused {
            what: what.clone(),
            plugin: edge.to.clone(),
        };
        let why = provider.with(|details| details.reason.clone()).unwrap_or_default();
        let chain = vec![
            format!("{} needs {what}", candidate.label()),
            format!("{} offers it and is down: {why}", provider.candidate().label()),
        ];
        return Some(Refusal {
            chain,
            ..Refusal::of_candidate(candidate, reason)
        });
    }
    None
}

fn refuse(core: &Arc<Core>, record: &Arc<PluginRecord>, refusal: Refusal) {
    tracing::warn!(plugin = &*record.id, "{refusal}");
    notices::error_text(core, &record.id, EventPhase::Start, &refusal.to_string());
    let candidate = record.candidate();
    note_failure(core, record, &candidate, Duration::ZERO, &refusal.to_string());
    journal::start_failed(core, &Cause::boot(), &candidate, &refusal.to_string());
    core.refusals.lock().push(refusal);
}

/// Ids by level, for reports.
pub(crate) fn levels(core: &Core) -> Vec<Vec<String>> {
    let mut levels: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for record in core.all_records() {
        levels
            .entry(record.with(|details| details.level))
            .or_default()
            .push(record.id.to_string());
    }
    levels.into_values().collect()
}
