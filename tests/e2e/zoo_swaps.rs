//! The zoo under replacement: a library that is put in the place of itself again and again while it is asked, and one whose every
//! new version takes memory and then does not want to start. No request fails, and what is left behind is bounded.

use objectos_tests::{Host, HostBuilder, load::Load, plugins};
use serde_json::{Value, json};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Replacements by the watcher.
const REPLACED: u64 = 50;
/// Swaps that fail.
const FAILED: u64 = 100;
/// What one version takes that does not want to start, and never gives back; by its own doing.
const FORGOTTEN_BYTES: u64 = 1 << 20;
/// What else memory may grow by, for all that a host keeps of what happened.
const SLACK_BYTES: u64 = 48 << 20;

fn metric(host: &Host, name: &str) -> u64 {
    let metrics = host.client().get("/api/v1/kernel/metrics").expect(200);
    metrics["data"][name].as_u64().expect("a number")
}

/// Asks until it holds.
fn wait_until(host: &Host, what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "no {what} in time:\n{}",
            host.log()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Another version of the misfit in its place: other bytes, the same code.
fn renew(library: &Path, version: &str, change: impl FnOnce(&mut Value)) {
    plugins::edit_manifest(library, |document| {
        document["manifest"]["description"] = json!("");
        document["manifest"]["version"] = json!(version);
        change(document);
    });
}

#[test]
fn a_library_that_is_replaced_fifty_times_under_load_fails_no_request() {
    let host = HostBuilder::new().plugin("misfit").example("crm").start();
    let library = host.plugins().join("misfit.so");
    let mapped = metric(&host, "generationsMapped");
    let load = Load::start(host.address(), 4, |client, connection, _| {
        let path = match connection {
            0 => "/api/v1/data/account?top=1",
            _ => "/api/v1/misfit/x",
        };
        match client.request("GET", path, &[], b"") {
            Ok(answer) if answer.status == 200 => Ok(()),
            Ok(answer) => Err(format!(
                "{path}: {} {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            )),
            Err(error) => Err(format!("{path}: {error}")),
        }
    });
    for number in 1..=REPLACED {
        let version = format!("1.0.{number}");
        renew(&library, &version, |_| {});
        wait_until(&host, "new version", || {
            host.plugin("test.misfit")["version"] == version.as_str()
        });
        assert_eq!(load.failures(), Vec::<String>::new(), "replacement {number}");
    }
    let (count, failures) = load.stop();
    assert_eq!(failures, Vec::<String>::new());
    assert!(count > REPLACED, "{count} requests");
    assert_eq!(host.plugin("test.misfit")["generation"], json!(REPLACED + 1));
    wait_until(&host, "end of the old versions", || {
        metric(&host, "generationsMapped") == mapped
    });
    assert_eq!(metric(&host, "generationsKept"), 0, "{}", host.log());
}

#[test]
fn a_hundred_versions_that_take_memory_and_fail_cost_what_they_forgot_and_no_more() {
    let host = HostBuilder::new()
        .plugin("misfit")
        .example("crm")
        .environment("OBJECTOS_WATCH", "false")
        .start();
    let library = host.plugins().join("misfit.so");
    renew(&library, "1.0.1", |document| {
        document["objectos"]["settings"]["properties"]["behaviour"]["default"] = json!("error in init");
    });
    let mapped = metric(&host, "generationsMapped");
    let mut client = host.client();
    let mut swap = || {
        let answer = client.send("POST", "/api/v1/plugins/test.misfit/swap", &json!({}));
        let told = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status >= 400, "{} {told}", answer.status);
    };
    // What the first ones take that all the others use again.
    for _ in 0..5 {
        swap();
    }
    let before = host.anonymous_memory_bytes();
    for _ in 0..FAILED {
        swap();
    }
    wait_until(&host, "end of what failed", || {
        metric(&host, "generationsMapped") == mapped
    });
    assert_eq!(metric(&host, "generationsKept"), 0, "{}", host.log());
    let grown = host.anonymous_memory_bytes().saturating_sub(before);
    let bound = FAILED * FORGOTTEN_BYTES + SLACK_BYTES;
    assert!(grown <= bound, "memory grew by {grown} bytes, more than {bound}");
    // The version that works went on all the while.
    let plugin = host.plugin("test.misfit");
    assert_eq!(
        (&plugin["state"], &plugin["version"]),
        (&json!("running"), &json!("1.0.0")),
        "{plugin:#}"
    );
    assert_eq!(host.client().get("/api/v1/misfit/x").expect(200), "well");
}
