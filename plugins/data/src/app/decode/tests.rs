//! Several faults of one document, and what is left of it.

use objectos_plugin_api::protocol::data::Object;

use super::{Decoded, decode};
use crate::app::SourceFile;
use crate::app::document::Document;
use crate::app::path::KeyPath;
use crate::app::problem::Problems;

fn read(text: &str) -> (Option<Decoded<Object>>, Vec<String>) {
    let mut problems = Problems::default();
    let source = SourceFile {
        name: "a.yml".to_owned(),
        text: text.to_owned(),
        modified_ms: 0,
    };
    let document = Document::parse(&source, &mut problems).expect("YAML");
    let decoded = decode(&document, &KeyPath::default(), document.root.to_json(), &mut problems);
    (
        decoded,
        problems.into_sorted().iter().map(ToString::to_string).collect(),
    )
}

#[test]
fn what_is_wrong_is_taken_out_and_known() {
    let (decoded, problems) = read("name: thing\nfields:\n  one: {type: txt}\n  two: {type: text}\n  three: 5\n");
    let decoded = decoded.expect("an object");
    assert_eq!(decoded.value.fields.keys().collect::<Vec<_>>(), ["two"]);
    let broken: Vec<String> = decoded.broken.iter().map(ToString::to_string).collect();
    assert_eq!(broken, ["fields.one.type", "fields.one", "fields.three"]);
    assert_eq!(
        problems,
        [
            "a.yml:3:15: fields.one.type: unknown value `txt`; did you mean `text`?",
            "a.yml:5:10: fields.three: expected a map, found the number 5",
        ]
    );
}

#[test]
fn numbers_are_text_where_text_is_wanted() {
    let (decoded, problems) = read("name: thing\nlabel: 1.10\ndescription: 007\nfields: {}\n");
    let object = decoded.expect("an object").value;
    assert_eq!(
        (object.label.as_deref(), object.description.as_deref()),
        (Some("1.10"), Some("007"))
    );
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn places_in_lists_hold_after_items_were_taken_out() {
    let (decoded, problems) = read("name: thing\ntags: [[], b, {}, 4, []]\nfields: {}\n");
    assert_eq!(
        problems,
        [
            "a.yml:2:8: tags[0]: expected text, found a list",
            "a.yml:2:15: tags[2]: expected text, found a map",
            "a.yml:2:22: tags[4]: expected text, found a list",
        ]
    );
    assert_eq!(
        decoded.expect("an object").value.tags,
        Some(vec!["b".to_owned(), "4".to_owned()])
    );
}

#[test]
fn nothing_may_be_left() {
    let (decoded, problems) = read("label: thing\n");
    assert!(decoded.is_none());
    assert_eq!(problems, ["a.yml:1:1: the key `name` is missing"]);
}
