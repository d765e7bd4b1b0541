//! The list covers exactly, needs reasons, and shrinks.

use super::*;

fn finding(schema: &str, path: &str, check: &'static str) -> Finding {
    Finding {
        schema: schema.into(),
        path: path.into(),
        check,
        ours: String::new(),
        published: String::new(),
    }
}

const LIST: &str = r#"{"accepted": [{"type": "data/Field", "path": "max", "check": "range", "reason": "because"}]}"#;

#[test]
fn an_entry_covers_its_own_finding_only() {
    let check = |schema, path, check, covered| {
        assert_eq!(
            Accepted::parse(LIST).unwrap().covers(&finding(schema, path, check)),
            covered,
            "{schema} {path}"
        );
    };
    check("data/Field", "max", "range", true);
    check("data/Field", "min", "range", false);
    check("data/Field", "max", "default", false);
    check("data/Object", "max", "range", false);
}

#[test]
fn an_entry_that_covers_nothing_is_a_finding() {
    let mut list = Accepted::parse(LIST).unwrap();
    assert_eq!(list.unused().len(), 1);
    assert!(list.covers(&finding("data/Field", "max", "range")));
    assert_eq!(list.unused(), []);
}

#[test]
fn an_entry_needs_a_reason() {
    let error = Accepted::parse(&LIST.replace("because", " ")).unwrap_err();
    assert_eq!(error.to_string(), "data/Field max has no reason");
}

/// The committed list.
const COMMITTED: &str = include_str!("../../../audit-accepted.json");

#[test]
fn the_committed_list_is_the_baseline() {
    assert_eq!(Accepted::parse(COMMITTED).unwrap().grown(), []);
}

#[test]
fn a_new_entry_and_one_that_went_are_findings() {
    let check = |change: fn(&mut Vec<serde_json::Value>), expected: &[(&str, &str)]| {
        let mut list: serde_json::Value = serde_json::from_str(COMMITTED).unwrap();
        change(list["accepted"].as_array_mut().unwrap());
        let found = Accepted::parse(&list.to_string()).unwrap().grown();
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|finding| (finding.schema.as_str(), finding.ours.as_str()))
            .collect();
        assert_eq!(found, expected);
    };
    check(
        |list| {
            let mut new = list[0].clone();
            new["type"] = "data/Field".into();
            list.push(new);
        },
        &[("data/Field", "the difference in `additional` is newly accepted")],
    );
    // In the place of another: their number alone says nothing.
    check(
        |list| list[3]["path"] = "".into(),
        &[
            (
                "api/CrudEndpointsConfig",
                "the difference in `verdict` is newly accepted",
            ),
            (
                "api/CrudEndpointsConfig",
                "the difference in `verdict` is accepted no more",
            ),
        ],
    );
    check(
        |list| list.push(list[1].clone()),
        &[("data/FilterCondition", "the difference in `verdict` is newly accepted")],
    );
    check(
        |list| drop(list.remove(0)),
        &[(
            "data/FilterCondition",
            "the difference in `additional` is accepted no more",
        )],
    );
}
