//! Tables whose rows lie in several, as somebody else made them: partitions, and tables that inherit from another. The places of
//! their rows come again in each, so no record is known by its place.

use objectos_data::engine::SearchRequest;
use objectos_data::query::SearchInput;
use objectos_data::store::{Expect, Statement, WriteUnit};
use serde_json::json;

use crate::driver::{Driver, Place, postgres};
use crate::world::World;

const COLUMNS: &str =
    "(id text COLLATE \"C\" NOT NULL, part text COLLATE \"C\", body text COLLATE \"C\", note text COLLATE \"C\")";
const EVENT: &str = "name: event\nfields:\n  part: { type: text }\n  body: { type: textarea, searchable: true }\n  note: { type: textarea, searchable: true }\n";

/// In each of both tables the first row has the same place as that of the other one.
const ROWS: [&str; 2] = [
    "('e1', 'a', 'acme', 'one'), ('e2', 'a', 'beta', 'two')",
    "('e3', 'b', 'gamma', 'acme'), ('e4', 'b', 'delta', 'four')",
];

/// What somebody made, with rows, before this platform came.
fn tables(partitioned: bool) -> Vec<String> {
    let (whole, parts, other) = if partitioned {
        let part = |name: &str| format!("CREATE TABLE event_{name} PARTITION OF event FOR VALUES IN ('{name}')");
        let parts = vec![part("a"), part("b")];
        (format!("{COLUMNS} PARTITION BY LIST (part)"), parts, "event")
    } else {
        let part = "CREATE TABLE event_b () INHERITS (event)".to_owned();
        (COLUMNS.to_owned(), vec![part], "event_b")
    };
    let mut statements = vec![format!("CREATE TABLE event {whole}")];
    statements.extend(parts);
    for (table, rows) in ["event", other].into_iter().zip(ROWS) {
        statements.push(format!("INSERT INTO {table} (id, part, body, note) VALUES {rows}"));
    }
    statements
}

#[tokio::test]
async fn a_search_finds_only_records_that_have_the_words() {
    if postgres().is_none() {
        return;
    }
    let renamed = EVENT.replace("name: event", "name: happening\nrenamedFrom: event");
    for (partitioned, object, file) in [
        (true, "event", EVENT),
        (false, "event", EVENT),
        (true, "happening", renamed.as_str()),
        (false, "happening", renamed.as_str()),
    ] {
        let place = Place::on(Driver::Postgres);
        let store = place.open(None).await;
        for sql in tables(partitioned) {
            let mut unit = WriteUnit::default();
            unit.push(Statement::new(sql, Vec::new()), Expect::Anything);
            store.write(unit).await.unwrap();
        }
        store.close().await;
        let name = format!("{object}.object.yml");
        let world = World::at(place, &[(name.as_str(), file)]).await;
        assert!(world.store.scattered(object), "{object}");
        for (search, expected) in [
            (json!("acme"), json!([{ "id": "e1" }, { "id": "e3" }])),
            (json!("beta"), json!([{ "id": "e2" }])),
            (json!({ "query": "acme", "fields": ["note"] }), json!([{ "id": "e3" }])),
            (
                json!({ "query": "\"acme\" nothing", "fields": ["body"] }),
                json!([{ "id": "e1" }]),
            ),
            (json!("omega"), json!([])),
        ] {
            let query = json!({ "search": search, "fields": ["id"], "orderBy": "id" });
            let found = world.query(object, query).await.unwrap();
            assert_eq!(found["records"], expected, "{object} {partitioned} {search}");
            assert_eq!(found["total"], expected.as_array().unwrap().len());
        }
        let request = SearchRequest {
            search: SearchInput {
                query: "delta".to_owned(),
                ..SearchInput::default()
            },
            objects: vec![object.to_owned()],
            limit: 20,
        };
        let found = world.engine.search(&world.local, &request).await.unwrap();
        assert_eq!(found["counts"][object], 1, "{found}");
        assert_eq!(found["hits"][0]["id"], "e4");
    }
}

/// Of others the place is enough, and finds rows without another index.
#[tokio::test]
async fn a_table_of_its_own_is_not_scattered() {
    if postgres().is_none() {
        return;
    }
    let world = World::at(Place::on(Driver::Postgres), &[("event.object.yml", EVENT)]).await;
    for _ in 0..2 {
        assert!(!world.store.scattered("event") && !world.store.scattered("nothing"));
        world.store.shape().await.unwrap();
    }
    // It is one as soon as others are seen to inherit from it.
    let mut unit = WriteUnit::default();
    let sql = "CREATE TABLE event_old () INHERITS (event)";
    unit.push(Statement::new(sql, Vec::new()), Expect::Anything);
    world.store.write(unit).await.unwrap();
    let shape = world.store.shape().await.unwrap();
    let scattered = |table: &str| (shape.tables[table].scattered, world.store.scattered(table));
    assert_eq!(scattered("event"), (true, true));
    assert_eq!(scattered("event_old"), (false, false));
}
