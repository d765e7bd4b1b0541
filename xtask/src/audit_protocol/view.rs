//! One plain form for a schema, so that two generators' ways of saying the same thing compare equal.
//!
//! In the plain form `allOf` is merged, `const` is an `enum` of one, `oneOf` and lists of types are `anyOf`, and what says
//! nothing is gone: descriptions, titles, integer widths, the limits of exact integers. A reference stays a reference
//! (recursion needs it), at most with a default beside it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// 2^53 - 1, which the published schemas give as the limit of every integer that has none.
pub(super) const SAFE_INTEGER: i64 = 9_007_199_254_740_991;

/// The keywords of one schema in plain form.
pub(super) type Keywords = Map<String, Value>;

/// A schema document in plain form.
#[derive(Debug)]
pub(super) struct Plain {
    root: Value,
    parts: BTreeMap<String, Value>,
}

impl Plain {
    pub(super) fn new(document: &Value) -> Self {
        let mut plain = Self {
            root: Value::Null,
            parts: BTreeMap::new(),
        };
        let mut maker = Maker {
            document,
            parts: BTreeMap::new(),
        };
        plain.root = maker.plain(document);
        plain.parts = maker
            .parts
            .into_iter()
            .map(|(pointer, part)| (pointer, part.unwrap_or_default()))
            .collect();
        plain
    }

    pub(super) const fn root(&self) -> &Value {
        &self.root
    }

    /// The part a reference leads to.
    pub(super) fn target(&self, schema: &Value) -> Option<&Value> {
        self.parts.get(reference(schema)?)
    }

    /// The members of a union, or the schema alone; references are followed.
    pub(super) fn members<'a>(&'a self, schema: &'a Value) -> Vec<&'a Keywords> {
        let schema = self.target(schema).unwrap_or(schema);
        match schema.get("anyOf").and_then(Value::as_array) {
            Some(members) => members.iter().flat_map(|member| self.members(member)).collect(),
            None => vec![schema.as_object().unwrap_or(empty())],
        }
    }

    /// The values of an enum, if the schema is one.
    pub(super) fn values<'a>(&'a self, schema: &'a Value) -> Option<&'a [Value]> {
        let schema = self.target(schema).unwrap_or(schema);
        schema.get("enum").and_then(Value::as_array).map(Vec::as_slice)
    }
}

/// Where a schema refers to, if it does.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()
}

fn empty() -> &'static Keywords {
    static EMPTY: std::sync::LazyLock<Keywords> = std::sync::LazyLock::new(Map::new);
    &EMPTY
}

struct Maker<'a> {
    document: &'a Value,
    /// Parts by pointer; `None` while a part is being made.
    parts: BTreeMap<String, Option<Value>>,
}

impl Maker<'_> {
    fn plain(&mut self, schema: &Value) -> Value {
        if let Some(pointer) = reference(schema)
            && let Some(alone) = bare_reference(schema)
        {
            if !self.parts.contains_key(pointer) {
                self.parts.insert(pointer.to_owned(), None);
                let part = target(self.document, schema).map(|part| self.plain(part));
                self.parts.insert(pointer.to_owned(), part);
            }
            return alone;
        }
        let mut keywords = view(self.document, schema);
        for key in ["items", "additionalProperties", "propertyNames"] {
            if let Some(child) = keywords.get_mut(key)
                && child.is_object()
            {
                *child = self.plain(child);
            }
        }
        if let Some(Value::Object(properties)) = keywords.get_mut("properties") {
            for property in properties.values_mut() {
                *property = self.plain(property);
            }
        }
        if let Some(Value::Array(members)) = keywords.get_mut("anyOf") {
            for member in members {
                *member = self.plain(member);
            }
        }
        Value::Object(keywords)
    }
}

/// The reference with its default, when nothing else stands beside it.
fn bare_reference(schema: &Value) -> Option<Value> {
    let keywords = schema.as_object()?;
    let says = |key: &&String| !matches!(key.as_str(), "description" | "title");
    let alone = keywords
        .keys()
        .filter(says)
        .all(|key| matches!(key.as_str(), "$ref" | "default"));
    alone.then(|| {
        let kept = keywords
            .iter()
            .filter(|(key, _)| says(key))
            .map(|(key, value)| (key.clone(), value.clone()));
        Value::Object(kept.collect())
    })
}

/// The plain form of the top of a schema.
fn view(root: &Value, schema: &Value) -> Keywords {
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

/// Where a reference leads within its document.
fn target<'a>(root: &'a Value, schema: &Value) -> Option<&'a Value> {
    root.pointer(reference(schema)?.strip_prefix('#')?)
}

/// The schema with its references and `allOf` merged into it.
fn merged(root: &Value, schema: &Value, open: &mut BTreeSet<String>) -> Map<String, Value> {
    let Some(keywords) = schema.as_object() else {
        return Map::new();
    };
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
        .filter(|(key, _)| {
            !matches!(
                key.as_str(),
                "$ref" | "allOf" | "$defs" | "$schema" | "description" | "title"
            )
        })
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
    let Some(Value::Array(members)) = plain.remove("anyOf") else {
        return;
    };
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
    (!values.is_empty()).then(|| {
        Map::from_iter([
            ("type".to_owned(), json!("string")),
            ("enum".to_owned(), Value::Array(values)),
        ])
    })
}

fn normalise_numbers(plain: &mut Map<String, Value>) {
    let kind = plain.get("type").and_then(Value::as_str);
    if !matches!(kind, Some("integer" | "number")) {
        return;
    }
    let whole = kind == Some("integer");
    plain.remove("format");
    if whole && let Some(bound) = plain.get("exclusiveMinimum").and_then(Value::as_i64) {
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
    if plain
        .get("propertyNames")
        .is_some_and(|names| names.get("pattern").is_none() && names.get("enum").is_none())
    {
        plain.remove("propertyNames");
    }
    let open = plain
        .get("additionalProperties")
        .is_some_and(|extra| *extra == json!({}) || *extra == json!(true));
    if open {
        plain.remove("additionalProperties");
    }
}

#[cfg(test)]
mod tests;
