use serde_json::json;

use super::*;

/// The filter in object form, so that forms can be held against each other.
#[allow(clippy::needless_pass_by_value)]
fn read(value: Value) -> Result<Value, String> {
    read_filter(&value)
        .map(|filter| filter.to_json())
        .map_err(|error| error.to_string())
}

#[test]
fn forms_that_mean_the_same_read_the_same() {
    let check = |left: Value, right: Value| assert_eq!(read(left.clone()), read(right.clone()), "{left} and {right}");
    check(json!({ "a": 1 }), json!(["a", "=", 1]));
    check(json!({ "a": 1 }), json!([["a", "=", 1]]));
    check(json!({ "a": { "$gt": 1 } }), json!(["a", ">", 1]));
    check(json!({ "a": 1, "b": 2 }), json!([["a", "=", 1], ["b", "=", 2]]));
    check(
        json!({ "$and": [{ "a": 1 }, { "b": 2 }] }),
        json!(["and", ["a", "=", 1], ["b", "=", 2]]),
    );
    check(
        json!({ "$or": [{ "a": 1 }, { "b": 2 }] }),
        json!([["a", "=", 1], "or", ["b", "=", 2]]),
    );
    check(json!({ "$or": [{ "a": 1 }] }), json!({ "a": 1 }));
    check(json!({ "a": { "$between": [1, 2] } }), json!(["a", "between", 1, 2]));
    check(json!({ "a": { "$null": true } }), json!(["a", "is_null"]));
    check(
        json!({ "r": { "x": 1, "s": { "y": 2 } } }),
        json!({ "r.x": 1, "r.s.y": 2 }),
    );
    check(
        json!({ "r": { "$or": [{ "x": 1 }] } }),
        json!({ "r": { "$or": [{ "x": 1 }] } }),
    );
    check(
        json!({ "a": { "$not": { "$gt": 1 } } }),
        json!({ "$not": { "a": { "$gt": 1 } } }),
    );
    check(json!(["a", "$in", [1]]), json!({ "a": { "$in": [1] } }));
    check(json!(null), json!({}));
}

#[test]
fn a_field_may_be_called_like_a_word() {
    assert_eq!(read(json!(["and", "=", 1])), read(json!({ "and": 1 })));
    assert_eq!(read(json!(["or", "in", [1]])), read(json!({ "or": { "$in": [1] } })));
}

#[test]
fn what_was_read_is_read_again() {
    for filter in [
        json!({ "a": { "$gt": { "$field": "b" } } }),
        json!([["a", "=", 1], "or", ["b", "is_not_null"], "and", ["c", "like", "x%"]]),
        json!({ "$not": { "a": null } }),
        json!({ "$nor": [{ "a": 1 }] }),
    ] {
        let first = read_filter(&filter).unwrap();
        assert_eq!(
            read_filter(&first.to_json()).unwrap().to_json(),
            first.to_json(),
            "{filter}"
        );
    }
}
