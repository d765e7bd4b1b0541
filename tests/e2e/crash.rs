//! `kill -9` in the middle of a stream of changes: what was acknowledged is there, whole, and so is its event.

mod identity;

use objectos_tests::{Client, Host, HostBuilder};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

const KILLS: usize = 50;
const WRITERS: usize = 4;

/// A writer's place in it all.
#[derive(Clone, Copy, Debug)]
struct Turn {
    round: usize,
    writer: usize,
    number: usize,
}

/// Has four writers write until the host dies, kills it once so many more changes were acknowledged as the round says, and starts
/// it again; so often. A writer answers what was acknowledged, and nothing when the host is gone. Answers all of it.
fn kill_in_streams<T: Send + 'static>(
    host: &mut Host,
    kills: usize,
    wanted: impl Fn(usize) -> usize,
    write: impl Fn(&mut Client, Turn) -> Option<T> + Clone + Send + 'static,
) -> Vec<T> {
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    for round in 0..kills {
        let address = host.address();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (acknowledged, write) = (Arc::clone(&acknowledged), write.clone());
                std::thread::spawn(move || write_until_it_dies(address, &acknowledged, round, writer, &write))
            })
            .collect();
        let wanted = acknowledged.lock().expect("the list").len() + wanted(round);
        let begun = Instant::now();
        while acknowledged.lock().expect("the list").len() < wanted {
            assert!(
                begun.elapsed() < Duration::from_secs(60) && !writers.iter().any(|writer| writer.is_finished()),
                "the host is too slow, or a writer ended:\n{}",
                host.log()
            );
            std::thread::yield_now();
        }
        host.kill();
        for writer in writers {
            writer.join().expect("a writer ends");
        }
        host.restart();
    }
    std::mem::take(&mut *acknowledged.lock().expect("the list"))
}

/// Each writer keeps what was acknowledged to it.
fn write_until_it_dies<T>(
    address: SocketAddr,
    acknowledged: &Mutex<Vec<T>>,
    round: usize,
    writer: usize,
    write: &impl Fn(&mut Client, Turn) -> Option<T>,
) {
    let mut client = Client::new(address);
    for number in 0.. {
        let turn = Turn { round, writer, number };
        match write(&mut client, turn) {
            Some(kept) => acknowledged.lock().expect("the list").push(kept),
            None => return,
        }
    }
}

/// Makes an account, and answers its id and name.
fn create(client: &mut Client, turn: Turn) -> Option<(String, String)> {
    let name = format!("r{} w{} n{}", turn.round, turn.writer, turn.number);
    let body = json!({"name": name}).to_string();
    let headers = [("content-type", "application/json")];
    match client.request("POST", "/api/v1/data/account", &headers, body.as_bytes()) {
        Ok(answer) if answer.status == 201 => {
            let id = answer.json()["id"].as_str().expect("an id").to_owned();
            Some((id, name))
        }
        Ok(answer) => panic!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)),
        Err(_) => None,
    }
}

/// Every record of an object, by id.
fn all(client: &mut Client, object: &str) -> HashMap<String, Value> {
    let mut found = HashMap::new();
    loop {
        let skip = found.len();
        let page = client
            .get(&format!("/api/v1/data/{object}?top=1000&skip={skip}&sort=id"))
            .expect(200);
        let records = page["records"].as_array().expect("records");
        if records.is_empty() {
            return found;
        }
        for record in records {
            found.insert(record["id"].as_str().expect("an id").to_owned(), record.clone());
        }
        assert!(found.len() > skip, "the same page comes again and again");
    }
}

/// Made by [`create`], and not with the app.
fn is_ours(record: &Value) -> bool {
    let name = record["name"].as_str().unwrap_or_default();
    name.starts_with('r') && name.contains(" w")
}

/// Whether it was acknowledged or not, what is stored of an account is all that a create writes: what was sent, the default of
/// a field, the number, and the times.
fn is_whole(record: &Value) {
    let has = |field: &str| record[field].as_str().is_some_and(|text| !text.is_empty());
    let fields = ["id", "name", "account_number", "type", "created_at", "updated_at"];
    assert!(fields.iter().all(|&field| has(field)), "half a record: {record}");
    if is_ours(record) {
        let name = record["name"].as_str().unwrap_or_default();
        let words: Vec<&str> = name.split(' ').collect();
        let numbered = |word: &str, letter: char| {
            word.strip_prefix(letter)
                .is_some_and(|rest| rest.parse::<usize>().is_ok())
        };
        let [round, writer, number] = words[..] else {
            panic!("half a name: {record}");
        };
        assert!(
            numbered(round, 'r') && numbered(writer, 'w') && numbered(number, 'n'),
            "half a name: {record}"
        );
        assert_eq!(record["type"], "prospect", "without its default: {record}");
    }
}

/// An event without its record would be as bad as a record without its event.
fn tells_of_no_other(client: &mut Client, delivered: &HashSet<String>, accounts: &HashMap<String, Value>) {
    let mut unknown: HashSet<&String> = delivered.iter().filter(|id| !accounts.contains_key(*id)).collect();
    // Those of the app's other objects, which came with it.
    for object in ["case", "contact", "lead", "opportunity", "product", "task"] {
        let records = all(client, object);
        unknown.retain(|id| !records.contains_key(*id));
    }
    assert!(unknown.is_empty(), "events of records that are not stored: {unknown:?}");
}

#[test]
fn no_acknowledged_create_and_no_event_is_lost() {
    let mut host = HostBuilder::new().plugin("recorder").example("crm").start();
    // Between a handful and some hundred creates, a different number each round.
    let acknowledged = kill_in_streams(&mut host, KILLS, |round| 5 + (round * 37) % 150, create);
    let mut client = host.client();
    let stored = all(&mut client, "account");
    for record in stored.values() {
        is_whole(record);
    }
    let names: HashSet<&str> = stored.values().filter_map(|record| record["name"].as_str()).collect();
    assert_eq!(names.len(), stored.len(), "a create was stored twice");
    for (id, name) in &acknowledged {
        let record = stored
            .get(id)
            .unwrap_or_else(|| panic!("{name} ({id}) was acknowledged and is gone"));
        assert_eq!(record["name"], **name);
    }
    let begun = Instant::now();
    loop {
        let delivered: HashSet<String> =
            std::fs::read_to_string(host.folder().join("data/plugins/test.recorder/events.txt"))
                .unwrap_or_default()
                .lines()
                .map(str::to_owned)
                .collect();
        let missing: Vec<&String> = stored
            .iter()
            .filter(|(_, record)| is_ours(record))
            .map(|(id, _)| id)
            .filter(|id| !delivered.contains(*id))
            .collect();
        if missing.is_empty() {
            tells_of_no_other(&mut client, &delivered, &stored);
            break;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{} of {} events were never delivered, such as {}",
            missing.len(),
            stored.len(),
            missing[0]
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let health: Value = client.get("/health").json();
    assert!(acknowledged.len() > KILLS * 5, "{health}");
}
