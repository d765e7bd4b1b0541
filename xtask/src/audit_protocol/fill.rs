//! Fills the defaults that an authored document leaves out, as the protocol's own parser would.

use serde_json::{Map, Value};

use super::view::{Keywords, Plain};

/// The document with every missing key that has a default.
pub(super) fn filled(plain: &Plain, schema: &Value, document: &Value) -> Value {
    if !matches!(document, Value::Object(_) | Value::Array(_)) {
        return document.clone();
    }
    let Some(member) = fitting(plain, &plain.members(schema), document) else {
        return document.clone();
    };
    match (document, member.get("items")) {
        (Value::Object(map), _) => Value::Object(filled_map(plain, member, map)),
        (Value::Array(items), Some(schema)) => items.iter().map(|item| filled(plain, schema, item)).collect(),
        _ => document.clone(),
    }
}

fn filled_map(plain: &Plain, member: &Keywords, map: &Map<String, Value>) -> Map<String, Value> {
    let properties = member.get("properties").and_then(Value::as_object);
    let extra = member.get("additionalProperties").filter(|extra| extra.is_object());
    let mut result = Map::new();
    for (key, value) in map {
        let schema = properties.and_then(|properties| properties.get(key)).or(extra);
        let value = schema.map_or_else(|| value.clone(), |schema| filled(plain, schema, value));
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
pub(super) fn fitting<'a>(plain: &Plain, members: &[&'a Keywords], value: &Value) -> Option<&'a Keywords> {
    let of_type: Vec<&Keywords> = members
        .iter()
        .copied()
        .filter(|member| has_type(member, value))
        .collect();
    if let [only] = of_type.as_slice() {
        return Some(only);
    }
    of_type
        .into_iter()
        .find(|member| fixed_values_fit(plain, member, value))
}

fn has_type(member: &Keywords, value: &Value) -> bool {
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

fn fixed_values_fit(plain: &Plain, member: &Keywords, value: &Value) -> bool {
    if let (Some(items), Some(first)) = (member.get("items"), value.get(0)) {
        return plain.members(items).iter().any(|member| has_type(member, first));
    }
    let Some(map) = value.as_object() else { return true };
    let Some(properties) = member.get("properties").and_then(Value::as_object) else {
        return true;
    };
    let fixed: Vec<(&String, &Value)> = properties
        .iter()
        .filter_map(|(name, property)| match plain.values(property) {
            Some([only]) => Some((name, only)),
            _ => None,
        })
        .collect();
    if fixed.is_empty() {
        return map.keys().all(|key| properties.contains_key(key));
    }
    fixed.into_iter().all(|(name, only)| map.get(name) == Some(only))
}
