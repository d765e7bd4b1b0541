use objectos_plugin_api::protocol::kernel::{Event, EventMetadata, EventPriority};
use serde_json::{Value, json};

use super::EventFilter;

fn event() -> Event {
    Event {
        id: Some("e1".to_owned()),
        name: "data.record.updated".to_owned(),
        payload: json!({"object": "deal", "userId": "in payload", "after": {"stage": "won", "amount": 12.5, "tags": ["a", "b"], "note": null}}),
        metadata: EventMetadata {
            source: "objectos.data".to_owned(),
            timestamp: "2025-01-31T08:00:00Z".to_owned(),
            user_id: Some("u1".to_owned()),
            tenant_id: None,
            correlation_id: None,
            causation_id: None,
            priority: EventPriority::High,
        },
    }
}

#[track_caller]
fn check(filter: &Value, expected: bool) {
    let compiled = EventFilter::compile(filter).expect("a filter");
    assert_eq!(compiled.accepts(&event()), expected, "{filter}");
}

#[test]
fn filters_accept_what_they_say() {
    for (filter, expected) in [
        (json!({}), true),
        (json!("data.*"), true),
        (json!("auth.*"), false),
        (json!(["auth.*", "data.record.updated"]), true),
        (json!([]), false),
        (json!({"object": "deal"}), true),
        (json!({"payload.object": "deal", "payload.after.stage": "lost"}), false),
        (json!({"name": "data.record.updated", "id": "e1"}), true),
        (json!({"userId": "u1"}), true),
        (json!({"payload.userId": "in payload"}), true),
        (json!({"metadata.priority": "high"}), true),
        (json!({"metadata.tenantId": null}), true),
        (json!({"metadata.tenantId": {"$ne": "t1"}}), true),
        (json!({"after.amount": {"$gt": 12, "$lt": 13}}), true),
        (json!({"after.amount": {"$gte": 12.5, "$lte": 12.5}}), true),
        (json!({"after.amount": {"$between": [1, 12]}}), false),
        (json!({"after.amount": {"$gt": "a"}}), false),
        (json!({"after.amount": 12.50}), true),
        (json!({"after.stage": {"$in": ["won", "lost"]}}), true),
        (json!({"after.stage": {"$nin": ["won", "lost"]}}), false),
        (
            json!({"after.stage": {"$startsWith": "w", "$endsWith": "n", "$contains": "o"}}),
            true,
        ),
        (json!({"after.tags": {"$contains": "b"}}), true),
        (json!({"after.tags.1": "b"}), true),
        (json!({"after.tags": ["a", "b"]}), true),
        (json!({"after.note": {"$null": true, "$exists": true}}), true),
        (json!({"after.nothing": {"$exists": true}}), false),
        (json!({"after.nothing": {"$null": true}}), true),
        (json!({"$or": [{"object": "x"}, {"object": "deal"}]}), true),
        (json!({"$and": [{"object": "x"}, {"object": "deal"}]}), false),
        (json!({"$not": {"object": "deal"}}), false),
    ] {
        check(&filter, expected);
    }
}

#[test]
fn what_is_no_filter_says_why() {
    for (filter, part) in [
        (json!(5), "5 is no filter"),
        (json!("Data"), "is no event pattern"),
        (json!(["data.*", 3]), "holds texts, not 3"),
        (
            json!({"object": {"$equals": 1}}),
            "object: there is no operator $equals",
        ),
        (json!({"object": {"$contain": "a"}}), "the nearest one is $contains"),
        (json!({"$nor": []}), "$nor does not join filters"),
        (json!({"$or": {}}), "$or takes a list of filter objects"),
        (json!({"metadata.tenant": 1}), "metadata has source"),
        (json!({"a..b": 1}), "is no path into an event"),
        (json!({"a": {"$in": 1}}), "a: $in takes a list"),
    ] {
        let error = EventFilter::compile(&filter).expect_err("no filter");
        assert!(error.contains(part), "{filter}: {error}");
    }
}

#[test]
fn a_choice_of_names_is_known_before_the_payload() {
    let names = EventFilter::compile(&json!(["data.*"])).expect("a filter");
    assert!(names.may_accept("data.x") && !names.may_accept("auth.x"));
    assert!(
        EventFilter::compile(&json!({"a": 1}))
            .expect("a filter")
            .may_accept("auth.x")
    );
}
