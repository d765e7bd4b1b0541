//! What no handler of a hook changes: which operation it takes part in. The object, the id and the record as it was are what the
//! engine goes on with; were they another's to write, a later handler would decide about something that is not done. A handler
//! that writes them ends the operation, in the name of its plugin. It is looked at step by step, so that one that puts back what
//! another one changed hides nothing. Called by `observe` and `find`; what a handler may change is theirs to take over.

use objectos_plugin_api::contracts::hooks::{QueryHook, RecordHook};
use objectos_plugin_api::{Error, ErrorKind, HookStep};
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

use super::ports::HookPoint;
use crate::error::{DataError, Result};

/// Digits that a number may lose while it is written and read on its way through handlers, as a part of itself.
const LOST_IN_WRITING: f64 = 1e-12;

/// What a handler made of a record's payload; `given` is what the engine showed to the first.
///
/// Fails with `Denied` when it is about another operation, and when it is no payload.
pub(super) fn record_step(point: HookPoint, given: &RecordHook, step: &HookStep) -> Result<RecordHook> {
    let made: RecordHook = read(point, step)?;
    let same_before = match (&given.previous, &made.previous) {
        (None, None) => true,
        (Some(given), Some(made)) => same_fields(given, made),
        _ => false,
    };
    let kept = [
        ("object", given.object == made.object),
        ("id", given.id == made.id),
        ("previous", same_before),
    ];
    hold(point, step, kept)?;
    Ok(made)
}

/// What a handler made of a query's payload.
///
/// Fails as [`record_step`]. The query is the handlers' to change before it is answered, and no more afterwards.
pub(super) fn query_step(point: HookPoint, given: &QueryHook, step: &HookStep) -> Result<QueryHook> {
    let made: QueryHook = read(point, step)?;
    let asked = point == HookPoint::BeforeFind || same_fields(&given.query, &made.query);
    hold(point, step, [("object", given.object == made.object), ("query", asked)])?;
    Ok(made)
}

fn read<T: DeserializeOwned>(point: HookPoint, step: &HookStep) -> Result<T> {
    serde_json::from_slice(&step.payload).map_err(|error| {
        DataError::internal(format!(
            "a handler of {} of plugin {} changed the payload into something else: {error}",
            point.name(),
            step.plugin
        ))
    })
}

fn hold<const N: usize>(point: HookPoint, step: &HookStep, kept: [(&str, bool); N]) -> Result<()> {
    let Some((key, _)) = kept.into_iter().find(|(_, same)| !same) else {
        return Ok(());
    };
    let (hook, plugin) = (point.name(), step.plugin.as_str());
    tracing::warn!(
        plugin,
        hook,
        key,
        "a handler wrote what belongs to the operation; nothing of it is done"
    );
    let message = format!(
        "plugin {plugin} may not change `{key}` in the payload of {hook}, which says what is done; a handler of it changes {}",
        open_to(point)
    );
    Err(Error::new(ErrorKind::Denied, message).into())
}

/// What handlers of a hook may change.
fn open_to(point: HookPoint) -> &'static str {
    match point {
        HookPoint::BeforeFind => "the `query`",
        HookPoint::AfterFind => "the `records`",
        HookPoint::BeforeInsert | HookPoint::BeforeUpdate => "the `record`, and adds `events` and `records`",
        HookPoint::BeforeDelete => "nothing, and adds `events` and `records`",
        HookPoint::AfterInsert | HookPoint::AfterUpdate | HookPoint::AfterDelete => "the `record`",
    }
}

fn same_fields(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
}

/// Whether a value is the same after it was read and written.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || same_number(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => same_fields(one, other),
        _ => one == other,
    }
}

/// Fractions may come back with another last digit, and `1.0` as `1`. Whole numbers do not change.
fn same_number(one: &Number, other: &Number) -> bool {
    if !(one.is_f64() || other.is_f64()) {
        return false;
    }
    let (Some(one), Some(other)) = (one.as_f64(), other.as_f64()) else {
        return false;
    };
    (one - other).abs() <= one.abs().max(other.abs()) * LOST_IN_WRITING
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    fn given() -> RecordHook {
        RecordHook {
            object: "thing".to_owned(),
            id: "t1".to_owned(),
            record: fields(&json!({ "name": "new" })),
            previous: Some(fields(
                &json!({ "name": "old", "price": 19.99, "count": 3, "tags": ["a", { "b": 1.5 }] }),
            )),
            ..RecordHook::default()
        }
    }

    /// Whether a payload with this under a key is taken; otherwise the key and the plugin are named.
    fn check(key: &str, value: Value, taken: bool) {
        let mut payload = serde_json::to_value(given()).unwrap();
        payload[key] = value;
        let step = HookStep {
            plugin: "com.example.meddler".to_owned(),
            payload: payload.to_string().into_bytes(),
        };
        match record_step(HookPoint::BeforeUpdate, &given(), &step) {
            Ok(_) => assert!(taken, "{payload}"),
            Err(error) => {
                let text = error.to_string();
                assert!(!taken, "{text}");
                assert!(
                    text.contains("com.example.meddler") && text.contains(&format!("`{key}`")),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn only_the_record_is_open() {
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
        let before = |price: Value, count: Value, part: Value| json!({ "name": "old", "price": price, "count": count, "tags": ["a", { "b": part }] });
        check("previous", before(json!(19.99), json!(3), json!(1.5)), true);
        check(
            "previous",
            before(json!(19.990_000_000_000_002), json!(3.0), json!(1.5)),
            true,
        );
        check("previous", before(json!(19.98), json!(3), json!(1.5)), false);
        check("previous", before(json!(19.99), json!(4), json!(1.5)), false);
        check("previous", before(json!(19.99), json!(3), json!(1.6)), false);
        check("previous", before(json!("19.99"), json!(3), json!(1.5)), false);
    }

    #[test]
    fn a_query_is_open_until_it_is_answered() {
        let given = QueryHook {
            object: "thing".to_owned(),
            query: fields(&json!({ "where": { "size": 3 } })),
            records: None,
        };
        for (point, key, value, taken) in [
            (HookPoint::BeforeFind, "query", json!({ "limit": 1 }), true),
            (HookPoint::AfterFind, "query", json!({ "limit": 1 }), false),
            (HookPoint::AfterFind, "records", json!([{ "id": "t1" }]), true),
            (HookPoint::BeforeFind, "object", json!("other"), false),
            (HookPoint::AfterFind, "object", json!("other"), false),
        ] {
            let mut payload = serde_json::to_value(&given).unwrap();
            payload[key] = value;
            let step = HookStep {
                plugin: "com.example.meddler".to_owned(),
                payload: payload.to_string().into_bytes(),
            };
            assert_eq!(query_step(point, &given, &step).is_ok(), taken, "{point:?} {payload}");
        }
    }
}
