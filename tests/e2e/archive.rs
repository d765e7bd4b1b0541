//! Done events in files of the host: moved there out of the database, and replayed from there.

use objectos_tests::{Host, HostBuilder};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use std::{fs, thread};

const CONFIG: &str = "events: { persistence: { retention: 30, storage: file } }\n";

/// Ids of the records whose creation is in the archive.
fn archived(host: &Host) -> Vec<String> {
    let Ok(files) = fs::read_dir(host.folder().join("data/plugins/objectos.data/events")) else {
        return Vec::new();
    };
    let mut ids = Vec::new();
    for file in files {
        let bytes = fs::read(file.expect("an entry").path()).expect("a file of the archive");
        // The last line may be half written just now.
        let text = String::from_utf8_lossy(&bytes);
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
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

#[test]
fn done_events_are_moved_into_files_and_replayed_from_there() {
    let mut host = HostBuilder::new()
        .plugin("recorder")
        .example("crm")
        .config(CONFIG)
        .start();
    let mut client = host.client();
    let mut create = |name: &str| {
        let made = client.send("POST", "/api/v1/data/account", &json!({ "name": name }));
        made.expect(201)["id"].as_str().expect("an id").to_owned()
    };
    let moved = [create("First"), create("Second"), create("Third")];
    // The last event of all stays in the database.
    create("Last");
    wait(&host, "the events are in the archive", 150, || {
        let archived = archived(&host);
        moved.iter().all(|id| archived.contains(id))
    });
    // The files are there after the host was killed.
    host.restart();
    let before: Vec<usize> = moved.iter().map(|id| told(&host, id)).collect();
    let request = json!({
        "fromTimestamp": "2020-01-01T00:00:00Z", "eventTypes": ["data.record.created"],
        "targetHandlers": ["test.recorder/write-down"], "speed": 1_000_000,
    });
    let mut client = host.client();
    let answer = client.send("POST", "/api/v1/events/replay", &request).expect(200);
    assert!(
        answer["data"]["replayed"].as_u64().is_some_and(|count| count >= 4),
        "those of the archive and the one of the database: {answer}"
    );
    wait(&host, "the events of the archive are replayed", 60, || {
        let mut known = moved.iter().zip(&before);
        known.all(|(id, before)| told(&host, id) > *before)
    });
}
