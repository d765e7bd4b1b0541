//! The real host as a process: started with a folder of its own, asked until it is ready, ended when the test ends.

use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tempfile::TempDir;

use crate::{
    client::Client,
    plugins::{built, install, repository},
};

/// How long a start may take on a busy machine.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// Puts a host together.
#[derive(Debug)]
pub struct HostBuilder {
    folder: TempDir,
    apps: Vec<PathBuf>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Default for HostBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl HostBuilder {
    /// A host with the platform plugins `data` and `server`, and no app.
    #[must_use]
    pub fn new() -> Self {
        let builder = Self::empty();
        builder.plugin("data").plugin("server")
    }

    /// A host without any plugin.
    #[must_use]
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir_all(folder.path().join("plugins")).expect("a plugin folder");
        Self {
            folder,
            apps: Vec::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// Adds a plugin's library.
    #[must_use]
    pub fn plugin(self, name: &str) -> Self {
        install(&self.plugins(), name, &format!("{name}.so"));
        self
    }

    /// Adds an example app.
    #[must_use]
    pub fn example(mut self, name: &str) -> Self {
        self.apps.push(repository().join("examples").join(name));
        self
    }

    /// Adds an app folder.
    #[must_use]
    pub fn app(mut self, path: &Path) -> Self {
        self.apps.push(path.to_path_buf());
        self
    }

    /// Adds flags.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// Writes `objectos.yml`.
    #[must_use]
    pub fn config(mut self, yaml: &str) -> Self {
        let path = self.folder.path().join("objectos.yml");
        fs::write(&path, yaml).expect("a configuration can be written");
        self.arguments
            .extend(["--config".to_owned(), path.display().to_string()]);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The plugin folder.
    #[must_use]
    pub fn plugins(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }

    /// The host's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it and waits until it is ready.
    #[must_use]
    pub fn start(self) -> Host {
        let mut host = self.spawn();
        host.wait_until_ready();
        host
    }

    /// Starts it and does not wait.
    #[must_use]
    pub fn spawn(self) -> Host {
        let address = free_address();
        let mut host = Host {
            builder: self,
            address,
            child: None,
            log: Arc::default(),
            said: Arc::default(),
            readers: Vec::new(),
        };
        host.launch();
        host
    }
}

/// An address that nobody listens on, and that nobody is given by chance: whoever asks the system for any port gets one from
/// above these, and here each is given once. So nobody else has it before the host listens, nor while that is started again.
#[must_use]
pub fn free_address() -> SocketAddr {
    // Browsers, and what fetches as they do, refuse some ports; 10,080 is the last of those.
    const FIRST: u32 = 10_081;
    const COUNT: u32 = 32_768 - FIRST;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Another program of tests begins elsewhere.
    let begin = std::process::id().wrapping_mul(7919);
    let free = (0..COUNT).find_map(|_| {
        let number = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + number).expect("below 32,768");
        TcpListener::bind(("127.0.0.1", port)).ok()?.local_addr().ok()
    });
    free.expect("a free port on loopback")
}

/// A running host. Dropping it kills the process.
#[derive(Debug)]
pub struct Host {
    builder: HostBuilder,
    address: SocketAddr,
    child: Option<Child>,
    log: Arc<Mutex<Vec<String>>>,
    said: Arc<Mutex<Vec<String>>>,
    /// What takes both from the process.
    readers: Vec<JoinHandle<()>>,
}

impl Host {
    fn launch(&mut self) {
        let mut command = Command::new(built().join("objectos-host"));
        command
            .current_dir(self.builder.folder.path())
            .args(["--plugins", "plugins"])
            .args(&self.builder.arguments)
            .envs(self.builder.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let address = self.address.to_string();
        for (flag, value) in [
            ("--data", "data"),
            ("--log-format", "json"),
            ("--listen", address.as_str()),
        ] {
            if !self.builder.arguments.iter().any(|argument| argument == flag) {
                command.args([flag, value]);
            }
        }
        for app in &self.builder.apps {
            command.arg("--app").arg(app);
        }
        let mut child = command
            .spawn()
            .expect("objectos-host can be started: cargo xtask test builds it");
        self.readers = vec![
            collect(child.stderr.take().expect("stderr is piped"), &self.log),
            collect(child.stdout.take().expect("stdout is piped"), &self.said),
        ];
        self.child = Some(child);
    }

    /// Waits until `/ready` says yes.
    pub fn wait_until_ready(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < READY_LIMIT {
            let ended = self
                .child
                .as_mut()
                .and_then(|child| child.try_wait().expect("a child can be asked"));
            if let Some(status) = ended {
                self.read_to_the_end();
                panic!("the host ended ({status}):\n{}", self.log());
            }
            let answer = Client::new(self.address).request("GET", "/ready", &[], b"");
            if answer.is_ok_and(|answer| answer.status == 200) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the host did not get ready:\n{}", self.log());
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A new connection.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// The plugin folder.
    #[must_use]
    pub fn plugins(&self) -> PathBuf {
        self.builder.plugins()
    }

    /// The host's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.builder.folder.path()
    }

    /// Everything it logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().expect("the log").join("\n")
    }

    /// What it told whoever started it, on standard output.
    #[must_use]
    pub fn said(&self) -> String {
        self.said.lock().expect("what it said").join("\n")
    }

    /// Waits until it said something, and answers all of it.
    #[must_use]
    pub fn wait_until_said(&self, part: &str) -> String {
        let begun = Instant::now();
        while !self.said().contains(part) {
            assert!(
                begun.elapsed() < READY_LIMIT,
                "{part:?} was not said:\n{}\n{}",
                self.said(),
                self.log()
            );
            thread::sleep(Duration::from_millis(10));
        }
        self.said()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the host runs").id()
    }

    /// Memory that is its own, bytes: resident pages that are not files of the disk.
    #[must_use]
    pub fn anonymous_memory_bytes(&self) -> u64 {
        self.status_kib("RssAnon:") * 1024
    }

    /// All resident memory, bytes.
    #[must_use]
    pub fn resident_memory_bytes(&self) -> u64 {
        self.status_kib("VmRSS:") * 1024
    }

    fn status_kib(&self, key: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("the host runs");
        let line = status
            .lines()
            .find(|line| line.starts_with(key))
            .expect("a line of /proc/<pid>/status");
        line.split_whitespace()
            .nth(1)
            .and_then(|number| number.parse().ok())
            .expect("a number of KiB")
    }

    /// The report of one plugin.
    #[must_use]
    pub fn plugin(&self, id: &str) -> Value {
        let report = self.client().get("/api/v1/plugins").expect(200);
        let report = if report["data"].is_object() {
            report["data"].clone()
        } else {
            report
        };
        let plugins = report["plugins"].as_array().expect("a list of plugins").clone();
        plugins
            .into_iter()
            .find(|plugin| plugin["id"] == id)
            .unwrap_or_else(|| panic!("no {id} in {report:#}"))
    }

    /// Ends the process as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a child can be killed");
            child.wait().expect("a killed child ends");
            self.read_to_the_end();
        }
    }

    /// After this nothing of what the process said before it ended is missing.
    fn read_to_the_end(&mut self) {
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader ends with its pipe");
        }
    }

    /// Starts it again with the same folder and address.
    pub fn restart(&mut self) {
        self.kill();
        self.launch();
        self.wait_until_ready();
    }

    /// Starts it again after it was stopped.
    pub fn restart_stopped(&mut self) {
        assert!(self.child.is_none(), "the host still runs");
        self.launch();
        self.wait_until_ready();
    }

    /// Asks it to stop (SIGTERM) and answers its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.wait()
    }

    /// Sends a signal by its short name, `INT`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status()
            .expect("kill");
        assert!(status.success());
    }

    /// Waits until a part of the log is there.
    pub fn wait_for_log(&self, part: &str) {
        let begun = Instant::now();
        while !self.log().contains(part) {
            assert!(begun.elapsed() < READY_LIMIT, "{part:?} is not in:\n{}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until a line of the log has all of these parts, and answers the last one that has.
    #[must_use]
    pub fn wait_for_line(&self, parts: &[&str]) -> String {
        let begun = Instant::now();
        loop {
            let log = self.log();
            let found = log.lines().rfind(|line| parts.iter().all(|part| line.contains(part)));
            if let Some(line) = found {
                return line.to_owned();
            }
            assert!(begun.elapsed() < READY_LIMIT, "no line has {parts:?} in:\n{log}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the process to end by itself and answers its exit code. All that it said is there by then.
    pub fn wait(&mut self) -> Option<i32> {
        let mut child = self.child.take().expect("the host runs");
        let code = wait(&mut child);
        self.read_to_the_end();
        code
    }
}

/// Takes the lines of a pipe until it ends.
fn collect(pipe: impl Read + Send + 'static, lines: &Arc<Mutex<Vec<String>>>) -> JoinHandle<()> {
    let lines = Arc::clone(lines);
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            lines.lock().expect("the lines").push(line);
        }
    })
}

fn wait(child: &mut Child) -> Option<i32> {
    let begun = Instant::now();
    while begun.elapsed() < READY_LIMIT {
        if let Some(status) = child.try_wait().expect("a child can be asked") {
            return status.code();
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("a child can be killed");
    panic!("the host did not end");
}

impl Drop for Host {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("── log of the host:\n{}", self.log());
        }
        self.kill();
    }
}
