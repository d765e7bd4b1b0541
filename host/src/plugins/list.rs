//! `plugins list`: from the running host when there is one, else from the files alone.

use objectos_kernel::{
    discover::survey,
    resolve::{ResolveRequest, resolve},
};
use serde_json::{Value, json};

use super::{CommandError, Policy, inspect::describe, policy::section, tell};
use crate::{control, exit::Exit, settings::Settings};

pub(super) async fn list(settings: &Settings, json: bool) -> Result<Exit, CommandError> {
    if let Ok(report) = control::ask(&settings.data.value, &json!({ "command": "plugins" })).await {
        tell(&if json { format!("{report:#}") } else { running(&report) });
        return Ok(Exit::Success);
    }
    settings
        .check_folders()
        .map_err(|error| CommandError::new(error.exit(), error.to_string()))?;
    offline(settings, json)
}

/// The running host's report as a table.
fn running(report: &Value) -> String {
    let mut lines = vec![format!(
        "{:<24} {:<10} {:<10} {:<11} REASON",
        "ID", "VERSION", "STATE", "TRUST"
    )];
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or("-").to_owned();
    for plugin in report["plugins"].as_array().into_iter().flatten() {
        lines.push(format!(
            "{:<24} {:<10} {:<10} {:<11} {}",
            text(plugin, "id"),
            text(plugin, "version"),
            text(plugin, "state"),
            text(plugin, "trust"),
            plugin["reason"].as_str().unwrap_or_default()
        ));
    }
    for refused in report["refused"].as_array().into_iter().flatten() {
        lines.push(format!(
            "{:<24} {:<10} {:<10} {:<11} {}",
            text(refused, "path"),
            "-",
            "refused",
            "-",
            text(refused, "reason")
        ));
    }
    lines.join("\n")
}

/// What would happen, without a running host.
fn offline(settings: &Settings, json: bool) -> Result<Exit, CommandError> {
    let policy = Policy::of(settings)?;
    let found = survey(&policy.request(&settings.plugins.value));
    let prefer = section(settings, "prefer")?;
    let kernel_services = objectos_kernel::kernel_services();
    let request = ResolveRequest {
        kernel_services: &kernel_services,
        host_commands: &["plugins"],
        prefer: prefer.as_ref(),
        refused: &found.refusals,
    };
    let resolution = resolve(&found.candidates, &request);
    if json {
        let plugins: Vec<Value> = resolution
            .in_order()
            .map(|plugin| {
                json!({
                    "id": plugin.id(), "version": plugin.version().to_string(), "state": "loadable",
                    "path": plugin.path, "sha256": plugin.sha256.to_string(), "trust": plugin.trust.level,
                })
            })
            .collect();
        let refused: Vec<Value> = found
            .refusals
            .iter()
            .chain(&resolution.refusals)
            .map(|refusal| {
                json!({ "id": refusal.plugin, "path": refusal.path, "reason": refusal.reason.to_string(), "chain": refusal.chain, "remedy": refusal.remedy })
            })
            .collect();
        tell(&format!("{:#}", json!({ "plugins": plugins, "refused": refused })));
        return Ok(Exit::Success);
    }
    tell(&format!(
        "no host is running with this data folder; these are the files in {}",
        settings.plugins.value.display()
    ));
    for (level, plugins) in resolution.levels.iter().enumerate() {
        for plugin in plugins {
            tell(&format!("loadable: {} (level {})", plugin.label(), level + 1));
        }
    }
    for refusal in found.refusals.iter().chain(&resolution.refusals) {
        tell(&describe(refusal));
    }
    Ok(Exit::Success)
}
