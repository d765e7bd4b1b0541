//! The flat form of a rule and its two halves.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_rule_is_read_flat_and_written_flat() {
    let rule: ValidationRule = serde_json::from_value(json!({
        "type": "unique", "name": "one_name", "message": "taken", "fields": ["name"],
    }))
    .unwrap();
    assert!(matches!(&rule.kind, RuleKind::Unique(unique) if unique.fields == ["name"] && unique.case_sensitive));
    assert_eq!(
        serde_json::to_value(&rule).unwrap(),
        json!({
            "name": "one_name", "active": true, "events": ["insert", "update"], "severity": "error", "message": "taken",
            "type": "unique", "fields": ["name"], "caseSensitive": true,
        })
    );
}

#[test]
fn the_reason_for_a_refusal_names_the_key() {
    let check = |document: Value, reason: &str| {
        let error = serde_json::from_value::<ValidationRule>(document)
            .unwrap_err()
            .to_string();
        assert!(error.contains(reason), "{error}");
    };
    check(
        json!({ "type": "script", "name": "a", "message": "m" }),
        "missing field `condition`",
    );
    check(
        json!({ "type": "script", "name": "a", "condition": "c" }),
        "missing field `message`",
    );
    check(
        json!({ "type": "scripts", "name": "a", "message": "m" }),
        "unknown variant `scripts`",
    );
    check(
        json!({ "type": "script", "name": "a", "message": "m", "condition": "c", "feld": 1 }),
        "unknown field `feld`",
    );
    check(
        json!({ "type": "script", "name": "Not A Name", "message": "m", "condition": "c" }),
        "`Not A Name` is not a name",
    );
    check(json!({ "name": "a", "message": "m" }), "missing field `type`");
}

#[test]
fn rules_nest() {
    let rule: ValidationRule = serde_json::from_value(json!({
        "type": "conditional", "name": "outer", "message": "m", "when": "won",
        "then": { "type": "script", "name": "inner", "message": "m", "condition": "c" },
    }))
    .unwrap();
    assert!(matches!(rule.kind, RuleKind::Conditional(rule) if rule.then.common.name == "inner"));
}
