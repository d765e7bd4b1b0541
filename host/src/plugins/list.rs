//! `plugins list`: from the running host when there is one, else from the files alone.

use objectos_kernel::{
    discover::survey,
    package::{Candidate, Refusal},
};
use serde_json::{Value, json};

use super::{CommandError, Policy, inspect::describe, resolved, tell};
use crate::{control, exit::Exit, settings::Settings};

const HEAD: [&str; 10] = [
    "ID", "VERSION", "STATE", "HEALTH", "TRUST", "HASH", "GRANTS", "START MS", "PATH", "REASON",
];
/// Characters of a hash in a table; JSON has all of it.
const HASH_CHARS: usize = 12;

pub(super) async fn list(settings: &Settings, json: bool) -> Result<Exit, CommandError> {
    if let Some(report) = control::ask_if_running(&settings.data.value, &json!({ "command": "plugins" })).await? {
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
    let listed = |name: &str| report[name].as_array().into_iter().flatten();
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(listed("plugins").map(plugin));
    // A plugin that was resolved and did not start stands in both lists.
    let known = |refused: &Value| listed("plugins").any(|plugin| plugin["id"] == refused["plugin"]);
    rows.extend(listed("refused").filter(|refusal| !known(refusal)).map(refused));
    table(&rows)
}

fn text(value: &Value) -> String {
    let line = value.as_str().and_then(|text| text.lines().next());
    line.filter(|line| !line.is_empty()).unwrap_or("-").to_owned()
}

fn hash(value: &Value) -> String {
    text(value).chars().take(HASH_CHARS).collect()
}

fn plugin(plugin: &Value) -> [String; 10] {
    let granted = plugin["grants"]["granted"].as_array().map_or(0, Vec::len);
    [
        text(&plugin["id"]),
        text(&plugin["version"]),
        text(&plugin["state"]),
        text(&plugin["health"]["status"]),
        text(&plugin["trust"]),
        hash(&plugin["sha256"]),
        granted.to_string(),
        format!("{:.1}", plugin["startMs"].as_f64().unwrap_or_default()),
        text(&plugin["path"]),
        text(&plugin["reason"]),
    ]
}

fn refused(refusal: &Value) -> [String; 10] {
    let nothing = || "-".to_owned();
    [
        text(&refusal["plugin"]),
        text(&refusal["version"]),
        "refused".to_owned(),
        nothing(),
        text(&refusal["trust"]),
        hash(&refusal["sha256"]),
        nothing(),
        nothing(),
        text(&refusal["path"]),
        text(&refusal["reason"]),
    ]
}

fn table(rows: &[[String; 10]]) -> String {
    let widths: [usize; 10] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    });
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What would happen, without a running host.
fn offline(settings: &Settings, json: bool) -> Result<Exit, CommandError> {
    let policy = Policy::looking(settings)?;
    let found = survey(&policy.request(&settings.plugins.value));
    let resolution = resolved(settings, &found.candidates, &found.refusals)?;
    let refusals = || found.refusals.iter().chain(&resolution.refusals);
    if json {
        let plugins: Vec<Value> = resolution.in_order().map(|plugin| loadable(plugin)).collect();
        let refused: Vec<Value> = refusals().map(unloadable).collect();
        tell(&format!("{:#}", json!({ "plugins": plugins, "refused": refused })));
        return Ok(Exit::Success);
    }
    tell(&format!(
        "no host is running with this data folder; these are the files in {}",
        settings.plugins.value.display()
    ));
    for (level, plugins) in resolution.levels.iter().enumerate() {
        for plugin in plugins {
            tell(&format!(
                "loadable: {} (level {}), trust {}, sha256 {}, {} grants",
                plugin.label(),
                level + 1,
                text(&json!(plugin.trust.level)),
                hash(&json!(plugin.sha256.to_string())),
                plugin.grants.granted().len()
            ));
        }
    }
    refusals().for_each(|refusal| tell(&describe(refusal)));
    Ok(Exit::Success)
}

fn loadable(plugin: &Candidate) -> Value {
    json!({
        "id": plugin.id(), "version": plugin.version().to_string(), "state": "loadable", "path": plugin.path,
        "sha256": plugin.sha256.to_string(), "trust": plugin.trust.level, "grants": plugin.grants,
    })
}

fn unloadable(refusal: &Refusal) -> Value {
    json!({
        "id": refusal.plugin, "path": refusal.path, "reason": refusal.reason.to_string(), "chain": refusal.chain,
        "remedy": refusal.remedy,
    })
}

#[cfg(test)]
mod tests {
    use super::running;
    use serde_json::json;

    #[test]
    fn the_table_tells_what_an_operator_asks_for() {
        let report = json!({
            "plugins": [{
                "id": "a.b", "version": "1.0.0", "state": "running", "health": { "status": "healthy" }, "trust": "trusted",
                "sha256": "0123456789abcdef", "grants": { "granted": [{}, {}] }, "startMs": 12.34, "path": "/p/a.so"
            }],
            "refused": [
                { "path": "/p/text.so", "reason": "not an ELF file" },
                { "plugin": "a.b", "path": "/p/a.so", "reason": "told above" }
            ]
        });
        let expected = "\
ID   VERSION  STATE    HEALTH   TRUST    HASH          GRANTS  START MS  PATH        REASON
a.b  1.0.0    running  healthy  trusted  0123456789ab  2       12.3      /p/a.so     -
-    -        refused  -        -        -             -       -         /p/text.so  not an ELF file";
        assert_eq!(running(&report), expected);
    }
}
