//! Walking an object schema beside a configuration: filling defaults, finding secrets.

use serde_json::{Map, Value};

/// Fills the defaults of keys that are absent, in nested objects too. An object whose own keys have defaults is made
/// when the schema gives it none, so that a plugin sees every default it declared.
pub(super) fn fill(schema: &Value, value: &mut Map<String, Value>) {
    for (name, property) in properties(schema) {
        if let Some(present) = value.get_mut(name) {
            if let Value::Object(inner) = present {
                fill(property, inner);
            }
            continue;
        }
        if let Some(default) = property.get("default") {
            value.insert(name.clone(), default.clone());
            continue;
        }
        // Making a required-key-less object is harmless; one with required keys would turn "absent" into "incomplete".
        let mut inner = Map::new();
        fill(property, &mut inner);
        if !inner.is_empty() && property.get("required").is_none() {
            value.insert(name.clone(), Value::Object(inner));
        }
    }
}

/// JSON pointers of values whose schema says `writeOnly` or `secret`.
pub(super) fn secrets(schema: &Value, value: &Value, pointer: &str, found: &mut Vec<String>) {
    let marked = ["writeOnly", "secret"]
        .iter()
        .any(|key| schema.get(key) == Some(&Value::Bool(true)));
    if marked && !pointer.is_empty() {
        found.push(pointer.to_owned());
        return;
    }
    match value {
        Value::Object(entries) => {
            for (name, property) in properties(schema) {
                if let Some(inner) = entries.get(name) {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    secrets(property, inner, &format!("{pointer}/{name}"), found);
                }
            }
        }
        Value::Array(items) => {
            if let Some(item_schema) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    secrets(item_schema, item, &format!("{pointer}/{index}"), found);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The properties an object schema names.
pub(super) fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}
