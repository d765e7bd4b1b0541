//! The zoo: plugins that are broken in every way we know. The host keeps serving and states the right reason for each.

use objectos_tests::{Client, Host, HostBuilder, plugins};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    time::{Duration, Instant},
};

fn serves(client: &mut Client) {
    client.get("/health").expect(200);
    client.get("/api/v1/data/account?top=1").expect(200);
}

/// What the report says of all files that are refused.
fn refused(host: &Host) -> Vec<Value> {
    let report = host.client().get("/api/v1/plugins").expect(200);
    let report = report.get("data").unwrap_or(&report);
    report["refused"].as_array().expect("a list").clone()
}

/// A host with files in its plugin folder that `make` breaks: one of them is refused, by this code, and its reason holds every
/// one of `expected`.
fn check_file(make: impl FnOnce(&Path), (file, code): (&str, &str), expected: &[&str]) {
    let builder = HostBuilder::new().example("crm");
    make(&builder.plugins());
    let host = builder.start();
    serves(&mut host.client());
    let refused = refused(&host);
    assert_eq!(refused.len(), 1, "{file}: {refused:#?}");
    check_refusal(&refused[0], (file, code), expected);
}

/// File, code and parts of the reason of one refusal.
fn check_refusal(refusal: &Value, (file, code): (&str, &str), expected: &[&str]) {
    let path = refusal["path"].as_str().expect("a path");
    assert!(path.ends_with(file), "{file}: {refusal:#}");
    assert_eq!(refusal["code"], code, "{file}: {refusal:#}");
    let reason = refusal["reason"].as_str().expect("a reason");
    for part in expected {
        assert!(reason.contains(part), "{file}: {part:?} is not in: {reason}");
    }
    let remedy = refusal["remedy"].as_str().unwrap_or_default();
    assert!(!remedy.is_empty(), "{file} has no remedy: {refusal:#}");
}

fn misfit(folder: &Path) -> std::path::PathBuf {
    plugins::install(folder, "misfit", "misfit.so")
}

#[test]
fn files_that_are_no_plugins() {
    let write = |name: &'static str, bytes: &'static [u8]| {
        move |folder: &Path| fs::write(folder.join(name), bytes).expect("a file")
    };
    let text = write(
        "text.so",
        b"this is no library, and long enough to have the head of one in it, had it one at all",
    );
    check_file(text, ("text.so", "not-elf"), &["not an ELF file"]);
    check_file(write("empty.so", b""), ("empty.so", "empty"), &["the file is empty"]);
    let truncated = |folder: &Path| {
        let path = misfit(folder);
        let bytes = fs::read(&path).expect("bytes");
        fs::write(&path, &bytes[..bytes.len() / 3]).expect("a file");
    };
    check_file(truncated, ("misfit.so", "truncated"), &["the file is cut off"]);
}

#[test]
fn files_that_must_not_be_trusted() {
    let writable = |folder: &Path| {
        let path = misfit(folder);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("permissions");
    };
    let reason = ["can be written by every user of this machine (mode 777)"];
    check_file(writable, ("misfit.so", "writable-by-others"), &reason);
    let outside = tempfile::tempdir().expect("a folder");
    let goal = plugins::install(outside.path(), "misfit", "misfit.so");
    check_file(
        |folder| symlink(&goal, folder.join("link.so")).expect("a link"),
        ("link.so", "outside-folder"),
        &["a symlink that leads out of the plugin folder"],
    );
    let twice = |folder: &Path| {
        misfit(folder);
        plugins::install(folder, "misfit", "other.so");
    };
    check_file(
        twice,
        ("other.so", "duplicate-id"),
        &["the id `test.misfit` is already taken by", "misfit.so"],
    );
}

#[test]
fn manifests_that_do_not_fit() {
    let edited = |change: fn(&mut Value)| move |folder: &Path| plugins::edit_manifest(&misfit(folder), change);
    fn without_description(document: &mut Value) {
        document["manifest"]["description"] = json!("");
    }
    check_file(
        edited(|document| {
            without_description(document);
            document["objectos"]["nonsense"] = json!(1);
        }),
        ("misfit.so", "manifest-invalid"),
        &["objectos.nonsense"],
    );
    check_file(
        edited(|document| {
            without_description(document);
            document["objectos"]["api"] = json!("^2.0");
        }),
        ("misfit.so", "api-range"),
        &["wants plugin API ^2.0, this host offers"],
    );
    check_file(
        edited(|document| {
            without_description(document);
            document["build"]["target"] = json!("aarch64-unknown-linux-gnu");
        }),
        ("misfit.so", "other-target"),
        &["built for another target: aarch64-unknown-linux-gnu"],
    );
    check_file(
        edited(|document| {
            without_description(document);
            document["manifest"]["dependencies"] = json!({"test.absent": "^1.0.0"});
        }),
        ("misfit.so", "plugin-missing"),
        &["needs plugin `test.absent` ^1.0.0, which is not here"],
    );
    check_file(
        edited(|document| {
            without_description(document);
            document["manifest"]["dependencies"] = json!({"objectos.data": "^9.0.0"});
        }),
        ("misfit.so", "plugin-range"),
        &["needs plugin `objectos.data` ^9.0.0, present is"],
    );
    check_file(
        edited(|document| {
            without_description(document);
            document["objectos"]["routes"] = json!([{"method": "GET", "path": "/api/v1/data/{object}"}]);
        }),
        ("misfit.so", "route-taken"),
        &["route GET `/api/v1/data/{object}` belongs to `objectos.data`"],
    );
    check_file(
        edited(|document| {
            without_description(document);
            document["objectos"]["services"] = json!({"provides": [{"name": "data", "version": "1.0.0"}], "uses": []});
        }),
        ("misfit.so", "two-providers"),
        &["service `data` is also provided by `objectos.data`"],
    );
}

/// Makes a key and signs the library in the plugin folder with it; answers the public key as PEM.
fn sign(library: &Path, keys: &Path) -> String {
    let host = plugins::built().join("objectos-host");
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(&host)
            .current_dir(keys)
            .args(arguments)
            .output()
            .expect("objectos-host");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    run(&["plugins", "keygen", "zoo"]);
    run(&["plugins", "sign", &library.display().to_string(), "--key", "zoo.key"]);
    fs::read_to_string(keys.join("zoo.pub")).expect("a public key")
}

#[test]
fn signatures() {
    for (known, changed, code, expected) in [
        (false, false, "signer-unknown", "signed by the unknown key"),
        (
            true,
            true,
            "digest-mismatch",
            "the file is not the one that was signed: its SHA-256 is",
        ),
        (true, false, "", ""),
    ] {
        let keys = tempfile::tempdir().expect("a folder");
        let builder = HostBuilder::new().example("crm");
        let library = misfit(&builder.plugins());
        let pem = sign(&library, keys.path()).replace('\n', "\n        ");
        let trust =
            format!("trust:\n  keys:\n    - name: zoo\n      level: trusted\n      publicKey: |\n        {pem}\n");
        if changed {
            let mut bytes = fs::read(&library).expect("bytes");
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            plugins::put(&library, &bytes);
        }
        let host = if known {
            builder.config(&trust).start()
        } else {
            builder.start()
        };
        serves(&mut host.client());
        if expected.is_empty() {
            assert_eq!(host.plugin("test.misfit")["trust"], "trusted");
        } else {
            let refused = refused(&host);
            assert_eq!(refused.len(), 1, "{refused:#?}");
            check_refusal(&refused[0], ("misfit.so", code), &[expected]);
        }
    }
}

/// The misfit under another id: nothing of it meets the first one, and both need what `needed` says.
fn misfit_as(folder: &Path, id: &str, needed: &str) {
    let library = plugins::install(folder, "misfit", &format!("{id}.so"));
    plugins::edit_manifest(&library, |document| {
        document["manifest"]["id"] = json!(id);
        document["manifest"]["description"] = json!("");
        document["manifest"]["dependencies"] = json!({needed: "^1.0.0"});
        document["security"]["pluginId"] = json!(id);
        document["objectos"]["services"] = json!({"provides": [], "uses": []});
        document["objectos"]["routes"] = json!([]);
    });
}

/// A host with plugins in a circle: all of them are refused, and each for that.
fn check_circle(make: impl FnOnce(&Path), plugins: &[&str], expected: &str) {
    let builder = HostBuilder::new().example("crm");
    make(&builder.plugins());
    let host = builder.start();
    serves(&mut host.client());
    let refused = refused(&host);
    assert_eq!(refused.len(), plugins.len(), "{refused:#?}");
    for plugin in plugins {
        let of_plugin = |refusal: &&Value| refusal["plugin"] == *plugin;
        let refusal = refused.iter().find(of_plugin);
        let refusal = refusal.unwrap_or_else(|| panic!("{plugin} is not among {refused:#?}"));
        let parts = ["the plugins need each other in a circle: ", expected];
        check_refusal(refusal, (&format!("{plugin}.so"), "cycle"), &parts);
    }
}

#[test]
fn plugins_that_need_each_other_in_a_circle() {
    let two = |folder: &Path| {
        misfit_as(folder, "test.one", "test.two");
        misfit_as(folder, "test.two", "test.one");
    };
    check_circle(
        two,
        &["test.one", "test.two"],
        "in a circle: test.one -> test.two -> test.one",
    );
    let three = |folder: &Path| {
        misfit_as(folder, "test.one", "test.two");
        misfit_as(folder, "test.two", "test.three");
        misfit_as(folder, "test.three", "test.one");
    };
    check_circle(three, &["test.one", "test.two", "test.three"], "test.two -> test.three");
}

#[test]
fn capabilities_that_are_not_granted() {
    let everything_else = "objectos.data: { allow: ['*'] }, objectos.server: { allow: ['*'] }";
    let asked = "network:connect:smtp.example.com:587";
    for (rules, expected) in [
        (
            "{}".to_owned(),
            vec!["needs what the operator does not grant", asked, "to write to people"],
        ),
        (
            "{ allow: ['*'], deny: ['network:connect:*.example.com'] }".to_owned(),
            vec![
                "needs what the operator does not grant",
                asked,
                "denied by `network:connect:*.example.com`",
            ],
        ),
        (format!("{{ allow: ['{asked}'] }}"), vec![]),
    ] {
        let builder = HostBuilder::new().example("crm");
        plugins::edit_manifest(&misfit(&builder.plugins()), |document| {
            document["manifest"]["description"] = json!("");
            document["security"]["permissions"]["permissions"] = json!([{
                "id": "mail", "resource": "network.http", "actions": ["execute"], "scope": "plugin", "required": true,
                "description": "to write to people", "filter": {"resourceIds": ["smtp.example.com:587"]}
            }]);
        });
        let grants = format!("grants: {{ {everything_else}, test.misfit: {rules} }}\n");
        let host = builder.config(&grants).start();
        serves(&mut host.client());
        let refused = refused(&host);
        if expected.is_empty() {
            assert!(refused.is_empty(), "{rules}: {refused:#?}");
            assert_eq!(host.plugin("test.misfit")["state"], "running", "{rules}");
        } else {
            assert_eq!(refused.len(), 1, "{rules}: {refused:#?}");
            check_refusal(&refused[0], ("misfit.so", "not-granted"), &expected);
        }
    }
}

/// A host with the misfit behaving as named.
fn with(behaviour: &str) -> Host {
    HostBuilder::new()
        .plugin("misfit")
        .example("crm")
        .config(&format!("plugins: {{ test.misfit: {{ behaviour: {behaviour} }} }}\n"))
        .start()
}

#[test]
fn plugins_that_fail_to_start_cost_themselves_only() {
    let cases = [
        ("panic in init", "panicked in init"),
        ("hang in init", "init within 4000 ms"),
        ("error in init", "the misfit does not want to"),
        ("panic in register", "panicked in register"),
        ("panic in start", "panicked in start"),
        ("hang in start", "start within 4000 ms"),
        ("undeclared route", "/api/v1/surprise"),
        // From the gateway or the data engine, these would end the host.
        ("configuration error in init", "the misfit dislikes its configuration"),
        ("no address in start", "the misfit finds no address"),
    ];
    for (behaviour, expected) in cases {
        let host = with(behaviour);
        serves(&mut host.client());
        let plugin = host.plugin("test.misfit");
        let reason = plugin["reason"].as_str().unwrap_or_default();
        assert!(
            plugin["state"] == "failed" && reason.contains(expected),
            "{behaviour}: {expected:?} is not in:\n{plugin:#}"
        );
        // Its route is declared, so it is known and down.
        host.client().get("/api/v1/misfit/x").expect(503);
        let ready = host.client().get("/ready").expect(200);
        let failed = json!([{ "id": "test.misfit", "state": "failed" }]);
        assert_eq!(ready["data"]["failed"], failed, "{behaviour}: {ready}");
    }
}

#[test]
fn plugins_that_fail_in_a_call_cost_that_call_only() {
    let host = with("none");
    let mut client = host.client();
    let ask = |client: &mut Client, what: &str| client.get(&format!("/api/v1/misfit/{what}"));
    assert_eq!(ask(&mut client, "x").expect(200), "well");
    let panicked = ask(&mut client, "panic").expect(500);
    assert!(
        !panicked.to_string().contains("panicked in a route"),
        "the panic's text is not for the caller: {panicked}"
    );
    serves(&mut client);
    assert_eq!(ask(&mut client, "panic-in-task").expect(200), "the task panicked");
    let large = ask(&mut client, "large");
    assert_eq!((large.status, large.body.len()), (200, 64 << 20));
    assert_eq!(ask(&mut client, "reentrant").expect(200)["record"]["name"], "Reentrant");
    ask(&mut client, "undeclared-event").expect(403);
    ask(&mut client, "undeclared-service").expect(403);
    ask(&mut client, "logs").expect(200);
    // What it says stands in the host's log, as whoever reads logs by program wants it: whose it is and what.
    host.wait_for_log("noise");
    let log = host.log();
    let told = log
        .lines()
        .find(|line| line.contains("noise") && line.contains("count"));
    let told: Value = serde_json::from_str(told.unwrap_or_else(|| panic!("no line of it in:\n{log}"))).expect("JSON");
    assert!(told.to_string().contains("\"test.misfit\""), "{told}");
    assert_eq!(told["level"], "INFO", "{told}");
    // What says to be JSON and cannot be any is not sent; the operator reads whose it is.
    for what in ["no-text", "half-text", "blank"] {
        let refused = ask(&mut client, what).expect(500);
        assert_eq!(refused["success"], false, "{what}: {refused}");
    }
    host.wait_for_log("plugin test.misfit answered with content-type application/json what is no JSON");
    let refused = ask(&mut client, "events").expect(200);
    assert!(
        refused.as_u64() > Some(0),
        "a flood of events went through: {refused} refused"
    );
    assert!(refused.as_u64() < Some(100_000), "and some did: {refused} refused");
    serves(&mut client);
    assert!(host.log().lines().count() < 20_000, "a flood of log lines went through");
}

#[test]
fn an_answer_beyond_the_limit_is_not_sent() {
    let config = "plugins: { objectos.server: { limits: { answerBytesMax: 1048576 } } }\n";
    let host = HostBuilder::new()
        .plugin("misfit")
        .example("crm")
        .config(config)
        .start();
    let mut client = host.client();
    client.get("/api/v1/misfit/large").expect(500);
    host.wait_for_log("plugin test.misfit answered 67108864 bytes, more than the limit of 1048576");
    assert_eq!(client.get("/api/v1/misfit/x").expect(200), "well");
    serves(&mut client);
}

/// Whether a record can be made.
fn makes(client: &mut Client) -> u16 {
    client
        .send("POST", "/api/v1/data/account", &json!({ "name": "Made" }))
        .status
}

#[test]
fn what_a_guard_was_to_be_asked_about_is_refused_until_it_is_gone() {
    // It fails, is refused, or is denied the hook by the operator; then nobody misses it.
    let open = "plugins: { test.misfit: { behaviour: error in init } }\n";
    let broken = format!("{open}trust: {{ absentGuards: refuse }}\n");
    let denied = format!("{broken}grants: {{ '*': {{ allow: ['*'] }}, test.misfit: {{ deny: ['hook:handle'] }} }}\n");
    let cases = [
        (&broken, None, 503),
        (&broken, Some("test.absent"), 503),
        (&denied, None, 201),
    ];
    for (config, dependency, expected) in cases {
        // Without seeds: they would be refused, too.
        let builder = HostBuilder::new();
        let app = builder.folder().join("accounts");
        fs::create_dir(&app).expect("a folder");
        for (file, text) in [
            ("objectos.app.yml", "id: com.example.accounts\nversion: 1.0.0\n"),
            ("account.object.yml", "name: account\nfields:\n  name: { type: text }\n"),
        ] {
            fs::write(app.join(file), text).expect("a file");
        }
        let builder = builder.app(&app);
        let library = misfit(&builder.plugins());
        plugins::edit_manifest(&library, |document| {
            document["manifest"]["description"] = json!("");
            if let Some(dependency) = dependency {
                document["manifest"]["dependencies"] = json!({ dependency: "^1.0.0" });
            }
        });
        let host = builder.config(config).start();
        let mut client = host.client();
        assert_eq!(makes(&mut client), expected, "{config} {dependency:?}: {}", host.log());
        serves(&mut client);
        if expected == 503 {
            host.wait_for_log("data.before_insert");
            // The way out: without its file it is nobody's guard.
            fs::remove_file(&library).expect("the file");
            wait_for(&host, "record", || (makes(&mut client) == 201).then_some(()));
        }
    }
    // Unless the operator wants it so, a plugin that does not start costs its own function only.
    let builder = HostBuilder::new().example("crm");
    plugins::edit_manifest(&misfit(&builder.plugins()), |document| {
        document["manifest"]["description"] = json!("");
    });
    let host = builder.config(open).start();
    assert_eq!(makes(&mut host.client()), 201, "{}", host.log());
    host.wait_for_log("is done without it");
    // A manifest may say that it does without.
    let builder = HostBuilder::new().example("crm");
    plugins::edit_manifest(&misfit(&builder.plugins()), |document| {
        document["manifest"]["description"] = json!("");
        document["objectos"]["hooks"]["optional"] = json!(["data.before_insert"]);
    });
    let host = builder.config(&broken).start();
    assert_eq!(makes(&mut host.client()), 201, "{}", host.log());
}

#[test]
fn hooks_that_fail_refuse_the_operation_with_a_clear_error() {
    for (behaviour, status) in [
        ("panic in hook", 500),
        ("hang in hook", 500),
        ("nonsense from hook", 500),
    ] {
        let host = with(behaviour);
        let mut client = host.client();
        let refused = client.send("POST", "/api/v1/data/account", &json!({"name": "Hooked"}));
        assert!(
            refused.status >= status,
            "{behaviour}: {} {}",
            refused.status,
            String::from_utf8_lossy(&refused.body)
        );
        assert_eq!(refused.json()["success"], false);
        serves(&mut client);
        let found = client.get("/api/v1/data/account?name=Hooked").expect(200);
        assert_eq!(found["total"], 0, "{behaviour}: nothing half-applied");
    }
}

#[test]
fn a_service_that_is_declared_and_not_there_is_told() {
    let host = with("service missing");
    let mut client = host.client();
    serves(&mut client);
    let plugin = host.plugin("test.misfit");
    assert_eq!(plugin["state"], "running", "{plugin:#}");
    assert_eq!(
        plugin["warnings"],
        json!(["declares the service misfit and does not register it"])
    );
    assert_eq!(client.get("/api/v1/misfit/x").expect(200), "well");
}

#[test]
fn event_handlers_that_panic_end_in_a_dead_letter_and_stop_nobody() {
    let config = "plugins: { test.misfit: { behaviour: panic in event } }\n\
                  events: { queue: { retryPolicy: { maxRetries: 2, backoffStrategy: fixed, initialDelayMs: 10, maxDelayMs: 10 } } }\n";
    let host = HostBuilder::new()
        .plugin("misfit")
        .example("crm")
        .config(config)
        .start();
    let mut client = host.client();
    client
        .send("POST", "/api/v1/data/account", &json!({"name": "Startled"}))
        .expect(201);
    let begun = Instant::now();
    loop {
        let letters = client.get("/api/v1/events/dead-letters").expect(200).to_string();
        if letters.contains("Startled") {
            assert!(letters.contains("panicked in event"), "{letters}");
            break;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "no dead letter: {letters}\n{}",
            host.log()
        );
        serves(&mut client);
    }
    serves(&mut client);
}

#[test]
fn event_handlers_that_fail_end_in_a_dead_letter_and_stop_nobody() {
    let config = "plugins: { test.misfit: { behaviour: error in event } }\n\
                  events: { queue: { retryPolicy: { maxRetries: 2, backoffStrategy: fixed, initialDelayMs: 10, maxDelayMs: 10 } } }\n";
    let host = HostBuilder::new()
        .plugin("misfit")
        .plugin("recorder")
        .plugin("audit")
        .example("crm")
        .config(config)
        .start();
    let mut client = host.client();
    client
        .send("POST", "/api/v1/data/account", &json!({"name": "Lettered"}))
        .expect(201);
    let begun = Instant::now();
    let letter = loop {
        let letters = client.get("/api/v1/events/dead-letters").expect(200);
        let list = letters["data"].as_array().or(letters.as_array()).expect("a list");
        let lettered = list.iter().find(|letter| {
            let text = letter.to_string();
            text.contains("Lettered") && text.contains("the misfit never takes an event")
        });
        if let Some(letter) = lettered {
            break letter["id"].as_str().expect("an id").to_owned();
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "no dead letter: {letters}\n{}",
            host.log()
        );
    };
    serves(&mut client);
    // Another try fails as those before, and whoever asked for it stands in the trail.
    let path = format!("/api/v1/events/dead-letters/{letter}/retry");
    client.send("POST", &path, &json!({})).expect(500);
    let begun = Instant::now();
    loop {
        let filter = "/api/v1/audit/events?eventTypes=system.dead_letter_retried";
        let rows = client.get(filter).expect(200);
        if let Some(row) = rows["data"].as_array().and_then(|rows| rows.first()) {
            assert_eq!(
                (&row["result"], &row["target"]["id"]),
                (&json!("failure"), &json!(letter)),
                "{row}"
            );
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "no row: {}", host.log());
    }
}

/// Asks until the answer is there.
fn wait_for<T>(host: &Host, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "no {what} in time:\n{}",
            host.log()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Swaps a misfit for itself and waits for what is told of the old one's end: why its library was kept, empty if it was not.
fn swapped_and_retired(host: &Host, behaviour: &str) -> String {
    let mut client = host.client();
    let swapped = client.send("POST", "/api/v1/plugins/test.misfit/swap", &json!({}));
    assert_eq!(
        swapped.status,
        200,
        "{behaviour}: {}",
        String::from_utf8_lossy(&swapped.body)
    );
    assert_eq!(client.get("/api/v1/misfit/x").expect(200), "well");
    let last = wait_for(host, "end of the old version", || {
        let last = host.plugin("test.misfit")["lastSwap"].clone();
        last["unmapped"].is_boolean().then_some(last)
    });
    let kept = last["kept"].as_str().unwrap_or_default();
    assert_eq!(last["unmapped"] == json!(true), kept.is_empty(), "{behaviour}: {last}");
    kept.to_owned()
}

#[test]
fn plugins_that_do_not_let_go_are_left_behind_and_reported() {
    // With what the log says of it, and why the library is kept, where that is sure.
    let cases = [
        ("hang in stop", "a plugin did not stop as it should", None),
        ("panic in stop", "panicked in stop", None),
        ("panic in drop", "panicked as it was dropped: panicked in drop", None),
        (
            "thread that outlives stop",
            "the library of a plugin was kept in memory",
            Some("1 of its threads still run"),
        ),
    ];
    for (behaviour, logged, expected) in cases {
        let host = with(behaviour);
        let kept = swapped_and_retired(&host, behaviour);
        if let Some(expected) = expected {
            assert_eq!(kept, expected, "{behaviour}");
            let metrics = host.client().get("/api/v1/kernel/metrics").expect(200);
            let library = &metrics["data"]["kept"][0];
            assert!(
                library["reason"] == expected && library["bytes"].as_u64() > Some(0),
                "{metrics}"
            );
            assert_eq!(metrics["data"]["keptBytes"], library["bytes"]);
        }
        wait_for(&host, logged, || host.log().contains(logged).then_some(()));
        assert_eq!(host.client().get("/api/v1/misfit/x").expect(200), "well", "{behaviour}");
        serves(&mut host.client());
    }
}

#[test]
fn a_hanging_call_holds_nobody_else_up_and_the_host_still_stops() {
    let mut host = with("none");
    let address = host.address();
    let hanging = std::thread::spawn(move || {
        Client::new(address)
            .request("GET", "/api/v1/misfit/hang", &[], b"")
            .is_ok()
    });
    let mut client = host.client();
    for _ in 0..100 {
        serves(&mut client);
    }
    assert!(host.terminate().is_some(), "{}", host.log());
    hanging.join().expect("the hanging client ends");
}

#[test]
fn plugins_that_panic_where_a_swap_asks_them_cost_the_swap_only() {
    // With what a swap answers, where it is asked before the kernel starts the plugin anew by itself.
    for (behaviour, expected, refused) in [
        ("panic in suspend", "panicked in suspend", true),
        ("panic in resume", "panicked in resume", true),
        ("panic in health", "panicked in health", false),
        ("unhealthy", "the misfit is not well", true),
    ] {
        let mut host = with(behaviour);
        let mut client = host.client();
        let swapped = client.send("POST", "/api/v1/plugins/test.misfit/swap", &json!({}));
        let text = String::from_utf8_lossy(&swapped.body).into_owned();
        assert!(
            swapped.status >= 400 || !refused,
            "{behaviour}: {} {text}",
            swapped.status
        );
        host.wait_for_log(expected);
        serves(&mut client);
        if refused {
            wait_for(&host, "answer", || {
                (client.get("/api/v1/misfit/x").status == 200).then_some(())
            });
        }
        assert_eq!(host.terminate(), Some(0), "{behaviour}: {}", host.log());
    }
}
