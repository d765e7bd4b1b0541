//! Days, moments and times as they are written and stored: `2026-02-28`, `2026-02-28T12:00:00.000Z`, `12:00:00`.
//!
//! Stored text sorts as time does. Reading is generous (offsets, a space for the `T`, seconds left out), writing is one form.

use time::{Date, Month, PrimitiveDateTime, Time, UtcOffset};

/// A day in its one form, out of a day or a moment: the day that is written there, whatever its offset.
#[must_use]
pub fn parse_date(text: &str) -> Option<String> {
    let text = text.trim();
    let date = match text.len() {
        10 => date_of(text)?,
        _ => {
            datetime_of(text)?;
            date_of(text.get(..10)?)?
        }
    };
    Some(format_date(date))
}

/// A moment in its one form: UTC, milliseconds, `Z`. A day alone is its midnight in UTC; without an offset it is UTC.
#[must_use]
pub fn parse_datetime(text: &str) -> Option<String> {
    let text = text.trim();
    let moment = match text.len() {
        10 => PrimitiveDateTime::new(date_of(text)?, Time::MIDNIGHT),
        _ => datetime_of(text)?,
    };
    Some(format_moment(moment))
}

/// A time of day in its one form: seconds always, milliseconds when there are any.
#[must_use]
pub fn parse_time(text: &str) -> Option<String> {
    let time = time_of(text.trim().trim_end_matches('Z'))?;
    let mut out = format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
    if time.millisecond() != 0 {
        out.push_str(&format!(".{:03}", time.millisecond()));
    }
    Some(out)
}

/// Milliseconds since 1970 as a moment; `None` outside of the years 1 to 9999.
#[must_use]
pub fn from_ms(ms: i64) -> Option<String> {
    let moment = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok()?;
    let moment = PrimitiveDateTime::new(moment.date(), moment.time());
    (1..=9999).contains(&moment.year()).then(|| format_moment(moment))
}

/// A moment in its one form as milliseconds since 1970.
#[must_use]
pub fn to_ms(text: &str) -> Option<i64> {
    let nanoseconds = datetime_of(text)?.assume_utc().unix_timestamp_nanos();
    i64::try_from(nanoseconds.div_euclid(1_000_000)).ok()
}

fn format_date(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}

fn format_moment(moment: PrimitiveDateTime) -> String {
    let (date, time) = (moment.date(), moment.time());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}

/// `text[from..to]` as a number, digits only.
fn digits(text: &str, from: usize, to: usize) -> Option<u16> {
    let part = text.get(from..to)?;
    part.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| part.parse().ok())?
}

fn small(text: &str, from: usize, to: usize) -> Option<u8> {
    u8::try_from(digits(text, from, to)?).ok()
}

fn date_of(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = i32::from(digits(text, 0, 4)?);
    let month = Month::try_from(small(text, 5, 7)?).ok()?;
    (year >= 1).then(|| Date::from_calendar_date(year, month, small(text, 8, 10)?).ok())?
}

fn time_of(text: &str) -> Option<Time> {
    let bytes = text.as_bytes();
    if bytes.len() < 5 || bytes[2] != b':' {
        return None;
    }
    let (hour, minute) = (small(text, 0, 2)?, small(text, 3, 5)?);
    if bytes.len() == 5 {
        return Time::from_hms(hour, minute, 0).ok();
    }
    if bytes[5] != b':' || bytes.len() < 8 {
        return None;
    }
    let second = small(text, 6, 8)?;
    let fraction = match text.get(8..)? {
        "" => 0,
        rest => milliseconds(rest.strip_prefix('.').or_else(|| rest.strip_prefix(','))?)?,
    };
    Time::from_hms_milli(hour, minute, second, fraction).ok()
}

/// The digits behind the point as milliseconds; further ones are dropped.
fn milliseconds(digits: &str) -> Option<u16> {
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded = format!("{digits:0<3}");
    padded.get(..3)?.parse().ok()
}

fn datetime_of(text: &str) -> Option<PrimitiveDateTime> {
    let date = date_of(text.get(..10)?)?;
    let rest = text.get(10..)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, offset) = match rest.find(['Z', 'z', '+', '-']) {
        Some(at) => (rest.get(..at)?, offset_of(rest.get(at..)?)?),
        None => (rest, UtcOffset::UTC),
    };
    let local = PrimitiveDateTime::new(date, time_of(clock.trim_end())?);
    let utc = local.assume_offset(offset).checked_to_offset(UtcOffset::UTC)?;
    (1..=9999)
        .contains(&utc.year())
        .then(|| PrimitiveDateTime::new(utc.date(), utc.time()))
}

fn offset_of(text: &str) -> Option<UtcOffset> {
    if text.eq_ignore_ascii_case("z") {
        return Some(UtcOffset::UTC);
    }
    let sign: i8 = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text.get(1..)?.chars().filter(|character| *character != ':').collect();
    let (hours, minutes) = match digits.len() {
        2 => (small(&digits, 0, 2)?, 0),
        4 => (small(&digits, 0, 2)?, small(&digits, 2, 4)?),
        _ => return None,
    };
    let part = |number: u8| i8::try_from(number).ok();
    UtcOffset::from_hms(sign * part(hours)?, sign * part(minutes)?, 0).ok()
}

#[cfg(test)]
mod tests;
