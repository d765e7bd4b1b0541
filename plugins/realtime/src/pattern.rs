//! Names of events as clients know them, and the patterns that stand for many. The bus's names are the names; older clients
//! say `record.created` and the like, and get what they asked for under the name that they know. Names with a colon, which are
//! the kernel's own, have a point here: the wire's names have no colon.

use objectos_plugin_api::contracts::events;

use crate::error::{RealtimeError, Result};

/// Longest name or pattern, characters.
const CHARS_MAX: usize = 200;

/// Which names are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    All,
    Prefix(String),
    Exact(String),
}

impl Pattern {
    /// Reads `*`, a name, or a prefix that ends in `*`.
    ///
    /// # Errors
    /// `Invalid` with what a pattern looks like.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if text == "*" {
            return Ok(Self::All);
        }
        let (stem, open) = text.strip_suffix('*').map_or((text, false), |stem| (stem, true));
        let begins = stem.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.');
        if !begins || !stem.bytes().all(fits) || stem.len() > CHARS_MAX {
            return Err(RealtimeError::invalid(format!(
                "'{}' is no event pattern: write `*`, a name as data.record.created, or a prefix as data.record.*",
                shown(text)
            )));
        }
        Ok(if open {
            Self::Prefix(stem.to_owned())
        } else {
            Self::Exact(stem.to_owned())
        })
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Prefix(prefix) => name.starts_with(prefix.as_str()),
            Self::Exact(exact) => exact == name,
        }
    }
}

/// So much of a text as an error repeats.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

/// The name on the wire.
pub(crate) fn wire_name(name: &str) -> String {
    name.replace(':', ".")
}

/// Other names by which clients know an event.
fn aliases(name: &str) -> &'static [&'static str] {
    match name {
        // To whoever knows only these, a record that came back is there again.
        events::RECORD_CREATED | events::RECORD_RESTORED => &["record.created"],
        events::RECORD_UPDATED => &["record.updated", "field.changed"],
        events::RECORD_DELETED | events::RECORD_PURGED => &["record.deleted"],
        events::METADATA_CHANGED => &["metadata.changed"],
        _ => &[],
    }
}

/// Under which names the patterns want an event: its own if one means it, and each older one that is asked for by more than
/// `*`. `name` is the bus's.
pub(crate) fn wanted_names(patterns: &[Pattern], name: &str) -> Vec<String> {
    let mut names = Vec::new();
    let own = wire_name(name);
    if patterns.iter().any(|pattern| pattern.matches(&own)) {
        names.push(own);
    }
    let named = |alias: &str| {
        let mut known = patterns.iter().filter(|pattern| **pattern != Pattern::All);
        known.any(|pattern| pattern.matches(alias))
    };
    let older = aliases(name).iter().filter(|alias| named(alias));
    names.extend(older.map(|&alias| alias.to_owned()));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_names_prefixes_or_everything() {
        for (text, fits) in [
            ("*", true),
            ("data.record.created", true),
            ("data.*", true),
            ("data.rec*", true),
            ("a_1", true),
            ("", false),
            ("**", false),
            (".*", false),
            ("Data.*", false),
            ("a*b", false),
            ("kernel:*", false),
            ("1a", false),
        ] {
            assert_eq!(Pattern::parse(text).is_ok(), fits, "{text}");
        }
        assert!(Pattern::parse(&"a".repeat(CHARS_MAX + 1)).is_err());
    }

    #[test]
    fn an_event_comes_under_the_names_that_were_asked_for() {
        for (patterns, name, expected) in [
            ("*", "data.record.created", "data.record.created"),
            ("record.created", "data.record.created", "record.created"),
            ("record.*", "data.record.updated", "record.updated"),
            (
                "field.changed record.updated",
                "data.record.updated",
                "record.updated field.changed",
            ),
            (
                "data.* record.deleted",
                "data.record.purged",
                "data.record.purged record.deleted",
            ),
            ("record.created", "data.record.restored", "record.created"),
            ("record.created", "data.record.updated", ""),
            ("metadata.*", "system.metadata.changed", "metadata.changed"),
            ("kernel.*", "kernel:ready", "kernel.ready"),
            ("record.*", "records.seen", ""),
        ] {
            let parsed: Vec<Pattern> = patterns
                .split_whitespace()
                .map(|text| Pattern::parse(text).unwrap())
                .collect();
            assert_eq!(wanted_names(&parsed, name).join(" "), expected, "{patterns} and {name}");
        }
    }
}
