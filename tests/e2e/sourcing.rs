//! Records rebuilt from their events, over HTTP.

use objectos_tests::{Client, HostBuilder};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

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
        std::thread::sleep(Duration::from_millis(50));
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
