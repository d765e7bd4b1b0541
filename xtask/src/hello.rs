//! The example plugin and new plugins: crates of their own, outside the workspace.

use anyhow::{Result, bail};
use std::{fs, path::Path};

use crate::{
    build::{self, Profile},
    paths, shell,
};

/// The crate that is written for the tests, which load its library.
const WRITTEN: &str = "acme-counter";

/// Builds `examples/hello-plugin` into the workspace's target folder, as a third party would into its own.
pub(crate) fn build_example(profile: Profile, run_tests: bool) -> Result<()> {
    let folder = paths::root().join("examples/hello-plugin");
    let mut command = shell::cargo();
    command
        .current_dir(&folder)
        .arg(if run_tests { "test" } else { "build" })
        .arg("--locked");
    command.arg("--target-dir").arg(paths::target().join("third-party"));
    if profile == Profile::Release {
        command.arg("--release");
    }
    shell::run("build examples/hello-plugin as a third party would", &mut command)
}

/// Has the host write a new plugin, then tests and builds it as its author would.
pub(crate) fn build_written(host: &Path) -> Result<()> {
    let folder = paths::target().join("new-plugin").join(WRITTEN);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    write(host, WRITTEN, Some(&folder))?;
    // What it depends on is in the example's lock file and was built with it: nothing is looked up, and nothing but the crate
    // itself is compiled.
    let lock = paths::root().join("examples/hello-plugin/Cargo.lock");
    fs::copy(lock, folder.join("Cargo.lock"))?;
    for task in ["test", "build"] {
        let mut command = shell::cargo();
        command.current_dir(&folder).args([task, "--offline", "--target-dir"]);
        command.arg(paths::target().join("third-party"));
        shell::run(&format!("{task} a plugin as `plugins new` writes it"), &mut command)?;
    }
    Ok(())
}

/// `cargo xtask new-plugin NAME`: what `objectos-host plugins new NAME` does.
pub(crate) fn new_plugin(name: &str, path: Option<&Path>) -> Result<()> {
    write(&build::build(Profile::Dev)?, name, path)
}

fn write(host: &Path, name: &str, path: Option<&Path>) -> Result<()> {
    let mut command = std::process::Command::new(host);
    command
        .args(["plugins", "new", name, "--api"])
        .arg(paths::root().join("plugin-api"));
    if let Some(path) = path {
        command.arg("--path").arg(path);
    }
    if !command.status()?.success() {
        bail!("the plugin was not written");
    }
    Ok(())
}
