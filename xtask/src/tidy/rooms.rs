//! What each room must not know, as far as its dependencies tell: the README's table. Tests may know more, so
//! `[dev-dependencies]` are not looked at; what a crate names in its public types, no list of dependencies can tell.

use anyhow::{Context, Result};
use std::{collections::BTreeSet, fs, path::Path};

use crate::supply::document::{entries, texts, value};

/// Crates that speak HTTP.
const HTTP: [&str; 6] = [
    "hyper",
    "hyper-util",
    "http",
    "http-body",
    "http-body-util",
    "tokio-rustls",
];
/// Crates that speak to a database.
const DATABASE: [&str; 9] = [
    "sqlx",
    "sqlx-core",
    "rusqlite",
    "libsqlite3-sys",
    "tokio-postgres",
    "postgres",
    "diesel",
    "sea-orm",
    "mysql_async",
];
/// Crates that read YAML.
const YAML: [&str; 4] = ["serde-saphyr", "granit-parser", "serde_yaml", "saphyr"];
/// Crates of ours that are plugins.
const PLUGINS: [&str; 9] = [
    "objectos-audit",
    "objectos-auth",
    "objectos-data",
    "objectos-graphql",
    "objectos-notification",
    "objectos-permissions",
    "objectos-realtime",
    "objectos-server",
    "objectos-storage",
];
/// Crates that are the ABI: only plugin-api may name them, so that there is one version of them.
const ABI: [&str; 2] = ["abi_stable", "async-ffi"];

/// A rule: for crates in this folder (and below), these dependencies are nothing to know.
struct Rule {
    room: &'static str,
    unknown: &'static [&'static [&'static str]],
}

const RULES: [Rule; 6] = [
    Rule {
        room: "kernel",
        unknown: &[&HTTP, &DATABASE, &YAML, &PLUGINS],
    },
    Rule {
        room: "plugin-api",
        unknown: &[&HTTP, &DATABASE, &YAML, &PLUGINS, &["objectos-kernel"]],
    },
    Rule {
        room: "plugins",
        unknown: &[&PLUGINS, &["objectos-kernel"]],
    },
    Rule {
        room: "host",
        unknown: &[&HTTP, &DATABASE, &PLUGINS, &["objectos-expression"]],
    },
    Rule {
        room: "plugin-api/expression",
        unknown: &[&["objectos-plugin-api", "objectos-protocol"]],
    },
    Rule {
        room: "plugins/server",
        unknown: &[&YAML, &["objectos-expression"]],
    },
];

/// Folders of the workspace's crates.
///
/// # Errors
/// When `Cargo.toml` cannot be read.
pub(super) fn members(root: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(root.join("Cargo.toml")).context("read Cargo.toml")?;
    let workspace = entries(&text).context("read Cargo.toml")?;
    Ok(value(&workspace, "workspace", "members").map(texts).unwrap_or_default())
}

/// A finding for each dependency of a crate that its room must not know. `text` is its `Cargo.toml`.
///
/// # Errors
/// When that cannot be read.
pub(super) fn check(folder: &str, text: &str) -> Result<Vec<String>> {
    let known = dependencies(text).with_context(|| format!("read {folder}/Cargo.toml"))?;
    let mut found = Vec::new();
    let mut refuse = |name: &str, why: &str| found.push(format!("{folder}/Cargo.toml: depends on {name}: {why}"));
    for rule in RULES.iter().filter(|rule| Path::new(folder).starts_with(rule.room)) {
        for name in rule
            .unknown
            .iter()
            .copied()
            .flatten()
            .filter(|name| known.contains(**name))
        {
            refuse(
                name,
                &format!("{} must not know it (see the table in README.md)", rule.room),
            );
        }
    }
    // Benchmarks measure against a driver by itself, and one fixture forges the ABI.
    if folder != "plugins/data" && folder != "tests/bench" {
        for name in DATABASE.iter().filter(|name| known.contains(**name)) {
            refuse(name, "only plugins/data links a database driver");
        }
    }
    if folder != "plugin-api" && folder != "tests/fixtures/impostor" {
        for name in ABI.iter().filter(|name| known.contains(**name)) {
            refuse(name, "only plugin-api names what the ABI is made of");
        }
    }
    Ok(found)
}

/// Names of what a crate is built with, tests apart. A renamed dependency goes by the name of its package.
fn dependencies(text: &str) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in entries(text)? {
        let mut parts = entry.section.split('.').rev();
        let last = parts.next().unwrap_or_default();
        let own = |section: &str| section == "dependencies" || section == "build-dependencies";
        // `[dependencies]` and `[target.….dependencies]`, or `[dependencies.NAME]`.
        if own(last) {
            let key = entry.key.split('.').next().unwrap_or_default();
            let package = entry.value.split_once("package =").map(|(_, rest)| texts(rest));
            let package = package.and_then(|names| names.into_iter().next());
            found.insert(package.unwrap_or_else(|| key.to_owned()));
        } else if parts.next().is_some_and(own) {
            found.insert(last.to_owned());
        }
    }
    Ok(found)
}
