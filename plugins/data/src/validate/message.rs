//! Messages of rules: `{{name}}` in one stands for a value of the record.

use serde_json::{Map, Value};

/// What stands in the place of a value that the reader may not see.
const HIDDEN: &str = "…";

/// The message with the record's values. `shown` says which fields whoever reads it may see.
pub(super) fn filled(message: &str, record: &Map<String, Value>, shown: impl Fn(&str) -> bool) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some((before, inner)) = rest.split_once("{{") {
        let Some((name, after)) = inner.split_once("}}") else {
            break;
        };
        out.push_str(before);
        match record.get(name.trim()) {
            Some(_) if !shown(name.trim()) => out.push_str(HIDDEN),
            Some(Value::String(text)) => out.push_str(text),
            Some(Value::Null) => {}
            Some(value) => out.push_str(&value.to_string()),
            // No field: it was not meant as one.
            None => {
                out.push_str("{{");
                out.push_str(name);
                out.push_str("}}");
            }
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_go_into_messages() {
        let record = json!({ "name": "ann", "age": 7, "salary": 1, "none": null });
        let record = record.as_object().cloned().unwrap_or_default();
        let check = |message: &str, expected: &str| {
            assert_eq!(
                filled(message, &record, |field| field != "salary"),
                expected,
                "{message}"
            );
        };
        check("plain", "plain");
        check("{{name}} is {{ age }}", "ann is 7");
        check("{{none}}!", "!");
        check("{{salary}}", "…");
        check("{{other}} {{", "{{other}} {{");
    }
}
