//! Where the keys come from: the settings, files that these name, and a key of the plugin's own.
//!
//! The own key is made when the first value is encrypted and no setting names a key. It is never overwritten and never
//! removed; once a setting names keys it still decrypts, so that values can be brought over to these. Where several hosts may
//! share a database there is none: each would have another.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{KEY_BYTES, Vault};
use crate::config::{DataConfig, KeyConfig};
use crate::error::{DataError, Result};

/// Beginning of the ids of own keys; the rest tells which it is.
pub(crate) const OWN: &str = "own-";
/// Folder and file of the own key, in the plugin's folder.
const OWN_FILE: [&str; 2] = ["keys", "secrets.key"];

type Bytes = [u8; KEY_BYTES];

/// The keys of a configuration; relative paths lie in the folder.
///
/// # Errors
/// `Configuration` for a file that cannot be read, and for what is no key.
pub fn of_config(config: &DataConfig, folder: &Path) -> Result<Vault> {
    let mut keys = Vec::new();
    for (place, key) in config.encryption.keys.iter().enumerate() {
        keys.push((key.id.clone(), bytes_of(key, place, folder)?));
    }
    let own: PathBuf = OWN_FILE.iter().fold(folder.to_path_buf(), |path, part| path.join(part));
    keys.extend(self::own(&own)?);
    let vault = Vault::new(keys);
    Ok(if config.may_share() { vault } else { vault.with_own(own) })
}

/// The own key in this file with its id, when it was made.
///
/// # Errors
/// `Configuration` for a file that cannot be read or holds no key.
pub(super) fn own(path: &Path) -> Result<Option<(String, Bytes)>> {
    match fs::read_to_string(path) {
        Ok(text) => read_own(path, &text).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn bytes_of(key: &KeyConfig, place: usize, folder: &Path) -> Result<Bytes> {
    let at = format!("encryption.keys[{place}]");
    let (text, from) = match (&key.key, &key.key_file) {
        (Some(text), None) => (text.clone(), format!("{at}.key")),
        (None, Some(file)) => {
            let path = folder.join(file);
            let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
            (text, path.display().to_string())
        }
        _ => {
            return Err(DataError::Configuration {
                message: format!("{at} needs either `key` or `keyFile`"),
            });
        }
    };
    decode(&text).ok_or_else(|| DataError::Configuration {
        message: format!(
            "the key '{}' ({from}) is not {KEY_BYTES} bytes in base64 or hexadecimal; make one with `openssl rand -base64 32`",
            key.id
        ),
    })
}

/// The bytes that a text stands for: base64 with or without padding, in either alphabet, or hexadecimal.
fn decode(text: &str) -> Option<Bytes> {
    let text = text.trim();
    if text.len() == KEY_BYTES * 2 && text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        let pair = |place: usize| u8::from_str_radix(text.get(place * 2..place * 2 + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..KEY_BYTES).map(pair).collect();
        return bytes?.try_into().ok();
    }
    let plain: String = text
        .trim_end_matches('=')
        .chars()
        .map(|character| match character {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    URL_SAFE_NO_PAD.decode(plain).ok()?.try_into().ok()
}

fn unreadable(path: &Path, error: &std::io::Error) -> DataError {
    DataError::Configuration {
        message: format!("the key in {} cannot be read: {error}", path.display()),
    }
}

fn read_own(path: &Path, text: &str) -> Result<(String, Bytes)> {
    let bytes = decode(text).ok_or_else(|| DataError::Configuration {
        message: format!(
            "what stands in {} is no key: values that were encrypted with it cannot be read; put the file back from a back-up",
            path.display()
        ),
    })?;
    Ok((own_id(&bytes), bytes))
}

/// Another key has another id, so that a value whose key was lost says so.
fn own_id(bytes: &Bytes) -> String {
    let digest = Sha256::digest(bytes);
    let digits: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{OWN}{digits}")
}

/// Makes the own key, unless somebody else has just made it: what is there is never overwritten.
pub(super) fn make_own(path: &Path) -> Result<(String, Bytes)> {
    let failed = |error: std::io::Error| DataError::Configuration {
        message: format!(
            "the key for encrypted fields cannot be kept in {}: {error}",
            path.display()
        ),
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(failed)?;
    let mut bytes: Bytes = [0; KEY_BYTES];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| DataError::internal("the system gives no random bytes"))?;
    // Of everybody who makes one at this moment, in this process too.
    let half = path.with_extension(format!("{}.half", Uuid::new_v4().simple()));
    // A link never takes the place of a file.
    let linked = write_half(&half, &bytes).and_then(|()| fs::hard_link(&half, path));
    // Should it stay, nobody looks at it.
    let _ = fs::remove_file(&half);
    let (own, made) = match linked {
        Ok(()) => ((own_id(&bytes), bytes), true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let text = fs::read_to_string(path).map_err(failed)?;
            (read_own(path, &text)?, false)
        }
        Err(error) => return Err(failed(error)),
    };
    // The name itself must outlive a power cut, and so must that of the folder: values that need the key are stored next, by
    // whoever made it and by whoever found it there.
    for place in [folder, folder.parent().unwrap_or(folder)] {
        fs::File::open(place).and_then(|open| open.sync_all()).map_err(failed)?;
    }
    if made {
        tracing::warn!(
            file = %path.display(),
            "a key for encrypted fields was made: a back-up of the database is worth nothing for these fields without this file"
        );
    }
    Ok(own)
}

fn write_half(half: &Path, bytes: &Bytes) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(half)?;
    file.write_all(STANDARD.encode(bytes).as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn keys_are_read_as_they_are_written() {
        let check = |text: &str, expected: Option<u8>| {
            assert_eq!(decode(text), expected.map(|byte| [byte; KEY_BYTES]), "{text}");
        };
        check(&STANDARD.encode([0xfb; KEY_BYTES]), Some(0xfb));
        check(&format!(" {}\n", STANDARD.encode([7; KEY_BYTES])), Some(7));
        check(&URL_SAFE_NO_PAD.encode([0xfb; KEY_BYTES]), Some(0xfb));
        check(&"0a".repeat(KEY_BYTES), Some(0x0a));
        check(&"0A".repeat(KEY_BYTES), Some(0x0a));
        check("", None);
        check("hunter2", None);
        check(&"+0".repeat(KEY_BYTES), None);
        check(&STANDARD.encode([7; 31]), None);
        check(&STANDARD.encode([7; 33]), None);
    }

    #[test]
    fn an_own_key_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys").join("secrets.key");
        let (id, bytes) = make_own(&path).unwrap();
        assert!(id.starts_with(OWN), "{id}");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(make_own(&path).unwrap(), (id.clone(), bytes));
        assert_eq!(
            read_own(&path, &fs::read_to_string(&path).unwrap()).unwrap(),
            (id, bytes)
        );
        assert_eq!(fs::read_dir(folder.path().join("keys")).unwrap().count(), 1);
    }

    #[test]
    fn of_many_who_make_one_at_once_all_have_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys").join("secrets.key");
        let made: Vec<(String, Bytes)> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| make_own(&path).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let kept = own(&path).unwrap().unwrap();
        assert!(made.iter().all(|one| *one == kept), "{kept:?}");
        assert_eq!(fs::read_dir(folder.path().join("keys")).unwrap().count(), 1);
    }
}
