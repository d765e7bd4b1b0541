//! Whether the filter of an access plan lets a record through that can be asked for no more: what it was is at hand, the
//! database is not. Answers only what cannot be otherwise. Anything that looks elsewhere (shares, teams), compares in a way in
//! which databases differ, or is not known here is undecided.

use serde_json::{Map, Value};

/// `None`: it cannot be told.
pub(super) fn holds(filter: &Value, record: &Map<String, Value>) -> Option<bool> {
    let filter = filter.as_object()?;
    all(filter.iter().map(|(key, value)| match key.as_str() {
        "$and" => all(value.as_array()?.iter().map(|part| holds(part, record))),
        "$or" => any(value.as_array()?.iter().map(|part| holds(part, record))),
        "$not" => holds(value, record).map(|holds| !holds),
        key if key.starts_with('$') || key.contains('.') => None,
        field => tests(value, record.get(field)?),
    }))
}

/// True when all are; false when one is, whatever the others.
fn all(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut decided = Some(true);
    for part in parts {
        match part {
            Some(false) => return Some(false),
            Some(true) => {}
            None => decided = None,
        }
    }
    decided
}

fn any(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    all(parts.map(|part| part.map(|holds| !holds))).map(|none| !none)
}

fn tests(test: &Value, found: &Value) -> Option<bool> {
    match test {
        Value::Object(operators) => all(operators.iter().map(|(operator, wanted)| match operator.as_str() {
            "$eq" => equals(found, wanted),
            "$ne" => equals(found, wanted).filter(|_| !found.is_null()).map(|same| !same),
            "$in" => any(wanted.as_array()?.iter().map(|wanted| equals(found, wanted))),
            "$null" => Some(found.is_null() == wanted.as_bool()?),
            _ => None,
        })),
        Value::Array(_) => None,
        wanted => equals(found, wanted),
    }
}

/// Texts and truths of the same kind; nothing is equal to nothing alone.
fn equals(found: &Value, wanted: &Value) -> Option<bool> {
    match (found, wanted) {
        (Value::String(found), Value::String(wanted)) => Some(found == wanted),
        (Value::Bool(found), Value::Bool(wanted)) => Some(found == wanted),
        (Value::Null, Value::Null) => Some(true),
        (Value::Null, Value::String(_) | Value::Bool(_) | Value::Number(_))
        | (Value::String(_) | Value::Bool(_) | Value::Number(_), Value::Null) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_certain_is_decided() {
        let record = json!({"owner": "u1", "open": true, "team": null, "amount": 3, "tags": ["a"]});
        let record = record.as_object().unwrap();
        let shared = json!({"id": {"$inRecords": {"object": "share", "field": "record"}}});
        for (filter, expected) in [
            (json!({}), Some(true)),
            (json!({"owner": "u1"}), Some(true)),
            (json!({"owner": {"$eq": "u2"}}), Some(false)),
            (json!({"owner": "u1", "open": false}), Some(false)),
            (json!({"owner": {"$in": ["u2", "u1"]}}), Some(true)),
            (json!({"owner": {"$in": []}}), Some(false)),
            (json!({"owner": {"$ne": "u2"}}), Some(true)),
            (json!({"team": {"$ne": "t"}}), None),
            (json!({"team": {"$null": true}}), Some(true)),
            (json!({"team": "t"}), Some(false)),
            (json!({"amount": 3}), None),
            (json!({"owner": {"$like": "u%"}}), None),
            (json!({"absent": "x"}), None),
            (json!({"place.city": "x"}), None),
            (json!({"tags": ["a"]}), None),
            (shared.clone(), None),
            (json!({"$or": [{"owner": "u1"}, shared]}), Some(true)),
            (json!({"$or": [{"owner": "u2"}, shared]}), None),
            (json!({"$and": [{"owner": "u2"}, shared]}), Some(false)),
            (json!({"$and": [{"owner": "u1"}, shared]}), None),
            (json!({"$not": {"owner": "u1"}}), Some(false)),
            (json!({"$not": shared}), None),
            (json!({"$nor": []}), None),
            (json!("x"), None),
        ] {
            assert_eq!(holds(&filter, record), expected, "{filter}");
        }
    }
}
