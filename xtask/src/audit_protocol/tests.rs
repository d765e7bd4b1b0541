//! Subjects for the tests of the parts, and what the whole does with its findings.

use serde_json::{Value, json};

use super::Subject;
use super::registry::Entry;
use super::report::{Counts, Finding, Report};
use super::view::Plain;

/// A type that reads like `{name: string, size?: integer from 1}` and refuses everything else.
fn rewrite(document: &Value) -> Result<Value, String> {
    let map = document.as_object().ok_or("not a map")?;
    let known = map.keys().all(|key| key == "name" || key == "size");
    let size = map
        .get("size")
        .is_none_or(|size| size.as_f64().is_some_and(|size| size >= 1.0 && size.fract() == 0.0));
    let name = map.get("name").is_some_and(Value::is_string);
    if known && size && name {
        Ok(document.clone())
    } else {
        Err("refused".to_owned())
    }
}

static ENTRY: Entry = Entry {
    path: "test/Type",
    written: || Value::Null,
    readable: || Value::Null,
    rewrite,
};

/// What fits [`rewrite`].
pub(super) fn fitting_schema() -> Value {
    json!({
        "type": "object",
        "properties": { "name": { "type": "string" }, "size": { "type": "integer", "minimum": 1 } },
        "required": ["name"],
        "additionalProperties": false,
    })
}

pub(super) fn subject(ours: &Value, published: &Value) -> Subject {
    Subject {
        entry: &ENTRY,
        published: published.clone(),
        published_plain: Plain::new(published),
        written: Plain::new(ours),
        read: ours.clone(),
    }
}

#[test]
fn a_clean_report_is_short_and_a_finding_is_a_row() {
    let counts = Counts {
        types: 3,
        places: 40,
        documents: 100,
        valid_documents: 20,
        accepted: 2,
    };
    let clean = Report {
        findings: Vec::new(),
        counts,
    };
    assert!(clean.is_clean());
    assert!(clean.to_string().lines().count() < 30, "{clean}");
    let finding = Finding {
        schema: "data/Field".to_owned(),
        path: "max".to_owned(),
        check: "range",
        ours: "5".to_owned(),
        published: "6".to_owned(),
    };
    let report = Report {
        findings: vec![finding],
        counts,
    };
    assert!(!report.is_clean());
    let last = report
        .to_string()
        .lines()
        .last()
        .unwrap()
        .split_whitespace()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    assert_eq!(last, ["range", "data/Field", "max", "5", "6"]);
    assert_eq!(
        serde_json::to_value(&report).unwrap()["findings"][0]["type"],
        "data/Field"
    );
}
