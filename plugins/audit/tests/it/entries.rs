//! What becomes a row, and what is in it.

use futures_util::future::join_all;
use objectos_plugin_api::{Context, ErrorKind, NESTED_MAX};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

use crate::world::{World, created, deliver, event, local, origin};

/// A record's name is a value of the field that it stands in, and kept back with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_out_of_a_field_that_is_hidden_is_not_written_down() {
    let world = World::new();
    let plugin = world.start(json!({ "redactFields": ["subject"] })).await;
    for (number, after, expected) in [
        (0, json!({ "title": "Open" }), json!("Open")),
        (1, json!({ "subject": "Sesame" }), Value::Null),
        (2, json!({ "name": "Ann", "subject": "Sesame" }), json!("Ann")),
    ] {
        let mut made = created(&format!("e{number}"), "r1");
        made.payload["object"] = json!("note");
        made.payload["after"] = after;
        deliver(&plugin, &made).await;
        let row = world.rows().pop().unwrap();
        assert_eq!(row.get("target_name").cloned().unwrap_or_default(), expected, "{row:#}");
        assert!(!row.to_string().contains("Sesame"), "{row:#}");
    }
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_created_record_leaves_a_row_with_who_from_where_and_what() {
    let world = World::new();
    let plugin = world.start(json!({})).await;
    deliver(&plugin, &created("e1", "r1")).await;
    let [row] = &*world.rows() else {
        panic!("{:#?}", world.rows())
    };
    for (field, value) in [
        ("id", "e1"),
        ("event_type", "data.create"),
        ("severity", "info"),
        ("timestamp", "2023-11-14T22:13:20.000Z"),
        ("actor_type", "user"),
        ("actor_id", "u1"),
        ("actor_name", "Ann"),
        ("actor_email", "ann@example.com"),
        ("ip_address", "192.0.2.7"),
        ("user_agent", "test/1"),
        ("session_id", "s1"),
        ("request_id", "req-1"),
        ("tenant_id", "t1"),
        ("object_name", "employee"),
        ("record_id", "r1"),
        ("description", "Employee Bob created"),
        ("result", "success"),
    ] {
        assert_eq!(row[field], value, "{field}");
    }
    let changes = row["changes"].as_array().unwrap();
    let names: Vec<&str> = changes.iter().map(|change| change["field"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["name", "salary", "door_code"],
        "stamps and empty fields are no changes"
    );
    assert_eq!(
        changes[1],
        json!({ "field": "salary", "fieldLabel": "Salary", "fieldType": "currency", "newValue": 1000.0 })
    );
    assert_eq!(changes[2]["newValue"], "[redacted]", "a password is never written down");
    // A row is told of before the next ones are stored: once this one is there, the first was told of.
    deliver(&plugin, &created("e2", "r2")).await;
    let told: Vec<Value> = plugin
        .published()
        .into_iter()
        .filter(|event| event.name == "audit.event.recorded" && event.payload["id"] == "e1")
        .map(|event| event.payload)
        .collect();
    let recorded = json!({
        "id": "e1", "eventType": "data.create", "severity": "info", "timestamp": "2023-11-14T22:13:20.000Z",
        "result": "success", "tenantId": "t1", "objectName": "employee", "recordId": "r1", "sequence": row["sequence"],
    });
    assert_eq!(told, [recorded], "what it is about, and none of its values");
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_is_deeper_than_a_row_holds_is_its_text() {
    let world = World::new();
    let plugin = world.start(json!({})).await;
    let nested = |levels: usize| (1..levels).fold(json!([]), |inner, _| json!([inner]));
    for (number, levels) in [NESTED_MAX, NESTED_MAX + 1].into_iter().enumerate() {
        let mut made = created(&format!("e{number}"), "r1");
        made.payload["after"] = json!({ "profile": nested(levels) });
        deliver(&plugin, &made).await;
        let row = world.rows().pop().unwrap();
        let expected = if levels == NESTED_MAX {
            nested(levels)
        } else {
            json!(nested(levels).to_string())
        };
        assert_eq!(row["changes"][0]["newValue"], expected, "{levels}");
    }
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_holds_old_and_new_values_of_what_changed() {
    let world = World::new();
    let plugin = world.start(json!({})).await;
    let change = event(
        "e1",
        "data.record.updated",
        json!({
            "type": "data.record.updated", "object": "employee", "recordId": "r1", "timestamp": "2023-11-14T22:13:20.000Z",
            "changes": ["salary", "door_code", "profile", "note"],
            "before": { "id": "r1", "name": "Bob", "salary": 1000, "door_code": "1234", "profile": { "token": "x", "a": 1 }, "note": null },
            "after": { "id": "r1", "name": "Bob", "salary": 1200, "door_code": "9999", "profile": { "token": "y", "a": 2 }, "note": "raised" },
            "origin": origin(),
        }),
    );
    deliver(&plugin, &change).await;
    let rows = world.rows();
    let changes = &rows[0]["changes"];
    assert_eq!(
        (&changes[0]["oldValue"], &changes[0]["newValue"]),
        (&json!(1000), &json!(1200))
    );
    assert_eq!(
        (&changes[1]["oldValue"], &changes[1]["newValue"]),
        (&json!("[redacted]"), &json!("[redacted]"))
    );
    assert_eq!(
        changes[2]["newValue"],
        json!({ "token": "[redacted]", "a": 2 }),
        "documents are looked through"
    );
    assert_eq!(
        (changes[3].get("oldValue"), &changes[3]["newValue"]),
        (None, &json!("raised"))
    );
    assert!(!rows[0].to_string().contains("9999"));
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hidden_fields_of_platform_objects_are_secrets() {
    let world = World::new();
    let plugin = world.start(json!({ "includeSensitiveData": true })).await;
    let mut made = created("e1", "w1");
    made.payload["object"] = json!("sys_widget");
    made.payload["after"] = json!({ "id": "w1", "proof": "s3cr3t", "token": "open by configuration" });
    deliver(&plugin, &made).await;
    let row = &world.rows()[0];
    assert_eq!(row["changes"][0]["newValue"], "[redacted]");
    assert_eq!(row["changes"][1]["newValue"], "open by configuration");
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deletions_restores_and_purges_are_told_apart() {
    let world = World::new();
    let plugin = world.start(json!({})).await;
    for (id, name) in [
        ("e1", "data.record.deleted"),
        ("e2", "data.record.restored"),
        ("e3", "data.record.purged"),
    ] {
        let payload = json!({
            "type": name, "object": "employee", "recordId": "r1", "timestamp": "2023-11-14T22:13:20.000Z",
            "before": { "id": "r1", "name": "Bob" }, "origin": origin(),
        });
        deliver(&plugin, &event(id, name, payload)).await;
    }
    let told: Vec<(Value, Value)> = world
        .rows()
        .into_iter()
        .map(|row| (row["event_type"].clone(), row["metadata"]["action"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            (json!("data.delete"), Value::Null),
            (json!("data.update"), json!("restore")),
            (json!("data.delete"), json!("purge"))
        ]
    );
    assert_eq!(world.rows()[0]["changes"][0]["oldValue"], "Bob");
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn security_events_and_payloads_of_others_become_rows_too() {
    let world = World::new();
    let plugin = world.start(json!({})).await;
    let denied = json!({
        "origin": origin(), "targetType": "object", "targetId": "employee", "description": "u1 may not create employee",
        "result": "failure", "metadata": { "operation": "create", "token": "x" },
    });
    deliver(&plugin, &event("e1", "security.access_denied", denied)).await;
    deliver(
        &plugin,
        &event(
            "e2",
            "auth.login_failed",
            json!({ "origin": { "address": "192.0.2.9" } }),
        ),
    )
    .await;
    deliver(
        &plugin,
        &event("e3", "job.failed", json!({ "job": "nightly", "secret": "x" })),
    )
    .await;
    let rows = world.rows();
    assert_eq!(
        (&rows[0]["severity"], &rows[0]["result"]),
        (&json!("warning"), &json!("failure"))
    );
    assert_eq!(rows[0]["object_name"], "employee");
    assert_eq!(
        rows[0]["metadata"],
        json!({ "operation": "create", "token": "[redacted]" })
    );
    assert_eq!(
        (&rows[1]["result"], &rows[1]["description"]),
        (&json!("failure"), &json!("Login failed"))
    );
    assert_eq!(
        (&rows[2]["severity"], &rows[2]["actor_id"], &rows[2]["plugin"]),
        (&json!("error"), &json!("u1"), &json!("objectos.data"))
    );
    assert_eq!(rows[2]["metadata"], json!({ "job": "nightly", "secret": "[redacted]" }));
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_wanted_leaves_nothing() {
    let world = World::new();
    let plugin = world
        .start(json!({ "excludeEventTypes": ["auth.logout"], "excludedObjects": ["noise"], "minimumSeverity": "notice", "severities": { "data.create": "notice" } }))
        .await;
    let mut noise = created("e1", "r1");
    noise.payload["object"] = json!("noise");
    let mut own = created("e2", "r1");
    own.payload["object"] = json!("sys_audit_event");
    deliver(&plugin, &noise).await;
    deliver(&plugin, &own).await;
    deliver(&plugin, &event("e3", "auth.logout", json!({ "origin": {} }))).await;
    deliver(&plugin, &event("e4", "auth.login", json!({ "origin": {} }))).await;
    assert!(world.rows().is_empty(), "{:#?}", world.rows());
    deliver(&plugin, &created("e5", "r1")).await;
    assert_eq!(world.rows()[0]["severity"], "notice");
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_comes_twice_leaves_one_row() {
    let world = World::new();
    let plugin = world.start(json!({})).await;
    for id in ["e1", "e1", "e2", "e1"] {
        deliver(&plugin, &created(id, "r1")).await;
    }
    plugin.stop().await.unwrap();
    let plugin = world.start(json!({})).await;
    deliver(&plugin, &created("e2", "r1")).await;
    deliver(&plugin, &created("e3", "r1")).await;
    let ids: Vec<Value> = world.rows().iter().map(|row| row["id"].clone()).collect();
    assert_eq!(ids, ["e1", "e2", "e3"]);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_away_the_event_waits_and_is_not_given_up() {
    let world = World::new();
    let plugin = world.start(json!({})).await;
    world.memory.fail_next(1);
    let error = plugin
        .deliver(&Context::background(), &created("e1", "r1"))
        .await
        .unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Unavailable,
        "the bus takes this for an absence and counts no attempt"
    );
    deliver(&plugin, &created("e1", "r1")).await;
    assert_eq!(world.rows().len(), 1);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_are_noted_only_when_wanted_and_as_often_as_wanted() {
    let read =
        json!({ "object": "employee", "query": { "fields": ["name"] }, "records": [{ "id": "r1", "name": "Bob" }] });
    let world = World::new();
    let plugin = world.start(json!({})).await;
    assert!(
        !plugin
            .registrations()
            .hooks
            .iter()
            .any(|hook| hook.name == "data.after_find"),
        "nobody pays for what is off"
    );
    plugin.stop().await.unwrap();
    let plugin = world.start(json!({ "logReads": true, "readSamplingRate": 1 })).await;
    plugin
        .hook("data.after_find", "employee", &local(), &read)
        .await
        .unwrap();
    // A read of the system is nobody's.
    plugin
        .hook("data.after_find", "employee", &Context::background().as_system(), &read)
        .await
        .unwrap();
    // Rows are stored in their order: when this one is there, the read is.
    deliver(&plugin, &created("e1", "r1")).await;
    let rows = world.rows();
    assert_eq!(
        (rows.len(), &rows[0]["event_type"], &rows[0]["record_id"]),
        (2, &json!("data.read"), &json!("r1"))
    );
    assert_eq!(
        rows[0]["metadata"],
        json!({ "records": 1, "ids": ["r1"], "fields": ["name"] })
    );
    plugin.stop().await.unwrap();
    let plugin = world.start(json!({ "logReads": true, "readSamplingRate": 0 })).await;
    plugin
        .hook("data.after_find", "employee", &local(), &read)
        .await
        .unwrap();
    deliver(&plugin, &created("e2", "r1")).await;
    assert_eq!(world.rows().len(), 3);
    plugin.stop().await.unwrap();
}

/// Of many rows about one object one asks what its fields are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fields_of_an_object_are_asked_for_once() {
    let world = World::new();
    let plugin = world.start(json!({})).await;
    let events: Vec<_> = (0..9)
        .map(|number| created(&format!("e{number}"), &format!("r{number}")))
        .collect();
    join_all(events.iter().map(|event| deliver(&plugin, event))).await;
    assert_eq!(world.rows().len(), events.len());
    assert_eq!(world.definitions.asked.load(Ordering::SeqCst), 1);
    plugin.stop().await.unwrap();
}
