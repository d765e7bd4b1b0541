//! What a request says and its route cannot do, or cannot read, is refused and not passed over: conditions, switches, keys. And
//! what it can do is done whichever of the routes is asked.

use objectos_data::routes_data::{ROUTES, answer};
use objectos_plugin_api::{Error, HttpRequest, HttpRequestParts};
use serde_json::{Value, json};

use crate::world::World;

const THING: &str = "name: thing\nsoftDelete: { enabled: true }\nversioning: { enabled: true, strategy: snapshot }\nfields:\n  name: { type: text }\n  size: { type: number }\n  code: { type: text, unique: true, externalId: true }\n";
const ONE: &str = "/api/v1/data/{object}/{id}";
const OLD: &str = "/api/data/{object}/{id}";
const BACK: &str = "/api/v1/data/{object}/{id}/versions/{version}/restore";
const BATCH: &str = "/api/v1/data/{object}/batch";
const MANY: &str = "/api/v1/data/{object}/updateMany";
const ALL: &str = "/api/v1/batch";
const ACTION: &str = "/api/data/{object}/{action}";

struct Call<'a> {
    method: &'a str,
    route: &'a str,
    query: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
}

async fn send(world: &World, call: Call<'_>) -> Result<Value, Error> {
    let known = format!("{} {}", call.method, call.route);
    assert!(ROUTES.contains(&known.as_str()), "{known}");
    let parameters = [("object", "thing"), ("id", "t"), ("version", "1"), ("action", "batch")];
    let frame = HttpRequestParts {
        method: call.method,
        route: call.route,
        path: call.route,
        query: call.query,
        parameters: &parameters,
        headers: call.headers,
        body: call.body.as_bytes(),
    };
    let request = HttpRequest::decode(frame.encode())?;
    let response = answer(&world.engine, &world.local, &request).await?;
    Ok(serde_json::from_slice(&response.body).expect("an answer is JSON"))
}

async fn post(world: &World, route: &str, body: &str) -> Result<Value, Error> {
    let call = Call {
        method: "POST",
        route,
        query: "",
        headers: &[],
        body,
    };
    send(world, call).await
}

async fn world() -> World {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    world
        .create("thing", json!({ "id": "t", "name": "a", "size": 1 }))
        .await
        .unwrap();
    world
}

#[tokio::test]
async fn a_condition_that_cannot_be_read_is_none_that_holds() {
    let world = world().await;
    let none: &[(&str, &str)] = &[];
    for (query, headers) in [
        ("expectedVersion=%zz", none),
        ("expectedVersion=", none),
        ("expectedVersion", none),
        ("expectedVersion=%zz", &[("if-match", "*")][..]),
        ("", &[("if-match", "")][..]),
        ("", &[("if-match", "\"\"")][..]),
        ("", &[("if-match", "W/\"\"")][..]),
    ] {
        for (method, route) in [
            ("PATCH", ONE),
            ("DELETE", ONE),
            ("PATCH", OLD),
            ("DELETE", OLD),
            ("POST", BACK),
        ] {
            let call = Call {
                method,
                route,
                query,
                headers,
                body: r#"{"name":"b"}"#,
            };
            let error = send(&world, call).await.unwrap_err();
            assert_eq!(error.code(), "invalid_query", "{method} {route}?{query} {headers:?}");
        }
    }
    assert_eq!(world.get("thing", "t").await.unwrap()["version"], 1);
    for (query, headers) in [("expectedVersion=%2A", none), ("", &[("if-match", "*")][..])] {
        let call = Call {
            method: "PATCH",
            route: ONE,
            query,
            headers,
            body: r#"{"name":"b"}"#,
        };
        assert_eq!(send(&world, call).await.unwrap()["record"]["name"], "b");
    }
}

#[tokio::test]
async fn for_good_is_said_and_not_guessed() {
    let world = world().await;
    let delete = async |route: &str, query: &str| {
        let call = Call {
            method: "DELETE",
            route,
            query,
            headers: &[],
            body: "",
        };
        send(&world, call).await.map(drop)
    };
    for route in [ONE, OLD] {
        for query in ["purge", "purge=", "purge=no", "purge=TRUE", "purge=%zz"] {
            let error = delete(route, query).await.unwrap_err();
            let told = (error.code(), error.message().contains("purge"));
            assert_eq!(told, ("invalid_query", true), "{route}?{query}: {error}");
            world.get("thing", "t").await.unwrap();
        }
        for query in ["", "purge=0", "purge=false"] {
            delete(route, query).await.unwrap();
            world.engine.restore(&world.local, "thing", "t").await.unwrap();
        }
    }
    for (route, query) in [(ONE, "purge=true"), (OLD, "purge=1")] {
        delete(route, query).await.unwrap();
        assert_eq!(world.number("SELECT COUNT(*) FROM thing").await, 0, "{route}?{query}");
        world.create("thing", json!({ "id": "t" })).await.unwrap();
    }
}

#[tokio::test]
async fn keys_of_bulk_calls_that_nobody_knows_are_named() {
    let world = world().await;
    for (route, body, told) in [
        (
            MANY,
            r#"{"records":[{"id":"t","data":{"name":"b"}},{"id":"t","name":"b"}]}"#,
            "unknown key 'name' in record 1: fields of the record are written within 'data'",
        ),
        (
            BATCH,
            r#"{"operation":"create","records":[{"name":"x"}]}"#,
            "unknown key 'name' in record 0",
        ),
        (
            ALL,
            r#"{"operations":[{"object":"thing","action":"create","name":"x"}]}"#,
            "unknown key 'name' in operation 0",
        ),
        (
            ACTION,
            r#"{"operations":[{"type":"create","name":"x"}]}"#,
            "unknown key 'name' in operation 0",
        ),
        (
            ACTION,
            r#"{"operations":[{"type":"create","object":"other","data":{}}]}"#,
            "operation 0 names the object 'other', and the address 'thing'",
        ),
        (
            BATCH,
            r#"{"operation":"create","records":[{"externalId":"A","data":{}}]}"#,
            "'externalId' of record 0 goes with upsert only",
        ),
        (
            ALL,
            r#"{"operations":[{"object":"thing","action":"update","externalId":"A","data":{}}]}"#,
            "'externalId' of operation 0 goes with upsert only",
        ),
        (
            BATCH,
            r#"{"operation":"upsert","records":[{"id":"t","expectedVersion":"7","data":{"name":"b"}}]}"#,
            "'expectedVersion' of record 0 goes with update, delete and purge only",
        ),
    ] {
        let error = post(&world, route, body).await.unwrap_err();
        assert_eq!(error.code(), "invalid_format", "{body}");
        assert!(error.message().contains(told), "{body}: {error}");
    }
    assert_eq!(world.get("thing", "t").await.unwrap()["name"], "a");
    assert_eq!(world.number("SELECT COUNT(*) FROM thing").await, 1);
    // As the protocol writes a request: the object stands beside the records as well.
    let body = r#"{"object":"thing","records":[{"id":"t","data":{"name":"b"}}],"options":{"atomic":true}}"#;
    assert_eq!(post(&world, MANY, body).await.unwrap()["succeeded"], 1);
}

#[tokio::test]
async fn a_transaction_knows_records_by_what_a_batch_knows_them() {
    let world = world().await;
    let body = r#"{"operations":[
        {"object":"thing","action":"upsert","externalId":"A","data":{"name":"one"}},
        {"object":"thing","action":"upsert","externalId":"A","data":{"size":2}},
        {"object":"thing","action":"create","id":"x1","data":{"name":"x"}},
        {"object":"thing","action":"update","id":"$ref:2","data":{"size":3}},
        {"object":"thing","action":"upsert","id":"t","data":{"size":4}}
    ]}"#;
    let done = post(&world, ALL, body).await.unwrap();
    let results = done["results"].as_array().unwrap();
    let id = results[0]["id"].as_str().unwrap();
    assert_eq!(results[1]["id"], id, "{done}");
    let made = world.get("thing", id).await.unwrap();
    assert_eq!(
        (&made["name"], &made["size"], &made["code"]),
        (&json!("one"), &json!(2), &json!("A"))
    );
    assert_eq!(results[2]["id"], "x1", "{done}");
    assert_eq!(results[3]["record"]["size"], 3, "{done}");
    assert_eq!(world.get("thing", "t").await.unwrap()["size"], 4);
    let body = r#"{"operations":[{"type":"upsert","externalId":"A","data":{"size":5}},{"type":"create","id":"x2","data":{}}]}"#;
    let done = post(&world, ACTION, body).await.unwrap();
    assert_eq!(
        (&done["data"]["results"][0]["id"], &done["data"]["results"][1]["id"]),
        (&json!(id), &json!("x2"))
    );
    assert_eq!(world.get("thing", id).await.unwrap()["size"], 5);
    assert_eq!(world.number("SELECT COUNT(*) FROM thing").await, 4);
    // An id that is none is refused, and no other one is made up in its place.
    let body = r#"{"operations":[{"object":"thing","action":"create","id":"x3","data":{"id":7}}]}"#;
    assert_eq!(post(&world, ALL, body).await.unwrap_err().code(), "validation_error");
    // The key is not in the way of others that are upserted by nothing.
    let body = r#"{"operations":[{"object":"thing","action":"upsert","data":{"name":"new"}}]}"#;
    post(&world, ALL, body).await.unwrap();
    assert_eq!(world.number("SELECT COUNT(*) FROM thing").await, 5);
}
