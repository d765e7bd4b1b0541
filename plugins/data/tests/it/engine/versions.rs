//! Optimistic locking, and the versions of records.

use objectos_data::engine::{BatchItem, BatchOperation, BatchOptions};
use objectos_data::store::{Expect, Statement, WriteUnit};
use objectos_plugin_api::PrincipalKind;
use objectos_plugin_api::contracts::permissions::Operation;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

use crate::engine::access::plan;
use crate::world::{World, failure, fields, principal};

fn files(strategy: &str, more: &str) -> String {
    format!(
        "name: page\nsoftDelete: {{ enabled: true }}\nversioning: {{ enabled: true, strategy: {strategy}{more} }}\nfields:\n  title: {{ type: text, required: true }}\n  text: {{ type: textarea }}\n  key: {{ type: password }}\n  pay: {{ type: number }}\n"
    )
}

async fn world(strategy: &str, more: &str) -> World {
    let world = World::new(&[("page.object.yml", files(strategy, more).as_str())]).await;
    let first = json!({ "id": "p", "title": "one", "text": "a", "pay": 1, "key": "secret" });
    world.create("page", first).await.unwrap();
    for change in [json!({ "title": "two", "pay": 2 }), json!({ "text": "b" })] {
        world.clock.0.fetch_add(1_000, Ordering::SeqCst);
        world.update("page", "p", change).await.unwrap();
    }
    world
}

async fn version(world: &World, number: i64) -> Value {
    let answer = world.engine.version(&world.local, "page", "p", number).await.unwrap();
    let record = &answer["record"];
    json!([
        record["title"],
        record["text"],
        record["pay"],
        record["key"],
        record["version"]
    ])
}

#[tokio::test]
async fn every_strategy_tells_what_a_record_was() {
    for strategy in ["snapshot", "delta"] {
        let world = world(strategy, "").await;
        assert_eq!(world.get("page", "p").await.unwrap()["version"], 3, "{strategy}");
        assert_eq!(version(&world, 1).await, json!(["one", "a", 1, null, 1]), "{strategy}");
        assert_eq!(version(&world, 2).await, json!(["two", "a", 2, null, 2]), "{strategy}");
        assert_eq!(version(&world, 3).await, json!(["two", "b", 2, null, 3]), "{strategy}");
        let list = world.engine.versions(&world.local, "page", "p", 0).await.unwrap();
        assert_eq!(list["total"], 3, "{strategy}");
        assert_eq!(
            (&list["versions"][0]["version"], &list["versions"][2]["change"]),
            (&json!(3), &json!("insert")),
            "{strategy}"
        );
        assert!(
            list["versions"][1]["changes"]
                .as_array()
                .unwrap()
                .contains(&json!("title")),
            "{strategy}: {list}"
        );
        assert_eq!(list["versions"][0]["changedBy"], "local", "{strategy}");
        assert_eq!(
            failure(world.engine.version(&world.local, "page", "p", 9).await).0,
            "record_not_found"
        );
    }
}

#[tokio::test]
async fn a_version_comes_back_as_an_ordinary_change() {
    for strategy in ["snapshot", "delta"] {
        let world = world(strategy, "").await;
        let events = world.events().await.len();
        world
            .engine
            .restore_version(&world.local, "page", "p", 1, Some("3".to_owned()))
            .await
            .unwrap();
        let record = world.get("page", "p").await.unwrap();
        assert_eq!(
            (&record["title"], &record["text"], &record["pay"], &record["version"]),
            (&json!("one"), &json!("a"), &json!(1), &json!(4)),
            "{strategy}"
        );
        assert_eq!(world.events().await.len(), events + 1, "{strategy}");
        assert_eq!(version(&world, 3).await, json!(["two", "b", 2, null, 3]), "{strategy}");
        // The secret was not lost on the way.
        assert_eq!(
            world.number("SELECT COUNT(*) FROM page WHERE key IS NOT NULL").await,
            1,
            "{strategy}"
        );
        let stale = world
            .engine
            .restore_version(&world.local, "page", "p", 2, Some("3".to_owned()))
            .await;
        assert_eq!(failure(stale).0, "concurrent_modification", "{strategy}");
    }
}

#[tokio::test]
async fn versions_outlive_the_bin_and_end_with_the_record() {
    for strategy in ["snapshot", "delta"] {
        let world = world(strategy, "").await;
        world.engine.delete(&world.local, "page", "p").await.unwrap();
        world.engine.restore(&world.local, "page", "p").await.unwrap();
        let list = world.engine.versions(&world.local, "page", "p", 0).await.unwrap();
        let changes: Vec<&Value> = list["versions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| &row["change"])
            .collect();
        assert_eq!(
            changes,
            ["restore", "delete", "update", "update", "insert"],
            "{strategy}"
        );
        assert_eq!(version(&world, 2).await, json!(["two", "a", 2, null, 2]), "{strategy}");
        world.engine.purge(&world.local, "page", "p", None).await.unwrap();
        assert_eq!(
            world.number("SELECT COUNT(*) FROM sys_record_version").await,
            0,
            "{strategy}"
        );
    }
}

#[tokio::test]
async fn old_versions_go_with_the_next_change() {
    let world = world("snapshot", ", retentionDays: 1").await;
    world.clock.0.fetch_add(2 * 86_400_000, Ordering::SeqCst);
    let list = world.engine.versions(&world.local, "page", "p", 0).await.unwrap();
    assert_eq!(list["total"], 0);
    world.update("page", "p", json!({ "text": "c" })).await.unwrap();
    let list = world.engine.versions(&world.local, "page", "p", 0).await.unwrap();
    assert_eq!(
        (&list["total"], &list["versions"][0]["version"]),
        (&json!(1), &json!(4))
    );
    assert_eq!(world.number("SELECT COUNT(*) FROM sys_record_version").await, 1);
}

#[tokio::test]
async fn versions_keep_to_the_rights_on_the_record() {
    let world = world("delta", "").await;
    let ann = principal("ann", PrincipalKind::User, None);
    assert_eq!(
        failure(world.engine.versions(&ann, "page", "p", 0).await).0,
        "permission_denied"
    );
    let read = |filter: Value| plan(Some(filter), None, &["pay"], &[]);
    world
        .permissions
        .allow("ann", "page", Operation::Read, read(json!({ "title": "nothing" })));
    assert_eq!(
        failure(world.engine.version(&ann, "page", "p", 1).await).0,
        "record_not_found"
    );
    world.permissions.allow("ann", "page", Operation::Read, read(json!({})));
    let old = world.engine.version(&ann, "page", "p", 1).await.unwrap();
    assert!(
        old["record"].get("pay").is_none() && old["record"]["title"] == "one",
        "{old}"
    );
    let list = world.engine.versions(&ann, "page", "p", 0).await.unwrap();
    assert!(!list.to_string().contains("\"pay\""), "{list}");
    // Coming back is a change, and needs the right to it.
    let back = world.engine.restore_version(&ann, "page", "p", 1, None).await;
    assert_eq!(failure(back).0, "permission_denied");
    world
        .permissions
        .allow("ann", "page", Operation::Update, plan(None, None, &["pay"], &["title"]));
    let back = world.engine.restore_version(&ann, "page", "p", 1, None).await;
    assert_eq!(failure(back).0, "field_not_accessible");
}

#[tokio::test]
async fn versions_go_along_with_a_rename() {
    for strategy in ["snapshot", "delta"] {
        let world = world(strategy, "").await;
        // Of another object that had the name once.
        let mut unit = WriteUnit::default();
        let left = "INSERT INTO sys_record_version (id, object_name, record_id, number, change) VALUES ('left', 'sheet', 'p', 1, 'insert')";
        unit.push(Statement::new(left, Vec::new()), Expect::Changed(1));
        world.store.write(unit).await.unwrap();
        let renamed = files(strategy, "")
            .replace("name: page", "name: sheet\nrenamedFrom: page")
            .replace("  title: {", "  heading: { renamedFrom: title,");
        let world = World::at(world.close().await, &[("sheet.object.yml", renamed.as_str())]).await;
        let list = world.engine.versions(&world.local, "sheet", "p", 0).await.unwrap();
        assert_eq!(list["total"], 3, "{strategy}: {list}");
        let changes = list["versions"][1]["changes"].to_string();
        assert!(
            changes.contains("\"heading\"") && !changes.contains("title"),
            "{strategy}: {changes}"
        );
        for (number, heading, text) in [(1, "one", "a"), (2, "two", "a"), (3, "two", "b")] {
            let answer = world.engine.version(&world.local, "sheet", "p", number).await.unwrap();
            let record = &answer["record"];
            assert_eq!(
                (&record["heading"], &record["text"], record.get("title")),
                (&json!(heading), &json!(text), None),
                "{strategy}: {number}"
            );
        }
        let back = world.engine.restore_version(&world.local, "sheet", "p", 1, None).await;
        back.unwrap();
        let record = world.get("sheet", "p").await.unwrap();
        assert_eq!(
            (&record["heading"], &record["pay"]),
            (&json!("one"), &json!(1)),
            "{strategy}"
        );
    }
}

#[tokio::test]
async fn a_change_is_held_against_the_version_it_is_based_on() {
    let world = world("snapshot", "").await;
    let update = async |expected: &str| {
        let change = fields(json!({ "text": "c" }));
        world
            .engine
            .update(&world.local, "page", "p", change, Some(expected.to_owned()))
            .await
    };
    let error = update("2").await.unwrap_err();
    let details = error.details();
    assert_eq!(
        (
            error.code(),
            &details["currentVersion"],
            &details["currentRecord"]["title"]
        ),
        ("concurrent_modification", &json!("3"), &json!("two"))
    );
    update("3").await.unwrap();
    let moment = world.get("page", "p").await.unwrap()["updated_at"]
        .as_str()
        .unwrap()
        .to_owned();
    update(&moment).await.unwrap();
    assert_eq!(failure(update(&moment).await).0, "concurrent_modification");
    let delete = async |expected: &str| {
        world
            .engine
            .delete_expected(&world.local, "page", "p", Some(expected.to_owned()))
            .await
    };
    assert_eq!(failure(delete("1").await).0, "concurrent_modification");
    let item = BatchItem {
        id: Some("p".to_owned()),
        data: fields(json!({ "text": "d" })),
        expected: Some("1".to_owned()),
        ..BatchItem::default()
    };
    let options = BatchOptions::default();
    let answer = world
        .engine
        .batch(&world.local, "page", BatchOperation::Update, vec![item], options)
        .await
        .unwrap()
        .to_json();
    assert_eq!(
        answer["results"][0]["errors"][0]["code"], "concurrent_modification",
        "{answer}"
    );
    delete("5").await.unwrap();
}
