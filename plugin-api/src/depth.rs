//! How deep lists and objects lie in each other in a JSON value. Whoever reads a record or an event has it wrapped a few times
//! over, and nothing reads what is deeper than 127: what is kept for others is held to less than that where it comes in. Called by
//! the kernel and the plugins that take such values.

use serde_json::Value;

/// Levels of lists and objects in one value that callers send, as in a file of an app; and in one that the audit trail writes
/// down as it is.
pub const NESTED_MAX: usize = 64;
/// The same for what comes from the system or from plugins, who put such values into their own: values of records, and payloads of
/// events. What they tell of it lies deeper still, and is read by everybody who listens. Whoever reads a page of events, or a dead
/// letter among others, wraps it a few times over.
pub const NESTED_TRUSTED_MAX: usize = 100;

/// Whether lists and objects lie in each other more than `most` levels deep. A text or a number has none, `[]` has one.
#[must_use]
pub fn nests_beyond(value: &Value, most: usize) -> bool {
    match value {
        Value::Array(items) => most == 0 || items.iter().any(|item| nests_beyond(item, most - 1)),
        Value::Object(parts) => most == 0 || parts.values().any(|part| nests_beyond(part, most - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The sentence that refuses what [`nests_beyond`] finds: `the payload of job.done has …`.
#[must_use]
pub fn too_deep(what: &str, most: usize) -> String {
    format!("{what} has lists or objects in each other more than {most} levels deep")
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

    /// The bounds themselves stand here; other tests name the constants.
    #[test]
    fn the_sentence_tells_what_and_how_deep() {
        for (most, expected) in [
            (
                NESTED_MAX,
                "Data has lists or objects in each other more than 64 levels deep",
            ),
            (
                NESTED_TRUSTED_MAX,
                "Data has lists or objects in each other more than 100 levels deep",
            ),
        ] {
            assert_eq!(too_deep("Data", most), expected);
        }
    }
}
