//! The further life of records over HTTP frames: addresses, parameters, headers, shapes.

use objectos_data::routes_data::{EXPORT, ROUTES};
use objectos_plugin_api::{Error, HttpAnswer, HttpRequest, HttpRequestParts, HttpResponse};
use serde_json::{Value, json};

use crate::seam::{answer, export};
use crate::world::World;

const THING: &str = "name: thing\nsoftDelete: { enabled: true }\nversioning: { enabled: true, strategy: snapshot }\nfields:\n  name: { type: text, required: true }\n  size: { type: number }\n";
const ONE: &str = "/api/v1/data/{object}/{id}";

struct Call<'a> {
    route: &'a str,
    id: &'a str,
    version: &'a str,
    query: &'a str,
    body: &'a str,
    headers: &'a [(&'a str, &'a str)],
}

const NOTHING: Call<'static> = Call {
    route: "",
    id: "t",
    version: "",
    query: "",
    body: "",
    headers: &[],
};

async fn raw(world: &World, method: &str, call: Call<'_>) -> Result<HttpResponse, Error> {
    let known = format!("{method} {}", call.route);
    assert!(ROUTES.contains(&known.as_str()), "{known}");
    let parameters = [("object", "thing"), ("id", call.id), ("version", call.version)];
    let frame = HttpRequestParts {
        method,
        route: call.route,
        path: call.route,
        query: call.query,
        parameters: &parameters,
        headers: call.headers,
        body: call.body.as_bytes(),
    };
    let request = HttpRequest::decode(frame.encode())?;
    if known == EXPORT {
        // What is asked for here is small enough for a whole answer.
        return match export(&world.engine, &world.local, &request).await? {
            HttpAnswer::Whole(response) => Ok(response),
            streamed => panic!("{streamed:?}"),
        };
    }
    answer(&world.engine, &world.local, &request).await
}

async fn send(world: &World, method: &str, call: Call<'_>) -> Result<(u16, Value), Error> {
    let HttpResponse { status, body, .. } = raw(world, method, call).await?;
    Ok((status, serde_json::from_slice(&body).expect("an answer is JSON")))
}

async fn world() -> World {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    world
        .create("thing", json!({ "id": "t", "name": "a", "size": 1 }))
        .await
        .unwrap();
    world
}

fn at(route: &str) -> Call<'_> {
    Call { route, ..NOTHING }
}

#[tokio::test]
async fn into_the_bin_back_and_gone() {
    let world = world().await;
    let (_, record) = send(&world, "GET", at(ONE)).await.unwrap();
    let version = record["record"]["version"].to_string();
    let stale = Call {
        headers: &[("if-match", "\"7\"")],
        ..at(ONE)
    };
    let error = send(&world, "DELETE", stale).await.unwrap_err();
    let details: Value = serde_json::from_slice(error.details()).unwrap();
    assert_eq!(
        (
            error.code(),
            &details["currentVersion"],
            &details["currentRecord"]["name"]
        ),
        ("concurrent_modification", &json!("1"), &json!("a"))
    );
    let query = format!("expectedVersion={version}");
    let fresh = Call {
        query: &query,
        ..at(ONE)
    };
    assert_eq!(send(&world, "DELETE", fresh).await.unwrap().0, 200);
    let bin = Call {
        query: "deleted=only&select=id",
        ..at("/api/v1/data/{object}")
    };
    assert_eq!(
        send(&world, "GET", bin).await.unwrap().1["records"],
        json!([{ "id": "t" }])
    );
    let binned = Call {
        query: "deleted=only",
        ..at(ONE)
    };
    assert_eq!(send(&world, "GET", binned).await.unwrap().1["record"]["name"], "a");
    assert_eq!(
        send(&world, "GET", at(ONE)).await.unwrap_err().code(),
        "record_not_found"
    );
    let (status, back) = send(&world, "POST", at("/api/v1/data/{object}/{id}/restore"))
        .await
        .unwrap();
    assert_eq!(
        (status, &back["object"], &back["id"], &back["record"]["name"]),
        (200, &json!("thing"), &json!("t"), &json!("a"))
    );
    let purge = Call {
        query: "purge=true",
        ..at(ONE)
    };
    let (_, gone) = send(&world, "DELETE", purge).await.unwrap();
    assert_eq!(
        gone,
        json!({ "object": "thing", "id": "t", "success": true, "deleted": true })
    );
    assert_eq!(world.number("SELECT COUNT(*) FROM thing").await, 0);
}

#[tokio::test]
async fn batches_restore_and_purge() {
    let world = world().await;
    let batch = |body: &'static str| Call {
        body,
        ..at("/api/v1/data/{object}/batch")
    };
    let wanted = r#"{"operation":"delete","records":[{"id":"t","expectedVersion":"1"}]}"#;
    assert_eq!(send(&world, "POST", batch(wanted)).await.unwrap().1["success"], true);
    let wanted = r#"{"operation":"restore","records":[{"id":"t"}]}"#;
    assert_eq!(
        send(&world, "POST", batch(wanted)).await.unwrap().1["operation"],
        "restore"
    );
    let wanted = r#"{"operation":"purge","records":[{"id":"t"}]}"#;
    assert_eq!(send(&world, "POST", batch(wanted)).await.unwrap().1["succeeded"], 1);
}

#[tokio::test]
async fn versions_and_copies() {
    let world = world().await;
    world.update("thing", "t", json!({ "name": "b" })).await.unwrap();
    let (_, list) = send(&world, "GET", at("/api/v1/data/{object}/{id}/versions"))
        .await
        .unwrap();
    assert_eq!(
        (&list["total"], &list["versions"][0]["version"]),
        (&json!(2), &json!(2))
    );
    let first = |route: &'static str| Call {
        version: "1",
        ..at(route)
    };
    let one = first("/api/v1/data/{object}/{id}/versions/{version}");
    assert_eq!(send(&world, "GET", one).await.unwrap().1["record"]["name"], "a");
    let back = first("/api/v1/data/{object}/{id}/versions/{version}/restore");
    assert_eq!(send(&world, "POST", back).await.unwrap().1["record"]["name"], "a");
    let odd = Call {
        version: "first",
        ..at("/api/v1/data/{object}/{id}/versions/{version}")
    };
    assert_eq!(send(&world, "GET", odd).await.unwrap_err().code(), "invalid_query");
    let clone = "/api/v1/data/{object}/{id}/clone";
    let copy = Call {
        body: r#"{"overrides":{"name":"copy"}}"#,
        ..at(clone)
    };
    let (status, copy) = send(&world, "POST", copy).await.unwrap();
    assert_eq!(
        (status, &copy["sourceId"], &copy["record"]["size"]),
        (201, &json!("t"), &json!(1))
    );
    assert_eq!(copy["id"], copy["record"]["id"]);
    assert_eq!(send(&world, "POST", at(clone)).await.unwrap().0, 201);
    let wrong = Call {
        body: r#"{"name":"copy"}"#,
        ..at(clone)
    };
    assert_eq!(send(&world, "POST", wrong).await.unwrap_err().code(), "invalid_format");
}

#[tokio::test]
async fn files_out_and_in() {
    let world = world().await;
    world.create("thing", json!({ "id": "u", "name": "b" })).await.unwrap();
    let asked = |query: &'static str| Call {
        query,
        ..at("/api/v1/data/{object}/export")
    };
    let answer = raw(&world, "GET", asked("format=csv&select=name,size&sort=id&size=1"))
        .await
        .unwrap();
    assert_eq!(String::from_utf8(answer.body).unwrap(), "name,size\r\na,1\r\n");
    let header = |name: &str| {
        answer
            .headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(
        header("content-disposition"),
        Some("attachment; filename=\"thing.csv\"")
    );
    let part = raw(&world, "GET", asked("format=ndjson&select=id&sort=id&limit=1"))
        .await
        .unwrap();
    assert_eq!(part.body, b"{\"id\":\"t\"}\n");
    assert!(part.headers.iter().any(|(name, _)| name == "x-next-cursor"));
    assert_eq!(
        raw(&world, "GET", asked("format=xlsx")).await.unwrap_err().code(),
        "invalid_query"
    );
    let import = "/api/v1/data/{object}/import";
    let csv = Call {
        query: "mode=upsert&externalId=name",
        body: "name,size\na,5\nc,6\n",
        headers: &[("content-type", "text/csv")],
        ..at(import)
    };
    let (status, done) = send(&world, "POST", csv).await.unwrap();
    assert_eq!(
        (status, &done["created"], &done["updated"]),
        (200, &json!(1), &json!(1)),
        "{done}"
    );
    let body = r#"{"mode":"insert","dryRun":true,"records":[{"name":"d"},{"size":1}]}"#;
    let json_body = Call { body, ..at(import) };
    let (_, done) = send(&world, "POST", json_body).await.unwrap();
    assert_eq!(
        (&done["dryRun"], &done["created"], &done["errors"][0]["row"]),
        (&json!(true), &json!(1), &json!(2)),
        "{done}"
    );
    assert_eq!(world.number("SELECT COUNT(*) FROM thing").await, 3);
    let lines = Call {
        query: "format=ndjson",
        body: "{\"name\":\"e\"}\n{\"name\":}\n",
        ..at(import)
    };
    let (_, done) = send(&world, "POST", lines).await.unwrap();
    assert_eq!(
        (&done["created"], &done["errors"][0]["line"]),
        (&json!(1), &json!(2)),
        "{done}"
    );
    let wrong = Call {
        query: "mode=replace",
        body: "[]",
        ..at(import)
    };
    assert_eq!(send(&world, "POST", wrong).await.unwrap_err().code(), "invalid_format");
}
