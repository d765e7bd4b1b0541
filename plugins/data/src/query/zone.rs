//! Time zones of groups: in which zone a day begins decides into which bucket a moment falls.
//!
//! A zone becomes the list of its offsets, so that every database computes the same local time from the same rules, whatever
//! zone data it has itself. Called by `aggregate`; `sql` writes the list as a decision tree.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::error::{DataError, Result};
use crate::record::moment;

/// 1970 and 2061, in seconds: outside, the first and the last offset hold.
const FROM_SECONDS: i64 = 0;
const TO_SECONDS: i64 = 2_871_763_200;

/// A time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Seconds ahead of UTC before the first change.
    pub first: i32,
    /// Moments from which on another offset holds, as they are stored, in their order.
    pub changes: Vec<(String, i32)>,
}

impl Zone {
    /// `Europe/Berlin`, `+02:00`, `UTC`; `None` for UTC.
    ///
    /// # Errors
    /// `InvalidQuery` for a name that is none.
    pub fn read(name: &str) -> Result<Option<Self>> {
        let name = name.trim();
        if name.is_empty() || name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("z") {
            return Ok(None);
        }
        if let Some(offset) = fixed(name) {
            return Ok((offset != 0).then_some(Self {
                first: offset,
                changes: Vec::new(),
            }));
        }
        let unknown = |_| DataError::InvalidQuery {
            message: format!(
                "'{name}' is no time zone; use a name such as 'Europe/Berlin' or an offset such as '+02:00'"
            ),
        };
        let zone = TimeZone::get(name).map_err(unknown)?;
        Self::of(&zone).map(Some)
    }

    fn of(zone: &TimeZone) -> Result<Self> {
        let begin = Timestamp::from_second(FROM_SECONDS).map_err(|error| DataError::internal(error.to_string()))?;
        let mut offset = zone.to_offset(begin).seconds();
        let mut out = Self {
            first: offset,
            changes: Vec::new(),
        };
        let within = zone
            .following(begin)
            .take_while(|change| change.timestamp().as_second() < TO_SECONDS);
        for change in within {
            let next = change.offset().seconds();
            if next == offset {
                continue;
            }
            offset = next;
            if let Some(at) = moment::from_ms(change.timestamp().as_millisecond()) {
                out.changes.push((at, offset));
            }
        }
        Ok(out)
    }
}

/// `+02:00`, `-0530`, `+2`: seconds.
fn fixed(text: &str) -> Option<i32> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let rest = &text[1..];
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
mod tests {
    use super::*;

    #[test]
    fn offsets() {
        let check = |text: &str, expected: Option<i32>| assert_eq!(fixed(text), expected, "{text}");
        check("+02:00", Some(7_200));
        check("-0530", Some(-19_800));
        check("+2", Some(7_200));
        check("+15:00", None);
        check("+00:60", None);
        check("Europe/Berlin", None);
        check("+", None);
    }

    #[test]
    fn names() {
        assert_eq!(Zone::read("UTC").unwrap(), None);
        assert_eq!(Zone::read("+00:00").unwrap(), None);
        let berlin = Zone::read("Europe/Berlin").unwrap().unwrap();
        assert_eq!(berlin.first, 3_600);
        assert!(berlin.changes.contains(&("2026-03-29T01:00:00.000Z".to_owned(), 7_200)));
        assert!(berlin.changes.contains(&("2026-10-25T01:00:00.000Z".to_owned(), 3_600)));
        assert!(berlin.changes.is_sorted());
        assert!(Zone::read("Europe/Atlantis").is_err());
        assert!(Zone::read("'; DROP TABLE x").is_err());
    }
}
