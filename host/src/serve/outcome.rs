//! How a start went: what is told of it, and what of it ends the host.

use objectos_kernel::{
    Error as KernelError, PluginLine, StartReport,
    package::{Refusal, RefusalReason},
};
use objectos_plugin_api::{ADDRESS_UNAVAILABLE, CONFIGURATION_ERROR};
use serde_json::Value;

use crate::{
    exit::Exit,
    out,
    plugins::CommandError,
    settings::{Settings, unknown_plugins, unknown_variables},
};

/// The kernel could not start at all.
pub(super) fn start_failed(error: &KernelError) -> CommandError {
    let exit = match error {
        KernelError::Directory { .. } | KernelError::RuntimeFolder { .. } => Exit::Missing,
        KernelError::EventBus { .. } => Exit::Configuration,
        _ => Exit::Startup,
    };
    CommandError::new(exit, error.chain())
}

/// The report, for people as a table, for programs as one line a plugin.
pub(super) fn tell_report(settings: &Settings, report: &StartReport) {
    if settings.log_format.value == "human" {
        out::complain(&report.to_string());
        return;
    }
    for plugin in &report.plugins {
        tracing::info!(
            plugin = plugin.id,
            version = plugin.version,
            state = plugin.state,
            start_ms = plugin.start_ms,
            reason = plugin.reason.as_deref().unwrap_or_default(),
            "plugin"
        );
    }
    for refusal in &report.refused {
        tracing::warn!(path = %refusal.path.display(), reason = %refusal.reason, remedy = refusal.remedy, "plugin refused");
    }
}

/// Warns of what was written and means nothing here.
pub(super) fn tell_unknown(settings: &Settings, plugins: &Value, report: &StartReport) {
    let running = report.plugins.iter().map(|plugin| plugin.id.as_str());
    let refused = report.refused.iter().filter_map(|refusal| refusal.plugin.as_deref());
    let known: Vec<&str> = running.chain(refused).collect();
    let set = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let unknown = unknown_plugins(settings, &known);
    for sentence in unknown.iter().chain(&unknown_variables(set, &readable(plugins))) {
        tracing::warn!("{sentence}");
    }
}

/// Names of variables that plugins asked for, as their grants tell; one may end in `*`.
fn readable(plugins: &Value) -> Vec<String> {
    const READ: &str = "env:read";
    let mut names = Vec::new();
    for plugin in plugins["plugins"].as_array().into_iter().flatten() {
        let grants = &plugin["grants"];
        for grant in grants["granted"].as_array().into_iter().flatten() {
            if grant["capability"] == READ {
                names.extend(grant["scope"].as_str().map(str::to_owned));
            }
        }
        for withheld in grants["withheld"].as_array().into_iter().flatten() {
            let rule = withheld["rule"].as_str().unwrap_or_default();
            names.extend(
                rule.strip_prefix(READ)
                    .map(|scope| scope.trim_start_matches(':').to_owned()),
            );
        }
    }
    names
}

/// The failure that should end the start: what a plugin says so of, or a configuration that kept it from being loaded at all.
/// Only of a plugin that the host cannot do without: anybody else's costs its own function.
pub(super) fn ends_start(report: &StartReport) -> Option<CommandError> {
    let essential = |id: &str| report.essential.contains(id);
    let mut refused = report
        .refused
        .iter()
        .filter(|refusal| refusal.plugin.as_deref().is_some_and(essential));
    let mut started = report.plugins.iter().filter(|plugin| plugin.essential);
    refused.find_map(unusable).or_else(|| started.find_map(failed))
}

/// A plugin whose configuration is refused before its code could be asked.
pub(super) fn unusable(refusal: &Refusal) -> Option<CommandError> {
    if !matches!(refusal.reason, RefusalReason::SettingsInvalid { .. }) {
        return None;
    }
    let name = refusal.plugin.as_deref().unwrap_or_default();
    let text = format!("{name}: {}; {}", refusal.reason, refusal.remedy);
    Some(CommandError::new(Exit::Configuration, text))
}

fn failed(plugin: &PluginLine) -> Option<CommandError> {
    let error = plugin.result.as_ref()?.error.as_ref()?;
    let exit = match error.code.as_deref() {
        Some(CONFIGURATION_ERROR) => Exit::Configuration,
        Some(ADDRESS_UNAVAILABLE) => Exit::Address,
        _ => return None,
    };
    Some(CommandError::new(exit, format!("{}: {}", plugin.id, error.message)))
}

/// A host at whose plugins nobody can knock serves nobody, so it does not stay: what is told names everything that is down.
pub(super) fn nobody_listens(settings: &Settings, report: &StartReport) -> CommandError {
    let plugins = report.plugins.iter().filter(|plugin| plugin.state != "running");
    let mut down: Vec<String> = plugins
        .map(|plugin| {
            format!(
                "{} ({})",
                plugin.id,
                first_line(plugin.reason.as_deref().unwrap_or("it is down"))
            )
        })
        .collect();
    let known = |id: Option<&str>| report.plugins.iter().any(|plugin| Some(plugin.id.as_str()) == id);
    let refused = report
        .refused
        .iter()
        .filter(|refusal| !known(refusal.plugin.as_deref()));
    down.extend(refused.map(|refusal| {
        let name = refusal
            .plugin
            .clone()
            .unwrap_or_else(|| refusal.path.display().to_string());
        format!("{name} ({})", first_line(&refusal.reason.to_string()))
    }));
    let remedy = if down.is_empty() {
        format!(
            "put a gateway, such as the plugin server, into {}, or name another folder with --plugins",
            settings.plugins.value.display()
        )
    } else {
        format!("these did not start: {}", down.join("; "))
    };
    CommandError::new(
        Exit::Startup,
        format!("no plugin listens at any address, so nobody could be served: {remedy}"),
    )
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
