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
    check("plain", "note", Change::Create(json!({ "id": "n" })), &expect![[r#"
        INSERT INTO "note" ("id", "step", "steps", "created_at", "updated_at", "created_by", "updated_by", "owner_id") VALUES (?, ?, ?, ?, ?, ?, ?, ?)
          [Text("n"), Null, Null, Text("2026-02-28T12:00:00.000Z"), Text("2026-02-28T12:00:00.000Z"), Text("local"), Text("local"), Text("local")]
    "#]]).await;
    check(
        "what it points to is there",
        "note",
        Change::Create(json!({ "id": "n", "step": "x", "steps": ["x", "y"] })),
        &expect![[r#"
            SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM "step" t WHERE t."id" = ?)
              [Text("x")]
            SELECT 1 FROM json_each(?) e WHERE NOT EXISTS (SELECT 1 FROM "step" t WHERE t."id" = e.value)
              [Json("[\"x\",\"y\"]")]
            INSERT INTO "note" ("id", "step", "steps", "created_at", "updated_at", "created_by", "updated_by", "owner_id") VALUES (?, ?, ?, ?, ?, ?, ?, ?)
              [Text("n"), Text("x"), Json("[\"x\",\"y\"]"), Text("2026-02-28T12:00:00.000Z"), Text("2026-02-28T12:00:00.000Z"), Text("local"), Text("local"), Text("local")]
        "#]],
    )
    .await;
    check(
        "of what it points to nothing is in the bin",
        "step",
        Change::Create(json!({ "id": "s", "team": "x", "teams": ["x"] })),
        &expect![[r#"
            SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM "team" t WHERE t."id" = ? AND t."deleted_at" IS NULL)
              [Text("x")]
            SELECT 1 FROM json_each(?) e WHERE NOT EXISTS (SELECT 1 FROM "team" t WHERE t."id" = e.value AND t."deleted_at" IS NULL)
              [Json("[\"x\"]")]
            INSERT INTO "step" ("id", "code", "amount", "above", "team", "teams", "created_at", "updated_at", "created_by", "updated_by", "owner_id") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
              [Text("s"), Null, Null, Null, Text("x"), Json("[\"x\"]"), Text("2026-02-28T12:00:00.000Z"), Text("2026-02-28T12:00:00.000Z"), Text("local"), Text("local"), Text("local")]
        "#]],
    )
    .await;
    check(
        "no other has its values",
        "step",
        Change::Create(json!({ "id": "s", "code": "A", "amount": 2 })),
        &expect![[r#"
            INSERT INTO "step" ("id", "code", "amount", "above", "team", "teams", "created_at", "updated_at", "created_by", "updated_by", "owner_id") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
              [Text("s"), Text("A"), Integer(2), Null, Null, Null, Text("2026-02-28T12:00:00.000Z"), Text("2026-02-28T12:00:00.000Z"), Text("local"), Text("local"), Text("local")]
            SELECT 1 FROM "step" t WHERE t."code" COLLATE NOCASE = ? AND t."id" <> ? AND ((t."amount" > ?)) = ? LIMIT 1
              [Text("A"), Text("s"), Integer(1), Boolean(true)]
        "#]],
    )
    .await;
    check(
        "it does not stand above itself",
        "step",
        Change::Create(json!({ "id": "s", "above": "x" })),
        &expect![[r#"
            SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM "step" t WHERE t."id" = ?)
              [Text("x")]
            INSERT INTO "step" ("id", "code", "amount", "above", "team", "teams", "created_at", "updated_at", "created_by", "updated_by", "owner_id") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
              [Text("s"), Null, Null, Text("x"), Null, Null, Text("2026-02-28T12:00:00.000Z"), Text("2026-02-28T12:00:00.000Z"), Text("local"), Text("local"), Text("local")]
            WITH RECURSIVE up (id) AS (SELECT p."above" FROM "step" p WHERE p."id" = ? UNION SELECT p."above" FROM "step" p JOIN up ON p."id" = up.id) SELECT 1 FROM up WHERE up.id = ? LIMIT 1
              [Text("s"), Text("s")]
        "#]],
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
        &expect![[r#"
            UPDATE "step" SET "amount" = ?, "updated_at" = ?, "updated_by" = ? WHERE "id" = ? AND "updated_at" IS ?
              [Integer(3), Text("2026-02-28T12:00:00.000Z"), Text("local"), Text("x"), Text("2026-01-01T00:00:00.000Z")]
            SELECT 1 FROM "step" t WHERE t."code" COLLATE NOCASE = ? AND t."id" <> ? AND ((t."amount" > ?)) = ? LIMIT 1
              [Text("a"), Text("x"), Integer(1), Boolean(true)]
        "#]],
    )
    .await;
    check(
        "its parent",
        "step",
        Change::Update(json!({ "above": "y" })),
        &expect![[r#"
            SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM "step" t WHERE t."id" = ?)
              [Text("y")]
            UPDATE "step" SET "above" = ?, "updated_at" = ?, "updated_by" = ? WHERE "id" = ? AND "updated_at" IS ?
              [Text("y"), Text("2026-02-28T12:00:00.000Z"), Text("local"), Text("x"), Text("2026-01-01T00:00:00.000Z")]
            WITH RECURSIVE up (id) AS (SELECT p."above" FROM "step" p WHERE p."id" = ? UNION SELECT p."above" FROM "step" p JOIN up ON p."id" = up.id) SELECT 1 FROM up WHERE up.id = ? LIMIT 1
              [Text("x"), Text("x")]
        "#]],
    )
    .await;
    on_postgres(&expect_file![
        "postgres/a_record_is_changed_while_it_is_as_it_was_read.sql"
    ]);
}

#[tokio::test]
async fn a_record_is_deleted_when_nothing_points_to_it() {
    check(
        "for good",
        "step",
        Change::Delete,
        &expect![[r#"
        DELETE FROM "step" WHERE "id" = ? AND "updated_at" IS ?
          [Text("x"), Text("2026-01-01T00:00:00.000Z")]
        SELECT 1 FROM "step" WHERE "above" = ? LIMIT 1
          [Text("x")]
        SELECT 1 FROM "note" WHERE "step" = ? LIMIT 1
          [Text("x")]
        SELECT 1 FROM "note" WHERE EXISTS (SELECT 1 FROM json_each("steps") e WHERE e.value = ?) LIMIT 1
          [Text("x")]
    "#]],
    )
    .await;
    check("into the bin", "team", Change::Delete, &expect![[r#"
        UPDATE "team" SET "updated_at" = ?, "updated_by" = ?, "deleted_at" = ? WHERE "id" = ? AND "updated_at" IS ?
          [Text("2026-02-28T12:00:00.000Z"), Text("local"), Text("2026-02-28T12:00:00.000Z"), Text("x"), Text("2026-01-01T00:00:00.000Z")]
    "#]]).await;
    on_postgres(&expect_file![
        "postgres/a_record_is_deleted_when_nothing_points_to_it.sql"
    ]);
}
