//! Names and types of the model, of definitions as the metadata has them.

use objectos_plugin_api::contracts::metadata::MetadataItem;
use serde_json::{Value, json};

use super::{Kind, Member, Model, Root, RootKind, read};

fn item(definition: Value) -> MetadataItem {
    MetadataItem {
        kind: "object".to_owned(),
        name: definition["name"].as_str().unwrap_or_default().to_owned(),
        package: "test".to_owned(),
        definition,
    }
}

/// Accounts, contacts and what clashes with them.
pub(crate) fn sample() -> Model {
    read(&[
        item(json!({"name": "account", "versioning": {"enabled": true}, "fields": {
            "name": {"type": "text", "label": "Name", "required": true},
            "industry": {"type": "select", "options": [
                {"value": "software", "label": "Software"}, {"value": "24h", "label": "Day and night"},
                {"value": "on.hold", "label": "On hold"}, {"value": "on_hold", "label": "On hold too"}]},
            "revenue": {"type": "currency"},
            "founded": {"type": "date"},
            "tags": {"type": "tags"},
            "door_code": {"type": "password"},
            "double": {"type": "formula", "expression": "revenue * 2"},
            "rank": {"type": "select", "maskingRule": {"field": "rank"}, "options": [{"value": "aa", "label": "A"}]},
            "logo": {"type": "image"},
            "partners": {"type": "lookup", "reference": "account", "multiple": true},
            "and": {"type": "text"}}})),
        item(json!({"name": "contact", "fields": {
            "last_name": {"type": "text"},
            "account": {"type": "lookup", "reference": "account"},
            "boss_id": {"type": "lookup", "reference": "contact"},
            "aide": {"type": "lookup", "reference": "contact"},
            "aide_id": {"type": "text"},
            "lost": {"type": "lookup", "reference": "nothing"}}})),
        item(json!({"name": "account_filter", "fields": {"x": {"type": "text"}},
            "enable": {"apiEnabled": true, "apiMethods": ["get", "list"]}})),
        item(json!({"name": "base", "abstract": true, "fields": {}})),
        item(json!({"name": "gone", "active": false, "fields": {}})),
    ])
}

fn place(model: &Model, name: &str) -> usize {
    model.objects.iter().position(|object| object.name == name).unwrap()
}

#[test]
fn only_objects_with_records_have_types_and_no_two_types_are_alike() {
    let model = sample();
    let types: Vec<(&str, &str)> = model
        .objects
        .iter()
        .map(|object| (object.name.as_str(), object.type_name.as_str()))
        .collect();
    // `Account` took `AccountFilter` for its filter.
    let expected = [
        ("account", "Account"),
        ("account_filter", "AccountFilter_2"),
        ("contact", "Contact"),
    ];
    assert_eq!(types, expected);
}

#[test]
fn a_reference_has_a_name_for_the_id_and_one_for_the_record() {
    let model = sample();
    let contact = &model.objects[place(&model, "contact")];
    let check = |field: &str, value: &str, record: Option<&str>| {
        let found = contact.fields.iter().find(|found| found.name == field).unwrap();
        assert_eq!(
            (found.value_name.as_str(), found.record_name.as_deref()),
            (value, record),
            "{field}"
        );
    };
    check("account", "account_id", Some("account"));
    check("boss_id", "boss_id", Some("boss"));
    // A field has the name that the id would have had.
    check("aide", "aide_id_2", Some("aide"));
    check("aide_id", "aide_id", None);
    check("lost", "lost", None);
    let account = &model.objects[place(&model, "account")];
    let partners = account.fields.iter().find(|field| field.name == "partners").unwrap();
    assert_eq!((partners.value_name.as_str(), partners.list), ("partners_ids", true));
    let clash = account.fields.iter().find(|field| field.name == "and").unwrap();
    assert_eq!(clash.value_name, "and_2");
}

#[test]
fn children_are_named_by_their_object_and_by_the_field_where_there_are_several() {
    let model = sample();
    let names = |object: &str| -> Vec<(String, String)> {
        let children = &model.objects[place(&model, object)].children;
        children
            .iter()
            .map(|child| (child.name.clone(), child.relation.clone()))
            .collect()
    };
    let pair = |name: &str, relation: &str| (name.to_owned(), relation.to_owned());
    assert_eq!(names("account"), [pair("contacts", "contact:account")]);
    assert_eq!(
        names("contact"),
        [
            pair("contacts_by_boss_id", "contact:boss_id"),
            pair("contacts_by_aide", "contact:aide")
        ]
    );
}

#[test]
fn types_follow_the_table() {
    let model = sample();
    let account = &model.objects[place(&model, "account")];
    let check = |field: &str, kind: Kind, list: bool| {
        let found = account.fields.iter().find(|found| found.name == field).unwrap();
        assert_eq!((found.kind, found.list), (kind, list), "{field}");
    };
    check("id", Kind::Id, false);
    check("name", Kind::Text, false);
    check("industry", Kind::Choice, false);
    check("revenue", Kind::Currency, false);
    check("founded", Kind::Date, false);
    check("tags", Kind::Text, true);
    check("double", Kind::Json, false);
    check("logo", Kind::Media, false);
    check("partners", Kind::Id, true);
    check("version", Kind::Number, false);
    check("created_at", Kind::DateTime, false);
    // Behind a mask there is a text that is none of the options.
    check("rank", Kind::Text, false);
    let secret = account.fields.iter().find(|field| field.name == "door_code").unwrap();
    assert!(secret.secret && !secret.readonly);
}

#[test]
fn choices_have_names_that_are_allowed_and_lead_to_their_values() {
    let model = sample();
    let account = &model.objects[place(&model, "account")];
    let industry = account.fields.iter().find(|field| field.name == "industry").unwrap();
    let choices = industry.choices.as_ref().unwrap();
    assert_eq!(choices.type_name, "AccountIndustry");
    for (name, value) in [
        ("software", "software"),
        ("_24h", "24h"),
        ("on_hold", "on.hold"),
        ("on_hold_2", "on_hold"),
    ] {
        assert_eq!((choices.value(name), choices.name(value)), (Some(value), Some(name)));
    }
    assert_eq!((choices.value("24h"), choices.name("_24h")), (None, None));
}

#[test]
fn definitions_switch_operations_off() {
    let model = sample();
    let filter = place(&model, "account_filter");
    let get = Root {
        kind: RootKind::Get,
        object: filter,
    };
    assert_eq!(model.queries.get("getAccountFilter_2"), Some(&get));
    assert!(model.queries.contains_key("findAccountFilter_2s"));
    assert!(!model.queries.contains_key("aggregateAccountFilter_2s"));
    assert!(!model.mutations.keys().any(|name| name.contains("AccountFilter")));
    for name in ["createAccount", "createAccounts", "updateAccount", "deleteAccount"] {
        assert!(model.mutations.contains_key(name), "{name}");
    }
}

#[test]
fn paths_are_those_of_the_engine() {
    let model = sample();
    let contact = place(&model, "contact");
    let check = |path: &str, expected: &str| assert_eq!(model.path(contact, path), expected, "{path}");
    check("account.industry", "account.industry");
    check("account_id", "account");
    check("boss.account.name", "boss_id.account.name");
    check("nothing.at_all", "nothing.at_all");
    assert_eq!(model.objects[contact].members.get("boss"), Some(&Member::Record(3)));
}
