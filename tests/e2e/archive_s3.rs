//! Done events in a bucket: moved there out of the database, and replayed from there, whatever dies in between.

use objectos_tests::{Host, HostBuilder};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::s3_server::{BUCKET, KEY_ID, Mood, S3Server, SECRET};

/// The bucket of a server, as the storage plugin is told of it.
pub(crate) fn bucket(server: &S3Server) -> String {
    format!(
        "plugins: {{ objectos.storage: {{ s3: {{ endpoint: '{}', bucket: {BUCKET}, prefix: crm, accessKeyId: {KEY_ID}, \
         secretAccessKey: '{SECRET}' }} }} }}\n",
        server.endpoint()
    )
}

fn start(server: &S3Server) -> Host {
    let config = format!(
        "events: {{ persistence: {{ retention: 30, storage: s3 }} }}\n{}",
        bucket(server)
    );
    HostBuilder::new()
        .plugin("storage")
        .plugin("recorder")
        .example("crm")
        .config(&config)
        .start()
}

/// Ids of the records whose creation is in the bucket, as often as it is there.
fn archived(server: &S3Server) -> Vec<String> {
    let mut ids = Vec::new();
    for (key, text) in server.objects() {
        assert!(key.starts_with("crm/archive/"), "{key}");
        for line in text.lines() {
            let entry: Value = serde_json::from_str(line).expect("a line is JSON");
            if entry["event"]["name"] == "data.record.created" {
                ids.extend(entry["event"]["payload"]["recordId"].as_str().map(str::to_owned));
            }
        }
    }
    ids
}

/// How often a durable handler was told of the creation of a record.
fn told(host: &Host, id: &str) -> usize {
    let told = fs::read_to_string(host.folder().join("data/plugins/test.recorder/events.txt")).unwrap_or_default();
    told.lines().filter(|line| *line == id).count()
}

fn create(host: &Host, name: &str) -> String {
    let made = host
        .client()
        .send("POST", "/api/v1/data/account", &json!({ "name": name }));
    made.expect(201)["id"].as_str().expect("an id").to_owned()
}

fn wait(host: &Host, what: &str, seconds: u64, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < Duration::from_secs(seconds),
            "{what} within {seconds} s\n{}",
            host.log()
        );
        thread::sleep(Duration::from_millis(50));
    }
}

/// Replays all creations to the handler, and checks that it hears of each of these records once.
fn replay(host: &Host, ids: &[String]) {
    let before: Vec<usize> = ids.iter().map(|id| told(host, id)).collect();
    let request = json!({
        "fromTimestamp": "2020-01-01T00:00:00Z", "eventTypes": ["data.record.created"],
        "targetHandlers": ["test.recorder/write-down"], "speed": 1_000_000,
    });
    let answer = host
        .client()
        .send("POST", "/api/v1/events/replay", &request)
        .expect(200);
    let count = u64::try_from(ids.len()).expect("a small number");
    assert!(
        answer["data"]["replayed"]
            .as_u64()
            .is_some_and(|replayed| replayed >= count),
        "those of the bucket and those of the database: {answer}"
    );
    wait(host, "the events are replayed", 60, || {
        ids.iter().zip(&before).all(|(id, before)| told(host, id) > *before)
    });
    for (id, before) in ids.iter().zip(before) {
        assert_eq!(told(host, id), before + 1, "{id} is replayed once");
    }
}

#[test]
fn done_events_are_moved_into_the_bucket_and_replayed_from_there() {
    let server = S3Server::start();
    // The first of what the host asks for finds the server busy.
    server.set(Mood::Busy(3));
    let mut host = start(&server);
    let mut ids = vec![create(&host, "First"), create(&host, "Second"), create(&host, "Third")];
    let moved = ids.clone();
    // The last event of all stays in the database.
    ids.push(create(&host, "Last"));
    wait(&host, "the events are in the bucket", 150, || {
        let archived = archived(&server);
        moved.iter().all(|id| archived.contains(id))
    });
    host.restart();
    server.take_seen();
    replay(&host, &ids);
    let seen = server.take_seen();
    assert!(seen.iter().any(|asked| asked.contains("list-type=2")), "{seen:?}");
    let objects = seen
        .iter()
        .filter(|asked| asked.starts_with("GET /events/crm/archive/"));
    assert!(objects.count() > 0, "{seen:?}");
}

#[test]
fn a_host_that_dies_while_it_moves_loses_no_event_and_doubles_none() {
    let server = S3Server::start();
    let mut host = start(&server);
    // What is moved is written, and the host never hears of it.
    server.set(Mood::Mute);
    let mut ids: Vec<String> = (0..20).map(|n| create(&host, &format!("Account {n}"))).collect();
    let moved = ids.clone();
    ids.push(create(&host, "Last"));
    wait(&host, "something is written", 150, || !server.objects().is_empty());
    host.kill();
    server.set(Mood::Well);
    host.restart_stopped();
    wait(&host, "all events are in the bucket", 150, || {
        let archived = archived(&server);
        moved.iter().all(|id| archived.contains(id))
    });
    replay(&host, &ids);
}

#[test]
fn a_bucket_that_nobody_keeps_things_in_is_refused_by_name() {
    for (config, parts) in [
        (
            "events: { persistence: { retention: 30, storage: s3 } }\n",
            [
                "persistence.storage: s3 needs the service event-archive-s3",
                "install one that does",
            ],
        ),
        (
            "events: { eventSourcing: { enabled: true, storage: { type: s3 } } }\n",
            [
                "eventSourcing.storage: {type: s3} needs the service event-streams-s3",
                "or write database",
            ],
        ),
    ] {
        let mut host = HostBuilder::new().config(config).spawn();
        let code = host.wait();
        let text = format!("{}\n{}", host.said(), host.log());
        assert!(code.is_some_and(|code| code != 0), "{code:?}\n{text}");
        for part in parts {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }
}
