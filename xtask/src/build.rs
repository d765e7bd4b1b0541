//! Builds the workspace; for `build`, `run` and `dev` each plugin's library is put into its folder below plugins/ as well, so
//! that `objectos-host --plugins ./plugins` works as written. Tests and measurements take libraries from the target folder and
//! leave those alone.

use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{paths, shell};

/// Which build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

impl Profile {
    pub(crate) fn folder(self) -> PathBuf {
        paths::target().join(match self {
            Self::Dev => "debug",
            Self::Release => "release",
        })
    }
}

/// Builds everything and answers the host's binary.
pub(crate) fn build(profile: Profile) -> Result<PathBuf> {
    let mut command = shell::cargo();
    command.args(["build", "--workspace"]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    shell::run("build host and plugins", &mut command)?;
    Ok(profile.folder().join("objectos-host"))
}

/// The same, and puts the libraries where `--plugins ./plugins` finds them.
pub(crate) fn placed(profile: Profile) -> Result<PathBuf> {
    let host = build(profile)?;
    for plugin in plugins()? {
        if place(&plugin, &profile.folder(), &plugin.folder)? {
            shell::say(&format!("   placed {}", plugin.library));
        }
    }
    Ok(host)
}

/// A plugin of the repository.
#[derive(Clone, Debug)]
pub(crate) struct PluginCrate {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// File name of its library, `libobjectos_data.so`.
    pub(crate) library: String,
}

/// The plugins of the repository, by name.
pub(crate) fn plugins() -> Result<Vec<PluginCrate>> {
    let folder = paths::root().join("plugins");
    let mut plugins = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))? {
        let folder = entry?.path();
        if folder.join("Cargo.toml").is_file() {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            plugins.push(PluginCrate {
                library: format!("libobjectos_{name}.so"),
                folder,
            });
        }
    }
    plugins.sort_by(|left, right| left.library.cmp(&right.library));
    Ok(plugins)
}

/// Copies a library beside its goal and renames it there, so that a running host never sees half a file. False when it was
/// the same already.
pub(crate) fn place(plugin: &PluginCrate, from: &Path, to: &Path) -> Result<bool> {
    let (source, goal) = (from.join(&plugin.library), to.join(&plugin.library));
    let bytes = fs::read(&source).with_context(|| format!("read {}", source.display()))?;
    if fs::read(&goal).is_ok_and(|present| present == bytes) {
        return Ok(false);
    }
    fs::create_dir_all(to)?;
    let half = goal.with_extension("so.tmp");
    fs::write(&half, bytes)?;
    fs::rename(&half, &goal).with_context(|| format!("put {} in place", goal.display()))?;
    Ok(true)
}
