//! A filter as a client writes it, read into the one form that plans use: every test as `{field: {operator: value}}`, paths over
//! references as looks at the other object's records. Unknown fields and operators are refused with the nearest spelling.

use objectos_expression::Scope;
use serde_json::{Map, Value, json};

use super::convert::over_references;
use super::{ConditionError, placeholder};
use crate::catalogue::{Catalogue, nearest};
use crate::rows::Rows;

const OPERATORS: [&str; 20] = [
    "$eq",
    "$ne",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$in",
    "$nin",
    "$between",
    "$contains",
    "$notContains",
    "$icontains",
    "$startsWith",
    "$endsWith",
    "$like",
    "$ilike",
    "$null",
    "$exists",
    "$empty",
    "$not",
];
const DEPTH_MAX: usize = 16;

/// Reads and checks a filter.
pub(super) fn read(catalogue: &Catalogue, object: &str, filter: &Value) -> Result<Value, ConditionError> {
    placeholder::check(filter)?;
    let reader = Reader { catalogue, object };
    Ok(match reader.node(filter, 0)? {
        Rows::All => json!({}),
        rows => rows.into_filter().unwrap_or_default(),
    })
}

struct Reader<'a> {
    catalogue: &'a Catalogue,
    object: &'a str,
}

impl Reader<'_> {
    fn node(&self, filter: &Value, depth: usize) -> Result<Rows, ConditionError> {
        let Value::Object(map) = filter else {
            return Err(ConditionError::new(format!(
                "a filter is a map of fields, such as `{{owner_id: \"{{{{ userId }}}}\"}}`, found {filter}"
            )));
        };
        if depth > DEPTH_MAX {
            return Err(ConditionError::new("the filter is nested too deep"));
        }
        let parts = map.iter().map(|(key, value)| self.entry(key, value, depth));
        Ok(Rows::all(parts.collect::<Result<Vec<_>, _>>()?))
    }

    fn entry(&self, key: &str, value: &Value, depth: usize) -> Result<Rows, ConditionError> {
        match key {
            "$and" => Ok(Rows::all(self.list(key, value, depth)?)),
            "$or" => Ok(Rows::any(self.list(key, value, depth)?)),
            "$not" => {
                let inner = self.node(value, depth + 1)?.into_filter().unwrap_or_else(|| json!({}));
                Ok(Rows::Where(json!({ "$not": inner })))
            }
            unknown if unknown.starts_with('$') => Err(ConditionError {
                message: format!("unknown operator `{unknown}`"),
                suggestion: nearest(unknown, ["$and", "$or", "$not"]).map(str::to_owned),
                hint: None,
            }),
            field => self.field(field, value, depth),
        }
    }

    fn list(&self, key: &str, value: &Value, depth: usize) -> Result<Vec<Rows>, ConditionError> {
        let Value::Array(items) = value else {
            return Err(ConditionError::new(format!("`{key}` takes a list of filters")));
        };
        items.iter().map(|item| self.node(item, depth + 1)).collect()
    }

    fn field(&self, field: &str, value: &Value, depth: usize) -> Result<Rows, ConditionError> {
        let field = self.known(field)?;
        let tests = match value {
            Value::Object(map) if map.keys().any(|key| key.starts_with('$')) => self.tests(map)?,
            Value::Object(map) => {
                // `account: {industry: …}` are tests of the other record.
                let inner: Map<String, Value> = map
                    .iter()
                    .map(|(key, value)| (format!("{field}.{key}"), value.clone()))
                    .collect();
                return self.node(&Value::Object(inner), depth + 1);
            }
            Value::Null => json!({ "$null": true }),
            Value::Array(_) => json!({ "$in": value }),
            value => json!({ "$eq": value }),
        };
        if let Some(error) = ConditionError::beyond_sql(self.catalogue, self.object, &field) {
            return Err(error);
        }
        Ok(over_references(self.catalogue, self.object, &field, tests))
    }

    fn tests(&self, map: &Map<String, Value>) -> Result<Value, ConditionError> {
        let mut tests = Map::new();
        for (key, value) in map {
            if !OPERATORS.contains(&key.as_str()) {
                return Err(ConditionError {
                    message: format!("unknown operator `{key}`"),
                    suggestion: nearest(key, OPERATORS).map(str::to_owned),
                    hint: None,
                });
            }
            let value = match value {
                Value::Object(inner) if key == "$not" => self.tests(inner)?,
                Value::Object(_) => {
                    return Err(ConditionError::new(format!("`{key}` takes a value, not a map")));
                }
                value => value.clone(),
            };
            tests.insert(key.clone(), value);
        }
        Ok(Value::Object(tests))
    }

    /// Older files say `owner` for the owner.
    fn known(&self, field: &str) -> Result<String, ConditionError> {
        let path: Vec<&str> = field.split('.').collect();
        if self.catalogue.walk(self.object, &path).is_some() {
            return Ok(field.to_owned());
        }
        let aliased = match field {
            "owner" | "ownerId" => "owner_id",
            "createdBy" => "created_by",
            "organizationId" | "_organizationId" => "organization_id",
            _ => field,
        };
        if aliased != field && self.catalogue.walk(self.object, &[aliased]).is_some() {
            return Ok(aliased.to_owned());
        }
        let names = self.catalogue.scope(self.object).field_names(&path[..path.len() - 1]);
        Err(ConditionError {
            message: format!("`{}` has no field `{field}`", self.object),
            suggestion: path
                .last()
                .and_then(|last| nearest(last, names.iter().map(String::as_str)))
                .map(str::to_owned),
            hint: None,
        })
    }
}
