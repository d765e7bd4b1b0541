//! The chain: a row's canonical form, its hash, and the hash of the row before in it. Pure; called by the writer, which makes
//! links, and by the verification, which checks them.
//!
//! Canonical form: JSON without blanks, keys sorted by their bytes at every depth, nulls of the row itself left out, whole
//! numbers without a fraction. So it does not matter how a database keeps JSON. The hash is SHA-256 over the canonical form
//! of everything in the row but the hash itself, in hexadecimal.

use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

use crate::row::Row;

/// What stands before the first row.
pub(crate) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The end of the chain: where the next row goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Sequence of the last row; 0 before the first.
    pub(crate) sequence: u64,
    /// Its hash.
    pub(crate) hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            sequence: 0,
            hash: GENESIS.to_owned(),
        }
    }
}

impl Head {
    /// Puts a row at the end.
    pub(crate) fn link(&mut self, row: &mut Row) {
        row.sequence = self.sequence + 1;
        row.previous_hash.clone_from(&self.hash);
        row.hash = hash_of(row);
        self.sequence = row.sequence;
        self.hash.clone_from(&row.hash);
    }
}

/// The hash that a row should have.
pub(crate) fn hash_of(row: &Row) -> String {
    let mut record = row.to_record();
    record.remove("hash");
    record.retain(|_, value| !value.is_null());
    let mut text = String::with_capacity(1_024);
    write_map(&mut text, &record);
    hex(&Sha256::digest(text.as_bytes()))
}

/// The canonical form of what a row says, for signatures.
pub(crate) fn canonical(map: &Map<String, Value>) -> String {
    let mut text = String::new();
    write_map(&mut text, map);
    text
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            // Writing to a String does not fail.
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// Hexadecimal as bytes.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Object(map) => write_map(out, map),
        Value::Array(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(out, value);
            }
            out.push(']');
        }
        Value::Number(number) => write_number(out, number),
        other => out.push_str(&other.to_string()),
    }
}

fn write_map(out: &mut String, map: &Map<String, Value>) {
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort_unstable();
    out.push('{');
    for (index, key) in keys.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&Value::from(key.as_str()).to_string());
        out.push(':');
        write_value(out, &map[key]);
    }
    out.push('}');
}

fn write_number(out: &mut String, number: &Number) {
    match number.as_f64() {
        // 3.0 and 3 are one number; beyond 2^53 a double holds no fractions anyway.
        Some(double) if number.is_f64() && double.fract() == 0.0 && double.abs() < 9e15 => {
            out.push_str(&format!("{double:.0}"));
        }
        _ => out.push_str(&number.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row() -> Row {
        Row {
            id: "e1".to_owned(),
            event_type: "data.update".to_owned(),
            metadata: json!({ "b": 1.0, "a": { "d": [null, 2.5], "c": "ü\n" } })
                .as_object()
                .cloned(),
            ..Row::default()
        }
    }

    #[test]
    fn the_form_does_not_depend_on_how_json_is_kept() {
        let other = Row {
            metadata: json!({ "a": { "c": "ü\n", "d": [null, 2.5] }, "b": 1 })
                .as_object()
                .cloned(),
            ..row()
        };
        assert_eq!(hash_of(&row()), hash_of(&other));
    }

    #[test]
    fn every_field_is_part_of_the_hash_but_the_hash() {
        let plain = hash_of(&row());
        let record = row().to_record();
        for field in [
            "id",
            "sequence",
            "event_type",
            "severity",
            "timestamp",
            "actor_type",
            "actor_id",
            "actor_name",
            "actor_email",
            "impersonator_id",
            "ip_address",
            "ip_network",
            "user_agent",
            "session_id",
            "request_id",
            "tenant_id",
            "plugin",
            "object_name",
            "record_id",
            "target_type",
            "target_id",
            "target_name",
            "description",
            "result",
            "error_message",
            "previous_hash",
        ] {
            let mut changed = record.clone();
            let value = if field == "sequence" { json!(7) } else { json!("other") };
            changed.insert(field.to_owned(), value);
            let changed = Row::from_record(&changed).expect("a row");
            assert_ne!(hash_of(&changed), plain, "{field}");
        }
        let mut hashed = row();
        hashed.hash = plain.clone();
        assert_eq!(hash_of(&hashed), plain);
    }

    #[test]
    fn rows_are_linked_one_to_the_next() {
        let mut head = Head::default();
        let (mut first, mut second) = (row(), row());
        head.link(&mut first);
        head.link(&mut second);
        assert_eq!((first.sequence, first.previous_hash.as_str()), (1, GENESIS));
        assert_eq!((second.sequence, &second.previous_hash), (2, &first.hash));
        assert_eq!((head.sequence, &head.hash), (2, &second.hash));
        assert_eq!(unhex(&hex(&[0, 255, 16])), Some(vec![0, 255, 16]));
    }
}
