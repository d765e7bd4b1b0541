//! Naming rules of plugins, services, events and routes, and the nearest valid spelling of a wrong name.
//!
//! Pure text. Used by the document's checks, by the kernel's event bus and by the resolver.

use semver::VersionReq;

use crate::kernel::PluginLifecycleEventType;
use crate::kernel::check::{EventName, Pattern};

/// Whether `text` is a plugin id: `^[a-z][a-z0-9]*(\.[a-z][a-z0-9_-]*)+$`, as in `com.example.audit-log`.
#[must_use]
pub fn is_plugin_id(text: &str) -> bool {
    let mut parts = text.split('.');
    let first = parts.next().unwrap_or_default();
    let head = starts_lower(first)
        && first
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let mut tail = parts.peekable();
    head && tail.peek().is_some() && tail.all(is_word)
}

/// Whether `text` names a service or a hook: words of `a-z 0-9 _ -` joined by `.`, as in `event-store` or
/// `data.before_insert`.
#[must_use]
pub fn is_service_name(text: &str) -> bool {
    text.split('.').all(is_word)
}

/// Whether `text` is an event name of the protocol, the kernel's own included.
#[must_use]
pub fn is_event_name(text: &str) -> bool {
    EventName::holds(text) && text.split('.').all(|part| !part.is_empty())
}

/// Whether `text` selects events: a name, `prefix.*`, `kernel:*` and the like, or `*`.
#[must_use]
pub fn is_event_pattern(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    if let Some(prefix) = text.strip_suffix(".*") {
        return prefix.split('.').all(|part| is_word(part) && !part.contains('-'));
    }
    if text.ends_with(":*") {
        let prefix = &text[..text.len() - 1];
        return PluginLifecycleEventType::ALL
            .iter()
            .any(|kind| kind.as_str().starts_with(prefix));
    }
    is_event_name(text)
}

/// Whether `pattern` selects the event `name`. `data.*` selects every name below `data.`, however deep.
#[must_use]
pub fn matches_event(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(prefix) => name.len() > prefix.len() && name.starts_with(prefix),
        None => pattern == name,
    }
}

/// Reads a version range. Comparators may be joined by commas or by spaces.
///
/// # Errors
///
/// One line of text that says what was expected.
pub fn parse_range(text: &str) -> Result<VersionReq, String> {
    if text.contains("||") {
        return Err(format!(
            "`{text}` joins ranges by `||`, which is not supported; give one range, as in `>=1.2, <3`"
        ));
    }
    let joined = join_comparators(text);
    VersionReq::parse(&joined)
        .map_err(|error| format!("`{text}` is not a version range ({error}); write it as in `^1.2` or `>=1.2, <3`"))
}

/// `>= 1.2 <3` to `>=1.2,<3`: an operator belongs to the version after it, a space between two versions is a comma.
fn join_comparators(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    for part in text
        .split(|character: char| character.is_whitespace() || character == ',')
        .filter(|part| !part.is_empty())
    {
        if !joined.is_empty() && !joined.ends_with(['<', '>', '=', '^', '~']) {
            joined.push(',');
        }
        joined.push_str(part);
    }
    joined
}

/// The path with its parameters' names taken out, so that two routes that answer the same requests are equal:
/// `/a/{id}/{*rest}` gives `/a/{}/{*}`.
///
/// # Errors
///
/// What is wrong with the path, in words.
pub fn route_shape(path: &str) -> Result<String, String> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err("a path begins with `/`".to_owned());
    };
    if rest.is_empty() {
        return Ok("/".to_owned());
    }
    let mut shape = String::with_capacity(path.len());
    let mut names: Vec<&str> = Vec::new();
    let segments: Vec<&str> = rest.split('/').collect();
    for (index, segment) in segments.iter().enumerate() {
        shape.push('/');
        let Some(inner) = segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) else {
            literal_segment(segment)?;
            shape.push_str(segment);
            continue;
        };
        let name = inner.strip_prefix('*').unwrap_or(inner);
        if inner.starts_with('*') && index + 1 != segments.len() {
            return Err(format!("`{{{inner}}}` takes all that follows, so it has to be last"));
        }
        if !is_word(&name.to_ascii_lowercase()) {
            return Err(format!("`{{{inner}}}` does not hold a parameter name"));
        }
        if names.contains(&name) {
            return Err(format!("parameter `{name}` occurs twice"));
        }
        names.push(name);
        shape.push_str(if inner.starts_with('*') { "{*}" } else { "{}" });
    }
    Ok(shape)
}

fn literal_segment(segment: &str) -> Result<(), String> {
    if segment.is_empty() {
        return Err("an empty segment: no `//` and no `/` at the end".to_owned());
    }
    if segment == "." || segment == ".." {
        return Err(format!("`{segment}` is not a segment"));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:@$!+,;=".contains(&byte);
    if segment.bytes().all(allowed) {
        Ok(())
    } else {
        Err(format!(
            "`{segment}` has a character that has no place in a path; parameters are written `{{name}}`"
        ))
    }
}

/// The candidate closest to `word`, when it is close enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).max(1) + usize::from(word.chars().count() > 3);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by(|left, right| left.0.cmp(&right.0).then(left.1.cmp(right.1)))
        .map(|(_, candidate)| candidate)
}

/// Edits that turn one word into the other; two neighbours changed over count as one.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, from) in left.iter().enumerate() {
        let mut current = Vec::with_capacity(right.len() + 1);
        current.push(row + 1);
        for (column, to) in right.iter().enumerate() {
            let mut best = last[column] + usize::from(from != to);
            best = best.min(last[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && *from == right[column - 1] && left[row - 1] == *to {
                best = best.min(before_last[column - 1] + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[right.len()]
}

pub(super) fn is_word(text: &str) -> bool {
    starts_lower(text)
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-')
}

fn starts_lower(text: &str) -> bool {
    text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
}
