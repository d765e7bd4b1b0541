//! Moments as the names of objects and signatures have them, all in UTC. Moments beyond the years 1 to 9999 are the
//! first or the last of these.

use time::OffsetDateTime;

fn moment(at_ms: i64) -> OffsetDateTime {
    let beyond = if at_ms < 0 {
        time::macros::datetime!(0001-01-01 0:00 UTC)
    } else {
        time::macros::datetime!(9999-12-31 0:00 UTC)
    };
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000)
        .ok()
        .filter(|moment| moment.year() > 0)
        .unwrap_or(beyond)
}

/// The day, `2026-02-28`. Days sort as text.
pub(crate) fn day_of(at_ms: i64) -> String {
    let moment = moment(at_ms);
    format!(
        "{:04}-{:02}-{:02}",
        moment.year(),
        u8::from(moment.month()),
        moment.day()
    )
}

/// The month, `2026-02`.
pub(crate) fn month_of(at_ms: i64) -> String {
    let mut month = day_of(at_ms);
    month.truncate(7);
    month
}

/// The second, `20260228T120000Z`.
pub(crate) fn stamp_of(at_ms: i64) -> String {
    let moment = moment(at_ms);
    let day = day_of(at_ms).replace('-', "");
    format!(
        "{day}T{:02}{:02}{:02}Z",
        moment.hour(),
        moment.minute(),
        moment.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_texts() {
        for (at_ms, day, stamp) in [
            (0, "1970-01-01", "19700101T000000Z"),
            (1_772_280_000_999, "2026-02-28", "20260228T120000Z"),
            (i64::MAX, "9999-12-31", "99991231T000000Z"),
            (i64::MIN, "0001-01-01", "00010101T000000Z"),
        ] {
            assert_eq!((day_of(at_ms).as_str(), stamp_of(at_ms).as_str()), (day, stamp));
            assert_eq!(month_of(at_ms), day[..7]);
        }
    }
}
