//! What passes for a filter.

use serde_json::json;

use super::*;

fn check(document: Value, problem: Option<&str>) {
    let read = serde_json::from_value::<FilterCondition>(document.clone());
    match (read, problem) {
        (Ok(filter), None) => assert_eq!(serde_json::to_value(filter).unwrap(), document),
        (Err(error), Some(problem)) => assert_eq!(error.to_string(), problem, "{document}"),
        (read, problem) => panic!("{document}: {read:?}, expected {problem:?}"),
    }
}

#[test]
fn conditions_are_open_and_combinations_are_filters() {
    check(json!({}), None);
    check(json!({ "status": "open", "amount": { "$gt": 5 } }), None);
    check(
        json!({ "$and": [{ "a": 1 }, { "$or": [{}, { "$not": { "b": null } }] }] }),
        None,
    );
}

#[test]
fn combinations_of_anything_else_are_refused() {
    check(json!({ "$and": { "a": 1 } }), Some("$and takes a list of filters"));
    check(json!({ "$or": [1] }), Some("$or takes a filter object"));
    check(json!({ "$not": [] }), Some("$not takes a filter object"));
    check(
        json!({ "$and": [{ "$or": "x" }] }),
        Some("$and: $or takes a list of filters"),
    );
}
