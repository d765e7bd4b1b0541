//! Figures and the groups they are made for.

use serde_json::Value;

use super::values::{read_names, wrong};
use crate::error::Result;
use crate::query::written::{RawFilter, read_filter};

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateInput {
    /// `count`, `sum`, …
    pub function: String,
    /// The field; none for a count of records.
    pub field: Option<String>,
    /// Key in the answer.
    pub alias: String,
    /// Equal values once.
    pub distinct: bool,
    /// Over these records only.
    pub filter: Option<RawFilter>,
}

/// One part of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupInput {
    /// Name or path of the field.
    pub field: String,
    /// `year`, `quarter`, `month`, `week`, `day`, `hour`, `minute`, `second`: the moment is cut to it.
    pub bucket: Option<String>,
    /// The time zone in which days begin: `Europe/Berlin`, `+02:00`; UTC unless it is said.
    pub zone: Option<String>,
    /// Key in the answer.
    pub alias: String,
}

pub(in crate::query) fn read_aggregations(value: &Value) -> Result<Vec<AggregateInput>> {
    let Value::Array(items) = value else {
        return Err(wrong("'aggregations' takes a list"));
    };
    items
        .iter()
        .map(|item| {
            let node = item
                .as_object()
                .ok_or_else(|| wrong("an aggregation is {function, field, alias}"))?;
            let text = |key: &str| node.get(key).and_then(Value::as_str).map(str::to_owned);
            let function = text("function").ok_or_else(|| wrong("an aggregation names no function"))?;
            let field = text("field").filter(|field| field != "*");
            let alias = text("alias").unwrap_or_else(|| match &field {
                Some(field) => format!("{function}_{field}"),
                None => function.clone(),
            });
            Ok(AggregateInput {
                function,
                field,
                alias,
                distinct: node.get("distinct").and_then(Value::as_bool).unwrap_or(false),
                filter: node
                    .get("filter")
                    .filter(|filter| !filter.is_null())
                    .map(read_filter)
                    .transpose()?,
            })
        })
        .collect()
}

/// Names, or `{field, dateGranularity, alias}`.
pub(in crate::query) fn read_groups(value: &Value) -> Result<Vec<GroupInput>> {
    let name = |field: String| GroupInput {
        alias: field.clone(),
        field,
        ..GroupInput::default()
    };
    let Value::Array(items) = value else {
        return Ok(read_names("groupBy", value)?.into_iter().map(name).collect());
    };
    items
        .iter()
        .map(|item| match item {
            Value::String(field) => Ok(name(field.clone())),
            Value::Object(node) => {
                let text = |key: &str| node.get(key).and_then(Value::as_str).map(str::to_owned);
                let field = text("field").ok_or_else(|| wrong("an entry of 'groupBy' names no field"))?;
                let bucket = text("dateGranularity")
                    .or_else(|| text("granularity"))
                    .or_else(|| text("bucket"));
                Ok(GroupInput {
                    alias: text("alias").unwrap_or_else(|| field.clone()),
                    field,
                    bucket,
                    zone: text("timezone").or_else(|| text("timeZone")),
                })
            }
            other => Err(wrong(format!(
                "an entry of 'groupBy' is a name or {{field, granularity}}, found {other}"
            ))),
        })
        .collect()
}
