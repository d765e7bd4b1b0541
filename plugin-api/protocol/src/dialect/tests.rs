//! Every kind of older spelling, each with what it becomes.

use serde_json::{Value, json};

use super::*;
use crate::data::{Dataset, FieldType, Object, RuleKind};

/// Normalises one field and compares the keys that matter.
fn check_field(field: Value, expected: Value) {
    let document = json!({ "name": "thing", "fields": { "some_field": field.clone() } });
    let (object, _) = normalise_object(document);
    let mut found = object["fields"]["some_field"].clone();
    let map = found.as_object_mut().unwrap();
    assert_eq!(map.shift_remove("name"), Some(json!("some_field")), "{field}");
    if expected.get("label").is_none() {
        assert_eq!(map.shift_remove("label"), Some(json!("Some Field")), "{field}");
    }
    assert_eq!(found, expected, "{field}");
    serde_json::from_value::<Object>(object).unwrap_or_else(|error| panic!("{field}: {error}"));
}

#[test]
fn older_field_keys_become_canonical() {
    check_field(
        json!({ "type": "lookup", "reference_to": "user" }),
        json!({ "type": "lookup", "reference": "user" }),
    );
    check_field(
        json!({ "type": "auto_number", "format": "T-{0000}" }),
        json!({ "type": "autonumber", "autonumberFormat": "T-{0000}" }),
    );
    check_field(
        json!({ "type": "text", "max_length": 80, "min_length": 2 }),
        json!({ "type": "text", "maxLength": 80, "minLength": 2 }),
    );
    check_field(
        json!({ "type": "text", "default": "x" }),
        json!({ "type": "text", "defaultValue": "x" }),
    );
    check_field(
        json!({ "type": "text", "default_value": "x" }),
        json!({ "type": "text", "defaultValue": "x" }),
    );
    check_field(
        json!({ "type": "text", "help_text": "how" }),
        json!({ "type": "text", "inlineHelpText": "how" }),
    );
    check_field(
        json!({ "type": "text", "visible": false }),
        json!({ "type": "text", "hidden": true }),
    );
    check_field(json!({ "type": "object" }), json!({ "type": "json" }));
    check_field(json!("text"), json!({ "type": "text" }));
    check_field(
        json!({ "type": "lookup", "reference_to": "user", "on_delete": "no_action" }),
        json!({ "type": "lookup", "reference": "user", "deleteBehavior": "restrict" }),
    );
    check_field(
        json!({ "type": "file", "accept": ["pdf"], "max_size": 10 }),
        json!({ "type": "file", "fileAttachmentConfig": { "allowedTypes": ["pdf"], "maxSize": 10 } }),
    );
    check_field(
        json!({ "type": "number", "validation": { "min": 1, "max": 9 } }),
        json!({ "type": "number", "min": 1, "max": 9 }),
    );
}

#[test]
fn types_of_later_versions_are_what_they_are_here() {
    check_field(
        json!({ "type": "user" }),
        json!({ "type": "lookup", "reference": "sys_user" }),
    );
    check_field(
        json!({ "type": "user", "reference": "person", "multiple": true }),
        json!({ "type": "lookup", "reference": "person", "multiple": true }),
    );
    let local = json!({ "enabled": true, "keyManagement": { "provider": "local" }, "scope": "field" });
    check_field(
        json!("secret"),
        json!({ "type": "password", "encryptionConfig": local.clone() }),
    );
    check_field(
        json!({ "type": "secret", "encryptionConfig": { "enabled": false } }),
        json!({ "type": "password", "encryptionConfig": local }),
    );
    check_field(
        json!({ "type": "secret", "encryption_config": { "scope": "table", "algorithm": "aes-256-cbc" } }),
        json!({ "type": "password", "encryptionConfig": {
            "scope": "table", "algorithm": "aes-256-cbc", "enabled": true, "keyManagement": { "provider": "local" } } }),
    );
    for later in ["composite", "record", "repeater"] {
        check_field(json!({ "type": later }), json!({ "type": "json" }));
    }
    for (later, here) in table::LATER_TYPES {
        assert!(serde_json::from_value::<FieldType>(json!(later)).is_err(), "{later}");
        assert!(serde_json::from_value::<FieldType>(json!(here)).is_ok(), "{here}");
    }
}

#[test]
fn the_type_follows_from_the_other_keys() {
    check_field(
        json!({ "reference_to": "user" }),
        json!({ "type": "lookup", "reference": "user" }),
    );
    check_field(
        json!({ "options": ["low", "high"] }),
        json!({ "type": "select", "options": [{ "label": "Low", "value": "low" }, { "label": "High", "value": "high" }] }),
    );
    check_field(
        json!({ "formula": "a + b" }),
        json!({ "type": "formula", "expression": "a + b" }),
    );
    check_field(
        json!({ "summary_object": "line", "summary_field": "price", "summary_type": "average" }),
        json!({ "type": "summary", "summaryOperations": { "object": "line", "field": "price", "function": "avg" } }),
    );
}

#[test]
fn options_take_every_older_form() {
    let expected = json!([{ "label": "Not Started", "value": "not_started" }, { "label": "Done", "value": "done" }]);
    let check = |options: Value, default: &str| {
        check_field(
            json!({ "type": "select", "options": options, "default": default }),
            json!({ "type": "select", "options": expected, "defaultValue": "not_started" }),
        );
    };
    check(json!(["Not Started", "Done"]), "Not Started");
    check(json!(["not_started", "done"]), "not_started");
    check(json!({ "not_started": "Not Started", "done": "Done" }), "Not Started");
    check(expected.clone(), "Not Started");
}

#[test]
fn objects_lose_their_older_keys() {
    let (object, notes) = normalise_object(json!({
        "name": "sales_order", "plural_label": "Orders", "enable_api": false, "enable_audit": true,
        "fields": { "title": { "type": "text", "regex": "^[A-Z]" } },
        "indexes": { "by_title": { "fields": ["title"], "unique": true }, "plain": ["title"] },
        "workflows": [{ "name": "x" }],
        "validation": { "rules": [
            { "name": "dates", "type": "cross_field", "error_message": { "en": "wrong", "de": "falsch" }, "trigger": ["create"],
              "rule": { "field": "end", "operator": ">", "compare_to": "start" } },
            { "name": "path", "type": "state_machine", "message": "no", "field": "status",
              "transitions": { "a": { "allowed_next": ["b"] }, "b": { "is_terminal": true } } },
        ] },
    }));
    let ignored: Vec<&str> = notes
        .iter()
        .filter(|note| note.kind == NoteKind::Ignored)
        .map(|note| note.path.as_str())
        .collect();
    assert_eq!(ignored, ["workflows", "validation.rules[0].message"]);
    let object: Object = serde_json::from_value(object).unwrap();
    assert_eq!(object.label.as_deref(), Some("Sales Order"));
    assert_eq!(object.plural_label.as_deref(), Some("Orders"));
    let enable = object.enable.unwrap();
    assert_eq!(
        (enable.api_enabled, enable.track_history, enable.searchable),
        (false, true, true)
    );
    let indexes = object.indexes.unwrap();
    assert_eq!(
        (indexes[0].name.as_deref(), indexes[0].unique),
        (Some("by_title"), true)
    );
    assert_eq!(indexes[1].fields, ["title"]);
    let rules = object.validations.unwrap();
    let names: Vec<&str> = rules.iter().map(|rule| rule.common.name.as_str()).collect();
    assert_eq!(names, ["dates", "path", "title_regex"]);
    assert!(
        matches!(&rules[0].kind, RuleKind::CrossField(rule) if rule.condition == "end <= start" && rule.fields == ["end", "start"])
    );
    assert!(matches!(&rules[1].kind, RuleKind::StateMachine(rule) if rule.transitions["b"].is_empty()));
    assert!(matches!(&rules[2].kind, RuleKind::Format(rule) if rule.regex.as_deref() == Some("^[A-Z]")));
}

#[test]
fn comparisons_become_conditions() {
    let check = |rule: Value, condition: &str, fields: &[&str]| {
        let document = json!({ "name": "a", "fields": {}, "validations": [rule] });
        let (object, _) = normalise_object(document);
        let rule = &object["validations"][0];
        assert_eq!(
            (&rule["condition"], &rule["fields"]),
            (&json!(condition), &json!(fields)),
            "{rule}"
        );
    };
    let test =
        |field: &str, operator: &str, value: Value| json!({ "field": field, "operator": operator, "value": value });
    let rule = |rule: Value| json!({ "type": "cross_field", "name": "r", "message": "m", "rule": rule });
    check(rule(test("a", "=", json!("x"))), "a != \"x\"", &["a"]);
    check(rule(test("a", "in", json!(["x", 1]))), "a NOT IN (\"x\", 1)", &["a"]);
    check(
        rule(test("a", "contains", json!("x"))),
        "NOT CONTAINS(a, \"x\")",
        &["a"],
    );
    check(
        rule(test("a", "not_contains", json!("x"))),
        "CONTAINS(a, \"x\")",
        &["a"],
    );
    check(
        rule(json!({ "all_of": [test("a", ">", json!(1)), { "field": "b", "operator": "<", "compare_to": "a" }] })),
        "(a <= 1) OR (b >= a)",
        &["a", "b"],
    );
    check(
        rule(json!({ "any_of": [test("a", ">", json!(1)), { "all_of": [test("b", "=", json!(null))] }] })),
        "(a <= 1) AND ((b != null))",
        &["a", "b"],
    );
    let constraint = json!({ "any_of": [test("a", ">", json!(1))], "then_require": ["b", test("c", "=", json!(2))] });
    check(
        json!({ "type": "business_rule", "name": "r", "message": "m", "constraint": constraint }),
        "((a > 1)) AND ((ISBLANK(b)) OR (c != 2))",
        &["b", "c"],
    );
    let when = json!({ "type": "cross_field", "name": "r", "message": "m", "apply_when": test("k", "=", json!("v")),
        "condition": "a > b", "fields": ["a"] });
    check(when, "(k = \"v\") AND (a > b)", &["a"]);
}

#[test]
fn a_rule_that_applies_to_some_records_becomes_a_conditional_one() {
    let rule =
        json!({ "type": "format", "name": "r", "message": "m", "field": "a", "regex": "x", "apply_when": "b = 1" });
    let (object, _) = normalise_object(json!({ "name": "a", "fields": {}, "validations": [rule] }));
    let object: Object = serde_json::from_value(object).unwrap();
    let rules = object.validations.unwrap();
    assert!(
        matches!(&rules[0].kind, RuleKind::Conditional(rule) if rule.when == "b = 1"
        && matches!(rule.then.kind, RuleKind::Format(_)))
    );
}

#[test]
fn protocols_of_addresses() {
    check_field(
        json!({ "type": "url", "validation": { "format": "url", "protocols": ["https", "ftp"] } }),
        json!({ "type": "url", "format": "https, ftp" }),
    );
}

#[test]
fn a_canonical_object_stays_as_it_is() {
    let object = json!({
        "name": "account", "label": "Account",
        "fields": { "name": { "name": "name", "label": "Name", "type": "text", "maxLength": 80 } },
        "indexes": [{ "fields": ["name"] }],
        "validations": [{ "type": "script", "name": "x", "message": "m", "condition": "c" }],
    });
    assert_eq!(normalise_object(object.clone()), (object, Vec::new()));
}

#[test]
fn what_is_not_known_stays_for_the_typed_reader() {
    let (object, _) = normalise_object(json!({ "name": "a", "fields": { "x": { "type": "text", "colour": "red" } } }));
    let error = serde_json::from_value::<Object>(object).unwrap_err().to_string();
    assert!(error.contains("unknown field `colour`"), "{error}");
}

#[test]
fn the_canonical_key_wins_over_the_older_one() {
    let (object, notes) = normalise_object(json!({
        "name": "a", "label": "A",
        "fields": { "x": { "name": "x", "label": "X", "type": "lookup", "reference": "user", "reference_to": "account" } },
    }));
    assert_eq!(object["fields"]["x"]["reference"], "user");
    let expected = Note {
        path: "fields.x.reference_to".to_owned(),
        kind: NoteKind::Ignored,
        message: "left out: `reference` is there too".to_owned(),
    };
    assert_eq!(notes, [expected]);
}

#[test]
fn a_file_holds_one_object_or_a_map_of_them() {
    let names = |document: Value| -> Vec<String> {
        objects_in_file(document, "stem")
            .iter()
            .map(|object| object["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(json!({ "fields": {} })), ["stem"]);
    assert_eq!(names(json!({ "name": "own", "fields": {} })), ["own"]);
    assert_eq!(
        names(json!({ "a": { "fields": {} }, "b": { "fields": {} } })),
        ["a", "b"]
    );
}

#[test]
fn seed_data_may_be_a_bare_list() {
    let check = |document: Value, object: &str, count: usize| {
        let (dataset, _) = normalise_dataset(document, "task");
        let dataset: Dataset = serde_json::from_value(dataset).unwrap();
        assert_eq!((dataset.object.as_str(), dataset.records.len()), (object, count));
    };
    check(json!([{ "subject": "a" }, { "subject": "b" }]), "task", 2);
    check(json!({ "records": [{ "subject": "a" }] }), "task", 1);
    check(
        json!({ "object": "note", "data": [], "external_id": "code" }),
        "note",
        0,
    );
}

#[test]
fn every_newer_type_is_a_type_and_every_older_one_is_not() {
    for (old, new) in table::TYPES {
        assert!(new.parse::<FieldType>().is_ok(), "{new}");
        assert!(old.parse::<FieldType>().is_err(), "{old}");
    }
}
