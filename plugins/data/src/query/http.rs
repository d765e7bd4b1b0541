//! A query out of a query string. Values come as text; `check` turns them into those of the field.

use serde_json::{Map, Value};

use super::input::{QueryInput, read_aggregations, read_groups};
use super::written::{RawFilter, read_filter};
use crate::error::{DataError, Result};
use crate::model::nearest;

/// Parameters that mean something by themselves; every other one is an equality filter on the field of its name.
const KNOWN: &[&str] = &[
    "select",
    "fields",
    "$select",
    "sort",
    "orderBy",
    "$orderby",
    "order_by",
    "top",
    "limit",
    "$top",
    "skip",
    "offset",
    "$skip",
    "expand",
    "populate",
    "include",
    "$expand",
    "search",
    "$search",
    "searchFields",
    "distinct",
    "count",
    "$count",
    "cursor",
    "aggregations",
    "groupBy",
    "having",
];

/// Those that hold a filter, in their order of preference: the first that is there counts.
const FILTERS: [&str; 4] = ["filter", "filters", "$filter", "where"];

/// Reads the part of an address behind the `?`.
///
/// # Errors
/// As [`QueryInput::from_map`]; `InvalidQuery` for an unknown parameter that begins with `$`.
pub fn from_query_string(query: &str) -> Result<QueryInput> {
    if query.is_empty() {
        return Ok(QueryInput::default());
    }
    let mut body = Map::new();
    let mut filters: [Option<String>; 4] = [const { None }; 4];
    let mut equalities = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decode(key)?, decode(value)?);
        if let Some(place) = FILTERS.iter().position(|name| *name == key) {
            filters[place] = Some(value);
        } else if KNOWN.contains(&key.as_str()) {
            if !value.is_empty() {
                body.insert(key, Value::String(value));
            }
        } else if key.starts_with('$') {
            let hint = nearest(&key, KNOWN.iter().copied().filter(|name| name.starts_with('$')))
                .map(|name| format!("; did you mean '{name}'?"))
                .unwrap_or_default();
            return Err(DataError::InvalidQuery {
                message: format!("unknown parameter '{key}'{hint}"),
            });
        } else {
            equalities.push((key, value));
        }
    }
    let filter = filters.into_iter().flatten().find(|text| !text.trim().is_empty());
    let mut input = structured(&mut body)?;
    input.filter = match filter {
        Some(text) => Some(read_filter(&json("filter", &text)?)?),
        None if equalities.is_empty() => None,
        None => {
            let tests = equalities
                .into_iter()
                .map(|(field, value)| RawFilter::equals(&field, value))
                .collect();
            Some(RawFilter::All(tests))
        }
    };
    Ok(input)
}

/// Parameters whose text is JSON are read as such; the rest is text in a body as well.
fn structured(body: &mut Map<String, Value>) -> Result<QueryInput> {
    let aggregations = body.remove("aggregations");
    let groups = body.remove("groupBy");
    for key in [
        "having", "expand", "populate", "include", "$expand", "select", "fields", "$select", "search",
    ] {
        if let Some(Value::String(text)) = body.get(key) {
            let document = text.trim_start().starts_with(['{', '[']);
            if document || key == "having" {
                let value = json(key, text)?;
                body.insert(key.to_owned(), value);
            }
        }
    }
    let mut input = QueryInput::from_map(body)?;
    if let Some(Value::String(text)) = aggregations {
        input.aggregations = read_aggregations(&json("aggregations", &text)?)?;
    }
    if let Some(Value::String(text)) = groups {
        let value = if text.trim_start().starts_with('[') {
            json("groupBy", &text)?
        } else {
            Value::String(text)
        };
        input.group_by = read_groups(&value)?;
    }
    Ok(input)
}

fn json(key: &str, text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| {
        let message = format!("'{key}' is no JSON: {error}");
        if FILTERS.contains(&key) {
            DataError::InvalidFilter { message }
        } else {
            DataError::InvalidQuery { message }
        }
    })
}

/// Percent signs and plus signs, as forms write them.
fn decode(text: &str) -> Result<String> {
    if !text.contains(['%', '+']) {
        return Ok(text.to_owned());
    }
    let broken = || DataError::InvalidQuery {
        message: "the query string is not percent-encoded UTF-8".to_owned(),
    };
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
                let (high, low) = (digit().ok_or_else(broken)?, digit().ok_or_else(broken)?);
                out.push(u8::try_from(high * 16 + low).map_err(|_| broken())?);
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).map_err(|_| broken())
}

#[cfg(test)]
mod tests;
