//! Hot swap under load: no request fails, memory stays.

use objectos_tests::{HostBuilder, load::Load, plugins};
use serde_json::json;
use std::fs;

/// Swaps in all, over all plugins.
const SWAPS: usize = 200;
/// After so many, memory is taken as the mark.
const WARM: usize = 20;

#[test]
fn two_hundred_swaps_under_load_fail_no_request_and_keep_memory() {
    let host = HostBuilder::new().plugin("hello").example("crm").start();
    let mut client = host.client();
    let made = client
        .send("POST", "/api/v1/data/account", &json!({"name": "Steady"}))
        .expect(201);
    let path = format!("/api/v1/data/account/{}", made["id"].as_str().expect("an id"));
    let load = Load::start(host.address(), 8, move |client, connection, number| {
        let answer = match (connection % 4, number % 16) {
            (0, 0) => {
                let body = json!({"name": format!("Made {number}")}).to_string();
                let headers = [("content-type", "application/json")];
                client.request("POST", "/api/v1/data/account", &headers, body.as_bytes())
            }
            (1, _) => client.request("GET", "/api/v1/hello/Ada", &[], b""),
            _ => client.request("GET", &path, &[], b""),
        };
        match answer {
            Ok(answer) if answer.status < 300 => Ok(()),
            Ok(answer) => Err(format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body))),
            Err(error) => Err(error.to_string()),
        }
    });
    let ids = ["objectos.data", "objectos.server", "example.hello"];
    let mut mark = 0;
    for number in 0..SWAPS {
        let id = ids[number % ids.len()];
        let report = client.send("POST", &format!("/api/v1/plugins/{id}/swap"), &json!({}));
        assert_eq!(
            report.status,
            200,
            "swap {number} of {id}: {}",
            String::from_utf8_lossy(&report.body)
        );
        assert!(
            load.failures().is_empty(),
            "swap {number} of {id}: {:?}",
            load.failures()
        );
        if number + 1 == WARM {
            mark = host.resident_memory_bytes();
        }
    }
    let (count, failures) = load.stop();
    assert!(failures.is_empty(), "{failures:?}");
    assert!(count > 1_000, "there was load: {count} requests");
    let memory = host.resident_memory_bytes();
    assert!(
        memory <= mark + mark / 10,
        "memory grew from {mark} to {memory} bytes over {} swaps ({count} requests)",
        SWAPS - WARM
    );
}

#[test]
fn a_file_that_is_replaced_in_development_is_swapped_by_itself() {
    let host = HostBuilder::new().plugin("hello").start();
    let before = host.plugin("example.hello")["generation"]
        .as_u64()
        .expect("a generation");
    let library = host.plugins().join("hello.so");
    let bytes = fs::read(&library).expect("a library can be read");
    plugins::put(&library, &bytes);
    plugins::edit_manifest(&library, |document| {
        document["manifest"]["description"] = json!("Changed")
    });
    let begun = std::time::Instant::now();
    while host.plugin("example.hello")["generation"].as_u64() == Some(before) {
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(20),
            "not swapped:\n{}",
            host.log()
        );
    }
    host.client().get("/api/v1/hello/Ada").expect(200);
}

#[test]
fn a_bad_file_leaves_the_running_version_alone() {
    let host = HostBuilder::new()
        .plugin("hello")
        .environment("OBJECTOS_WATCH", "false")
        .start();
    let mut client = host.client();
    let library = host.plugins().join("hello.so");
    let bytes = fs::read(&library).expect("a library can be read");
    plugins::put(&library, &bytes[..bytes.len() / 2]);
    let report = client.send("POST", "/api/v1/plugins/example.hello/swap", &json!({}));
    assert!(report.status >= 400, "{}", String::from_utf8_lossy(&report.body));
    assert_eq!(client.get("/api/v1/hello/Ada").expect(200)["text"], "Hello, Ada!");
    plugins::put(&library, &bytes);
    client
        .send("POST", "/api/v1/plugins/example.hello/swap", &json!({}))
        .expect(200);
    assert_eq!(client.get("/api/v1/hello/Ada").expect(200)["text"], "Hello, Ada!");
}
