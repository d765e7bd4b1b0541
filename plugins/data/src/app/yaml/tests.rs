//! Scalars, positions, duplicates, aliases and what is refused.

use serde_json::json;

use super::{DEPTH_MAX, KeyPath, parse};
use crate::app::problem::Problems;

fn read(text: &str) -> (Option<super::Node>, Vec<String>) {
    let mut problems = Problems::default();
    let node = parse("a.yml", text, &mut problems);
    (node, problems.into_sorted().iter().map(ToString::to_string).collect())
}

#[test]
fn scalars_follow_yaml_1_2() {
    let check = |text: &str, expected: serde_json::Value| {
        let (node, problems) = read(text);
        assert_eq!(problems, Vec::<String>::new(), "{text}");
        assert_eq!(node.expect("a tree").to_json(), expected, "{text}");
    };
    check("[x, y]", json!(["x", "y"]));
    check(
        "[no, on, off, yes, Y, N, No, On]",
        json!(["no", "on", "off", "yes", "Y", "N", "No", "On"]),
    );
    check("[true, True, FALSE, tRUE]", json!([true, true, false, "tRUE"]));
    check("[null, ~, Null, nil, '~']", json!([null, null, null, "nil", "~"]));
    check("[1, -1, +1, 007, 0x1F, 0o17, 0b1]", json!([1, -1, 1, 7, 31, 15, "0b1"]));
    check(
        "[1.5, .5, 5., 1e3, -1.5E-2, 1.2.3, '1.5']",
        json!([1.5, 0.5, 5.0, 1000.0, -0.015, "1.2.3", "1.5"]),
    );
    check("[2026-02-28, 12:30, 1_000]", json!(["2026-02-28", "12:30", "1_000"]));
    check("!!str 1.10", json!("1.10"));
    check("a: |\n  one\n  two\n", json!({"a": "one\ntwo\n"}));
    check("a: >-\n  one\n  two\n", json!({"a": "one two"}));
    check("", json!(null));
    check("# nothing but a comment\n", json!(null));
    check("{\"a\": [1, {\"b\": null}]}", json!({"a": [1, {"b": null}]}));
    check("18446744073709551615", json!(18_446_744_073_709_551_615_u64));
    check("1: a\ntrue: b\n", json!({"1": "a", "true": "b"}));
    check(
        "base: &b {x: 1, y: 2}\nnext:\n  <<: *b\n  y: 3\n",
        json!({"base": {"x": 1, "y": 2}, "next": {"y": 3, "x": 1}}),
    );
    check("a: &a [1, 2]\nb: *a\n", json!({"a": [1, 2], "b": [1, 2]}));
}

#[test]
fn numbers_remember_how_they_were_written() {
    let (node, _) = read("version: 1.10\nzip: 01067\n");
    let node = node.expect("a tree");
    assert_eq!(node.get("version").and_then(super::Node::written), Some("1.10"));
    assert_eq!(node.get("zip").and_then(super::Node::written), Some("01067"));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let check = |text: &str, expected: &[&str]| assert_eq!(read(text).1, expected, "{text}");
    check(
        "a: 1\nb: 2\na: 3\n",
        &["a.yml:3:1: the key `a` is there twice, first in line 1; remove one of them"],
    );
    check(
        "a: {x: 1, x: 2}\n",
        &["a.yml:1:11: the key `x` is there twice, first in line 1; remove one of them"],
    );
    check("a: .inf\n", &["a.yml:1:4: expected a finite number"]);
    check(
        "a: !color red\n",
        &["a.yml:1:4: the tag `!color` means nothing here; remove it"],
    );
    check(
        "a: 1\n---\nb: 2\n",
        &["a.yml:2:1: a file holds one document; put the second one into a file of its own"],
    );
    check("? [a]\n: 1\n", &["a.yml:1:3: a key must be text"]);
    check("a:\n  <<: 5\n", &["a.yml:2:7: `<<` takes a map or a list of maps"]);
}

#[test]
fn broken_yaml_is_one_problem_with_a_place() {
    for text in ["a: [1, 2", "a: b: c\n", "a:\n\t- b\n", "a: *nowhere\n", "'open"] {
        let (node, problems) = read(text);
        assert!(node.is_none(), "{text}");
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        let mut parts = problems[0].splitn(4, ':');
        assert_eq!(parts.next(), Some("a.yml"), "{text}");
        assert!(
            parts
                .next()
                .and_then(|line| line.parse::<usize>().ok())
                .is_some_and(|line| line > 0),
            "{text}"
        );
        assert!(parts.nth(1).is_some_and(|message| message.len() > 5), "{text}");
    }
}

#[test]
fn aliases_and_depth_are_bounded() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let previous = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![previous; 10].join(", ")));
    }
    let (node, problems) = read(&bomb);
    assert!(node.is_none());
    assert!(problems[0].contains("more than 1000000 values"), "{problems:?}");
    assert!(read("a: &a [*a]\n").0.is_none());
    let deep = format!("{}{}", "[".repeat(DEPTH_MAX + 1), "]".repeat(DEPTH_MAX + 1));
    assert!(read(&deep).0.is_none());
}

#[test]
fn places_are_found_by_way() {
    let text = "name: a\nfields:\n  status:\n    type: select\n    options:\n      - {label: New, value: new}\n      - {label: Old, value: old}\n";
    let node = read(text).0.expect("a tree");
    let at = |path: KeyPath| {
        let position = node.position_of(&path);
        (position.line, position.column)
    };
    assert_eq!(at(KeyPath::of(["name"])), (1, 7));
    assert_eq!(at(KeyPath::of(["fields", "status", "type"])), (4, 11));
    let options = KeyPath::of(["fields", "status", "options"]);
    assert_eq!(at(options.index(1).key("value")), (7, 29));
    assert_eq!(at(KeyPath::of(["fields", "status"])), (3, 3));
    assert_eq!(at(KeyPath::of(["fields", "nowhere", "type"])), (2, 1));
    let key = node.key_position_of(&KeyPath::of(["fields", "status", "type"]));
    assert_eq!((key.line, key.column), (4, 5));
}

#[test]
fn places_inside_texts_are_found() {
    let text = "plain: a + b\nquoted: 'a + b'\nblock: |\n  a +\n  b\nfolded: >\n  a +\n  b\n";
    let node = read(text).0.expect("a tree");
    let at = |key: &str, line, column| {
        let position = node.get(key).expect("the key").position_in_text(line, column);
        (position.line, position.column)
    };
    assert_eq!(at("plain", 1, 5), (1, 12));
    assert_eq!(at("quoted", 1, 5), (2, 14));
    assert_eq!(at("block", 1, 1), (4, 3));
    assert_eq!(at("block", 2, 1), (5, 3));
    // Lines that were joined cannot be told apart any more.
    assert_eq!(at("folded", 1, 3), (7, 3));
}
