//! Encrypts the values of secret fields for the store, and decrypts them.
//!
//! A stored value is `$sealed$1$KEY$DATA`: the version of the form, the id of the key, and in base64 a nonce, the text under
//! AES-256-GCM, and its tag. Each value has a key of its own, derived (HKDF-SHA256) from the named one for its [`Spot`], which
//! is bound as additional data as well: a value that is carried to another record, field or object does not open there. It
//! knows neither objects nor the store. Called by [`crate::record::Layout`]; made by the plugin from its settings ([`keys`]).

pub mod keys;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::RwLock;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::{DataError, Result};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Beginning of every stored value; the number is the version of the form.
const BEGINNING: &str = "$sealed$1$";
/// Keeps keys that are derived here apart from any that somebody else derives from the same bytes.
const SALT: &[u8] = b"objectos.data sealed values 1";

/// Where a value belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot<'a> {
    /// Name of the object.
    pub object: &'a str,
    /// Name of the field.
    pub field: &'a str,
    /// Id of the record.
    pub id: &'a str,
}

impl Spot<'_> {
    /// As bytes; no name and no id holds the character between them.
    fn bytes(&self) -> Vec<u8> {
        format!("{}\n{}\n{}", self.object, self.field, self.id).into_bytes()
    }
}

/// Why a stored value cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// It is not encrypted: it was stored before the field was.
    Clear,
    /// Its key is not there; the id of it.
    NoKey(String),
    /// It does not open with its key: the key has other bytes, or the value was altered or belongs elsewhere. The id of the key.
    Broken(String),
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clear => {
                f.write_str("it was stored before the field was encrypted; run `objectos-host encrypt rotate`")
            }
            Self::NoKey(key) => write!(
                f,
                "it is encrypted with the key '{key}', which is neither among plugins.objectos.data.encryption.keys nor in the \
                 folder of the plugin; put that key back"
            ),
            Self::Broken(key) => write!(
                f,
                "it does not open with the key '{key}': another key has that id now, or the value was altered; put the key back \
                 that it was encrypted with"
            ),
        }
    }
}

/// A key, ready for deriving from.
struct Key {
    id: String,
    root: hkdf::Prk,
}

impl Key {
    fn new(id: String, bytes: &[u8; KEY_BYTES]) -> Self {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(bytes);
        Self { id, root }
    }

    /// The key of one value.
    fn of(&self, spot: &[u8]) -> LessSafeKey {
        let info = [spot];
        let derived = self
            .root
            .expand(&info, &AES_256_GCM)
            .expect("a key of AES-256 is far below what HKDF derives at most");
        LessSafeKey::new(UnboundKey::from(derived))
    }
}

/// The keys: the first encrypts, all decrypt.
#[derive(Default)]
pub struct Vault {
    keys: RwLock<Vec<Arc<Key>>>,
    /// Where a key is made when the first value is to be encrypted and there is none.
    own: Option<PathBuf>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("keys", &self.ids()).finish()
    }
}

impl Vault {
    /// Of keys by their ids; the first encrypts. Without any, nothing can be encrypted.
    #[must_use]
    pub fn new(keys: Vec<(String, [u8; KEY_BYTES])>) -> Self {
        let keys = keys
            .into_iter()
            .map(|(id, bytes)| Arc::new(Key::new(id, &bytes)))
            .collect();
        Self {
            keys: RwLock::new(keys),
            own: None,
        }
    }

    /// Where there is no key, one is made in this file when it is needed first.
    #[must_use]
    pub fn with_own(mut self, path: PathBuf) -> Self {
        self.own = Some(path);
        self
    }

    /// Whether it can encrypt, be it with a key that is still to be made.
    #[must_use]
    pub fn can_seal(&self) -> bool {
        self.own.is_some() || !self.keys.read().is_empty()
    }

    /// Ids of the keys in their order.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.keys.read().iter().map(|key| key.id.clone()).collect()
    }

    /// Encrypts a text for its spot; no two results are alike.
    ///
    /// # Errors
    /// `Configuration` where there is no key and none can be made, `Internal` when the system gives no random bytes.
    pub fn seal(&self, spot: Spot<'_>, text: &str) -> Result<String> {
        let key = self.writing()?;
        let spot = spot.bytes();
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_| DataError::internal("the system gives no random bytes"))?;
        let mut sealed = text.as_bytes().to_vec();
        key.of(&spot)
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(spot.as_slice()),
                &mut sealed,
            )
            .map_err(|_| DataError::internal("a value is too long to be encrypted"))?;
        let mut bytes = nonce.to_vec();
        bytes.append(&mut sealed);
        Ok(format!("{BEGINNING}{}${}", key.id, URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Decrypts a stored value.
    ///
    /// # Errors
    /// Why it cannot be.
    pub fn open(&self, spot: Spot<'_>, stored: &str) -> Result<String, Unopened> {
        let Some((id, data)) = parts(stored) else {
            return Err(Unopened::Clear);
        };
        let Some(key) = self.reading(id) else {
            return Err(Unopened::NoKey(id.to_owned()));
        };
        let broken = || Unopened::Broken(id.to_owned());
        let mut bytes = URL_SAFE_NO_PAD.decode(data).map_err(|_| broken())?;
        if bytes.len() < NONCE_LEN {
            return Err(broken());
        }
        let mut sealed = bytes.split_off(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(&bytes).map_err(|_| broken())?;
        let spot = spot.bytes();
        let text = key
            .of(&spot)
            .open_in_place(nonce, Aad::from(spot.as_slice()), &mut sealed)
            .map_err(|_| broken())?;
        String::from_utf8(text.to_vec()).map_err(|_| broken())
    }

    /// Whether a stored value is encrypted with the key that encrypts now.
    #[must_use]
    pub fn is_current(&self, stored: &str) -> bool {
        let keys = self.keys.read();
        let current = keys.first().map(|key| key.id.as_str());
        current.is_some() && parts(stored).map(|(id, _)| id) == current
    }

    /// A key by its id. One of the plugin's own may have been made since the start, by the version of the plugin that this one
    /// takes over from.
    fn reading(&self, id: &str) -> Option<Arc<Key>> {
        let known = find(&self.keys.read(), id);
        if known.is_some() {
            return known;
        }
        let path = self.own.as_ref().filter(|_| id.starts_with(keys::OWN))?;
        let mut keys = self.keys.write();
        if let Some(key) = find(&keys, id) {
            return Some(key);
        }
        let (own, bytes) = keys::own(path).ok().flatten().filter(|(own, _)| own == id)?;
        let key = Arc::new(Key::new(own, &bytes));
        keys.push(Arc::clone(&key));
        Some(key)
    }

    /// The key that encrypts; made where it is to be the plugin's own and is not there.
    fn writing(&self) -> Result<Arc<Key>> {
        if let Some(key) = self.keys.read().first() {
            return Ok(Arc::clone(key));
        }
        let Some(path) = &self.own else {
            return Err(DataError::Configuration {
                message: "there is no key to encrypt with: set plugins.objectos.data.encryption.keys, as in `keys: [{id: k1, \
                          keyFile: /etc/objectos/k1.key}]`, the same on every host of this database; make a key with \
                          `openssl rand -base64 32`"
                    .to_owned(),
            });
        };
        let mut keys = self.keys.write();
        if let Some(key) = keys.first() {
            return Ok(Arc::clone(key));
        }
        let (id, bytes) = keys::make_own(path)?;
        let key = Arc::new(Key::new(id, &bytes));
        keys.push(Arc::clone(&key));
        Ok(key)
    }
}

fn find(keys: &[Arc<Key>], id: &str) -> Option<Arc<Key>> {
    keys.iter().find(|key| key.id == id).cloned()
}

/// Id of the key and data of a stored value; none when it is not encrypted.
fn parts(stored: &str) -> Option<(&str, &str)> {
    stored.strip_prefix(BEGINNING)?.split_once('$')
}

#[cfg(test)]
mod tests;
