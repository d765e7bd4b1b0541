//! Moments in the one form that the engine stores: UTC, milliseconds, `Z`. What a row holds must read back to the byte.

use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// Milliseconds since 1970 as text.
pub(crate) fn from_ms(ms: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).map_or_else(|_| String::new(), write)
}

/// Any RFC 3339 text, or a day, in the one form.
pub(crate) fn parse(text: &str) -> Option<String> {
    let text = text.trim();
    let full = if text.len() == 10 {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    OffsetDateTime::parse(&full, &Rfc3339).ok().map(write)
}

/// The same as milliseconds since 1970.
pub(crate) fn to_ms(text: &str) -> Option<i64> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(moment.unix_timestamp_nanos().div_euclid(1_000_000)).ok()
}

fn write(moment: OffsetDateTime) -> String {
    let moment = moment.to_offset(UtcOffset::UTC);
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
    use super::*;

    #[test]
    fn every_spelling_comes_to_one_form() {
        assert_eq!(from_ms(1_700_000_000_000), "2023-11-14T22:13:20.000Z");
        for text in [
            "2023-11-14T22:13:20Z",
            "2023-11-14T23:13:20.0004+01:00",
            "2023-11-14T22:13:20.000Z",
        ] {
            assert_eq!(parse(text).as_deref(), Some("2023-11-14T22:13:20.000Z"), "{text}");
            assert_eq!(to_ms(&parse(text).unwrap_or_default()), Some(1_700_000_000_000));
        }
        assert_eq!(parse("2023-11-14").as_deref(), Some("2023-11-14T00:00:00.000Z"));
        assert_eq!(parse("yesterday"), None);
    }
}
