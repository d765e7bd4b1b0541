//! The example plugin and new plugins: crates of their own, outside the workspace.

use anyhow::{Result, bail};
use std::path::Path;

use crate::{
    build::{self, Profile},
    paths, shell,
};

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

/// `cargo xtask new-plugin NAME`: what `objectos-host plugins new NAME` does.
pub(crate) fn new_plugin(name: &str, path: Option<&Path>) -> Result<()> {
    let host = build::build(Profile::Dev)?;
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
