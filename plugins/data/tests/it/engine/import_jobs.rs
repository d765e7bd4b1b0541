//! Imports that run by themselves: told, stopped, undone, and nobody else's.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use objectos_data::engine::ports::HookPoint;
use objectos_data::engine::{ImportMode, ImportOptions, import_list};
use objectos_data::error::Result;
use objectos_data::import_jobs::{ImportJobs, JobQuery};
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::{Context, PrincipalKind};
use serde_json::{Value, json};

use crate::seam::told as told_of;
use crate::world::{World, allowed, failure, principal};

const THING: &str = "name: thing\nfields:\n  name: { type: text, required: true }\n  code: { type: text, unique: true, externalId: true }\n  size: { type: number, max: 100 }\n";

async fn world() -> (World, Arc<ImportJobs>) {
    let world = World::new(&[("thing.object.yml", THING)]).await;
    let jobs = Arc::new(ImportJobs::new(Arc::clone(&world.engine)));
    (world, jobs)
}

fn upsert() -> ImportOptions {
    ImportOptions {
        mode: ImportMode::Upsert,
        external_id: Some("code".to_owned()),
        ..ImportOptions::default()
    }
}

/// Begins a job and waits for its end: its id, and how it was told at its begin.
async fn ended(
    jobs: &Arc<ImportJobs>,
    context: &Context,
    rows: Vec<Value>,
    options: ImportOptions,
) -> Result<(String, Value)> {
    let begun = jobs.begin(context, "thing", import_list(rows), options).await?;
    let id = begun["jobId"].as_str().unwrap().to_owned();
    while jobs.progress(context, &id).await?["status"] == "running" {
        tokio::task::yield_now().await;
    }
    told_of("import job", jobs.progress(context, &id).await)?;
    Ok((id, begun))
}

fn told(job: &Value) -> Value {
    let keys = [
        "status",
        "total",
        "processed",
        "created",
        "updated",
        "errors",
        "percentComplete",
        "undoable",
    ];
    keys.map(|key| job[key].clone()).to_vec().into()
}

#[tokio::test]
async fn a_job_says_how_far_it_is_and_what_became_of_each_row() {
    let (world, jobs) = world().await;
    world
        .create("thing", json!({ "name": "old", "code": "a", "size": 1 }))
        .await
        .unwrap();
    let rows = vec![
        json!({ "code": "a", "size": 2 }),
        json!({ "code": "b", "name": "new" }),
        json!({ "code": "c", "name": "big", "size": 101 }),
    ];
    let (id, begun) = ended(&jobs, &world.local, rows, upsert()).await.unwrap();
    assert_eq!(
        (&begun["object"], &begun["status"], &begun["total"]),
        (&json!("thing"), &json!("running"), &json!(3))
    );
    let job = jobs.progress(&world.local, &id).await.unwrap();
    assert_eq!(told(&job), json!(["succeeded", 3, 3, 1, 1, 1, 100, true]));
    let results = jobs.results(&world.local, &id).await.unwrap();
    let actions: Vec<&Value> = results["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["action"])
        .collect();
    assert_eq!(actions, ["updated", "created", "failed"]);
    assert_eq!(results["results"][2]["field"], "size");
    let listed = jobs
        .list(
            &world.local,
            &JobQuery {
                limit: 10,
                ..JobQuery::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(listed["jobs"][0]["jobId"], json!(id));
    let none = JobQuery {
        status: Some("running".to_owned()),
        limit: 10,
        ..JobQuery::default()
    };
    assert_eq!(jobs.list(&world.local, &none).await.unwrap(), json!({ "jobs": [] }));
}

#[tokio::test]
async fn what_a_job_did_can_be_undone_once() {
    let (world, jobs) = world().await;
    let old = world
        .create("thing", json!({ "name": "old", "code": "a", "size": 1 }))
        .await
        .unwrap();
    let rows = vec![
        json!({ "code": "a", "size": 2, "name": "other" }),
        json!({ "code": "b", "name": "new" }),
    ];
    let (id, _) = ended(&jobs, &world.local, rows, upsert()).await.unwrap();
    assert_eq!(world.names("thing", json!({})).await.unwrap().len(), 2);
    let undone = jobs.undo(&world.local, &id).await.unwrap();
    assert_eq!(
        json!([
            undone["success"],
            undone["deleted"],
            undone["restored"],
            undone["failed"]
        ]),
        json!([true, 1, 1, 0])
    );
    assert_eq!(world.names("thing", json!({})).await.unwrap(), ["old"]);
    let now = world.get("thing", old["id"].as_str().unwrap()).await.unwrap();
    assert_eq!(now["size"], 1);
    let job = jobs.progress(&world.local, &id).await.unwrap();
    assert!(
        job["revertedAt"].is_string() && job["undoable"] == json!(false),
        "{job}"
    );
    assert_eq!(failure(jobs.undo(&world.local, &id).await).0, "resource_conflict");
    let dry = ImportOptions {
        dry_run: true,
        ..upsert()
    };
    let (id, _) = ended(&jobs, &world.local, vec![json!({ "name": "x" })], dry)
        .await
        .unwrap();
    assert_eq!(failure(jobs.undo(&world.local, &id).await).0, "resource_conflict");
}

#[tokio::test]
async fn what_was_changed_after_a_job_is_not_undone() {
    let (world, jobs) = world().await;
    let mut ids = Vec::new();
    for code in ["a", "b"] {
        let old = json!({ "name": "old", "code": code, "size": 1 });
        ids.push(
            world.create("thing", old).await.unwrap()["id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    // The first record by two rows, and one that a row makes and another changes.
    let rows = vec![
        json!({ "code": "a", "size": 2, "name": "one" }),
        json!({ "code": "b", "size": 2, "name": "two" }),
        json!({ "code": "a", "size": 3 }),
        json!({ "code": "c", "name": "new" }),
        json!({ "code": "c", "name": "newer" }),
    ];
    let (id, _) = ended(&jobs, &world.local, rows, upsert()).await.unwrap();
    world
        .update("thing", &ids[1], json!({ "name": "edited" }))
        .await
        .unwrap();
    let undone = jobs.undo(&world.local, &id).await.unwrap();
    assert_eq!(
        json!([
            undone["success"],
            undone["deleted"],
            undone["restored"],
            undone["failed"]
        ]),
        json!([false, 1, 1, 1]),
        "{undone}"
    );
    assert_eq!(
        (&undone["failures"][0]["id"], &undone["failures"][0]["code"]),
        (&json!(ids[1]), &json!("concurrent_modification"))
    );
    let first = world.get("thing", &ids[0]).await.unwrap();
    assert_eq!((&first["name"], &first["size"]), (&json!("old"), &json!(1)));
    let second = world.get("thing", &ids[1]).await.unwrap();
    assert_eq!((&second["name"], &second["size"]), (&json!("edited"), &json!(2)));
    assert_eq!(world.number("SELECT COUNT(*) FROM thing").await, 2);
}

/// Nothing in the place of a secret would destroy it.
#[tokio::test]
async fn what_nobody_may_know_is_told_and_not_undone() {
    let thing = format!("{THING}  key: {{ type: password }}\n");
    let world = World::new(&[("thing.object.yml", thing.as_str())]).await;
    let jobs = Arc::new(ImportJobs::new(Arc::clone(&world.engine)));
    let mut ids = Vec::new();
    for code in ["a", "b"] {
        let old = json!({ "name": "old", "code": code, "size": 1 });
        ids.push(world.create("thing", old).await.unwrap()["id"].clone());
    }
    let rows = vec![
        json!({ "code": "a", "size": 2, "key": "correct horse battery" }),
        json!({ "code": "b", "size": 2 }),
    ];
    let (id, _) = ended(&jobs, &world.local, rows, upsert()).await.unwrap();
    let undone = jobs.undo(&world.local, &id).await.unwrap();
    assert_eq!(
        json!([
            undone["restored"],
            undone["failed"],
            undone["failures"][0]["id"],
            undone["failures"][0]["code"]
        ]),
        json!([1, 1, ids[0], "field_not_accessible"]),
        "{undone}"
    );
    assert_eq!(
        world
            .number("SELECT COUNT(*) FROM thing WHERE key IS NOT NULL AND size = 2")
            .await,
        1
    );
    assert_eq!(world.get("thing", ids[1].as_str().unwrap()).await.unwrap()["size"], 1);
}

/// As those of any other change; of what is only tried there are none.
#[tokio::test]
async fn after_hooks_see_what_is_imported() {
    let (world, _) = world().await;
    world.hooks.on(HookPoint::AfterInsert, "thing", |_| Ok(false));
    for dry_run in [true, false] {
        let options = ImportOptions {
            dry_run,
            ..ImportOptions::default()
        };
        let rows = import_list(vec![json!({ "name": "a" }), json!({ "name": "b" })]);
        world
            .engine
            .import(&world.local, "thing", rows, &options)
            .await
            .unwrap();
        let seen = world.hooks.runs.load(Ordering::SeqCst);
        assert_eq!(seen, if dry_run { 0 } else { 2 });
    }
}

#[tokio::test]
async fn a_job_that_is_stopped_keeps_what_it_did() {
    // More than are stored before it is told to stop, however long that takes.
    const ROWS: u64 = 20_000;
    let (world, jobs) = world().await;
    let rows: Vec<Value> = (0..ROWS)
        .map(|number| json!({ "name": format!("n{number}") }))
        .collect();
    let begun = jobs
        .begin(&world.local, "thing", import_list(rows), ImportOptions::default())
        .await
        .unwrap();
    let job = jobs
        .cancel(&world.local, begun["jobId"].as_str().unwrap())
        .await
        .unwrap();
    let created = job["created"].as_u64().unwrap();
    assert_eq!(job["status"], "cancelled");
    assert!(created < ROWS, "{job}");
    let stored = world.number("SELECT COUNT(*) FROM thing").await;
    assert_eq!(u64::try_from(stored).unwrap(), created);
}

#[tokio::test]
async fn jobs_are_their_callers() {
    let (world, jobs) = world().await;
    let (ann, bob) = (
        principal("ann", PrincipalKind::User, None),
        principal("bob", PrincipalKind::User, None),
    );
    for operation in [Operation::Read, Operation::Create] {
        world.permissions.allow("ann", "thing", operation, allowed(None));
    }
    let row = vec![json!({ "name": "x" })];
    let (id, _) = ended(&jobs, &ann, row.clone(), ImportOptions::default()).await.unwrap();
    assert_eq!(jobs.progress(&ann, &id).await.unwrap()["created"], 1);
    for refused in [
        jobs.progress(&bob, &id).await,
        jobs.results(&bob, &id).await,
        jobs.cancel(&bob, &id).await,
        jobs.undo(&bob, &id).await,
        jobs.progress(&ann, "none").await,
    ] {
        assert_eq!(failure(refused).0, "record_not_found");
    }
    assert_eq!(
        failure(ended(&jobs, &bob, row, ImportOptions::default()).await).0,
        "permission_denied"
    );
    assert_eq!(world.number("SELECT COUNT(*) FROM sys_import_job").await, 1);
}

/// What a job wrote down goes along when the object and its fields get other names.
#[tokio::test]
async fn a_job_is_undone_under_the_names_of_now() {
    let (world, jobs) = world().await;
    let old = json!({ "id": "o", "name": "old", "code": "a", "size": 1 });
    world.create("thing", old).await.unwrap();
    let rows = vec![json!({ "code": "a", "size": 2 }), json!({ "code": "b", "name": "new" })];
    let (id, _) = ended(&jobs, &world.local, rows, upsert()).await.unwrap();
    jobs.stop().await;
    let renamed = THING
        .replace("name: thing", "name: item\nrenamedFrom: thing")
        .replace("  size: {", "  extent: { renamedFrom: size,");
    let world = World::at(world.close().await, &[("item.object.yml", renamed.as_str())]).await;
    let jobs = Arc::new(ImportJobs::new(Arc::clone(&world.engine)));
    assert_eq!(jobs.progress(&world.local, &id).await.unwrap()["object"], "item");
    let undone = jobs.undo(&world.local, &id).await.unwrap();
    assert_eq!(
        (&undone["success"], &undone["deleted"], &undone["restored"]),
        (&json!(true), &json!(1), &json!(1)),
        "{undone}"
    );
    assert_eq!(world.get("item", "o").await.unwrap()["extent"], 1);
}
