//! Serde's sentences, taken apart and said for people.

use serde_json::Value;

use crate::app::document::Document;
use crate::app::path::{KeyPath, Step};
use crate::app::problem::Problem;
use crate::model::nearest;

/// Names that are listed when none is near.
const NAMES_MAX: usize = 12;

/// One fault.
#[derive(Debug)]
pub(super) struct Fault {
    /// The piece that has it; for a missing key the map.
    pub(super) path: KeyPath,
    /// The key that is missing.
    pub(super) missing: Option<String>,
    /// The place is that of the key, not of its value.
    at_key: bool,
    message: String,
    suggestion: Option<String>,
    hint: Option<String>,
    text_for_number: bool,
}

impl Fault {
    fn new(path: KeyPath, message: String) -> Self {
        Self {
            path,
            missing: None,
            at_key: false,
            message,
            suggestion: None,
            hint: None,
            text_for_number: false,
        }
    }

    /// Of the way and the sentence that serde gives.
    pub(super) fn read(path: KeyPath, sentence: &str, root: &Value) -> Self {
        let sentence = sentence.split(" at line ").next().unwrap_or(sentence);
        if let Some(rest) = sentence.strip_prefix("unknown field ") {
            return Self::unknown_key(path, rest, root);
        }
        if let Some(rest) = sentence.strip_prefix("unknown variant ") {
            return Self::unknown_value(path, rest, root);
        }
        if let Some(key) = sentence.strip_prefix("missing field ").and_then(first_quoted) {
            let mut fault = Self::new(path, format!("the key `{key}` is missing"));
            fault.missing = Some(key.to_owned());
            return fault;
        }
        for prefix in ["invalid type: ", "invalid value: ", "invalid length "] {
            if let Some((found, expected)) = sentence
                .strip_prefix(prefix)
                .and_then(|rest| rest.split_once(", expected "))
            {
                return Self::mismatch(path, found, expected);
            }
        }
        if sentence.contains("did not match any variant") {
            return Self::new(
                path,
                "the value has none of the shapes that are allowed here".to_owned(),
            );
        }
        let path = narrowed(path, sentence, root);
        let at_key = path.1;
        let mut fault = Self::new(path.0, sentence.to_owned());
        fault.at_key = at_key;
        fault
    }

    fn unknown_key(path: KeyPath, rest: &str, root: &Value) -> Self {
        let (key, expected) = named(rest);
        // The way may end before the key or with it.
        let path = if path.last_key() == Some(&key) && at(root, &path.key(&key)).is_none() {
            path
        } else {
            path.key(&key)
        };
        let mut fault = Self::new(path, format!("unknown key `{key}`"));
        fault.at_key = true;
        fault.suggestion = nearest(&key, expected.iter().map(String::as_str)).map(str::to_owned);
        fault.hint = fault
            .suggestion
            .is_none()
            .then(|| listed("known keys", &expected))
            .flatten();
        fault
    }

    fn unknown_value(path: KeyPath, rest: &str, root: &Value) -> Self {
        let (given, expected) = named(rest);
        let path = match at(root, &path) {
            Some(Value::Object(map)) => map
                .iter()
                .find(|(_, value)| value.as_str() == Some(&given))
                .map_or(path.clone(), |(key, _)| path.key(key)),
            _ => path,
        };
        let mut fault = Self::new(path, format!("unknown value `{given}`"));
        fault.suggestion = nearest(&given, expected.iter().map(String::as_str)).map(str::to_owned);
        fault.hint = fault
            .suggestion
            .is_none()
            .then(|| listed("one of", &expected))
            .flatten();
        fault
    }

    fn mismatch(path: KeyPath, found: &str, expected: &str) -> Self {
        let wants_text = matches!(expected, "a string" | "a borrowed string" | "string");
        let mut fault = Self::new(
            path,
            format!("expected {}, found {}", said_type(expected), said_value(found)),
        );
        if wants_text && found.starts_with("boolean") {
            fault.hint = Some("write it in quotes".to_owned());
        }
        fault.text_for_number = wants_text && (found.starts_with("integer") || found.starts_with("floating"));
        fault
    }

    /// A number stands where text is wanted.
    pub(super) fn wants_text(&self) -> bool {
        self.text_for_number
    }

    /// As a problem at its place in the document.
    pub(super) fn problem(&self, document: &Document, place: &KeyPath) -> Problem {
        let mut problem = if self.at_key || self.missing.is_some() {
            document.key_error(place, &self.message)
        } else {
            document.error(place, &self.message)
        };
        problem.suggestion.clone_from(&self.suggestion);
        problem.hint.clone_from(&self.hint);
        problem
    }
}

fn at<'a>(root: &'a Value, path: &KeyPath) -> Option<&'a Value> {
    path.0.iter().try_fold(root, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    })
}

/// A sentence that quotes a key or a value of the map it speaks of leads to that one; true when it is the key.
fn narrowed(path: KeyPath, sentence: &str, root: &Value) -> (KeyPath, bool) {
    let quoted = first_quoted(sentence).unwrap_or_default();
    match at(root, &path) {
        Some(Value::Object(map)) if map.contains_key(quoted) => (path.key(quoted), true),
        Some(Value::Object(map)) => match map.iter().find(|(_, value)| value.as_str() == Some(quoted)) {
            Some((key, _)) => (path.key(key), false),
            None => (path, false),
        },
        _ => (path, false),
    }
}

fn first_quoted(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

/// "`x`, expected one of `a`, `b`" is `x` and `a`, `b`.
fn named(rest: &str) -> (String, Vec<String>) {
    let (given, expected) = rest.split_once(", ").unwrap_or((rest, ""));
    let quoted = |text: &str| {
        text.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    (quoted(given).into_iter().next().unwrap_or_default(), quoted(expected))
}

fn listed(what: &str, names: &[String]) -> Option<String> {
    let shown: Vec<&str> = names.iter().take(NAMES_MAX).map(String::as_str).collect();
    let more = if names.len() > NAMES_MAX { ", …" } else { "" };
    (!shown.is_empty()).then(|| format!("{what}: {}{more}", shown.join(", ")))
}

fn said_type(expected: &str) -> String {
    match expected {
        "a string" | "a borrowed string" | "string" => "text".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a boolean" => "true or false".to_owned(),
        _ if expected.starts_with("struct ") || expected == "a map" => "a map".to_owned(),
        _ => expected.to_owned(),
    }
}

fn said_value(found: &str) -> String {
    let quoted = |rest: &str| rest.trim_matches(['`', '"']).to_owned();
    match found.split_once(' ') {
        Some(("string", rest)) => format!("the text `{}`", quoted(rest)),
        Some(("integer", rest)) => format!("the number {}", quoted(rest)),
        Some(("floating", rest)) => format!("the number {}", quoted(rest.trim_start_matches("point "))),
        Some(("boolean", rest)) => quoted(rest),
        _ => match found {
            "map" => "a map".to_owned(),
            "sequence" => "a list".to_owned(),
            "null" | "unit value" | "Option value" => "nothing".to_owned(),
            _ => found.to_owned(),
        },
    }
}
