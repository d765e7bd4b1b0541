//! The npm package with the published schemas: installed once into `target/audit-spec`, pinned by version and checksum.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

const NAME: &str = "@objectstack/spec";
const VERSION: &str = objectos_protocol::VERSION;
/// Checksum of the package in the lock file that npm writes.
const INTEGRITY: &str =
    "sha512-PBuOrrWlcj8/ZDfClvEmZ3ll3uP/XVMEbtqCLiiJG+IwlpvCXcCtEWECzL47R3IHd2Ccq4+K7MXFL0yrnYPYoA==";

/// The folder that holds the workspace.
pub(super) fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies directly below the workspace root")
        .to_path_buf()
}

/// The installed package.
pub(super) struct Package {
    schemas: PathBuf,
}

impl Package {
    /// Uses the installed package, or installs it.
    pub(super) fn ensure(root: &Path) -> Result<Self> {
        let folder = root.join("target/audit-spec");
        if verify(&folder).is_err() {
            install(&folder)?;
            verify(&folder)?;
        }
        Ok(Self {
            schemas: folder.join("node_modules").join(NAME).join("json-schema"),
        })
    }

    /// The schema at a path such as `data/Object`.
    pub(super) fn schema(&self, path: &str) -> Result<Value> {
        let file = self.schemas.join(path).with_extension("json");
        read_json(&file).with_context(|| format!("{NAME} {VERSION} has no readable schema {path}"))
    }
}

fn install(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let manifest = json!({ "private": true, "dependencies": { NAME: VERSION } });
    fs::write(folder.join("package.json"), manifest.to_string())?;
    let output = Command::new("npm")
        .args([
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ])
        .current_dir(folder)
        .output()
        .context("starting npm; the audit needs Node.js with npm to fetch the published schemas")?;
    ensure!(
        output.status.success(),
        "npm could not install {NAME} {VERSION}: {}\nhint: the first run needs the npm registry; afterwards the copy in {} is used",
        String::from_utf8_lossy(&output.stderr).trim(),
        folder.display(),
    );
    Ok(())
}

/// The installed package is the pinned one.
fn verify(folder: &Path) -> Result<()> {
    let installed = read_json(&folder.join("node_modules").join(NAME).join("package.json"))?;
    ensure!(
        installed["version"] == VERSION,
        "{NAME} is {}, expected {VERSION}",
        installed["version"]
    );
    let lock = read_json(&folder.join("package-lock.json"))?;
    let integrity = &lock["packages"][format!("node_modules/{NAME}")]["integrity"];
    if integrity != INTEGRITY {
        bail!("the checksum of {NAME} {VERSION} is {integrity}, expected {INTEGRITY}");
    }
    Ok(())
}

fn read_json(file: &Path) -> Result<Value> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("reading {}", file.display()))
}
