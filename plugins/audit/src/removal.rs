//! Rows that tell of what retention took out: what they say, signed, and what speaks against believing it. Whoever has the
//! database alone can write such a row about whatever they deleted; so where there are keys the row must be signed, and where
//! there are none it must be one that retention, as it is set, could have written.
//!
//! Called by retention, which signs, and by the verification, which doubts.

use objectos_plugin_api::protocol::system::AuditRetentionPolicy;
use serde_json::{Map, Value};

use crate::{
    chain,
    checkpoint::{Key, Keys},
    config::Retention,
    moment,
    retention::Run,
    row::Row,
};

const KEY_ID: &str = "keyId";
const SIGNATURE: &str = "signature";
/// Events may reach the trail late, and then stand behind later ones: this much is no sign of a forgery.
const LATE_MS: i64 = 7 * 86_400_000;

/// What the verification goes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) policy: Option<&'a AuditRetentionPolicy>,
    /// Rows up to this sequence were written before there was a key.
    pub(crate) unsigned_up_to: u64,
}

/// What one row says.
#[derive(Clone, Debug)]
pub(crate) struct Removal {
    pub(crate) runs: Vec<Run>,
    /// Name of the archive and its hash.
    pub(crate) archive: Option<(String, String)>,
    /// When, milliseconds since 1970.
    pub(crate) told_ms: Option<i64>,
    /// Signed with one of the keys.
    pub(crate) signed: bool,
}

/// The text that is signed: which row it is, when, and all that it says but the signature.
fn statement(row: &Row) -> String {
    let mut said = row.metadata.clone().unwrap_or_default();
    said.retain(|key, _| key != KEY_ID && key != SIGNATURE);
    format!(
        "objectos audit removal\n{}\n{}\n{}\n",
        row.id,
        row.timestamp,
        chain::canonical(&said)
    )
}

/// Signs what a row says.
pub(crate) fn sign(row: &mut Row, key: &Key) {
    let (key_id, signature) = key.sign_text(&statement(row));
    let said = row.metadata.get_or_insert_with(Map::new);
    said.insert(KEY_ID.to_owned(), key_id.into());
    said.insert(SIGNATURE.to_owned(), signature.into());
}

impl Removal {
    /// Reads a row, and says what speaks against believing it: `None` when nothing does.
    pub(crate) fn read(row: &Row, rules: Rules<'_>) -> (Self, Option<String>) {
        let empty = Map::new();
        let said = row.metadata.as_ref().unwrap_or(&empty);
        let text = |key: &str| said.get(key).and_then(Value::as_str).map(str::to_owned);
        let runs = said
            .get("runs")
            .and_then(|runs| serde_json::from_value(runs.clone()).ok());
        let mut removal = Self {
            runs: runs.unwrap_or_default(),
            archive: text("file").zip(text("sha256")),
            told_ms: moment::to_ms(&row.timestamp),
            signed: false,
        };
        let signature = text(KEY_ID).zip(text(SIGNATURE));
        let doubt = removal.doubt(row, signature, rules);
        (removal, doubt)
    }

    fn doubt(&mut self, row: &Row, signature: Option<(String, String)>, rules: Rules<'_>) -> Option<String> {
        if self.runs.is_empty() {
            // Nothing is missing because of it.
            return None;
        }
        let name = format!("event {}, which tells of a removal,", row.id);
        if self.runs.iter().any(|run| run.to >= row.sequence || run.from > run.to) {
            return Some(format!("{name} names events that were not there yet"));
        }
        let signed = signature.and_then(|(key_id, signature)| {
            let held = rules.keys.holds_text(&key_id, &signature, &statement(row));
            Some((key_id, held)).filter(|_| !rules.keys.is_empty())
        });
        match signed {
            Some((_, Some(true))) => {
                self.signed = true;
                return None;
            }
            Some((_, Some(false))) => return Some(format!("{name} has a wrong signature")),
            Some((key_id, None)) => {
                return Some(format!(
                    "{name} was signed with the key {key_id}, which is none of those set; of a key that was in use before, \
                     set the public half under formerPublicKeys"
                ));
            }
            None if !rules.keys.is_empty() && row.sequence > rules.unsigned_up_to => {
                return Some(format!(
                    "{name} is not signed, although there is a key; if it was written before there was one, set \
                     unsignedRemovalsUpTo to {}",
                    row.sequence
                ));
            }
            None => {}
        }
        self.against(&name, rules.policy)
    }

    /// What the policy has against a removal that nobody signed.
    fn against(&self, name: &str, policy: Option<&AuditRetentionPolicy>) -> Option<String> {
        let Some(policy) = policy else {
            return Some(format!("{name} is not of retention: there is no retentionPolicy"));
        };
        (policy.archive_after_retention && self.archive.is_none())
            .then(|| format!("{name} names no archive, although retentionPolicy.archiveAfterRetention is on"))
    }

    /// Whether events that stand behind one of this moment were too young to be taken out.
    pub(crate) fn is_early(&self, before_ms: i64, policy: Option<&AuditRetentionPolicy>) -> bool {
        let (Some(policy), Some(told_ms), false) = (policy, self.told_ms, self.signed) else {
            return false;
        };
        let own = policy.own_types();
        let kept = own.iter().map(|kind| policy.kept_ms(kind));
        let shortest_ms = kept.fold(policy.kept_ms(""), i64::min);
        told_ms.saturating_sub(shortest_ms).saturating_add(LATE_MS) < before_ms
    }
}
