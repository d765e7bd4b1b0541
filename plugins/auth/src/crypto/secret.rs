//! Where the secret of the installation comes from: the environment, a file the operator named, or a file of the plugin's
//! own that is made at the first start. Nodes that share a database must share it.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use objectos_plugin_api::Host;
use ring::rand::{SecureRandom, SystemRandom};
use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::error::AuthError;

/// Variables that hold the secret; the second is the one of better-auth.
pub(crate) const VARIABLES: [&str; 2] = ["OBJECTOS_AUTH_SECRET", "BETTER_AUTH_SECRET"];
/// Bytes of a secret at least.
const BYTES_MIN: usize = 32;

/// Finds the secret, and makes one when there is none.
///
/// # Errors
/// `Configuration` for a secret that is too short or a file that cannot be read.
pub(crate) fn find(host: &Host, named: Option<&Path>, own_folder: &Path) -> Result<Vec<u8>, AuthError> {
    for variable in VARIABLES {
        if let Ok(secret) = host.environment(variable) {
            return check(secret.trim().as_bytes().to_vec(), &format!("the variable {variable}"));
        }
    }
    let (path, own): (PathBuf, bool) = match named {
        Some(path) => (path.to_path_buf(), false),
        None => (own_folder.join("secret"), true),
    };
    match fs::read_to_string(&path) {
        Ok(secret) => check(secret.trim().as_bytes().to_vec(), &path.display().to_string()),
        Err(error) if own && error.kind() == std::io::ErrorKind::NotFound => make(&path),
        Err(error) => Err(AuthError::Configuration {
            message: format!(
                "the secret of objectos.auth in {} cannot be read: {error}",
                path.display()
            ),
        }),
    }
}

fn check(secret: Vec<u8>, place: &str) -> Result<Vec<u8>, AuthError> {
    if secret.len() >= BYTES_MIN {
        return Ok(secret);
    }
    Err(AuthError::Configuration {
        message: format!(
            "the secret of objectos.auth in {place} is too short: {} characters, at least {BYTES_MIN} are needed; make one with `openssl rand -base64 32`",
            secret.len()
        ),
    })
}

fn make(path: &Path) -> Result<Vec<u8>, AuthError> {
    let failed = |error: std::io::Error| AuthError::Configuration {
        message: format!(
            "the secret of objectos.auth cannot be kept in {}: {error}",
            path.display()
        ),
    };
    let mut bytes = [0; 48];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| AuthError::Internal("the system gives no random bytes".to_owned()))?;
    let text = STANDARD_NO_PAD.encode(bytes);
    let half = path.with_extension(format!("{}.half", std::process::id()));
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&half)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    // A link never takes the place of a file: nodes that start at once on one folder agree on the one that was first.
    let linked = fs::hard_link(&half, path);
    fs::remove_file(&half).map_err(failed)?;
    match linked {
        Ok(()) => Ok(text.into_bytes()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let there = fs::read_to_string(path).map_err(failed)?;
            check(there.trim().as_bytes().to_vec(), &path.display().to_string())
        }
        Err(error) => Err(failed(error)),
    }
}
