//! Fields whose text is the same whatever its case: every spelling of a comparison looks away from case, and by the index that keeps
//! their values unique.

use objectos_data::query::QueryInput;
use objectos_data::query::check::Checker;
use objectos_data::query::select::{self, PageLimits};
use objectos_data::query::sql::SqlWriter;
use objectos_data::record::Schema;
use objectos_data::store::{Family, Statement};
use objectos_expression::RecordEnvironment;
use serde_json::{Value, json};

use crate::world::{NOON, World, failure, fields};

const USER: &str = "
name: user
fields:
  name: { type: text }
  login: { type: text, caseSensitive: false, unique: true }
";

async fn world() -> World {
    let world = World::new(&[("user.object.yml", USER)]).await;
    for (name, login) in [
        ("a", json!("Ann")),
        ("b", json!("bob_x")),
        ("c", Value::Null),
        ("d", json!("7e")),
        ("e", json!("Ä%")),
    ] {
        let user = json!({ "id": name, "name": name, "login": login });
        world.create("user", user).await.unwrap();
    }
    world
}

#[tokio::test]
async fn every_comparison_with_the_whole_text_looks_away_from_case() {
    let world = world().await;
    for (filter, expected) in [
        (json!({ "login": "aNN" }), "a"),
        (json!({ "login": { "$in": "ANN, BOB_X" } }), "a b"),
        (json!({ "login": { "$in": ["ANN", 7, "7E"] } }), "a d"),
        (json!({ "login": { "$in": ["ANN", null] } }), "a c"),
        (json!({ "login": { "$in": [null] } }), "c"),
        (json!({ "login": { "$in": [] } }), ""),
        (json!({ "login": { "$nin": "ANN,BOB_X" } }), "c d e"),
        (json!({ "login": { "$nin": ["ANN", null] } }), "b d e"),
        (json!({ "login": { "$nin": [null] } }), "a b d e"),
        (json!({ "login": { "$nin": [] } }), "a b c d e"),
        (json!({ "login": { "$ne": "ANN" } }), "b c d e"),
        (json!({ "login": { "$ne": null } }), "a b d e"),
        (json!({ "$not": { "login": "ANN" } }), "b c d e"),
        // Only A to Z have another case, and nothing is a pattern.
        (json!({ "login": "ä%" }), ""),
        (json!({ "login": "Ä%" }), "e"),
        (json!({ "login": { "$in": ["%", "Bob%"] } }), ""),
        (json!({ "login": "bobAx" }), ""),
    ] {
        let found = world.names("user", filter.clone()).await.unwrap();
        assert_eq!(found.join(" "), expected, "{filter}");
    }
}

#[tokio::test]
async fn a_long_text_is_not_there_and_a_long_part_is_refused() {
    let world = world().await;
    let long = "A".repeat(60_000);
    for filter in [
        json!({ "login": long }),
        json!({ "login": { "$in": [long, "x"] } }),
        json!({ "login": { "$contains": long } }),
    ] {
        assert_eq!(world.names("user", filter).await.unwrap(), [""; 0]);
    }
    let others = world.names("user", json!({ "login": { "$ne": long } })).await.unwrap();
    assert_eq!(others.len(), 5);
    for operator in ["$like", "$ilike", "$startsWith", "$endsWith"] {
        let found = world.names("user", json!({ "login": { operator: long } })).await;
        assert_eq!(failure(found).0, "invalid_filter", "{operator}");
    }
}

/// How the database finds what a statement is about.
async fn plan(world: &World, statement: Statement) -> String {
    let explain = match world.store.dialect().family() {
        Family::Sqlite => "EXPLAIN QUERY PLAN",
        Family::Postgres => "EXPLAIN (COSTS OFF)",
    };
    let mut reader = world.store.reader().await.unwrap();
    if world.store.dialect().family() == Family::Postgres {
        // Of a few records it rightly reads all.
        let indexes = Statement::new("SELECT set_config('enable_seqscan', 'off', false)", Vec::new());
        reader.read(&indexes, &mut |_| {}).await.unwrap();
    }
    let explained = Statement::new(format!("{explain} {}", statement.sql), statement.values);
    let mut lines = Vec::new();
    reader
        .read(&explained, &mut |row| {
            // On PostgreSQL there is one column.
            let text = row
                .cell(3)
                .as_text()
                .or(row.cell(0).as_text())
                .unwrap_or_default()
                .to_owned();
            lines.push(text);
        })
        .await
        .unwrap();
    lines.join("\n")
}

/// Whether the plan looks values up in the index.
fn looks_up(plan: &str, index: &str) -> bool {
    let sqlite = plan.contains("SEARCH t USING") && plan.contains(&format!("INDEX {index} ("));
    let postgres = plan.contains(index) && plan.contains("Index Cond: ");
    sqlite || postgres
}

#[tokio::test]
async fn the_index_finds_the_text() {
    let world = world().await;
    let schema = Schema::new(world.engine.parts().catalogue.snapshot(), world.store.dialect());
    let layout = schema.layout("user").unwrap();
    let record = Value::Null;
    let environment = RecordEnvironment::new(&record, NOON);
    let limits = PageLimits {
        default: 100,
        max: 1_000,
    };
    for filter in [
        json!({ "login": "ANN" }),
        json!({ "login": { "$in": ["ANN", "BOB_X"] } }),
    ] {
        let query = QueryInput::from_map(&fields(json!({ "where": filter, "fields": ["name"] }))).unwrap();
        let checker = Checker::new(&schema, layout, None, &environment);
        let page = select::plan(checker, &|name| schema.layout(name).cloned(), None, &query, limits).unwrap();
        let plan = plan(&world, page.count_statement(world.store.dialect())).await;
        assert!(looks_up(&plan, "ux_user_login"), "{filter}: {plan}");
    }
    // What keys and values that are taken are looked for with.
    let mut writer = SqlWriter::new(world.store.dialect());
    writer
        .push("SELECT t.")
        .name("id")
        .push(" FROM ")
        .push(&layout.table)
        .push(" t WHERE ");
    let column = |writer: &mut SqlWriter| {
        writer.column(0, "login");
    };
    writer.same_any_case(column, "ANN");
    let plan = plan(&world, writer.finish()).await;
    assert!(looks_up(&plan, "ux_user_login"), "{plan}");
}
