use expect_test::{Expect, expect};

use super::*;
use crate::checker;
use crate::fixture;

fn filter(source: &str) -> Filter {
    let checked =
        checker::check_condition(source, &fixture::scope()).unwrap_or_else(|errors| panic!("{source}: {}", errors[0]));
    to_filter(&checked).unwrap_or_else(|error| panic!("{source}: {error}"))
}

#[test]
fn conditions_become_filters() {
    fn check(source: &str, expected: &Expect) {
        let json = serde_json::to_string(&filter(source)).unwrap();
        expected.assert_eq(&json);
        assert_eq!(
            serde_json::from_str::<Filter>(&json).unwrap(),
            strip(filter(source)),
            "{source}"
        );
    }
    check("1 = 1", &expect![[r#""all""#]]);
    check(
        "owner = current_user.id OR is_active",
        &expect![[
            r#"{"or":[{"compare":{"left":{"type":"text","field":"owner"},"operator":"=","right":{"type":"text","variable":"current_user.id"}}},{"test":{"type":"boolean","field":"is_active"}}]}"#
        ]],
    );
    check(
        "stage NOT IN ('won', 'lost') AND amount > 1000 AND true",
        &expect![[
            r#"{"and":[{"not":{"in":{"item":{"type":"text","field":"stage"},"list":[{"type":"text","literal":"won"},{"type":"text","literal":"lost"}]}}},{"compare":{"left":{"type":"number","field":"amount"},"operator":">","right":{"type":"number","literal":1000}}}]}"#
        ]],
    );
    check(
        "no_date IS NULL AND name LIKE 'A%'",
        &expect![[
            r#"{"and":[{"is_null":{"type":"date","field":"no_date"}},{"like":{"text":{"type":"text","field":"name"},"pattern":{"type":"text","literal":"A%"}}}]}"#
        ]],
    );
    check(
        "ROUND(amount / quantity, 2) >= 1.5",
        &expect![[
            r#"{"compare":{"left":{"type":"number","call":{"function":"ROUND","arguments":[{"type":"number","arithmetic":{"left":{"type":"number","field":"amount"},"operator":"/","right":{"type":"number","field":"quantity"}}},{"type":"number","literal":2}]}},"operator":">=","right":{"type":"number","literal":1.5}}}"#
        ]],
    );
    check(
        "created_at >= TODAY() - 30",
        &expect![[
            r#"{"compare":{"left":{"type":"datetime","field":"created_at"},"operator":">=","right":{"type":"datetime","call":{"function":"DATETIMEVALUE","arguments":[{"type":"date","call":{"function":"ADD_DAYS","arguments":[{"type":"date","variable":"today"},{"type":"number","literal":-30}]}}]}}}}"#
        ]],
    );
    check(
        "INCLUDES(tags, 'red') OR ISBLANK(tags)",
        &expect![[
            r#"{"or":[{"in":{"item":{"type":"text","literal":"red"},"list":[{"type":"list","field":"tags"}]}},{"test":{"type":"boolean","is_blank":{"type":"list","field":"tags"}}}]}"#
        ]],
    );
    check(
        "CASE(stage, 'won', is_active, false)",
        &expect![[
            r#"{"test":{"type":"boolean","case":{"subject":{"type":"text","field":"stage"},"arms":[[{"type":"text","literal":"won"},{"type":"boolean","field":"is_active"}]],"otherwise":{"type":"boolean","literal":false}}}}"#
        ]],
    );
}

/// Without the places in the source, which do not travel.
fn strip(filter: Filter) -> Filter {
    fn node_of(mut node: Node) -> Node {
        node.offset = 0;
        node.map_children(&mut node_of)
    }
    match filter {
        Filter::And(filters) => Filter::And(filters.into_iter().map(strip).collect()),
        Filter::Or(filters) => Filter::Or(filters.into_iter().map(strip).collect()),
        Filter::Not(inner) => Filter::Not(Box::new(strip(*inner))),
        Filter::Compare { left, operator, right } => Filter::Compare {
            left: node_of(left),
            operator,
            right: node_of(right),
        },
        Filter::In { item, list } => Filter::In {
            item: node_of(item),
            list: list.into_iter().map(node_of).collect(),
        },
        Filter::IsNull(operand) => Filter::IsNull(node_of(operand)),
        Filter::Like { text, pattern } => Filter::Like {
            text: node_of(text),
            pattern: node_of(pattern),
        },
        Filter::Test(operand) => Filter::Test(node_of(operand)),
        other => other,
    }
}

#[test]
fn what_sql_cannot_answer_is_refused_with_its_place() {
    for (source, expected) in [
        (
            "amount > 1 AND UPPER(name) = 'A'",
            "line 1, column 16: UPPER is not the same in every database, so it cannot be part of a query",
        ),
        (
            "VALUE(name) ^ 2 > 1",
            "line 1, column 1: VALUE is not the same in every database, so it cannot be part of a query",
        ),
        (
            "any_number = 1",
            "line 1, column 12: the types beside = are not known, so it cannot be part of a query",
        ),
        (
            "ISCHANGED(amount)",
            "line 1, column 1: the value of `amount` before the change is not stored, so it cannot be part of a query",
        ),
        (
            "REGEX(name, 'a')",
            "line 1, column 1: REGEX is not the same in every database, so it cannot be part of a query",
        ),
        (
            "name LIKE stage",
            "line 1, column 6: the pattern of LIKE differs from record to record, so it cannot be part of a query",
        ),
        (
            "name & lunch = 'a'",
            "line 1, column 1: lists, times and what has no known type are not joined in the same way by every database, so it cannot be part of a query",
        ),
        (
            "let x = amount; return x > 1",
            "line 1, column 5: a block with variables has no SQL form, so it cannot be part of a query",
        ),
        (
            "ROUND(amount, quantity) = 1",
            "line 1, column 1: ROUND is not the same in every database, so it cannot be part of a query",
        ),
        (
            "any_text",
            "line 1, column 1: it gives any, not true or false, so it cannot be part of a query",
        ),
    ] {
        let checked = checker::check(source, &fixture::scope()).unwrap();
        assert_eq!(to_filter(&checked).unwrap_err().to_string(), expected, "{source}");
    }
    let deep = (0..40).fold("amount".to_owned(), |inner, _| format!("ABS({inner})")) + " > 1";
    assert!(
        to_filter(&checker::check(&deep, &fixture::scope()).unwrap())
            .unwrap_err()
            .message
            .contains("too deep")
    );
    // What reads no field is computed before the query, whatever it calls.
    filter("owner = LOWER($current_user.id) AND close_date > ADD_MONTHS(TODAY(), 1)");
}

#[test]
fn formulas_can_be_asked_for_their_sql_form() {
    let form = |source: &str| crate::sql::sql_form(&checker::check(source, &fixture::scope()).unwrap()).is_ok();
    assert!(form("IF(amount > 0, quantity / amount * 100, 0)"));
    assert!(form("CONCAT(name, ' ', account.owner.name)"));
    assert!(form("close_date - TODAY()"));
    assert!(form("any_text IS NOT NULL"));
    assert!(form("CONCAT(name, amount)"));
    assert!(!form("CONCAT(name, lunch)"));
    assert!(!form("CONCAT(name, UPPER(name))"));
    assert!(form("name & '-' & YEAR(close_date)"));
    assert!(form("CONCAT(LEN(name), 2.5)"));
    assert!(form("TEXT(FIND('a', name))"));
    assert!(form("TEXT(amount)"));
    assert!(form("name & LEN(name) * 2"));
    assert!(form("created_at - close_date"));
    assert!(form(
        "SQRT(amount) + EXP(amount) + LN(amount) + LOG(amount, 2) + amount ^ quantity"
    ));
    assert!(form("FIXED(amount) & FIXED(amount, 3)"));
    assert!(!form("FIXED(amount, quantity)"));
    assert!(form("ADD_MONTHS(created_at, 1) < ADD_YEARS(created_at, quantity)"));
    assert!(form(
        "DATE_TRUNC('hour', created_at) = DATE_TRUNC('minute', created_at)"
    ));
    assert!(form("CONTAINS(tags, name) AND CONTAINS(name, 'a')"));
    assert!(!form("VALUE(name)"));
}

#[test]
fn binding_leaves_fields_and_constants_only() {
    fn check(source: &str, expected: &Expect) {
        let bound = fixture::with_environment(|environment| filter(source).bind(environment)).unwrap();
        expected.assert_eq(&serde_json::to_string(&bound).unwrap());
        let twice =
            fixture::with_environment(|environment| (bound.matches(environment), filter(source).matches(environment)));
        assert_eq!(twice.0, twice.1, "{source}");
    }
    check(
        "owner = current_user.id",
        &expect![[
            r#"{"compare":{"left":{"type":"text","field":"owner"},"operator":"=","right":{"type":"text","literal":"u1"}}}"#
        ]],
    );
    check("'admin' IN $current_user.roles", &expect![[r#""all""#]]);
    check(
        "NOT 'admin' IN $current_user.roles AND amount > 1",
        &expect![[r#""none""#]],
    );
    check(
        "stage IN $current_user.roles OR stage IN ('x')",
        &expect![[
            r#"{"or":[{"in":{"item":{"type":"text","field":"stage"},"list":[{"type":"text","literal":"sales"},{"type":"text","literal":"admin"}]}},{"in":{"item":{"type":"text","field":"stage"},"list":[{"type":"text","literal":"x"}]}}]}"#
        ]],
    );
    check(
        "close_date >= TODAY() - 30 AND created_at < $today",
        &expect![[
            r#"{"and":[{"compare":{"left":{"type":"date","field":"close_date"},"operator":">=","right":{"type":"date","literal":"2025-12-17"}}},{"compare":{"left":{"type":"datetime","field":"created_at"},"operator":"<","right":{"type":"datetime","literal":"2026-01-15T12:00:00.000Z"}}}]}"#
        ]],
    );
    check(
        "$current_user.nobody = 'x'",
        &expect![[r#"{"test":{"type":"boolean","literal":null}}"#]],
    );
    check(
        "stage IN ($current_user.teams)",
        &expect![[r#"{"in":{"item":{"type":"text","field":"stage"},"list":[{"type":"text","literal":null}]}}"#]],
    );
    check(
        "amount > $current_user.level * 100",
        &expect![[
            r#"{"compare":{"left":{"type":"number","field":"amount"},"operator":">","right":{"type":"number","literal":300}}}"#
        ]],
    );
    let wrong = fixture::with_environment(|environment| filter("amount > $current_user.first_name").bind(environment));
    assert_eq!(
        wrong.unwrap_err().to_string(),
        "expected number in first_name, found `\"Ann\"`"
    );
}

#[test]
fn filters_are_built_by_hand() {
    use CompareOperator::{Equal, Greater};
    let open = Filter::field("stage", Type::Text, Equal, "proposal".into());
    let large = Filter::field("amount", Type::Number, Greater, 1e6.into());
    let matches = |filter: &Filter| fixture::with_environment(|environment| filter.matches(environment));
    assert_eq!(matches(&open), Ok(true));
    assert_eq!(
        matches(&Filter::and(vec![Filter::All, open.clone(), large.clone()])),
        Ok(false)
    );
    assert_eq!(
        matches(&Filter::or(vec![Filter::None, open.clone(), large.clone()])),
        Ok(true)
    );
    assert_eq!(Filter::and(vec![]), Filter::All);
    assert_eq!(Filter::or(vec![]), Filter::None);
    assert_eq!(Filter::and(vec![Filter::All, open.clone()]), open);
    assert_eq!(
        Filter::and(vec![open.clone(), Filter::None, large.clone()]),
        Filter::And(vec![open.clone(), Filter::None])
    );
    let mut fields = Vec::new();
    Filter::and(vec![open, large]).each_operand(&mut |operand| {
        if let NodeKind::Field(path) = &operand.kind {
            fields.push(path.as_str().to_owned());
        }
    });
    assert_eq!(fields, ["stage", "amount"]);
}

#[test]
fn malformed_filters_are_refused() {
    for json in [
        r#"{"compare": {"left": {"type": "number", "call": {"function": "NOPE", "arguments": []}}, "operator": "=", "right": {"type": "number", "literal": 1}}}"#,
        r#"{"test": {"type": "boolean", "call": {"function": "ABS", "arguments": []}}}"#,
        r#"{"test": {"type": "boolean", "call": {"function": "ISCHANGED", "arguments": [{"type": "text", "field": "a"}]}}}"#,
        r#"{"test": {"type": "boolean", "unsupported": "regex"}}"#,
        r#"{"test": {"type": "boolean", "variable": "nope"}}"#,
        r#"{"test": {"type": "number", "literal": "x"}}"#,
        r#"{"like": {"text": {"type": "text", "field": "a"}}}"#,
        r#"{"every": []}"#,
    ] {
        assert!(serde_json::from_str::<Filter>(json).is_err(), "{json}");
    }
}
