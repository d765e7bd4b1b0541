//! Older spellings of seed data. Called by the loader of apps.

use serde_json::{Value, json};

use super::keys::{Place, Rewriter};
use super::{Note, NoteKind};

/// Turns a data file into the protocol's shape (`data/Dataset`). `stem` is the file's name without `.data.yml`; it names
/// the object when the file is a bare list of records.
#[must_use]
pub fn normalise_dataset(document: Value, stem: &str) -> (Value, Vec<Note>) {
    let mut rewriter = Rewriter::new();
    let dataset = match document {
        Value::Array(records) => {
            rewriter.note(
                "",
                NoteKind::Alias,
                format!("a bare list, read as the records of `{stem}`"),
            );
            json!({ "object": stem, "records": records })
        }
        Value::Object(map) => {
            let mut map = rewriter.keys(Place::Dataset, "", map);
            rewriter.fill(&mut map, "object", "object", || json!(stem));
            Value::Object(map)
        }
        other => other,
    };
    (dataset, rewriter.into_notes())
}
