//! Patterns and lengths for strings. Called through [`super`]; the patterns themselves live in [`crate::text`].

use indexmap::IndexMap;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};

use super::{Checked, checked};
use crate::text;

impl Checked<String> for String {
    type Raw = Self;

    fn check(raw: &Self, check: &dyn Fn(&String) -> Result<(), String>) -> Result<(), String> {
        check(raw)
    }

    fn finish(raw: Self) -> Self {
        raw
    }
}

fn expect(accepted: bool, value: &str, wanted: &str) -> Result<(), String> {
    if accepted {
        Ok(())
    } else {
        Err(format!("`{value}` is not {wanted}"))
    }
}

macro_rules! guards {
    ($( $(#[$meta:meta])* $name:ident: $accepts:expr, $wanted:literal; )+) => { $(
        $(#[$meta])*
        pub(crate) fn $name<'de, D, T>(deserializer: D) -> Result<T, D::Error>
        where
            D: Deserializer<'de>,
            T: Checked<String>,
        {
            let accepts: fn(&str) -> bool = $accepts;
            checked(deserializer, &|value: &String| expect(accepts(value), value, $wanted))
        }
    )+ };
}

guards! {
    /// Object, field and rule names.
    identifier: text::is_identifier, "a name of lower case letters, digits and underscores that begins with a letter or an underscore";
    /// Names that begin with a letter and have two characters or more.
    snake_name: text::is_snake_name, "a name of two or more lower case letters, digits and underscores that begins with a letter";
    /// Stored option values.
    dotted_name: |value| text::is_dotted_name(value, 2), "a value of two or more lower case letters, digits, underscores and dots that begins with a letter";
    /// Event names with wildcards.
    event_pattern: text::is_event_pattern, "an event name or pattern (lower case letters, digits, underscores, dots, `*`)";
    /// URL paths.
    absolute_path: |value| value.starts_with('/'), "a path that begins with a slash";
    /// API version labels.
    version_tag: text::is_version_tag, "a version label of letters, digits, underscores, hyphens and dots";
    /// URL-safe short names.
    slug: text::is_slug, "a short name of lower case letters, digits, underscores and hyphens";
    /// Points in time.
    date_time: text::is_date_time, "a point in time in UTC such as 2026-01-31T08:00:00Z";
    /// E-mail addresses.
    email: text::is_email, "an e-mail address";
    /// UUIDs.
    uuid: text::is_uuid, "a UUID";
    /// Absolute URIs.
    uri: text::is_uri, "an absolute URI";
}

/// An identifier of at most `MAX` characters.
pub(crate) fn identifier_up_to<'de, const MAX: usize, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Checked<String>,
{
    checked(deserializer, &|value: &String| {
        expect(
            text::is_identifier(value),
            value,
            "a name of lower case letters, digits and underscores",
        )?;
        in_length::<0, MAX>(value)
    })
}

fn in_length<const MIN: usize, const MAX: usize>(value: &str) -> Result<(), String> {
    let count = value.chars().count();
    if (MIN..=MAX).contains(&count) {
        return Ok(());
    }
    Err(match (MIN, MAX) {
        (_, usize::MAX) => format!("expected at least {MIN} characters, found {count}"),
        (0, _) => format!("expected at most {MAX} characters, found {count}"),
        _ if MIN == MAX => format!("expected {MIN} characters, found {count}"),
        _ => format!("expected {MIN} to {MAX} characters, found {count}"),
    })
}

/// A string of `MIN..=MAX` characters (Unicode code points).
pub(crate) fn text_len<'de, const MIN: usize, const MAX: usize, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Checked<String>,
{
    checked(deserializer, &|value: &String| in_length::<MIN, MAX>(value))
}

/// A map whose keys are identifiers.
pub(crate) fn identifier_keys<'de, D, V>(deserializer: D) -> Result<IndexMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: DeserializeOwned,
{
    let map = IndexMap::<String, V>::deserialize(deserializer)?;
    match map.keys().find(|key| !text::is_identifier(key)) {
        None => Ok(map),
        Some(key) => Err(D::Error::custom(format!(
            "`{key}` is not a name of lower case letters, digits and underscores that begins with a letter or an underscore"
        ))),
    }
}
