//! From JSON to the protocol's types, with every fault found and placed.
//!
//! Serde stops at the first fault. Here the fault is noted, the piece that has it is taken out, and reading goes on, so that one
//! look at the list tells all. What was taken out is known to the caller, who then stays silent about what is missing for that
//! reason alone.

mod fault;

use objectos_plugin_api::protocol::data::{self, RuleCommon};
use serde_json::Value;

use super::document::Document;
use super::path::{KeyPath, Step};
use super::problem::Problems;
use super::yaml::{Node, NodeValue};
use fault::Fault;

/// Faults of one document that are looked for.
const FAULTS_MAX: usize = 100;

/// What could be read.
#[derive(Debug)]
pub(super) struct Decoded<T> {
    /// Without the pieces that were wrong.
    pub(super) value: T,
    /// Ways to the pieces that were taken out, from where decoding began.
    pub(super) broken: Vec<KeyPath>,
}

/// Reads a value that stands at `base` of a document. `None` when nothing is left to go on with.
pub(super) fn decode<T: data::Document>(
    document: &Document,
    base: &KeyPath,
    mut value: Value,
    problems: &mut Problems,
) -> Option<Decoded<T>> {
    let mut taken = Taken::default();
    for _ in 0..FAULTS_MAX {
        let error = match T::read(&value) {
            Ok(value) => {
                return Some(Decoded {
                    value,
                    broken: taken.paths,
                });
            }
            Err(error) => error,
        };
        let fault = refine(
            Fault::read(KeyPath::from(error.path()), &error.inner().to_string(), &value),
            &value,
        );
        let place = base.join(&taken.original(&fault.path));
        if fault.wants_text() && write_as_text(&mut value, &fault.path, document.node(&place)) {
            continue;
        }
        if !taken.explains(&fault) {
            problems.push(fault.problem(document, &place));
        }
        if !taken.take(&mut value, &fault) {
            return None;
        }
    }
    None
}

/// A number where text is wanted means what was written: `version: 1.10`.
fn write_as_text(value: &mut Value, path: &KeyPath, node: Option<&Node>) -> bool {
    let Some(found) = value_at(value, path) else {
        return false;
    };
    let Value::Number(number) = &*found else { return false };
    let text = match node.map(|node| &node.value) {
        Some(NodeValue::Number { written, .. }) => written.clone(),
        _ => number.to_string(),
    };
    *found = Value::String(text);
    true
}

fn value_at<'a>(value: &'a mut Value, path: &KeyPath) -> Option<&'a mut Value> {
    path.0.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    })
}

/// Validation rules are read in two halves behind serde's back; looks into them for the very key.
fn refine(fault: Fault, value: &Value) -> Fault {
    let is_rule = fault.path.0.iter().rev().nth(1) == Some(&Step::Key("validations".to_owned()));
    let mut copy = value.clone();
    let Some(Value::Object(rule)) = is_rule.then(|| value_at(&mut copy, &fault.path)).flatten() else {
        return fault;
    };
    let common_keys = [
        "name",
        "label",
        "description",
        "active",
        "events",
        "tags",
        "severity",
        "message",
    ];
    let common: serde_json::Map<String, Value> = rule
        .iter()
        .filter(|(key, _)| common_keys.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let common = Value::Object(common);
    match <RuleCommon as data::Document>::read(&common) {
        Err(error) => {
            let path = fault.path.join(&KeyPath::from(error.path()));
            Fault::read(path, &error.inner().to_string(), value)
        }
        Ok(_) => fault,
    }
}

/// What was taken out so far.
#[derive(Default)]
struct Taken {
    /// By its place in the document.
    paths: Vec<KeyPath>,
}

impl Taken {
    /// The place in the document of a way through what is left: items that were taken out of lists still count there.
    fn original(&self, path: &KeyPath) -> KeyPath {
        path.0.iter().fold(KeyPath::default(), |at, step| match step {
            Step::Key(key) => at.key(key),
            Step::Index(index) => {
                let gone = |candidate: &usize| self.paths.contains(&at.index(*candidate));
                let place = (0..).filter(|candidate| !gone(candidate)).nth(*index);
                at.index(place.expect("there are endless numbers"))
            }
        })
    }

    /// A key that is missing because it was taken out was spoken of before.
    fn explains(&self, fault: &Fault) -> bool {
        fault
            .missing
            .as_ref()
            .is_some_and(|key| self.paths.contains(&self.original(&fault.path).key(key)))
    }

    fn take(&mut self, value: &mut Value, fault: &Fault) -> bool {
        let original = self.original(&fault.path);
        let Some(last) = fault.path.0.last() else { return false };
        let done = match (value_at(value, &fault.path.parent()), last) {
            (Some(Value::Object(map)), Step::Key(key)) => map.shift_remove(key).is_some(),
            (Some(Value::Array(items)), Step::Index(index)) if *index < items.len() => {
                items.remove(*index);
                true
            }
            _ => false,
        };
        self.paths.push(original);
        done
    }
}

#[cfg(test)]
mod tests;
