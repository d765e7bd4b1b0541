//! Days, moments and times of day as numbers, and their ISO 8601 text.
//!
//! The Gregorian calendar, carried back to year 1, years 1 to 9999 only: what SQLite and PostgreSQL share. No leap seconds; zones
//! are those of `zone`. Called by `zone`, `value` and the date functions.

use crate::zone::Zone;

pub(crate) const DAY_MS: i64 = 86_400_000;
/// 0001-01-01 and 9999-12-31, in days since 1970-01-01.
const DAY_MIN: i32 = -719_162;
const DAY_MAX: i32 = 2_932_896;

/// Year, month and day of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i32,
    pub(crate) month: i32,
    pub(crate) day: i32,
}

pub(crate) fn is_day(day: i32) -> bool {
    (DAY_MIN..=DAY_MAX).contains(&day)
}

pub(crate) fn is_moment(ms: i64) -> bool {
    (i64::from(DAY_MIN) * DAY_MS..(i64::from(DAY_MAX) + 1) * DAY_MS).contains(&ms)
}

pub(crate) fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01; nothing if there is no such date.
pub(crate) fn day_of(year: i32, month: i32, day: i32) -> Option<i32> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    // Years that begin in March put the leap day last; 400 of them have 146,097 days.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}

pub(crate) fn civil_of(day: i32) -> Civil {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    Civil {
        year: era * 400 + year_of_era + i32::from(month <= 2),
        month,
        day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
    }
}

/// Adds months; a day that the new month lacks becomes its last day.
pub(crate) fn add_months(day: i32, months: i64) -> Option<i32> {
    let civil = civil_of(day);
    let total = i64::from(civil.year * 12 + civil.month - 1).checked_add(months)?;
    let year = i32::try_from(total.div_euclid(12)).ok()?;
    let month = i32::try_from(total.rem_euclid(12)).ok()? + 1;
    day_of(year, month, civil.day.min(days_in_month(year, month)))
}

/// Whole months from one day to another; negative if the second is earlier.
pub(crate) fn months_between(start: i32, end: i32) -> i64 {
    if end < start {
        return -months_between(end, start);
    }
    let (from, to) = (civil_of(start), civil_of(end));
    let months = i64::from((to.year - from.year) * 12 + to.month - from.month);
    // The 28th of February is a whole month after the 31st of January: the month has no later day.
    let reached = to.day >= from.day.min(days_in_month(to.year, to.month));
    if reached { months } else { months - 1 }
}

/// 1 is Sunday, 7 is Saturday.
pub(crate) fn weekday(day: i32) -> i32 {
    (day + 4).rem_euclid(7) + 1
}

/// Splits a moment into the local day and the milliseconds of that day.
pub(crate) fn split(ms: i64, offset_seconds: i32) -> (i32, i64) {
    let local = ms.saturating_add(i64::from(offset_seconds) * 1000);
    let day = local.div_euclid(DAY_MS).clamp(i64::from(DAY_MIN), i64::from(DAY_MAX));
    (i32::try_from(day).unwrap_or(DAY_MAX), local.rem_euclid(DAY_MS))
}

/// The moment at which a local day and time of day is.
pub(crate) fn join(day: i32, ms_of_day: i64, offset_seconds: i32) -> i64 {
    i64::from(day) * DAY_MS + ms_of_day - i64::from(offset_seconds) * 1000
}

/// Reads `YYYY-MM-DD`.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    day_of(digits(&bytes[..4])?, digits(&bytes[5..7])?, digits(&bytes[8..])?)
}

/// Reads `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fff` (further digits are cut off) as milliseconds of the day.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() < 5 || bytes[2] != b':' {
        return None;
    }
    let (hour, minute) = (digits(&bytes[..2])?, digits(&bytes[3..5])?);
    let (mut second, mut ms) = (0, 0);
    if bytes.len() > 5 {
        if bytes.len() < 8 || bytes[5] != b':' {
            return None;
        }
        second = digits(&bytes[6..8])?;
        if bytes.len() > 8 {
            let fraction = &bytes[9..];
            if bytes[8] != b'.' || fraction.is_empty() || fraction.len() > 9 {
                return None;
            }
            digits(fraction)?;
            let shown = fraction.len().min(3);
            ms = digits(&fraction[..shown])? * [0, 100, 10, 1][shown];
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(i64::from(((hour * 60 + minute) * 60 + second) * 1000 + ms))
}

/// Reads a date, `T` or a space, a time and an optional zone (`Z`, `+08:00`, `+0800`, `+08`). Gives the moment, and whether
/// the text named its zone; without one (or with a date alone, which means midnight) it is local time of the given one.
pub(crate) fn parse_moment(text: &str, local: &Zone) -> Option<(i64, bool)> {
    let day = parse_date(text.get(..10)?)?;
    let rest = text.get(10..)?;
    if rest.is_empty() {
        return Some((local.join(day, 0), false));
    }
    let clock = rest.strip_prefix(['T', 't', ' '])?;
    let zone_at = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
    let (time, zone) = clock.split_at(zone_at);
    let ms_of_day = parse_time(time.trim_end())?;
    let ms = match zone {
        "" => return Some((local.join(day, ms_of_day), false)),
        "Z" | "z" => join(day, ms_of_day, 0),
        _ => join(day, ms_of_day, parse_offset(zone)?),
    };
    is_moment(ms).then_some((ms, true))
}

fn parse_offset(zone: &str) -> Option<i32> {
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let bytes = zone.as_bytes().get(1..)?;
    let (hours, minutes) = match bytes.len() {
        2 => (digits(bytes)?, 0),
        4 => (digits(&bytes[..2])?, digits(&bytes[2..])?),
        5 if bytes[2] == b':' => (digits(&bytes[..2])?, digits(&bytes[3..])?),
        _ => return None,
    };
    (hours <= 14 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

fn digits(bytes: &[u8]) -> Option<i32> {
    bytes.iter().try_fold(0_i32, |sum, byte| match byte {
        b'0'..=b'9' => Some(sum.checked_mul(10)?.checked_add(i32::from(byte - b'0'))?),
        _ => None,
    })
}

/// `2026-01-15`
pub(crate) fn format_date(day: i32) -> String {
    let Civil { year, month, day } = civil_of(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `12:30:45`, with `.fff` only if there are milliseconds.
pub(crate) fn format_time(ms_of_day: i64) -> String {
    let (seconds, ms) = (ms_of_day / 1000, ms_of_day % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if ms == 0 {
        format!("{hour:02}:{minute:02}:{second:02}")
    } else {
        format!("{hour:02}:{minute:02}:{second:02}.{ms:03}")
    }
}

/// `2026-01-15T12:30:45.000Z`, the one form that the API writes.
pub(crate) fn format_moment(ms: i64) -> String {
    let (day, ms_of_day) = split(ms, 0);
    let seconds = ms_of_day / 1000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!(
        "{}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        format_date(day),
        ms_of_day % 1000
    )
}

#[cfg(test)]
mod tests;
