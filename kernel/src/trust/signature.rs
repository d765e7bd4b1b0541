//! The detached signature `x.so.sig`: a small JSON document.
//!
//! ```json
//! { "format": 1, "keyId": "16 hex digits", "sha256": "64 hex digits of the library", "notBefore": "2025-01-01T00:00:00Z",
//!   "notAfter": "2026-01-01T00:00:00Z", "signature": "base64 of 64 bytes" }
//! ```
//!
//! Signed is the text `objectos-plugin-signature-1`, key id, SHA-256, `notBefore` and `notAfter`, each ended by a line
//! feed: nothing in the document can be changed without the key.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::keys::{KeyError, KeyPair, PublicKey};
use crate::package::Digest;

const FORMAT: u32 = 1;
const CONTEXT: &str = "objectos-plugin-signature-1";
const SIZE_LIMIT_BYTES: u64 = 16 * 1024;

/// A signature as it lies beside the library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignatureFile {
    pub format: u32,
    pub key_id: String,
    pub sha256: Digest,
    /// RFC 3339, inclusive.
    pub not_before: String,
    /// RFC 3339, inclusive.
    pub not_after: String,
    pub signature: String,
}

/// When a signature is valid, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureTimes {
    pub not_before: OffsetDateTime,
    pub not_after: OffsetDateTime,
}

impl SignatureFile {
    /// Signs a library's digest.
    ///
    /// # Errors
    ///
    /// [`KeyError::EmptyValidity`] when the times are the wrong way round or cannot be written.
    pub fn make(sha256: Digest, pair: &KeyPair, times: SignatureTimes) -> Result<Self, KeyError> {
        let written = |moment: OffsetDateTime| moment.format(&Rfc3339);
        let (Ok(not_before), Ok(not_after)) = (written(times.not_before), written(times.not_after)) else {
            return Err(KeyError::EmptyValidity {
                not_before: times.not_before.to_string(),
                not_after: times.not_after.to_string(),
            });
        };
        if times.not_after < times.not_before {
            return Err(KeyError::EmptyValidity { not_before, not_after });
        }
        let mut file = Self {
            format: FORMAT,
            key_id: pair.public().id(),
            sha256,
            not_before,
            not_after,
            signature: String::new(),
        };
        file.signature = STANDARD.encode(pair.sign(&file.message()));
        Ok(file)
    }

    /// Reads the signature of a library; `None` when there is none.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, in words.
    pub(super) fn of_library(library: &Path) -> Result<Option<Self>, String> {
        let path = signature_path(library);
        let opened = fs::OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open(&path);
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        };
        let mut text = String::new();
        file.take(SIZE_LIMIT_BYTES)
            .read_to_string(&mut text)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let signature: Self = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        if signature.format != FORMAT {
            return Err(format!(
                "{} has format {}, known is {FORMAT}",
                path.display(),
                signature.format
            ));
        }
        Ok(Some(signature))
    }

    /// When the signature is valid.
    pub(super) fn times(&self) -> Result<SignatureTimes, String> {
        let read = |key: &str, text: &str| {
            OffsetDateTime::parse(text, &Rfc3339)
                .map_err(|error| format!("{key} `{text}` is not a date and time: {error}"))
        };
        Ok(SignatureTimes {
            not_before: read("notBefore", &self.not_before)?,
            not_after: read("notAfter", &self.not_after)?,
        })
    }

    /// Whether `key` made this signature.
    pub(super) fn made_by(&self, key: &PublicKey) -> bool {
        let bytes: Option<[u8; 64]> = STANDARD
            .decode(&self.signature)
            .ok()
            .and_then(|bytes| bytes.try_into().ok());
        bytes.is_some_and(|bytes| key.holds(&self.message(), &bytes))
    }

    fn message(&self) -> Vec<u8> {
        format!(
            "{CONTEXT}\n{}\n{}\n{}\n{}\n",
            self.key_id, self.sha256, self.not_before, self.not_after
        )
        .into_bytes()
    }
}

/// Where the signature of a library lies: beside it, with `.sig` added.
#[must_use]
pub fn signature_path(library: &Path) -> PathBuf {
    let mut name = library.as_os_str().to_owned();
    name.push(".sig");
    PathBuf::from(name)
}

/// Signs a library and writes the signature beside it, over an earlier one.
///
/// # Errors
///
/// [`KeyError::Read`] for the library, [`KeyError::Write`] for the signature, [`KeyError::EmptyValidity`].
pub fn sign(library: &Path, pair: &KeyPair, times: SignatureTimes) -> Result<SignatureFile, KeyError> {
    let bytes = fs::read(library).map_err(|source| KeyError::Read {
        path: library.to_owned(),
        source,
    })?;
    let signature = SignatureFile::make(Digest::of(&bytes), pair, times)?;
    let path = signature_path(library);
    let unwritable = |source| KeyError::Write {
        path: path.clone(),
        source,
    };
    let mut text = serde_json::to_string_pretty(&signature).map_err(|error| unwritable(error.into()))?;
    text.push('\n');
    fs::write(&path, text).map_err(unwritable)?;
    Ok(signature)
}
