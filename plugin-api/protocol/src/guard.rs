//! What serde alone does not check: lengths, ranges, patterns, and that an optional key is absent rather than `null`.
//!
//! The types carry plain Rust values; these functions stand in their `deserialize_with` so that a document which the
//! published schema refuses is refused here too. Called only from the family modules. The counterpart in the JSON Schema
//! is the `schemars` attribute on the same line.

mod numbers;
mod texts;

use std::collections::BTreeSet;

use indexmap::IndexMap;
use schemars::Schema;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::shared::JsonMap;
use numbers::SAFE_INTEGER;

pub(crate) use numbers::{
    integer_from, integer_in, number, number_above_zero, number_from, number_in, safe_integer, signed, unsigned,
};
pub(crate) use texts::{
    absolute_path, date_time, dotted_name, email, event_pattern, identifier, identifier_keys, identifier_up_to, slug,
    snake_name, text_len, uri, uuid, version_tag,
};

/// `true` as a serde default.
pub(crate) const fn yes() -> bool {
    true
}

/// An optional key: absent or a value, never `null`.
pub(crate) fn some<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Reads one flat object as two halves: the given keys make the first, all others the second.
///
/// Two flattened halves cannot both refuse unknown keys in serde, so the map is divided by hand.
pub(crate) fn divided<'de, D, A, B>(deserializer: D, keys: &[&str]) -> Result<(A, B), D::Error>
where
    D: Deserializer<'de>,
    A: DeserializeOwned,
    B: DeserializeOwned,
{
    let map = JsonMap::deserialize(deserializer)?;
    let (first, second): (JsonMap, JsonMap) = map.into_iter().partition(|(key, _)| keys.contains(&key.as_str()));
    Ok((
        serde_json::from_value(Value::Object(first)).map_err(D::Error::custom)?,
        serde_json::from_value(Value::Object(second)).map_err(D::Error::custom)?,
    ))
}

/// A value that can be checked piece by piece before it takes its final shape (plain, optional or a list).
pub(crate) trait Checked<Leaf>: Sized {
    /// The shape on the wire.
    type Raw: DeserializeOwned;

    /// Shows every leaf to the check and stops at the first complaint.
    fn check(raw: &Self::Raw, check: &dyn Fn(&Leaf) -> Result<(), String>) -> Result<(), String>;

    /// The final shape.
    fn finish(raw: Self::Raw) -> Self;
}

impl<Leaf, T: Checked<Leaf>> Checked<Leaf> for Option<T> {
    type Raw = T::Raw;

    fn check(raw: &Self::Raw, check: &dyn Fn(&Leaf) -> Result<(), String>) -> Result<(), String> {
        T::check(raw, check)
    }

    fn finish(raw: Self::Raw) -> Self {
        Some(T::finish(raw))
    }
}

impl<Leaf, T: Checked<Leaf>> Checked<Leaf> for Vec<T> {
    type Raw = Vec<T::Raw>;

    fn check(raw: &Self::Raw, check: &dyn Fn(&Leaf) -> Result<(), String>) -> Result<(), String> {
        raw.iter().try_for_each(|item| T::check(item, check))
    }

    fn finish(raw: Self::Raw) -> Self {
        raw.into_iter().map(T::finish).collect()
    }
}

impl<Leaf, T: Checked<Leaf>> Checked<Leaf> for IndexMap<String, T> {
    type Raw = IndexMap<String, T::Raw>;

    fn check(raw: &Self::Raw, check: &dyn Fn(&Leaf) -> Result<(), String>) -> Result<(), String> {
        raw.iter()
            .try_for_each(|(key, item)| T::check(item, check).map_err(|problem| format!("{key}: {problem}")))
    }

    fn finish(raw: Self::Raw) -> Self {
        raw.into_iter().map(|(key, item)| (key, T::finish(item))).collect()
    }
}

/// Reads the raw shape, checks each leaf, and finishes it.
fn checked<'de, D, Leaf, T>(deserializer: D, check: &dyn Fn(&Leaf) -> Result<(), String>) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Checked<Leaf>,
{
    let raw = T::Raw::deserialize(deserializer)?;
    T::check(&raw, check).map_err(D::Error::custom)?;
    Ok(T::finish(raw))
}

/// A list, plain or optional.
pub(crate) trait List: Sized {
    /// The list itself.
    type Raw: DeserializeOwned;

    /// How many items it has.
    fn count(raw: &Self::Raw) -> usize;

    /// The final shape.
    fn finish(raw: Self::Raw) -> Self;
}

impl<T: DeserializeOwned> List for Vec<T> {
    type Raw = Self;

    fn count(raw: &Self::Raw) -> usize {
        raw.len()
    }

    fn finish(raw: Self::Raw) -> Self {
        raw
    }
}

impl<T: DeserializeOwned> List for Option<Vec<T>> {
    type Raw = Vec<T>;

    fn count(raw: &Self::Raw) -> usize {
        raw.len()
    }

    fn finish(raw: Self::Raw) -> Self {
        Some(raw)
    }
}

/// A list with a smallest and a largest number of items.
pub(crate) fn list_len<'de, const MIN: usize, const MAX: usize, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: List,
{
    let raw = T::Raw::deserialize(deserializer)?;
    match T::count(&raw) {
        count if (MIN..=MAX).contains(&count) => Ok(T::finish(raw)),
        count => Err(D::Error::custom(format!(
            "expected {MIN} to {MAX} items, found {count}"
        ))),
    }
}

/// A list with a smallest number of items.
pub(crate) fn list_from<'de, const MIN: usize, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: List,
{
    let raw = T::Raw::deserialize(deserializer)?;
    match T::count(&raw) {
        count if count >= MIN => Ok(T::finish(raw)),
        count => Err(D::Error::custom(format!(
            "expected at least {MIN} items, found {count}"
        ))),
    }
}

/// Schema transform: says what the guards do.
///
/// An optional key may be left out but is not `null` ([`some`]): schemars writes `Option<T>` as "T or null", and for every
/// property that is not required the `null` goes away. An integer is one that JSON keeps exactly.
pub(crate) fn guarded(schema: &mut Schema) {
    let required: BTreeSet<String> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (name, property) in properties.iter_mut() {
        if !required.contains(name) {
            without_null(property);
        }
        exact_integer(property);
    }
}

/// Adds the limits of exact integers where an integer has none.
fn exact_integer(schema: &mut Value) {
    let Some(keywords) = schema.as_object_mut() else { return };
    if keywords.get("type").is_some_and(|name| name == "integer") {
        keywords.entry("minimum").or_insert_with(|| (-SAFE_INTEGER).into());
        keywords.entry("maximum").or_insert_with(|| SAFE_INTEGER.into());
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = keywords.get_mut(key) {
            exact_integer(inner);
        }
    }
}

/// Removes `null` from one schema, in each of the ways schemars writes it.
fn without_null(schema: &mut Value) {
    let Some(keywords) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = keywords.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            keywords.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = keywords.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(choices)) = keywords.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            keywords.shift_remove("anyOf");
            keywords.extend(only);
        }
    }
}

/// Schema transform for a map whose keys are identifiers.
pub(crate) fn identifier_key_names(schema: &mut Schema) {
    schema.insert(
        "propertyNames".to_owned(),
        serde_json::json!({ "pattern": crate::text::IDENTIFIER }),
    );
}

/// Schema transform for a map whose keys are operations: any of them may be left out.
pub(crate) fn operation_key_names(schema: &mut Schema) {
    let values = schema
        .remove("properties")
        .and_then(|properties| properties.as_object()?.values().next().cloned());
    schema.insert("additionalProperties".to_owned(), values.unwrap_or(Value::Bool(true)));
    schema.insert(
        "propertyNames".to_owned(),
        serde_json::json!({ "enum": crate::api::CrudOperation::NAMES }),
    );
}

#[cfg(test)]
mod tests;
