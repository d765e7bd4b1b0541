//! An event is there exactly when its change is.

use std::sync::atomic::Ordering;

use objectos_plugin_api::PrincipalKind;
use objectos_plugin_api::contracts::events::RecordEvent;
use objectos_plugin_api::protocol::kernel::Event;
use serde_json::json;

use crate::world::{World, principal};

const THING: &str = "name: thing\nfields:\n  name: { type: text, required: true }\n  code: { type: text, unique: true }\n  secret: { type: password }\n";

#[tokio::test]
async fn every_change_tells_what_it_did() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    let record = world
        .create("thing", json!({ "name": "a", "secret": "x" }))
        .await
        .unwrap();
    let id = record["id"].as_str().unwrap();
    world.update("thing", id, json!({ "name": "b" })).await.unwrap();
    world.engine.delete(&world.local, "thing", id).await.unwrap();
    let events = world.events().await;
    assert_eq!(events.len(), 3);
    assert_eq!(world.signal.0.load(Ordering::SeqCst), 3);
    let read: Vec<(Event, RecordEvent)> = events
        .iter()
        .map(|event| {
            let event: Event = serde_json::from_value(event.clone()).unwrap();
            let payload = serde_json::from_value(event.payload.clone()).unwrap();
            (event, payload)
        })
        .collect();
    let names: Vec<&str> = read.iter().map(|(event, _)| event.name.as_str()).collect();
    assert_eq!(
        names,
        ["data.record.created", "data.record.updated", "data.record.deleted"]
    );
    let (event, created) = &read[0];
    assert_eq!(
        (
            created.object.as_str(),
            created.record_id.as_str(),
            created.user_id.as_deref()
        ),
        ("thing", id, Some("local"))
    );
    assert_eq!(event.metadata.source, "objectos.data");
    assert_eq!(event.metadata.correlation_id.as_deref(), Some("r1"));
    assert_eq!((created.before.is_none(), created.changes.is_none()), (true, true));
    assert_eq!(created.after.as_ref().unwrap()["secret"], json!(null));
    let (_, updated) = &read[1];
    assert_eq!(updated.changes.as_deref(), Some(&["name".to_owned()][..]));
    assert_eq!(
        (
            &updated.before.as_ref().unwrap()["name"],
            &updated.after.as_ref().unwrap()["name"]
        ),
        (&json!("a"), &json!("b"))
    );
    let (_, deleted) = &read[2];
    assert_eq!(
        (
            deleted.before.as_ref().unwrap()["name"].clone(),
            deleted.after.is_none()
        ),
        (json!("b"), true)
    );
    assert_eq!(world.number("SELECT COUNT(DISTINCT key) FROM objectos_event").await, 1);
}

#[tokio::test]
async fn what_was_refused_is_not_told() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    world
        .create("thing", json!({ "name": "a", "code": "x" }))
        .await
        .unwrap();
    world
        .create("thing", json!({ "name": "b", "code": "x" }))
        .await
        .unwrap_err();
    world.create("thing", json!({ "code": "y" })).await.unwrap_err();
    assert_eq!(world.number("SELECT COUNT(*) FROM objectos_event").await, 1);
    assert_eq!(world.signal.0.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_tenant_is_told() {
    let files = [(
        "deal.object.yml",
        "name: deal\nfields: { name: { type: text } }\ntenancy: { enabled: true, strategy: shared, tenantField: organization_id }",
    )];
    let world = World::new(&files).await;
    let member = principal("local", PrincipalKind::Local, Some("org-7"));
    world
        .engine
        .create(&member, "deal", crate::world::fields(json!({ "name": "x" })))
        .await
        .unwrap();
    let event = &world.events().await[0];
    assert_eq!(event["payload"]["organizationId"], "org-7");
    assert_eq!(event["metadata"]["tenantId"], "org-7");
}
