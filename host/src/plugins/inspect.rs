//! `plugins inspect`: a library's manifest. No code of the library runs. Also how refusals are told.

use objectos_kernel::{
    discover::{Inspection, RuntimeFolder, inspect as read},
    package::{Refusal, idle_parts},
};
use std::path::Path;

use super::{CommandError, tell};
use crate::exit::Exit;

pub(super) fn inspect(file: &Path, json: bool) -> Result<Exit, CommandError> {
    let folder = std::env::temp_dir().join(format!("objectos-inspect-{}", std::process::id()));
    let runtime = RuntimeFolder::open(&folder).map_err(|error| CommandError::new(Exit::Internal, error.to_string()))?;
    let inspection = read(file, &runtime);
    drop(std::fs::remove_dir_all(&folder));
    let inspection = match inspection {
        Ok(inspection) => inspection,
        Err(refusal) => return Ok(refused(&refusal)),
    };
    if json {
        let text = serde_json::to_string_pretty(&inspection)
            .map_err(|error| CommandError::new(Exit::Internal, error.to_string()))?;
        tell(&text);
    } else {
        tell(&text(&inspection));
    }
    Ok(Exit::Success)
}

fn text(inspection: &Inspection) -> String {
    let document = &inspection.document;
    let declared = &document.objectos;
    let mut lines = vec![
        format!("{} {} ({})", document.id(), document.version(), document.manifest.name),
        format!(
            "file        {} ({} bytes)",
            inspection.path.display(),
            inspection.size_bytes
        ),
        format!("sha256      {}", inspection.sha256),
        format!("api         {}", declared.api),
    ];
    if let Some(build) = &document.build {
        lines.push(format!(
            "built       by {} for {} against {}",
            build.rustc, build.target, build.api
        ));
    }
    for (name, values) in lists(inspection) {
        if !values.is_empty() {
            lines.push(format!("{name:<11} {}", values.join(", ")));
        }
    }
    lines.join("\n")
}

/// What a plugin declares, and what its library imports that tells something of it.
fn lists(inspection: &Inspection) -> Vec<(&'static str, Vec<String>)> {
    let declared = &inspection.document.objectos;
    let (services, hooks, events) = (&declared.services, &declared.hooks, &declared.events);
    let provides = services.provides.iter();
    let uses = services.uses.iter();
    let handles = hooks.handles.iter();
    let listens = events.handles.iter();
    let routes = declared.routes.iter();
    let imports = inspection.imports.iter().filter(|name| suspicious(name));
    vec![
        (
            "provides",
            provides
                .map(|service| format!("{} {}", service.name, service.version))
                .collect(),
        ),
        (
            "uses",
            uses.map(|service| format!("{} {}", service.name, service.range))
                .collect(),
        ),
        (
            "handles",
            handles
                .map(|name| format!("hook {name}{}", marked(&hooks.optional, name)))
                .collect(),
        ),
        ("runs", hooks.runs.iter().map(|name| format!("hook {name}")).collect()),
        (
            "listens",
            listens
                .map(|pattern| format!("{pattern}{}", marked(&events.optional, pattern)))
                .collect(),
        ),
        ("publishes", events.publishes.clone()),
        (
            "routes",
            routes
                .map(|route| format!("{} {}", route.method.as_str(), route.path))
                .collect(),
        ),
        (
            "commands",
            declared.commands.iter().map(|command| command.name.clone()).collect(),
        ),
        ("imports", imports.cloned().collect()),
        ("no effect", idle_parts(&inspection.document)),
    ]
}

/// The mark of what the plugin's configuration may leave out.
fn marked(optional: &[String], name: &String) -> &'static str {
    if optional.contains(name) { " (optional)" } else { "" }
}

/// Imports that tell something about what a plugin may do.
fn suspicious(name: &str) -> bool {
    [
        "sigaction",
        "signal",
        "atexit",
        "fork",
        "vfork",
        "execve",
        "system",
        "posix_spawn",
    ]
    .contains(&name)
}

/// Says why not.
pub(super) fn refused(refusal: &Refusal) -> Exit {
    tell(&describe(refusal));
    Exit::Failed
}

/// A refusal in words, with the chain and the remedy.
pub(super) fn describe(refusal: &Refusal) -> String {
    let mut lines = vec![format!("refused: {}: {}", refusal.path.display(), refusal.reason)];
    lines.extend(refusal.chain.iter().map(|link| format!("  because {link}")));
    if !refusal.remedy.is_empty() {
        lines.push(format!("  to do: {}", refusal.remedy));
    }
    lines.join("\n")
}
