//! Searches of which an object, or a request, says which records are searched.

use std::sync::Arc;

use objectos_data::access::{Access, Plan};
use objectos_data::query::read_filter;
use objectos_plugin_api::contracts::permissions::{AccessPlan, FieldAccess, Operation};
use objectos_plugin_api::{Context, PrincipalKind};
use serde_json::{Value, json};

use super::{FILES, summary, wanted};
use crate::world::{World, failure, principal};

const FIRM: &str = "name: firm\nsearch: { fields: [name], filters: ['active = true', '{\"state\": {\"$ne\": \"closed\"}}'] }\nfields:\n  name: { type: text }\n  active: { type: boolean }\n  state: { type: text }\n";

async fn world() -> World {
    let plain = FILES[2];
    let world = World::new(&[("firm.object.yml", FIRM), plain]).await;
    for (id, active, state) in [("f1", true, "open"), ("f2", false, "open"), ("f3", true, "closed")] {
        let record = json!({ "id": id, "name": format!("Acme {id}"), "active": active, "state": state });
        world.create("firm", record).await.unwrap();
    }
    let other = json!({ "id": "x1", "name": "acme as well" });
    world.create("plain", other).await.unwrap();
    world
}

async fn firms(world: &World, who: &Context, search: Value) -> String {
    let query = json!({ "search": search, "fields": ["id"], "orderBy": "id" });
    let found = world.query_as(who, "firm", query).await.unwrap();
    let records = found["records"].as_array().unwrap();
    assert_eq!(found["total"], records.len(), "{search}");
    let ids: Vec<&str> = records.iter().map(|record| record["id"].as_str().unwrap()).collect();
    ids.join(" ")
}

#[tokio::test]
async fn a_search_is_narrowed_as_the_object_says_or_the_request() {
    let world = world().await;
    for (search, expected) in [
        (json!("acme"), "f1"),
        (json!({ "query": "akme", "fuzzy": true }), "f1"),
        (json!({ "query": "acme", "minScore": 0.1 }), "f1"),
        (json!({ "query": "acme", "filters": {} }), "f1 f2 f3"),
        (json!({ "query": "acme", "filters": { "active": false } }), "f2"),
        (
            json!({ "query": "acme", "filters": [["state", "=", "closed"], "or", ["id", "=", "f2"]] }),
            "f2 f3",
        ),
        (
            json!({ "query": "akme", "fuzzy": true, "filters": ["state", "=", "closed"] }),
            "f3",
        ),
        // Without words nothing is searched, and what the object says of a search is not asked for.
        (json!({ "query": " " }), "f1 f2 f3"),
        (json!({ "query": " ", "filters": { "active": false } }), "f2"),
    ] {
        assert_eq!(firms(&world, &world.local, search.clone()).await, expected, "{search}");
    }
    let figures = json!({ "search": "acme", "aggregations": [{ "function": "count", "alias": "number" }] });
    let found = world.query("firm", figures).await.unwrap();
    assert_eq!(found["records"], json!([{ "number": 1 }]));
}

#[tokio::test]
async fn the_search_in_all_objects_is_narrowed_as_well() {
    let world = world().await;
    let mut request = wanted("acme");
    let found = world.engine.search(&world.local, &request).await.unwrap();
    let mut titles = summary(&found);
    titles.sort();
    assert_eq!(titles, ["firm f1: Acme f1", "plain x1: acme as well"]);
    request.search.filters = Some(read_filter(&json!({ "active": false })).unwrap());
    let found = world.engine.search(&world.local, &request).await.unwrap();
    assert_eq!(summary(&found), ["firm f2: Acme f2"]);
    // An object without such a field is told of, and not taken for one without hits.
    let skipped = &found["skipped"][0];
    assert_eq!(
        (&skipped["object"], &skipped["code"]),
        (&json!("plain"), &json!("invalid_field")),
        "{found}"
    );
}

#[tokio::test]
async fn hits_tell_nothing_of_a_hidden_field() {
    let world = world().await;
    let plan = AccessPlan {
        allowed: true,
        readable: FieldAccess::Except(vec!["state".to_owned()]),
        ..AccessPlan::default()
    };
    let plan = Access::Planned(Arc::new(Plan::read(plan).unwrap()));
    world.permissions.allow("eve", "firm", Operation::Read, plan);
    let eve = principal("eve", PrincipalKind::User, None);
    for (search, expected) in [
        (json!("acme"), ""),
        (json!({ "query": "akme", "fuzzy": true }), ""),
        (json!({ "query": "acme", "filters": [] }), "f1 f2 f3"),
        (json!({ "query": "acme", "filters": { "active": true } }), "f1 f3"),
    ] {
        assert_eq!(firms(&world, &eve, search.clone()).await, expected, "{search}");
    }
    let told = json!({ "search": { "query": "acme", "filters": { "state": "closed" } } });
    assert_eq!(failure(world.query_as(&eve, "firm", told).await).0, "invalid_field");
}
