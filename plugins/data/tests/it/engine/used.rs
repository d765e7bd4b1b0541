//! Records that people used lately: noted by the routes without a statement, written down later, looked up anew as whoever asks.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use objectos_data::access::{Access, Plan};
use objectos_data::{routes_data, routes_recent};
use objectos_plugin_api::contracts::permissions::{AccessPlan, FieldAccess, Operation};
use objectos_plugin_api::{Context, Error, HttpRequest, HttpRequestParts, PrincipalKind};
use serde_json::{Value, json};

use crate::world::{World, allowed, principal};

const FILES: [(&str, &str); 3] = [
    (
        "thing.object.yml",
        "name: thing\ntitleFormat: '{name} of {owner.name}'\nfields:\n  name: { type: text }\n  owner: { type: lookup, reference: owner }\n",
    ),
    ("owner.object.yml", "name: owner\nfields:\n  name: { type: text }\n"),
    (
        "quiet.object.yml",
        "name: quiet\nenable: { mru: false }\nfields:\n  name: { type: text }\n",
    ),
];
const ROWS: &str = "SELECT COUNT(*) FROM sys_recent_record";

/// Ann and Bob may do everything; there are three things, one of them somebody's, and one of what is not remembered.
async fn world() -> (World, Context, Context) {
    let world = World::new(&FILES).await;
    for (object, record) in [
        ("owner", json!({ "id": "o1", "name": "Eve" })),
        ("thing", json!({ "id": "t1", "name": "one", "owner": "o1" })),
        ("thing", json!({ "id": "t2", "name": "two" })),
        ("thing", json!({ "id": "t3", "name": "three" })),
        ("quiet", json!({ "id": "q1", "name": "quiet" })),
    ] {
        world.create(object, record).await.unwrap();
    }
    permit(&world);
    let person = |name: &str| principal(name, PrincipalKind::User, None);
    (world, person("ann"), person("bob"))
}

fn permit(world: &World) {
    for person in ["ann", "bob"] {
        for object in ["thing", "owner", "quiet"] {
            for operation in [Operation::Read, Operation::Create, Operation::Update] {
                world.permissions.allow(person, object, operation, allowed(None));
            }
        }
    }
}

fn later(world: &World, ms: i64) {
    world.clock.0.fetch_add(ms, Ordering::SeqCst);
}

fn request(method: &str, route: &str, query: &str, parameters: &[(&str, &str)], body: &str) -> HttpRequest {
    let frame = HttpRequestParts {
        method,
        route,
        path: route,
        query,
        parameters,
        headers: &[],
        body: body.as_bytes(),
    };
    HttpRequest::decode(frame.encode()).unwrap()
}

/// Asks a route of records, a millisecond later than whatever was before: `GET thing/t1`.
async fn send(world: &World, who: &Context, line: &str, body: Value) {
    later(world, 1);
    let (method, path) = line.split_once(' ').unwrap();
    let (object, id) = path.split_once('/').unwrap_or((path, ""));
    let route = if id.is_empty() {
        "/api/v1/data/{object}"
    } else {
        "/api/v1/data/{object}/{id}"
    };
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let request = request(method, route, "", &[("object", object), ("id", id)], &body);
    let answer = routes_data::answer(&world.engine, who, &request).await;
    answer.unwrap_or_else(|error| panic!("{line}: {error}"));
}

async fn look(world: &World, who: &Context, id: &str) {
    send(world, who, &format!("GET thing/{id}"), Value::Null).await;
}

async fn ask(world: &World, who: &Context, method: &str, query: &str) -> Result<Value, Error> {
    let request = request(method, "/api/v1/recent", query, &[], "");
    let answer = routes_recent::answer(&world.engine, who, &request).await?;
    Ok(serde_json::from_slice(&answer.body).expect("an answer is JSON"))
}

/// `object id, action: title` of what somebody used, the latest first.
async fn recent(world: &World, who: &Context, query: &str) -> Vec<String> {
    let found = ask(world, who, "GET", query).await.unwrap();
    let text = |record: &Value, key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let records = found["records"].as_array().unwrap().iter();
    let line = |record: &Value| {
        let [object, id, action, title] = ["object", "id", "action", "title"].map(|key| text(record, key));
        format!("{object} {id}, {action}: {title}")
    };
    records.map(line).collect()
}

#[tokio::test]
async fn what_somebody_reads_makes_or_changes_is_there_at_once() {
    let (world, ann, bob) = world().await;
    look(&world, &ann, "t1").await;
    send(&world, &ann, "PATCH thing/t2", json!({ "name": "second" })).await;
    send(&world, &ann, "POST thing", json!({ "id": "t4", "name": "four" })).await;
    send(&world, &ann, "GET quiet/q1", Value::Null).await;
    send(&world, &ann, "GET owner/o1", Value::Null).await;
    let all = [
        "owner o1, viewed: Eve",
        "thing t4, created: four of",
        "thing t2, updated: second of",
        "thing t1, viewed: one of Eve",
    ];
    assert_eq!(recent(&world, &ann, "").await, all);
    assert_eq!(recent(&world, &ann, "objects=thing&limit=2").await, all[1..3]);
    assert_eq!(recent(&world, &ann, "objects=quiet,owner").await, all[..1]);
    assert_eq!(recent(&world, &ann, "limit=0").await, Vec::<String>::new());
    assert_eq!(recent(&world, &bob, "").await, Vec::<String>::new());
    let first = ask(&world, &ann, "GET", "limit=1").await.unwrap();
    assert_eq!(first["records"][0]["viewedAt"], "2026-02-28T12:00:00.005Z");
    // What was used again is the latest.
    look(&world, &ann, "t2").await;
    assert_eq!(recent(&world, &ann, "limit=1").await, ["thing t2, viewed: second of"]);
    for (query, part) in [
        ("limit=many", "'limit' takes a whole number"),
        ("offset=1", "unknown parameter 'offset'"),
    ] {
        let error = ask(&world, &ann, "GET", query).await.unwrap_err();
        assert!(error.to_string().contains(part), "{query}: {error}");
    }
    let unknown = ask(&world, &ann, "GET", "objects=thin").await.unwrap_err();
    assert_eq!(unknown.code(), "object_not_found");
}

#[tokio::test]
async fn only_people_have_a_list() {
    let (world, ann, _) = world().await;
    let key = principal("ann", PrincipalKind::Service, None);
    look(&world, &key, "t1").await;
    look(&world, &world.system, "t1").await;
    assert_eq!(recent(&world, &ann, "").await, Vec::<String>::new());
    let nobody = ask(&world, &Context::request("r"), "GET", "").await.unwrap_err();
    assert_eq!(nobody.code(), "unauthenticated");
    look(&world, &world.local, "t1").await;
    assert_eq!(recent(&world, &world.local, "").await, ["thing t1, viewed: one of Eve"]);
}

#[tokio::test]
async fn a_list_is_of_one_organisation() {
    let (world, ann, _) = world().await;
    let at = |organisation: &str| principal("ann", PrincipalKind::User, Some(organisation));
    look(&world, &ann, "t1").await;
    look(&world, &at("acme"), "t2").await;
    for written in [false, true] {
        if written {
            world.engine.keep_used(true).await.unwrap();
        }
        assert_eq!(recent(&world, &ann, "").await, ["thing t1, viewed: one of Eve"]);
        assert_eq!(recent(&world, &at("acme"), "").await, ["thing t2, viewed: two of"]);
        assert_eq!(recent(&world, &at("umbrella"), "").await, Vec::<String>::new());
    }
}

/// Calls to the database until something is done.
async fn calls(world: &World, act: impl Future<Output = ()>) -> u64 {
    let before = world.probe.calls.load(Ordering::SeqCst);
    act.await;
    world.probe.calls.load(Ordering::SeqCst) - before
}

#[tokio::test]
async fn a_use_costs_its_request_no_statement_and_later_one_in_a_minute() {
    let (world, ann, _) = world().await;
    world.get_as(&ann, "thing", "t1").await.unwrap();
    let plain = calls(&world, async {
        world.get_as(&ann, "thing", "t1").await.unwrap();
    });
    let plain = plain.await;
    assert_eq!(calls(&world, look(&world, &ann, "t1")).await, plain);
    look(&world, &ann, "t2").await;
    assert_eq!(world.number(ROWS).await, 0);
    world.engine.keep_used(false).await.unwrap();
    assert_eq!(world.number(ROWS).await, 2);
    let list = ["thing t1, viewed: one of Eve", "thing t2, viewed: two of"];
    look(&world, &ann, "t1").await;
    let idle = calls(&world, async { world.engine.keep_used(false).await.unwrap() });
    assert_eq!(idle.await, 0);
    assert_eq!(recent(&world, &ann, "").await, list);
    later(&world, 60_000);
    let written = calls(&world, async { world.engine.keep_used(false).await.unwrap() });
    assert!(written.await > 0);
    assert_eq!(world.number(ROWS).await, 2);
    // Nothing is left in memory, and another process sees the same.
    later(&world, 3_600_000);
    world.engine.keep_used(false).await.unwrap();
    assert_eq!(recent(&world, &ann, "").await, list);
    let world = World::at(world.close().await, &FILES).await;
    permit(&world);
    assert_eq!(recent(&world, &ann, "").await, list);
}

#[tokio::test]
async fn what_could_not_be_written_is_written_later() {
    let (world, ann, _) = world().await;
    let mut failed = 0;
    // One call after the other is not made at all, or is made and its answer lost.
    for call in 1..=4 {
        for after in [false, true] {
            let id = if after { "t1" } else { "t2" };
            look(&world, &ann, id).await;
            world.probe.arm(call, after);
            failed += u32::from(world.engine.keep_used(true).await.is_err());
            world.probe.arm(0, false);
            let seen = recent(&world, &ann, "limit=1").await;
            assert!(seen[0].starts_with(&format!("thing {id}, ")), "{seen:?}");
        }
    }
    assert!(failed > 0);
    look(&world, &ann, "t3").await;
    world.engine.keep_used(true).await.unwrap();
    assert_eq!(world.number(ROWS).await, 3);
    let used = recent(&world, &ann, "").await;
    assert!(
        used[0].starts_with("thing t3, ") && used[1].starts_with("thing t1, "),
        "{used:?}"
    );
}

#[tokio::test]
async fn what_is_gone_or_theirs_to_see_no_more_is_left_out() {
    let (world, ann, bob) = world().await;
    for id in ["t1", "t2", "t3"] {
        look(&world, &ann, id).await;
    }
    look(&world, &bob, "t3").await;
    world.engine.keep_used(false).await.unwrap();
    let plan = |filter: Option<Value>, except: &[&str]| {
        let plan = AccessPlan {
            allowed: true,
            filter,
            readable: FieldAccess::Except(except.iter().map(|&field| field.to_owned()).collect()),
            ..AccessPlan::default()
        };
        Access::Planned(Arc::new(Plan::read(plan).unwrap()))
    };
    let see = |plan: Access| world.permissions.allow("ann", "thing", Operation::Read, plan);
    see(plan(Some(json!({ "id": { "$ne": "t2" } })), &[]));
    assert_eq!(
        recent(&world, &ann, "").await,
        ["thing t3, viewed: three of", "thing t1, viewed: one of Eve"]
    );
    // Of a title there is what may be read.
    see(plan(None, &["name"]));
    assert_eq!(recent(&world, &ann, "limit=1").await, ["thing t3, viewed: of"]);
    see(allowed(None));
    world.engine.delete(&world.local, "thing", "t3").await.unwrap();
    assert_eq!(
        recent(&world, &ann, "limit=1").await,
        ["thing t2, viewed: two of"],
        "the next one takes its place"
    );
    assert_eq!(recent(&world, &bob, "").await, Vec::<String>::new());
    assert_eq!(world.number(ROWS).await, 4);
    world.engine.keep_used(false).await.unwrap();
    assert_eq!(world.number(ROWS).await, 2);
    // Whoever may not read the object at all has none of its records.
    let stranger = AccessPlan::default();
    see(Access::Planned(Arc::new(Plan::read(stranger).unwrap())));
    assert_eq!(recent(&world, &ann, "").await, Vec::<String>::new());
    assert_eq!(*world.permissions.refused.lock(), Vec::<String>::new());
}

#[tokio::test]
async fn the_oldest_go() {
    let (world, ann, bob) = world().await;
    look(&world, &bob, "t1").await;
    for number in 0..230 {
        let record = json!({ "id": format!("n{number:03}"), "name": "n" });
        world.create("thing", record).await.unwrap();
        look(&world, &ann, &format!("n{number:03}")).await;
        if number == 150 {
            world.engine.keep_used(false).await.unwrap();
            assert_eq!(world.number(ROWS).await, 152);
        }
    }
    for written in [false, true] {
        if written {
            world.engine.keep_used(false).await.unwrap();
        }
        let used = recent(&world, &ann, "limit=1000").await;
        assert_eq!(used.len(), 200);
        assert_eq!((&used[0][..10], &used[199][..10]), ("thing n229", "thing n030"));
    }
    assert_eq!(world.number(ROWS).await, 201);
    assert_eq!(recent(&world, &bob, "").await.len(), 1);
}

#[tokio::test]
async fn somebody_may_have_their_own_list_forgotten() {
    let (world, ann, bob) = world().await;
    let forget =
        async |who: &Context, query: &str| ask(&world, who, "DELETE", query).await.unwrap()["forgotten"].clone();
    look(&world, &ann, "t1").await;
    send(&world, &ann, "GET owner/o1", Value::Null).await;
    look(&world, &bob, "t1").await;
    world.engine.keep_used(false).await.unwrap();
    look(&world, &ann, "t2").await;
    assert_eq!(forget(&ann, "objects=thing").await, 2);
    assert_eq!(recent(&world, &ann, "").await, ["owner o1, viewed: Eve"]);
    assert_eq!(forget(&ann, "").await, 1);
    assert_eq!(forget(&ann, "").await, 0);
    world.engine.keep_used(true).await.unwrap();
    assert_eq!(recent(&world, &ann, "").await, Vec::<String>::new());
    assert_eq!(recent(&world, &bob, "").await.len(), 1);
    assert_eq!(world.number(ROWS).await, 1);
    let limited = ask(&world, &ann, "DELETE", "limit=1").await.unwrap_err();
    assert!(limited.to_string().contains("unknown parameter 'limit'"), "{limited}");
    // One event says whose list it was and how long; uses themselves are no events.
    let events = world.events().await;
    let told: Vec<(&Value, &Value)> = events
        .iter()
        .filter(|event| event["payload"]["targetId"] == "sys_recent_record")
        .map(|event| (&event["name"], &event["payload"]["metadata"]["records"]))
        .collect();
    let deleted = json!("data.bulk_delete");
    assert_eq!(told, [(&deleted, &json!(2)), (&deleted, &json!(1))]);
    assert!(
        events
            .iter()
            .all(|event| event["payload"]["object"] != "sys_recent_record")
    );
}
