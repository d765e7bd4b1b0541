//! Which fields are wanted, and which relations.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::QueryInput;
use super::values::{read_names, wrong};
use crate::error::Result;
use crate::query::EXPAND_DEPTH_MAX;

/// Names, `{field, alias}` for another key in the answer, and `{field, fields}` for relations, which are then expanded.
pub(super) fn read_fields(value: &Value, query: &mut QueryInput, depth: usize) -> Result<Vec<String>> {
    let Value::Array(items) = value else {
        return read_names("fields", value);
    };
    let mut names = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Value::String(name) => names.push(name.trim().to_owned()),
            Value::Object(node) => {
                let Some(Value::String(field)) = node.get("field") else {
                    return Err(wrong("an entry of 'fields' is a name or {field, fields}"));
                };
                if let Some(Value::String(alias)) = node.get("alias") {
                    query.renamed.insert(field.clone(), alias.clone());
                }
                if let Some(inner) = node.get("fields") {
                    let mut nested = Map::new();
                    nested.insert("fields".to_owned(), inner.clone());
                    query.expand.insert(field.clone(), nested_query(&nested, depth)?);
                }
                names.push(field.clone());
            }
            other => {
                return Err(wrong(format!(
                    "an entry of 'fields' is a name or {{field, fields}}, found {other}"
                )));
            }
        }
    }
    Ok(names)
}

fn nested_query(map: &Map<String, Value>, depth: usize) -> Result<QueryInput> {
    if depth >= EXPAND_DEPTH_MAX {
        return Err(wrong(format!(
            "relations are expanded more than {EXPAND_DEPTH_MAX} deep"
        )));
    }
    super::read(map, depth + 1)
}

/// Names, names with commas, or a map of relation to query; a dot leads on: `account.owner`.
pub(super) fn read_expand(value: &Value, expand: &mut IndexMap<String, QueryInput>, depth: usize) -> Result<()> {
    if let Value::Object(map) = value {
        for (relation, nested) in map {
            let nested = match nested {
                Value::Object(nested) => nested_query(nested, depth)?,
                Value::Bool(true) | Value::Null => QueryInput::default(),
                Value::Bool(false) => continue,
                other => return Err(wrong(format!("'expand.{relation}' takes a query, found {other}"))),
            };
            expand.insert(relation.clone(), nested);
        }
        return Ok(());
    }
    for path in read_names("expand", value)? {
        let mut at = &mut *expand;
        for (level, part) in path.split('.').enumerate() {
            if depth + level >= EXPAND_DEPTH_MAX {
                return Err(wrong(format!(
                    "relations are expanded more than {EXPAND_DEPTH_MAX} deep"
                )));
            }
            at = &mut at.entry(part.to_owned()).or_default().expand;
        }
    }
    Ok(())
}
