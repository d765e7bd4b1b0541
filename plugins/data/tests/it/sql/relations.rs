//! What is asked for records that come by a relation: one statement for all of them, and of children a page of each parent.

use expect_test::{Expect, expect, expect_file};
use objectos_data::query::QueryInput;
use objectos_data::store::{Dialect, PostgresDialect, SqlValue, SqliteDialect};
use objectos_plugin_api::PrincipalKind;
use objectos_plugin_api::contracts::permissions::Operation;
use serde_json::{Value, json};

use super::recorder::Recorded;
use super::{keep, on_postgres, show};
use crate::world::{allowed, fields, principal};

const FILES: [(&str, &str); 3] = [
    (
        "team.object.yml",
        "name: team\nfields:\n  name: { type: text }\nsoftDelete: { enabled: true }\n",
    ),
    (
        "deal.object.yml",
        "name: deal\nfields:\n  name: { type: text }\n  amount: { type: number }\n  team: { type: lookup, reference: team }\n  teams: { type: lookup, reference: team, multiple: true }\n",
    ),
    (
        "step.object.yml",
        "name: step\nfields:\n  name: { type: text }\n  deal: { type: lookup, reference: deal }\n",
    ),
];

/// Every value of the first record is this one: an id, and a list of ids.
const ID: &str = "[\"x\"]";

async fn statements(dialect: &'static dyn Dialect, object: &str, query: &Value, seen: Option<&Value>) -> String {
    let recorded = Recorded::new(dialect, &FILES, |_| {
        let page = "SELECT t.\"name\"".to_owned();
        vec![(page, vec![SqlValue::from(ID); 8])]
    });
    let query = QueryInput::from_map(&fields(query.clone())).unwrap();
    let who = match seen {
        None => principal("local", PrincipalKind::Local, None),
        Some(filter) => {
            for (_, text) in FILES {
                let object = text
                    .lines()
                    .next()
                    .and_then(|line| line.strip_prefix("name: "))
                    .unwrap();
                let access = allowed(Some(filter.clone()));
                recorded.permissions.allow("ann", object, Operation::Read, access);
            }
            principal("ann", PrincipalKind::User, None)
        }
    };
    recorded.engine.find(&who, object, query).await.unwrap();
    show(&recorded.read())
}

async fn check_seen(object: &str, query: Value, seen: Option<Value>, expected: &Expect) {
    expected.assert_eq(&statements(&SqliteDialect, object, &query, seen.as_ref()).await);
    let on_postgres = statements(&PostgresDialect, object, &query, seen.as_ref()).await;
    keep(&format!("{object} {query}"), &on_postgres);
}

async fn check(object: &str, query: Value, expected: &Expect) {
    check_seen(object, query, None, expected).await;
}

#[tokio::test]
async fn a_page_of_children_of_each_parent() {
    check(
        "team",
        json!({ "fields": ["name"], "expand": { "deal": { "fields": ["name"] } } }),
        &expect![[r#"
            SELECT t."name", t."id" FROM "team" t WHERE t."deleted_at" IS NULL ORDER BY t."id" LIMIT 101
              []
            SELECT t."c0", t."c1", t."c2" FROM (SELECT t."name" AS "c0", t."id" AS "c1", t."team" AS "c2", ROW_NUMBER() OVER (PARTITION BY t."team" ORDER BY t."id") AS "place" FROM "deal" t WHERE t."team" IN (SELECT e.value FROM json_each(?) e)) t WHERE t."place" <= ? ORDER BY t."c2", t."place" LIMIT 20001
              [Json("[\"[\\\"x\\\"]\"]"), Integer(100)]
        "#]],
    )
    .await;
    check(
        "team",
        json!({ "fields": ["name"], "expand": { "deal": { "fields": ["name"], "where": { "amount": { "$gt": 1 } }, "orderBy": "-amount", "limit": 3, "offset": 2 } } }),
        &expect![[r#"
            SELECT t."name", t."id" FROM "team" t WHERE t."deleted_at" IS NULL ORDER BY t."id" LIMIT 101
              []
            SELECT t."c0", t."c1", t."c2", t."c3" FROM (SELECT t."name" AS "c0", t."amount" AS "c1", t."id" AS "c2", t."team" AS "c3", ROW_NUMBER() OVER (PARTITION BY t."team" ORDER BY t."amount" DESC, t."id" DESC) AS "place" FROM "deal" t WHERE (t."amount" > ? AND t."team" IN (SELECT e.value FROM json_each(?) e))) t WHERE t."place" <= ? AND t."place" > ? ORDER BY t."c3", t."place" LIMIT 20001
              [Integer(1), Json("[\"[\\\"x\\\"]\"]"), Integer(5), Integer(2)]
        "#]],
    )
    .await;
    // What may be seen stands inside, so that the page of each parent is full.
    check_seen(
        "deal",
        json!({ "fields": ["name"], "expand": { "step": { "fields": ["name"], "limit": 1 } } }),
        Some(json!({ "name": "seen" })),
        &expect![[r#"
            SELECT t."name", t."id" FROM "deal" t WHERE t."name" = ? ORDER BY t."id" LIMIT 101
              [SharedText("seen")]
            SELECT t."c0", t."c1", t."c2" FROM (SELECT t."name" AS "c0", t."id" AS "c1", t."deal" AS "c2", ROW_NUMBER() OVER (PARTITION BY t."deal" ORDER BY t."id") AS "place" FROM "step" t WHERE (t."name" = ? AND t."deal" IN (SELECT e.value FROM json_each(?) e))) t WHERE t."place" <= ? ORDER BY t."c2", t."place" LIMIT 20001
              [Text("seen"), Json("[\"[\\\"x\\\"]\"]"), Integer(1)]
        "#]],
    )
    .await;
    on_postgres(&expect_file!["postgres/a_page_of_children_of_each_parent.sql"]);
}

#[tokio::test]
async fn records_that_references_point_to() {
    check(
        "deal",
        json!({ "fields": ["name"], "expand": { "team": { "fields": ["name"] } } }),
        &expect![[r#"
            SELECT t."name", t."team", t."id" FROM "deal" t ORDER BY t."id" LIMIT 101
              []
            SELECT t."name", t."id" FROM "team" t WHERE t."deleted_at" IS NULL AND t."id" IN (SELECT e.value FROM json_each(?) e) ORDER BY t."id" LIMIT 2
              [Json("[\"[\\\"x\\\"]\"]")]
        "#]],
    )
    .await;
    check(
        "deal",
        json!({ "fields": ["name"], "expand": { "teams": { "fields": ["name"], "orderBy": "name" } } }),
        &expect![[r#"
            SELECT t."name", t."teams", t."id" FROM "deal" t ORDER BY t."id" LIMIT 101
              []
            SELECT t."name", t."id" FROM "team" t WHERE t."deleted_at" IS NULL AND t."id" IN (SELECT e.value FROM json_each(?) e) ORDER BY t."name", t."id" LIMIT 2
              [Json("[\"x\"]")]
        "#]],
    )
    .await;
    on_postgres(&expect_file!["postgres/records_that_references_point_to.sql"]);
}
