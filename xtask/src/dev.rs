//! `cargo xtask dev`: the host in development; a changed source is rebuilt, a changed library is put in its folder, and the
//! host's own watcher swaps it.

use anyhow::{Result, bail};
use notify::{RecursiveMode, Watcher};
use std::{
    path::Path,
    process::Command,
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use crate::{
    build::{self, Profile},
    first_user::first_user,
    paths, shell, started,
};

/// Changes that follow each other within this time are one change.
const DEBOUNCE: Duration = Duration::from_millis(300);

pub(crate) fn dev(listen: &str) -> Result<()> {
    let host = build::placed(Profile::Dev)?;
    let user = first_user()?;
    let mut command = Command::new(host);
    user.introduce(&mut command);
    command.current_dir(paths::root()).args([
        "--plugins",
        "./plugins",
        "--app",
        "examples/crm",
        "--mode",
        "development",
        "--listen",
        listen,
    ]);
    let mut host = started::start(&mut command)?;
    let Some(address) = host.address()? else {
        bail!("objectos-host ended while starting: see above");
    };
    shell::say(&format!(
        "ObjectOS runs at http://{address}; change a file below plugins/ and see it swapped (Ctrl-C stops). {}",
        user.first_thing_to_try(&address)
    ));
    let (sender, receiver) = channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let relevant = event.is_ok_and(|event| !event.kind.is_access() && event.paths.iter().any(|path| source(path)));
        if relevant {
            // Fails only when the loop below has ended.
            let _ = sender.send(());
        }
    })?;
    for folder in ["plugins", "plugin-api"] {
        watcher.watch(&paths::root().join(folder), RecursiveMode::Recursive)?;
    }
    while !host.ended()? {
        if changed(&receiver)
            && let Err(error) = build::placed(Profile::Dev)
        {
            shell::say(&format!("{error:#}; the running version stays"));
        }
    }
    Ok(())
}

/// What goes into a library: code, manifests, and the metadata that a plugin brings.
fn source(path: &Path) -> bool {
    let kind = path.extension().unwrap_or_default().to_string_lossy();
    let hidden = path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !hidden && ["rs", "json", "toml", "yml", "yaml", "html"].contains(&&*kind)
}

/// Waits for a change and for the quiet after it.
fn changed(receiver: &Receiver<()>) -> bool {
    if receiver.recv_timeout(Duration::from_millis(500)).is_err() {
        return false;
    }
    while receiver.recv_timeout(DEBOUNCE).is_ok() {}
    true
}
