//! Fills the defaults that an authored document leaves out, as the protocol's own parser would.

use serde_json::{Map, Value};

use super::view::{members, view};

/// The document with every missing key that has a default.
pub(super) fn filled(root: &Value, schema: &Value, document: &Value) -> Value {
    let view = view(root, schema);
    let members = members(&view);
    let Some(member) = fitting(root, &members, document) else { return document.clone() };
    match document {
        Value::Object(map) => Value::Object(filled_map(root, member, map)),
        Value::Array(items) => {
            let Some(schema) = member.get("items") else { return document.clone() };
            Value::Array(items.iter().map(|item| filled(root, schema, item)).collect())
        }
        _ => document.clone(),
    }
}

fn filled_map(root: &Value, member: &Map<String, Value>, map: &Map<String, Value>) -> Map<String, Value> {
    let properties = member.get("properties").and_then(Value::as_object);
    let extra = member.get("additionalProperties").filter(|extra| extra.is_object());
    let mut result = Map::new();
    for (key, value) in map {
        let schema = properties.and_then(|properties| properties.get(key)).or(extra);
        let value = schema.map_or_else(|| value.clone(), |schema| filled(root, schema, value));
        result.insert(key.clone(), value);
    }
    for (key, property) in properties.into_iter().flatten() {
        if let Some(default) = property.get("default")
            && !result.contains_key(key)
        {
            result.insert(key.clone(), default.clone());
        }
    }
    result
}

/// The member of a union that a value is meant for: its type fits, and so do the properties with one fixed value.
pub(super) fn fitting<'a>(
    root: &Value,
    members: &'a [Map<String, Value>],
    value: &Value,
) -> Option<&'a Map<String, Value>> {
    let of_type: Vec<_> = members.iter().filter(|member| has_type(member, value)).collect();
    if let [only] = of_type.as_slice() {
        return Some(*only);
    }
    of_type.iter().find(|member| fixed_values_fit(root, member, value)).copied()
}

fn has_type(member: &Map<String, Value>, value: &Value) -> bool {
    match member.get("type").and_then(Value::as_str) {
        None => true,
        Some("string") => value.is_string(),
        Some("number" | "integer") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some("null") => value.is_null(),
        Some(_) => false,
    }
}

fn fixed_values_fit(root: &Value, member: &Map<String, Value>, value: &Value) -> bool {
    if let (Some(items), Some(first)) = (member.get("items"), value.get(0)) {
        return has_type(&view(root, items), first);
    }
    let Some(map) = value.as_object() else { return true };
    let properties = member.get("properties").and_then(Value::as_object);
    let known = properties.is_none_or(|properties| map.keys().all(|key| properties.contains_key(key)));
    let fixed = properties.into_iter().flatten().all(|(name, property)| {
        match view(root, property).get("enum").and_then(Value::as_array).map(Vec::as_slice) {
            Some([only]) => map.get(name) == Some(only),
            _ => true,
        }
    });
    let tagged = properties.into_iter().flatten().any(|(_, property)| {
        view(root, property).get("enum").and_then(Value::as_array).is_some_and(|values| values.len() == 1)
    });
    fixed && (tagged || known)
}
