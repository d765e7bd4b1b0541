//! A plugin by somebody else, built in a workspace of its own.

use objectos_tests::{Host, HostBuilder, plugins};
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

fn with_hello(config: &str) -> Host {
    HostBuilder::new().plugin("hello").example("crm").config(config).start()
}

#[test]
fn its_route_hook_and_event_work() {
    let host = with_hello("plugins: { example.hello: { greeting: Good morning, refusedWords: [spam] } }\n");
    let mut client = host.client();
    let greeting = client.get("/api/v1/hello/Ada").expect(200);
    assert_eq!(greeting, json!({"text": "Good morning, Ada!"}));
    let vetoed = client.send("POST", "/api/v1/data/account", &json!({"name": "Spam and Sons"}));
    assert_eq!(vetoed.status, 400);
    assert_eq!(vetoed.json()["message"], "names with the word spam are not welcome");
    let before = client.get("/api/v1/hello").expect(200)["created"]
        .as_u64()
        .expect("a count");
    client
        .send("POST", "/api/v1/data/account", &json!({"name": "Initech"}))
        .expect(201);
    let begun = Instant::now();
    loop {
        let count = client.get("/api/v1/hello").expect(200)["created"]
            .as_u64()
            .expect("a count");
        if count > before {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "the event did not arrive");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn its_configuration_is_checked_before_it_is_loaded() {
    let host = with_hello("plugins: { example.hello: { greting: Hi } }\n");
    let report = host.client().get("/api/v1/plugins").expect(200).to_string();
    assert!(report.contains("greting") && report.contains("greeting"), "{report}");
    host.client().get("/api/v1/hello/Ada").expect(404);
    host.client().get("/api/v1/data/account?top=1").expect(200);
}

#[test]
fn a_plugin_as_it_is_written_new_is_loaded_called_and_swapped() {
    let host = HostBuilder::new()
        .plugin("acme-counter")
        .config("plugins: { acme.counter: { step: 5 } }\n")
        .start();
    let mut client = host.client();
    let mut count = || client.send("POST", "/api/v1/acme-counter", &json!({})).expect(200);
    assert_eq!(count(), json!({"value": 5}));
    host.client()
        .send("POST", "/api/v1/plugins/acme.counter/swap", &json!({}))
        .expect(200);
    assert_eq!(count(), json!({"value": 10}), "its state goes with it");
    let plugin = host.plugin("acme.counter");
    assert_eq!(
        (&plugin["state"], &plugin["generation"], &plugin["warnings"]),
        (&json!("running"), &json!(2), &json!([]))
    );
}

/// What built a library, by its own word.
fn compiler(library: &Path) -> String {
    let output = Command::new(plugins::built().join("objectos-host"))
        .args(["plugins", "inspect", "--json"])
        .arg(library)
        .output()
        .expect("objectos-host can be started");
    let shown: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    shown["document"]["build"]["rustc"]
        .as_str()
        .expect("a compiler")
        .to_owned()
}

#[test]
fn a_plugin_by_another_compiler_is_loaded_called_and_swapped() {
    let Some(theirs) = plugins::hello_by_another_compiler() else {
        assert!(
            std::env::var_os("CI").is_none(),
            "a plugin by another compiler is needed: cargo xtask test builds it"
        );
        println!("skipped: no second compiler is installed, so no plugin by another one is loaded");
        return;
    };
    assert_ne!(compiler(&theirs), compiler(&plugins::library("hello")));
    let builder = HostBuilder::new().example("crm").environment("OBJECTOS_WATCH", "false");
    let place = builder.plugins().join("hello.so");
    plugins::put(&place, &fs::read(&theirs).expect("a library"));
    let host = builder.start();
    let mut client = host.client();
    for library in [theirs.clone(), plugins::library("hello"), theirs] {
        let greeting = client.get("/api/v1/hello/Ada").expect(200);
        assert_eq!(greeting, json!({"text": "Hello, Ada!"}));
        let vetoed = client.send("POST", "/api/v1/data/account", &json!({"name": "Spam and Sons"}));
        assert_eq!(vetoed.status, 400);
        plugins::put(&place, &fs::read(library).expect("a library"));
        client
            .send("POST", "/api/v1/plugins/example.hello/swap", &json!({}))
            .expect(200);
    }
    assert_eq!(host.plugin("example.hello")["generation"], 4);
}
