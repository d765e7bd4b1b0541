//! Done events as the text of an object, one line of JSON each, and what the object's name tells of them, so that a
//! list of names says which objects have to be read: `FIRST-LAST-COUNT-FIRSTMS-LASTMS-HASH.jsonl`, that is the least
//! and the greatest sequence, how many events, when the first and the last of them were stored (milliseconds since
//! 1970), and the first twelve digits of the text's SHA-256. Sequences have leading zeros, so that names sort as
//! their events do.

use objectos_plugin_api::contracts::event_store::DoneEvent;
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};

use crate::error::{Result, StorageError};

const SUFFIX: &str = ".jsonl";
const HASH_LENGTH: usize = 12;
/// Bytes of a batch; the event that surpasses it is its last.
pub(crate) const BYTES_MAX: usize = 4 * 1024 * 1024;

/// The name of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BatchName {
    /// The least sequence.
    pub(crate) first: u64,
    /// The greatest sequence.
    pub(crate) last: u64,
    /// Events in it.
    pub(crate) count: u64,
    /// When the earliest event was stored, milliseconds since 1970.
    pub(crate) first_ms: i64,
    /// When the latest was.
    pub(crate) last_ms: i64,
    hash: String,
}

impl BatchName {
    /// Reads a name; `None` for that of anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_suffix(SUFFIX)?.split('-');
        let mut next = || parts.next();
        let name = Self {
            first: next()?.parse().ok()?,
            last: next()?.parse().ok()?,
            count: next()?.parse().ok()?,
            first_ms: next()?.parse().ok()?,
            last_ms: next()?.parse().ok()?,
            hash: next()?.to_owned(),
        };
        next().is_none().then_some(name)
    }
}

impl fmt::Display for BatchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            first,
            last,
            count,
            first_ms,
            last_ms,
            hash,
        } = self;
        write!(
            f,
            "{first:016}-{last:016}-{count}-{first_ms:013}-{last_ms:013}-{hash}{SUFFIX}"
        )
    }
}

/// Events as one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) name: BatchName,
    pub(crate) body: String,
}

/// Events as objects that are not too large; at least one event in each.
///
/// # Errors
/// `Broken` for an event that is no JSON.
pub(crate) fn batches(mut events: Vec<DoneEvent>) -> Result<Vec<Batch>> {
    events.sort_by_key(|done| done.sequence);
    let mut batches = Vec::new();
    let mut open: Vec<&DoneEvent> = Vec::new();
    let mut body = String::new();
    for done in &events {
        let line = serde_json::to_string(done)
            .map_err(|error| StorageError::Broken(format!("the event {} is no JSON: {error}", done.sequence)))?;
        body.push_str(&line);
        body.push('\n');
        open.push(done);
        if body.len() >= BYTES_MAX {
            batches.extend(close(&open, std::mem::take(&mut body)));
            open.clear();
        }
    }
    batches.extend(close(&open, body));
    Ok(batches)
}

/// `None` without events.
fn close(events: &[&DoneEvent], body: String) -> Option<Batch> {
    let moments = events.iter().map(|done| done.stored_at_ms.max(0));
    let name = BatchName {
        first: events.first()?.sequence,
        last: events.last()?.sequence,
        count: u64::try_from(events.len()).unwrap_or(u64::MAX),
        first_ms: moments.clone().min()?,
        last_ms: moments.max()?,
        hash: hash_of(&body)[..HASH_LENGTH].to_owned(),
    };
    Some(Batch { name, body })
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn hash_of(text: &str) -> String {
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes every text");
    }
    text
}

/// The events of an object. What cannot be read is left out and told of.
pub(crate) fn events_of(key: &str, name: &BatchName, body: &str) -> Vec<DoneEvent> {
    let mut events = Vec::new();
    for line in body.lines() {
        match serde_json::from_str::<DoneEvent>(line) {
            Ok(done) => events.push(done),
            Err(error) => tracing::error!(key, error = %error, "a line of an object is no event"),
        }
    }
    if !is_whole(name, &events) {
        tracing::error!(
            key,
            found = events.len(),
            expected = name.count,
            "an object has not all of its events"
        );
    }
    events
}

/// Whether these are all the events that the name tells of.
pub(crate) fn is_whole(name: &BatchName, events: &[DoneEvent]) -> bool {
    u64::try_from(events.len()).is_ok_and(|count| count == name.count)
}

#[cfg(test)]
mod tests;
