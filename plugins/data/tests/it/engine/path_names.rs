//! A path leads through the permissions of every object on its way, however its names are spelt.

use objectos_plugin_api::PrincipalKind;
use objectos_plugin_api::contracts::permissions::Operation;
use serde_json::{Value, json};

use crate::engine::access::plan;
use crate::world::{World, failure, principal};

const FILES: [(&str, &str); 2] = [
    ("team.object.yml", "name: team\nfields:\n  name: { type: text }\n"),
    (
        "deal.object.yml",
        "name: deal\nfields:\n  name: { type: text }\n  main_team: { type: lookup, reference: team }\n",
    ),
];

/// How JavaScript and MongoDB write it.
const SPELLINGS: [&str; 4] = ["main_team", "mainTeam", "MainTeam", "_main_team"];

async fn world() -> World {
    let world = World::new(&FILES).await;
    for (object, record) in [
        ("team", json!({ "id": "t1", "name": "open" })),
        ("team", json!({ "id": "t2", "name": "shut" })),
        ("deal", json!({ "id": "d1", "name": "one", "main_team": "t1" })),
        ("deal", json!({ "id": "d2", "name": "two", "main_team": "t2" })),
    ] {
        world.create(object, record).await.unwrap();
    }
    // She sees all deals, so that nothing of her own object narrows what she asks for.
    world
        .permissions
        .allow("ann", "deal", Operation::Read, plan(None, None, &[], &[]));
    world
}

#[tokio::test]
async fn an_object_that_may_not_be_read_is_behind_no_spelling() {
    let world = world().await;
    let ann = principal("ann", PrincipalKind::User, None);
    for name in SPELLINGS {
        let path = format!("{name}.name");
        for (query, code) in [
            (json!({ "fields": [path] }), "invalid_field"),
            (json!({ "where": { (path.as_str()): "shut" } }), "invalid_field"),
            (json!({ "orderBy": [{ "field": path }] }), "invalid_sort"),
            (json!({ "groupBy": [path] }), "invalid_field"),
        ] {
            let refused = world.query_as(&ann, "deal", query.clone()).await;
            assert_eq!(failure(refused).0, code, "{query}");
            world.query("deal", query).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_record_that_may_not_be_seen_is_behind_no_spelling() {
    let world = world().await;
    let ann = principal("ann", PrincipalKind::User, None);
    let open = Some(json!({ "name": "open" }));
    world
        .permissions
        .allow("ann", "team", Operation::Read, plan(open, None, &[], &[]));
    for name in SPELLINGS {
        let path = format!("{name}.name");
        let query = json!({ "fields": [path], "orderBy": "id" });
        let found = world.query_as(&ann, "deal", query.clone()).await.unwrap();
        let records = found["records"].as_array().unwrap();
        let told: Vec<&Value> = records.iter().map(|record| &record[path.as_str()]).collect();
        assert_eq!(told, [&json!("open"), &Value::Null], "{query}");
        let found = world
            .query_as(&ann, "deal", json!({ "where": { (path.as_str()): "shut" } }))
            .await;
        assert_eq!(found.unwrap()["total"], 0, "{path}");
    }
}
