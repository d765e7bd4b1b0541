//! `cargo xtask run`: from nothing to a running API with one command.

use anyhow::{Result, bail};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    build::{self, Profile},
    first_user::first_user,
    paths, shell, started,
};

/// Builds, starts, says where to look, and stays until the host ends.
pub(crate) fn run(listen: &str, apps: &[PathBuf]) -> Result<()> {
    let built = build::placed(Profile::Release)?;
    let installed = install(&built)?;
    let mut command = Command::new(&built);
    command
        .current_dir(paths::root())
        .args(["--plugins", "./plugins", "--listen", listen]);
    let crm = [PathBuf::from("examples/crm")];
    for app in if apps.is_empty() { &crm } else { apps } {
        command.arg("--app").arg(app);
    }
    let user = first_user()?;
    user.introduce(&mut command);
    let mut host = started::start(&mut command)?;
    if let Some(address) = host.address()? {
        if let Some(path) = installed {
            shell::say(&format!(
                "objectos-host is installed as {}: objectos-host --plugins ./plugins --app examples/crm",
                path.display()
            ));
        }
        shell::say(&format!(
            "ObjectOS runs at http://{address} (Ctrl-C stops it). {}",
            user.first_thing_to_try(&address)
        ));
    }
    let status = host.wait()?;
    if !status.success() {
        bail!("objectos-host ended: {status}");
    }
    Ok(())
}

/// Puts the host where cargo puts programs, so that `objectos-host` is a command. Not being able to is no failure.
fn install(built: &Path) -> Result<Option<PathBuf>> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let Some(folder) = home.map(|home| home.join("bin")).filter(|folder| folder.is_dir()) else {
        return Ok(None);
    };
    let goal = folder.join("objectos-host");
    let half = folder.join(".objectos-host.tmp");
    if std::fs::copy(built, &half)
        .and_then(|_| std::fs::rename(&half, &goal))
        .is_err()
    {
        return Ok(None);
    }
    Ok(Some(goal))
}
