//! `cargo xtask audit-spec`, the half about plugins: reads each built library, starts all of them in a kernel, and holds what
//! they registered against what they declare.

use anyhow::{Context, Result};
use objectos_kernel::{
    Kernel, KernelOptions, PluginLine, Policy,
    discover::{ENTRY_SYMBOL, Inspection, RuntimeFolder, inspect},
    grants::GrantPolicy,
    loader,
    settings::unmarked,
    trust::{TrustConfig, TrustPolicy},
};
use objectos_protocol::kernel::{RuntimeMode, plugin_document::PanicStrategy};
use serde_json::{Value, json};
use std::{fmt::Write, path::Path, time::Duration};

use crate::{
    build::{self, Profile},
    paths,
};

/// How long the plugins may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// What the audit of the plugins says.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    findings: Vec<String>,
}

#[derive(Debug)]
struct Row {
    id: String,
    version: String,
    api: String,
    services: usize,
    hooks: usize,
    events: usize,
    routes: usize,
    start_ms: f64,
    health: String,
}

impl Report {
    pub(crate) fn clean(&self) -> bool {
        self.findings.is_empty()
    }

    pub(crate) fn to_json(&self) -> Value {
        let plugins: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "id": row.id, "version": row.version, "api": row.api, "services": row.services, "hooks": row.hooks,
                    "events": row.events, "routes": row.routes, "startMs": row.start_ms, "health": row.health,
                })
            })
            .collect();
        json!({ "plugins": plugins, "findings": self.findings })
    }

    pub(crate) fn to_text(&self) -> String {
        let mut out = String::from("plugins against their manifests\n");
        // Writing into a String cannot fail.
        let _ = writeln!(
            out,
            "  {:<24} {:<8} {:<6} {:>8} {:>6} {:>7} {:>7} {:>9}  HEALTH",
            "ID", "VERSION", "API", "SERVICES", "HOOKS", "EVENTS", "ROUTES", "START MS"
        );
        for row in &self.rows {
            let Row {
                id,
                version,
                api,
                services,
                hooks,
                events,
                routes,
                start_ms,
                health,
            } = row;
            let _ = writeln!(
                out,
                "  {id:<24} {version:<8} {api:<6} {services:>8} {hooks:>6} {events:>7} {routes:>7} {start_ms:>9.1}  {health}"
            );
        }
        let _ = writeln!(out, "  findings {:>15}", self.findings.len());
        for finding in &self.findings {
            let _ = writeln!(out, "  {finding}");
        }
        out
    }
}

/// Builds, looks and starts.
pub(crate) fn run() -> Result<Report> {
    build::build(Profile::Dev)?;
    let mut report = Report::default();
    let scratch = paths::target().join("audit-plugins");
    drop(std::fs::remove_dir_all(&scratch));
    let folder = scratch.join("plugins");
    let runtime_folder = RuntimeFolder::open(&scratch.join("inspect"))?;
    let mut inspections = Vec::new();
    for plugin in build::plugins()? {
        build::place(&plugin, &Profile::Dev.folder(), &folder)?;
        match inspect(&folder.join(&plugin.library), &runtime_folder) {
            Ok(inspection) => inspections.push(inspection),
            Err(refusal) => report.findings.push(format!("{}: {}", plugin.library, refusal.reason)),
        }
    }
    for inspection in &inspections {
        check_library(inspection, &mut report.findings);
    }
    started(&folder, &scratch, &inspections, &mut report).context("start the plugins")?;
    Ok(report)
}

/// What can be seen without running it.
fn check_library(inspection: &Inspection, findings: &mut Vec<String>) {
    let id = inspection.document.id();
    let mut find = |text: String| findings.push(format!("{id}: {text}"));
    if inspection.exports != [ENTRY_SYMBOL] {
        find(format!(
            "exports {} and should export {ENTRY_SYMBOL} alone",
            inspection.exports.join(", ")
        ));
    }
    for path in inspection.document.objectos.settings.iter().flat_map(unmarked) {
        find(format!(
            "the setting {path} looks like a secret: mark it with \"writeOnly\": true in plugin.json"
        ));
    }
    match &inspection.document.build {
        None => find("does not say what built it".to_owned()),
        Some(build) => {
            if build.api.to_string() != objectos_plugin_api::abi::API_VERSION {
                find(format!("was built with plugin-api {}", build.api));
            }
            if build.panic != PanicStrategy::Unwind {
                find("was not built to unwind".to_owned());
            }
        }
    }
    if inspection.document.version().to_string() != env!("CARGO_PKG_VERSION") {
        find(format!(
            "has version {}, the workspace has {}",
            inspection.document.version(),
            env!("CARGO_PKG_VERSION")
        ));
    }
    if inspection.document.manifest.id != inspection.document.security.plugin_id {
        find(format!(
            "security.pluginId is {}",
            inspection.document.security.plugin_id
        ));
    }
}

/// Starts everything and looks at the kernel's report.
fn started(folder: &Path, scratch: &Path, inspections: &[Inspection], report: &mut Report) -> Result<()> {
    let problems = |what: &str| anyhow::anyhow!("the default {what} are refused");
    let policy = Policy {
        trust: TrustPolicy::new(&TrustConfig::default(), RuntimeMode::Development).map_err(|_| problems("trust"))?,
        grants: GrantPolicy::new(None, RuntimeMode::Development, scratch).map_err(|_| problems("grants"))?,
        prefer: Default::default(),
    };
    let data = scratch.join("data");
    let mut options = KernelOptions::new(folder.to_path_buf(), data.clone(), data.join("run"), policy);
    options.host_settings = json!({ "apps": [], "listen": "127.0.0.1:0", "mode": "development", "dataDirectory": data, "pluginDirectory": folder });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .on_thread_start(loader::on_thread_start)
        .on_thread_park(loader::on_thread_park)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (kernel, start) = Kernel::boot(options, tokio::runtime::Handle::current()).await?;
        let health = kernel.health();
        for line in &start.plugins {
            let status = health.plugins.get(&line.id).map_or_else(
                || "unknown".to_owned(),
                |report| format!("{:?}", report.status).to_lowercase(),
            );
            look_at(line, status, inspections, report);
        }
        for refusal in &start.refused {
            report
                .findings
                .push(format!("{}: {}", refusal.path.display(), refusal.reason));
        }
        kernel.shutdown(STOP_LIMIT).await;
        Ok(())
    })
}

fn look_at(line: &PluginLine, health: String, inspections: &[Inspection], report: &mut Report) {
    if line.state != "running" {
        report.findings.push(format!(
            "{}: is {}: {}",
            line.id,
            line.state,
            line.reason.as_deref().unwrap_or("no reason")
        ));
    }
    for warning in &line.warnings {
        report.findings.push(format!("{}: {warning}", line.id));
    }
    if line.result.as_ref().is_none_or(|result| !result.success) {
        report
            .findings
            .push(format!("{}: has no startup result that says success", line.id));
    }
    let Some(inspection) = inspections
        .iter()
        .find(|inspection| inspection.document.id() == line.id)
    else {
        return;
    };
    let declared = &inspection.document.objectos;
    if line.services.len() != declared.services.provides.len() {
        let text = format!(
            "declares {} services and offers {}",
            declared.services.provides.len(),
            line.services.len()
        );
        report.findings.push(format!("{}: {text}", line.id));
    }
    if line.routes != declared.routes.len() {
        report.findings.push(format!(
            "{}: declares {} routes and answers {}",
            line.id,
            declared.routes.len(),
            line.routes
        ));
    }
    report.rows.push(Row {
        id: line.id.clone(),
        version: line.version.clone(),
        api: declared.api.to_string(),
        services: line.services.len(),
        hooks: declared.hooks.handles.len() + declared.hooks.runs.len(),
        events: declared.events.handles.len() + declared.events.publishes.len(),
        routes: line.routes,
        start_ms: line.start_ms,
        health,
    });
}
