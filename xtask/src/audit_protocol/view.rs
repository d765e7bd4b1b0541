//! One plain form for a schema, so that two generators' ways of saying the same thing compare equal.
//!
//! A view is a schema with its references and `allOf` resolved at the top (not below), `const` as an `enum` of one,
//! `oneOf` as `anyOf`, lists of types as `anyOf`, and without what says nothing: descriptions, titles, integer widths and
//! the limits of exact integers. Defaults stay: they belong to the property.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// 2^53 - 1, which the published schemas give as the limit of every integer that has none.
pub(super) const SAFE_INTEGER: i64 = 9_007_199_254_740_991;

/// The view of a schema within its document.
pub(super) fn view(root: &Value, schema: &Value) -> Map<String, Value> {
    let mut plain = merged(root, schema, &mut BTreeSet::new());
    if let Some(value) = plain.remove("const") {
        plain.insert("enum".to_owned(), json!([value]));
    }
    if let Some(members) = plain.remove("oneOf") {
        plain.insert("anyOf".to_owned(), members);
    }
    distribute(root, &mut plain);
    normalise_numbers(&mut plain);
    normalise_keys(&mut plain);
    plain
}

/// The members of a union, or the schema itself.
pub(super) fn members(view: &Map<String, Value>) -> Vec<Map<String, Value>> {
    match view.get("anyOf").and_then(Value::as_array) {
        Some(members) => members.iter().filter_map(Value::as_object).cloned().collect(),
        None => vec![view.clone()],
    }
}

/// Where a reference leads.
pub(super) fn target<'a>(root: &'a Value, schema: &Value) -> Option<&'a Value> {
    let pointer = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
    root.pointer(pointer)
}

/// The schema with its references and `allOf` merged into it.
fn merged(root: &Value, schema: &Value, open: &mut BTreeSet<String>) -> Map<String, Value> {
    let Some(keywords) = schema.as_object() else { return Map::new() };
    let mut result = Map::new();
    let pointer = keywords.get("$ref").and_then(Value::as_str);
    if let (Some(pointer), Some(target)) = (pointer, target(root, schema))
        && open.insert(pointer.to_owned())
    {
        result = merged(root, target, open);
        open.remove(pointer);
    }
    for part in keywords.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        merge(&mut result, merged(root, part, open));
    }
    let rest = keywords
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "$ref" | "allOf" | "$defs" | "$schema" | "description" | "title"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    merge(&mut result, rest);
    result
}

/// Adds what another part of the same schema says: properties and requirements add up, and closed wins over open.
fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (key.as_str(), into.get_mut(&key), value) {
            ("properties", Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
            ("required", Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
            ("additionalProperties", Some(known), value) => {
                if *known != Value::Bool(false) {
                    *known = value;
                }
            }
            (_, _, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// Gives each member of a union what stands beside the union, flattens unions of unions, and joins enums.
fn distribute(root: &Value, plain: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = plain.get("type").cloned() {
        plain.remove("type");
        let members: Vec<Value> = types
            .into_iter()
            .map(|name| {
                let mut member = plain.clone();
                member.insert("type".to_owned(), name);
                Value::Object(member)
            })
            .collect();
        *plain = Map::from_iter([("anyOf".to_owned(), Value::Array(members))]);
    }
    let Some(Value::Array(members)) = plain.remove("anyOf") else { return };
    let default = plain.remove("default");
    let mut flat = Vec::new();
    for member in members {
        let mut shared = plain.clone();
        merge(&mut shared, view(root, &member));
        match shared.remove("anyOf") {
            Some(Value::Array(inner)) => flat.extend(inner),
            _ => {
                shared.remove("default");
                flat.push(Value::Object(shared));
            }
        }
    }
    *plain = joined_enum(&flat).unwrap_or_else(|| Map::from_iter([("anyOf".to_owned(), Value::Array(flat))]));
    if let Some(default) = default {
        plain.insert("default".to_owned(), default);
    }
}

/// A union of string enums is one string enum.
fn joined_enum(members: &[Value]) -> Option<Map<String, Value>> {
    let mut values = Vec::new();
    for member in members {
        let (Some("string"), Some(Value::Array(some))) = (member["type"].as_str(), member.get("enum")) else {
            return None;
        };
        values.extend(some.iter().cloned());
    }
    (!values.is_empty())
        .then(|| Map::from_iter([("type".to_owned(), json!("string")), ("enum".to_owned(), Value::Array(values))]))
}

fn normalise_numbers(plain: &mut Map<String, Value>) {
    let kind = plain.get("type").and_then(Value::as_str);
    if !matches!(kind, Some("integer" | "number")) {
        return;
    }
    let whole = kind == Some("integer");
    plain.remove("format");
    if whole
        && let Some(bound) = plain.get("exclusiveMinimum").and_then(Value::as_i64)
    {
        plain.remove("exclusiveMinimum");
        plain.insert("minimum".to_owned(), json!(bound + 1));
    }
    for key in ["minimum", "maximum"] {
        let limit = plain.get(key).and_then(Value::as_f64);
        if whole && limit.is_some_and(|limit| limit.abs() >= safe()) {
            plain.remove(key);
        } else if let Some(limit) = limit {
            plain.insert(key.to_owned(), json!(limit));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is exact as f64")]
fn safe() -> f64 {
    SAFE_INTEGER as f64
}

fn normalise_keys(plain: &mut Map<String, Value>) {
    if plain.remove("unevaluatedProperties") == Some(Value::Bool(false)) {
        plain.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    if plain.get("propertyNames").is_some_and(|names| names.get("pattern").is_none() && names.get("enum").is_none()) {
        plain.remove("propertyNames");
    }
    let open = plain.get("additionalProperties").is_some_and(|extra| *extra == json!({}) || *extra == json!(true));
    if open {
        plain.remove("additionalProperties");
    }
}

#[cfg(test)]
mod tests;
