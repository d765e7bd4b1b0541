//! The SQL of each construct, as text, for each database: for SQLite beside the construct, for PostgreSQL in `sql/postgres`, one
//! file for each test. What the engine asks in several steps is written down by a store of its own (`recorder`). A change here is
//! a change of what every database is asked; `UPDATE_EXPECT=1` writes it down.

mod operators;
mod recorder;
mod relations;
mod writes;

use std::cell::RefCell;
use std::fmt::Write as _;
use std::sync::Arc;

use expect_test::{Expect, ExpectFile, expect, expect_file};
use objectos_data::access::{Plan, View, Views};
use objectos_data::query::check::Checker;
use objectos_data::query::select::{self, PageLimits};
use objectos_data::query::{QueryInput, aggregate};
use objectos_data::record::Schema;
use objectos_data::store::{Dialect, PostgresDialect, SqliteDialect, Statement};
use objectos_expression::RecordEnvironment;
use objectos_plugin_api::contracts::permissions::{AccessPlan, FieldAccess};
use serde_json::{Value, json};

use crate::app_support::catalogue;

const FILES: [(&str, &str); 6] = [
    (
        "note.object.yml",
        "name: note\nfields:\n  title: { type: text, searchable: true }\n  body: { type: textarea, searchable: true }\n  team: { type: lookup, reference: team }\n",
    ),
    (
        "team.object.yml",
        "name: team\nfields:\n  name: { type: text }\n  size: { type: summary, summaryOperations: { object: deal, field: id, function: count } }\nsoftDelete: { enabled: true }",
    ),
    (
        "site.object.yml",
        "name: site\nfields:\n  home: { type: address }\n  place: { type: location }\n  data: { type: json }\n",
    ),
    (
        "step.object.yml",
        "name: step\nfields:\n  stage: { type: text }\n  due: { type: date, index: true }\nindexes:\n  - { fields: [stage, due] }\nsoftDelete: { enabled: true }\n",
    ),
    (
        "person.object.yml",
        "name: person\nfields:\n  login: { type: text, caseSensitive: false }\n",
    ),
    (
        "deal.object.yml",
        "name: deal\nfields:\n  name: { type: text }\n  amount: { type: number }\n  tags: { type: tags }\n  closed: { type: date }\n  team: { type: lookup, reference: team }\n  double: { type: formula, expression: 'amount * 2' }\n  late: { type: formula, expression: 'closed < TODAY()' }\n",
    ),
];

fn view(filter: Value) -> Arc<View> {
    let plan = AccessPlan {
        allowed: true,
        filter: Some(filter),
        readable: FieldAccess::All,
        ..AccessPlan::default()
    };
    Arc::clone(&Plan::read(plan).unwrap().view)
}

fn show(statements: &[Statement]) -> String {
    let mut out = String::new();
    for statement in statements {
        let _ = writeln!(out, "{}\n  {:?}", statement.sql, statement.values);
    }
    out
}

thread_local! {
    /// What PostgreSQL is asked in the test of this thread.
    static POSTGRES: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the SQL of PostgreSQL under what it is for.
fn keep(construct: &str, sql: &str) {
    POSTGRES.with_borrow_mut(|kept| {
        let _ = writeln!(kept, "-- {construct}\n{sql}");
    });
}

/// Holds what was kept in this test against its file.
fn on_postgres(expected: &ExpectFile) {
    expected.assert_eq(&POSTGRES.take());
}

/// The statements of a query.
fn asked(dialect: &'static dyn Dialect, object: &str, query: &QueryInput, views: Option<&Views>) -> String {
    let schema = Schema::new(Arc::new(catalogue(&FILES)), dialect);
    let layout = schema.layout(object).unwrap();
    let record = Value::Null;
    let environment = RecordEnvironment::new(&record, 1_772_280_000_000);
    let checker = Checker::new(&schema, layout, views, &environment);
    let view = views.map(|views| views.of(object));
    let limits = PageLimits {
        default: 100,
        max: 1_000,
    };
    let statements = if query.aggregates() {
        let plan = aggregate::plan(checker, view, query, limits).unwrap();
        vec![plan.page_statement(dialect), plan.count_statement(dialect)]
    } else {
        let plan = select::plan(checker, &|name| schema.layout(name).cloned(), view, query, limits).unwrap();
        let count = plan.count_statement(dialect);
        plan.page_statements(dialect).chain([count]).collect()
    };
    show(&statements)
}

fn check_seen(object: &str, query: Value, views: Option<&Views>, expected: &Expect) {
    let construct = format!("{object} {query}");
    let Value::Object(map) = query else {
        panic!("a query is an object")
    };
    let query = QueryInput::from_map(&map).unwrap();
    expected.assert_eq(&asked(&SqliteDialect, object, &query, views));
    keep(&construct, &asked(&PostgresDialect, object, &query, views));
}

fn check(query: Value, expected: &Expect) {
    check_seen("deal", query, None, expected);
}

/// The condition alone.
fn condition(dialect: &'static dyn Dialect, object: &str, filter: &Value) -> String {
    let schema = Schema::new(Arc::new(catalogue(&FILES)), dialect);
    let layout = schema.layout(object).unwrap();
    let record = Value::Null;
    let environment = RecordEnvironment::new(&record, 1_772_280_000_000);
    let mut checker = Checker::new(&schema, layout, None, &environment);
    let filter = checker
        .filter(&objectos_data::query::read_filter(filter).unwrap())
        .unwrap();
    let mut writer = objectos_data::query::sql::SqlWriter::new(dialect);
    writer.filter(&filter);
    let statement = writer.finish();
    format!("{} {:?}", statement.sql, statement.values)
}

fn check_where(filter: Value, expected: &Expect) {
    check_where_of("deal", &filter, expected);
}

fn check_where_of(object: &str, filter: &Value, expected: &Expect) {
    expected.assert_eq(&condition(&SqliteDialect, object, filter));
    keep(&filter.to_string(), &condition(&PostgresDialect, object, filter));
}

#[test]
fn parts_of_documents() {
    let check = |filter: Value, expected: &Expect| check_where_of("site", &filter, expected);
    check(
        json!({ "home.city": "a" }),
        &expect![[
            r#"CASE json_type(t."home", ?) WHEN 'text' THEN json_extract(t."home", ?) END = ? [Text("$.\"city\""), Text("$.\"city\""), Text("a")]"#
        ]],
    );
    check(
        json!({ "place.latitude": { "$gt": 1 } }),
        &expect![[
            r#"CASE WHEN json_type(t."place", ?) IN ('integer', 'real') THEN json_extract(t."place", ?) END > ? [Text("$.\"latitude\""), Text("$.\"latitude\""), Integer(1)]"#
        ]],
    );
    check(
        json!({ "data.a.b": true }),
        &expect![[
            r#"CASE json_type(t."data", ?) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END = ? [Text("$.\"a\".\"b\""), Boolean(true)]"#
        ]],
    );
    check(
        json!({ "data.a": null }),
        &expect![[r#"NULLIF(json_type(t."data", ?), 'null') IS NULL [Text("$.\"a\"")]"#]],
    );
    on_postgres(&expect_file!["sql/postgres/parts_of_documents.sql"]);
}

#[test]
fn conditions() {
    check_where(json!({ "name": "a" }), &expect![[r#"t."name" = ? [Text("a")]"#]]);
    check_where(json!({ "name": null }), &expect![[r#"t."name" IS NULL []"#]]);
    check_where(
        json!({ "name": { "$ne": "a" } }),
        &expect![[r#"t."name" IS NOT ? [Text("a")]"#]],
    );
    check_where(
        json!({ "amount": { "$gte": 1, "$lt": "2.5" } }),
        &expect![[r#"(t."amount" >= ? AND t."amount" < ?) [Integer(1), Real(2.5)]"#]],
    );
    check_where(
        json!({ "amount": { "$in": [1, null] } }),
        &expect![[r#"(t."amount" IS NULL OR t."amount" IN (?)) [Integer(1)]"#]],
    );
    check_where(
        json!({ "amount": { "$nin": [1, 2] } }),
        &expect![[r#"(t."amount" IS NULL OR t."amount" NOT IN (?, ?)) [Integer(1), Integer(2)]"#]],
    );
    check_where(
        json!({ "amount": { "$between": [1, 2] } }),
        &expect![[r#"t."amount" BETWEEN ? AND ? [Integer(1), Integer(2)]"#]],
    );
    check_where(
        json!({ "name": { "$contains": "a'b" } }),
        &expect![[r#"0 < instr(t."name", ?) [Text("a'b")]"#]],
    );
    check_where(
        json!({ "name": { "$icontains": "AB" } }),
        &expect![[r#"0 < instr(lower(t."name"), ?) [Text("ab")]"#]],
    );
    check_where(
        json!({ "name": { "$startsWith": "ab" } }),
        &expect![[r#"(t."name" >= ? AND t."name" < ?) [Text("ab"), Text("ac")]"#]],
    );
    check_where(
        json!({ "name": { "$endsWith": "ab" } }),
        &expect![[r#"substr(t."name", -2) = ? [Text("ab")]"#]],
    );
    check_where(
        json!({ "name": { "$like": "a%*" } }),
        &expect![[r#"t."name" GLOB ? [Text("a*[*]")]"#]],
    );
    check_where(
        json!({ "name": { "$empty": true } }),
        &expect![[r#"(t."name" IS NULL OR t."name" = '') []"#]],
    );
    check_where(
        json!({ "tags": { "$contains": "x" } }),
        &expect![[r#"EXISTS (SELECT 1 FROM json_each(t."tags") e WHERE e.value IN (?)) [Text("x")]"#]],
    );
    check_where(
        json!({ "$not": { "name": "a" } }),
        &expect![[r#"(t."name" = ?) IS NOT TRUE [Text("a")]"#]],
    );
    check_where(
        json!({ "$or": [{ "name": "a" }, { "amount": 1 }], "closed": "2026-01-01" }),
        &expect![[
            r#"((t."name" = ? OR t."amount" = ?) AND t."closed" = ?) [Text("a"), Integer(1), Text("2026-01-01")]"#
        ]],
    );
    check_where(
        json!({ "name": { "$gt": { "$field": "id" } } }),
        &expect![[r#"t."name" > t."id" []"#]],
    );
    check_where(json!({ "team.name": "x" }), &expect![[r#"j1."name" = ? [Text("x")]"#]]);
    check_where(
        json!({ "double": { "$gt": 4 } }),
        &expect![[
            r#"(NULLIF(NULLIF(CAST(t."amount" AS REAL) * CAST(? AS REAL), 9e999), -9e999)) > ? [Integer(2), Integer(4)]"#
        ]],
    );
    check_where(
        json!({ "late": true }),
        &expect![[r#"((t."closed" < ?)) = ? [Text("2026-02-28"), Boolean(true)]"#]],
    );
    check_where(json!({}), &expect!["1 = 1 []"]);
    on_postgres(&expect_file!["sql/postgres/conditions.sql"]);
}

#[test]
fn letters_in_any_case() {
    let check = |filter: Value, expected: &Expect| check_where_of("person", &filter, expected);
    check(
        json!({ "login": "Ann" }),
        &expect![[r#"t."login" COLLATE NOCASE = ? [Text("Ann")]"#]],
    );
    check(
        json!({ "login": { "$ilike": "A日%" } }),
        &expect![[r#"lower(t."login") GLOB ? [Text("a日*")]"#]],
    );
    check(
        json!({ "login": "Ärger" }),
        &expect![[r#"t."login" COLLATE NOCASE IN (?, ?) [Text("ärger"), Text("Ärger")]"#]],
    );
    check(
        json!({ "login": { "$in": ["Ann", "ÄÖÜÄÖÜ_Ä"] } }),
        &expect![[
            r#"(t."login" COLLATE NOCASE = ? OR lower(t."login") GLOB ?) [Text("Ann"), Text("[äÄ][öÖ][üÜ][äÄ][öÖ][üÜ]_[äÄ]")]"#
        ]],
    );
    check(
        json!({ "login": { "$in": ["ÄÖÜÄÖÜÄ", "ßÄÖÜÄÖÜ"] } }),
        &expect![[
            r#"EXISTS (SELECT 1 FROM json_each(?) e WHERE lower(t."login") GLOB e.value) [Json("[\"[äÄ][öÖ][üÜ][äÄ][öÖ][üÜ][äÄ]\",\"[ßẞ][äÄ][öÖ][üÜ][äÄ][öÖ][üÜ]\"]")]"#
        ]],
    );
    check(
        json!({ "login": { "$icontains": "GRÖ%" } }),
        &expect![[r#"lower(t."login") GLOB ? [Text("*gr[öÖ]%*")]"#]],
    );
    check(
        json!({ "login": { "$startsWith": "ς_" } }),
        &expect![[r#"lower(t."login") GLOB ? [Text("[σΣς]_*")]"#]],
    );
    check(
        json!({ "login": { "$notContains": "ä" } }),
        &expect![[r#"(lower(t."login") GLOB ?) IS NOT TRUE [Text("*[äÄ]*")]"#]],
    );
    on_postgres(&expect_file!["sql/postgres/letters_in_any_case.sql"]);
}

#[test]
fn a_page() {
    check(
        json!({ "fields": ["name"], "where": { "amount": 1 }, "orderBy": "-amount", "limit": 20, "offset": 40 }),
        &expect![[r#"
            SELECT t."name", t."amount", t."id" FROM "deal" t WHERE t."amount" = ? ORDER BY t."amount" DESC, t."id" DESC LIMIT 21 OFFSET ?
              [Integer(1), Integer(40)]
            SELECT COUNT(*) FROM "deal" t WHERE t."amount" = ?
              [Integer(1)]
        "#]],
    );
    on_postgres(&expect_file!["sql/postgres/a_page.sql"]);
}

#[test]
fn a_page_over_relations() {
    check(
        json!({ "fields": ["name", "team.name"], "where": { "team.size": { "$gt": 1 } }, "orderBy": "team.name" }),
        &expect![[r#"
            SELECT t."name", j1."name", t."id" FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL WHERE (SELECT COUNT(*) FROM "deal" s WHERE s."team" = j1."id") > ? ORDER BY j1."name", t."id" LIMIT 101
              [Integer(1)]
            SELECT COUNT(*) FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL WHERE (SELECT COUNT(*) FROM "deal" s WHERE s."team" = j1."id") > ?
              [Integer(1)]
        "#]],
    );
    on_postgres(&expect_file!["sql/postgres/a_page_over_relations.sql"]);
}

#[test]
fn a_page_with_computed_fields() {
    check(
        json!({ "fields": ["double", "late"], "orderBy": "double" }),
        &expect![[r#"
            SELECT t."amount", t."closed", (NULLIF(NULLIF(CAST(t."amount" AS REAL) * CAST(? AS REAL), 9e999), -9e999)), t."id" FROM "deal" t ORDER BY (NULLIF(NULLIF(CAST(t."amount" AS REAL) * CAST(? AS REAL), 9e999), -9e999)), t."id" LIMIT 101
              [Integer(2), Integer(2)]
            SELECT COUNT(*) FROM "deal" t
              []
        "#]],
    );
    check_seen(
        "team",
        json!({ "fields": ["size"] }),
        None,
        &expect![[r#"
            SELECT (SELECT COUNT(*) FROM "deal" s WHERE s."team" = t."id"), t."id" FROM "team" t WHERE t."deleted_at" IS NULL ORDER BY t."id" LIMIT 101
              []
            SELECT COUNT(*) FROM "team" t WHERE t."deleted_at" IS NULL
              []
        "#]],
    );
    on_postgres(&expect_file!["sql/postgres/a_page_with_computed_fields.sql"]);
}

#[test]
fn a_page_of_what_may_be_seen() {
    let mut views = Views::default();
    views.insert("deal", view(json!({ "owner_id": "ann" })));
    views.insert("team", view(json!({ "name": { "$ne": "secret" } })));
    check_seen(
        "deal",
        json!({ "fields": ["name"], "where": { "team.name": "x" } }),
        Some(&views),
        &expect![[r#"
            SELECT t."name", t."id" FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL AND j1."id" IN (SELECT t."id" FROM "team" t WHERE t."deleted_at" IS NULL AND t."name" IS NOT ?) WHERE (t."owner_id" = ? AND j1."name" = ?) ORDER BY t."id" LIMIT 101
              [Text("secret"), Text("ann"), Text("x")]
            SELECT COUNT(*) FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL AND j1."id" IN (SELECT t."id" FROM "team" t WHERE t."deleted_at" IS NULL AND t."name" IS NOT ?) WHERE (t."owner_id" = ? AND j1."name" = ?)
              [Text("secret"), Text("ann"), Text("x")]
        "#]],
    );
    on_postgres(&expect_file!["sql/postgres/a_page_of_what_may_be_seen.sql"]);
}

#[test]
fn a_plan_that_looks_into_other_records() {
    let mut views = Views::default();
    let inner = json!({ "object": "deal", "field": "team", "where": { "team.name": "x" } });
    views.insert("deal", view(json!({ "team": { "$inRecords": inner } })));
    check_seen(
        "deal",
        json!({ "fields": ["name"] }),
        Some(&views),
        &expect![[r#"
            SELECT t."name", t."id" FROM "deal" t WHERE t."team" IN (SELECT t."team" FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL WHERE j1."name" = ?) ORDER BY t."id" LIMIT 101
              [Text("x")]
            SELECT COUNT(*) FROM "deal" t WHERE t."team" IN (SELECT t."team" FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL WHERE j1."name" = ?)
              [Text("x")]
        "#]],
    );
    on_postgres(&expect_file!["sql/postgres/a_plan_that_looks_into_other_records.sql"]);
}

#[test]
fn distinct_values() {
    check(
        json!({ "fields": ["name"], "distinct": true, "orderBy": "name" }),
        &expect![[r#"
            SELECT DISTINCT t."name" FROM "deal" t ORDER BY 1 LIMIT 101
              []
            SELECT COUNT(*) FROM (SELECT DISTINCT t."name" FROM "deal" t) t
              []
        "#]],
    );
    on_postgres(&expect_file!["sql/postgres/distinct_values.sql"]);
}

#[test]
fn figures() {
    check(
        json!({
            "aggregations": [
                { "function": "count", "alias": "n" },
                { "function": "sum", "field": "amount", "alias": "evil\" name", "filter": { "name": "a" } },
                { "function": "count_distinct", "field": "name", "alias": "names" },
            ],
            "groupBy": ["team", { "field": "closed", "granularity": "quarter" }],
            "having": { "n": { "$gt": 1 } },
            "orderBy": "-n",
        }),
        &expect![[r#"
            SELECT * FROM (SELECT t."g0" AS "g0", t."g1" AS "g1", t."a0" AS "a0", CASE WHEN abs(t."a1") <= 9007199254740992.0 AND t."a1" = CAST(t."a1" AS INTEGER) THEN t."a1" WHEN abs(t."a1") < 1.79769313486231e308 THEN CAST(printf('%.15g', t."a1") AS REAL) END AS "a1", t."a2" AS "a2" FROM (SELECT t."team" AS "g0", substr(t."closed", 1, 4) || '-Q' || ((CAST(substr(t."closed", 6, 2) AS INTEGER) + 2) / 3) AS "g1", COUNT(*) AS "a0", CASE WHEN COUNT(t."amount") FILTER (WHERE t."name" = ?) > 0 THEN NULLIF(NULLIF(TOTAL(t."amount") FILTER (WHERE t."name" = ?), 9e999), -9e999) END AS "a1", COUNT(DISTINCT t."name") AS "a2" FROM "deal" t GROUP BY 1, 2) t) t WHERE t."a0" > ? ORDER BY t."a0" DESC, t."g0", t."g1" LIMIT 101
              [Text("a"), Text("a"), Integer(1)]
            SELECT COUNT(*) FROM (SELECT t."g0" AS "g0", t."g1" AS "g1", t."a0" AS "a0", CASE WHEN abs(t."a1") <= 9007199254740992.0 AND t."a1" = CAST(t."a1" AS INTEGER) THEN t."a1" WHEN abs(t."a1") < 1.79769313486231e308 THEN CAST(printf('%.15g', t."a1") AS REAL) END AS "a1", t."a2" AS "a2" FROM (SELECT t."team" AS "g0", substr(t."closed", 1, 4) || '-Q' || ((CAST(substr(t."closed", 6, 2) AS INTEGER) + 2) / 3) AS "g1", COUNT(*) AS "a0", CASE WHEN COUNT(t."amount") FILTER (WHERE t."name" = ?) > 0 THEN NULLIF(NULLIF(TOTAL(t."amount") FILTER (WHERE t."name" = ?), 9e999), -9e999) END AS "a1", COUNT(DISTINCT t."name") AS "a2" FROM "deal" t GROUP BY 1, 2) t) t WHERE t."a0" > ?
              [Text("a"), Text("a"), Integer(1)]
        "#]],
    );
    on_postgres(&expect_file!["sql/postgres/figures.sql"]);
}

#[test]
fn windows() {
    check(
        json!({
            "fields": ["name"], "limit": 5,
            "windowFunctions": [
                { "function": "row_number", "alias": "place", "over": { "partitionBy": ["team"], "orderBy": [{ "field": "amount", "order": "desc" }] } },
                { "function": "sum", "field": "amount", "alias": "around", "over": { "orderBy": ["closed"], "frame": { "type": "rows", "start": "1 PRECEDING", "end": "CURRENT ROW" } } },
                { "function": "lag", "field": "name", "alias": "before", "offset": 2 },
            ],
        }),
        &expect![[r#"
            SELECT t."name", ROW_NUMBER() OVER (PARTITION BY t."team" ORDER BY t."amount" DESC, t."id"), SUM(CAST(t."amount" AS REAL)) OVER (ORDER BY t."closed" ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), LAG(t."name", 2) OVER (ORDER BY t."id"), t."id" FROM "deal" t ORDER BY t."id" LIMIT 6
              []
            SELECT COUNT(*) FROM "deal" t
              []
        "#]],
    );
    check(
        json!({
            "groupBy": ["team"],
            "aggregations": [{ "function": "count", "alias": "n" }],
            "windowFunctions": [{ "function": "rank", "alias": "rank", "over": { "orderBy": [{ "field": "n", "order": "desc" }] } }],
        }),
        &expect![[r#"
            SELECT t.*, RANK() OVER (ORDER BY t."a0" DESC) FROM (SELECT t."team" AS "g0", COUNT(*) AS "a0" FROM "deal" t GROUP BY 1) t ORDER BY t."g0" LIMIT 101
              []
            SELECT COUNT(*) FROM (SELECT t."team" AS "g0", COUNT(*) AS "a0" FROM "deal" t GROUP BY 1) t
              []
        "#]],
    );
    on_postgres(&expect_file!["sql/postgres/windows.sql"]);
}

#[test]
fn nulls_and_cursors() {
    check(
        json!({ "fields": ["name"], "orderBy": [{ "field": "amount", "nulls": "last" }, { "field": "created_at", "order": "desc" }] }),
        &expect![[r#"
            SELECT t."name", t."amount", t."created_at", t."id" FROM "deal" t ORDER BY t."amount" NULLS LAST, t."created_at" DESC, t."id" DESC LIMIT 101
              []
            SELECT COUNT(*) FROM "deal" t
              []
        "#]],
    );
    let cursor = "WyItYW1vdW50LC1pZCIsWzUsIngiXV0";
    check(
        json!({ "fields": ["name"], "orderBy": "-amount", "cursor": cursor }),
        &expect![[r#"
            SELECT t."name", t."amount", t."id" FROM "deal" t WHERE ((t."amount" < ? OR t."amount" IS NULL) OR (t."amount" = ? AND t."id" < ?)) ORDER BY t."amount" DESC, t."id" DESC LIMIT 101
              [Integer(5), Integer(5), Text("x")]
            SELECT COUNT(*) FROM "deal" t
              []
        "#]],
    );
    let cursor = "WyItY3JlYXRlZF9hdCwtaWQiLFsiMjAyNi0wMS0wMVQwMDowMDowMC4wMDBaIiwieCJdXQ";
    check(
        json!({ "fields": ["name"], "orderBy": "-created_at", "cursor": cursor }),
        &expect![[r#"
            SELECT t."name", t."created_at", t."id" FROM "deal" t WHERE (t."created_at" <= ? AND (t."created_at" < ? OR (t."created_at" = ? AND t."id" < ?))) ORDER BY t."created_at" DESC, t."id" DESC LIMIT 101
              [Text("2026-01-01T00:00:00.000Z"), Text("2026-01-01T00:00:00.000Z"), Text("2026-01-01T00:00:00.000Z"), Text("x")]
            SELECT COUNT(*) FROM "deal" t
              []
        "#]],
    );
    check(
        json!({ "fields": ["name"], "orderBy": "-created_at", "cursor": { "before": cursor } }),
        &expect![[r#"
            SELECT t."name", t."created_at", t."id" FROM "deal" t WHERE (t."created_at" >= ? AND (t."created_at" > ? OR (t."created_at" = ? AND t."id" > ?))) ORDER BY t."created_at", t."id" LIMIT 101
              [Text("2026-01-01T00:00:00.000Z"), Text("2026-01-01T00:00:00.000Z"), Text("2026-01-01T00:00:00.000Z"), Text("x")]
            SELECT COUNT(*) FROM "deal" t
              []
        "#]],
    );
    on_postgres(&expect_file!["sql/postgres/nulls_and_cursors.sql"]);
}

#[test]
fn pages_by_cursor_along_an_index() {
    // What may be seen, and what is not in the bin, is part of every statement of a page.
    let mut views = Views::default();
    views.insert("step", view(json!({ "stage": "won" })));
    let (due, none, last, both) = (
        "WyItZHVlLC1pZCIsWyIyMDI2LTAxLTAxIiwieCJdXQ",
        "WyItZHVlLC1pZCIsW251bGwsIngiXV0",
        "WyJkdWUhLGlkIixbIjIwMjYtMDEtMDEiLCJ4Il1d",
        "WyJzdGFnZSwtZHVlLC1pZCIsWyJ3b24iLCIyMDI2LTAxLTAxIiwieCJdXQ",
    );
    check_seen(
        "step",
        json!({ "fields": ["stage"], "orderBy": "-due", "cursor": due }),
        Some(&views),
        &expect![[r#"
            SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."stage" = ? AND (t."due", t."id") < (?, ?)) ORDER BY t."due" DESC, t."id" DESC LIMIT 101
              [Text("won"), Text("2026-01-01"), Text("x")]
            SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."stage" = ? AND t."due" IS NULL) ORDER BY t."id" DESC LIMIT 101
              [Text("won")]
            SELECT COUNT(*) FROM "step" t WHERE t."deleted_at" IS NULL AND t."stage" = ?
              [Text("won")]
        "#]],
    );
    check_seen(
        "step",
        json!({ "fields": ["stage"], "orderBy": "-due", "cursor": none }),
        None,
        &expect![[r#"
            SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."due" IS NULL AND t."id" < ?) ORDER BY t."id" DESC LIMIT 101
              [Text("x")]
            SELECT COUNT(*) FROM "step" t WHERE t."deleted_at" IS NULL
              []
        "#]],
    );
    check_seen(
        "step",
        json!({ "fields": ["stage"], "orderBy": "-due", "cursor": { "before": due } }),
        None,
        &expect![[r#"
            SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."due", t."id") > (?, ?) ORDER BY t."due", t."id" LIMIT 101
              [Text("2026-01-01"), Text("x")]
            SELECT COUNT(*) FROM "step" t WHERE t."deleted_at" IS NULL
              []
        "#]],
    );
    check_seen(
        "step",
        json!({ "fields": ["stage"], "orderBy": [{ "field": "due", "nulls": "last" }], "cursor": last }),
        None,
        &expect![[r#"
            SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."due", t."id") > (?, ?) ORDER BY t."due", t."id" LIMIT 101
              [Text("2026-01-01"), Text("x")]
            SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND t."due" IS NULL ORDER BY t."id" LIMIT 101
              []
            SELECT COUNT(*) FROM "step" t WHERE t."deleted_at" IS NULL
              []
        "#]],
    );
    check_seen(
        "step",
        json!({ "fields": ["stage"], "orderBy": "stage,-due", "cursor": both }),
        None,
        &expect![[r#"
            SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."stage" = ? AND (t."due", t."id") < (?, ?)) ORDER BY t."due" DESC, t."id" DESC LIMIT 101
              [Text("won"), Text("2026-01-01"), Text("x")]
            SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND (t."stage" = ? AND t."due" IS NULL) ORDER BY t."id" DESC LIMIT 101
              [Text("won")]
            SELECT t."stage", t."due", t."id" FROM "step" t WHERE t."deleted_at" IS NULL AND t."stage" > ? ORDER BY t."stage", t."due" DESC, t."id" DESC LIMIT 101
              [Text("won")]
            SELECT COUNT(*) FROM "step" t WHERE t."deleted_at" IS NULL
              []
        "#]],
    );
    on_postgres(&expect_file!["sql/postgres/pages_by_cursor_along_an_index.sql"]);
}

#[test]
fn buckets() {
    let bucket = |unit: &str, zone: &str| json!({ "groupBy": [{ "field": "created_at", "granularity": unit, "timezone": zone }], "aggregations": [{ "function": "count", "alias": "n" }] });
    check(
        bucket("minute", "UTC"),
        &expect![[r#"
            SELECT * FROM (SELECT substr(t."created_at", 1, 16) AS "g0", COUNT(*) AS "a0" FROM "deal" t GROUP BY 1) t ORDER BY t."g0" LIMIT 101
              []
            SELECT COUNT(*) FROM (SELECT substr(t."created_at", 1, 16) AS "g0", COUNT(*) AS "a0" FROM "deal" t GROUP BY 1) t
              []
        "#]],
    );
    check(
        bucket("week", "+02:00"),
        &expect![[r#"
            SELECT * FROM (SELECT strftime('%G-W%V', strftime('%Y-%m-%dT%H:%M:%S', t."created_at", (7200) || ' seconds')) AS "g0", COUNT(*) AS "a0" FROM "deal" t GROUP BY 1) t ORDER BY t."g0" LIMIT 101
              []
            SELECT COUNT(*) FROM (SELECT strftime('%G-W%V', strftime('%Y-%m-%dT%H:%M:%S', t."created_at", (7200) || ' seconds')) AS "g0", COUNT(*) AS "a0" FROM "deal" t GROUP BY 1) t
              []
        "#]],
    );
    let Value::Object(map) = bucket("month", "Europe/Berlin") else {
        panic!("a query is an object")
    };
    // The rules of a zone are long; that they are there is enough here.
    let query = QueryInput::from_map(&map).unwrap();
    assert_eq!(query.group_by[0].zone.as_deref(), Some("Europe/Berlin"));
    on_postgres(&expect_file!["sql/postgres/buckets.sql"]);
}

#[test]
fn conditions_on_children() {
    check_seen(
        "team",
        json!({ "fields": ["name"], "where": { "deal": { "$some": { "amount": { "$gt": 5 } } } } }),
        None,
        &expect![[r#"
            SELECT t."name", t."id" FROM "team" t WHERE t."deleted_at" IS NULL AND t."id" IN (SELECT t."team" FROM "deal" t WHERE t."amount" > ?) ORDER BY t."id" LIMIT 101
              [Integer(5)]
            SELECT COUNT(*) FROM "team" t WHERE t."deleted_at" IS NULL AND t."id" IN (SELECT t."team" FROM "deal" t WHERE t."amount" > ?)
              [Integer(5)]
        "#]],
    );
    check_seen(
        "team",
        json!({ "fields": ["name"], "where": { "deal": { "$every": { "team.name": "x" } } } }),
        None,
        &expect![[r#"
            SELECT t."name", t."id" FROM "team" t WHERE t."deleted_at" IS NULL AND (t."id" IN (SELECT t."team" FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL WHERE (j1."name" = ?) IS NOT TRUE)) IS NOT TRUE ORDER BY t."id" LIMIT 101
              [Text("x")]
            SELECT COUNT(*) FROM "team" t WHERE t."deleted_at" IS NULL AND (t."id" IN (SELECT t."team" FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL WHERE (j1."name" = ?) IS NOT TRUE)) IS NOT TRUE
              [Text("x")]
        "#]],
    );
    on_postgres(&expect_file!["sql/postgres/conditions_on_children.sql"]);
}

#[test]
fn words() {
    check_seen(
        "note",
        json!({ "fields": ["title"], "search": { "query": "red \"wine\" 北京", "operator": "and" } }),
        None,
        &expect![[r#"
            SELECT t."title", t."id" FROM "note" t WHERE (t."id" IN (SELECT w."id" FROM "objectos_words_note_fts" w WHERE w."objectos_words_note_fts" MATCH ?) AND (0 < instr(lower(t."title"), ?) OR 0 < instr(lower(t."body"), ?))) ORDER BY t."id" LIMIT 101
              [Text("\"red\"* AND \"wine\"*"), Text("北京"), Text("北京")]
            SELECT COUNT(*) FROM "note" t WHERE (t."id" IN (SELECT w."id" FROM "objectos_words_note_fts" w WHERE w."objectos_words_note_fts" MATCH ?) AND (0 < instr(lower(t."title"), ?) OR 0 < instr(lower(t."body"), ?)))
              [Text("\"red\"* AND \"wine\"*"), Text("北京"), Text("北京")]
        "#]],
    );
    check_seen(
        "note",
        json!({ "fields": ["title"], "search": { "query": "red", "fields": ["title"] } }),
        None,
        &expect![[r#"
            SELECT t."title", t."id" FROM "note" t WHERE t."id" IN (SELECT w."id" FROM "objectos_words_note_fts" w WHERE w."objectos_words_note_fts" MATCH ?) ORDER BY t."id" LIMIT 101
              [Text("{\"title\"} : (\"red\"*)")]
            SELECT COUNT(*) FROM "note" t WHERE t."id" IN (SELECT w."id" FROM "objectos_words_note_fts" w WHERE w."objectos_words_note_fts" MATCH ?)
              [Text("{\"title\"} : (\"red\"*)")]
        "#]],
    );
    check_seen(
        "team",
        json!({ "fields": ["name"], "search": "red" }),
        None,
        &expect![[r#"
            SELECT t."name", t."id" FROM "team" t WHERE t."deleted_at" IS NULL AND 0 < instr(' ' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(lower(t."name"), '-', ' '), '_', ' '), '.', ' '), ',', ' '), ';', ' '), ':', ' '), '/', ' '), '(', ' '), ')', ' '), '"', ' '), '''', ' '), '@', ' '), '&', ' '), '+', ' '), '
            ', ' '), '	', ' '), ?) ORDER BY t."id" LIMIT 101
              [Text(" red")]
            SELECT COUNT(*) FROM "team" t WHERE t."deleted_at" IS NULL AND 0 < instr(' ' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(lower(t."name"), '-', ' '), '_', ' '), '.', ' '), ',', ' '), ';', ' '), ':', ' '), '/', ' '), '(', ' '), ')', ' '), '"', ' '), '''', ' '), '@', ' '), '&', ' '), '+', ' '), '
            ', ' '), '	', ' '), ?)
              [Text(" red")]
        "#]],
    );
    on_postgres(&expect_file!["sql/postgres/words.sql"]);
}

#[test]
fn joins_are_paths() {
    check(
        json!({
            "object": "deal", "fields": ["deal.name", "t.name"], "where": { "t.name": "x" },
            "joins": [{ "type": "inner", "object": "team", "alias": "t", "on": { "team": { "$field": "t.id" } } }],
        }),
        &expect![[r#"
            SELECT t."name", j1."name", t."id" FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL WHERE (j1."name" = ? AND j1."id" IS NOT NULL) ORDER BY t."id" LIMIT 101
              [Text("x")]
            SELECT COUNT(*) FROM "deal" t LEFT JOIN "team" j1 ON j1."id" = t."team" AND j1."deleted_at" IS NULL WHERE (j1."name" = ? AND j1."id" IS NOT NULL)
              [Text("x")]
        "#]],
    );
    on_postgres(&expect_file!["sql/postgres/joins_are_paths.sql"]);
}

#[test]
fn joins_from_the_other_side() {
    let joined = |kind: &str| {
        json!({
            "object": "deal", "fields": ["deal.name", "t.name"],
            "joins": [{ "type": kind, "object": "team", "alias": "t", "on": { "team": { "$field": "t.id" } } }],
        })
    };
    check(
        joined("full"),
        &expect![[r#"
            SELECT t."name", j1."name", t."id", j1."id" FROM (SELECT t.* FROM "deal" t) t FULL JOIN (SELECT t.* FROM "team" t WHERE t."deleted_at" IS NULL) j1 ON j1."id" = t."team" ORDER BY t."id", j1."id" LIMIT 101
              []
            SELECT COUNT(*) FROM (SELECT t.* FROM "deal" t) t FULL JOIN (SELECT t.* FROM "team" t WHERE t."deleted_at" IS NULL) j1 ON j1."id" = t."team"
              []
        "#]],
    );
    let mut views = Views::default();
    views.insert("deal", view(json!({ "amount": 1 })));
    views.insert("team", view(json!({ "name": "x" })));
    check_seen(
        "deal",
        joined("right"),
        Some(&views),
        &expect![[r#"
            SELECT t."name", j1."name", t."id", j1."id" FROM (SELECT t.* FROM "team" t WHERE t."deleted_at" IS NULL AND t."name" = ?) j1 LEFT JOIN (SELECT t.* FROM "deal" t WHERE t."amount" = ?) t ON j1."id" = t."team" ORDER BY t."id", j1."id" LIMIT 101
              [Text("x"), Integer(1)]
            SELECT COUNT(*) FROM (SELECT t.* FROM "team" t WHERE t."deleted_at" IS NULL AND t."name" = ?) j1 LEFT JOIN (SELECT t.* FROM "deal" t WHERE t."amount" = ?) t ON j1."id" = t."team"
              [Text("x"), Integer(1)]
        "#]],
    );
    // A joined record has no place in a table, so words are found by its id.
    check_seen(
        "note",
        json!({
            "object": "note", "fields": ["note.title", "t.name"], "search": "red",
            "joins": [{ "type": "full", "object": "team", "alias": "t", "on": { "team": { "$field": "t.id" } } }],
        }),
        None,
        &expect![[r#"
            SELECT t."title", j1."name", t."id", j1."id" FROM (SELECT t.* FROM "note" t) t FULL JOIN (SELECT t.* FROM "team" t WHERE t."deleted_at" IS NULL) j1 ON j1."id" = t."team" WHERE t."id" IN (SELECT w."id" FROM "objectos_words_note_fts" w WHERE w."objectos_words_note_fts" MATCH ?) ORDER BY t."id", j1."id" LIMIT 101
              [Text("\"red\"*")]
            SELECT COUNT(*) FROM (SELECT t.* FROM "note" t) t FULL JOIN (SELECT t.* FROM "team" t WHERE t."deleted_at" IS NULL) j1 ON j1."id" = t."team" WHERE t."id" IN (SELECT w."id" FROM "objectos_words_note_fts" w WHERE w."objectos_words_note_fts" MATCH ?)
              [Text("\"red\"*")]
        "#]],
    );
    on_postgres(&expect_file!["sql/postgres/joins_from_the_other_side.sql"]);
}
