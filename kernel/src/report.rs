//! What the kernel tells of its plugins: a report for programs, a table for people.

mod table;

use objectos_protocol::kernel::{PluginStartupResult, PluginTrustLevel};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::{
    kernel::{client::EVENT_STORE, core::Core, record::PluginRecord},
    lifecycle::boot,
    loader,
    package::{Refusal, provided_by, used_by},
};

/// How the start went. JSON: `{plugins: [...], refused: [Refusal], durationMs}`. `Display` is a table, one line for each
/// plugin.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StartReport {
    /// By level, then by id.
    pub plugins: Vec<PluginLine>,
    /// Files and plugins that stay out.
    pub refused: Vec<Refusal>,
    /// Ids of all plugins without which a host cannot do its work, refused ones included; see [`PluginLine::essential`].
    #[serde(skip)]
    pub essential: BTreeSet<String>,
    /// From the beginning of the survey until the last plugin was up, milliseconds.
    pub duration_ms: f64,
}

/// One plugin in a report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginLine {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// `running`, `failed`, `starting`, `swapping` or `stopped`.
    pub state: String,
    /// Its trust level.
    pub trust: PluginTrustLevel,
    /// A host cannot do its work without it: it is a gateway that may listen, or keeps events (the service `event-store`), or
    /// provides a service that one of these names among what it uses.
    pub essential: bool,
    /// Load, init and start, milliseconds.
    pub start_ms: f64,
    /// Services it offers now.
    pub services: Vec<String>,
    /// Number of its routes.
    pub routes: usize,
    /// Why it stands as it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Declared and not registered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// `kernel/PluginStartupResult`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<PluginStartupResult>,
}

impl StartReport {
    /// True when every plugin that was found is up.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.refused.is_empty() && self.plugins.iter().all(|plugin| plugin.state == "running")
    }
}

/// The report as it stands now.
pub(crate) fn start_report(core: &Core, took: Duration) -> StartReport {
    let mut records = core.all_records();
    records.sort_by_key(|record| (record.with(|details| details.level), record.id.to_string()));
    let refused = core.refusals.lock().clone();
    let essential = essential(&records, &refused);
    StartReport {
        plugins: records
            .iter()
            .map(|record| line(record, essential.contains(&*record.id)))
            .collect(),
        refused,
        essential,
        duration_ms: took.as_secs_f64() * 1000.0,
    }
}

/// What decides whether a plugin is essential, of one that was resolved or of one that was refused.
struct Role {
    id: String,
    gateway: bool,
    provides: Vec<String>,
    /// By name; a pattern, as in `route:*`, names none.
    uses: Vec<String>,
}

/// Ids of the plugins without which a host serves nobody, or serves as if its guards were not there. One that was refused
/// counts like any other: it is not there because something is wrong, and not because nobody wants it.
fn essential(records: &[Arc<PluginRecord>], refused: &[Refusal]) -> BTreeSet<String> {
    let mut roles: Vec<Role> = records
        .iter()
        .map(|record| {
            let candidate = record.candidate();
            Role {
                id: candidate.id().to_owned(),
                gateway: candidate.listens(),
                provides: provided_by(&candidate.document),
                uses: used_by(&candidate.document),
            }
        })
        .collect();
    roles.extend(
        refused
            .iter()
            .filter(|refusal| !refusal.intended())
            .filter_map(|refusal| {
                Some(Role {
                    id: refusal.plugin.clone()?,
                    gateway: refusal.gateway,
                    provides: refusal.provides.clone(),
                    uses: refusal.uses.clone(),
                })
            }),
    );
    let is_first = |role: &Role| role.gateway || role.provides.iter().any(|service| service == EVENT_STORE);
    let first: Vec<&Role> = roles.iter().filter(|role| is_first(role)).collect();
    let used = |service: &String| first.iter().any(|role| role.uses.contains(service));
    roles
        .iter()
        .filter(|role| is_first(role) || role.provides.iter().any(used))
        .map(|role| role.id.clone())
        .collect()
}

fn line(record: &PluginRecord, essential: bool) -> PluginLine {
    let candidate = record.candidate();
    let instance = record.cell.running();
    let registered = instance.as_ref().map(|instance| &instance.registered().raw);
    record.with(|details| PluginLine {
        id: record.id.to_string(),
        version: candidate.document.manifest.version.clone(),
        state: details.standing.as_str().to_owned(),
        trust: candidate.trust.level,
        essential,
        start_ms: details.startup.as_ref().map_or(0.0, |startup| startup.duration),
        services: registered.map_or_else(Vec::new, |all| {
            all.services.iter().map(|service| service.name.clone()).collect()
        }),
        routes: registered.map_or(0, |all| all.routes.len()),
        reason: details.reason.clone(),
        warnings: details.warnings.clone(),
        result: details.startup.clone(),
    })
}

/// Everything found, loaded or refused, as the `kernel` service answers it.
pub(crate) fn plugins(core: &Core) -> Value {
    let plugins: Vec<Value> = core.all_records().iter().map(|record| plugin(record)).collect();
    let refused = core.refusals.lock().clone();
    json!({ "plugins": plugins, "refused": refused, "levels": boot::levels(core), "checks": core.bus().health() })
}

fn plugin(record: &PluginRecord) -> Value {
    let candidate = record.candidate();
    let manifest = &candidate.document.manifest;
    let instance = record.cell.running();
    let registered = instance
        .as_ref()
        .map(|instance| instance.registered().raw.clone())
        .unwrap_or_default();
    record.with(|details| {
        json!({
            "id": &*record.id,
            "name": manifest.name,
            "version": manifest.version,
            "description": manifest.description,
            "state": details.standing.as_str(),
            "path": candidate.path.display().to_string(),
            "sha256": candidate.sha256,
            "sizeBytes": candidate.size_bytes,
            "trust": candidate.trust.level,
            "grants": candidate.grants,
            "settings": candidate.settings.redacted(),
            "startMs": details.startup.as_ref().map_or(0.0, |startup| startup.duration),
            "startup": details.startup,
            "runningSinceMs": details.running_since_ms,
            "health": details.health,
            "generation": details.generation,
            "threads": instance.as_ref().map(|instance| instance.threads().figures()),
            "restarts": details.restarts,
            "swaps": details.swaps,
            "lastSwap": details.last_swap,
            "services": registered.services,
            "uses": candidate.document.objectos.services.uses,
            "hooks": registered.hooks,
            "runsHooks": candidate.document.objectos.hooks.runs,
            "events": registered.events,
            "publishes": candidate.document.objectos.events.publishes,
            "routes": registered.routes,
            "commands": registered.commands,
            "objects": candidate.document.objectos.objects,
            "warnings": details.warnings,
            "reason": details.reason,
        })
    })
}

/// Handlers of every hook in their order, by hook.
pub(crate) fn hooks(core: &Core) -> Value {
    let points = core.hooks.points().into_iter().map(|point| {
        let handlers: Vec<Value> = point
            .handlers()
            .iter()
            .map(|handler| {
                json!({ "plugin": handler.plugin(), "priority": handler.priority, "subjects": handler.subjects })
            })
            .collect();
        (point.name.to_string(), Value::Array(handlers))
    });
    Value::Object(points.collect())
}

/// Figures of the kernel.
pub(crate) fn metrics(core: &Core) -> Value {
    let figures = &core.figures;
    let of = |figure: &std::sync::atomic::AtomicU64| figure.load(Ordering::Relaxed);
    let mut plugins = BTreeMap::new();
    let mut standings = BTreeMap::new();
    for record in core.all_records() {
        *standings.entry(record.standing().as_str()).or_insert(0_u32) += 1;
        if let Some(instance) = record.cell.running() {
            let figures = &instance.figures;
            let counts = json!({
                "calls": of(&figures.calls), "errors": of(&figures.errors),
                "panics": of(&figures.panics), "timeouts": of(&figures.timeouts),
                // One reference is the cell's, one is ours.
                "inFlight": Arc::strong_count(&instance).saturating_sub(2),
            });
            plugins.insert(record.id.to_string(), counts);
        }
    }
    let hooks: BTreeMap<String, Value> = core
        .hooks
        .points()
        .iter()
        .map(|point| {
            let counts =
                json!({ "runs": of(&point.runs), "vetoes": of(&point.vetoes), "failures": of(&point.failures) });
            (point.name.to_string(), counts)
        })
        .collect();
    let listeners: Vec<Value> = core
        .listeners
        .bound()
        .into_iter()
        .map(|bound| json!({ "plugin": bound.plugin, "address": bound.address.to_string(), "scheme": bound.scheme }))
        .collect();
    let kept = loader::kept();
    json!({
        "uptimeMs": u64::try_from(core.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "swaps": of(&figures.swaps), "swapsFailed": of(&figures.swaps_failed), "restarts": of(&figures.restarts),
        "panics": of(&figures.panics), "probesInFlight": of(&figures.probes_in_flight),
        "drainUsLast": of(&figures.drain_us_last), "drainUsMax": of(&figures.drain_us_max),
        "generationsMapped": loader::generations_mapped(), "generationsKept": kept.len(),
        "keptBytes": kept.iter().map(|library| library.bytes).sum::<u64>(), "kept": kept,
        "generationsUnmapped": of(&figures.unmapped), "generationsMax": loader::GENERATIONS_MAX,
        "unloading": loader::unloading_possible(),
        "states": standings, "plugins": plugins, "hooks": hooks, "listeners": listeners,
        "events": core.bus_metrics(),
    })
}
