//! Names of events and the patterns that stand for many of them: an exact name, `prefix.*`, or `*`. The kernel's own names
//! have a colon (`plugin:started`), so `plugin:*` is a pattern too. Used wherever a handler, a webhook, a setting or a
//! replay says which events it means.

use objectos_plugin_api::protocol::kernel::PluginLifecycleEventType;
use std::fmt;

/// Which names are meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// Every name.
    All,
    /// Names that begin so; ends with `.` or `:`.
    Prefix(Box<str>),
    /// This name.
    Exact(Box<str>),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A sentence that says what a pattern looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::All);
        }
        if let Some(prefix) = text.strip_suffix('*') {
            let stem = prefix.strip_suffix(['.', ':']);
            return match stem {
                Some(stem) if valid_stem(stem) => Ok(Self::Prefix(prefix.into())),
                Some(_) | None => Err(refusal(text)),
            };
        }
        if valid_name(text) || PluginLifecycleEventType::named(text).is_some() {
            Ok(Self::Exact(text.into()))
        } else {
            Err(refusal(text))
        }
    }

    /// True when the name is meant.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Prefix(prefix) => name.starts_with(&**prefix),
            Self::Exact(exact) => name == &**exact,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
            Self::Exact(exact) => f.write_str(exact),
        }
    }
}

fn refusal(text: &str) -> String {
    format!(
        "`{text}` is no event pattern; write an exact name as in `data.record.created`, a prefix as in `data.*`, or `*`"
    )
}

/// True for a name that a plugin may publish: `^[a-z][a-z0-9_.]*$`, at least three characters.
pub(crate) fn valid_name(name: &str) -> bool {
    name.len() >= 3 && valid_stem(name)
}

fn valid_stem(stem: &str) -> bool {
    stem.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && stem
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names() {
        for (pattern, name, expected) in [
            ("*", "data.record.created", true),
            ("*", "plugin:started", true),
            ("data.*", "data.record.created", true),
            ("data.*", "data", false),
            ("data.*", "database.x", false),
            ("data.record.*", "data.record.created", true),
            ("data.record.*", "data.metadata.changed", false),
            ("data.record.created", "data.record.created", true),
            ("data.record.created", "data.record.created2", false),
            ("plugin:*", "plugin:before-init", true),
            ("plugin:*", "kernel:ready", false),
            ("kernel:ready", "kernel:ready", true),
        ] {
            let parsed = Pattern::parse(pattern).expect(pattern);
            assert_eq!(parsed.matches(name), expected, "{pattern} and {name}");
            assert_eq!(parsed.to_string(), pattern);
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in [
            "",
            "**",
            "data*",
            "*.created",
            "Data.*",
            "data.*.created",
            ".*",
            "ab",
            "no:such-name",
            "a b.*",
        ] {
            let error = Pattern::parse(pattern).expect_err(pattern);
            assert!(error.contains("is no event pattern"), "{error}");
        }
    }
}
