//! The part of TOML that `deny.toml` and advisories are written in: sections, keys, comments, and values that are texts, lists or
//! inline tables of texts. Of a value, what is between the quotes is read and nothing else.

use anyhow::{Result, bail};

/// One `key = value`; the value without comments and on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Name of its section, without the brackets.
    pub(crate) section: String,
    pub(crate) key: String,
    pub(crate) value: String,
}

/// Everything in a document.
///
/// # Errors
/// The line that is neither a section nor a key.
pub(crate) fn entries(text: &str) -> Result<Vec<Entry>> {
    let mut found: Vec<Entry> = Vec::new();
    let mut section = String::new();
    for (index, line) in text.lines().enumerate() {
        let line = without_comment(line).trim();
        if let Some(open) = found.last_mut().filter(|entry| depth(&entry.value) > 0) {
            open.value.push(' ');
            open.value.push_str(line);
            continue;
        }
        if line.is_empty() {
            continue;
        }
        if line.starts_with('[') {
            line.trim_matches(['[', ']']).trim().clone_into(&mut section);
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            bail!("line {}: `{line}` is no `key = value`", index + 1);
        };
        found.push(Entry {
            section: section.clone(),
            key: key.trim().to_owned(),
            value: value.trim().to_owned(),
        });
    }
    Ok(found)
}

/// The value of a key; nothing when it is not there.
pub(crate) fn value<'a>(entries: &'a [Entry], section: &str, key: &str) -> Option<&'a str> {
    let found = entries
        .iter()
        .find(|entry| entry.section == section && entry.key == key);
    found.map(|entry| entry.value.as_str())
}

/// The texts in a value, in order.
pub(crate) fn texts(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some(start) = rest.find(['"', '\'']) {
        let quote = if rest[start..].starts_with('"') { '"' } else { '\'' };
        let inner = &rest[start + 1..];
        let Some(end) = inner.find(quote) else { break };
        found.push(inner[..end].to_owned());
        rest = &inner[end + 1..];
    }
    found
}

/// How many brackets and braces are open at the end, outside of texts.
fn depth(value: &str) -> i32 {
    let mut depth = 0;
    scan(value, |character| {
        depth += match character {
            '[' | '{' => 1,
            ']' | '}' => -1,
            _ => 0,
        };
        true
    });
    depth
}

fn without_comment(line: &str) -> &str {
    let end = scan(line, |character| character != '#');
    &line[..end]
}

/// Goes through what stands outside of texts, for as long as `go_on` says; answers where it stopped.
fn scan(text: &str, mut go_on: impl FnMut(char) -> bool) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (index, character) in text.char_indices() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match quote {
            Some('"') if character == '\\' => escaped = true,
            Some(open) if open == character => quote = None,
            Some(_) => {}
            None if character == '"' || character == '\'' => quote = Some(character),
            None if !go_on(character) => return index,
            None => {}
        }
    }
    text.len()
}
