//! `cargo xtask dist`: what an operator unpacks and starts, as one archive in `target/dist`: the host, its plugins beside it in
//! `plugins/`, README and licence. Nothing in it needs this repository.

use anyhow::{Context, Result};
use std::{fs, path::Path, process::Command};

use crate::{
    build::{self, Profile},
    paths, shell,
};

const HOST: &str = "objectos-host";

/// Builds (release), puts the archive together and says where it is.
pub(crate) fn dist() -> Result<()> {
    let host = build::build(Profile::Release)?;
    let name = format!(
        "objectos-{}-{}-{}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS
    );
    let dist = paths::target().join("dist");
    let folder = dist.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("empty {}", folder.display()))?;
    }
    for plugin in build::plugins()? {
        build::place(&plugin, &Profile::Release.folder(), &folder.join("plugins"))?;
    }
    copy(&host, &folder.join(HOST))?;
    for file in ["README.md", "LICENSE"] {
        copy(&paths::root().join(file), &folder.join(file))?;
    }
    // As it will be found: each of them says whether it would be loaded.
    let mut list = Command::new(folder.join(HOST));
    list.args(["plugins", "list"]).current_dir(&folder).env_clear();
    shell::run("what the archive holds", &mut list)?;
    let archive = dist.join(format!("{name}.tar.gz"));
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "-czf"])
        .arg(&archive)
        .arg("-C")
        .arg(&dist)
        .arg(&name);
    shell::run("pack it", &mut tar)?;
    shell::print(&archive.display().to_string());
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
