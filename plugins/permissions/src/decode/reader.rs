//! Reads maps of a definition key by key: unknown keys, wrong types and misspelt words become problems with place and remedy.

use serde_json::{Map, Value};

use crate::catalogue::nearest;
use crate::document::{Document, join};
use crate::problem::{Problem, Source};

/// Everything that is wrong so far.
pub(crate) type Problems = Vec<Problem>;

/// A part of a document.
#[derive(Clone, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) document: &'a Document,
    pub(crate) path: String,
    pub(crate) value: &'a Value,
}

/// A map in it.
#[derive(Debug)]
pub(crate) struct Keys<'a> {
    pub(crate) part: Part<'a>,
    map: &'a Map<String, Value>,
}

impl<'a> Part<'a> {
    /// The document as a whole.
    pub(crate) fn root(document: &'a Document) -> Self {
        Self {
            document,
            path: String::new(),
            value: &document.value,
        }
    }

    pub(crate) fn problem(&self, message: impl Into<String>) -> Problem {
        self.document.problem(&self.path, message)
    }

    pub(crate) fn source(&self) -> Source {
        self.document.source(&self.path)
    }

    /// One key further.
    pub(crate) fn key(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key)?;
        Some(Self {
            document: self.document,
            path: join(&self.path, key),
            value,
        })
    }

    /// A map with no other keys than these.
    pub(crate) fn keys(self, known: &[&str], problems: &mut Problems) -> Option<Keys<'a>> {
        let keys = self.map(problems)?;
        for key in keys.map.keys().filter(|key| !known.contains(&key.as_str())) {
            let path = join(&keys.part.path, key);
            let problem = keys.part.document.problem(&path, format!("unknown key `{key}`"));
            let mut problem = problem.suggest(nearest(key, known.iter().copied()));
            if problem.suggestion.is_none() {
                problem = problem.hint(format!("known are {}", known.join(", ")));
            }
            problems.push(problem);
        }
        Some(keys)
    }

    /// A map with any keys.
    pub(crate) fn map(self, problems: &mut Problems) -> Option<Keys<'a>> {
        match self.value {
            Value::Object(map) => Some(Keys { map, part: self }),
            other => {
                problems.push(self.problem(format!("expected a map, found {}", kind(other))));
                None
            }
        }
    }

    /// The entries of a list.
    pub(crate) fn items(&self, problems: &mut Problems) -> Vec<Self> {
        let Value::Array(items) = self.value else {
            problems.push(self.problem(format!("expected a list, found {}", kind(self.value))));
            return Vec::new();
        };
        let item = |(index, value)| Self {
            document: self.document,
            path: format!("{}[{index}]", self.path),
            value,
        };
        items.iter().enumerate().map(item).collect()
    }

    /// Text.
    pub(crate) fn text(&self, problems: &mut Problems) -> Option<&'a str> {
        match self.value {
            Value::String(text) => Some(text),
            other => {
                problems.push(self.problem(format!("expected text, found {}", kind(other))));
                None
            }
        }
    }

    /// A word out of a few; each has a spelling and older ones.
    pub(crate) fn word<T: Copy>(&self, words: &[(T, &[&str])], problems: &mut Problems) -> Option<T> {
        let text = self.text(problems)?;
        let found = words.iter().find(|(_, spellings)| spellings.contains(&text));
        if found.is_none() {
            let firsts: Vec<&str> = words.iter().map(|(_, spellings)| spellings[0]).collect();
            let all = words.iter().flat_map(|(_, spellings)| spellings.iter().copied());
            let problem = self
                .problem(format!("unknown value `{text}`"))
                .suggest(nearest(text, all));
            problems.push(match problem.suggestion {
                Some(_) => problem,
                None => problem.hint(format!("known are {}", firsts.join(", "))),
            });
        }
        found.map(|(word, _)| *word)
    }
}

impl<'a> Keys<'a> {
    /// The value under the first of some spellings that is there and not null.
    pub(crate) fn get(&self, spellings: &[&str]) -> Option<Part<'a>> {
        let part = |key: &&str| self.part.key(key).filter(|part| !part.value.is_null());
        spellings.iter().find_map(part)
    }

    /// All entries.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a str, Part<'a>)> + '_ {
        self.map.iter().map(|(key, value)| {
            let part = Part {
                document: self.part.document,
                path: join(&self.part.path, key),
                value,
            };
            (key.as_str(), part)
        })
    }

    /// A value that must be there.
    pub(crate) fn needed(&self, spellings: &[&str], problems: &mut Problems) -> Option<Part<'a>> {
        let found = self.get(spellings);
        if found.is_none() {
            problems.push(self.part.problem(format!("`{}` is missing", spellings[0])));
        }
        found
    }

    pub(crate) fn text(&self, spellings: &[&str], problems: &mut Problems) -> Option<String> {
        self.get(spellings)?.text(problems).map(str::to_owned)
    }

    pub(crate) fn needed_text(&self, spellings: &[&str], problems: &mut Problems) -> Option<String> {
        self.needed(spellings, problems)?.text(problems).map(str::to_owned)
    }

    pub(crate) fn boolean(&self, spellings: &[&str], default: bool, problems: &mut Problems) -> bool {
        let Some(part) = self.get(spellings) else {
            return default;
        };
        part.value.as_bool().unwrap_or_else(|| {
            problems.push(part.problem(format!("expected true or false, found {}", kind(part.value))));
            false
        })
    }

    pub(crate) fn integer(&self, spellings: &[&str], default: i64, problems: &mut Problems) -> i64 {
        let Some(part) = self.get(spellings) else {
            return default;
        };
        part.value.as_i64().unwrap_or_else(|| {
            problems.push(part.problem(format!("expected a whole number, found {}", kind(part.value))));
            default
        })
    }

    /// A list of texts; one text stands for a list of one.
    pub(crate) fn texts(&self, spellings: &[&str], problems: &mut Problems) -> Option<Vec<String>> {
        let part = self.get(spellings)?;
        if let Value::String(text) = part.value {
            return Some(vec![text.clone()]);
        }
        let items = part.items(problems);
        Some(
            items
                .iter()
                .filter_map(|item| item.text(problems).map(str::to_owned))
                .collect(),
        )
    }
}

/// What a value is, for messages.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
