//! What only PostgreSQL has: several hosts on one database, replicas, a server that goes away.

mod scattered;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use objectos_data::DataPlugin;
use objectos_data::engine::ports::{Clock, HookPoint};
use objectos_data::event_store::StoredEvents;
use objectos_data::schema::plan;
use objectos_data::store::{Expect, PostgresOptions, PostgresStore, Statement, Store, WriteUnit};
use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::event_store::{EventStore, EventToStore, PendingRequest, SettleRequest};
use objectos_plugin_api::contracts::events::{ChangedElsewhere, ChangedRecord, RecordChange};
use objectos_plugin_api::protocol::kernel::{Event, PluginHealthStatus};
use objectos_plugin_testing::TestHost;
use serde_json::json;

use crate::app_support::{catalogue, write_app};
use crate::driver::{Driver, Place, drop_schema, postgres, schema_name};
use crate::world::{NOON, TestClock, World, field_errors};

const THING: &str = "name: thing\nfields:\n  name: { type: text, unique: true }\n  number: { type: autonumber, autonumberFormat: '{000}' }\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_made_by_one_of_those_that_start_at_once() {
    if postgres().is_none() {
        return;
    }
    let place = Arc::new(Place::on(Driver::Postgres));
    let hosts: Vec<_> = (0..4)
        .map(|_| {
            let place = Arc::clone(&place);
            tokio::spawn(async move {
                let store = place.open(None).await;
                let catalogue = catalogue(&[("thing.object.yml", THING)]);
                let changes = plan(&catalogue, &store.shape().await.unwrap());
                store.change_schema(changes.additive).await.unwrap();
                let left = plan(&catalogue, &store.shape().await.unwrap());
                store.close().await;
                left
            })
        })
        .collect();
    for host in hosts {
        let left = host.await.unwrap();
        assert!(left.is_empty(), "{left}");
    }
}

#[tokio::test]
async fn an_index_that_has_null_last_is_built_anew() {
    if postgres().is_none() {
        return;
    }
    let place = Place::on(Driver::Postgres);
    let store = place.open(None).await;
    let ranked = "name: thing\nfields:\n  rank: { type: number, index: true }\n";
    let catalogue = catalogue(&[("thing.object.yml", ranked)]);
    let changes = plan(&catalogue, &store.shape().await.unwrap());
    store.change_schema(changes.additive).await.unwrap();
    // As PostgreSQL has it by itself: no order of a query is served by it.
    let mut unit = WriteUnit::default();
    for sql in ["DROP INDEX ix_thing_rank", "CREATE INDEX ix_thing_rank ON thing (rank)"] {
        unit.push(Statement::new(sql, Vec::new()), Expect::Anything);
    }
    store.write(unit).await.unwrap();
    let changes = plan(&catalogue, &store.shape().await.unwrap());
    assert_eq!(
        changes.to_string(),
        "  + drop index ix_thing_rank on thing\n  + add index ix_thing_rank on thing (rank)\n"
    );
    store.change_schema(changes.additive).await.unwrap();
    let left = plan(&catalogue, &store.shape().await.unwrap());
    assert!(left.is_empty(), "{left}");
    store.close().await;
}

/// Two engines that know nothing of each other.
async fn two() -> (World, Arc<dyn Store>, World) {
    let place = Place::on(Driver::Postgres);
    let other = place.open(None).await;
    let beside = place.beside();
    let first = World::at(place, &[("thing.object.yml", THING)]).await;
    let second = World::at(beside, &[("thing.object.yml", THING)]).await;
    (first, other, second)
}

/// Unique by a rule, without an index that says so.
const SEAT: &str = "
name: seat
fields:
  place: { type: text }
  state: { type: text }
validations:
  - { type: unique, name: one_guest, message: taken, fields: [place], scope: \"state <> 'left'\", caseSensitive: false }
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_keeps_values_unique_among_hosts() {
    if postgres().is_none() {
        return;
    }
    let place = Place::on(Driver::Postgres);
    let beside = place.beside();
    let files = [("seat.object.yml", SEAT)];
    let worlds = [
        Arc::new(World::at(place, &files).await),
        Arc::new(World::at(beside, &files).await),
    ];
    for round in 0..12 {
        let tasks: Vec<_> = (0..6)
            .map(|index| {
                let world = Arc::clone(&worlds[index % 2]);
                let seat = if index % 3 == 0 {
                    format!("ROW {round}")
                } else {
                    format!("row {round}")
                };
                tokio::spawn(async move {
                    // Half of them get there by a change.
                    if index < 3 {
                        return world
                            .create("seat", json!({ "place": seat, "state": "there" }))
                            .await
                            .map(drop);
                    }
                    let left = json!({ "place": seat, "state": "left" });
                    let made = world.create("seat", left).await.unwrap();
                    let id = made["id"].as_str().unwrap().to_owned();
                    world.update("seat", &id, json!({ "state": "there" })).await.map(drop)
                })
            })
            .collect();
        let mut seated = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(()) => seated += 1,
                Err(error) => assert_eq!(error.code(), "duplicate_value", "{error}"),
            }
        }
        assert_eq!(seated, 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_are_given_once_whoever_asks() {
    if postgres().is_none() {
        return;
    }
    let (first, _, second) = two().await;
    let worlds = [Arc::new(first), Arc::new(second)];
    let tasks: Vec<_> = (0..40)
        .map(|index| {
            let world = Arc::clone(&worlds[index % 2]);
            tokio::spawn(async move {
                world
                    .create("thing", json!({ "name": format!("n{index}") }))
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await.unwrap()["number"].as_str().unwrap().to_owned());
    }
    numbers.sort();
    let expected: Vec<String> = (1..=40).map(|number| format!("{number:03}")).collect();
    assert_eq!(numbers, expected);
    // What one holds to be free the other has taken.
    let taken = worlds[1].create("thing", json!({ "name": "n0" })).await.unwrap_err();
    assert_eq!(taken.code(), "duplicate_value", "{taken}");
}

fn to_store(number: u64, key: &str) -> EventToStore {
    let event: Event = serde_json::from_value(json!({
        "id": format!("e{number}"), "name": "test.thing", "payload": {},
        "metadata": { "source": "test", "timestamp": "2026-02-28T12:00:00.000Z" },
    }))
    .unwrap();
    EventToStore {
        event,
        key: key.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_is_claimed_by_one_node_and_those_of_a_key_stay_together() {
    if postgres().is_none() {
        return;
    }
    let place = Place::on(Driver::Postgres);
    let clock = Arc::new(TestClock(AtomicI64::new(NOON)));
    let store = place.open(None).await;
    let events = Arc::new(StoredEvents::new(
        Arc::clone(&store),
        Arc::clone(&clock) as Arc<dyn Clock>,
    ));
    let context = Context::background();
    let stored: Vec<EventToStore> = (0..60)
        .map(|number| to_store(number, &format!("k{}", number % 7)))
        .collect();
    events.append(context.clone(), stored).await.unwrap();
    let claim = |node: &str, limit: u32| PendingRequest {
        after: 0,
        limit,
        node: node.to_owned(),
        lease_ms: 1_000,
    };
    let tasks: Vec<_> = ["a", "b", "c", "d"]
        .into_iter()
        .map(|node| {
            let (events, request) = (Arc::clone(&events), claim(node, 10));
            tokio::spawn(async move { events.pending(Context::background(), request).await.unwrap() })
        })
        .collect();
    let mut owner = std::collections::HashMap::new();
    let mut seen = std::collections::HashSet::new();
    for (node, task) in tasks.into_iter().enumerate() {
        for event in task.await.unwrap() {
            assert!(
                seen.insert(event.sequence),
                "event {} was claimed twice",
                event.sequence
            );
            let first = *owner.entry(event.key.clone()).or_insert(node);
            assert_eq!(first, node, "events of {} were given to two nodes", event.key);
        }
    }
    assert!(seen.len() >= 10, "{} events were claimed", seen.len());
    // A node has its own again; another one only after the lease.
    let again = events.pending(context.clone(), claim("e", 100)).await.unwrap();
    assert!(again.iter().all(|event| !seen.contains(&event.sequence)));
    clock.0.fetch_add(1_001, Ordering::SeqCst);
    let all = events.pending(context.clone(), claim("e", 100)).await.unwrap();
    assert_eq!(all.len(), 60);
    assert!(all.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
    let done = all.iter().map(|event| event.sequence).collect();
    let settle = SettleRequest {
        done,
        ..SettleRequest::default()
    };
    events.settle(context.clone(), settle).await.unwrap();
    assert!(events.pending(context, claim("a", 100)).await.unwrap().is_empty());
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_cannot_be_reached_is_passed_over() {
    let Some(url) = postgres() else { return };
    let schema = schema_name();
    let options = PostgresOptions {
        schema: Some(schema.clone()),
        // Nobody listens there.
        replicas: vec!["postgres://nobody@127.0.0.1:9/none".to_owned(), url.to_owned()],
        pool_size: 4,
        ..PostgresOptions::new(url)
    };
    let store = PostgresStore::open(options).await.unwrap();
    for _ in 0..4 {
        let mut reader = store.replica_reader().await.unwrap();
        let mut seen = 0;
        let statement = Statement::new("SELECT 7 WHERE ? = ?", vec!["a?".into(), "a?".into()]);
        reader
            .read(&statement, &mut |row| seen = row.cell(0).as_integer().unwrap())
            .await
            .unwrap();
        assert_eq!(seen, 7);
    }
    store.close().await;
    assert!(store.replica_reader().await.is_err());
    drop_schema(url, &schema);
}

#[tokio::test]
async fn writers_that_are_all_in_use_turn_the_next_away() {
    let Some(url) = postgres() else { return };
    let schema = schema_name();
    let options = PostgresOptions {
        schema: Some(schema.clone()),
        pool_size: 4,
        connect_timeout: std::time::Duration::from_secs(5),
        ..PostgresOptions::new(url)
    };
    let store = PostgresStore::open(options).await.unwrap();
    let write = async || {
        let mut unit = WriteUnit::default();
        let sql = "INSERT INTO objectos_note (name, value) VALUES (?, ?)";
        unit.push(Statement::new(sql, vec!["a".into(), "b".into()]), Expect::Changed(1));
        store.write(unit).await.map(drop)
    };
    // Of four connections two write, and each lock has one.
    let held = [store.lock("a").await.unwrap(), store.lock("b").await.unwrap()];
    let error = write().await.unwrap_err();
    assert_eq!(error.code(), "service_unavailable", "{error}");
    for lock in held {
        lock.release().await;
    }
    write().await.unwrap();
    store.close().await;
    drop_schema(url, &schema);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_the_server_closed_are_made_anew() {
    if postgres().is_none() {
        return;
    }
    let world = World::at(Place::on(Driver::Postgres), &[("thing.object.yml", THING)]).await;
    world.create("thing", json!({ "id": "a", "name": "a" })).await.unwrap();
    let others = "SELECT COUNT(pg_terminate_backend(pid)::integer) FROM pg_stat_activity \
        WHERE application_name = 'objectos ' || current_schema() AND pid <> pg_backend_pid()";
    // Those that read and those that write, while they are idle.
    let place = world.place().beside();
    let other = place.open(None).await;
    let mut reader = other.reader().await.unwrap();
    let kill = Statement::new(others, Vec::new());
    reader.read(&kill, &mut |_| {}).await.unwrap();
    drop(reader);
    assert_eq!(world.get("thing", "a").await.unwrap()["name"], "a");
    world.update("thing", "a", json!({ "name": "b" })).await.unwrap();
    assert_eq!(world.get("thing", "a").await.unwrap()["name"], "b");
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_is_had_though_the_server_closed_the_connection() {
    if postgres().is_none() {
        return;
    }
    let place = Place::on(Driver::Postgres);
    let store = place.open(None).await;
    // From now on there are idle connections.
    store.lock("a").await.unwrap().release().await;
    let beside = place.beside();
    let other = beside.open(None).await;
    let mut reader = other.reader().await.unwrap();
    let kill = "SELECT COUNT(pg_terminate_backend(pid)::integer) FROM pg_stat_activity \
        WHERE application_name = 'objectos ' || current_schema() AND pid <> pg_backend_pid()";
    reader
        .read(&Statement::new(kill, Vec::new()), &mut |_| {})
        .await
        .unwrap();
    drop(reader);
    let held = store.lock("a").await.unwrap();
    // It is one: another node waits for it.
    let mut waiting = std::pin::pin!(other.lock("a"));
    let waited = tokio::time::timeout(std::time::Duration::from_millis(300), waiting.as_mut()).await;
    assert!(waited.is_err(), "both have it");
    held.release().await;
    waiting.await.unwrap().release().await;
    other.close().await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_stores_another_one_hears_and_it_knows_when_it_could_not() {
    if postgres().is_none() {
        return;
    }
    let files = [
        (
            "member.object.yml",
            "name: member\nisSystem: true\nfields:\n  name: { type: text }\n",
        ),
        ("thing.object.yml", THING),
    ];
    let first = World::at(Place::on(Driver::Postgres), &files).await;
    for point in [HookPoint::AfterInsert, HookPoint::AfterUpdate] {
        first.hooks.on(point, "member", |_| Ok(false));
        first.hooks.on(point, "thing", |_| Ok(false));
    }
    let beside = first.place().beside();
    let other = beside.open(None).await;
    let (sender, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let store = Arc::clone(&other);
    let listening = tokio::spawn(async move { store.listen(&move |changed| drop(sender.send(changed))).await });
    let missed = ChangedElsewhere {
        missed: true,
        ..ChangedElsewhere::default()
    };
    assert_eq!(heard.recv().await.unwrap(), missed, "nobody knows what was before");
    first
        .create("thing", json!({ "name": "of no interest" }))
        .await
        .unwrap();
    let record = |id: &str, change| ChangedRecord {
        object: "member".to_owned(),
        id: Some(id.to_owned()),
        change: Some(change),
    };
    // A line that is silent for a moment is given up, and what came meanwhile is lost with it, which is said: then once more.
    let mut round = 0;
    let id = 'rounds: loop {
        round += 1;
        let id = format!("m{round}");
        let made = json!({ "id": id, "name": "a" });
        first.create("member", made).await.unwrap();
        first.update("member", &id, json!({ "name": "b" })).await.unwrap();
        let mut told = Vec::new();
        loop {
            let changed = heard.recv().await.unwrap();
            if changed.missed {
                break;
            }
            // Late words of a round before are none of this one.
            let of_this = |record: &ChangedRecord| record.object != "member" || record.id.as_deref() == Some(&id);
            told.extend(changed.records.into_iter().filter(of_this));
            if told.len() >= 2 {
                let expected = [RecordChange::Created, RecordChange::Updated];
                assert_eq!(told, expected.map(|change| record(&id, change)));
                break 'rounds id;
            }
        }
    };
    let kill = "SELECT COUNT(pg_terminate_backend(pid)::integer) FROM pg_stat_activity \
        WHERE application_name = 'objectos ' || current_schema() AND pid <> pg_backend_pid()";
    first.number(kill).await;
    while heard.recv().await.unwrap() != missed {}
    // Once for the lost line, and once more when there is a new one: from then on everything is heard again.
    while heard.recv().await.unwrap() != missed {}
    let updated = ChangedElsewhere {
        records: vec![record(&id, RecordChange::Updated)],
        ..ChangedElsewhere::default()
    };
    let mut changes = 0;
    let mut changed = missed.clone();
    while changed != updated {
        if changed == missed {
            changes += 1;
            let change = json!({ "name": format!("c{changes}") });
            first.update("member", &id, change).await.unwrap();
        }
        changed = heard.recv().await.unwrap();
    }
    listening.abort();
    drop(listening.await);
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plugin_runs_on_it_and_so_do_its_commands() {
    let Some(url) = postgres() else { return };
    let schema = schema_name();
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("app");
    let start = |thing: &str| {
        write_app(&app, "demo", &[("thing.object.yml", thing)]);
        TestHost::new(include_str!("../../plugin.json"))
            .config(json!({ "database": { "url": url, "schema": schema, "poolSize": 4 } }))
            .settings(json!({ "mode": "test", "apps": [app] }))
            .start::<DataPlugin>()
    };
    let plugin = start(THING).await.unwrap();
    let status = plugin.command("migrate status", &[]).await.unwrap();
    assert_eq!(
        (status.exit_code, status.output.as_str()),
        (0, "the database is as the apps ask for\n")
    );
    plugin.stop().await.unwrap();
    let plugin = start(&THING.replace("name: { type: text, unique: true }", "name: { type: number }"))
        .await
        .unwrap();
    assert_eq!(plugin.health().await.unwrap().status, PluginHealthStatus::Unhealthy);
    let shown = plugin.command("migrate plan", &[]).await.unwrap();
    assert!(shown.output.contains("! convert column thing.name"), "{}", shown.output);
    let done = plugin.command("migrate apply", &["--destructive"]).await.unwrap();
    assert_eq!(done.exit_code, 0, "{}", done.error);
    let status = plugin.command("migrate status", &[]).await.unwrap();
    assert_eq!(status.exit_code, 0, "{}", status.output);
    plugin.stop().await.unwrap();
    drop_schema(url, &schema);
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_named_without_its_password() {
    let options = PostgresOptions {
        connect_timeout: std::time::Duration::from_secs(5),
        ..PostgresOptions::new("postgres://user:hunter2@127.0.0.1:9/none")
    };
    assert!(!format!("{options:?}").contains("hunter2"));
    let error = PostgresStore::open(options).await.unwrap_err();
    assert_eq!(error.code(), "database_error");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    let error = PostgresStore::open(PostgresOptions::new("postgres://["))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("cannot be read"), "{error}");
}

#[tokio::test]
async fn what_an_index_does_not_take_is_refused_by_its_field() {
    if postgres().is_none() {
        return;
    }
    const NOTE: &str = "
name: note
fields:
  title: { type: text, maxLength: 9000 }
  body: { type: textarea, searchable: true }
indexes:
  - { fields: [title] }
";
    let world = World::at(Place::on(Driver::Postgres), &[("note.object.yml", NOTE)]).await;
    // Nothing that could be made shorter: the index keeps long texts packed.
    let mut state: u64 = 17;
    let mut letter = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from_u32(0x4E00 + u32::try_from(state >> 51).unwrap()).unwrap()
    };
    let title: String = (0..9_000).map(|_| letter()).collect();
    let errors = field_errors(world.create("note", json!({ "title": title })).await);
    assert_eq!(errors, ["title: max_length"]);
    // 60,000 long words are more than a text index takes of one row; the record is stored, and found by its first words.
    let body: String = (0..60_000)
        .map(|number| format!("word{number}{} ", "x".repeat(30)))
        .collect();
    world.create("note", json!({ "body": body })).await.unwrap();
    let found = world
        .query("note", json!({ "search": "word17x", "fields": ["id"] }))
        .await
        .unwrap();
    assert_eq!(found["total"], 1);
}

/// What the server makes of statements is what was measured, unless an operator said otherwise.
#[tokio::test]
async fn sessions_plan_for_the_values_they_ask_for() {
    let Some(url) = postgres() else { return };
    let set = format!("{url}?options=-c%20plan_cache_mode%3Dauto%20-c%20random_page_cost%3D3");
    for (url, expected) in [(url, "force_custom_plan 1.1"), (set.as_str(), "auto 3")] {
        let schema = schema_name();
        let options = PostgresOptions {
            schema: Some(schema.clone()),
            pool_size: 4,
            ..PostgresOptions::new(url)
        };
        let store = PostgresStore::open(options).await.unwrap();
        let sql = "SELECT current_setting('plan_cache_mode') || ' ' || current_setting('random_page_cost')";
        let mut found = String::new();
        let mut reader = store.reader().await.unwrap();
        reader
            .read(&Statement::new(sql, Vec::new()), &mut |row| {
                found = row.cell(0).as_text().unwrap_or_default().to_owned();
            })
            .await
            .unwrap();
        assert_eq!(found, expected, "{url}");
        drop(reader);
        store.close().await;
        drop_schema(postgres().unwrap(), &schema);
    }
}
