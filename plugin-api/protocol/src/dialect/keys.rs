//! Rewrites the keys of one map by the table, and keeps the notes. Called by the rest of [`super`].

use std::collections::BTreeSet;
use std::sync::LazyLock;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::table::KEYS;
use super::{Note, NoteKind};
use crate::data::{Dataset, Field, Index, Object, ValidationRule};

/// Which map a key stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Object,
    Field,
    Index,
    Rule,
    Dataset,
}

/// What becomes of an older key.
#[derive(Debug, Clone, Copy)]
pub(super) enum To {
    /// Another name for the same thing.
    Key(&'static str),
    /// A key within a nested map.
    Inside(&'static str, &'static str),
    /// A flag with the opposite sense.
    Opposite(&'static str),
    /// Left out, for this reason.
    Nothing(&'static str),
}

impl Place {
    /// The keys that the protocol has at this place, as our types say.
    fn canonical(self) -> &'static BTreeSet<String> {
        static OBJECT: LazyLock<BTreeSet<String>> = LazyLock::new(property_names::<Object>);
        static FIELD: LazyLock<BTreeSet<String>> = LazyLock::new(property_names::<Field>);
        static INDEX: LazyLock<BTreeSet<String>> = LazyLock::new(property_names::<Index>);
        static RULE: LazyLock<BTreeSet<String>> = LazyLock::new(property_names::<ValidationRule>);
        static DATASET: LazyLock<BTreeSet<String>> = LazyLock::new(property_names::<Dataset>);
        match self {
            Self::Object => &OBJECT,
            Self::Field => &FIELD,
            Self::Index => &INDEX,
            Self::Rule => &RULE,
            Self::Dataset => &DATASET,
        }
    }
}

/// The property names of a type's schema, those of the members of a union included.
fn property_names<T: JsonSchema>() -> BTreeSet<String> {
    let schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    let names = |schema: &Value| -> Vec<String> {
        schema["properties"]
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
            .cloned()
            .collect()
    };
    let members = schema["oneOf"].as_array().into_iter().flatten();
    members.flat_map(names).chain(names(&schema)).collect()
}

/// Rewrites maps and collects what was done.
#[derive(Debug)]
pub(super) struct Rewriter {
    notes: Vec<Note>,
}

impl Rewriter {
    pub(super) const fn new() -> Self {
        Self { notes: Vec::new() }
    }

    pub(super) fn into_notes(self) -> Vec<Note> {
        self.notes
    }

    pub(super) fn note(&mut self, path: &str, kind: NoteKind, message: impl Into<String>) {
        self.notes.push(Note {
            path: path.to_owned(),
            kind,
            message: message.into(),
        });
    }

    /// Sets a key that was left out, and says so.
    pub(super) fn fill(&mut self, map: &mut Map<String, Value>, key: &str, path: &str, value: impl FnOnce() -> Value) {
        if !map.contains_key(key) {
            let value = value();
            self.note(
                path,
                NoteKind::Inferred,
                format!("was left out and is taken to be {value}"),
            );
            map.insert(key.to_owned(), value);
        }
    }

    /// The map at `path` with every older key replaced.
    pub(super) fn keys(&mut self, place: Place, path: &str, map: Map<String, Value>) -> Map<String, Value> {
        let canonical = place.canonical();
        let mut result = Map::new();
        let mut older = Vec::new();
        for (key, value) in map {
            let rename = if canonical.contains(&key) {
                None
            } else {
                rewrite(place, &key)
            };
            match rename {
                Some(to) => older.push((key, to, value)),
                None => {
                    result.insert(key, value);
                }
            }
        }
        for (key, to, value) in older {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            self.apply(&mut result, &path, &to, value);
        }
        result
    }

    fn apply(&mut self, map: &mut Map<String, Value>, path: &str, to: &Rewrite, value: Value) {
        match to {
            Rewrite::Key(new) => self.set(map, path, new, value),
            Rewrite::Listed(To::Key(new)) => self.set(map, path, new, value),
            Rewrite::Listed(To::Opposite(new)) => match value {
                Value::Bool(flag) => self.set(map, path, new, json!(!flag)),
                value => self.set(map, path, new, value),
            },
            Rewrite::Listed(To::Nothing(reason)) => self.note(path, NoteKind::Ignored, format!("left out: {reason}")),
            Rewrite::Listed(To::Inside(outer, inner)) => {
                let nested = map.entry(*outer).or_insert_with(|| json!({}));
                if let Value::Object(nested) = nested {
                    self.set(nested, path, inner, value);
                }
            }
        }
    }

    fn set(&mut self, map: &mut Map<String, Value>, path: &str, new: &str, value: Value) {
        if map.contains_key(new) {
            self.note(path, NoteKind::Ignored, format!("left out: `{new}` is there too"));
            return;
        }
        map.insert(new.to_owned(), value);
        self.note(path, NoteKind::Alias, format!("older spelling of `{new}`"));
    }
}

/// How a key that is not canonical is rewritten.
enum Rewrite {
    /// By the table.
    Listed(To),
    /// The snake case of a canonical key.
    Key(String),
}

fn rewrite(place: Place, key: &str) -> Option<Rewrite> {
    if let Some((_, _, to)) = KEYS.iter().find(|(of, old, _)| *of == place && *old == key) {
        return Some(Rewrite::Listed(*to));
    }
    let camel = camel_case(key);
    place.canonical().contains(&camel).then_some(Rewrite::Key(camel))
}

/// `plural_label` becomes `pluralLabel`.
fn camel_case(key: &str) -> String {
    let mut name = String::new();
    let mut capital = false;
    for letter in key.chars() {
        match (letter, capital) {
            ('_', _) => capital = true,
            (letter, true) => {
                name.extend(letter.to_uppercase());
                capital = false;
            }
            (letter, false) => name.push(letter),
        }
    }
    name
}
