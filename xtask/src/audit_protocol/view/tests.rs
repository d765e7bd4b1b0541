//! Two ways of saying the same thing have one plain form.

use serde_json::json;

use super::*;

fn check(schemas: &[Value], expected: &Value) {
    for schema in schemas {
        assert_eq!(Plain::new(schema).root(), expected, "{schema}");
    }
}

#[test]
fn constants_are_enums_and_choices_are_any_of() {
    check(
        &[json!({ "const": "a" }), json!({ "enum": ["a"] })],
        &json!({ "enum": ["a"] }),
    );
    check(
        &[
            json!({ "type": ["string", "null"] }),
            json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }),
            json!({ "oneOf": [{ "type": "string", "description": "text" }, { "type": "null" }] }),
        ],
        &json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }),
    );
    check(
        &[json!({ "oneOf": [{ "type": "string", "const": "a" }, { "type": "string", "enum": ["b"] }] })],
        &json!({ "type": "string", "enum": ["a", "b"] }),
    );
}

#[test]
fn parts_are_merged() {
    let expected = json!({
        "type": "object", "properties": { "a": {}, "b": {} }, "required": ["a", "b"], "additionalProperties": false,
    });
    check(
        &[json!({ "allOf": [
            { "type": "object", "properties": { "a": {} }, "required": ["a"], "additionalProperties": {} },
            { "properties": { "b": {} }, "required": ["b"], "additionalProperties": false },
        ] })],
        &expected,
    );
    check(
        &[
            json!({ "properties": { "a": {} }, "oneOf": [{ "properties": { "b": {} } }, { "properties": { "c": {} } }] }),
        ],
        &json!({ "anyOf": [{ "properties": { "a": {}, "b": {} } }, { "properties": { "a": {}, "c": {} } }] }),
    );
}

#[test]
fn what_says_nothing_is_gone() {
    check(
        &[
            json!({ "type": "integer", "exclusiveMinimum": 0, "maximum": SAFE_INTEGER }),
            json!({ "type": "integer", "format": "uint64", "minimum": 1, "title": "t", "description": "d" }),
        ],
        &json!({ "type": "integer", "minimum": 1.0 }),
    );
    check(
        &[json!({ "type": "object", "additionalProperties": {}, "propertyNames": { "type": "string" } })],
        &json!({ "type": "object" }),
    );
}

#[test]
fn recursion_stays_a_reference() {
    let plain = Plain::new(&json!({
        "properties": { "next": { "$ref": "#/$defs/node" } },
        "$defs": { "node": { "type": "array", "items": { "$ref": "#/$defs/node", "description": "d" } } },
    }));
    let next = &plain.root()["properties"]["next"];
    assert_eq!(next, &json!({ "$ref": "#/$defs/node" }));
    let node = plain.target(next).unwrap();
    assert_eq!(plain.target(&node["items"]), Some(node));
}
