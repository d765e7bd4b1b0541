//! Walking an object schema beside a configuration: filling defaults.

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

/// The properties an object schema names.
pub(super) fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}
