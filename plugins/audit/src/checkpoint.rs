//! Checkpoints: how far the chain went and which hash it ended with, signed with Ed25519. Whoever has the database but not
//! the key cannot write the chain anew from some row on, nor cut off its end behind a checkpoint, without being seen.
//!
//! Each stands in the database and, as a line, in `checkpoints.ndjson` in the plugin's folder.

use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeSet,
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

/// Signs.
pub(crate) struct Key {
    key: SigningKey,
    id: String,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

fn id_of(key: &VerifyingKey) -> String {
    hex(&Sha256::digest(key.as_bytes()))[..16].to_owned()
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
        let id = id_of(&key.verifying_key());
        Ok(Some(Self { key, id }))
    }

    pub(crate) fn sign(&self, head: &Head, signed_at: String) -> Checkpoint {
        let (key_id, signature) = self.sign_text(&statement(head.sequence, &head.hash, &signed_at));
        Checkpoint {
            sequence: head.sequence,
            hash: head.hash.clone(),
            signed_at,
            key_id,
            signature,
        }
    }

    /// The id of the key, and its signature of a text.
    pub(crate) fn sign_text(&self, text: &str) -> (String, String) {
        let signature = self.key.sign(text.as_bytes());
        (self.id.clone(), hex(&signature.to_bytes()))
    }
}

/// The public halves of the keys that checkpoints may be signed with: the one in use, and those that were.
#[derive(Debug)]
pub(crate) struct Keys {
    known: Vec<(String, VerifyingKey)>,
    /// Public half of the one in use.
    current: Option<String>,
}

impl Keys {
    /// What the operator set.
    ///
    /// # Errors
    /// `Configuration` for what is no key.
    pub(crate) fn read(settings: &AuditSettings) -> Result<Self> {
        let current = Key::read(settings)?.map(|key| key.key.verifying_key());
        let mut known: Vec<VerifyingKey> = current.into_iter().collect();
        for text in &settings.own.former_public_keys {
            let bytes: Option<[u8; 32]> = unhex(text).and_then(|bytes| bytes.try_into().ok());
            let key = bytes.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
            known.push(key.ok_or_else(|| {
                AuditError::Configuration(format!(
                    "formerPublicKeys: `{text}` is no public key: 64 hexadecimal digits, as `audit verify` shows them"
                ))
            })?);
        }
        Ok(Self {
            known: known.iter().map(|key| (id_of(key), *key)).collect(),
            current: current.map(|key| hex(key.as_bytes())),
        })
    }

    /// Nothing can be checked.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The public half of the key in use, hexadecimal.
    pub(crate) fn current(&self) -> Option<&str> {
        self.current.as_deref()
    }

    /// `None`: signed with a key that is not among them.
    pub(crate) fn holds(&self, checkpoint: &Checkpoint) -> Option<bool> {
        let said = statement(checkpoint.sequence, &checkpoint.hash, &checkpoint.signed_at);
        self.holds_text(&checkpoint.key_id, &checkpoint.signature, &said)
    }

    /// The same of any text.
    pub(crate) fn holds_text(&self, key_id: &str, signature: &str, text: &str) -> Option<bool> {
        let (_, key) = self.known.iter().find(|(id, _)| id == key_id)?;
        let signature = unhex(signature).and_then(|bytes| Signature::from_slice(&bytes).ok());
        Some(signature.is_some_and(|signature| key.verify(text.as_bytes(), &signature).is_ok()))
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

/// How far the chain is signed, by the last checkpoint in the database; 0 where there is none.
pub(crate) async fn last(records: &Records) -> Result<u64> {
    let query = serde_json::json!({
        "fields": ["sequence"], "orderBy": [{ "field": "sequence", "order": "desc" }], "limit": 1, "count": false,
    });
    let found = records.find(OBJECT, query).await?;
    Ok(found["records"][0]["sequence"].as_u64().unwrap_or_default())
}

/// Sequences of the checkpoints in the database between two, both among them.
pub(crate) async fn between(records: &Records, first: u64, last: u64) -> Result<BTreeSet<u64>> {
    let (mut found, mut after) = (BTreeSet::new(), first.saturating_sub(1));
    loop {
        let query = serde_json::json!({
            "fields": ["sequence"], "where": { "sequence": { "$gt": after, "$lte": last } },
            "orderBy": [{ "field": "sequence", "order": "asc" }], "limit": crate::store::PAGE, "count": false,
        });
        let page = records.find(OBJECT, query).await?;
        let page = page["records"].as_array().into_iter().flatten();
        let page: Vec<u64> = page.filter_map(|record| record["sequence"].as_u64()).collect();
        let Some(end) = page.last() else { return Ok(found) };
        after = *end;
        found.extend(page);
    }
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
