//! The plugin behind the ABI, on the in-memory host: what it registers, whom it serves, and that it lets go of its file.

use objectos_data::{DataPlugin, routes_data, routes_meta, routes_recent, routes_search};
use objectos_plugin_api::contracts::data::{CreateRequest, DataClient, FindRequest};
use objectos_plugin_api::contracts::event_archive::FILE_ARCHIVE;
use objectos_plugin_api::contracts::event_store::{EventStoreClient, PendingRequest};
use objectos_plugin_api::protocol::kernel::PluginHealthStatus;
use objectos_plugin_api::{Context, HttpRequestParts, PrincipalKind, Result};
use objectos_plugin_testing::{TestHost, TestPlugin};
use serde_json::{Value, json};

use crate::app_support::write_app;
use crate::driver::{Driver, Place};
use crate::seam::told;
use crate::world::{fields, principal};

const MANIFEST: &str = include_str!("../../plugin.json");
const THING: &str = "name: thing\nfields:\n  name: { type: text, required: true }\n  size: { type: number }\n";
const SEEDS: &str = "object: thing\nexternalId: name\nrecords:\n  - { name: seeded }\n";

fn host(place: &Place, thing: &str) -> TestHost {
    let app = place.folder().join("app");
    write_app(&app, "demo", &[("thing.object.yml", thing), ("thing.data.yml", SEEDS)]);
    TestHost::new(MANIFEST)
        .config(json!({ "database": place.config() }))
        .settings(json!({ "mode": "test", "apps": [app] }))
}

fn local() -> Context {
    principal("local", PrincipalKind::Local, None)
}

async fn list(plugin: &TestPlugin, context: &Context) -> Result<Value> {
    let request = HttpRequestParts {
        method: "GET",
        route: "/api/v1/data/{object}",
        path: "/api/v1/data/thing",
        parameters: &[("object", "thing")],
        ..HttpRequestParts::default()
    };
    let route = "GET /api/v1/data/{object}";
    let answer = told(route, plugin.route(route, context, &request).await)?;
    Ok(serde_json::from_slice(&answer.body).expect("an answer is JSON"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_registers_what_it_declares() {
    let place = Place::new();
    let plugin = host(&place, THING).start::<DataPlugin>().await.unwrap();
    let manifest: Value = serde_json::from_str(MANIFEST).unwrap();
    let mut declared: Vec<String> = manifest["objectos"]["routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|route| {
            format!(
                "{} {}",
                route["method"].as_str().unwrap(),
                route["path"].as_str().unwrap()
            )
        })
        .collect();
    let mut served: Vec<String> = routes_data::ROUTES
        .iter()
        .chain(&routes_data::JOB_ROUTES)
        .chain(&routes_meta::ROUTES)
        .chain(&routes_meta::WRITE_ROUTES)
        .chain(&routes_meta::VIEW_ROUTES)
        .chain(&routes_search::ROUTES)
        .chain(&routes_recent::ROUTES)
        .map(|&route| route.to_owned())
        .collect();
    let mut registered = plugin.registrations().routes.clone();
    for routes in [&mut declared, &mut served, &mut registered] {
        routes.sort();
    }
    assert_eq!(declared, served);
    assert_eq!(declared, registered);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_and_events_go_through_its_services() {
    let place = Place::new();
    let plugin = host(&place, THING).start::<DataPlugin>().await.unwrap();
    let data = DataClient::open(&plugin.host()).unwrap();
    let create = CreateRequest {
        object: "thing".to_owned(),
        record: fields(json!({ "name": "made" })),
    };
    let made = data
        .create(&local(), &serde_json::to_vec(&create).unwrap())
        .await
        .unwrap();
    let made: Value = serde_json::from_slice(&made).unwrap();
    assert_eq!(
        (&made["object"], &made["record"]["name"]),
        (&json!("thing"), &json!("made"))
    );
    let find = FindRequest {
        object: "thing".to_owned(),
        query: fields(json!({ "orderBy": "name" })),
    };
    let found: Value =
        serde_json::from_slice(&data.find(&local(), &serde_json::to_vec(&find).unwrap()).await.unwrap()).unwrap();
    assert_eq!(
        (&found["total"], &found["records"][1]["name"]),
        (&json!(2), &json!("seeded"))
    );
    let events = EventStoreClient::open(&plugin.host()).unwrap();
    let request = PendingRequest {
        after: 0,
        limit: 10,
        node: "n".to_owned(),
        lease_ms: 0,
    };
    let waiting = events.pending(&Context::background(), &request).await.unwrap();
    assert_eq!(waiting.len(), 2);
    assert_eq!(plugin.health().await.unwrap().status, PluginHealthStatus::Healthy);
    plugin.stop().await.unwrap();
}

/// Files of one host are not there for others, so they go with a database of one host.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn done_events_go_to_files_and_come_back() {
    let place = Place::on(Driver::Sqlite);
    let plugin = host(&place, THING).start::<DataPlugin>().await.unwrap();
    let events = EventStoreClient::open(&plugin.host()).unwrap();
    let request = PendingRequest {
        after: 0,
        limit: 10,
        node: "n".to_owned(),
        lease_ms: 0,
    };
    let waiting = events.pending(&Context::background(), &request).await.unwrap();
    let archive = plugin.host().service(FILE_ARCHIVE, "^1").unwrap();
    let event = &waiting[0].event;
    let page = json!([{ "sequence": 1, "storedAtMs": 0, "key": "", "event": event }]).to_string();
    archive
        .call(&Context::background(), "append", page.as_bytes())
        .await
        .unwrap();
    let all = json!({ "fromMs": 0, "limit": 10 }).to_string();
    let answer = archive
        .call(&Context::background(), "range", all.as_bytes())
        .await
        .unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer[0]["event"]["name"], event.name.as_str());
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_generation_opens_the_same_file() {
    let place = Place::new();
    for generation in 1..=3 {
        let plugin = host(&place, THING).start::<DataPlugin>().await.unwrap();
        // Seeds are put in once, whatever restarts.
        assert_eq!(
            list(&plugin, &local()).await.unwrap()["total"],
            1,
            "generation {generation}"
        );
        plugin.stop().await.unwrap();
        assert!(
            !place.folder().join("data.db-wal").exists(),
            "generation {generation} left the file open"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_permissions_only_the_local_caller_is_served() {
    let place = Place::new();
    let plugin = host(&place, THING).start::<DataPlugin>().await.unwrap();
    assert_eq!(list(&plugin, &local()).await.unwrap()["total"], 1);
    let stranger = principal("ann", PrincipalKind::User, None);
    assert_eq!(list(&plugin, &stranger).await.unwrap_err().code(), "permission_denied");
    assert_eq!(
        list(&plugin, &Context::request("r")).await.unwrap_err().code(),
        "unauthenticated"
    );
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_loses_data_waits_for_the_command() {
    let place = Place::new();
    let plugin = host(&place, THING).start::<DataPlugin>().await.unwrap();
    let status = plugin.command("migrate status", &[]).await.unwrap();
    assert_eq!(status.exit_code, 0, "{}", status.output);
    let create = CreateRequest {
        object: "thing".to_owned(),
        record: fields(json!({ "name": "sized", "size": 5 })),
    };
    let data = DataClient::open(&plugin.host()).unwrap();
    data.create(&local(), &serde_json::to_vec(&create).unwrap())
        .await
        .unwrap();
    plugin.stop().await.unwrap();
    let other = THING.replace("size: { type: number }", "size: { type: date }");
    let plugin = host(&place, &other).start::<DataPlugin>().await.unwrap();
    assert_eq!(plugin.health().await.unwrap().status, PluginHealthStatus::Unhealthy);
    assert_eq!(list(&plugin, &local()).await.unwrap_err().code(), "object_not_found");
    assert_eq!(plugin.command("migrate status", &[]).await.unwrap().exit_code, 1);
    let shown = plugin.command("migrate plan", &[]).await.unwrap();
    assert!(shown.output.contains("! convert column thing.size"), "{}", shown.output);
    let lost = |output: &str| {
        let line = output.lines().find(|line| line.contains("thing.size"));
        line.is_some_and(|line| line.ends_with(" (1 values)"))
    };
    assert!(lost(&shown.output), "{}", shown.output);
    assert_eq!(plugin.command("migrate plan", &["--all"]).await.unwrap().exit_code, 2);
    let done = plugin.command("migrate apply", &["--destructive"]).await.unwrap();
    assert_eq!(done.exit_code, 0, "{}", done.error);
    plugin.stop().await.unwrap();
    let plugin = host(&place, &other).start::<DataPlugin>().await.unwrap();
    assert_eq!(plugin.health().await.unwrap().status, PluginHealthStatus::Healthy);
    let found = list(&plugin, &local()).await.unwrap();
    let mut records: Vec<(&Value, &Value)> = found["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| (&record["name"], &record["size"]))
        .collect();
    records.sort_by_key(|record| record.0.as_str());
    // A number is no day.
    let (seeded, sized) = (json!("seeded"), json!("sized"));
    assert_eq!(records, [(&seeded, &Value::Null), (&sized, &Value::Null)]);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_have_a_key_without_a_setting() {
    // Several hosts may share the other database, and need the same key.
    let place = Place::on(Driver::Sqlite);
    let thing = format!("{THING}  token: {{ type: secret }}\n");
    let plugin = host(&place, &thing).start::<DataPlugin>().await.unwrap();
    let data = DataClient::open(&plugin.host()).unwrap();
    let create = CreateRequest {
        object: "thing".to_owned(),
        record: fields(json!({ "name": "made", "token": "s3cret" })),
    };
    let create = serde_json::to_vec(&create).unwrap();
    let made = data.create(&local(), &create).await.unwrap();
    let made: Value = serde_json::from_slice(&made).unwrap();
    assert_eq!(made["record"]["token"], "••••••");
    let status = plugin.command("encrypt status", &[]).await.unwrap();
    assert_eq!(
        (status.output.as_str(), status.exit_code),
        ("thing: 1 with the first key, 0 to encrypt anew, 0 unreadable\n", 0)
    );
    assert_eq!(plugin.command("encrypt rotate", &[]).await.unwrap().exit_code, 0);
    assert_eq!(plugin.command("encrypt rotate", &["--all"]).await.unwrap().exit_code, 2);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_configuration_is_named() {
    let place = Place::new();
    let wrong = host(&place, THING).config(json!({ "database": { "readers": 0 } }));
    let error = wrong.start::<DataPlugin>().await.expect_err("it must not start");
    assert!(error.to_string().contains("database.readers"), "{error}");
    let keys = json!([{ "id": "a", "key": "short" }]);
    let wrong = host(&place, THING).config(json!({ "encryption": { "keys": keys } }));
    let error = wrong.start::<DataPlugin>().await.expect_err("it must not start");
    assert!(
        error.to_string().contains("the key 'a' (encryption.keys[0].key)"),
        "{error}"
    );
}
