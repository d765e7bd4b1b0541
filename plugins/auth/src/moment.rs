//! Moments as the store writes them (`2026-02-28T12:00:00.000Z`) and as numbers.

use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// Milliseconds since 1970 as text.
pub(crate) fn text(ms: i64) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .ok()
        .and_then(|moment| moment.format(format).ok())
        .unwrap_or_else(|| "1970-01-01T00:00:00.000Z".to_owned())
}

/// Text as milliseconds since 1970; what cannot be read is long ago.
pub(crate) fn ms(text: &str) -> i64 {
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .and_then(|moment| i64::try_from(moment.unix_timestamp_nanos() / 1_000_000).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_comes_back() {
        assert_eq!(text(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
        assert_eq!(ms("2023-11-14T22:13:20.123Z"), 1_700_000_000_123);
        assert_eq!(ms("2023-11-14T23:13:20+01:00"), 1_700_000_000_000);
        assert_eq!(ms("soon"), 0);
    }
}
