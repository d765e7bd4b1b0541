//! What a change is made of: the guards that must find no row, and the change itself, which finds the record as it was read.

use expect_test::{Expect, expect, expect_file};
use objectos_data::store::{Dialect, PostgresDialect, SqliteDialect};
use objectos_plugin_api::PrincipalKind;
use serde_json::{Value, json};

use super::recorder::{Recorded, stored};
use super::{keep, on_postgres, show};
use crate::world::{fields, principal};

const FILES: [(&str, &str); 3] = [
    (
        "team.object.yml",
        "name: team\nfields:\n  name: { type: text }\nsoftDelete: { enabled: true }\n",
    ),
    (
        "step.object.yml",
        "name: step\nfields:\n  code: { type: text }\n  amount: { type: number }\n  above: { type: tree }\n  team: { type: lookup, reference: team }\n  teams: { type: lookup, reference: team, multiple: true }\nvalidations:\n  - { type: unique, name: one_code, message: taken, fields: [code], scope: amount > 1, caseSensitive: false }\n",
    ),
    (
        "note.object.yml",
        "name: note\nfields:\n  step: { type: lookup, reference: step }\n  steps: { type: lookup, reference: step, multiple: true }\n",
    ),
];

/// A change of a record `x`.
enum Change {
    Create(Value),
    Update(Value),
    Delete,
}

/// The steps of a change. The record is there, and so is a team.
async fn steps(dialect: &'static dyn Dialect, object: &str, change: &Change) -> String {
    let recorded = Recorded::new(dialect, &FILES, |schema| {
        let moment = "2026-01-01T00:00:00.000Z";
        let record = json!({ "id": "x", "code": "a", "name": "a", "amount": 1, "updated_at": moment });
        vec![stored(schema, "step", &record), stored(schema, "team", &record)]
    });
    let local = principal("local", PrincipalKind::Local, None);
    let engine = &recorded.engine;
    match change {
        Change::Create(record) => drop(engine.create(&local, object, fields(record.clone())).await.unwrap()),
        Change::Update(record) => {
            let record = fields(record.clone());
            drop(engine.update(&local, object, "x", record, None).await.unwrap());
        }
        Change::Delete => engine.delete(&local, object, "x").await.unwrap(),
    }
    show(&recorded.written())
}

async fn check(construct: &str, object: &str, change: Change, expected: &Expect) {
    expected.assert_eq(&steps(&SqliteDialect, object, &change).await);
    keep(construct, &steps(&PostgresDialect, object, &change).await);
}

#[tokio::test]
async fn a_record_is_made() {
    check("plain", "note", Change::Create(json!({ "id": "n" })), &expect![[r#""#]]).await;
    check(
        "what it points to is there",
        "note",
        Change::Create(json!({ "id": "n", "step": "x", "steps": ["x", "y"] })),
        &expect![[r#""#]],
    )
    .await;
    check(
        "of what it points to nothing is in the bin",
        "step",
        Change::Create(json!({ "id": "s", "team": "x", "teams": ["x"] })),
        &expect![[r#""#]],
    )
    .await;
    check(
        "no other has its values",
        "step",
        Change::Create(json!({ "id": "s", "code": "A", "amount": 2 })),
        &expect![[r#""#]],
    )
    .await;
    check(
        "it does not stand above itself",
        "step",
        Change::Create(json!({ "id": "s", "above": "x" })),
        &expect![[r#""#]],
    )
    .await;
    on_postgres(&expect_file!["postgres/a_record_is_made.sql"]);
}

#[tokio::test]
async fn a_record_is_changed_while_it_is_as_it_was_read() {
    check(
        "a value",
        "step",
        Change::Update(json!({ "amount": 3 })),
        &expect![[r#""#]],
    )
    .await;
    check(
        "its parent",
        "step",
        Change::Update(json!({ "above": "y" })),
        &expect![[r#""#]],
    )
    .await;
    on_postgres(&expect_file![
        "postgres/a_record_is_changed_while_it_is_as_it_was_read.sql"
    ]);
}

#[tokio::test]
async fn a_record_is_deleted_when_nothing_points_to_it() {
    check("for good", "step", Change::Delete, &expect![[r#""#]]).await;
    check("into the bin", "team", Change::Delete, &expect![[r#""#]]).await;
    on_postgres(&expect_file![
        "postgres/a_record_is_deleted_when_nothing_points_to_it.sql"
    ]);
}
