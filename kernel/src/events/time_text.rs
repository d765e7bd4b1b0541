//! Moments as text: RFC 3339 in UTC with milliseconds, the form of every `timestamp` of the protocol, and back.

use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// Milliseconds since 1970 as `2025-01-31T08:00:00.000Z`. What lies outside of the calendar is its nearest end.
pub(crate) fn text_of_ms(at_ms: i64) -> String {
    let nanoseconds = i128::from(at_ms) * 1_000_000;
    let moment = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap_or(if at_ms < 0 {
        OffsetDateTime::UNIX_EPOCH
    } else {
        time::macros::datetime!(9999-12-31 23:59:59 UTC)
    });
    moment
        .format(format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        ))
        .unwrap_or_default()
}

/// Milliseconds since 1970 of an RFC 3339 text.
pub(crate) fn ms_of_text(text: &str) -> Option<i64> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(moment.unix_timestamp_nanos().div_euclid(1_000_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        for (at_ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_738_310_400_123, "2025-01-31T08:00:00.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(text_of_ms(at_ms), text);
            assert_eq!(ms_of_text(text), Some(at_ms));
        }
        assert_eq!(ms_of_text("2025-01-31T08:00:00Z"), Some(1_738_310_400_000));
        assert_eq!(ms_of_text("yesterday"), None);
        assert_eq!(text_of_ms(i64::MAX), "9999-12-31T23:59:59.000Z");
    }
}
