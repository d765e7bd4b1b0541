use super::bind;
use crate::checker;
use crate::fixture;

fn check(source: &str, expected: &str) {
    let checked = checker::check(source, &fixture::scope()).unwrap_or_else(|errors| panic!("{source}: {}", errors[0]));
    let bound = fixture::with_environment(|environment| bind(checked.root(), environment)).unwrap();
    assert_eq!(serde_json::to_string(&bound).unwrap(), expected, "{source}");
}

#[test]
fn what_reads_no_field_is_a_constant() {
    check("1 + 2 * 3", r#"{"type":"number","literal":7}"#);
    check(
        "amount + $current_user.level * 100",
        r#"{"type":"number","arithmetic":{"left":{"type":"number","field":"amount"},"operator":"+","right":{"type":"number","literal":300}}}"#,
    );
}

#[test]
fn a_null_is_of_the_type_that_its_place_asks_for() {
    check(
        "MIN(null, amount)",
        r#"{"type":"number","call":{"function":"MIN","arguments":[{"type":"number","literal":null},{"type":"number","field":"amount"}]}}"#,
    );
    check(
        "LEFT(null, amount)",
        r#"{"type":"text","call":{"function":"LEFT","arguments":[{"type":"text","literal":null},{"type":"number","field":"amount"}]}}"#,
    );
    check(
        "amount IN (quantity, $current_user.nobody)",
        r#"{"type":"boolean","in":{"item":{"type":"number","field":"amount"},"list":[{"type":"number","field":"quantity"},{"type":"number","literal":null}]}}"#,
    );
    check(
        "IF(null, amount, null)",
        r#"{"type":"number","if":{"arms":[[{"type":"boolean","literal":null},{"type":"number","field":"amount"}]],"otherwise":{"type":"number","literal":null}}}"#,
    );
    check(
        "CASE(null, name, null, true)",
        r#"{"type":"boolean","case":{"subject":{"type":"text","literal":null},"arms":[[{"type":"text","field":"name"},{"type":"boolean","literal":null}]],"otherwise":{"type":"boolean","literal":true}}}"#,
    );
}

#[test]
fn what_is_always_null_is_a_null() {
    check(
        "COALESCE(IF(is_active, null, null), close_date)",
        r#"{"type":"date","coalesce":[{"type":"date","literal":null},{"type":"date","field":"close_date"}]}"#,
    );
    check(
        "IF(is_active, null, null) = amount",
        r#"{"type":"boolean","compare":{"left":{"type":"number","literal":null},"operator":"=","right":{"type":"number","field":"amount"}}}"#,
    );
}
