//! Whether one record is among the rows of a plan, decided here and not by the database: for explanations and for policy tests.
//! The meaning is that of the data engine: every test is true or false, what is unknown is false.

use std::cmp::Ordering;
use std::future::Future;
use std::pin::Pin;

use objectos_expression::any_case::folded;
use objectos_plugin_api::Result;
use serde_json::{Map, Value};

use crate::rows::Rows;

/// A boxed future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A record.
pub type Record = Map<String, Value>;

/// Where records of other objects are found.
pub trait Records: Send + Sync {
    /// All records whose field has a value, whoever may see them.
    fn with_value<'a>(
        &'a self,
        object: &'a str,
        field: &'a str,
        value: &'a Value,
    ) -> BoxFuture<'a, Result<Vec<Record>>>;
}

/// Whether a record is among some rows.
///
/// # Errors
/// Those of looking up records of other objects.
pub async fn is_among(rows: &Rows, record: &Record, records: &dyn Records) -> Result<bool> {
    match rows {
        Rows::All => Ok(true),
        Rows::None => Ok(false),
        Rows::Where(filter) => holds(filter, record, records).await,
    }
}

fn holds<'a>(filter: &'a Value, record: &'a Record, records: &'a dyn Records) -> BoxFuture<'a, Result<bool>> {
    Box::pin(async move {
        let Value::Object(map) = filter else { return Ok(false) };
        for (key, value) in map {
            let met = match key.as_str() {
                "$and" => every(value, record, records).await?,
                "$or" => some(value, record, records).await?,
                "$not" => !holds(value, record, records).await?,
                field => tests(field, value, record, records).await?,
            };
            if !met {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

async fn every(parts: &Value, record: &Record, records: &dyn Records) -> Result<bool> {
    for part in parts.as_array().into_iter().flatten() {
        if !holds(part, record, records).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn some(parts: &Value, record: &Record, records: &dyn Records) -> Result<bool> {
    for part in parts.as_array().into_iter().flatten() {
        if holds(part, record, records).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn tests(field: &str, tests: &Value, record: &Record, records: &dyn Records) -> Result<bool> {
    let found = record.get(field).unwrap_or(&Value::Null);
    let Value::Object(tests) = tests else {
        return Ok(same(found, tests));
    };
    for (operator, wanted) in tests {
        let met = match operator.as_str() {
            "$inRecords" => in_records(found, wanted, records).await?,
            "$not" => match wanted {
                Value::Object(inner) => !inner
                    .iter()
                    .all(|(operator, wanted)| test(found, operator, wanted, record)),
                _ => false,
            },
            operator => test(found, operator, wanted, record),
        };
        if !met {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The field's value, or one of its values, is that of some matching record.
async fn in_records(found: &Value, lookup: &Value, records: &dyn Records) -> Result<bool> {
    let (Some(object), Some(field)) = (lookup["object"].as_str(), lookup["field"].as_str()) else {
        return Ok(false);
    };
    let values = match found {
        Value::Array(items) => items.clone(),
        Value::Null => return Ok(false),
        one => vec![one.clone()],
    };
    for value in &values {
        for candidate in records.with_value(object, field, value).await? {
            match lookup.get("where") {
                Some(filter) if !holds(filter, &candidate, records).await? => {}
                _ => return Ok(true),
            }
        }
    }
    Ok(false)
}

fn test(found: &Value, operator: &str, wanted: &Value, record: &Record) -> bool {
    let other = wanted.get("$field").and_then(Value::as_str);
    let wanted = other.map_or(wanted, |field| record.get(field).unwrap_or(&Value::Null));
    let ordered = |accept: fn(Ordering) -> bool| compare(found, wanted).is_some_and(accept);
    let text = |test: fn(&str, &str) -> bool| match (found.as_str(), wanted.as_str()) {
        (Some(found), Some(wanted)) => test(found, wanted),
        _ => false,
    };
    let among = || {
        wanted
            .as_array()
            .is_some_and(|list| list.iter().any(|item| same(found, item)))
    };
    let contains = || match found {
        Value::Array(items) => items.iter().any(|item| same(item, wanted)),
        _ => text(|found, wanted| found.contains(wanted)),
    };
    match operator {
        "$eq" => same(found, wanted),
        "$ne" => !same(found, wanted),
        "$gt" => ordered(Ordering::is_gt),
        "$gte" => ordered(Ordering::is_ge),
        "$lt" => ordered(Ordering::is_lt),
        "$lte" => ordered(Ordering::is_le),
        "$in" => among(),
        "$nin" => !among(),
        "$between" => match wanted.as_array().map(Vec::as_slice) {
            Some([low, high]) => {
                compare(found, low).is_some_and(Ordering::is_ge) && compare(found, high).is_some_and(Ordering::is_le)
            }
            _ => false,
        },
        "$contains" => contains(),
        "$notContains" => !contains(),
        "$icontains" => text(|found, wanted| folded(found).contains(&*folded(wanted))),
        "$startsWith" => text(|found, wanted| found.starts_with(wanted)),
        "$endsWith" => text(|found, wanted| found.ends_with(wanted)),
        "$like" => text(like),
        "$ilike" => text(|found, wanted| like(&folded(found), &folded(wanted))),
        "$null" => found.is_null() == (wanted == &Value::Bool(true)),
        "$exists" => found.is_null() != (wanted == &Value::Bool(true)),
        "$empty" => {
            let empty = found.is_null() || found == "" || found.as_array().is_some_and(Vec::is_empty);
            empty == (wanted == &Value::Bool(true))
        }
        _ => false,
    }
}

fn same(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left.total_cmp(&right).is_eq(),
        _ => left == right,
    }
}

/// Moments and days are written such that their texts have the order of time.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// SQL's LIKE; `\` takes the next character as it is.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    matches(&text, &pattern)
}

fn matches(text: &[char], pattern: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|skip| matches(&text[skip..], rest)),
        ['_', rest @ ..] => !text.is_empty() && matches(&text[1..], rest),
        ['\\', literal, rest @ ..] | [literal, rest @ ..] => text.first() == Some(literal) && matches(&text[1..], rest),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Shares;

    impl Records for Shares {
        fn with_value<'a>(
            &'a self,
            _: &'a str,
            field: &'a str,
            value: &'a Value,
        ) -> BoxFuture<'a, Result<Vec<Record>>> {
            let all = [
                json!({"record": "a1", "recipient": "u1"}),
                json!({"record": "a2", "recipient": "u2"}),
            ];
            let found = all.iter().filter(|share| share[field] == *value);
            let found = found.filter_map(Value::as_object).cloned().collect();
            Box::pin(std::future::ready(Ok(found)))
        }
    }

    async fn check(filter: Value) -> bool {
        let record = json!({"id": "a1", "n": 5, "text": "Abc", "none": null, "list": ["x", "y"], "on": "2026-01-05",
                            "city": "Schlößchen"});
        is_among(&Rows::Where(filter), record.as_object().unwrap(), &Shares)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn tests_mean_what_the_data_engine_means() {
        let table = [
            (json!({"n": {"$gte": 5, "$lt": 6}}), true),
            (json!({"n": 5.0}), true),
            (json!({"none": {"$ne": 1}}), true),
            (json!({"none": {"$gt": 1}}), false),
            (json!({"$not": {"none": {"$gt": 1}}}), true),
            (json!({"none": {"$null": true}, "n": {"$null": false}}), true),
            (json!({"list": {"$contains": "x"}}), true),
            (json!({"list": {"$notContains": "x"}}), false),
            (json!({"text": {"$like": "A_%"}}), true),
            (json!({"text": {"$like": "a%"}}), false),
            (json!({"text": {"$not": {"$startsWith": "B"}}}), true),
            (json!({"text": {"$icontains": "BC"}}), true),
            (json!({"city": {"$icontains": "LÖẞ"}}), true),
            (json!({"city": {"$contains": "LÖẞ"}}), false),
            (json!({"city": {"$ilike": "SCHLÖẞ%_"}}), true),
            (json!({"city": {"$like": "SCHLÖẞ%_"}}), false),
            (json!({"city": {"$ilike": "schlo%"}}), false),
            (json!({"$or": []}), false),
            (json!({"$and": []}), true),
            (json!({"on": {"$lt": "2026-01-06"}}), true),
            (json!({"n": {"$eq": {"$field": "n"}}}), true),
            (
                json!({"id": {"$inRecords": {"object": "s", "field": "record", "where": {"recipient": {"$eq": "u1"}}}}}),
                true,
            ),
            (
                json!({"id": {"$inRecords": {"object": "s", "field": "record", "where": {"recipient": {"$eq": "u2"}}}}}),
                false,
            ),
            (
                json!({"none": {"$inRecords": {"object": "s", "field": "record"}}}),
                false,
            ),
            (json!({"n": {"$unknown": 1}}), false),
        ];
        for (filter, expected) in table {
            assert_eq!(check(filter.clone()).await, expected, "{filter}");
        }
    }
}
