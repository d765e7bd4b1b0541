//! Moments as clients read them: RFC 3339, UTC, milliseconds, `Z`.

use time::OffsetDateTime;

/// Milliseconds since 1970 as text; empty for what is no moment.
pub(crate) fn text(ms: i64) -> String {
    let Ok(moment) = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000) else {
        return String::new();
    };
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

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn moments_are_written_in_one_form() {
        assert_eq!(text(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(text(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
        assert_eq!(text(i64::MAX), "");
    }
}
