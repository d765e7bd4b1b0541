//! What no handler of a data hook changes: which operation it takes part in. Were the object, the id or the record as it was
//! another's to write, later handlers would decide about something that is not done. Asked by the kernel after each handler, so
//! that nobody sees what one of them forged, and by whoever runs the hooks. Knows nothing of what handlers may change.

use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use super::{
    AFTER_DELETE, AFTER_FIND, AFTER_INSERT, AFTER_UPDATE, BEFORE_DELETE, BEFORE_FIND, BEFORE_INSERT, BEFORE_UPDATE,
};
use crate::{Error, ErrorKind, Result};

/// What a fraction may lose while it is read and written on its way through a handler, as a part of itself: its last digits in
/// memory, and nothing that anybody would write down.
const LOST_IN_WRITING: f64 = 4.0 * f64::EPSILON;

/// Keys of a hook's payload that say what is done; none for hooks that are not of this contract.
#[must_use]
pub fn fixed_keys(hook: &str) -> &'static [&'static str] {
    match hook {
        BEFORE_FIND => &["object"],
        AFTER_FIND => &["object", "query"],
        BEFORE_INSERT | AFTER_INSERT | BEFORE_UPDATE | AFTER_UPDATE | BEFORE_DELETE | AFTER_DELETE => {
            &["object", "id", "previous"]
        }
        _ => &[],
    }
}

/// Holds what a handler of `plugin` made of a payload to the operation that it was given. Both are JSON. What is left out counts
/// as changed; a fraction may come back with another last digit.
///
/// # Errors
/// `Denied`, naming the plugin and the key; `Internal` when one of the payloads is no JSON object.
pub fn hold_to_operation(hook: &str, plugin: &str, given: &[u8], made: &[u8]) -> Result<()> {
    let keys = fixed_keys(hook);
    if keys.is_empty() {
        return Ok(());
    }
    let unreadable = |error: serde_json::Error| {
        Error::internal(format!(
            "a handler of {hook} of plugin {plugin} changed the payload into something else: {error}"
        ))
    };
    let given: HashMap<String, &RawValue> = serde_json::from_slice(given).map_err(unreadable)?;
    let made: HashMap<String, &RawValue> = serde_json::from_slice(made).map_err(unreadable)?;
    for key in keys {
        let before = given.get(*key).map_or("null", |raw| raw.get());
        let after = made.get(*key).map_or("null", |raw| raw.get());
        if before == after {
            continue;
        }
        let before: Value = serde_json::from_str(before).map_err(unreadable)?;
        let after: Value = serde_json::from_str(after).map_err(unreadable)?;
        if !same_value(&before, &after) {
            let open = open_to(hook);
            let message = format!(
                "plugin {plugin} may not change `{key}` in the payload of {hook}, which says what is done; a handler of it \
                 changes {open}"
            );
            return Err(Error::new(ErrorKind::Denied, message));
        }
    }
    Ok(())
}

/// What handlers of a hook may change.
fn open_to(hook: &str) -> &'static str {
    match hook {
        BEFORE_FIND => "the `query`",
        AFTER_FIND => "the `records`",
        BEFORE_INSERT | BEFORE_UPDATE => "the `record`, and adds `events` and `records`",
        BEFORE_DELETE => "nothing, and adds `events` and `records`",
        _ => "the `record`",
    }
}

fn same_fields(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .all(|(name, value)| other.get(name).is_some_and(|other| same_value(value, other)))
}

/// Whether a value is the same after it was read and written on its way through a handler: a fraction may come back with another last
/// digit, and `1.0` as `1`.
#[must_use]
pub fn same_value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || same_number(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_value(one, other))
        }
        (Value::Object(one), Value::Object(other)) => same_fields(one, other),
        _ => one == other,
    }
}

/// Whole numbers do not change.
fn same_number(one: &Number, other: &Number) -> bool {
    let (fractions, whole) = (one.is_f64() && other.is_f64(), !one.is_f64() && !other.is_f64());
    let (Some(one), Some(other)) = (one.as_f64(), other.as_f64()) else {
        return false;
    };
    if fractions {
        return (one - other).abs() <= one.abs().max(other.abs()) * LOST_IN_WRITING;
    }
    !whole && one == other
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PLUGIN: &str = "com.example.meddler";

    fn given() -> Value {
        json!({
            "object": "thing", "id": "t1", "record": { "name": "new" },
            "previous": { "name": "old", "price": 19.99, "count": 3, "tags": ["a", { "b": 1.5 }] },
        })
    }

    /// Whether a payload with this under a key is taken; a refusal names the key and the plugin.
    fn check(hook: &str, given: &Value, key: &str, value: Value, taken: bool) {
        let mut made = given.clone();
        made[key] = value;
        let held = hold_to_operation(hook, PLUGIN, given.to_string().as_bytes(), made.to_string().as_bytes());
        assert_eq!(held.is_ok(), taken, "{hook} {made}");
        if let Err(error) = held {
            let text = error.message();
            assert_eq!(error.kind(), ErrorKind::Denied, "{text}");
            assert!(text.contains(PLUGIN) && text.contains(&format!("`{key}`")), "{text}");
        }
    }

    #[test]
    fn a_record_is_open_and_which_one_it_is_is_not() {
        let given = given();
        let check = |key: &str, value: Value, taken: bool| check(BEFORE_UPDATE, &given, key, value, taken);
        check("record", json!({ "name": "newer", "price": 1 }), true);
        check("events", json!([{ "name": "thing.changed" }]), true);
        check("object", json!("thing"), true);
        check("object", json!("other"), false);
        check("id", json!("t2"), false);
        check("previous", Value::Null, false);
        check("previous", json!({ "name": "old" }), false);
    }

    #[test]
    fn what_was_there_before_is_what_was_written() {
        let given = given();
        let check = |price: Value, count: Value, part: Value, taken: bool| {
            let before = json!({ "name": "old", "price": price, "count": count, "tags": ["a", { "b": part }] });
            check(BEFORE_DELETE, &given, "previous", before, taken);
        };
        check(json!(19.99), json!(3), json!(1.5), true);
        check(json!(19.990_000_000_000_002), json!(3.0), json!(1.5), true);
        check(json!(19.98), json!(3), json!(1.5), false);
        check(json!(19.99), json!(4), json!(1.5), false);
        check(json!(19.99), json!(3), json!(1.6), false);
        check(json!("19.99"), json!(3), json!(1.5), false);
    }

    #[test]
    fn large_amounts_are_as_exact_as_small_ones() {
        for (before, after, taken) in [
            (json!(90_000_000_000_000.25), json!(90_000_000_000_000.27), true),
            (json!(90_000_000_000_000.25), json!(90_000_000_000_001.25), false),
            (json!(90_000_000_000_000_i64), json!(90_000_000_000_000.0), true),
            (json!(90_000_000_000_000_i64), json!(90_000_000_000_001.0), false),
            (json!(90_000_000_000_000_i64), json!(90_000_000_000_001_i64), false),
        ] {
            let given = json!({ "object": "thing", "id": "t1", "previous": { "price": before } });
            check(BEFORE_UPDATE, &given, "previous", json!({ "price": after }), taken);
        }
    }

    #[test]
    fn a_query_is_open_until_it_is_answered() {
        let given = json!({ "object": "thing", "query": { "where": { "size": 3 } } });
        for (hook, key, value, taken) in [
            (BEFORE_FIND, "query", json!({ "limit": 1 }), true),
            (AFTER_FIND, "query", json!({ "limit": 1 }), false),
            (AFTER_FIND, "records", json!([{ "id": "t1" }]), true),
            (BEFORE_FIND, "object", json!("other"), false),
            (AFTER_FIND, "object", json!("other"), false),
        ] {
            check(hook, &given, key, value, taken);
        }
    }

    #[test]
    fn new_records_have_nothing_before_and_hooks_of_others_are_their_own() {
        let given = json!({ "object": "thing", "id": "t1", "record": {} });
        check(BEFORE_INSERT, &given, "previous", Value::Null, true);
        check(BEFORE_INSERT, &given, "previous", json!({}), false);
        check("com.example.before", &given, "id", json!("t2"), true);
        // What is left out is changed, and what is no payload is none.
        let left_out = hold_to_operation(BEFORE_INSERT, PLUGIN, given.to_string().as_bytes(), b"{\"record\":{}}");
        assert_eq!(left_out.unwrap_err().kind(), ErrorKind::Denied);
        let nothing = hold_to_operation(BEFORE_INSERT, PLUGIN, given.to_string().as_bytes(), b"[]");
        assert_eq!(nothing.unwrap_err().kind(), ErrorKind::Internal);
    }

    #[test]
    fn every_hook_of_the_contract_says_what_it_is_about() {
        for hook in super::super::ALL {
            assert!(fixed_keys(hook).contains(&"object"), "{hook}");
        }
    }
}
