//! The zoo's impostors: sound libraries, files and manifests, whose entry is not what it should be. What tells them apart is
//! seen only once the library is open: the host says what differs first, and goes on serving. Two of them are of another age
//! of the same ABI, and run.

use objectos_tests::{Host, HostBuilder, plugins};
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};

use crate::sockets::connect;

/// A host with the impostor under one of its forged entries; its reason must hold every one of `expected`.
fn check(entry: &str, expected: &[&str]) {
    let builder = HostBuilder::new().example("crm");
    let library = plugins::install(&builder.plugins(), "impostor", "impostor.so");
    plugins::choose_entry(&library, entry);
    let host = builder.start();
    let mut client = host.client();
    client.get("/health").expect(200);
    client.get("/api/v1/data/account?top=1").expect(200);
    let plugin = host.plugin("test.impostor");
    assert_eq!(plugin["state"], "failed", "{entry}: {plugin:#}");
    let reason = plugin["reason"].as_str().expect("a reason");
    for part in expected.iter().chain(&["impostor.so"]) {
        assert!(reason.contains(part), "{entry}: {part:?} is not in: {reason}");
    }
}

#[test]
fn its_own_entry_is_good() {
    let host = HostBuilder::new().plugin("impostor").start();
    assert_eq!(host.plugin("test.impostor")["state"], "running", "{}", host.log());
}

#[test]
fn entries_that_are_no_plugins() {
    check(
        "IMPOSTOR_FOUNDATION",
        &[
            "a library but no plugin",
            "made by another version of the ABI's foundation",
        ],
    );
    check(
        "IMPOSTOR_SILENT",
        &["a library but no plugin", "does not describe its types"],
    );
}

#[test]
fn layouts_that_differ_are_told_by_their_first_difference() {
    check(
        "IMPOSTOR_INTERFACE",
        &[
            "was built for another ABI",
            "is of type `PluginModule",
            " in this host and of type `GreeterModule",
        ],
    );
    check(
        "IMPOSTOR_ORDER",
        &[
            "was built for another ABI",
            "the type `",
            " has the field `unwinds` in this host and `api_version` in its place in the plugin",
        ],
    );
    check(
        "IMPOSTOR_METHOD",
        &[
            "was built for another ABI",
            "`create` of `",
            " takes (host) in this host and (host, workers) in the plugin",
        ],
    );
    check(
        "IMPOSTOR_FIELD",
        &[
            "was built for another ABI",
            "`kind` of `RawErrorParts`, reached by `create` of `",
            " is of type `u32` in this host and of type `u64` in the plugin",
        ],
    );
}

#[test]
fn entries_that_contradict_their_manifest() {
    check(
        "IMPOSTOR_API",
        &["was built with objectos-plugin-api 2.0.0, this host speaks"],
    );
    check("IMPOSTOR_ABORTS", &["a panic in it would end the host"]);
}

/// What a socket of the impostor comes to: the reason it is closed with, and whether it had said anything before.
fn socket_of(host: &Host) -> (String, bool) {
    let mut client = connect(host, "/api/v1/impostor/socket").unwrap();
    let mut said = false;
    loop {
        match client.read().unwrap() {
            Message::Text(text) => {
                said |= text.as_str() == "well";
                client.send(Message::text("hello")).unwrap();
            }
            Message::Close(Some(CloseFrame { code, reason })) => {
                assert_eq!(u16::from(code), 1011, "{reason}");
                return (reason.as_str().to_owned(), said);
            }
            _ => {}
        }
    }
}

/// A host with the impostor as one of another age: it runs, answers, and `streams` says whether its pieces come through, and
/// what is said by its sockets and to them.
fn check_age(entry: &str, streams: bool) {
    let builder = HostBuilder::new().example("crm").environment("OBJECTOS_WATCH", "false");
    let library = plugins::install(&builder.plugins(), "impostor", "impostor.so");
    plugins::choose_entry(&library, entry);
    let mut host = builder.start();
    let mut client = host.client();
    let plugin = host.plugin("test.impostor");
    assert_eq!(plugin["state"], "running", "{entry}: {plugin:#}");
    for generation in [1, 2] {
        assert_eq!(client.get("/api/v1/impostor").expect(200), "well", "{entry}");
        let pieces = host.client().request("GET", "/api/v1/impostor/pieces", &[], b"");
        let whole = pieces.is_ok_and(|answer| answer.status == 200 && answer.body == b"piece 0;piece 1;piece 2;");
        assert_eq!(whole, streams, "{entry}");
        let (reason, said) = socket_of(&host);
        assert_eq!(reason == "it heard hello", streams, "{entry}: {reason}");
        assert!(said || !streams, "{entry}");
        client.get("/api/v1/data/account?top=1").expect(200);
        assert_eq!(host.plugin("test.impostor")["generation"], generation, "{entry}");
        client
            .send("POST", "/api/v1/plugins/test.impostor/swap", &serde_json::json!({}))
            .expect(200);
    }
    assert_eq!(host.terminate(), Some(0), "{}", host.log());
}

#[test]
fn a_plugin_of_an_older_age_runs_and_lacks_what_came_later() {
    check_age("IMPOSTOR_OLDER", false);
}

#[test]
fn a_plugin_of_a_newer_age_runs_and_what_this_host_lacks_has_its_default() {
    check_age("IMPOSTOR_NEWER", true);
}
