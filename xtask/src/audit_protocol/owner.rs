//! Which part of our schema a place belongs to.
//!
//! The published schemas repeat a field inside an object inside an answer. Ours are divided into named parts, so a
//! difference found many times is recognised as one.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use super::view::Plain;

/// The part a difference belongs to, the way from there, and what differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    pub(super) key: u64,
    pub(super) relative: String,
    pub(super) what: String,
}

/// One step into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// A number that stands for a part of our schema, the same wherever the part is used.
pub(super) fn key_of(part: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    part.to_string().hash(&mut hasher);
    hasher.finish()
}

/// A path as text: keys joined by dots, any index as `[]`.
pub(super) fn path_text(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Index(_) => text.push_str("[]"),
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
        }
    }
    text
}

/// The part of our schema that a place in a document belongs to, and the way from there.
pub(super) fn owner<'a>(ours: &'a Plain, steps: &[Step]) -> (&'a Value, String) {
    let mut schema = ours.root();
    let mut found = (schema, 0);
    for (index, step) in steps.iter().enumerate() {
        if let Some(part) = ours.target(schema) {
            found = (part, index);
        }
        let Some(next) = child(ours, schema, step) else { break };
        schema = next;
    }
    if let Some(part) = ours.target(schema) {
        found = (part, steps.len());
    }
    (found.0, path_text(&steps[found.1..]))
}

/// The schema one step below, in the first member of a union that has it.
fn child<'a>(ours: &'a Plain, schema: &'a Value, step: &Step) -> Option<&'a Value> {
    ours.members(schema).into_iter().find_map(|member| match step {
        Step::Index(_) => member.get("items"),
        Step::Key(key) => {
            let property = member.get("properties").and_then(|properties| properties.get(key));
            property.or(member.get("additionalProperties").filter(|extra| extra.is_object()))
        }
    })
}
