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
