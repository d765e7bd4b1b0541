//! The corpus finds a type that accepts too much, one that accepts too little, and one whose own schema says otherwise.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::tests::{fitting_schema, subject};
use super::*;

/// The kinds of finding, and the paths, for a published schema that the type should fit.
fn check(own: &Value, published: &Value) -> BTreeSet<(&'static str, String)> {
    let mut counts = Counts::default();
    let findings = super::check(&subject(own, published), &mut Done::new(), &mut counts).unwrap();
    assert!(counts.documents > 20, "{counts:?}");
    assert!(
        counts.valid_documents > 1 && counts.valid_documents < counts.documents,
        "{counts:?}"
    );
    findings
        .into_iter()
        .map(|(_, finding)| (finding.check, finding.path))
        .collect()
}

fn changed(pointer: &str, value: Value) -> Value {
    let mut schema = fitting_schema();
    *schema.pointer_mut(pointer).unwrap() = value;
    schema
}

#[test]
fn a_type_that_fits_has_no_findings() {
    assert_eq!(check(&fitting_schema(), &fitting_schema()), BTreeSet::new());
}

#[test]
fn other_verdicts_are_found_where_they_differ() {
    let found = |published: &Value| check(&fitting_schema(), published);
    let at = |path: &str| BTreeSet::from([("verdict", path.to_owned())]);
    assert_eq!(found(&changed("/properties/size/minimum", json!(2))), at("size"));
    assert_eq!(found(&changed("/additionalProperties", json!(true))), at(""));
    assert_eq!(
        found(&changed(
            "/properties/name",
            json!({ "type": "string", "maxLength": 3 })
        )),
        at("name")
    );
}

#[test]
fn our_own_schema_is_held_against_our_type() {
    let lax = changed("/properties/size", json!({ "type": "integer" }));
    assert_eq!(
        check(&lax, &fitting_schema()),
        BTreeSet::from([("own schema", "size".to_owned())])
    );
}

#[test]
fn an_unknown_pattern_is_an_error() {
    let published = changed(
        "/properties/name",
        json!({ "type": "string", "pattern": "^never seen$" }),
    );
    let outcome = super::check(
        &subject(&fitting_schema(), &published),
        &mut Done::new(),
        &mut Counts::default(),
    );
    assert!(outcome.unwrap_err().to_string().contains("probe.rs"));
}
