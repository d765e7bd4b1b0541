//! Older spellings of app files, turned into the protocol's shape before they are read.
//!
//! Files of earlier versions write `reference_to`, `auto_number`, `max_length`, options as plain words, indexes as a map,
//! seed data as a bare list. Every such spelling stands in one table ([`table`]); what the author left out and the rest
//! of the document gives away (labels, names, types) is filled in. A key that is neither canonical nor in the table stays
//! as it is, so that the typed reader refuses it by the name the author wrote.
//!
//! Not here: YAML, files, and the judgement whether a definition makes sense. Called by the loader of apps in `plugins/data`.

mod dataset;
mod field;
mod keys;
mod rules;
mod table;

use std::fmt;

use serde_json::{Map, Value, json};

pub use dataset::normalise_dataset;

use keys::{Place, Rewriter};

/// Something the author wrote that is not the protocol's spelling, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Key path in the document as written, such as `fields.owner.reference_to`.
    pub path: String,
    /// What kind of change it was.
    pub kind: NoteKind,
    /// In words: lower case, without a full stop.
    pub message: String,
}

/// What became of a part of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    /// An older spelling was replaced by the protocol's.
    Alias,
    /// Something that was left out was filled in.
    Inferred,
    /// A key has no counterpart and was left out; worth a warning.
    Ignored,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// The objects in one file: the file is an object (it has `fields`) or a map of objects by name.
///
/// `stem` is the file's name without `.object.yml`; it names an object that does not name itself.
#[must_use]
pub fn objects_in_file(document: Value, stem: &str) -> Vec<Value> {
    match document {
        Value::Object(map) if !map.contains_key("fields") && is_map_of_objects(&map) => {
            map.into_iter().map(|(name, object)| named(object, &name)).collect()
        }
        document => vec![named(document, stem)],
    }
}

fn is_map_of_objects(map: &Map<String, Value>) -> bool {
    !map.is_empty()
        && map
            .values()
            .all(|value| value.get("fields").is_some_and(Value::is_object))
}

fn named(object: Value, name: &str) -> Value {
    match object {
        Value::Object(mut map) if !map.contains_key("name") => {
            map.shift_insert(0, "name".to_owned(), json!(name));
            Value::Object(map)
        }
        object => object,
    }
}

/// Turns an object definition into the protocol's shape (`data/Object`).
///
/// Never fails: what is not understood stays as it is and is refused by the typed reader. The notes tell what was
/// changed, in the order of the document.
#[must_use]
pub fn normalise_object(document: Value) -> (Value, Vec<Note>) {
    let Value::Object(map) = document else {
        return (document, Vec::new());
    };
    let mut rewriter = Rewriter::new();
    let mut object = rewriter.keys(Place::Object, "", map);
    if let Some(name) = object.get("name").and_then(Value::as_str).map(str::to_owned) {
        rewriter.fill(&mut object, "label", "label", || json!(title_case(&name)));
    }
    let mut hoisted = Vec::new();
    if let Some(Value::Object(fields)) = object.get_mut("fields") {
        for (name, field) in fields.iter_mut() {
            hoisted.extend(field::normalise(&mut rewriter, name, field));
        }
    }
    if let Some(indexes) = object.get_mut("indexes") {
        index_list(&mut rewriter, indexes);
    }
    rules::normalise(&mut rewriter, &mut object, hoisted);
    (Value::Object(object), rewriter.into_notes())
}

/// A map of indexes by name becomes a list.
fn index_list(rewriter: &mut Rewriter, indexes: &mut Value) {
    let Value::Object(map) = indexes else { return };
    let list = std::mem::take(map)
        .into_iter()
        .map(|(name, index)| match index {
            Value::Object(index) => {
                let mut index = rewriter.keys(Place::Index, &format!("indexes.{name}"), index);
                index.shift_insert(0, "name".to_owned(), json!(name));
                Value::Object(index)
            }
            fields => json!({ "name": name, "fields": fields }),
        })
        .collect();
    *indexes = Value::Array(list);
    rewriter.note("indexes", NoteKind::Alias, "a map of indexes was read as a list");
}

/// `due_date` becomes `Due Date`.
fn title_case(name: &str) -> String {
    let words = name.split(['_', '-', ' ']).filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    };
    words.map(capital).collect::<Vec<_>>().join(" ")
}

/// `Not Started` becomes `not_started`.
fn snake_case(text: &str) -> String {
    let mut name = String::new();
    for letter in text.chars() {
        if letter.is_alphanumeric() {
            name.extend(letter.to_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    name.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests;
