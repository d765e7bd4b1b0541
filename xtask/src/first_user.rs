//! The administrator of a host that is started from the repository, so that the first thing to try works: an address, a password
//! that is made once and kept beside the data, and a session for the command that is shown. Called by `run` and `dev`.
//!
//! Not for production: there the operator sets `OBJECTOS_ADMIN_EMAIL` and `OBJECTOS_ADMIN_PASSWORD`.

use anyhow::{Context, Result};
use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    process::Command,
    time::Duration,
};

use crate::paths;

const EMAIL: &str = "admin@example.com";
/// Letters and digits that nobody takes for another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const PASSWORD_LENGTH: usize = 20;

/// Who that is.
pub(crate) struct FirstUser {
    pub(crate) email: String,
    password: String,
    /// Where the password stands; none when the caller brought one.
    pub(crate) file: Option<PathBuf>,
}

/// The one of the environment, or one with a password of its own.
pub(crate) fn first_user() -> Result<FirstUser> {
    let named = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let (Some(email), Some(password)) = (named("OBJECTOS_ADMIN_EMAIL"), named("OBJECTOS_ADMIN_PASSWORD")) {
        return Ok(FirstUser {
            email,
            password,
            file: None,
        });
    }
    let folder = paths::root().join(".objectos");
    let file = folder.join("admin-password");
    let password = match fs::read_to_string(&file) {
        Ok(password) => password.trim().to_owned(),
        Err(_) => {
            fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
            let password = make_password()?;
            let mut open = OpenOptions::new();
            open.write(true).create_new(true).mode(0o600);
            let mut file = open.open(&file).with_context(|| format!("write {}", file.display()))?;
            writeln!(file, "{password}")?;
            password
        }
    };
    Ok(FirstUser {
        email: EMAIL.to_owned(),
        password,
        file: Some(file),
    })
}

fn make_password() -> Result<String> {
    let mut bytes = [0; PASSWORD_LENGTH];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("read random bytes")?;
    let letters = bytes.iter().map(|byte| ALPHABET[usize::from(byte % 32)]);
    Ok(letters.map(char::from).collect())
}

impl FirstUser {
    /// Tells the host who it is.
    pub(crate) fn introduce(&self, host: &mut Command) {
        host.env("OBJECTOS_ADMIN_EMAIL", &self.email)
            .env("OBJECTOS_ADMIN_PASSWORD", &self.password);
    }

    /// Begins a session; the token, or nothing when the host has no sign-in or knows another password.
    pub(crate) fn sign_in(&self, listen: &str) -> Option<String> {
        let body = serde_json::json!({ "email": self.email, "password": self.password }).to_string();
        let mut stream = TcpStream::connect(listen).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        write!(
            stream,
            "POST /api/v1/auth/sign-in/email HTTP/1.1\r\nhost: {listen}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let answer: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
        Some(answer["data"]["token"].as_str()?.to_owned())
    }

    /// The first thing to try, once the host is ready.
    pub(crate) fn first_thing_to_try(&self, listen: &str) -> String {
        let url = format!("http://{listen}/api/v1/data/account?top=3");
        match (self.sign_in(listen), &self.file) {
            (Some(token), Some(file)) => format!(
                "You are {} (the password is in {}). Try: curl -H 'authorization: Bearer {token}' '{url}'",
                self.email,
                file.strip_prefix(paths::root()).unwrap_or(file).display()
            ),
            (Some(token), None) => format!(
                "You are {}. Try: curl -H 'authorization: Bearer {token}' '{url}'",
                self.email
            ),
            (None, _) => format!("Try: curl '{url}'"),
        }
    }
}
