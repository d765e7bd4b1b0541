//! Each kind of difference is found once, at its place, and sameness is no difference.

use serde_json::json;

use super::super::tests::{fitting_schema, subject};
use super::*;

fn check(ours: &Value, theirs: &Value, expected: &[&str]) {
    let found: Vec<String> = compare(&subject(ours, theirs), &mut Counts::default())
        .into_iter()
        .map(|(_, finding)| {
            format!(
                "{} {}: {} / {}",
                finding.check, finding.path, finding.ours, finding.published
            )
        })
        .collect();
    assert_eq!(found, expected, "{ours} and {theirs}");
}

/// The same schema with one change.
fn with(pointer: &str, value: Value) -> Value {
    let mut schema = fitting_schema();
    *schema.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
    schema
}

#[test]
fn a_schema_is_the_same_as_itself() {
    check(&fitting_schema(), &fitting_schema(), &[]);
}

#[test]
fn every_difference_is_found() {
    let base = fitting_schema();
    check(
        &base,
        &with("/required", json!(["name", "size"])),
        &["required size: optional / required"],
    );
    check(
        &base,
        &with("/required", json!([])),
        &["required name: required / optional"],
    );
    check(
        &base,
        &with("/additionalProperties", json!({})),
        &["additional : closed / open"],
    );
    check(
        &base,
        &with("/properties/size", json!({ "type": "number", "minimum": 1 })),
        &["type size: integer / number"],
    );
    check(
        &base,
        &with("/properties/size/minimum", json!(2)),
        &["range size: 1.0 / 2.0"],
    );
    check(
        &base,
        &with("/properties/name", json!({ "type": "string", "format": "uri" })),
        &["format name: no format / uri"],
    );
    check(
        &base,
        &with("/properties/name", json!({ "type": "string", "pattern": "a" })),
        &["pattern name: no pattern / a"],
    );
    check(
        &base,
        &with("/properties/name", json!({ "type": "string", "enum": ["a"] })),
        &["enum name: anything / a"],
    );
    check(
        &base,
        &with("/properties/name", json!({ "type": "string", "default": "a" })),
        &["default name: no default / a"],
    );
    check(
        &base,
        &with("/properties", json!({ "name": { "type": "string" } })),
        &["property size: present / absent"],
    );
    check(
        &with("/properties", json!({ "name": { "type": "string" } })),
        &base,
        &["property size: absent / present"],
    );
    check(
        &with("/properties/name", json!({ "enum": ["a", "b"] })),
        &with("/properties/name", json!({ "enum": ["b", "c"] })),
        &["enum name: a / c"],
    );
    check(
        &base,
        &with("/properties/name", json!({ "type": "string", "not": {} })),
        &["keyword name: not / a keyword this audit does not understand"],
    );
}

#[test]
fn unions_are_compared_member_by_member() {
    let union = |kinds: &[(&str, &str)]| {
        let member = |(tag, kind): &(&str, &str)| json!({ "type": "object", "properties": { "type": { "const": tag }, "value": { "type": kind } }, "required": ["type"] });
        json!({ "oneOf": kinds.iter().map(member).collect::<Vec<_>>() })
    };
    check(
        &union(&[("a", "string"), ("b", "number")]),
        &union(&[("b", "number"), ("a", "string")]),
        &[],
    );
    check(
        &union(&[("a", "string"), ("b", "number")]),
        &union(&[("a", "string"), ("b", "boolean")]),
        &["type <type=b>.value: number / boolean"],
    );
    check(
        &union(&[("a", "string"), ("b", "number")]),
        &union(&[("a", "string"), ("c", "number")]),
        &["union : absent / type=c", "union : type=b / absent"],
    );
}

#[test]
fn recursion_ends() {
    let recursive = |kind: &str| {
        json!({
            "type": "object",
            "properties": { "value": { "type": kind }, "next": { "$ref": "#" } },
        })
    };
    check(&recursive("string"), &recursive("string"), &[]);
    check(
        &recursive("string"),
        &recursive("number"),
        &["type next.value: string / number", "type value: string / number"],
    );
}
