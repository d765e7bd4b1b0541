use serde_json::json;

use super::*;

fn read(filter: Value) -> Result<Filter, String> {
    let filter: EventFilter = serde_json::from_value(filter).map_err(|error| error.to_string())?;
    Filter::compile(&filter).map_err(|error| error.to_string())
}

fn payload() -> Map<String, Value> {
    let payload = json!({
        "object": "deal", "recordId": "d1", "changes": ["amount", "stage"],
        "after": {
            "amount": 120, "stage": "won", "name": "Acme & Sons", "tags": ["a", "b"], "lost": null,
            "place": {"city": "Bonn"},
        },
    });
    payload.as_object().unwrap().clone()
}

#[test]
fn every_operator_holds_where_it_should() {
    for (field, operator, value, expected) in [
        ("stage", "eq", json!("won"), true),
        ("stage", "eq", json!("lost"), false),
        ("after.stage", "eq", json!("won"), true),
        ("amount", "eq", json!(120.0), true),
        ("absent", "eq", json!(null), true),
        ("stage", "ne", json!("lost"), true),
        ("absent", "ne", json!("x"), true),
        ("amount", "gt", json!(119), true),
        ("amount", "gt", json!(120), false),
        ("amount", "gte", json!(120), true),
        ("amount", "lt", json!(120.5), true),
        ("amount", "lte", json!(119), false),
        ("absent", "lt", json!(1), false),
        ("stage", "gt", json!(1), false),
        ("name", "lt", json!("B"), true),
        ("stage", "in", json!(["won", "lost"]), true),
        ("stage", "in", json!([]), false),
        ("stage", "nin", json!(["lost"]), true),
        ("stage", "nin", json!(["won"]), false),
        ("name", "contains", json!("&"), true),
        ("tags", "contains", json!("b"), true),
        ("changes", "contains", json!("stage"), true),
        ("changes", "contains", json!("name"), false),
        ("amount", "contains", json!(1), false),
        ("name", "startsWith", json!("Acme"), true),
        ("name", "startsWith", json!("Sons"), false),
        ("name", "endsWith", json!("Sons"), true),
        ("amount", "endsWith", json!("0"), false),
        ("lost", "exists", json!(false), true),
        ("stage", "exists", json!(true), true),
        ("absent", "exists", json!(true), false),
        ("name", "regex", json!("^Acme .* Sons$"), true),
        ("name", "regex", json!("^Sons"), false),
        ("place.city", "eq", json!("Bonn"), true),
        ("tags.1", "eq", json!("b"), true),
    ] {
        let filter = read(json!({"conditions": [{"field": field, "operator": operator, "value": value}]})).unwrap();
        assert_eq!(filter.accepts(&payload()), expected, "{field} {operator} {value}");
    }
}

#[test]
fn groups_join() {
    let is = |stage: &str| json!({"conditions": [{"field": "stage", "operator": "eq", "value": stage}]});
    for (filter, expected) in [
        (json!({}), true),
        (json!({"and": [is("won"), is("lost")]}), false),
        (json!({"or": [is("won"), is("lost")]}), true),
        (json!({"or": []}), false),
        (json!({"not": is("won")}), false),
        (json!({"not": {"or": [is("lost"), is("open")]}}), true),
        (
            json!({"conditions": is("won")["conditions"], "or": [is("lost")]}),
            false,
        ),
    ] {
        assert_eq!(read(filter.clone()).unwrap().accepts(&payload()), expected, "{filter}");
    }
}

#[test]
fn what_cannot_be_used_is_said() {
    let condition =
        |operator: &str, value: Value| json!({"conditions": [{"field": "name", "operator": operator, "value": value}]});
    let mut deep = json!({});
    for _ in 0..=DEPTH_MAX {
        deep = json!({"not": deep});
    }
    let many: Vec<Value> = (0..=NODES_MAX)
        .map(|number| json!({"field": "name", "operator": "eq", "value": number}))
        .collect();
    for (filter, part) in [
        (condition("in", json!("a")), "needs a list"),
        (condition("gt", json!(true)), "compares with a text or a number"),
        (condition("startsWith", json!(1)), "needs a text"),
        (condition("exists", json!("yes")), "needs true or false"),
        (condition("regex", json!("(")), "no regular expression"),
        (condition("regex", json!("(\\pL{500}){500}")), "no regular expression"),
        (
            condition("regex", json!("a".repeat(CHARS_MAX + 1))),
            "needs a text of at most",
        ),
        (condition("like", json!("a")), "like"),
        (
            json!({"conditions": [{"field": "", "operator": "eq"}]}),
            "names no field",
        ),
        (json!({"conditions": many}), "at most 64 parts"),
        (
            json!({"or": vec![condition("regex", json!("a")); REGEXES_MAX + 1]}),
            "at most 8 regular expressions",
        ),
        (deep, "nested at most 8 deep"),
        (json!({"nand": []}), "nand"),
    ] {
        let error = read(filter.clone()).expect_err("refused");
        assert!(error.contains(part), "{filter}: {error}");
    }
}

#[test]
fn regular_expressions_are_counted() {
    let regex = json!({"conditions": [
        {"field": "name", "operator": "regex", "value": "a"}, {"field": "name", "operator": "eq", "value": "a"},
    ]});
    let filter = json!({"conditions": regex["conditions"], "or": [regex, {"not": regex}], "not": regex});
    assert_eq!(read(filter).unwrap().regexes(), 4);
}

#[test]
fn an_expression_that_would_backtrack_for_ever_does_not() {
    let filter = read(json!({"conditions": [{"field": "text", "operator": "regex", "value": "^(a+)+$"}]})).unwrap();
    let text = format!("{}!", "a".repeat(100_000));
    let payload = json!({"text": text}).as_object().unwrap().clone();
    assert!(!filter.accepts(&payload));
}

#[test]
fn a_map_of_values_is_a_filter_too() {
    for (map, expected) in [
        (json!({"stage": "won"}), true),
        (json!({"stage": "won", "amount": 1}), false),
        (
            json!({"conditions": [{"field": "amount", "operator": "gt", "value": 100}]}),
            true,
        ),
    ] {
        let filter = Filter::of_map(map.as_object().unwrap()).unwrap();
        assert_eq!(filter.accepts(&payload()), expected, "{map}");
    }
    let wrong = json!({"conditions": 3});
    assert!(Filter::of_map(wrong.as_object().unwrap()).is_err());
}
