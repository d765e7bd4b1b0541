//! A PostgreSQL server for tests: the one that `OBJECTOS_TEST_POSTGRES` names, else one of its own, started from the installed
//! programs in a folder of its own on a port of its own, and ended with the process that started it, however that ends.
//!
//! Used by the tests of the data plugin, by the end-to-end tests and by `cargo xtask test` (which starts one for all); each
//! includes this file. Databases of others, on whatever port, are never touched.

use std::{
    ffi::OsStr,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// Names a server to use in place of one of its own: `postgres://user@host:port/database`, with the right to make schemas.
pub const VARIABLE: &str = "OBJECTOS_TEST_POSTGRES";

/// A server that this process started. Ends when it is dropped, or with the process.
#[derive(Debug)]
pub struct Server {
    url: String,
    /// Waits for the end of its input, then ends the server and removes the folder.
    guard: Child,
}

impl Server {
    /// Starts a server.
    ///
    /// # Errors
    /// Why there is none: the programs are not installed, or something failed on the way.
    pub fn start() -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let programs = programs().ok_or("no PostgreSQL server is installed (Debian: apt-get install postgresql)")?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("objectos-postgres-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("no folder for PostgreSQL: {error}"))?;
        let begun = begin(&programs, &folder);
        if begun.is_err() {
            drop(fs::remove_dir_all(&folder));
        }
        begun
    }

    /// The address of its database `postgres`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        drop(self.guard.wait());
    }
}

fn begin(programs: &Path, folder: &Path) -> Result<Server, String> {
    let user = unprivileged();
    if let Some(user) = &user {
        run(Command::new("chown").arg(user).arg(folder))?;
    }
    let data = folder.join("data");
    let initdb = |locale: &[&str]| {
        let mut command = as_user(user.as_deref(), &programs.join("initdb"));
        command.arg("--pgdata").arg(&data);
        command.args([
            "--username",
            "objectos",
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--no-sync",
        ]);
        run(command.args(locale))
    };
    // An order of its own, so that nothing leans on that of the bytes by accident.
    let icu = [
        "--locale-provider",
        "icu",
        "--icu-locale",
        "en-US",
        "--locale",
        "C.UTF-8",
    ];
    if initdb(&icu).is_err() {
        drop(fs::remove_dir_all(&data));
        initdb(&["--locale", "C.UTF-8"])?;
    }
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(|error| format!("no free port: {error}"))?
        .port();
    let options = format!(
        "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=400 -c fsync=off \
         -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=64MB -c autovacuum_naptime=5s"
    );
    let mut start = as_user(user.as_deref(), &programs.join("pg_ctl"));
    start
        .arg("start")
        .arg("--pgdata")
        .arg(&data)
        .arg("--log")
        .arg(folder.join("log"));
    run(start.args(["--wait", "--timeout", "120", "--options", &options]))?;
    let mut stop = as_user(user.as_deref(), &programs.join("pg_ctl"));
    stop.arg("stop")
        .arg("--pgdata")
        .arg(&data)
        .args(["--mode", "immediate"]);
    let guard = Command::new("sh")
        .args([
            "-c",
            "trap '' INT TERM HUP; cat >/dev/null; folder=$1; shift; \"$@\" >/dev/null 2>&1; rm -rf \"$folder\"",
            "guard",
        ])
        .arg(folder)
        .arg(stop.get_program())
        .args(stop.get_args())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("the guard of PostgreSQL cannot be started: {error}"))?;
    let url = format!("postgres://objectos@127.0.0.1:{port}/postgres");
    Ok(Server { url, guard })
}

/// The folder of the newest server programs.
fn programs() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = debian
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = found.into_iter().rev().map(|(_, folder)| folder).collect();
    folders.extend(std::env::split_paths(&path));
    folders.into_iter().find(|folder| {
        ["initdb", "pg_ctl", "postgres"]
            .iter()
            .all(|name| folder.join(name).is_file())
    })
}

/// PostgreSQL does not run as root: whom to run it as, when this process is root.
fn unprivileged() -> Option<String> {
    let id = Command::new("id").arg("-u").output().ok()?;
    if id.stdout.trim_ascii() != b"0" {
        return None;
    }
    let exists = |user: &&str| {
        let found = Command::new("id")
            .arg(user)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        found.is_ok_and(|status| status.success())
    };
    ["postgres", "nobody"].into_iter().find(exists).map(str::to_owned)
}

fn as_user(user: Option<&str>, program: &Path) -> Command {
    let Some(user) = user else {
        return Command::new(program);
    };
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={user}"))
        .args([
            "--regid",
            if user == "nobody" { "nogroup" } else { user },
            "--clear-groups",
            "--",
        ])
        .arg(program);
    command
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = Path::new(command.get_program())
        .file_name()
        .unwrap_or(OsStr::new("?"))
        .to_owned();
    // The server keeps what it inherits open, so its output must not be waited for.
    let status = command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| format!("{} cannot be run: {error}", name.display()))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("{} failed ({status})", name.display()))
}
