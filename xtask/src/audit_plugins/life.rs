//! A plugin's whole life, in a kernel with a clock of its own: start, a probe of its health, a swap for itself (`suspend`,
//! `resume`, and its health once more), stop. What fails in it is a finding.

use anyhow::{Result, bail};
use objectos_kernel::{
    Kernel, KernelOptions, PluginLine, Policy,
    clock::ManualClock,
    discover::Inspection,
    grants::GrantPolicy,
    loader,
    trust::{TrustConfig, TrustPolicy},
};
use objectos_protocol::kernel::{PluginHealthStatus, RuntimeMode};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::runtime::Handle;

use super::{Report, Row, objects, told::Told};

/// How long the plugins may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// How long a probe, or the end of a version that was swapped, may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How often it is looked whether that came.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// The kernel tells so of a library that it cannot unmap.
const KEPT: &str = "the library of a plugin was kept in memory";

/// Everything that the audit of one folder needs.
struct Audit {
    kernel: Kernel,
    clock: ManualClock,
    inspections: Vec<Inspection>,
    told: Told,
    report: Report,
}

/// Starts the plugins of a folder and goes through their lives.
pub(super) fn check(
    folder: &Path,
    scratch: &Path,
    settings: &Value,
    inspections: Vec<Inspection>,
    report: Report,
) -> Result<Report> {
    let clock = ManualClock::new(now_ms()?);
    let options = options(folder, scratch, settings, &clock)?;
    let told = Told::default();
    let listener = told.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .on_thread_start(move || {
            loader::on_thread_start();
            listener.listen();
        })
        .on_thread_park(loader::on_thread_park)
        .enable_all()
        .build()?;
    // On a thread of the runtime, as a host does: the kernel keeps account of what plugins leave on those.
    let task = runtime.spawn(async move {
        let (kernel, start) = Kernel::boot(options, Handle::current()).await?;
        let mut audit = Audit {
            kernel,
            clock,
            inspections,
            told,
            report,
        };
        for refusal in &start.refused {
            let path = refusal.path.display().to_string();
            audit.report.find(&path, &refusal.reason.to_string());
        }
        // What was said of the start is in its report.
        drop(audit.told.taken());
        audit.run(&start.plugins).await;
        Ok::<_, anyhow::Error>(audit.report)
    });
    runtime.block_on(task)?
}

fn now_ms() -> Result<i64> {
    Ok(i64::try_from(
        SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis(),
    )?)
}

fn options(folder: &Path, scratch: &Path, settings: &Value, clock: &ManualClock) -> Result<KernelOptions> {
    let refused = |what: &str| anyhow::anyhow!("the default {what} are refused");
    let policy = Policy {
        trust: TrustPolicy::new(&TrustConfig::default(), RuntimeMode::Development).map_err(|_| refused("trust"))?,
        grants: GrantPolicy::new(None, RuntimeMode::Development, scratch).map_err(|_| refused("grants"))?,
        prefer: Default::default(),
    };
    let data = scratch.join("data");
    let mut options = KernelOptions::new(PathBuf::from(folder), data.clone(), data.join("run"), policy);
    options.host_settings = json!({
        "apps": [], "listen": "127.0.0.1:0", "mode": "development", "dataDirectory": data, "pluginDirectory": folder
    });
    for (id, configuration) in settings.as_object().into_iter().flatten() {
        options.plugin_settings.insert(id.clone(), configuration.clone());
    }
    options.clock = Arc::new(clock.clone());
    Ok(options)
}

impl Audit {
    async fn run(&mut self, lines: &[PluginLine]) {
        for line in lines {
            self.look_at(line);
        }
        self.probe().await;
        objects::check(&self.kernel, &self.inspections, &mut self.report).await;
        for line in lines.iter().filter(|line| line.state == "running") {
            self.swap(&line.id).await;
        }
        let unloads = self.kernel.metrics()["unloading"] == json!(true);
        self.kernel.shutdown(STOP_LIMIT).await;
        for (plugin, text) in self.told.taken() {
            // This program may not be linked so that libraries can go; the tests of the host look for that.
            if unloads || !text.starts_with(KEPT) {
                self.report.find(&plugin, &text);
            }
        }
    }

    /// What the start says of one plugin, held against its manifest.
    fn look_at(&mut self, line: &PluginLine) {
        let running = line.state == "running";
        if !running {
            let reason = line.reason.as_deref().unwrap_or("no reason");
            self.report.find(&line.id, &format!("is {}: {reason}", line.state));
        }
        for warning in &line.warnings {
            self.report.find(&line.id, warning);
        }
        if line.result.as_ref().is_none_or(|result| !result.success) {
            self.report.find(&line.id, "has no startup result that says success");
        }
        let found = self
            .inspections
            .iter()
            .find(|inspection| inspection.document.id() == line.id);
        let Some(inspection) = found else { return };
        let told = self.plugin(&line.id);
        let count = |key: &str| told[key].as_array().map_or(0, Vec::len);
        let declared = &inspection.document.objectos;
        self.report.rows.push(Row {
            id: line.id.clone(),
            version: line.version.clone(),
            api: declared.api.to_string(),
            services: (line.services.len(), declared.services.provides.len()),
            hooks: (count("hooks"), declared.hooks.handles.len()),
            events: (count("events"), declared.events.handles.len()),
            routes: (line.routes, declared.routes.len()),
            objects: (0, declared.objects.len()),
            start_ms: line.start_ms,
            health: if running { "not asked" } else { "down" }.to_owned(),
        });
    }

    /// One plugin, as the service `kernel` tells of it.
    fn plugin(&self, id: &str) -> Value {
        let told = self.kernel.plugins();
        let mut plugins = told["plugins"].as_array().into_iter().flatten();
        let found = plugins.find(|plugin| plugin["id"] == id).cloned();
        found.unwrap_or_default()
    }

    /// Has the kernel's monitor ask every plugin that runs, and reads what each said.
    async fn probe(&mut self) {
        let interval_ms = self
            .inspections
            .iter()
            .filter_map(|inspection| i64::try_from(inspection.document.objectos.health.interval).ok())
            .max()
            .unwrap_or(0);
        let before: BTreeMap<String, String> = self
            .kernel
            .health()
            .plugins
            .into_iter()
            .map(|(id, health)| (id, health.timestamp))
            .collect();
        let running: Vec<usize> = (0..self.report.rows.len())
            .filter(|index| self.report.rows[*index].health == "not asked")
            .collect();
        let since = Instant::now();
        let mut waiting = running.clone();
        while !waiting.is_empty() && since.elapsed() < ANSWER_LIMIT {
            // The monitor may not have looked at its plugins yet; then it takes another round.
            self.clock.advance_ms(interval_ms);
            for _ in 0..20 {
                tokio::time::sleep(LOOK_AGAIN).await;
                let health = self.kernel.health();
                waiting.retain(|index| {
                    let row = &mut self.report.rows[*index];
                    let Some(told) = health.plugins.get(&row.id) else {
                        return true;
                    };
                    if before.get(&row.id) == Some(&told.timestamp) {
                        return true;
                    }
                    row.health = format!("{:?}", told.status).to_lowercase();
                    if told.status != PluginHealthStatus::Healthy {
                        let reason = told.message.as_deref().unwrap_or("it does not say why");
                        let finding = format!("{}: is {} when it is asked: {reason}", row.id, row.health);
                        self.report.findings.push(finding);
                    }
                    false
                });
                if waiting.is_empty() {
                    break;
                }
            }
        }
        for index in waiting {
            let id = self.report.rows[index].id.clone();
            self.report.find(&id, "was not asked for its health in time");
        }
        for index in running {
            let id = self.report.rows[index].id.clone();
            if self.plugin(&id)["generation"] != json!(1) {
                self.report
                    .find(&id, "had to be started again when it was asked for its health");
            }
        }
    }

    /// Puts a plugin in the place of itself and waits until the old one is gone.
    async fn swap(&mut self, id: &str) {
        let swapped = tokio::time::timeout(ANSWER_LIMIT, self.kernel.swap(id)).await;
        let problem = match swapped {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.chain()),
            Err(_) => Some("it does not end".to_owned()),
        };
        if let Some(problem) = problem {
            self.report
                .find(id, &format!("cannot be swapped for itself: {problem}"));
            return;
        }
        if let Err(error) = self.retired(id).await {
            self.report.find(id, &error.to_string());
        }
    }

    async fn retired(&self, id: &str) -> Result<()> {
        let since = Instant::now();
        while !self.plugin(id)["lastSwap"]["unmapped"].is_boolean() {
            if since.elapsed() > ANSWER_LIMIT {
                bail!("the version that was swapped out did not come to its end");
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }
}
