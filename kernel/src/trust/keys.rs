//! Ed25519 keys on disk: PKCS#8 PEM, private ones readable by their owner alone.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use rand::TryRng;
use rand::rngs::SysRng;

use crate::package::Digest;

/// Rights of group and others, which a private key file must not have.
const FOREIGN_RIGHTS: u32 = 0o077;

/// What goes wrong with key and signature files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    #[error("{} cannot be written", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} is already there; it is not overwritten", path.display())]
    Exists { path: PathBuf },
    #[error("{} cannot be read", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} can be read by others (mode {mode:03o}); run `chmod 600` on it and consider the key known", path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error("{} holds no Ed25519 key in PKCS#8 PEM form", path.display())]
    NotAKey { path: PathBuf },
    #[error("expected an Ed25519 public key as PEM or as base64 of its 32 bytes")]
    NotAPublicKey,
    #[error("the operating system gives no random numbers")]
    NoRandomness,
    #[error("the signature would end at {not_after}, before it begins at {not_before}")]
    EmptyValidity { not_before: String, not_after: String },
}

/// A public key. Its id is the first 16 hexadecimal digits of the SHA-256 of its 32 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads PEM, or base64 of the 32 bytes.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotAPublicKey`] for anything else.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.starts_with("-----BEGIN") {
            return VerifyingKey::from_public_key_pem(text)
                .map(Self)
                .map_err(|_| KeyError::NotAPublicKey);
        }
        let bytes = STANDARD.decode(text).map_err(|_| KeyError::NotAPublicKey)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| KeyError::NotAPublicKey)?;
        VerifyingKey::from_bytes(&bytes)
            .map(Self)
            .map_err(|_| KeyError::NotAPublicKey)
    }

    /// The id by which signatures name the key.
    #[must_use]
    pub fn id(&self) -> String {
        Digest::of(self.0.as_bytes()).short()
    }

    /// Base64 of the 32 bytes, for `publicKey` in objectos.yml.
    #[must_use]
    pub fn base64(&self) -> String {
        STANDARD.encode(self.0.as_bytes())
    }

    /// Whether `signature` is this key's over `message`.
    pub(super) fn holds(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0
            .verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature))
            .is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({})", self.id())
    }
}

/// A private key and its public half. `Debug` shows the id alone.
pub struct KeyPair(SigningKey);

impl KeyPair {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoRandomness`] when there is none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut secret = [0; 32];
        SysRng.try_fill_bytes(&mut secret).map_err(|_| KeyError::NoRandomness)?;
        Ok(Self(SigningKey::from_bytes(&secret)))
    }

    /// The key made of these 32 secret bytes.
    #[must_use]
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// Reads a private key.
    ///
    /// # Errors
    ///
    /// [`KeyError::Exposed`] when others may read the file, [`KeyError::Read`], [`KeyError::NotAKey`].
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let read = |source| KeyError::Read {
            path: path.to_owned(),
            source,
        };
        let mode = fs::metadata(path).map_err(read)?.mode() & 0o777;
        if mode & FOREIGN_RIGHTS != 0 {
            return Err(KeyError::Exposed {
                path: path.to_owned(),
                mode,
            });
        }
        let text = fs::read_to_string(path).map_err(read)?;
        SigningKey::from_pkcs8_pem(&text)
            .map(Self)
            .map_err(|_| KeyError::NotAKey { path: path.to_owned() })
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeyPair({})", self.public().id())
    }
}

/// Writes a new private key to `path` (mode 0600) and its public half beside it: `.pub` in the place of `.key`, or added where
/// the name does not end so.
///
/// # Errors
///
/// [`KeyError::Exists`] when one of the two is already there, [`KeyError::Write`], [`KeyError::NoRandomness`].
pub fn keygen(path: &Path) -> Result<PublicKey, KeyError> {
    let pair = KeyPair::generate()?;
    let public_path = public_path(path);
    if public_path.exists() {
        return Err(KeyError::Exists { path: public_path });
    }
    let unwritable = |error: &dyn fmt::Display| io::Error::other(error.to_string());
    let private = pair.0.to_pkcs8_pem(LineEnding::LF).map_err(|error| KeyError::Write {
        path: path.to_owned(),
        source: unwritable(&error),
    })?;
    let public = pair
        .public()
        .0
        .to_public_key_pem(LineEnding::LF)
        .map_err(|error| KeyError::Write {
            path: public_path.clone(),
            source: unwritable(&error),
        })?;
    write_new(path, private.as_bytes(), 0o600)?;
    write_new(&public_path, public.as_bytes(), 0o644)?;
    Ok(pair.public())
}

fn public_path(path: &Path) -> PathBuf {
    if path.extension().is_some_and(|extension| extension == "key") {
        return path.with_extension("pub");
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), KeyError> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = opened.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists { path: path.to_owned() },
        _ => KeyError::Write {
            path: path.to_owned(),
            source,
        },
    })?;
    file.write_all(content).map_err(|source| KeyError::Write {
        path: path.to_owned(),
        source,
    })
}
