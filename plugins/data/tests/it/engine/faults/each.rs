//! A fault at each call to the database while many things are done, each for itself: batches item by item, imports and their
//! undoing, seeds. Each single change happened whole or not at all, what was told as done is done, and what is tried again
//! comes to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use objectos_data::engine::{BatchOperation, BatchOptions, EngineSeeds, ImportOptions, import_list};
use objectos_data::import_jobs::ImportJobs;
use objectos_data::seed;
use serde_json::{Value, json};

use super::item;
use crate::world::World;

const FILES: [(&str, &str); 3] = [
    ("part.object.yml", "name: part\nfields:\n  name: { type: text }\n"),
    (
        "town.object.yml",
        "name: town\nfields:\n  name: { type: text, externalId: true }\n  size: { type: number }\n",
    ),
    (
        "towns.data.yml",
        "object: town\nexternalId: name\nrecords:\n  - { name: bonn, size: 1 }\n  - { name: genf, size: 2 }\n  - { name: wien, size: 3 }\n",
    ),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Create,
    Update,
    Upsert,
    Delete,
    Import,
    Undo,
    Seeds,
}

/// A world with two records, and the import that is to be undone.
struct Prepared {
    world: World,
    jobs: Arc<ImportJobs>,
    job: String,
}

async fn prepared(work: Work) -> Prepared {
    let world = World::new(&FILES).await;
    for id in ["p1", "p2"] {
        world.create("part", json!({ "id": id, "name": id })).await.unwrap();
    }
    let jobs = Arc::new(ImportJobs::new(Arc::clone(&world.engine)));
    let mut job = String::new();
    if work == Work::Undo {
        let rows = import_list(vec![json!({ "name": "i1" }), json!({ "name": "i2" })]);
        let begun = jobs
            .begin(&world.local, "part", rows, ImportOptions::default())
            .await
            .unwrap();
        begun["jobId"].as_str().unwrap().clone_into(&mut job);
        while jobs.progress(&world.local, &job).await.unwrap()["status"] == "running" {
            tokio::task::yield_now().await;
        }
    }
    Prepared { world, jobs, job }
}

/// Does it; the names of the parts that were told to be there afterwards, and of those that were told to be gone.
async fn run(prepared: &Prepared, work: Work) -> Result<[Vec<String>; 2], String> {
    let Prepared { world, jobs, job } = prepared;
    let (operation, items) = match work {
        Work::Create => {
            let items = ["a", "b", "c"].map(|id| item(id, json!({ "name": id }))).to_vec();
            (BatchOperation::Create, items)
        }
        Work::Update => {
            let items = ["p1", "p2"].map(|id| item(id, json!({ "name": format!("new {id}") })));
            (BatchOperation::Update, items.to_vec())
        }
        Work::Upsert => {
            let items = ["p1", "u"].map(|id| item(id, json!({ "name": format!("new {id}") })));
            (BatchOperation::Upsert, items.to_vec())
        }
        Work::Delete => {
            let items = ["p1", "p2"].map(|id| item(id, json!({}))).to_vec();
            (BatchOperation::Delete, items)
        }
        Work::Import => return import(world).await,
        Work::Undo => return undo(world, jobs, job).await,
        Work::Seeds => {
            let told = seeds(world).await;
            return told.map(|_| [Vec::new(), Vec::new()]);
        }
    };
    let names: Vec<String> = items
        .iter()
        .map(|item| match item.data.get("name").and_then(Value::as_str) {
            Some(name) => name.to_owned(),
            None => item.id.clone().unwrap_or_default(),
        })
        .collect();
    let options = BatchOptions {
        atomic: false,
        continue_on_error: true,
        ..BatchOptions::default()
    };
    let answer = world
        .engine
        .batch(&world.local, "part", operation, items, options)
        .await;
    let answer = answer.map_err(|error| error.to_string())?;
    let done = names
        .into_iter()
        .zip(&answer.items)
        .filter(|(_, item)| item.result.is_ok())
        .map(|(name, _)| name)
        .collect();
    Ok(match work {
        Work::Delete => [Vec::new(), done],
        _ => [done, Vec::new()],
    })
}

async fn import(world: &World) -> Result<[Vec<String>; 2], String> {
    let names = ["a", "b", "c"];
    let rows = import_list(names.map(|name| json!({ "name": name })).to_vec());
    let options = ImportOptions {
        results: true,
        ..ImportOptions::default()
    };
    let answer = world.engine.import(&world.local, "part", rows, &options).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let made = names
        .iter()
        .enumerate()
        .filter(|(index, _)| answer["results"][index]["ok"] == true)
        .map(|(_, name)| (*name).to_owned())
        .collect();
    Ok([made, Vec::new()])
}

async fn undo(world: &World, jobs: &ImportJobs, job: &str) -> Result<[Vec<String>; 2], String> {
    let undone = jobs.undo(&world.local, job).await;
    let undone = undone.map_err(|error| error.to_string())?;
    let gone = if undone["deleted"] == 2 { &["i1", "i2"][..] } else { &[] };
    Ok([Vec::new(), gone.iter().map(|name| (*name).to_owned()).collect()])
}

/// Puts the seeds in; whether all of them were there before.
async fn seeds(world: &World) -> Result<bool, String> {
    let catalogue = world.engine.parts().catalogue.snapshot();
    let sink = EngineSeeds::new(Arc::clone(&world.engine));
    let report = seed::apply(&catalogue, seed::environment_of_mode("test"), &sink).await;
    let report = report.map_err(|error| error.to_string())?;
    Ok(report.unchanged_sets == 1)
}

/// The records of an object, each with what the last event of it tells to be its name.
async fn parts(world: &World, object: &str) -> Vec<(String, String)> {
    let found = world.query(object, json!({ "orderBy": "id" })).await.unwrap();
    let events = world.events().await;
    let last = |id: &Value| {
        let of_it = |event: &&Value| event["payload"]["object"] == object && event["payload"]["recordId"] == *id;
        let event = events.iter().rev().find(of_it);
        event.and_then(|event| event["payload"]["after"]["name"].as_str())
    };
    let records = found["records"].as_array().unwrap();
    records
        .iter()
        .map(|record| {
            let told = last(&record["id"]).unwrap_or("nothing");
            (record["name"].as_str().unwrap().to_owned(), told.to_owned())
        })
        .collect()
}

/// So many records were made and deleted by the events.
async fn left_by_events(world: &World, object: &str) -> usize {
    let events = world.events().await;
    let count = |name: &str| {
        let of_it = |event: &&Value| event["name"] == name && event["payload"]["object"] == object;
        events.iter().filter(of_it).count()
    };
    count("data.record.created") - count("data.record.deleted")
}

async fn check(world: &World, told: Option<&[Vec<String>; 2]>, label: &str) {
    for object in ["part", "town"] {
        let records = parts(world, object).await;
        assert_eq!(
            left_by_events(world, object).await,
            records.len(),
            "{label}: {records:?}"
        );
        for (name, told) in &records {
            assert_eq!(name, told, "{label}: a record and its last event");
        }
        if let (Some([there, gone]), "part") = (told, object) {
            let known = |name: &String| records.iter().any(|(record, _)| record == name);
            assert!(there.iter().all(known), "{label}: {there:?} in {records:?}");
            assert!(!gone.iter().any(known), "{label}: no {gone:?} in {records:?}");
        }
    }
}

/// Tried again, the seeds come to their end, each of them once.
async fn seeds_at_last(world: &World, label: &str) {
    seeds(world).await.unwrap();
    let mut towns: Vec<String> = parts(world, "town").await.into_iter().map(|(name, _)| name).collect();
    towns.sort();
    assert_eq!(towns, ["bonn", "genf", "wien"], "{label}");
    assert!(seeds(world).await.unwrap(), "{label}: put in, and put in again");
}

#[tokio::test]
async fn each_is_whole_or_not_there() {
    for work in [
        Work::Create,
        Work::Update,
        Work::Upsert,
        Work::Delete,
        Work::Import,
        Work::Undo,
        Work::Seeds,
    ] {
        for after in [false, true] {
            let mut fault = 1;
            loop {
                let prepared = prepared(work).await;
                let world = &prepared.world;
                world.probe.arm(fault, after);
                let told = run(&prepared, work).await;
                let reached = world.probe.calls.load(Ordering::SeqCst) >= fault.unsigned_abs();
                world.probe.arm(0, false);
                let label = format!("{work:?}, fault {fault}, after {after}: {told:?}");
                check(world, told.as_ref().ok(), &label).await;
                if work == Work::Seeds {
                    seeds_at_last(world, &label).await;
                }
                let next = world.create("part", json!({ "name": "next" })).await;
                assert!(next.is_ok(), "{label}: {next:?}");
                prepared.world.close().await;
                if !reached {
                    break;
                }
                fault += 1;
                assert!(fault < 90, "{label}");
            }
            assert!(fault > 2, "{work:?} made {fault} calls");
        }
    }
}
