//! How deep lists and objects lie in each other in a JSON value. Whoever reads a record or an event has it wrapped a few times
//! over, and nothing reads what is deeper than 127: what is kept for others is held to less than that where it comes in. Called by
//! the kernel and the plugins that take such values.

use serde_json::Value;

/// Whether lists and objects lie in each other more than `most` levels deep. A text or a number has none, `[]` has one.
#[must_use]
pub fn nests_beyond(value: &Value, most: usize) -> bool {
    match value {
        Value::Array(items) => most == 0 || items.iter().any(|item| nests_beyond(item, most - 1)),
        Value::Object(parts) => most == 0 || parts.values().any(|part| nests_beyond(part, most - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_list_and_every_object_is_a_level() {
        let check = |value: Value, levels: usize| {
            assert!(!nests_beyond(&value, levels), "{value}");
            assert!(levels == 0 || nests_beyond(&value, levels - 1), "{value}");
        };
        check(json!("[[["), 0);
        check(json!([]), 1);
        check(json!({}), 1);
        check(json!([1, {"a": 2}]), 2);
        check(json!({"a": 1, "b": [[{}]]}), 4);
    }
}
