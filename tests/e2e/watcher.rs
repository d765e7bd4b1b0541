//! The watcher of development through the real host: a file that is new, bad, mended, and gone, and plugins that waited for it.

use objectos_tests::{Host, HostBuilder, plugins};
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

fn wait_for(host: &Host, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let report = host.client().get("/api/v1/plugins").expect(200)["data"].clone();
        if condition(&report) {
            return report;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "no {what}: {report:#}\n{}",
            host.log()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn refused(report: &Value, file: &str) -> bool {
    let refusals = report["refused"].as_array().expect("a list");
    let ends = |refusal: &Value| refusal["path"].as_str().is_some_and(|path| path.ends_with(file));
    refusals.iter().any(ends)
}

fn runs(report: &Value, id: &str) -> bool {
    let plugins = report["plugins"].as_array().expect("a list");
    plugins
        .iter()
        .any(|plugin| plugin["id"] == id && plugin["state"] == "running")
}

#[test]
fn files_that_come_and_go_are_noticed() {
    let host = HostBuilder::new().start();
    let library = host.plugins().join("hello.so");
    let whole = fs::read(plugins::library("hello")).expect("a library");
    // Bad first: it stays out, with its reason, and hurts nobody.
    plugins::put(&library, &whole[..whole.len() / 2]);
    wait_for(&host, "refusal", |report| refused(report, "hello.so"));
    host.client().get("/health").expect(200);
    // The whole file takes its place; the refusal goes.
    plugins::put(&library, &whole);
    let report = wait_for(&host, "new plugin", |report| runs(report, "example.hello"));
    assert!(!refused(&report, "hello.so"), "{report:#}");
    let greeted = || host.client().get("/api/v1/hello/Ada").expect(200)["text"].clone();
    assert_eq!(greeted(), "Hello, Ada!");
    // What is loaded stays when its file goes.
    fs::remove_file(&library).expect("a file");
    host.wait_for_log("a plugin's file was removed; what is loaded stays");
    assert_eq!(greeted(), "Hello, Ada!");
    // And a bad file in its place changes nothing.
    plugins::put(&library, b"this is no library");
    host.wait_for_log("a plugin was not swapped");
    assert_eq!(greeted(), "Hello, Ada!");
}

/// Has the misfit need the example, in this folder.
fn needy(folder: &Path) {
    let library = plugins::install(folder, "misfit", "misfit.so");
    plugins::edit_manifest(&library, |document| {
        document["manifest"]["description"] = json!("");
        document["manifest"]["dependencies"] = json!({ "example.hello": "^1.0.0" });
    });
}

fn named_as_failed(host: &Host) -> Vec<String> {
    let ready = host.client().get("/ready").expect(200);
    let failed = ready["data"]["failed"].as_array().cloned().unwrap_or_default();
    failed
        .iter()
        .filter_map(|plugin| plugin["id"].as_str())
        .map(str::to_owned)
        .collect()
}

/// Puts the example in its place, and sees both come.
fn both_come(host: &Host) {
    let whole = fs::read(plugins::library("hello")).expect("a library");
    plugins::put(&host.plugins().join("hello.so"), &whole);
    let report = wait_for(host, "plugin that waited", |report| {
        runs(report, "example.hello") && runs(report, "test.misfit")
    });
    assert_eq!(report["refused"], json!([]), "{report:#}");
    assert!(named_as_failed(host).is_empty());
    host.client().get("/api/v1/misfit/x").expect(200);
}

#[test]
fn a_plugin_that_was_refused_for_lack_of_another_one_comes_with_it() {
    let builder = HostBuilder::new();
    needy(&builder.plugins());
    let host = builder.start();
    wait_for(&host, "refusal", |report| refused(report, "misfit.so"));
    assert_eq!(named_as_failed(&host), ["test.misfit"]);
    both_come(&host);
}

#[test]
fn a_plugin_that_went_down_with_another_one_comes_back_with_it() {
    let builder = HostBuilder::new().plugin("hello");
    needy(&builder.plugins());
    // It registers routes that it does not declare.
    plugins::edit_manifest(&builder.plugins().join("hello.so"), |document| {
        document["objectos"]["routes"] = json!([]);
    });
    let host = builder.start();
    assert_eq!(named_as_failed(&host), ["example.hello", "test.misfit"]);
    both_come(&host);
}
