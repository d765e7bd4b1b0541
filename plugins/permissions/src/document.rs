//! A written definition and where each part of it stands: YAML text of a file, or the JSON of a record.
//!
//! The reader takes YAML as the loader of apps does (core schema of YAML 1.2, aliases, merge keys), but only keeps what
//! messages need: the value, and line and column of each way of keys. Whether the text is good YAML was decided by that loader
//! before.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use serde_json::{Map, Value};

use crate::problem::{Problem, Source};

/// Deepest nesting.
const DEPTH_MAX: usize = 64;
/// Most values of one document, expanded aliases counted each time.
const VALUES_MAX: usize = 200_000;

/// A definition.
#[derive(Clone, Debug)]
pub struct Document {
    /// Where it stands as a whole.
    pub source: Source,
    /// What it says.
    pub value: Value,
    /// Line and column by way, `objects.account.allowRead`.
    places: HashMap<String, (usize, usize)>,
}

impl Document {
    /// Of a value whose lines nobody knows.
    #[must_use]
    pub fn new(source: Source, value: Value) -> Self {
        Self {
            source,
            value,
            places: HashMap::new(),
        }
    }

    /// Reads YAML.
    ///
    /// # Errors
    /// What is no YAML, with its place.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let mut options = granit_parser::options! { flow_nesting_limit: DEPTH_MAX, block_nesting_limit: DEPTH_MAX };
        options.set_emit_comments(false);
        let mut reader = Reader {
            parser: Parser::new_from_str_with_options(text, options),
            anchors: HashMap::new(),
            places: HashMap::new(),
            values: 0,
        };
        let value = reader.document().map_err(|fault| {
            let place = format!("{file}:{}:{}", fault.line, fault.column);
            Problem::new(place, "", fault.message)
        })?;
        Ok(Self {
            source: Source::File {
                file: file.into(),
                line: 0,
            },
            value,
            places: reader.places,
        })
    }

    /// The same with another value, where places are still right.
    #[must_use]
    pub fn with_value(&self, value: Value) -> Self {
        Self {
            source: self.source.clone(),
            value,
            places: self.places.clone(),
        }
    }

    /// The source of the part at a way, as near as it is known.
    #[must_use]
    pub fn source(&self, path: &str) -> Source {
        match (&self.source, self.place(path)) {
            (Source::File { file, .. }, Some((line, _))) => Source::File {
                file: Arc::clone(file),
                line,
            },
            (source, _) => source.clone(),
        }
    }

    /// A problem with the part at a way.
    pub fn problem(&self, path: &str, message: impl Into<String>) -> Problem {
        let place = match (&self.source, self.place(path)) {
            (Source::File { file, .. }, Some((line, column))) => format!("{file}:{line}:{column}"),
            (source, _) => source.to_string(),
        };
        Problem::new(place, path, message)
    }

    fn place(&self, path: &str) -> Option<(usize, usize)> {
        let mut at = path;
        loop {
            if let Some(place) = self.places.get(at) {
                return Some(*place);
            }
            if at.is_empty() {
                return None;
            }
            at = at.rfind(['.', '[']).map_or("", |end| &at[..end]);
        }
    }
}

struct Fault {
    line: usize,
    column: usize,
    message: String,
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Value>,
    places: HashMap<String, (usize, usize)>,
    values: usize,
}

type Next<'a> = (Event<'a>, Span);

fn fault(span: Span, message: impl Into<String>) -> Fault {
    Fault {
        line: span.start.line(),
        column: span.start.col() + 1,
        message: message.into(),
    }
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Next<'a>, Fault> {
        match self.parser.next() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(Fault {
                line: error.marker().line(),
                column: error.marker().col() + 1,
                message: error.info().to_owned(),
            }),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn document(&mut self) -> Result<Value, Fault> {
        loop {
            match self.next()? {
                (Event::DocumentStart(..), _) => break,
                (Event::StreamEnd, _) => return Ok(Value::Null),
                _ => {}
            }
        }
        let first = self.next()?;
        let value = self.value(first, "")?;
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(value),
                (Event::DocumentStart(..), span) => {
                    return Err(fault(
                        span,
                        "a file holds one document; put the second one into a file of its own",
                    ));
                }
                _ => {}
            }
        }
    }

    fn value(&mut self, (event, span): Next<'a>, path: &str) -> Result<Value, Fault> {
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err(fault(span, format!("the document has more than {VALUES_MAX} values")));
        }
        self.places
            .entry(path.to_owned())
            .or_insert((span.start.line(), span.start.col() + 1));
        let (value, anchor) = match event {
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).cloned();
                let value = value.ok_or_else(|| fault(span, "an alias may not stand inside what it repeats"))?;
                self.values += size(&value);
                return Ok(value);
            }
            Event::Scalar(text, style, anchor, _) => (scalar(&text, style), anchor),
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        next => items.push(self.value(next, &format!("{path}[{}]", items.len()))?),
                    }
                }
                (Value::Array(items), anchor)
            }
            Event::MappingStart(_, anchor, _) => (Value::Object(self.map(path)?), anchor),
            _ => return Err(fault(span, "expected a value")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn map(&mut self, path: &str) -> Result<Map<String, Value>, Fault> {
        let mut map = Map::new();
        let mut merged = Vec::new();
        loop {
            let (key, span) = match self.next()? {
                (Event::MappingEnd, _) => break,
                (Event::Scalar(key, ..), span) => (key.into_owned(), span),
                (_, span) => return Err(fault(span, "a key must be text")),
            };
            let way = join(path, &key);
            self.places
                .insert(way.clone(), (span.start.line(), span.start.col() + 1));
            let next = self.next()?;
            let value = self.value(next, &way)?;
            if key == "<<" {
                merged.push(value);
            } else if map.insert(key.clone(), value).is_some() {
                return Err(fault(
                    span,
                    format!("the key `{key}` is there twice; remove one of them"),
                ));
            }
        }
        for source in merged {
            let sources = match source {
                Value::Array(items) => items,
                one => vec![one],
            };
            for (key, value) in sources
                .into_iter()
                .filter_map(|source| match source {
                    Value::Object(map) => Some(map),
                    _ => None,
                })
                .flatten()
            {
                map.entry(key).or_insert(value);
            }
        }
        Ok(map)
    }
}

/// The way one key further.
#[must_use]
pub fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => {
            let number = text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
            let unsigned = text.strip_prefix('+').unwrap_or(text);
            let parsed = number.then(|| {
                let whole = unsigned.parse::<i64>().map(serde_json::Number::from).ok();
                whole.or_else(|| unsigned.parse::<f64>().ok().and_then(serde_json::Number::from_f64))
            });
            parsed
                .flatten()
                .map_or_else(|| Value::String(text.to_owned()), Value::Number)
        }
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(map) => 1 + map.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_and_places_are_read() {
        let text =
            "name: sales\nobjects:\n  account: {allowRead: true, n: 1.5}\n  task:\n    <<: {a: 1}\nroles: [x, \"1\"]\n";
        let document = Document::parse("a.yml", text).unwrap();
        assert_eq!(
            document.value,
            json!({"name": "sales", "objects": {"account": {"allowRead": true, "n": 1.5}, "task": {"a": 1}}, "roles": ["x", "1"]})
        );
        assert_eq!(document.source("objects.account.allowRead").to_string(), "a.yml:3");
        assert_eq!(document.source("objects.account.nothing").to_string(), "a.yml:3");
        assert_eq!(
            document.problem("roles[1]", "no").to_string(),
            "a.yml:6:12: roles[1]: no"
        );
    }

    #[test]
    fn what_is_no_yaml_has_a_place() {
        let problem = Document::parse("a.yml", "a: 1\na: 2\n").unwrap_err();
        assert_eq!(
            problem.to_string(),
            "a.yml:2:1: the key `a` is there twice; remove one of them"
        );
        assert!(Document::parse("a.yml", "a: [1").is_err());
    }
}
