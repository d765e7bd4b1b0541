//! JSON documents in one written form, so that every database gives back what was stored: PostgreSQL keeps what a document says
//! and not how it was written. Keys stand in the order of that database (shorter ones first, then by their bytes), whole numbers
//! are written without a fraction, and there are no blanks.

use serde_json::{Map, Number, Value};

/// The document in its one form.
#[must_use]
pub fn canonical(value: &Value) -> String {
    ordered(value).to_string()
}

/// The same for a document that is written already; what is no document stays as it is.
#[must_use]
pub fn canonical_text(text: &str) -> String {
    serde_json::from_str(text).map_or_else(|_| text.to_owned(), |value| canonical(&value))
}

fn ordered(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(ordered).collect()),
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by(|(left, _), (right, _)| left.len().cmp(&right.len()).then_with(|| left.cmp(right)));
            let entries = entries.into_iter().map(|(key, value)| (key.clone(), ordered(value)));
            Value::Object(entries.collect::<Map<String, Value>>())
        }
        Value::Number(number) => Value::Number(plain(number)),
        other => other.clone(),
    }
}

/// A double without a fraction as the whole number it is, when that has 64 bits.
fn plain(number: &Number) -> Number {
    let Some(real) = number.as_f64().filter(|_| number.is_f64()) else {
        return number.clone();
    };
    if real.fract() != 0.0 {
        return number.clone();
    }
    let text = format!("{real:.0}");
    match (text.parse::<i64>(), text.parse::<u64>()) {
        (Ok(whole), _) => Number::from(whole),
        (_, Ok(whole)) => Number::from(whole),
        _ => number.clone(),
    }
}

/// A number as PostgreSQL writes it, in the one form.
#[must_use]
pub fn canonical_number(text: &str) -> String {
    match serde_json::from_str::<Number>(text) {
        Ok(number) => plain(&number).to_string(),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_document_has_one_form() {
        let check = |value: Value, expected: &str| assert_eq!(canonical(&value), expected);
        check(
            json!({ "street": 1, "city": { "b": [], "a": null }, "zip": "x" }),
            r#"{"zip":"x","city":{"a":null,"b":[]},"street":1}"#,
        );
        check(
            json!([1.0, -0.0, 1.5, 1e17, 1e20, 1e-7]),
            "[1,0,1.5,100000000000000000,1e+20,1e-7]",
        );
        check(json!(18_446_744_073_709_551_615_u64), "18446744073709551615");
    }

    #[test]
    fn numbers_come_back_as_they_were() {
        let check = |text: &str, expected: &str| assert_eq!(canonical_number(text), expected, "{text}");
        check("0.0000001", "1e-7");
        check("100000000000000000000", "1e+20");
        check("100000000000000000", "100000000000000000");
        check("1.50", "1.5");
    }
}
