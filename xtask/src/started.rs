//! The host as a child: started, listened to until it says where it listens, and waited for. What it says goes on to our own
//! standard output. Called by `run` and `dev`.
//!
//! That something answers at the address is no sign that this host does: another one may have the port, and what is sent there,
//! a password among it, is sent to a stranger. So nobody is asked before the host has spoken.

use anyhow::{Context, Result, bail};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use crate::shell;

/// How long the host may take. A start takes a fraction of a second; this bounds a slow disk.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// How the line begins that says where it listens.
const READY: &str = "objectos-host is ready at ";

/// A host that was started.
#[derive(Debug)]
pub(crate) struct Started {
    child: Child,
    ready: Receiver<String>,
}

/// Starts it.
///
/// # Errors
/// When the program cannot be started.
pub(crate) fn start(command: &mut Command) -> Result<Started> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("start objectos-host")?;
    let pipe = child.stdout.take().context("the host's standard output")?;
    let (said, ready) = channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if let Some(address) = address(&line) {
                // Fails only when nobody waits any more.
                let _ = said.send(address.to_owned());
            }
            shell::print(&line);
        }
    });
    Ok(Started { child, ready })
}

impl Started {
    /// Waits until it says where it listens, and answers the first address, `127.0.0.1:3000`; `None` when it ended before.
    ///
    /// # Errors
    /// When it does neither in time; it is ended then.
    pub(crate) fn address(&mut self) -> Result<Option<String>> {
        let begun = Instant::now();
        loop {
            match self.ready.recv_timeout(Duration::from_millis(100)) {
                Ok(address) => return Ok(Some(address)),
                // It closed its output, as it does at its end.
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) if begun.elapsed() < READY_LIMIT => {}
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
        self.child.kill().context("stop a host that does not get ready")?;
        bail!("the host was not ready after {} s", READY_LIMIT.as_secs())
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        self.child.wait().context("wait for objectos-host")
    }

    /// Whether it ended.
    pub(crate) fn ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }
}

/// The address in a line that says where the host listens.
fn address(line: &str) -> Option<&str> {
    let place = line.strip_prefix(READY)?;
    Some(place.split_once("://").map_or(place, |(_, address)| address))
}

#[cfg(test)]
mod tests {
    use super::{address, start};
    use std::{net::TcpListener, process::Command};

    #[test]
    fn the_line_that_says_where_it_listens_is_known() {
        let check = |line: &str, expected: Option<&str>| assert_eq!(address(line), expected, "{line}");
        check(
            "objectos-host is ready at http://127.0.0.1:3000",
            Some("127.0.0.1:3000"),
        );
        check("objectos-host is ready at https://[::1]:3000", Some("[::1]:3000"));
        check("objectos-host is ready at 127.0.0.1:3000", Some("127.0.0.1:3000"));
        check("a token: objectos-host is ready at x", None);
        check("", None);
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_host_that_ends_is_not_ready_whoever_has_its_port() {
        let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
        stranger.set_nonblocking(true).unwrap();
        let mut host = start(&mut shell("echo the address is in use; exit 5")).unwrap();
        assert_eq!(host.address().unwrap(), None);
        assert_eq!(host.wait().unwrap().code(), Some(5));
        assert!(host.ended().unwrap());
        assert!(stranger.accept().is_err(), "nobody was asked");
    }

    #[test]
    fn a_host_says_itself_where_it_listens() {
        let script = "echo first; echo objectos-host is ready at http://127.0.0.1:41; read line; exit 0";
        let mut host = start(shell(script).stdin(std::process::Stdio::piped())).unwrap();
        assert_eq!(host.address().unwrap().as_deref(), Some("127.0.0.1:41"));
        assert!(!host.ended().unwrap());
        drop(host.child.stdin.take());
        assert!(host.wait().unwrap().success());
    }
}
