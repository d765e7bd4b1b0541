//! Checkpoints: how far the chain went and which hash it ended with, signed with Ed25519. Whoever has the database but not
//! the key cannot write the chain anew from some row on, nor cut off its end behind a checkpoint, without being seen.
//!
//! Each stands in the database and, as a line, in `checkpoints.ndjson` in the plugin's folder.

use ed25519_dalek::{Signature, Signer, SigningKey, Verifier};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use crate::{
    chain::{Head, hex, unhex},
    config::AuditSettings,
    error::{AuditError, Result},
    store::Records,
};

/// Name of the object.
pub(crate) const OBJECT: &str = "sys_audit_checkpoint";
const FILE: &str = "checkpoints.ndjson";

/// A checkpoint. The keys are the fields of the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) sequence: u64,
    pub(crate) hash: String,
    pub(crate) signed_at: String,
    pub(crate) key_id: String,
    pub(crate) signature: String,
}

/// Signs and checks.
pub(crate) struct Key {
    key: SigningKey,
    id: String,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

fn statement(sequence: u64, hash: &str, signed_at: &str) -> String {
    format!("objectos audit checkpoint\n{sequence}\n{hash}\n{signed_at}\n")
}

impl Key {
    /// The key that the operator set, if any.
    ///
    /// # Errors
    /// `Configuration` when there is none in it.
    pub(crate) fn read(settings: &AuditSettings) -> Result<Option<Self>> {
        let (place, text) = match (&settings.own.signing_key_file, settings.signing_key_text()) {
            (Some(file), _) => {
                let text = fs::read_to_string(file).map_err(|error| {
                    AuditError::Configuration(format!("signingKeyFile: {} cannot be read: {error}", file.display()))
                })?;
                ("signingKeyFile", text)
            }
            (None, Some(text)) => ("compliance.signingKey", text.to_owned()),
            (None, None) => return Ok(None),
        };
        let seed: [u8; 32] = unhex(&text).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
            AuditError::Configuration(format!(
                "{place}: a key is 32 bytes in hexadecimal, 64 digits, as `openssl rand -hex 32` makes them"
            ))
        })?;
        let key = SigningKey::from_bytes(&seed);
        let id = hex(&Sha256::digest(key.verifying_key().as_bytes()))[..16].to_owned();
        Ok(Some(Self { key, id }))
    }

    pub(crate) fn sign(&self, head: &Head, signed_at: String) -> Checkpoint {
        let signature = self
            .key
            .sign(statement(head.sequence, &head.hash, &signed_at).as_bytes());
        Checkpoint {
            sequence: head.sequence,
            hash: head.hash.clone(),
            signed_at,
            key_id: self.id.clone(),
            signature: hex(&signature.to_bytes()),
        }
    }

    /// `None`: signed with another key.
    pub(crate) fn holds(&self, checkpoint: &Checkpoint) -> Option<bool> {
        if checkpoint.key_id != self.id {
            return None;
        }
        let signature = unhex(&checkpoint.signature).and_then(|bytes| Signature::from_slice(&bytes).ok());
        let said = statement(checkpoint.sequence, &checkpoint.hash, &checkpoint.signed_at);
        Some(signature.is_some_and(|signature| self.key.verifying_key().verify(said.as_bytes(), &signature).is_ok()))
    }
}

fn file_error(what: &str, path: &Path) -> impl FnOnce(std::io::Error) -> AuditError {
    let what = format!("{what} {}", path.display());
    move |source| AuditError::File { what, source }
}

/// Writes a checkpoint down in both places.
pub(crate) async fn keep(records: &Records, folder: &Path, checkpoint: &Checkpoint) -> Result<()> {
    let record = serde_json::to_value(checkpoint).map_err(objectos_plugin_api::Error::internal)?;
    records.create(OBJECT, record.clone()).await?;
    let path = folder.join(FILE);
    let mut file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(file_error("opening", &path))?;
    file.write_all(format!("{record}\n").as_bytes())
        .and_then(|()| file.sync_data())
        .map_err(file_error("writing", &path))
}

/// All that are known, from both places, in order; a line of the file that is none is a problem.
pub(crate) async fn all(records: &Records, folder: &Path) -> Result<(Vec<Checkpoint>, Vec<String>)> {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    let mut after = 0_u64;
    loop {
        let query = serde_json::json!({
            "where": { "sequence": { "$gt": after } }, "orderBy": [{ "field": "sequence", "order": "asc" }],
            "limit": crate::store::PAGE, "count": false,
        });
        let page = records.find(OBJECT, query).await?;
        let page = page["records"].as_array().cloned().unwrap_or_default();
        let before = found.len();
        for record in page {
            match serde_json::from_value::<Checkpoint>(record.clone()) {
                Ok(checkpoint) => found.push(checkpoint),
                Err(error) => problems.push(format!(
                    "checkpoint {} in the database cannot be read: {error}",
                    record["id"]
                )),
            }
        }
        match found.last() {
            Some(last) if found.len() > before => after = last.sequence,
            _ => break,
        }
    }
    let path: PathBuf = folder.join(FILE);
    if let Ok(text) = fs::read_to_string(&path) {
        for (number, line) in text.lines().enumerate() {
            match serde_json::from_str::<Checkpoint>(line) {
                Ok(checkpoint) if !found.contains(&checkpoint) => found.push(checkpoint),
                Ok(_) => {}
                Err(error) => problems.push(format!("{FILE}, line {}: {error}", number + 1)),
            }
        }
    }
    found.sort_by_key(|checkpoint| checkpoint.sequence);
    Ok((found, problems))
}
