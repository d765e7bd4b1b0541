//! Keys of a configuration that no schema knows.
//!
//! JSON Schema lets unknown keys pass unless told otherwise; in a configuration they are misspellings. A schema that
//! means to take any key says so with `additionalProperties` or `patternProperties`.

use objectos_protocol::kernel::plugin_document::{DocumentProblem, nearest};
use serde_json::{Map, Value};

use super::defaults::properties;

/// Words after which a schema's keys are more than its `properties` list.
const OPENING: [&str; 9] = [
    "patternProperties",
    "$ref",
    "$dynamicRef",
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "dependentSchemas",
    "unevaluatedProperties",
];

/// Every key that none of the schemas knows.
pub(super) fn keys(schemas: &[Value], value: &Map<String, Value>, plugin: &str) -> Vec<DocumentProblem> {
    let mut problems = Vec::new();
    if schemas.is_empty() {
        for key in value.keys() {
            let message = format!("plugin `{plugin}` takes no configuration");
            problems.push(DocumentProblem::new(key.clone(), message, "remove the key"));
        }
        return problems;
    }
    let schemas: Vec<&Value> = schemas.iter().collect();
    walk(&schemas, value, "", &mut problems);
    problems
}

/// Whether one of the schemas names `key` at its top.
pub(super) fn is_known(schemas: &[Value], key: &str) -> bool {
    schemas.iter().flat_map(properties).any(|(name, _)| name == key)
}

/// The sentence about a key nobody knows.
pub(super) fn message(key: &str) -> String {
    format!("`{key}` is not a known key")
}

fn walk(schemas: &[&Value], value: &Map<String, Value>, path: &str, problems: &mut Vec<DocumentProblem>) {
    if schemas.iter().any(|schema| is_open(schema)) {
        return;
    }
    let known: Vec<&str> = schemas
        .iter()
        .flat_map(|schema| properties(schema))
        .map(|(name, _)| name.as_str())
        .collect();
    for (key, inner) in value {
        let below = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        let matching: Vec<&Value> = schemas
            .iter()
            .flat_map(|schema| properties(schema))
            .filter(|(name, _)| *name == key)
            .map(|(_, schema)| schema)
            .collect();
        if matching.is_empty() {
            let remedy = match nearest(key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => "remove the key".to_owned(),
                None => format!(
                    "known are {}",
                    known
                        .iter()
                        .map(|name| format!("`{name}`"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            };
            problems.push(DocumentProblem::new(below, message(key), remedy));
        } else if let Value::Object(inner) = inner {
            walk(&matching, inner, &below, problems);
        }
    }
}

/// Whether an object of this schema may have keys that `properties` does not list.
fn is_open(schema: &Value) -> bool {
    let Value::Object(keywords) = schema else {
        return true;
    };
    if OPENING.iter().any(|keyword| keywords.contains_key(*keyword)) {
        return true;
    }
    match keywords.get("additionalProperties") {
        Some(Value::Bool(open)) => *open,
        Some(_) => true,
        // An object about which nothing at all is said is free-form.
        None => !keywords.contains_key("properties"),
    }
}
