//! Filters of older files, as conditions of the one expression language: `[["status", "=", "open"]]`, `{status: open}`.

use serde_json::{Map, Value};

/// The condition that a filter means; a text is one already.
///
/// # Errors
/// What about the filter is not understood.
pub(super) fn from_filter(filter: &Value) -> Result<String, String> {
    match filter {
        Value::String(source) => Ok(source.clone()),
        Value::Object(map) => map_condition(map),
        Value::Array(items) => match &items[..] {
            [Value::String(field), Value::String(operator), value] => test(field, operator, value),
            items => list(items),
        },
        other => Err(format!("expected a condition, found {other}")),
    }
}

/// Tests one after the other, with `and` and `or` between them or without.
fn list(items: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut word = "";
    for item in items {
        match item.as_str().map(str::to_ascii_lowercase).as_deref() {
            Some("and") => word = " AND ",
            Some("or") => word = " OR ",
            _ => {
                if !out.is_empty() {
                    out.push_str(if word.is_empty() { " AND " } else { word });
                }
                out.push('(');
                out.push_str(&from_filter(item)?);
                out.push(')');
                word = "";
            }
        }
    }
    if out.is_empty() {
        return Err("the filter is empty".to_owned());
    }
    Ok(out)
}

fn map_condition(map: &Map<String, Value>) -> Result<String, String> {
    let mut parts = Vec::with_capacity(map.len());
    for (key, value) in map {
        match (key.as_str(), value) {
            ("$and" | "$or", Value::Array(items)) => {
                let inner: Result<Vec<String>, String> = items
                    .iter()
                    .map(|item| from_filter(item).map(|one| format!("({one})")))
                    .collect();
                let between = if key == "$or" { " OR " } else { " AND " };
                parts.push(format!("({})", inner?.join(between)));
            }
            ("$not", value) => parts.push(format!("NOT ({})", from_filter(value)?)),
            (field, Value::Object(tests)) => {
                for (operator, value) in tests {
                    parts.push(test(field, operator, value)?);
                }
            }
            (field, value) => parts.push(test(field, "=", value)?),
        }
    }
    if parts.is_empty() {
        return Err("the filter is empty".to_owned());
    }
    Ok(parts.join(" AND "))
}

fn test(field: &str, operator: &str, value: &Value) -> Result<String, String> {
    let compare = |sign: &str| literal(value).map(|value| format!("{field} {sign} {value}"));
    let call = |function: &str| literal(value).map(|value| format!("{function}({field}, {value})"));
    match operator.trim_start_matches('$').to_ascii_lowercase().as_str() {
        "=" | "==" | "eq" | "equals" => compare("="),
        "!=" | "<>" | "ne" | "not_equals" => compare("<>"),
        ">" | "gt" => compare(">"),
        ">=" | "gte" => compare(">="),
        "<" | "lt" => compare("<"),
        "<=" | "lte" => compare("<="),
        "in" => compare("IN"),
        "nin" | "not_in" | "not in" => compare("NOT IN"),
        "contains" => call("CONTAINS"),
        "not_contains" => call("CONTAINS").map(|inner| format!("NOT ({inner})")),
        "starts_with" | "startswith" => call("STARTSWITH"),
        "ends_with" | "endswith" => call("ENDSWITH"),
        "null" | "is_null" => Ok(format!("{field} IS NULL")),
        other => Err(format!("`{other}` is no comparison")),
    }
}

fn literal(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))),
        Value::Array(items) => {
            let items: Result<Vec<String>, String> = items.iter().map(literal).collect();
            Ok(format!("({})", items?.join(", ")))
        }
        Value::Object(_) => Err(format!("expected a value to compare with, found {value}")),
        other => Ok(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_become_conditions() {
        let check = |filter: Value, expected: &str| assert_eq!(from_filter(&filter).as_deref(), Ok(expected));
        check(json!("a = 1"), "a = 1");
        check(json!(["status", "=", "o'k"]), "status = 'o''k'");
        check(json!([["a", ">", 1], ["b", "!=", null]]), "(a > 1) AND (b <> null)");
        check(
            json!([["a", ">", 1], "or", ["b", "in", ["x", "y"]]]),
            "(a > 1) OR (b IN ('x', 'y'))",
        );
        check(
            json!({ "a": 1, "b": { "$gte": 2, "$lt": 5 } }),
            "a = 1 AND b >= 2 AND b < 5",
        );
        check(
            json!({ "$or": [{ "a": true }, { "b": "x" }] }),
            "((a = true) OR (b = 'x'))",
        );
        assert!(from_filter(&json!(5)).is_err());
        assert!(from_filter(&json!(["a", "near", 1])).is_err());
        assert!(from_filter(&json!([])).is_err());
    }
}
