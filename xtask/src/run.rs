//! `cargo xtask run`: from nothing to a running API with one command.

use anyhow::{Context, Result, bail};
use std::{
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use crate::{
    build::{self, Profile},
    first_user::first_user,
    paths, shell,
};

/// How long the host may take to answer. A start takes a fraction of a second; this bounds a slow disk.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// Builds, starts, says where to look, and stays until the host ends.
pub(crate) fn run(listen: &str, apps: &[PathBuf]) -> Result<()> {
    let built = build::build(Profile::Release)?;
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
    let mut host = command.spawn().context("start objectos-host")?;
    if wait_until_ready(listen, &mut host)? {
        if let Some(path) = installed {
            shell::say(&format!(
                "objectos-host is installed as {}: objectos-host --plugins ./plugins --app examples/crm",
                path.display()
            ));
        }
        shell::say(&format!(
            "ObjectOS runs at http://{listen} (Ctrl-C stops it). {}",
            user.first_thing_to_try(listen)
        ));
    }
    let status = host.wait().context("wait for objectos-host")?;
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

/// Asks `/ready` until it says yes; false when the host ended before.
pub(crate) fn wait_until_ready(listen: &str, host: &mut Child) -> Result<bool> {
    let begun = Instant::now();
    while begun.elapsed() < READY_LIMIT {
        if host.try_wait()?.is_some() {
            return Ok(false);
        }
        if ask(listen, "/ready").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    host.kill().context("stop a host that does not get ready")?;
    bail!("the host was not ready after {} s", READY_LIMIT.as_secs())
}

/// One GET by hand: the first bytes of the answer.
fn ask(listen: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(listen).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {listen}\r\nconnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer[..length]).into_owned())
}
