//! An event is there exactly when its change is.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use objectos_data::engine::{
    BatchItem, BatchOperation, BatchOptions, Export, ExportFormat, ExportWish, ImportOptions, import_list,
};
use objectos_data::event_store::StoredEvents;
use objectos_data::query::QueryInput;
use objectos_plugin_api::contracts::event_store::{EventStore, PendingRequest, StoredEvent};
use objectos_plugin_api::contracts::events::{RecordEvent, SecurityEvent};
use objectos_plugin_api::protocol::kernel::Event;
use objectos_plugin_api::{Context, NESTED_MAX, NESTED_TRUSTED_MAX, PrincipalKind};
use serde_json::{Value, json};

use crate::world::{World, field_errors, fields, principal};

const THING: &str = "name: thing\nfields:\n  name: { type: text, required: true }\n  code: { type: text, unique: true }\n  secret: { type: password }\n";

#[tokio::test]
async fn no_value_is_kept_that_nobody_could_read_in_an_event() {
    let world = World::new(&[("thing.object.yml", "name: thing\nfields: { data: { type: json } }")]).await;
    let nested = |levels: usize| (1..levels).fold(json!([]), |inner, _| json!([inner]));
    world
        .create("thing", json!({ "data": nested(NESTED_MAX) }))
        .await
        .unwrap();
    for levels in [NESTED_MAX + 1, NESTED_TRUSTED_MAX + 1, 126] {
        let refused = world.create("thing", json!({ "data": nested(levels) })).await;
        assert_eq!(field_errors(refused), ["data: invalid_format"], "{levels}");
    }
    let system = Context::background().as_system();
    let by_system = async |levels| {
        let record = fields(json!({ "data": nested(levels) }));
        world.engine.create(&system, "thing", record).await
    };
    by_system(NESTED_TRUSTED_MAX).await.unwrap();
    let refused = by_system(NESTED_TRUSTED_MAX + 1).await;
    assert_eq!(field_errors(refused), ["data: invalid_format"]);
    let events = StoredEvents::new(Arc::clone(&world.store), Arc::clone(&world.engine.parts().clock));
    let page = PendingRequest {
        after: 0,
        limit: 10,
        node: "n1".to_owned(),
        lease_ms: 0,
    };
    let waiting = events.pending(Context::background(), page).await.unwrap();
    // As the page crosses to the kernel, and one of them comes back as a dead letter.
    let page = serde_json::to_vec(&waiting).unwrap();
    assert_eq!(serde_json::from_slice::<Vec<StoredEvent>>(&page).unwrap().len(), 2);
    let settled = serde_json::to_vec(&json!({ "deadLetters": [{ "event": waiting[1].event }] })).unwrap();
    assert!(serde_json::from_slice::<Value>(&settled).is_ok());
}

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
        .create(&member, "deal", fields(json!({ "name": "x" })))
        .await
        .unwrap();
    let event = &world.events().await[0];
    assert_eq!(event["payload"]["organizationId"], "org-7");
    assert_eq!(event["metadata"]["tenantId"], "org-7");
}

/// Name, result and metadata of the events that are about many records.
async fn summaries(world: &World) -> Vec<Value> {
    let events = world.events().await;
    let about_many = events.iter().filter(|event| {
        let name = event["name"].as_str().unwrap_or_default();
        name.starts_with("data.") && !name.starts_with("data.record.")
    });
    about_many
        .map(|event| {
            let event: Event = serde_json::from_value(event.clone()).unwrap();
            let said: SecurityEvent = serde_json::from_value(event.payload).unwrap();
            assert_eq!(
                (said.origin.actor_id.as_deref(), said.target_id.as_deref()),
                (Some("local"), Some("thing"))
            );
            json!([event.name, said.result, said.metadata])
        })
        .collect()
}

async fn batch(world: &World, operation: BatchOperation, ids: &[&str], options: BatchOptions) {
    let items = ids.iter().map(|id| BatchItem {
        id: Some((*id).to_owned()),
        data: match operation {
            BatchOperation::Update => fields(json!({ "name": "other" })),
            _ => Default::default(),
        },
        ..BatchItem::default()
    });
    let items = items.collect();
    world
        .engine
        .batch(&world.local, "thing", operation, items, options)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_done_with_many_at_once_is_told_as_one_deed() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    for name in ["a1", "b1", "c1"] {
        world
            .create("thing", json!({ "id": name, "name": name }))
            .await
            .unwrap();
    }
    let each = BatchOptions {
        atomic: false,
        continue_on_error: true,
        ..BatchOptions::default()
    };
    let only_check = BatchOptions {
        validate_only: true,
        ..BatchOptions::default()
    };
    batch(&world, BatchOperation::Update, &["a1", "b1"], BatchOptions::default()).await;
    batch(&world, BatchOperation::Update, &["a1", "none"], BatchOptions::default()).await;
    batch(&world, BatchOperation::Update, &["a1"], only_check).await;
    batch(&world, BatchOperation::Update, &["none"], each).await;
    batch(&world, BatchOperation::Delete, &["a1", "none", "b1"], each).await;
    assert_eq!(
        summaries(&world).await,
        [
            json!(["data.bulk_update", "success", { "object": "thing", "operation": "update", "records": 2 }]),
            json!(["data.bulk_delete", "partial", { "object": "thing", "operation": "delete", "records": 2, "failed": 1 }]),
        ]
    );
}

#[tokio::test]
async fn exports_and_imports_are_told() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    let rows = || import_list(vec![json!({ "name": "a" }), json!({ "code": "no name" })]);
    let dry = ImportOptions {
        dry_run: true,
        ..ImportOptions::default()
    };
    for options in [dry, ImportOptions::default()] {
        world
            .engine
            .import(&world.local, "thing", rows(), &options)
            .await
            .unwrap();
    }
    let query = QueryInput::from_map(&fields(json!({ "fields": ["name"] }))).unwrap();
    let (parts, _) = world.export("thing", query, ExportFormat::Csv).await.unwrap();
    assert_eq!(parts.concat(), b"name\r\na\r\n");
    assert_eq!(
        summaries(&world).await,
        [
            json!(["data.import", "partial", { "object": "thing", "mode": "insert", "created": 1, "updated": 0, "records": 1, "failed": 1 }]),
            json!(["data.export", "success", { "object": "thing", "format": "csv", "fields": ["name"], "complete": true, "records": 1 }]),
        ]
    );
}

#[tokio::test]
async fn nobody_gets_records_that_cannot_be_told_of() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    world.create("thing", json!({ "name": "a" })).await.unwrap();
    // The read, then the begin of a transaction, then the event in it.
    world.probe.arm(3, false);
    let export = world.export("thing", QueryInput::default(), ExportFormat::Json);
    assert_eq!(crate::world::failure(export.await).0, "database_error");
    world.probe.arm(0, false);
    assert!(summaries(&world).await.is_empty());
}

#[tokio::test]
async fn an_export_that_breaks_off_tells_how_much_went_out() {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    let rows = (0..1_200).map(|number| json!({ "name": format!("n{number}") }));
    world
        .engine
        .import(
            &world.local,
            "thing",
            import_list(rows.collect()),
            &ImportOptions::default(),
        )
        .await
        .unwrap();
    let before = summaries(&world).await.len();
    // A part, none, and two of three: as far as somebody read, and no further.
    for (parts, expected) in [(1, Some(500)), (0, None), (2, Some(1_000))] {
        let wish = ExportWish {
            object: "thing".to_owned(),
            query: QueryInput::from_map(&fields(json!({ "fields": ["name"] }))).unwrap(),
            format: ExportFormat::Ndjson,
            heading: true,
        };
        let told = summaries(&world).await.len();
        let mut export = Export::begin(&world.engine, &world.local, wish).await.unwrap();
        assert!(!export.is_short());
        for _ in 0..parts {
            assert!(export.next().await.unwrap().is_some());
        }
        drop(export);
        // The event was handed over and is stored by itself.
        let count = told + usize::from(expected.is_some());
        for _ in 0..6_000 {
            if summaries(&world).await.len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let summaries = summaries(&world).await;
        let new: Vec<_> = summaries[told..].iter().collect();
        let word = |records: u64| json!(["data.export", "success", { "object": "thing", "format": "ndjson", "fields": ["name"], "complete": false, "brokenOff": true, "records": records }]);
        assert_eq!(new, expected.map(word).iter().collect::<Vec<_>>(), "{parts} parts");
    }
    assert_eq!(summaries(&world).await.len(), before + 2);
}
