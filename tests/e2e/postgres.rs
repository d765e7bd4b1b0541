//! Hosts on PostgreSQL: one as on SQLite, and two on one database at the same time.

mod access;

use objectos_tests::{Host, HostBuilder, postgres};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::OnceLock,
    time::{Duration, Instant},
};

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// The server; `None` after saying so where none is installed. In continuous integration there must be one.
#[allow(clippy::print_stderr, reason = "a skip is said aloud")]
pub(crate) fn server() -> Option<&'static str> {
    static URL: OnceLock<Option<String>> = OnceLock::new();
    static STARTED: OnceLock<postgres::Server> = OnceLock::new();
    let url = URL.get_or_init(|| match std::env::var(postgres::VARIABLE) {
        Ok(url) => Some(url),
        Err(_) => match postgres::Server::start() {
            Ok(server) => Some(STARTED.get_or_init(|| server).url().to_owned()),
            Err(reason) => {
                assert!(std::env::var_os("CI").is_none(), "PostgreSQL is needed: {reason}");
                eprintln!("SKIPPED: nothing is tried on PostgreSQL, for {reason}");
                None
            }
        },
    });
    url.as_deref()
}

fn host(url: &str, schema: &str) -> HostBuilder {
    let config =
        format!("plugins:\n  objectos.data:\n    database: {{ url: '{url}', schema: {schema}, poolSize: 20 }}\n");
    HostBuilder::new().plugin("recorder").example("crm").config(&config)
}

fn schema(name: &str) -> String {
    format!("e2e_{name}_{}", std::process::id())
}

/// How often each event was delivered, on all hosts together.
fn delivered(hosts: &[&Host]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for host in hosts {
        let text =
            std::fs::read_to_string(host.folder().join("data/plugins/test.recorder/events.txt")).unwrap_or_default();
        for id in text.lines() {
            *counts.entry(id.to_owned()).or_default() += 1;
        }
    }
    counts
}

#[test]
fn two_hosts_share_one_database() {
    let Some(url) = server() else { return };
    let schema = schema("two");
    // Both at once: tables and seeds are made by one of them.
    let (mut first, mut second) = (host(url, &schema).spawn(), host(url, &schema).spawn());
    first.wait_until_ready();
    second.wait_until_ready();
    let accounts = first.client().get("/api/v1/data/account?top=1").expect(200);
    let seeded = accounts["total"].as_u64().unwrap();
    assert_eq!(
        second.client().get("/api/v1/data/account?top=1").expect(200)["total"],
        seeded
    );
    let tasks: Vec<_> = [first.address(), second.address()]
        .into_iter()
        .flat_map(|address| (0..4).map(move |writer| (address, writer)))
        .map(|(address, writer)| {
            std::thread::spawn(move || {
                let mut client = objectos_tests::Client::new(address);
                let mut ids = Vec::new();
                for number in 0..25 {
                    let body = json!({ "name": format!("{} w{writer} n{number}", address.port()) }).to_string();
                    let headers = [("content-type", "application/json")];
                    let answer = client
                        .request("POST", "/api/v1/data/account", &headers, body.as_bytes())
                        .unwrap();
                    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
                    ids.push(answer.json()["id"].as_str().unwrap().to_owned());
                }
                ids
            })
        })
        .collect();
    let made: Vec<String> = tasks.into_iter().flat_map(|task| task.join().unwrap()).collect();
    for host in [&first, &second] {
        let found = host.client().get("/api/v1/data/account?top=1").expect(200);
        assert_eq!(found["total"], seeded + 200);
    }
    let begun = Instant::now();
    loop {
        let counts = delivered(&[&first, &second]);
        let missing = made.iter().filter(|id| !counts.contains_key(*id)).count();
        if missing == 0 {
            let doubled: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
            assert!(doubled.is_empty(), "delivered more than once: {doubled:?}");
            break;
        }
        assert!(
            begun.elapsed() < LIMIT,
            "{missing} events were never delivered\n{}",
            first.log()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    // What one wrote the other changes; the loser of two at the same time is told.
    let id = &made[0];
    let path = format!("/api/v1/data/account/{id}");
    second
        .client()
        .send("PATCH", &path, &json!({ "industry": "software" }))
        .expect(200);
    let found: Value = first.client().get(&path).expect(200);
    let record = if found["record"].is_object() {
        &found["record"]
    } else {
        &found
    };
    assert_eq!(record["industry"], "software");
    assert_eq!(first.terminate(), Some(0));
    assert_eq!(second.client().get(&path).status, 200);
}

/// Asks until the answer is the one that is waited for.
fn until(what: &str, mut asked: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !asked() {
        assert!(begun.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_is_saved_on_one_host_is_used_by_the_other() {
    let Some(url) = server() else { return };
    let schema = schema("meta");
    let (mut first, mut second) = (host(url, &schema).spawn(), host(url, &schema).spawn());
    first.wait_until_ready();
    second.wait_until_ready();
    let (mut here, mut there) = (first.client(), second.client());
    let car = json!({ "name": "car", "label": "Car", "fields": { "plate": { "type": "text", "required": true } } });
    here.send("PUT", "/api/v1/meta/object/car", &car).expect(200);
    until("the new object", || there.get("/api/v1/data/car").status == 200);
    there
        .send("POST", "/api/v1/data/car", &json!({ "plate": "A1" }))
        .expect(201);
    there.send("POST", "/api/v1/data/car", &json!({})).expect(400);
    assert_eq!(here.get("/api/v1/data/car").expect(200)["total"], 1);
    // A change on the other one: a further field.
    let mut wider = car.clone();
    wider["fields"]["seats"] = json!({ "type": "number" });
    there.send("PUT", "/api/v1/meta/object/car", &wider).expect(200);
    let seats = json!({ "plate": "A2", "seats": 4 });
    until("the new field", || {
        here.send("POST", "/api/v1/data/car", &seats).status == 201
    });
    here.request("DELETE", "/api/v1/meta/object/car", &[], b"").unwrap();
    until("the deletion", || there.get("/api/v1/data/car").status == 404);
    there
        .send("POST", "/api/v1/meta/object/car/rollback", &json!({ "version": 2 }))
        .expect(200);
    until("what was brought back", || here.get("/api/v1/data/car").status == 200);
    assert_eq!(here.get("/api/v1/data/car").expect(200)["total"], 2);
}
