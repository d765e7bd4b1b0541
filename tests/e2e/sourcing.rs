//! Records rebuilt from their events, over HTTP: events in the database, in files and in a bucket.

use objectos_tests::{Client, Host, HostBuilder};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::archive_s3::bucket;
use crate::s3_server::S3Server;

const CONFIG: &str = "events: { eventSourcing: { enabled: true, snapshotInterval: 2, snapshotRetention: 1, aggregateTypes: [account] } }\n";

/// What the record was, as the kernel answers it.
fn state(client: &mut Client, id: &str, rest: &str) -> Value {
    let path = format!("/api/v1/events/state?object=account&record={id}{rest}");
    client.get(&path).expect(200)["data"].clone()
}

#[test]
fn a_record_is_what_it_was_after_each_of_its_events() {
    let mut host = HostBuilder::new().example("crm").config(CONFIG).start();
    let mut client = host.client();
    let made = client
        .send("POST", "/api/v1/data/account", &json!({"name": "First"}))
        .expect(201);
    let id = made["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/data/account/{id}");
    let first = state(&mut client, &id, "");
    assert_eq!(
        (&first["state"]["name"], &first["events"]),
        (&json!("First"), &json!(1))
    );
    for name in ["Second", "Third"] {
        client.send("PATCH", &path, &json!({"name": name})).expect(200);
    }
    let sequence = first["sequence"].as_u64().expect("a sequence");
    let after_first = state(&mut client, &id, &format!("&sequence={sequence}"));
    assert_eq!(after_first["state"]["name"], "First");
    // A snapshot stands at the second event of the record, once it was taken.
    let begun = Instant::now();
    let third = loop {
        let third = state(&mut client, &id, "");
        assert_eq!(third["state"]["name"], "Third");
        if !third["snapshot"].is_null() {
            break third;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "no snapshot: {third}\n{}",
            host.log()
        );
        thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(third["events"], 1, "after the snapshot of the second: {third}");
    client.send("DELETE", &path, &json!({})).expect(200);
    assert_eq!(state(&mut client, &id, "")["state"], Value::Null);
    let at = first["at"].as_str().expect("a moment").to_owned();
    assert_eq!(state(&mut client, &id, &format!("&at={at}"))["state"]["name"], "First");
    // All of it is there after the host was killed.
    host.restart();
    let mut client = host.client();
    assert_eq!(
        state(&mut client, &id, &format!("&sequence={sequence}"))["state"]["name"],
        "First"
    );
    let refused = |client: &mut Client, query: &str, status: u16| {
        client.get(&format!("/api/v1/events/state?{query}")).expect(status);
    };
    refused(&mut client, "object=contact&record=x", 409);
    refused(&mut client, "object=account&record=nobody", 404);
    refused(&mut client, "object=account", 400);
}

/// A host that keeps what records were in `storage`.
fn start(storage: &str, more: &str) -> Host {
    let config = format!(
        "events: {{ eventSourcing: {{ enabled: true, snapshotInterval: 2, aggregateTypes: [account], storage: {{ type: \
         {storage} }} }} }}\n{more}"
    );
    HostBuilder::new()
        .plugin("storage")
        .plugin("recorder")
        .example("crm")
        .config(&config)
        .start()
}

/// What a record was is kept in files or a bucket, and read from there; `moved` counts its events there.
fn check_moved(mut host: Host, moved: impl Fn(&Host, &str) -> usize) {
    let mut client = host.client();
    let mut create = |name: &str| {
        let made = client.send("POST", "/api/v1/data/account", &json!({ "name": name }));
        made.expect(201)["id"].as_str().expect("an id").to_owned()
    };
    let id = create("First");
    let path = format!("/api/v1/data/account/{id}");
    let first = state(&mut host.client(), &id, "");
    for name in ["Second", "Third"] {
        host.client().send("PATCH", &path, &json!({ "name": name })).expect(200);
    }
    // The last event of all stays in the database.
    create("Last");
    let begun = Instant::now();
    let third = loop {
        let third = state(&mut host.client(), &id, "");
        assert_eq!(third["state"]["name"], "Third");
        if moved(&host, &id) >= 3 && !third["snapshot"].is_null() {
            break third;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(150),
            "not moved, or no snapshot: {third}\n{}",
            host.log()
        );
        thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(third["events"], 1, "after the snapshot of the second: {third}");
    host.restart();
    let mut client = host.client();
    let sequence = first["sequence"].as_u64().expect("a sequence");
    let then = state(&mut client, &id, &format!("&sequence={sequence}"));
    assert_eq!(then["state"]["name"], "First");
    client.send("DELETE", &path, &json!({})).expect(200);
    assert_eq!(state(&mut client, &id, "")["state"], Value::Null);
    let at = first["at"].as_str().expect("a moment").to_owned();
    assert_eq!(state(&mut client, &id, &format!("&at={at}"))["state"]["name"], "First");
    let request = json!({
        "fromTimestamp": "2020-01-01T00:00:00Z", "eventTypes": ["data.record.created"],
        "targetHandlers": ["test.recorder/write-down"], "speed": 1_000_000,
    });
    let answer = client.send("POST", "/api/v1/events/replay", &request).expect(200);
    assert!(
        answer["data"]["replayed"].as_u64().is_some_and(|count| count >= 2),
        "a replay finds what was moved: {answer}"
    );
}

/// Lines of all files below a folder.
fn lines(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.map(|entry| fs::read_to_string(entry.path()).unwrap_or_default());
    files.map(|text| text.lines().count()).sum()
}

#[test]
fn what_records_were_may_be_kept_in_files() {
    check_moved(start("file", ""), |host, id| {
        let own = format!("data/plugins/objectos.storage/events/records/account/{id}/e");
        lines(&host.folder().join(own))
    });
}

#[test]
fn what_records_were_may_be_kept_in_a_bucket() {
    let server = S3Server::start();
    check_moved(start("s3", &bucket(&server)), |_, id| {
        let own = format!("crm/records/account/{id}/e/");
        let objects = server.objects();
        let batches = objects.iter().filter(|(key, _)| key.starts_with(&own));
        batches.map(|(_, text)| text.lines().count()).sum()
    });
}
