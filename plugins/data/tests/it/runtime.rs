//! Metadata saved while the system runs, over HTTP frames on the plugin behind the ABI.

mod migrations;

use std::sync::Arc;

use objectos_data::DataPlugin;
use objectos_plugin_api::contracts::permissions::{
    AccessPlan, AccessRequest, FieldAccess, Permissions, PermissionsServer, SystemPermissionRequest,
};
use objectos_plugin_api::{Context, ErrorKind, HttpRequestParts, PrincipalKind, Result};
use objectos_plugin_testing::{TestHost, TestPlugin};
use serde_json::{Value, json};

use crate::app_support::write_app;
use crate::driver::Place;
use crate::seam::told;
use crate::world::principal;

const MANIFEST: &str = include_str!("../../plugin.json");
const THING: &str = "name: thing\nfields:\n  name: { type: text, required: true }\n";

fn host(place: &Place, files: &[(&str, &str)]) -> TestHost {
    let app = place.folder().join("app");
    std::fs::remove_dir_all(&app).ok();
    write_app(&app, "demo", files);
    TestHost::new(MANIFEST)
        .config(json!({ "database": place.config() }))
        .settings(json!({ "mode": "test", "apps": [app] }))
}

async fn started(place: &Place) -> TestPlugin {
    host(place, &[("thing.object.yml", THING)])
        .start::<DataPlugin>()
        .await
        .unwrap()
}

fn local() -> Context {
    principal("local", PrincipalKind::Local, None)
}

struct Call<'a> {
    method: &'a str,
    route: &'a str,
    parameters: &'a [(&'a str, &'a str)],
    query: &'a str,
    body: Value,
}

async fn send_as(plugin: &TestPlugin, context: &Context, call: Call<'_>) -> Result<Value> {
    let body = if call.body.is_null() {
        String::new()
    } else {
        call.body.to_string()
    };
    let request = HttpRequestParts {
        method: call.method,
        route: call.route,
        path: call.route,
        query: call.query,
        parameters: call.parameters,
        body: body.as_bytes(),
        ..HttpRequestParts::default()
    };
    let name = format!("{} {}", call.method, call.route);
    let answer = told(&name, plugin.route(&name, context, &request).await)?;
    Ok(serde_json::from_slice(&answer.body).expect("an answer is JSON"))
}

async fn meta(plugin: &TestPlugin, method: &str, kind: &str, name: &str, body: Value) -> Result<Value> {
    let parameters = [("type", kind), ("name", name)];
    let call = Call {
        method,
        route: "/api/v1/meta/{type}/{name}",
        parameters: &parameters,
        query: "",
        body,
    };
    send_as(plugin, &local(), call).await
}

async fn create(plugin: &TestPlugin, object: &str, record: Value) -> Result<Value> {
    let parameters = [("object", object)];
    let call = Call {
        method: "POST",
        route: "/api/v1/data/{object}",
        parameters: &parameters,
        query: "",
        body: record,
    };
    send_as(plugin, &local(), call).await
}

async fn total(plugin: &TestPlugin, object: &str) -> Result<Value> {
    let parameters = [("object", object)];
    let call = Call {
        method: "GET",
        route: "/api/v1/data/{object}",
        parameters: &parameters,
        query: "",
        body: Value::Null,
    };
    Ok(send_as(plugin, &local(), call).await?["total"].clone())
}

fn car(fields: Value) -> Value {
    json!({ "name": "car", "label": "Car", "fields": fields })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_object_is_usable_at_once_and_after_a_restart() {
    let place = Place::new();
    let plugin = started(&place).await;
    let fields =
        json!({ "plate": { "type": "text", "required": true }, "thing": { "type": "lookup", "reference": "thing" } });
    let saved = meta(&plugin, "PUT", "objects", "car", car(fields.clone()))
        .await
        .unwrap();
    assert_eq!(
        (&saved["success"], &saved["type"], &saved["version"], &saved["changed"]),
        (&json!(true), &json!("object"), &json!(1), &json!(true))
    );
    create(&plugin, "car", json!({ "plate": "A1" })).await.unwrap();
    assert_eq!(
        create(&plugin, "car", json!({})).await.unwrap_err().code(),
        "validation_error"
    );
    let read = meta(&plugin, "GET", "object", "car", Value::Null).await.unwrap();
    assert_eq!(read["fields"]["plate"]["type"], "text");
    // What was read can be saved again; nothing changes by it.
    let again = meta(&plugin, "PUT", "object", "car", read).await.unwrap();
    assert_eq!(again["success"], true, "{again}");
    let told: Vec<(String, bool)> = plugin
        .published()
        .into_iter()
        .filter(|event| event.name.starts_with("system."))
        .map(|event| (event.name, event.durable))
        .collect();
    assert_eq!(
        told[..2],
        [
            ("system.metadata.changed".to_owned(), false),
            ("system.config_changed".to_owned(), true)
        ]
    );
    plugin.stop().await.unwrap();
    let plugin = started(&place).await;
    assert_eq!(total(&plugin, "car").await.unwrap(), 1);
    create(&plugin, "car", json!({ "plate": "A2" })).await.unwrap();
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_app_declares_stays_the_apps() {
    let place = Place::new();
    let plugin = started(&place).await;
    for (method, body) in [
        ("PUT", json!({ "fields": { "a": { "type": "text" } } })),
        ("DELETE", Value::Null),
    ] {
        let error = meta(&plugin, method, "object", "thing", body).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "resource_conflict"));
        assert!(
            error.message().contains("'demo'") && error.message().contains("thing.object.yml"),
            "{}",
            error.message()
        );
    }
    assert_eq!(
        meta(&plugin, "DELETE", "object", "nothing", Value::Null)
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::NotFound
    );
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_that_cannot_be_used_changes_nothing() {
    let place = Place::new();
    let plugin = started(&place).await;
    for (kind, name, body, expected) in [
        (
            "object",
            "car",
            car(json!({ "x": { "type": "txet" } })),
            "validation_error",
        ),
        (
            "object",
            "car",
            car(json!({ "x": { "type": "lookup", "reference": "thinge" } })),
            "validation_error",
        ),
        (
            "object",
            "car",
            json!({ "name": "bus", "fields": {} }),
            "validation_error",
        ),
        ("object", "car", json!([1]), "invalid_format"),
        (
            "object",
            "sys_user",
            json!({ "fields": { "x": { "type": "text" } } }),
            "validation_error",
        ),
        (
            "object",
            "Car!",
            json!({ "fields": { "x": { "type": "text" } } }),
            "validation_error",
        ),
        (
            "object",
            "car",
            json!({ "tableName": "thing", "fields": { "x": { "type": "text" } } }),
            "validation_error",
        ),
        ("carriage", "car", json!({}), "resource_not_found"),
        ("package", "car", json!({}), "resource_not_found"),
    ] {
        let error = meta(&plugin, "PUT", kind, name, body.clone()).await.unwrap_err();
        assert_eq!(error.code(), expected, "{kind} {name} {body}: {}", error.message());
    }
    assert_eq!(total(&plugin, "car").await.unwrap_err().code(), "object_not_found");
    // What was refused is not in the way of what comes next.
    meta(&plugin, "PUT", "object", "car", car(json!({ "x": { "type": "text" } })))
        .await
        .unwrap();
    assert_eq!(total(&plugin, "car").await.unwrap(), 0);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_planned_against_the_database() {
    let place = Place::new();
    let plugin = started(&place).await;
    let put = async |fields: Value| meta(&plugin, "PUT", "object", "car", car(fields)).await;
    put(json!({ "plate": { "type": "text" } })).await.unwrap();
    create(&plugin, "car", json!({ "plate": "A1" })).await.unwrap();
    let more = json!({ "plate": { "type": "text" }, "seats": { "type": "number" } });
    let saved = put(more).await.unwrap();
    assert!(saved["steps"].to_string().contains("add column car.seats"), "{saved}");
    let error = put(json!({ "seats": { "type": "number" } })).await.unwrap_err();
    let details: Value = serde_json::from_slice(error.details()).unwrap();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(
        details["plan"]["destructive"],
        json!(["drop column car.plate and all its values"])
    );
    // Nothing happened, so the field is there.
    create(&plugin, "car", json!({ "plate": "A2" })).await.unwrap();
    let parameters = [("type", "object"), ("name", "car")];
    let call = |query: &'static str| Call {
        method: "PUT",
        route: "/api/v1/meta/{type}/{name}",
        parameters: &parameters,
        query,
        body: car(json!({ "seats": { "type": "number" } })),
    };
    for (query, code) in [("loseData=yes", "invalid_query"), ("loseData=0", "resource_conflict")] {
        let error = send_as(&plugin, &local(), call(query)).await.unwrap_err();
        assert_eq!(error.code(), code, "{query}");
    }
    send_as(&plugin, &local(), call("loseData=true")).await.unwrap();
    assert_eq!(
        create(&plugin, "car", json!({ "plate": "A3" }))
            .await
            .unwrap_err()
            .code(),
        "invalid_field"
    );
    assert_eq!(total(&plugin, "car").await.unwrap(), 2);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_can_be_listed_and_brought_back() {
    let place = Place::new();
    let plugin = started(&place).await;
    let view = |label: &str| json!({ "name": "cars", "label": label });
    for label in ["one", "two"] {
        meta(&plugin, "PUT", "app", "cars", view(label)).await.unwrap();
    }
    meta(&plugin, "DELETE", "app", "cars", Value::Null).await.unwrap();
    assert_eq!(
        meta(&plugin, "GET", "app", "cars", Value::Null)
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::NotFound
    );
    let ask = async |method: &str, route: &str, version: &str, body: Value| {
        let parameters = [("type", "app"), ("name", "cars"), ("version", version)];
        let call = Call {
            method,
            route,
            parameters: &parameters,
            query: "",
            body,
        };
        send_as(&plugin, &local(), call).await
    };
    let history = ask("GET", "/api/v1/meta/{type}/{name}/history", "", Value::Null)
        .await
        .unwrap();
    let told: Vec<String> = history["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            format!(
                "{} {} {}",
                row["version"],
                row["operation"].as_str().unwrap(),
                row["changedBy"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(told, ["3 delete local", "2 save local", "1 save local"]);
    let first = ask("GET", "/api/v1/meta/{type}/{name}/history/{version}", "1", Value::Null)
        .await
        .unwrap();
    assert_eq!(first["definition"]["label"], "one");
    let rollback = "/api/v1/meta/{type}/{name}/rollback";
    let back = ask("POST", rollback, "", json!({ "version": 1 })).await.unwrap();
    assert_eq!(back["version"], 4);
    assert_eq!(
        meta(&plugin, "GET", "app", "cars", Value::Null).await.unwrap()["label"],
        "one"
    );
    for missing in [3, 9] {
        let error = ask("POST", rollback, "", json!({ "version": missing }))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{missing}");
    }
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_goes_when_nothing_builds_on_it() {
    let place = Place::new();
    let plugin = started(&place).await;
    let text = json!({ "x": { "type": "text" } });
    meta(&plugin, "PUT", "object", "car", car(text)).await.unwrap();
    create(&plugin, "car", json!({ "x": "kept" })).await.unwrap();
    let wheel = json!({ "name": "wheel", "fields": { "car": { "type": "lookup", "reference": "car" } } });
    meta(&plugin, "PUT", "object", "wheel", wheel).await.unwrap();
    let error = meta(&plugin, "DELETE", "object", "car", Value::Null).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{}", error.message());
    assert_eq!(total(&plugin, "car").await.unwrap(), 1);
    let gone = meta(&plugin, "DELETE", "object", "wheel", Value::Null).await.unwrap();
    assert_eq!(
        (&gone["deleted"], &gone["type"], &gone["name"]),
        (&json!(true), &json!("object"), &json!("wheel"))
    );
    meta(&plugin, "DELETE", "object", "car", Value::Null).await.unwrap();
    assert_eq!(total(&plugin, "car").await.unwrap_err().code(), "object_not_found");
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_takes_a_name_over_goes_first() {
    let place = Place::new();
    let plugin = started(&place).await;
    for name in ["car", "bus"] {
        let definition = json!({ "name": name, "fields": { "x": { "type": "text" } } });
        meta(&plugin, "PUT", "object", name, definition).await.unwrap();
    }
    plugin.stop().await.unwrap();
    let own = "name: car\nfields:\n  x: { type: text }\n  y: { type: text }\n";
    let plugin = host(&place, &[("thing.object.yml", THING), ("car.object.yml", own)])
        .start::<DataPlugin>()
        .await
        .unwrap();
    create(&plugin, "car", json!({ "y": "the app's" })).await.unwrap();
    create(&plugin, "bus", json!({ "x": "saved" })).await.unwrap();
    plugin.stop().await.unwrap();
}

/// Ann customises, Bob reads and writes records; nobody manages permissions.
#[derive(Debug)]
struct Rules;

impl Permissions for Rules {
    fn version(&self, _: Context) -> Result<u64> {
        Ok(1)
    }

    async fn has_system_permission(&self, context: Context, request: SystemPermissionRequest) -> Result<bool> {
        Ok(context.user() == "ann" && request.permission == "customize_metadata")
    }

    async fn access_plan(&self, _: Context, _: AccessRequest) -> Result<AccessPlan> {
        Ok(AccessPlan {
            allowed: true,
            readable: FieldAccess::All,
            writable: FieldAccess::All,
            ..AccessPlan::default()
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_change_metadata_is_decided_by_permissions() {
    let place = Place::new();
    let plugin = host(&place, &[("thing.object.yml", THING)])
        .service(PermissionsServer::new(Arc::new(Rules)))
        .start::<DataPlugin>()
        .await
        .unwrap();
    let put = async |user: &str, kind: &str| {
        let context = principal(user, PrincipalKind::User, None);
        let parameters = [("type", kind), ("name", "car")];
        let call = Call {
            method: "PUT",
            route: "/api/v1/meta/{type}/{name}",
            parameters: &parameters,
            query: "",
            body: json!({ "fields": { "x": { "type": "text" } } }),
        };
        send_as(&plugin, &context, call).await
    };
    let refused = put("bob", "object").await.unwrap_err();
    assert_eq!(
        (refused.kind(), refused.code()),
        (ErrorKind::Denied, "permission_denied")
    );
    put("ann", "object").await.unwrap();
    // Whoever could save permissions could give them to himself.
    assert_eq!(put("ann", "permission").await.unwrap_err().kind(), ErrorKind::Denied);
    // The records behind it are nobody's to write, whatever the plans say.
    let context = principal("ann", PrincipalKind::User, None);
    let parameters = [("object", "sys_metadata")];
    let call = Call {
        method: "POST",
        route: "/api/v1/data/{object}",
        parameters: &parameters,
        query: "",
        body: json!({ "kind": "permission", "name": "mine", "number": 1, "definition": {} }),
    };
    assert_eq!(
        send_as(&plugin, &context, call).await.unwrap_err().kind(),
        ErrorKind::Denied
    );
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_what_it_saw_overwrites_nothing_else() {
    let place = Place::new();
    let plugin = started(&place).await;
    let put = async |tag: &str, label: &str| {
        let parameters = [("type", "app"), ("name", "fleet")];
        let headers = [("if-match", tag)];
        let body = json!({ "name": "fleet", "label": label }).to_string();
        let request = HttpRequestParts {
            method: "PUT",
            route: "/api/v1/meta/{type}/{name}",
            path: "/api/v1/meta/app/fleet",
            parameters: &parameters,
            headers: &headers,
            body: body.as_bytes(),
            ..HttpRequestParts::default()
        };
        plugin.route("PUT /api/v1/meta/{type}/{name}", &local(), &request).await
    };
    assert_eq!(put("*", "none").await.unwrap_err().code(), "concurrent_modification");
    let saved = meta(&plugin, "PUT", "app", "fleet", json!({ "label": "one" }))
        .await
        .unwrap();
    let parameters = [("type", "app"), ("name", "fleet")];
    let read = HttpRequestParts {
        method: "GET",
        route: "/api/v1/meta/{type}/{name}",
        path: "/api/v1/meta/app/fleet",
        parameters: &parameters,
        ..HttpRequestParts::default()
    };
    let answer = plugin
        .route("GET /api/v1/meta/{type}/{name}", &local(), &read)
        .await
        .unwrap();
    let (_, etag) = answer.headers.iter().find(|(name, _)| name == "etag").unwrap().clone();
    put(&etag, "two").await.unwrap();
    let version = saved["version"].to_string();
    for stale in [etag.as_str(), version.as_str()] {
        let refused = put(stale, "three").await.unwrap_err();
        let details: Value = serde_json::from_slice(refused.details()).unwrap();
        assert_eq!(
            (refused.kind(), &details["currentVersion"]),
            (ErrorKind::Conflict, &json!(2)),
            "{stale}"
        );
    }
    put("\"nothing\", \"2\"", "three").await.unwrap();
    plugin.stop().await.unwrap();
}

async fn migrate(plugin: &TestPlugin, body: Value) -> Result<Value> {
    let call = Call {
        method: "POST",
        route: "/api/v1/meta/_migrate-stored",
        parameters: &[],
        query: "",
        body,
    };
    send_as(plugin, &local(), call).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn older_spellings_that_are_stored_are_shown_and_rewritten() {
    let place = Place::new();
    let plugin = started(&place).await;
    let older = json!({ "name": "car", "label": "Car", "fields": { "plate": { "type": "string", "max_length": 9 } } });
    meta(&plugin, "PUT", "object", "car", older).await.unwrap();
    let newer = json!({ "name": "bus", "fields": { "plate": { "type": "text" } } });
    meta(&plugin, "PUT", "object", "bus", newer).await.unwrap();
    meta(&plugin, "PUT", "app", "desk", json!({ "label": "Desk" }))
        .await
        .unwrap();
    // Asked, and the numbers of scanned, canonical, pending, rewritten and failed.
    let cases = [
        (json!(null), [3, 2, 1, 0, 0]),
        (json!({ "types": ["apps"] }), [1, 1, 0, 0, 0]),
        (json!({ "apply": true }), [3, 2, 0, 1, 0]),
        (json!({ "apply": true }), [3, 3, 0, 0, 0]),
    ];
    for (body, expected) in cases {
        let report = migrate(&plugin, body.clone()).await.unwrap();
        let found = ["scanned", "canonical", "pending", "rewritten", "failed"].map(|key| report[key].as_i64().unwrap());
        assert_eq!(found, expected, "{body}: {report}");
        let others = report["scanned"].as_i64().unwrap() - report["canonical"].as_i64().unwrap();
        let rows = i64::try_from(report["rows"].as_array().unwrap().len()).unwrap();
        assert_eq!(rows, others, "{report}");
    }
    let car = meta(&plugin, "GET", "object", "car", Value::Null).await.unwrap();
    assert_eq!(car["fields"]["plate"]["maxLength"], 9);
    for body in [
        json!({ "apply": 1 }),
        json!({ "types": "object" }),
        json!({ "types": ["nothing"] }),
    ] {
        assert!(migrate(&plugin, body.clone()).await.is_err(), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_package_is_a_book_without_pages() {
    let place = Place::new();
    let plugin = started(&place).await;
    let tree = async |name: &str| {
        let parameters = [("name", name)];
        let call = Call {
            method: "GET",
            route: "/api/v1/meta/book/{name}/tree",
            parameters: &parameters,
            query: "",
            body: Value::Null,
        };
        send_as(&plugin, &local(), call).await
    };
    let book = tree("demo").await.unwrap();
    assert_eq!((&book["name"], &book["groups"]), (&json!("demo"), &json!([])));
    assert_eq!(tree("nothing").await.unwrap_err().kind(), ErrorKind::NotFound);
}
