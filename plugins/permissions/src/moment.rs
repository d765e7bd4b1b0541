//! Moments as records hold them.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// RFC 3339, UTC, milliseconds.
#[must_use]
pub fn text(ms: i64) -> String {
    let moment =
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        moment.year(),
        u8::from(moment.month()),
        moment.day(),
        moment.hour(),
        moment.minute(),
        moment.second(),
        moment.millisecond()
    )
}

/// Milliseconds since 1970 of a text; `None` when it is no moment.
#[must_use]
pub fn read(text: &str) -> Option<i64> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(moment.unix_timestamp_nanos().div_euclid(1_000_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::{read, text};

    #[test]
    fn there_and_back() {
        assert_eq!(text(1_770_000_000_123), "2026-02-02T02:40:00.123Z");
        assert_eq!(read("2026-02-02T02:40:00.123Z"), Some(1_770_000_000_123));
        assert_eq!(read("2026-02-02T03:40:00.123+01:00"), Some(1_770_000_000_123));
        assert_eq!(read("soon"), None);
    }
}
