//! Text shapes of the published schemas, each with its pattern and a reader written by hand.
//!
//! By hand because the macro that declares a plugin compiles this too, and a regex engine is too much for twelve
//! patterns. A test holds each one to the pattern it names.

#[cfg(test)]
mod tests;

use crate::kernel::PluginLifecycleEventType;
use crate::text;

/// A shape that text can have.
pub(crate) trait Pattern {
    /// The published pattern; empty where only a format is published.
    const PATTERN: &'static str;
    /// The shape in words, to end a sentence that begins with "expected".
    const SHAPE: &'static str;

    /// Whether `text` has the shape.
    fn holds(text: &str) -> bool;
}

macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident, $pattern:expr, $shape:expr, $holds:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name;

        impl Pattern for $name {
            const PATTERN: &'static str = $pattern;
            const SHAPE: &'static str = $shape;

            fn holds(text: &str) -> bool {
                $holds(text)
            }
        }
    )+};
}

shapes! {
    /// Prefix of object names.
    Namespace, "^[a-z][a-z0-9_]{1,19}$", "2 to 20 lower-case letters, digits or `_`, a letter first",
        |text: &str| (2..=20).contains(&text.len()) && starts_lower(text) && text.bytes().all(word);
    /// A version without suffixes.
    PlainVersion, r"^\d+\.\d+\.\d+$", "a version of three numbers, as in `1.4.0`",
        |text: &str| text.split('.').count() == 3 && text.split('.').all(digits);
    /// Id of a protocol.
    ProtocolId, r"^([a-z][a-z0-9]*\.)+protocol\.[a-z][a-z0-9._]*\.v\d+$", "an id as in `com.example.protocol.storage.v1`",
        |text: &str| {
            text.rsplit_once(".v").is_some_and(|(stem, number)| digits(number) && marked(stem, ".protocol.", 1))
        };
    /// Id of an interface.
    InterfaceId, r"^([a-z][a-z0-9]*\.)+interface\.[a-z][a-z0-9._]+$", "an id as in `com.example.interface.storage`",
        |text: &str| marked(text, ".interface.", 2);
    /// Id of an extension point.
    ExtensionId, r"^([a-z][a-z0-9]*\.)+extension\.[a-z][a-z0-9._]+$", "an id as in `com.example.extension.storage`",
        |text: &str| marked(text, ".extension.", 2);
    /// Id of another plugin.
    DottedId, r"^([a-z][a-z0-9]*\.)+[a-z][a-z0-9-]+$", "an id as in `com.example.storage`",
        |text: &str| {
            text.rsplit_once('.').is_some_and(|(stem, last)| {
                segments(stem) && last.len() >= 2 && starts_lower(last) && last.bytes().all(|byte| alphanumeric(byte) || byte == b'-')
            })
        };
    /// Name of a command.
    CommandName, "^[a-z][a-z0-9-]*$", "lower-case letters, digits or `-`, a letter first",
        |text: &str| starts_lower(text) && text.bytes().all(|byte| alphanumeric(byte) || byte == b'-');
    /// Name of an object.
    ObjectName, "^[a-z_][a-z0-9_]*$", "lower-case letters, digits or `_`, no digit first",
        |text: &str| (starts_lower(text) || text.starts_with('_')) && text.bytes().all(word);
    /// Path of a route.
    AbsolutePath, r"^\/", "a path that begins with `/`", |text: &str| text.starts_with('/');
    /// Name of an event. The kernel's own names have a colon the published pattern leaves out; they are let through.
    EventName, "^[a-z][a-z0-9_.]*$", "an event name as in `data.record.created`",
        |text: &str| {
            (text.len() >= 3 && starts_lower(text) && text.bytes().all(|byte| word(byte) || byte == b'.'))
                || PluginLifecycleEventType::named(text).is_some()
        };
    /// Moment in UTC.
    DateTime, "", "a date and time in UTC, as in `2025-01-31T08:00:00Z`", text::is_date_time;
    /// UUID of any version.
    Uuid, "", "a UUID", text::is_uuid;
    /// Mail address.
    Email, "", "a mail address", text::is_email;
    /// Absolute address with a scheme.
    Uri, "", "an address with a scheme, as in `https://example.com/hook`", uri;
}

fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn word(byte: u8) -> bool {
    alphanumeric(byte) || byte == b'_'
}

fn starts_lower(text: &str) -> bool {
    text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn segments(text: &str) -> bool {
    text.split('.')
        .all(|part| starts_lower(part) && part.bytes().all(alphanumeric))
}

/// Dotted segments, then `marker`, then a tail of at least `least` characters. The marker may also occur in the tail.
fn marked(text: &str, marker: &str, least: usize) -> bool {
    text.match_indices(marker).any(|(at, _)| {
        let tail = &text[at + marker.len()..];
        segments(&text[..at])
            && tail.len() >= least
            && starts_lower(tail)
            && tail.bytes().all(|byte| word(byte) || byte == b'.')
    })
}

fn uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let scheme_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    scheme.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && scheme.bytes().all(scheme_byte)
        && !rest.trim_start_matches('/').is_empty()
        && !text
            .chars()
            .any(|character| character.is_whitespace() || character.is_control() || "<>\"{}|\\^`".contains(character))
}
