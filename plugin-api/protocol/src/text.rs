//! The string forms of the protocol: each as a pattern for the JSON Schema and as a function that decides the same.
//!
//! The functions are written by hand so that this crate needs no regular-expression engine; `xtask audit-spec` holds
//! them against the published patterns. Called by [`crate::guard`] and by whoever validates names.

use std::str::FromStr;

/// Object, field, index and rule names.
pub const IDENTIFIER: &str = "^[a-z_][a-z0-9_]*$";
/// Names that begin with a letter (two characters or more): roles, permission sets, apps.
pub const SNAKE_NAME: &str = "^[a-z][a-z0-9_]*$";
/// Option values and event names.
pub const DOTTED_NAME: &str = "^[a-z][a-z0-9_.]*$";
/// Event names with wildcards.
pub const EVENT_PATTERN: &str = "^[a-z*][a-z0-9_.*]*$";
/// URL paths.
pub const ABSOLUTE_PATH: &str = "^\\/";
/// API version labels.
pub const VERSION_TAG: &str = "^[a-zA-Z0-9_\\-\\.]+$";
/// URL-safe short names.
pub const SLUG: &str = "^[a-z0-9_-]+$";
/// E-mail addresses.
pub const EMAIL: &str =
    "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$";
/// UUIDs of versions 1 to 8, the nil and the max UUID.
pub const UUID: &str = "^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}|00000000-0000-0000-0000-000000000000|ffffffff-ffff-ffff-ffff-ffffffffffff)$";
/// Calendar dates, leap years included.
pub const DATE: &str = "^(?:(?:\\d\\d[2468][048]|\\d\\d[13579][26]|\\d\\d0[48]|[02468][048]00|[13579][26]00)-02-29|\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|(?:02)-(?:0[1-9]|1\\d|2[0-8])))$";
/// Points in time in UTC; the offset is always `Z`.
pub const DATE_TIME: &str = "^(?:(?:\\d\\d[2468][048]|\\d\\d[13579][26]|\\d\\d0[48]|[02468][048]00|[13579][26]00)-02-29|\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|(?:02)-(?:0[1-9]|1\\d|2[0-8])))T(?:(?:[01]\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:\\.\\d+)?)?(?:Z))$";

fn lower(byte: u8) -> bool {
    byte.is_ascii_lowercase()
}

fn word(byte: u8) -> bool {
    lower(byte) || byte.is_ascii_digit() || byte == b'_'
}

/// `first` holds for the first byte and `rest` for all others; empty is refused.
fn shaped(text: &str, first: impl Fn(u8) -> bool, rest: impl Fn(u8) -> bool) -> bool {
    match text.as_bytes() {
        [] => false,
        [head, tail @ ..] => first(*head) && tail.iter().all(|byte| rest(*byte)),
    }
}

/// [`IDENTIFIER`].
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    shaped(text, |byte| lower(byte) || byte == b'_', word)
}

/// [`SNAKE_NAME`] of two characters or more.
#[must_use]
pub fn is_snake_name(text: &str) -> bool {
    text.len() >= 2 && shaped(text, lower, word)
}

/// [`DOTTED_NAME`] of `shortest` characters or more.
#[must_use]
pub fn is_dotted_name(text: &str, shortest: usize) -> bool {
    text.len() >= shortest && shaped(text, lower, |byte| word(byte) || byte == b'.')
}

/// [`EVENT_PATTERN`].
#[must_use]
pub fn is_event_pattern(text: &str) -> bool {
    shaped(
        text,
        |byte| lower(byte) || byte == b'*',
        |byte| word(byte) || matches!(byte, b'.' | b'*'),
    )
}

/// [`VERSION_TAG`].
#[must_use]
pub fn is_version_tag(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    shaped(text, allowed, allowed)
}

/// [`SLUG`].
#[must_use]
pub fn is_slug(text: &str) -> bool {
    let allowed = |byte: u8| word(byte) || byte == b'-';
    shaped(text, allowed, allowed)
}

/// [`EMAIL`], and no part of the domain ends with a hyphen, as the format `email` asks.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let mailbox = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'\'' | b'+' | b'-' | b'.');
    let last = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'-');
    let local_fits = local.bytes().all(mailbox)
        && local.bytes().next_back().is_some_and(last)
        && !local.starts_with('.')
        && !text.contains("..");
    let Some((labels, top)) = domain.rsplit_once('.') else {
        return false;
    };
    let label_fits = |label: &str| {
        !label.ends_with('-')
            && shaped(
                label,
                |byte| byte.is_ascii_alphanumeric(),
                |byte| byte.is_ascii_alphanumeric() || byte == b'-',
            )
    };
    local_fits
        && labels.split('.').all(label_fits)
        && top.len() >= 2
        && top.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// [`UUID`].
#[must_use]
pub fn is_uuid(text: &str) -> bool {
    if matches!(
        text,
        "00000000-0000-0000-0000-000000000000" | "ffffffff-ffff-ffff-ffff-ffffffffffff"
    ) {
        return true;
    }
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => (b'1'..=b'8').contains(&byte),
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b' | b'A' | b'B'),
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A run of exactly `width` decimal digits as a number.
fn digits(text: &str, width: usize) -> Option<u32> {
    let fits = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| u32::from_str(text).ok()).flatten()
}

fn days_in(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    }
}

/// [`DATE`].
#[must_use]
pub fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let (Some(year), Some(month), Some(day)) = (digits(year, 4), digits(month, 2), digits(day, 2)) else {
        return false;
    };
    (1..=days_in(year, month)).contains(&day)
}

/// [`DATE_TIME`], with seconds as the format `date-time` asks: a date, `T`, `hh:mm:ss`, an optional fraction, `Z`.
#[must_use]
pub fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else {
        return false;
    };
    let Some(time) = time.strip_suffix('Z') else {
        return false;
    };
    let mut parts = time.splitn(3, ':');
    let hour = parts
        .next()
        .and_then(|part| digits(part, 2))
        .is_some_and(|hour| hour < 24);
    let minute = parts
        .next()
        .and_then(|part| digits(part, 2))
        .is_some_and(|minute| minute < 60);
    let second = parts.next().is_some_and(|part| {
        let (whole, fraction) = part.split_once('.').unwrap_or((part, "0"));
        digits(whole, 2).is_some_and(|second| second < 60)
            && !fraction.is_empty()
            && fraction.bytes().all(|byte| byte.is_ascii_digit())
    });
    is_date(date) && hour && minute && second
}

/// An absolute URI: a scheme, a colon, and the characters a URI may hold (RFC 3986).
#[must_use]
pub fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let scheme_fits = shaped(
        scheme,
        |byte| byte.is_ascii_alphabetic(),
        |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'),
    );
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    scheme_fits && rest.bytes().all(allowed)
}

#[cfg(test)]
mod tests;
