//! Encrypted fields are encrypted here, for the record that they belong to, each time with another nonce.
//!
//! Passwords are kept as hashes: argon2id in its own text form (PHC), with the parameters that OWASP recommends. What came is
//! hashed when nothing else is wrong with the record, once for each write, however often the write is planned. From the system a
//! text that is such a hash already stays as it is: that is how passwords move from elsewhere. Called by every change of records.

use std::collections::HashMap;
use std::fmt;

use argon2::Argon2;
use argon2::password_hash::{Error as HashError, PasswordHasher, SaltString};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::Engine;
use super::access::Granted;
use super::draft::{Draft, Stored};
use crate::error::{DataError, Result};
use crate::record::Layout;
use crate::store::SqlValue;
use crate::validate::is_password_hash;

/// Hashes that are computed at the same time: each takes a core and 19 MiB.
const AT_ONCE: usize = 4;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Hashes of one write, by what they stand for: nothing to be shown.
#[derive(Default)]
pub(super) struct Sealed(Mutex<HashMap<String, String>>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").finish_non_exhaustive()
    }
}

impl Engine {
    /// Puts hashes in the places of the passwords that are new, and encrypts the other secrets that are.
    pub(super) async fn seal(
        &self,
        draft: &Draft<'_>,
        layout: &Layout,
        granted: &Granted,
        before: Option<&Stored>,
        values: &mut [SqlValue],
    ) -> Result<()> {
        let id = values[0].as_text().unwrap_or_default().to_owned();
        for (index, value) in values.iter_mut().enumerate() {
            let column = &layout.columns[index];
            if !column.form.is_kept_back() || before.is_some_and(|before| before[index] == *value) {
                continue;
            }
            let SqlValue::Text(text) = &*value else { continue };
            if column.form.is_encrypted() {
                *value = SqlValue::Text(layout.seal(layout.field(index), &id, text)?);
                continue;
            }
            if text.is_empty() || (granted.system && is_password_hash(text)) {
                continue;
            }
            // Two records with one password have two hashes.
            let key = format!("{}\n{}\n{text}", draft.operation, column.name);
            let known = draft.known.sealed.0.lock().get(&key).cloned();
            let hash = match known {
                Some(hash) => hash,
                None => {
                    let hash = in_turn(text.clone()).await?;
                    draft.known.sealed.0.lock().insert(key, hash.clone());
                    hash
                }
            };
            *value = SqlValue::Text(hash);
        }
        Ok(())
    }
}

/// Hashes on a thread that may be kept busy.
async fn in_turn(password: String) -> Result<String> {
    let failed = |reason: String| DataError::internal(format!("a password could not be hashed: {reason}"));
    let turn = TURNS.acquire().await.map_err(|error| failed(error.to_string()))?;
    // The permit goes along: when the caller leaves, the core is still at work.
    let work = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        hashed(&password)
    });
    work.await
        .map_err(|error| failed(error.to_string()))?
        .map_err(|error| failed(error.to_string()))
}

fn hashed(password: &str) -> Result<String, HashError> {
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>())?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt)?;
    Ok(hash.to_string())
}
