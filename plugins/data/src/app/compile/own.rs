//! Keys of ours that the protocol's types do not know: taken out of a file before it is read as the protocol's object.
//!
//! `renamedFrom` of objects and fields; `filter` of a roll-up (older files: `filters` beside `summary_object`); `initialStates`
//! of a state machine rule (older files: `initial_states`); `startNumber` of an autonumber (older files: `start_number`); the `fields` of the later types `composite`, `record`, `repeater`.

use std::collections::HashMap;

use indexmap::IndexMap;
use objectos_plugin_api::protocol::text::is_identifier;
use serde_json::{Map, Value};

use super::condition;
use crate::app::document::Document;
use crate::app::path::KeyPath;
use crate::app::problem::Problems;

/// The hint that a name was another one before.
const RENAMED_FROM: &str = "renamedFrom";
/// Which child records a roll-up takes.
const FILTERS: [&str; 3] = ["filter", "filters", "where"];
/// The fields within a field.
const PARTS: [&str; 3] = ["fields", "subFields", "sub_fields"];
/// The first number of an autonumber.
const START_NUMBERS: [&str; 2] = ["startNumber", "start_number"];
/// Enough is left behind it.
const START_NUMBER_MAX: i64 = 1_000_000_000_000_000;
/// States in which a record may begin.
const INITIAL_STATES: [&str; 2] = ["initialStates", "initial_states"];

/// What was taken out.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// `renamedFrom` of the object.
    pub(super) renamed_from: Option<String>,
    /// `renamedFrom` of fields.
    pub(super) fields_renamed_from: HashMap<String, String>,
    /// The filter of each roll-up by its field, as an expression, and where it stands.
    pub(super) summary_filters: HashMap<String, (KeyPath, String)>,
    /// The fields within fields, by these.
    pub(super) parts: IndexMap<String, RawParts>,
    /// The first number of each autonumber by its field.
    pub(super) start_numbers: HashMap<String, i64>,
    /// The initial states of each state machine rule by its name, and where they stand.
    pub(super) initial_states: HashMap<String, (KeyPath, Vec<String>)>,
}

/// Fields within a field, as they are written.
#[derive(Debug)]
pub(super) struct RawParts {
    /// The value is a list of such records.
    pub(super) many: bool,
    pub(super) fields: Map<String, Value>,
}

/// Takes all of it out of an object.
pub(super) fn take(map: &mut Map<String, Value>, document: &Document, base: &KeyPath, problems: &mut Problems) -> Own {
    let mut own = Own {
        renamed_from: renamed(map, document, base, problems),
        ..Own::default()
    };
    if let Some(Value::Object(fields)) = map.get_mut("fields") {
        for (name, field) in fields {
            let path = base.key("fields").key(name);
            let Value::Object(field) = field else { continue };
            if let Some(start) = start_number(field, document, &path, problems) {
                own.start_numbers.insert(name.clone(), start);
            }
            if let Some(parts) = parts(field, document, &path, problems) {
                own.parts.insert(name.clone(), parts);
            }
            if let Some(before) = renamed(field, document, &path, problems) {
                own.fields_renamed_from.insert(name.clone(), before);
            }
            if let Some(found) = summary_filter(field, document, &path, problems) {
                own.summary_filters.insert(name.clone(), found);
            }
        }
    }
    let validation = base.key("validation").key("rules");
    if let Some(rules) = map.get_mut("validation").and_then(|inner| inner.get_mut("rules")) {
        initial_states(rules, document, &validation, &mut own, problems);
    }
    for key in ["validations", "validation_rules"] {
        if let Some(rules) = map.get_mut(key) {
            initial_states(rules, document, &base.key(key), &mut own, problems);
        }
    }
    own
}

/// Where an autonumber begins to count.
fn start_number(
    field: &mut Map<String, Value>,
    document: &Document,
    path: &KeyPath,
    problems: &mut Problems,
) -> Option<i64> {
    let kind = field.get("type").and_then(Value::as_str);
    if !kind.is_some_and(|kind| matches!(kind, "autonumber" | "auto_number")) {
        return None;
    }
    let (key, value) = START_NUMBERS
        .into_iter()
        .find_map(|key| Some((key, field.shift_remove(key)?)))?;
    let number = value.as_i64().filter(|number| (0..=START_NUMBER_MAX).contains(number));
    if number.is_none() {
        let message = format!("expected a whole number from 0 to {START_NUMBER_MAX}, found {value}");
        problems.push(document.error(&path.key(key), message));
    }
    number
}

/// The fields within a field of one of the types that have them.
fn parts(
    field: &mut Map<String, Value>,
    document: &Document,
    path: &KeyPath,
    problems: &mut Problems,
) -> Option<RawParts> {
    let many = match field.get("type").and_then(Value::as_str)? {
        "composite" | "record" => false,
        "repeater" => true,
        _ => return None,
    };
    let (key, value) = PARTS
        .into_iter()
        .find_map(|key| Some((key, field.shift_remove(key)?)))?;
    match value {
        Value::Object(fields) => Some(RawParts { many, fields }),
        other => {
            let message = format!("expected fields by their names, found {other}");
            let hint = "write them as the fields of an object, as in `fields: {city: {type: text}}`";
            problems.push(document.error(&path.key(key), message).hint(hint));
            None
        }
    }
}

fn renamed(
    map: &mut Map<String, Value>,
    document: &Document,
    path: &KeyPath,
    problems: &mut Problems,
) -> Option<String> {
    match map.shift_remove(RENAMED_FROM)? {
        Value::String(name) if is_identifier(&name) => Some(name),
        other => {
            let message = format!("expected the name from before, found {other}");
            problems.push(document.error(&path.key(RENAMED_FROM), message));
            None
        }
    }
}

fn summary_filter(
    field: &mut Map<String, Value>,
    document: &Document,
    path: &KeyPath,
    problems: &mut Problems,
) -> Option<(KeyPath, String)> {
    let mut found = None;
    for key in ["summaryOperations", "summary_operations", "rollup_summary"] {
        if let Some(Value::Object(inner)) = field.get_mut(key) {
            for filter in FILTERS {
                let at = || path.key(key).key(filter);
                found = found.or_else(|| inner.shift_remove(filter).map(|value| (at(), value)));
            }
        }
    }
    if field.contains_key("summary_object") {
        let older = field.shift_remove("filters").or_else(|| field.shift_remove("filter"));
        found = found.or_else(|| older.map(|value| (path.key("filters"), value)));
    }
    let (at, value) = found.filter(|(_, value)| !value.is_null())?;
    match condition::from_filter(&value) {
        Ok(source) => Some((at, source)),
        Err(message) => {
            let hint = "write a condition on the child, as in `status = 'open'`";
            problems.push(document.error(&at, message).hint(hint));
            None
        }
    }
}

fn initial_states(rules: &mut Value, document: &Document, path: &KeyPath, own: &mut Own, problems: &mut Problems) {
    let Value::Array(rules) = rules else { return };
    for (index, rule) in rules.iter_mut().enumerate() {
        let Value::Object(rule) = rule else { continue };
        for key in INITIAL_STATES {
            let Some(value) = rule.shift_remove(key) else { continue };
            let at = path.index(index).key(key);
            let states: Option<Vec<String>> = match &value {
                Value::String(state) => Some(vec![state.clone()]),
                Value::Array(states) => states.iter().map(|state| state.as_str().map(str::to_owned)).collect(),
                _ => None,
            };
            match (states, rule.get("name").and_then(Value::as_str)) {
                (Some(states), Some(name)) => {
                    own.initial_states.insert(name.to_owned(), (at, states));
                }
                (Some(_), None) => {}
                (None, _) => problems.push(document.error(&at, "expected a list of states")),
            }
        }
    }
}
