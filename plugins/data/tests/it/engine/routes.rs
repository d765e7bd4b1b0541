//! Records over HTTP frames, in both shapes.

use objectos_data::routes_data::ROUTES;
use objectos_plugin_api::{Error, HttpRequest, HttpRequestParts, HttpResponse};
use serde_json::{Value, json};

use crate::seam::answer;
use crate::world::World;

const THING: &str = "name: thing\nfields:\n  name: { type: text, required: true }\n  size: { type: number }\n";

struct Call<'a> {
    method: &'a str,
    route: &'a str,
    id: &'a str,
    query: &'a str,
    body: &'a str,
    headers: &'a [(&'a str, &'a str)],
}

const NOTHING: Call<'static> = Call {
    method: "GET",
    route: "",
    id: "",
    query: "",
    body: "",
    headers: &[],
};

async fn send(world: &World, call: Call<'_>) -> Result<(u16, Value), Error> {
    assert!(
        ROUTES.contains(&format!("{} {}", call.method, call.route).as_str()),
        "{} {}",
        call.method,
        call.route
    );
    let parameters = [("object", "thing"), ("id", call.id), ("action", call.id)];
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
    let HttpResponse { status, body, .. } = answer(&world.engine, &world.local, &request).await?;
    Ok((status, serde_json::from_slice(&body).expect("an answer is JSON")))
}

#[tokio::test]
async fn the_shapes_of_the_clients() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    let list = "/api/v1/data/{object}";
    let one = "/api/v1/data/{object}/{id}";
    let (status, made) = send(
        &world,
        Call {
            method: "POST",
            route: list,
            body: r#"{"id":"t1","name":"a","size":1}"#,
            ..NOTHING
        },
    )
    .await
    .unwrap();
    assert_eq!(
        (status, &made["object"], &made["id"], &made["record"]["name"]),
        (201, &json!("thing"), &json!("t1"), &json!("a"))
    );
    let (status, read) = send(
        &world,
        Call {
            route: one,
            id: "t1",
            ..NOTHING
        },
    )
    .await
    .unwrap();
    assert_eq!((status, &read), (200, &made));
    let (_, part) = send(
        &world,
        Call {
            route: one,
            id: "t1",
            query: "select=name",
            ..NOTHING
        },
    )
    .await
    .unwrap();
    assert_eq!(part["record"], json!({ "name": "a" }));
    let version = made["record"]["updated_at"].as_str().unwrap();
    let quoted = format!("\"{version}\"");
    let change = Call {
        method: "PATCH",
        route: one,
        id: "t1",
        body: r#"{"size":2}"#,
        headers: &[("if-match", &quoted)],
        ..NOTHING
    };
    let (status, changed) = send(&world, change).await.unwrap();
    assert_eq!((status, &changed["record"]["size"]), (200, &json!(2)));
    let stale = Call {
        method: "PATCH",
        route: one,
        id: "t1",
        body: r#"{"size":3}"#,
        headers: &[("if-match", &quoted)],
        ..NOTHING
    };
    assert_eq!(send(&world, stale).await.unwrap_err().code(), "concurrent_modification");
    let (_, found) = send(
        &world,
        Call {
            route: list,
            query: "size=2",
            ..NOTHING
        },
    )
    .await
    .unwrap();
    assert_eq!(
        (
            &found["total"],
            &found["hasMore"],
            found["records"].as_array().unwrap().len()
        ),
        (&json!(1), &json!(false), 1)
    );
    let query = Call {
        method: "POST",
        route: "/api/v1/data/{object}/query",
        body: r#"{"where":[["size",">",1]],"limit":5}"#,
        ..NOTHING
    };
    assert_eq!(send(&world, query).await.unwrap().1["total"], 1);
    let (status, gone) = send(
        &world,
        Call {
            method: "DELETE",
            route: one,
            id: "t1",
            ..NOTHING
        },
    )
    .await
    .unwrap();
    assert_eq!(
        (status, gone),
        (
            200,
            json!({ "object": "thing", "id": "t1", "success": true, "deleted": true })
        )
    );
    let error = send(
        &world,
        Call {
            method: "DELETE",
            route: one,
            id: "t1",
            ..NOTHING
        },
    )
    .await
    .unwrap_err();
    assert_eq!(
        (error.code(), error.kind()),
        ("record_not_found", objectos_plugin_api::ErrorKind::NotFound)
    );
}

#[tokio::test]
async fn bulk_calls() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    let many = |method: &'static str, action: &'static str, body: &'static str| Call {
        method,
        route: action,
        body,
        ..NOTHING
    };
    let (status, made) = send(
        &world,
        many(
            "POST",
            "/api/v1/data/{object}/createMany",
            r#"[{"id":"a","name":"a"},{"id":"b","name":"b"}]"#,
        ),
    )
    .await
    .unwrap();
    assert_eq!(
        (status, &made["count"], &made["records"][1]["id"]),
        (201, &json!(2), &json!("b"))
    );
    let bad = send(
        &world,
        many("POST", "/api/v1/data/{object}/createMany", r#"{"name":"x"}"#),
    )
    .await
    .unwrap_err();
    assert_eq!(bad.code(), "invalid_format");
    let (_, changed) = send(&world, many("POST", "/api/v1/data/{object}/updateMany", r#"{"records":[{"id":"a","data":{"size":1}},{"id":"x","data":{}}],"options":{"atomic":false,"continueOnError":true}}"#)).await.unwrap();
    assert_eq!(
        (&changed["succeeded"], &changed["failed"], changed.get("data")),
        (&json!(1), &json!(1), None)
    );
    let (_, batch) = send(
        &world,
        many(
            "POST",
            "/api/v1/data/{object}/batch",
            r#"{"operation":"upsert","records":[{"id":"c","data":{"name":"c"}}],"options":{"returnRecords":true}}"#,
        ),
    )
    .await
    .unwrap();
    assert_eq!(batch["results"][0]["record"]["name"], "c");
    let unknown = send(
        &world,
        many(
            "POST",
            "/api/v1/data/{object}/batch",
            r#"{"operation":"merge","records":[]}"#,
        ),
    )
    .await
    .unwrap_err();
    assert_eq!(unknown.code(), "invalid_format");
    let (_, gone) = send(
        &world,
        many("POST", "/api/v1/data/{object}/deleteMany", r#"{"ids":["a","b"]}"#),
    )
    .await
    .unwrap();
    assert_eq!(gone["success"], true);
    let body = r#"{"operations":[{"object":"thing","action":"create","data":{"name":"z"}},{"object":"thing","action":"update","id":"$ref:0","data":{"size":9}}]}"#;
    let (_, done) = send(&world, many("POST", "/api/v1/batch", body)).await.unwrap();
    assert_eq!(done["results"][1]["record"]["size"], 9);
    let body = r#"{"operations":[],"atomic":false}"#;
    assert_eq!(
        send(&world, many("POST", "/api/v1/batch", body))
            .await
            .unwrap_err()
            .code(),
        "invalid_format"
    );
}

#[tokio::test]
async fn the_envelope_of_the_older_dialect() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    let list = "/api/data/{object}";
    let one = "/api/data/{object}/{id}";
    let action = "/api/data/{object}/{action}";
    let (status, made) = send(
        &world,
        Call {
            method: "POST",
            route: list,
            body: r#"{"id":"t1","name":"a"}"#,
            ..NOTHING
        },
    )
    .await
    .unwrap();
    assert_eq!(
        (
            status,
            &made["success"],
            &made["data"]["name"],
            &made["data"]["record"]["id"]
        ),
        (201, &json!(true), &json!("a"), &json!("t1"))
    );
    let (_, found) = send(
        &world,
        Call {
            method: "POST",
            route: action,
            id: "query",
            body: r#"{"filters":[["name","=","a"]],"fields":["name"],"sort":[["name","asc"]],"limit":5,"skip":0}"#,
            ..NOTHING
        },
    )
    .await
    .unwrap();
    assert_eq!(
        found,
        json!({ "success": true, "data": [{ "name": "a" }], "meta": { "count": 1, "limit": 5, "skip": 0, "total": 1, "hasMore": false } })
    );
    let (_, changed) = send(
        &world,
        Call {
            method: "PATCH",
            route: one,
            id: "t1",
            body: r#"{"size":4}"#,
            ..NOTHING
        },
    )
    .await
    .unwrap();
    assert_eq!(changed["data"]["size"], 4);
    let body = r#"{"operations":[{"type":"create","data":{"name":"b"}},{"type":"update","id":"t1","data":{"size":5}},{"type":"delete","id":"t1"}]}"#;
    let (_, batch) = send(
        &world,
        Call {
            method: "POST",
            route: action,
            id: "batch",
            body,
            ..NOTHING
        },
    )
    .await
    .unwrap();
    assert_eq!(
        (
            &batch["data"]["created"],
            &batch["data"]["updated"],
            &batch["data"]["deleted"]
        ),
        (&json!(1), &json!(1), &json!(1))
    );
    let error = send(
        &world,
        Call {
            method: "POST",
            route: action,
            id: "frobnicate",
            ..NOTHING
        },
    )
    .await
    .unwrap_err();
    assert_eq!(error.code(), "endpoint_not_found");
    let (_, all) = send(&world, Call { route: list, ..NOTHING }).await.unwrap();
    assert_eq!(all["meta"]["total"], 1);
}

#[tokio::test]
async fn bodies_that_are_none() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    let create = |body: &'static str| Call {
        method: "POST",
        route: "/api/v1/data/{object}",
        body,
        ..NOTHING
    };
    for body in ["", "{", "[]", "null", "7"] {
        assert_eq!(
            send(&world, create(body)).await.unwrap_err().code(),
            "invalid_format",
            "{body:?}"
        );
    }
    let query = Call {
        method: "POST",
        route: "/api/v1/data/{object}/query",
        ..NOTHING
    };
    assert_eq!(send(&world, query).await.unwrap().1["total"], 0);
}
