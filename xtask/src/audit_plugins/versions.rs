//! Whether everything in the repository that has a version has the right one: the crates of the workspace, what they say of
//! each other, the `plugin.json` beside them, the example and the crate that `plugins new` writes.
//!
//! Crates below `plugin-api` share one version, which is that of the ABI; all others share the workspace's.

use anyhow::{Context, Result};
use semver::{Version, VersionReq};
use serde_json::Value;
use std::{fs, path::Path};

use super::library::judge;
use crate::supply::document::{Entry, entries, texts, value};

/// What `plugins new` writes.
const TEMPLATE: &str = "host/src/plugins/new";
/// A third party's crate, with a lock file of its own.
const EXAMPLE: &str = "examples/hello-plugin";
/// The crate whose version is that of the ABI; those below it share it.
const API: &str = "plugin-api";

/// Findings, each with its file.
///
/// # Errors
/// A file that cannot be read, or a version that is none.
pub(super) fn check(root: &Path) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let workspace = document(root, "Cargo.toml")?;
    let text = |section: &str, key: &str| -> Result<String> {
        let value = value(&workspace, section, key).with_context(|| format!("Cargo.toml: [{section}] has no {key}"))?;
        Ok(texts(value).into_iter().next().unwrap_or_default())
    };
    let own = text("workspace.package", "version")?;
    let rust = text("workspace.package", "rust-version")?;
    let members = value(&workspace, "workspace", "members").map(texts).unwrap_or_default();
    let api = version_of(&document(root, &format!("{API}/Cargo.toml"))?, &own);
    let expected = |folder: &str| if folder.starts_with(API) { &api } else { &own };
    for member in &members {
        let file = format!("{member}/Cargo.toml");
        let crate_file = document(root, &file)?;
        let version = version_of(&crate_file, &own);
        if version != *expected(member) {
            found.push((
                file.clone(),
                format!("has version {version}, it should have {}", expected(member)),
            ));
        }
        if value(&crate_file, "package", "rust-version.workspace") != Some("true") {
            found.push((file, "does not take rust-version from the workspace".to_owned()));
        }
        declaration(root, &format!("{member}/plugin.json"), &version, &api, &mut found)?;
    }
    for entry in workspace
        .iter()
        .filter(|entry| entry.section == "workspace.dependencies")
    {
        if let Some((folder, version)) = path_and_version(&entry.value)
            && version != *expected(&folder)
        {
            let text = format!(
                "{} is wanted in version {version} and has {}",
                entry.key,
                expected(&folder)
            );
            found.push(("Cargo.toml".to_owned(), text));
        }
    }
    for (crate_file, plugin) in [
        (format!("{EXAMPLE}/Cargo.toml"), format!("{EXAMPLE}/plugin.json")),
        (
            format!("{TEMPLATE}/Cargo.toml.txt"),
            format!("{TEMPLATE}/plugin.json.txt"),
        ),
    ] {
        let version = version_of(&document(root, &crate_file)?, &own);
        declaration(root, &plugin, &version, &api, &mut found)?;
    }
    locked(root, &api, &mut found)?;
    let readme = fs::read_to_string(root.join("README.md")).context("read README.md")?;
    for sentence in [format!("Rust ({rust} or later)"), format!("(Rust {rust})")] {
        if !readme.contains(&sentence) {
            let text = format!("does not say `{sentence}`, which is what rust-version in Cargo.toml says");
            found.push(("README.md".to_owned(), text));
        }
    }
    Ok(found)
}

fn document(root: &Path, file: &str) -> Result<Vec<Entry>> {
    let text = fs::read_to_string(root.join(file)).with_context(|| format!("read {file}"))?;
    entries(&text).with_context(|| format!("read {file}"))
}

/// The version of a package; that of the workspace where it says so.
fn version_of(package: &[Entry], workspace: &str) -> String {
    let own = value(package, "package", "version").and_then(|value| texts(value).into_iter().next());
    own.unwrap_or_else(|| workspace.to_owned())
}

/// Of `{ path = "plugin-api", version = "1.0.0" }` both; nothing where one is missing.
fn path_and_version(value: &str) -> Option<(String, String)> {
    let of = |key: &str| {
        let (_, rest) = value.split_once(&format!("{key} ="))?;
        texts(rest).into_iter().next()
    };
    Some((of("path")?, of("version")?))
}

/// What a `plugin.json` says of its version and of the API, if there is one.
fn declaration(root: &Path, file: &str, version: &str, api: &str, found: &mut Vec<(String, String)>) -> Result<()> {
    let path = root.join(file);
    if !path.is_file() {
        return Ok(());
    }
    let text = fs::read_to_string(&path).with_context(|| format!("read {file}"))?;
    let plugin: Value = serde_json::from_str(&text).with_context(|| format!("read {file}"))?;
    if plugin["manifest"]["version"] != version {
        let text = format!("has version {}, its crate has {version}", plugin["manifest"]["version"]);
        found.push((file.to_owned(), text));
    }
    let range = plugin["objectos"]["api"].as_str().unwrap_or_default();
    let judged = match VersionReq::parse(range) {
        Ok(range) => judge(
            &range,
            &Version::parse(api).with_context(|| format!("the version of {API}"))?,
        ),
        Err(error) => Some(format!("asks for API {range:?}: {error}")),
    };
    found.extend(judged.map(|text| (file.to_owned(), text)));
    Ok(())
}

/// What the example's lock file says of our crates.
fn locked(root: &Path, api: &str, found: &mut Vec<(String, String)>) -> Result<()> {
    let file = format!("{EXAMPLE}/Cargo.lock");
    let mut name = String::new();
    for entry in document(root, &file)? {
        let text = texts(&entry.value).into_iter().next().unwrap_or_default();
        match entry.key.as_str() {
            "name" => name = text,
            "version" if name.starts_with("objectos-") && text != api => {
                found.push((
                    file.clone(),
                    format!("{name} is locked in version {text} and has {api}"),
                ));
            }
            _ => {}
        }
    }
    Ok(())
}
