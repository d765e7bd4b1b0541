//! The two programs under measurement, each with a folder of its own and the same database settings.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

use crate::Cli;

/// How long a program may take to start.
const START_LIMIT: Duration = Duration::from_secs(30);

/// What a host under measurement loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// The object engine and the gateway alone: whoever is at the machine may do everything.
    Open,
    /// Sessions, access plans and audit as well; the requests are those of a user with one permission set.
    Secured,
}

impl Guard {
    fn plugins(self) -> &'static [&'static str] {
        match self {
            Self::Open => &["data", "server"],
            Self::Secured => &["data", "server", "auth", "permissions", "audit"],
        }
    }
}

/// The user of a secured host whose requests are measured.
pub(crate) const USER: &str = "second@example.com";
/// Taken for both users of a secured host.
pub(crate) const PASSWORD: &str = "tangerine-otter-41";

/// A running objectos-host.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    /// Token of the user whose requests are measured; empty for an open host.
    pub(crate) token: String,
    /// Token of the administrator of a secured host; empty for an open host.
    pub(crate) administrator: String,
    /// From exec until `/ready` said yes, milliseconds.
    pub(crate) start_ms: f64,
    child: Child,
    command: Command,
    folder: TempDir,
}

impl Host {
    pub(crate) fn start(cli: &Cli, app: &str, synchronous: &str, guard: Guard) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let plugins = folder.path().join("plugins");
        fs::create_dir(&plugins)?;
        for name in guard.plugins() {
            let library = format!("libobjectos_{name}.so");
            fs::copy(cli.built.join(&library), plugins.join(&library)).with_context(|| format!("copy {library}"))?;
        }
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = Command::new(cli.built.join("objectos-host"));
        command
            .current_dir(folder.path())
            .args([
                "--plugins",
                "plugins",
                "--data",
                "data",
                "--log-level",
                "error",
                "--listen",
                &address.to_string(),
            ])
            .args(["--set", &format!("objectos.data:database.synchronous={synchronous}")])
            .args(match guard {
                Guard::Open => &[][..],
                Guard::Secured => &["--set", "objectos.permissions:defaultSets=[\"bench_user\"]"][..],
            })
            .arg("--app")
            .arg(cli.repository.join(app))
            .env("OBJECTOS_WATCH", "false")
            .stdout(Stdio::null());
        let (child, start_ms) = launch(&mut command, address)?;
        let mut host = Self {
            address,
            token: String::new(),
            administrator: String::new(),
            start_ms,
            child,
            command,
            folder,
        };
        if guard == Guard::Secured {
            // The first one is the administrator, for whom no plan would be looked at.
            host.administrator = host.register("first@example.com")?;
            host.token = host.register(USER)?;
        }
        Ok(host)
    }

    /// Ends the host, lets `change` have its database, and starts it again. Sessions stay.
    pub(crate) fn with_database(mut self, change: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        end(&mut self.child);
        change(&self.folder.path().join("data/plugins/objectos.data/data.db"))?;
        (self.child, self.start_ms) = launch(&mut self.command, self.address)?;
        Ok(self)
    }

    fn register(&self, email: &str) -> Result<String> {
        let body = format!(r#"{{"email":"{email}","password":"{PASSWORD}","name":"Bench"}}"#);
        let (status, answer) = exchange(self.address, "POST", "/api/v1/auth/sign-up/email", "", &body)?;
        ensure!(status == 200, "{status}: {answer}");
        let answer: Value = serde_json::from_str(&answer)?;
        Ok(answer["data"]["token"].as_str().context("a token")?.to_owned())
    }

    /// Makes a record and answers its id.
    pub(crate) fn create(&self, body: &str) -> Result<String> {
        id_of(&self.post("/api/v1/data/account", body)?)
    }

    /// Makes something; answers the body.
    pub(crate) fn post(&self, path: &str, body: &str) -> Result<String> {
        let (status, answer) = exchange(self.address, "POST", path, &self.token, body)?;
        ensure!(status == 201, "{path}: {status}: {answer}");
        Ok(answer)
    }

    pub(crate) fn resident_mib(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .context("VmRSS")?;
        let kib: f64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
        Ok(kib / 1024.0)
    }

    /// Swaps a plugin and answers after how many milliseconds the new version had the calls.
    pub(crate) fn swap_ms(&self, plugin: &str) -> Result<f64> {
        let (status, answer) = exchange(
            self.address,
            "POST",
            &format!("/api/v1/plugins/{plugin}/swap"),
            &self.token,
            "{}",
        )?;
        ensure!(status == 200, "{status}: {answer}");
        let report: Value = serde_json::from_str(&answer)?;
        let report = if report["data"].is_object() {
            &report["data"]
        } else {
            &report
        };
        Ok(report["switchUs"].as_f64().context("switchUs")? / 1000.0)
    }
}

/// Starts a host and waits until it is ready; answers after how many milliseconds that was.
fn launch(command: &mut Command, address: SocketAddr) -> Result<(Child, f64)> {
    let begun = Instant::now();
    let mut child = command.spawn().context("start objectos-host")?;
    while !exchange(address, "GET", "/ready", "", "").is_ok_and(|(status, _)| status == 200) {
        if let Some(status) = child.try_wait()? {
            bail!("objectos-host ended: {status}");
        }
        if begun.elapsed() > START_LIMIT {
            end(&mut child);
            bail!("objectos-host does not get ready");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok((child, begun.elapsed().as_secs_f64() * 1000.0))
}

impl Drop for Host {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// The plain program.
#[derive(Debug)]
pub(crate) struct Bare {
    pub(crate) address: SocketAddr,
    child: Child,
    _folder: TempDir,
}

impl Bare {
    pub(crate) fn start(built: &Path, synchronous: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut child = Command::new(built.join("objectos-bare"))
            .arg("--database")
            .arg(folder.path().join("bare.db"))
            .args(["--synchronous", synchronous])
            .stdout(Stdio::piped())
            .spawn()
            .context("start objectos-bare")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("stdout")?).read_line(&mut line)?;
        let address = line
            .trim()
            .strip_prefix("listening on ")
            .context("an address")?
            .parse()?;
        Ok(Self {
            address,
            child,
            _folder: folder,
        })
    }

    pub(crate) fn create(&self, body: &str) -> Result<String> {
        id_of(&self.post("/row", body)?)
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Result<String> {
        let (status, answer) = exchange(self.address, "POST", path, "", body)?;
        ensure!(status == 201, "{path}: {status}: {answer}");
        Ok(answer)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // Both fail only when the process is gone already.
    drop(child.kill());
    drop(child.wait());
}

fn id_of(answer: &str) -> Result<String> {
    let answer: Value = serde_json::from_str(answer)?;
    Ok(answer["id"].as_str().context("an id")?.to_owned())
}

/// The header of a token, with its line end; nothing without one.
pub(crate) fn authorization(token: &str) -> String {
    if token.is_empty() {
        String::new()
    } else {
        format!("authorization: Bearer {token}\r\n")
    }
}

/// One request on a connection of its own.
fn exchange(address: SocketAddr, method: &str, path: &str, token: &str, body: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\n{}connection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        authorization(token),
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.get(9..12).context("a status line")?.parse()?;
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned())
        .unwrap_or_default();
    Ok((status, body))
}
