//! Operations as they come, and what becomes of their variables.

use async_graphql::{Value, Variables, value};

use super::{Operation, nesting};
use crate::failure::Answered;

fn read(query: &str, name: Option<&str>, variables: Value) -> Answered<Operation> {
    Operation::read(query, name, &Variables::from_value(variables), 4096)
}

/// The first argument of the first field.
fn argument(query: &str, variables: Value) -> Option<Value> {
    let operation = read(query, None, variables).unwrap();
    let (_, definition) = operation.document.operations.iter().next().unwrap();
    let first = definition.node.selection_set.node.items.first().unwrap();
    let async_graphql::parser::types::Selection::Field(field) = &first.node else {
        panic!("a field")
    };
    let (_, value) = field.node.arguments.first()?;
    value.node.clone().into_const()
}

#[test]
fn variables_stand_in_their_places_and_what_has_no_value_is_left_out() {
    let check = |query: &str, variables: Value, expected: Option<Value>| {
        assert_eq!(argument(query, variables), expected, "{query}");
    };
    check("query ($a: Int) { f(a: $a) }", value!({ "a": 5 }), Some(value!(5)));
    check("query ($a: Int = 7) { f(a: $a) }", value!({}), Some(value!(7)));
    check(
        "query ($a: Int = 7) { f(a: $a) }",
        value!({ "a": null }),
        Some(Value::Null),
    );
    check("query ($a: Int) { f(a: $a) }", value!({}), None);
    check(
        "query ($a: Int) { f(i: {x: $a, y: 1}) }",
        value!({}),
        Some(value!({ "y": 1 })),
    );
    check(
        "query ($a: Int) { f(i: {x: $a, y: 1}) }",
        value!({ "a": null }),
        Some(value!({ "x": null, "y": 1 })),
    );
    check("query ($a: Int) { f(i: [1, $a]) }", value!({}), Some(value!([1, null])));
}

#[test]
fn what_cannot_be_run_says_why() {
    let check = |query: &str, name: Option<&str>, part: &str| {
        let refused = read(query, name, value!({})).unwrap_err();
        assert!(refused.message.contains(part), "{query}: {}", refused.message);
    };
    check("query ($a: Int!) { f(a: $a) }", None, "'$a' has no value");
    check("{ f(a: $b) }", None, "'$b' is not declared");
    check("query A { f } query B { g }", None, "operationName");
    check("query A { f } query B { g }", Some("C"), "no operation 'C'");
    check("{ f }", Some("C"), "no operation 'C'");
    check(
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        None,
        "holds itself",
    );
    check("{ f ", None, "expected");
    check(&format!("{{ {} }}", "f ".repeat(4096)), None, "at most 4096");
    check(
        &format!("{}f{}", "{ f ".repeat(65), "}".repeat(65)),
        None,
        "nested deeper than 64",
    );
}

#[test]
fn one_of_several_operations_runs_with_its_own_fragments() {
    let query = "query A { ...X } query B { ...Y } fragment X on Query { f } fragment Y on Query { g }";
    let operation = read(query, Some("B"), value!({})).unwrap();
    let names: Vec<&str> = operation.document.fragments.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["Y"]);
}

#[test]
fn brackets_in_texts_and_comments_are_none() {
    let check = |query: &str, expected: usize| assert_eq!(nesting(query), expected, "{query}");
    check("{ a { b(c: [{d: 1}]) } }", 5);
    check("{ a(b: \"{{{{ \\\" {{{\") }", 2);
    check("{ a # {{{{ [[[[\n b }", 1);
    check("{ a(b: \"\"\"{{ \\\"\"\" {{\"\"\") }", 2);
    check("{ a(b: \"\") { c } }", 2);
    check("}}}{", 1);
}
