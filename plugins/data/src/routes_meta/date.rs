//! Dates of HTTP: `Sun, 06 Nov 1994 08:49:37 GMT`.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

const FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// Of milliseconds since 1970; none when they are beyond the calendar.
pub(super) fn format(milliseconds: i64) -> Option<String> {
    let moment = OffsetDateTime::from_unix_timestamp(milliseconds.div_euclid(1_000)).ok()?;
    moment.format(FORMAT).ok()
}

/// Milliseconds since 1970; none for a date in another form, which then does not count.
pub(super) fn parse(text: &str) -> Option<i64> {
    let moment = PrimitiveDateTime::parse(text.trim(), FORMAT).ok()?;
    moment.assume_utc().unix_timestamp().checked_mul(1_000)
}
