//! Where what is kept of a record lies, and what the names of its objects tell. Batches of events are `e/NAME`
//! (`batch`), snapshots `s/SEQUENCE-ATMS-n.json`, and `-b` for a base: the state that forgotten events led to.

use std::cmp::Reverse;
use std::fmt;

use crate::batch::{BatchName, hash_of};

/// What all keys here begin with.
pub(super) const ROOT: &str = "records/";
/// Bytes of a word that stands in a key as it is.
const WORD_MAX: usize = 64;

/// The folder of a record, with its `/`.
pub(super) fn folder_of(object: &str, record: &str) -> String {
    format!("{ROOT}{}/{}/", word(object), word(record))
}

/// A name or id as it stands in keys: itself when it has nothing but letters, digits, `-` and `_`, else its hash
/// behind `~`.
pub(super) fn word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !text.is_empty() && text.len() <= WORD_MAX && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("~{}", &hash_of(text)[..WORD_MAX / 2])
}

/// The object's word and the folder of a key, and what stands behind that.
pub(super) fn parts_of(key: &str) -> Option<(&str, &str, &str)> {
    let (object, rest) = key.strip_prefix(ROOT)?.split_once('/')?;
    let (_, rest) = rest.split_once('/')?;
    let (folder, rest) = key.split_at(key.len() - rest.len());
    Some((object, folder, rest))
}

/// The name of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SnapshotName {
    pub(super) sequence: u64,
    /// When the event at which it stands was stored, milliseconds since 1970.
    pub(super) at_ms: i64,
    /// What came before it is forgotten.
    pub(super) base: bool,
}

impl SnapshotName {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_suffix(".json")?.split('-');
        let mut next = || parts.next();
        let name = Self {
            sequence: next()?.parse().ok()?,
            at_ms: next()?.parse().ok()?,
            base: match next()? {
                "b" => true,
                "n" => false,
                _ => return None,
            },
        };
        next().is_none().then_some(name)
    }
}

impl fmt::Display for SnapshotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.base { "b" } else { "n" };
        write!(f, "{:016}-{:013}-{kind}.json", self.sequence, self.at_ms)
    }
}

/// A batch of events of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeptBatch {
    pub(super) key: String,
    pub(super) name: BatchName,
}

/// What there is of a record.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    pub(super) batches: Vec<KeptBatch>,
    pub(super) snapshots: Vec<(String, SnapshotName)>,
}

impl Kept {
    /// Takes an object in; `rest` is its key without the record's folder. One of another kind is nobody's business.
    pub(super) fn note(&mut self, key: &str, rest: &str) {
        let key = key.to_owned();
        if let Some(name) = rest.strip_prefix("e/").and_then(BatchName::parse) {
            self.batches.push(KeptBatch { key, name });
        } else if let Some(name) = rest.strip_prefix("s/").and_then(SnapshotName::parse) {
            self.snapshots.push((key, name));
        }
    }

    /// Key of the newest snapshot within the bounds.
    pub(super) fn newest_snapshot(&self, until: u64, until_ms: i64) -> Option<&str> {
        let within = self
            .snapshots
            .iter()
            .filter(|(_, name)| name.sequence <= until && name.at_ms <= until_ms);
        within
            .max_by_key(|(_, name)| name.sequence)
            .map(|(key, _)| key.as_str())
    }

    /// Sequence of the newest snapshot; 0 for none.
    pub(super) fn snapshot_sequence(&self) -> u64 {
        self.snapshots
            .iter()
            .map(|(_, name)| name.sequence)
            .max()
            .unwrap_or_default()
    }

    /// How many events came after the newest snapshot, doubles counted.
    pub(super) fn events_since_snapshot(&self) -> u64 {
        let newest = self.snapshot_sequence();
        let since = |batch: &KeptBatch| match batch.name.last.saturating_sub(newest) {
            span if batch.name.first <= newest => batch.name.count.min(span),
            _ => batch.name.count,
        };
        self.batches.iter().map(since).sum()
    }

    /// Keys of snapshots that are surpassed in number.
    pub(super) fn surplus(&self, newest: u64) -> Vec<String> {
        let mut own: Vec<&(String, SnapshotName)> = self.snapshots.iter().filter(|(_, name)| !name.base).collect();
        own.sort_by_key(|(_, name)| Reverse(name.sequence));
        let kept = usize::try_from(newest.max(1)).unwrap_or(usize::MAX);
        own.into_iter().skip(kept).map(|(key, _)| key.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_safe_and_differ() {
        assert_eq!(folder_of("deal", "01J-x_Y"), "records/deal/01J-x_Y/");
        for text in ["", "a/b", "..", "a b", "ü", "~x", &"x".repeat(65)] {
            let word = word(text);
            assert!(word.len() == 33 && word.starts_with('~'), "{text}: {word}");
        }
        assert_ne!(word("a/b"), word("a/c"));
    }

    #[test]
    fn a_key_is_taken_apart() {
        let found = parts_of("records/deal/1/e/x.jsonl");
        assert_eq!(found, Some(("deal", "records/deal/1/", "e/x.jsonl")));
        assert_eq!(parts_of("records/deal/1"), None);
        assert_eq!(parts_of("archive/deal/1/e"), None);
    }

    fn kept(snapshots: &[(u64, bool)], batches: &[(u64, u64, u64)]) -> Kept {
        let mut kept = Kept::default();
        for (sequence, base) in snapshots {
            let name = SnapshotName {
                sequence: *sequence,
                at_ms: i64::try_from(*sequence).expect("a small number") * 10,
                base: *base,
            };
            kept.note(&format!("{sequence}"), &format!("s/{name}"));
        }
        for (first, last, count) in batches {
            kept.note("batch", &format!("e/{first}-{last}-{count}-0-0-hash.jsonl"));
        }
        kept.note("other", "s/readme.txt");
        kept
    }

    #[test]
    fn names_tell_what_is_to_be_read() {
        let all = kept(&[(3, true), (7, false), (9, false)], &[]);
        assert_eq!(all.newest_snapshot(u64::MAX, i64::MAX), Some("9"));
        assert_eq!(all.newest_snapshot(8, i64::MAX), Some("7"));
        assert_eq!(all.newest_snapshot(u64::MAX, 69), Some("3"));
        assert_eq!(all.newest_snapshot(2, i64::MAX), None);
        assert_eq!(all.surplus(1), ["7"]);
        assert!(all.surplus(2).is_empty(), "a base does not count");
    }

    #[test]
    fn events_since_the_newest_snapshot_are_counted() {
        type Case = (&'static [(u64, bool)], &'static [(u64, u64, u64)], u64);
        let cases: [Case; 5] = [
            (&[], &[], 0),
            (&[], &[(1, 4, 4), (5, 5, 1)], 5),
            (&[(4, false)], &[(1, 4, 4), (5, 9, 2)], 2),
            (&[(4, true)], &[(1, 6, 5)], 2),
            (&[(9, false)], &[(1, 6, 5)], 0),
        ];
        for (snapshots, batches, expected) in cases {
            let kept = kept(snapshots, batches);
            assert_eq!(kept.events_since_snapshot(), expected, "{snapshots:?} {batches:?}");
        }
    }
}
