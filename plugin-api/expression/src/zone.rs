//! Time zones: how far local time is ahead of UTC, at each moment.
//!
//! A zone is the list of its changes, made once from the rules of its name. The evaluator and the SQL of the data plugin read
//! the same list, so no database needs rules of its own. Exact for the years 1970 to 2100; before and after, the first and the
//! last offset hold. Not here: the calendar, which is that of UTC. Made by whoever knows the caller.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::calendar::{self, DAY_MS};

/// The years 1970 to 2100, in seconds.
const FROM_SECONDS: i64 = 0;
const TO_SECONDS: i64 = 4_133_980_800;
/// Zones that are kept; there are fewer names.
const KEPT_MAX: usize = 1_024;

/// A name that is no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{name}' is no time zone; use a name such as 'Europe/Berlin' or an offset such as '+02:00'")]
pub struct UnknownZone {
    /// As it was written.
    pub name: String,
}

/// A moment from which on another offset holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneChange {
    /// The moment, in milliseconds since 1970-01-01T00:00:00Z.
    pub at_ms: i64,
    /// Local time from which on the new offset holds, in milliseconds of local time since 1970-01-01T00:00:00. A time that
    /// clocks skip is read by the offset before, so it lies as far behind the gap as it was written behind its beginning; one
    /// that comes twice is the first.
    pub local_ms: i64,
    /// Seconds ahead of UTC from then on.
    pub offset_seconds: i32,
}

/// A time zone. Clones share the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    first_seconds: i32,
    changes: Option<Arc<[ZoneChange]>>,
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl Zone {
    /// UTC.
    pub const UTC: Self = Self::fixed(0);

    /// So many seconds ahead of UTC, always.
    pub const fn fixed(offset_seconds: i32) -> Self {
        Self {
            first_seconds: offset_seconds,
            changes: None,
        }
    }

    /// A name of the IANA database (`Europe/Berlin`, in any case), an offset (`+02:00`), `UTC`, or nothing for UTC.
    ///
    /// Errors: `UnknownZone`.
    pub fn read(name: &str) -> Result<Self, UnknownZone> {
        static KEPT: OnceLock<RwLock<HashMap<String, Zone>>> = OnceLock::new();
        let name = name.trim();
        if name.is_empty() || name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("z") {
            return Ok(Self::UTC);
        }
        if let Some(offset) = offset_of(name) {
            return Ok(Self::fixed(offset));
        }
        let kept = KEPT.get_or_init(RwLock::default);
        let key = name.to_ascii_lowercase();
        if let Some(known) = kept.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(known.clone());
        }
        let unknown = || UnknownZone { name: name.to_owned() };
        let zone = Self::of(&TimeZone::get(name).map_err(|_| unknown())?).ok_or_else(unknown)?;
        let mut kept = kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_MAX {
            kept.insert(key, zone.clone());
        }
        Ok(zone)
    }

    fn of(zone: &TimeZone) -> Option<Self> {
        let begin = Timestamp::from_second(FROM_SECONDS).ok()?;
        let first = zone.to_offset(begin).seconds();
        let (mut offset, mut local_ms, mut changes) = (first, i64::MIN, Vec::new());
        let within = zone
            .following(begin)
            .take_while(|change| change.timestamp().as_second() < TO_SECONDS);
        for change in within {
            let next = change.offset().seconds();
            if next == offset {
                continue;
            }
            let at_ms = change.timestamp().as_millisecond();
            // In a gap the time before it goes on, and of two equal times the first is meant: both end where the clock that is
            // ahead would show the change.
            local_ms = local_ms.max(at_ms + i64::from(offset.max(next)) * 1000);
            offset = next;
            changes.push(ZoneChange {
                at_ms,
                local_ms,
                offset_seconds: next,
            });
        }
        Some(Self {
            first_seconds: first,
            changes: (!changes.is_empty()).then(|| changes.into()),
        })
    }

    /// Whether local time is that of UTC, always.
    pub fn is_utc(&self) -> bool {
        self.fixed_seconds() == Some(0)
    }

    /// The offset, where it never changes.
    pub fn fixed_seconds(&self) -> Option<i32> {
        self.changes.is_none().then_some(self.first_seconds)
    }

    /// Seconds ahead of UTC before the first change.
    pub fn first_seconds(&self) -> i32 {
        self.first_seconds
    }

    /// The changes, in their order.
    pub fn changes(&self) -> &[ZoneChange] {
        self.changes.as_deref().unwrap_or_default()
    }

    /// Seconds ahead of UTC at a moment in milliseconds since 1970.
    pub fn offset_seconds_at(&self, ms: i64) -> i32 {
        self.offset_before(self.changes().partition_point(|change| change.at_ms <= ms))
    }

    /// Seconds ahead of UTC at a local time in milliseconds since 1970-01-01T00:00:00 of local time.
    pub fn offset_seconds_at_local(&self, local_ms: i64) -> i32 {
        self.offset_before(self.changes().partition_point(|change| change.local_ms <= local_ms))
    }

    fn offset_before(&self, next: usize) -> i32 {
        let last = next.checked_sub(1).and_then(|last| self.changes().get(last));
        last.map_or(self.first_seconds, |change| change.offset_seconds)
    }

    /// The local day of a moment, in days since 1970-01-01, and the milliseconds of that day.
    pub(crate) fn split(&self, ms: i64) -> (i32, i64) {
        calendar::split(ms, self.offset_seconds_at(ms))
    }

    /// The moment at which it is that local day and time.
    pub(crate) fn join(&self, day: i32, ms_of_day: i64) -> i64 {
        let offset = self.offset_seconds_at_local(i64::from(day) * DAY_MS + ms_of_day);
        calendar::join(day, ms_of_day, offset)
    }
}

/// `+02:00`, `-0530`, `+2`: seconds.
fn offset_of(text: &str) -> Option<i32> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let rest = text.get(1..)?;
    let (hours, minutes) = match rest.split_once(':') {
        Some(parts) => parts,
        None if rest.len() == 4 && rest.is_ascii() => rest.split_at(2),
        None => (rest, "0"),
    };
    let number = |text: &str| text.parse::<u8>().ok().map(i32::from);
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 14 && minutes <= 59).then_some(sign * (hours * 3_600 + minutes * 60))
}

#[cfg(test)]
mod tests;
