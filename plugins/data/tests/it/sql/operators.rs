//! Conditions and figures that databases spell apart: whether there is a value, texts without looking at case, and lists.

use std::sync::Arc;

use expect_test::{Expect, expect, expect_file};
use objectos_data::query::check::Checker;
use objectos_data::query::select::PageLimits;
use objectos_data::query::{QueryInput, aggregate};
use objectos_data::record::Schema;
use objectos_data::store::{Dialect, PostgresDialect, SqliteDialect};
use objectos_expression::RecordEnvironment;
use serde_json::{Value, json};

use super::{FILES, check, check_where, keep, on_postgres, show};
use crate::app_support::catalogue;
use crate::world::fields;

#[test]
fn whether_there_is_a_value() {
    check_where(
        json!({ "name": { "$exists": true } }),
        &expect![[r#"t."name" IS NOT NULL []"#]],
    );
    check_where(
        json!({ "amount": { "$exists": false } }),
        &expect![[r#"t."amount" IS NULL []"#]],
    );
    check_where(
        json!({ "tags": { "$exists": true } }),
        &expect![[r#"t."tags" IS NOT NULL []"#]],
    );
    check_where(
        json!({ "team.name": { "$exists": false } }),
        &expect![[r#"j1."name" IS NULL []"#]],
    );
    on_postgres(&expect_file!["postgres/whether_there_is_a_value.sql"]);
}

#[test]
fn texts_that_are_like_others() {
    check_where(
        json!({ "name": { "$notContains": "a'b" } }),
        &expect![[r#"(0 < instr(t."name", ?)) IS NOT TRUE [Text("a'b")]"#]],
    );
    check_where(
        json!({ "tags": { "$notContains": "x" } }),
        &expect![[r#"NOT EXISTS (SELECT 1 FROM json_each(t."tags") e WHERE e.value IN (?)) [Text("x")]"#]],
    );
    check_where(
        json!({ "name": { "$ilike": "A%b_" } }),
        &expect![[r#"lower(t."name") GLOB ? [Text("a*b?")]"#]],
    );
    check_where(
        json!({ "team.name": { "$ilike": "%Ä*" } }),
        &expect![[r#"lower(j1."name") GLOB ? [Text("*[äÄ][*]")]"#]],
    );
    on_postgres(&expect_file!["postgres/texts_that_are_like_others.sql"]);
}

/// The statement that measures the lists of a query before they are made.
fn measured(dialect: &'static dyn Dialect, query: &QueryInput) -> String {
    let schema = Schema::new(Arc::new(catalogue(&FILES)), dialect);
    let record = Value::Null;
    let environment = RecordEnvironment::new(&record, 1_772_280_000_000);
    let checker = Checker::new(&schema, schema.layout("deal").unwrap(), None, &environment);
    let limits = PageLimits {
        default: 100,
        max: 1_000,
    };
    let plan = aggregate::plan(checker, None, query, limits).unwrap();
    show(plan.lists_statement(dialect).as_slice())
}

fn check_measured(query: Value, expected: &Expect) {
    let construct = format!("measured: {query}");
    let query = QueryInput::from_map(&fields(query)).unwrap();
    expected.assert_eq(&measured(&SqliteDialect, &query));
    keep(&construct, &measured(&PostgresDialect, &query));
}

#[test]
fn lists_of_values() {
    let of = |function: &str, field: &str, distinct: bool| json!({ "groupBy": ["team"], "aggregations": [{ "function": function, "field": field, "alias": "list", "distinct": distinct }] });
    check(
        of("array_agg", "name", false),
        &expect![[r#"
        SELECT * FROM (SELECT t."team" AS "g0", json_group_array(t."name" ORDER BY t."name") AS "a0" FROM "deal" t GROUP BY 1) t ORDER BY t."g0" LIMIT 101
          []
        SELECT COUNT(*) FROM (SELECT t."team" AS "g0", json_group_array(t."name" ORDER BY t."name") AS "a0" FROM "deal" t GROUP BY 1) t
          []
    "#]],
    );
    check(
        of("array_agg", "amount", true),
        &expect![[r#"
        SELECT * FROM (SELECT t."team" AS "g0", json_group_array(DISTINCT t."amount" ORDER BY t."amount") AS "a0" FROM "deal" t GROUP BY 1) t ORDER BY t."g0" LIMIT 101
          []
        SELECT COUNT(*) FROM (SELECT t."team" AS "g0", json_group_array(DISTINCT t."amount" ORDER BY t."amount") AS "a0" FROM "deal" t GROUP BY 1) t
          []
    "#]],
    );
    check(
        of("string_agg", "name", false),
        &expect![[r#"
        SELECT * FROM (SELECT t."team" AS "g0", group_concat(CAST(t."name" AS TEXT) ORDER BY CAST(t."name" AS TEXT)) AS "a0" FROM "deal" t GROUP BY 1) t ORDER BY t."g0" LIMIT 101
          []
        SELECT COUNT(*) FROM (SELECT t."team" AS "g0", group_concat(CAST(t."name" AS TEXT) ORDER BY CAST(t."name" AS TEXT)) AS "a0" FROM "deal" t GROUP BY 1) t
          []
    "#]],
    );
    check(
        of("string_agg", "name", true),
        &expect![[r#"
        SELECT * FROM (SELECT t."team" AS "g0", group_concat(DISTINCT CAST(t."name" AS TEXT) ORDER BY CAST(t."name" AS TEXT)) AS "a0" FROM "deal" t GROUP BY 1) t ORDER BY t."g0" LIMIT 101
          []
        SELECT COUNT(*) FROM (SELECT t."team" AS "g0", group_concat(DISTINCT CAST(t."name" AS TEXT) ORDER BY CAST(t."name" AS TEXT)) AS "a0" FROM "deal" t GROUP BY 1) t
          []
    "#]],
    );
    check_measured(
        of("array_agg", "name", false),
        &expect![[r#"
        SELECT CAST(COALESCE(SUM(m."v0"), 0) AS BIGINT), CAST(COALESCE(SUM(m."b0"), 0) AS BIGINT) FROM (SELECT t."team" AS "g0", COUNT(*) AS "v0", COALESCE(SUM(length(CAST(t."name" AS BLOB))), 0) AS "b0" FROM "deal" t GROUP BY 1) m
          []
    "#]],
    );
    check_measured(
        of("string_agg", "name", true),
        &expect![[r#"
        SELECT CAST(COALESCE(SUM(m."v0"), 0) AS BIGINT), CAST(COALESCE(SUM(m."b0"), 0) AS BIGINT) FROM (SELECT t."team" AS "g0", COUNT(DISTINCT t."name") AS "v0", COUNT(DISTINCT t."name") * COALESCE(MAX(length(CAST(t."name" AS BLOB))), 0) AS "b0" FROM "deal" t GROUP BY 1) m
          []
    "#]],
    );
    on_postgres(&expect_file!["postgres/lists_of_values.sql"]);
}
