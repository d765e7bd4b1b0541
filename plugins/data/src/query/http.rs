//! A query out of a query string. Values come as text; `check` turns them into those of the field.

use serde_json::{Map, Value};

use super::input::{QueryInput, read_aggregations};
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
    "windowFunctions",
    "timezone",
    "joins",
];

/// Those that hold a filter, in their order of preference: the first that is there counts.
const FILTERS: [&str; 4] = ["filter", "filters", "$filter", "where"];

/// Those of [`KNOWN`] that are true or false; where they are written, they say which.
const SWITCHES: [&str; 3] = ["distinct", "count", "$count"];

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
        } else if key == "deleted" && value == "only" {
            // Any other value is one of a field that happens to have this name.
            body.insert(key, Value::String(value));
        } else if KNOWN.contains(&key.as_str()) {
            if !value.is_empty() || SWITCHES.contains(&key.as_str()) {
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

/// What a query string says about a search over several objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchParameters {
    /// `data/FullTextSearch`, as far as it is given.
    pub words: Map<String, Value>,
    /// Objects to look in.
    pub objects: Vec<String>,
    /// Hits at most.
    pub limit: Option<u64>,
}

/// Words, objects and limit of a search over several objects: `q`, `objects`, `limit`, and what `data/FullTextSearch` has.
///
/// # Errors
/// `InvalidQuery` for an unknown parameter or a value of the wrong shape.
pub fn search_from_query_string(query: &str) -> Result<SearchParameters> {
    let mut found = SearchParameters::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decode(key)?, decode(value)?);
        match key.as_str() {
            "q" | "query" | "search" => {
                found.words.insert("query".to_owned(), Value::String(value));
            }
            "operator" | "fuzzy" | "minScore" | "language" => {
                found.words.insert(key, Value::String(value));
            }
            "filters" | "filter" => {
                found.words.insert("filters".to_owned(), json("filters", &value)?);
            }
            "objects" | "object" => {
                let names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
                found.objects.extend(names.map(str::to_owned));
            }
            "limit" | "top" => {
                let number = value.trim().parse().map_err(|_| DataError::InvalidQuery {
                    message: format!("'{key}' takes a whole number from 0, found '{value}'"),
                })?;
                found.limit = Some(number);
            }
            unknown => {
                return Err(DataError::InvalidQuery {
                    message: format!(
                        "unknown parameter '{unknown}'; a search takes q, objects, limit, operator, fuzzy, minScore, filters, \
                         language"
                    ),
                });
            }
        }
    }
    Ok(found)
}

/// Parameters whose text is JSON are read as such; the rest is text in a body as well.
fn structured(body: &mut Map<String, Value>) -> Result<QueryInput> {
    let aggregations = body.remove("aggregations");
    if let Some(Value::String(text)) = body.get("groupBy")
        && text.trim_start().starts_with('[')
    {
        let groups = json("groupBy", text)?;
        body.insert("groupBy".to_owned(), groups);
    }
    for key in [
        "having",
        "expand",
        "populate",
        "include",
        "$expand",
        "select",
        "fields",
        "$select",
        "search",
        "cursor",
        "windowFunctions",
        "joins",
    ] {
        if let Some(Value::String(text)) = body.get(key) {
            let document = text.trim_start().starts_with(['{', '[']);
            if document || matches!(key, "having" | "windowFunctions" | "joins") {
                let value = json(key, text)?;
                body.insert(key.to_owned(), value);
            }
        }
    }
    let mut input = QueryInput::from_map(body)?;
    if let Some(Value::String(text)) = aggregations {
        input.aggregations = read_aggregations(&json("aggregations", &text)?)?;
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

/// The first value of one parameter, decoded; `None` where it is not written.
///
/// # Errors
/// `InvalidQuery` for a value that is not percent-encoded, with the name.
pub(crate) fn parameter(query: &str, name: &str) -> Result<Option<String>> {
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decode(key)? == name {
            return decode(value).map(Some).map_err(|_| DataError::InvalidQuery {
                message: format!("'{name}' is not percent-encoded UTF-8, found '{value}'"),
            });
        }
    }
    Ok(None)
}

/// A parameter that is `true` (or `1`) or `false` (or `0`); `None` where it is not written.
///
/// # Errors
/// `InvalidQuery` for anything else, an empty value among it.
pub(crate) fn switch(query: &str, name: &str) -> Result<Option<bool>> {
    match parameter(query, name)?.as_deref() {
        None => Ok(None),
        Some("true" | "1") => Ok(Some(true)),
        Some("false" | "0") => Ok(Some(false)),
        Some(other) => Err(DataError::InvalidQuery {
            message: format!("'{name}' must be true or false, found '{other}'"),
        }),
    }
}

/// Percent signs and plus signs, as forms write them.
pub(crate) fn decode(text: &str) -> Result<String> {
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
