//! Filters: which records a query, a policy or an aggregation speaks of.
//!
//! This is the wire form only. Names of fields and operators are checked by whoever knows the object; here a filter is
//! any JSON object whose `$and`, `$or` and `$not` hold filters again. Compiling it to a database is `plugins/data`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::guard::{guarded, some};
use crate::map_only::map_only;
use crate::shared::JsonMap;

/// A filter object: keys are field names with a value or `{operator: value}`, all of which must hold, beside `$and`
/// (list of filters), `$or` (list of filters) and `$not` (filter). Source: `data/FilterCondition`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct FilterCondition(JsonMap);

impl FilterCondition {
    /// Takes a JSON object as a filter.
    ///
    /// # Errors
    /// Says which of `$and`, `$or`, `$not` does not hold what it must.
    pub fn new(map: JsonMap) -> Result<Self, String> {
        check(&map)?;
        Ok(Self(map))
    }

    /// The conditions, in the order they were written.
    #[must_use]
    pub const fn conditions(&self) -> &JsonMap {
        &self.0
    }

    /// The JSON object.
    #[must_use]
    pub fn into_map(self) -> JsonMap {
        self.0
    }

    /// Whether every record fits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<FilterCondition> for Value {
    fn from(filter: FilterCondition) -> Self {
        Self::Object(filter.0)
    }
}

fn check(map: &JsonMap) -> Result<(), String> {
    for (key, value) in map {
        match (key.as_str(), value) {
            ("$and" | "$or", Value::Array(filters)) => {
                filters.iter().try_for_each(|filter| check_value(key, filter))?
            }
            ("$and" | "$or", _) => return Err(format!("{key} takes a list of filters")),
            ("$not", filter) => check_value(key, filter)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_value(key: &str, value: &Value) -> Result<(), String> {
    match value {
        Value::Object(map) => check(map).map_err(|problem| format!("{key}: {problem}")),
        _ => Err(format!("{key} takes a filter object")),
    }
}

impl<'de> Deserialize<'de> for FilterCondition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(JsonMap::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for FilterCondition {
    fn schema_name() -> Cow<'static, str> {
        "FilterCondition".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let filter = generator.subschema_for::<Self>();
        json_schema!({
            "type": "object",
            "properties": {
                "$and": { "type": "array", "items": filter },
                "$or": { "type": "array", "items": filter },
                "$not": filter,
            },
            "additionalProperties": true,
        })
    }
}

/// The filter part of a query on its own. Source: `data/QueryFilter`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "QueryFilter", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct QueryFilter {
    /// `where` on the wire.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub filter: Option<FilterCondition>,
}

/// Compares with another field of the same record in place of a value. Source: `data/FieldReference`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "FieldReference", deny_unknown_fields)]
pub struct FieldReference {
    /// The other field's name.
    #[serde(rename = "$field")]
    pub field: String,
}

map_only! { QueryFilter, FieldReference }

#[cfg(test)]
mod tests;
