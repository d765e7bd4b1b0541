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
        &expect![[r#""#]],
    )
    .await;
    check(
        "team",
        json!({ "fields": ["name"], "expand": { "deal": { "fields": ["name"], "where": { "amount": { "$gt": 1 } }, "orderBy": "-amount", "limit": 3, "offset": 2 } } }),
        &expect![[r#""#]],
    )
    .await;
    // What may be seen stands inside, so that the page of each parent is full.
    check_seen(
        "deal",
        json!({ "fields": ["name"], "expand": { "step": { "fields": ["name"], "limit": 1 } } }),
        Some(json!({ "name": "seen" })),
        &expect![[r#""#]],
    )
    .await;
    on_postgres(&expect_file!["postgres/a_page_of_children_of_each_parent.sql"]);
}

#[tokio::test]
async fn records_that_references_point_to() {
    check(
        "deal",
        json!({ "fields": ["name"], "expand": { "team": { "fields": ["name"] } } }),
        &expect![[r#""#]],
    )
    .await;
    check(
        "deal",
        json!({ "fields": ["name"], "expand": { "teams": { "fields": ["name"], "orderBy": "name" } } }),
        &expect![[r#""#]],
    )
    .await;
    on_postgres(&expect_file!["postgres/records_that_references_point_to.sql"]);
}
