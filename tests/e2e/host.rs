//! The host's own surface: bad input gets one clear message with place and remedy, and the documented exit code.

use objectos_tests::{
    Host, HostBuilder,
    plugins::{self, built, repository},
};
use serde_json::{Value, json};
use std::{
    fs,
    net::TcpListener,
    process::Command,
    time::{Duration, Instant},
};

fn check(arguments: &[&str], file: Option<&str>, code: i32, expected: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("plugins")).expect("a plugin folder");
    if let Some(text) = file {
        fs::write(folder.path().join("objectos.yml"), text).expect("a configuration");
    }
    let output = Command::new(built().join("objectos-host"))
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .output()
        .expect("objectos-host can be started");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    for part in expected {
        assert!(text.contains(part), "{arguments:?}: {part:?} is not in:\n{text}");
    }
}

#[test]
fn bad_flags() {
    check(&["--plugin", "x"], None, 2, &["--plugin", "--plugins"]);
    check(
        &["--mode", "developmnt"],
        None,
        3,
        &["--mode", "did you mean development"],
    );
    check(&["--listen", "3000"], None, 3, &["--listen", "127.0.0.1:3000"]);
    check(&["--set", "nonsense"], None, 3, &["PLUGIN:KEY=VALUE"]);
    check(&["nonsense"], None, 2, &["nonsense"]);
}

#[test]
fn bad_configuration_names_line_and_remedy() {
    check(
        &[],
        Some("host:\n  lisen: 127.0.0.1:1\n"),
        3,
        &["objectos.yml", "lisen", "did you mean listen", "2"],
    );
    check(&[], Some("host: [\n"), 3, &["objectos.yml"]);
    check(&[], Some("grants: { nonsense: 3 }\n"), 3, &["grants"]);
    check(&[], Some("features: { fast: 3 }\n"), 3, &["features.fast", "boolean"]);
    check(
        &[],
        Some("events: { queue: { concurrency: 0 } }\n"),
        3,
        &["concurrency"],
    );
}

#[test]
fn missing_folders_and_files() {
    check(&["--plugins", "nowhere"], None, 4, &["nowhere", "--plugins"]);
    check(&["--app", "nowhere"], None, 4, &["nowhere", "objectos.app.yml"]);
    check(&["--config", "nowhere.yml"], None, 4, &["nowhere.yml", "--config"]);
    check(&["plugins", "inspect", "nowhere.so"], None, 4, &["nowhere.so"]);
    check(&["plugins", "swap", "x.y"], None, 4, &["no host answers"]);
}

#[test]
fn an_address_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let mut host = HostBuilder::new().arguments(&["--listen", &address]).spawn();
    assert_eq!(host.wait(), Some(5), "{}", host.log());
    assert!(
        host.log().contains(&address) && host.log().contains("in use"),
        "{}",
        host.log()
    );
}

#[test]
fn a_host_that_nobody_can_reach_does_not_stay() {
    check(&[], None, 6, &["no plugin listens", "--plugins"]);
    let mut host = HostBuilder::empty().plugin("data").spawn();
    assert_eq!(host.wait(), Some(6), "{}", host.log());
    assert!(host.log().contains("no plugin listens"), "{}", host.log());
    // The gateway is there and may not start: the message says which plugin, and why.
    let grants = "grants: { objectos.server: { deny: [network:listen] }, '*': { allow: ['*'] } }\n";
    let mut host = HostBuilder::new().config(grants).spawn();
    assert_eq!(host.wait(), Some(6), "{}", host.log());
    let log = host.log();
    let told = log.lines().find(|line| line.contains("no plugin listens"));
    assert!(told.is_some_and(|line| line.contains("objectos.server")), "{log}");
}

#[test]
fn a_data_folder_is_for_one_host_at_a_time() {
    let mut first = HostBuilder::new().start();
    let data = first.folder().join("data").display().to_string();
    let mut second = HostBuilder::new().arguments(&["--data", &data]).spawn();
    assert_eq!(second.wait(), Some(3), "{}", second.log());
    let log = second.log();
    let owner = first.pid().to_string();
    for part in [data.as_str(), "another host", owner.as_str(), "--data"] {
        assert!(log.contains(part), "{part:?} is not in:\n{log}");
    }
    first.client().get("/health").expect(200);
    // Neither a stop nor a crash leaves anything in the way.
    first.restart();
    assert_eq!(first.terminate(), Some(0), "{}", first.log());
    first.restart_stopped();
    first.client().get("/health").expect(200);
}

#[test]
fn only_loopback_is_served_without_security_plugins() {
    let mut host = HostBuilder::new().arguments(&["--listen", "0.0.0.0:0"]).spawn();
    assert_eq!(host.wait(), Some(3), "{}", host.log());
    assert!(
        host.log().contains("listen on 127.0.0.1") && host.log().contains("`auth`"),
        "{}",
        host.log()
    );
}

#[test]
fn a_check_neither_listens_nor_writes() {
    let builder = HostBuilder::new().plugin("permissions");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = Command::new(built().join("objectos-host"))
        .args(["--plugins", "plugins", "--data", "data", "--listen", &address, "check"])
        .arg(repository().join("examples/crm"))
        .current_dir(builder.folder())
        .output()
        .expect("objectos-host can be started");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(!text.contains(&address), "{text}");
    let left: Vec<_> = fs::read_dir(builder.folder())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(left, ["plugins"], "{text}");
}

#[test]
fn a_broken_app_names_file_line_and_spelling() {
    let app = tempfile::tempdir().expect("a temporary folder");
    fs::write(
        app.path().join("objectos.app.yml"),
        "id: x\nversion: 1.0.0\nname: X\nnamespace: xx\n",
    )
    .expect("a file");
    let object = "name: thing\nfields:\n  title:\n    type: txt\n";
    fs::write(app.path().join("thing.object.yml"), object).expect("a file");
    let mut host = HostBuilder::new().app(app.path()).spawn();
    assert_eq!(host.wait(), Some(3), "{}", host.log());
    let log = host.log();
    assert!(
        log.contains("thing.object.yml") && log.contains("4") && log.contains("txt") && log.contains("text"),
        "{log}"
    );
}

#[test]
fn the_effective_configuration_shows_origins() {
    let file = "host: { listen: '127.0.0.1:1234', logLevel: warn }\nplugins: { a.b: { password: secret } }\n";
    check(
        &["--print-config", "--mode", "production"],
        Some(file),
        0,
        &[
            "127.0.0.1:1234",
            "file",
            "flag --mode",
            "default",
            "***",
            "off in production",
        ],
    );
}

#[test]
fn names_that_mean_nothing_here_are_warned_about() {
    let host = HostBuilder::new()
        .config("plugins: { objectos.dta: { x: 1 } }\n")
        .environment("OBJECTOS_LISTN", "127.0.0.1:1")
        .environment("OBJECTOS_FEATURES", "{ fast: true }")
        .start();
    let begun = Instant::now();
    for part in [
        "plugins.objectos.dta: there is no plugin objectos.dta; did you mean objectos.data",
        "nobody here reads OBJECTOS_LISTN; did you mean OBJECTOS_LISTEN",
    ] {
        // Told when the start is over, which a client may see a moment before.
        while !host.log().contains(part) {
            let late = begun.elapsed() > Duration::from_secs(20);
            assert!(!late, "{part:?} is not in:\n{}", host.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    let log = host.log();
    assert!(!log.contains("OBJECTOS_FEATURES"), "{log}");
}

#[test]
fn signals_end_in_order() {
    for signal in ["TERM", "INT", "QUIT"] {
        let mut host = HostBuilder::new().start();
        host.signal(signal);
        assert_eq!(host.wait(), Some(0), "{signal}: {}", host.log());
        host.wait_for_log("stopping");
    }
}

/// A host with a plugin that does not come to an end by itself, neither within its own limit nor within that of the host.
fn with_a_plugin_that_hangs_in_stop(stop_limit_ms: &str) -> Host {
    let builder = HostBuilder::new().config("plugins: { test.misfit: { behaviour: hang in stop } }\n");
    let library = plugins::install(&builder.plugins(), "misfit", "misfit.so");
    plugins::edit_manifest(&library, |document| {
        document["manifest"]["description"] = json!("");
        document["objectos"]["limits"]["stopMs"] = json!(100_000);
    });
    builder.environment("OBJECTOS_STOP_LIMIT_MS", stop_limit_ms).start()
}

#[test]
fn a_plugin_that_hangs_in_stop_holds_the_host_no_longer_than_its_limit() {
    let mut host = with_a_plugin_that_hangs_in_stop("2000");
    let begun = Instant::now();
    assert_eq!(host.terminate(), Some(0), "{}", host.log());
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(20), "it took {took:?}: {}", host.log());
    host.wait_for_log("a plugin did not stop within the limit");
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut host = with_a_plugin_that_hangs_in_stop("100000");
    host.signal("INT");
    host.wait_for_log("stopping");
    host.signal("INT");
    assert_eq!(host.wait(), Some(130), "{}", host.log());
}

#[test]
fn a_signal_during_the_start_ends_it_in_order() {
    let mut host = HostBuilder::new()
        .plugin("misfit")
        .config("plugins: { test.misfit: { behaviour: hang in init } }\n")
        .spawn();
    // Signals are listened for before the data folder is taken.
    let (lock, begun) = (host.folder().join("data/host.lock"), Instant::now());
    while !lock.exists() {
        assert!(begun.elapsed() < Duration::from_secs(20), "no start:\n{}", host.log());
        std::thread::sleep(Duration::from_millis(5));
    }
    host.signal("TERM");
    assert_eq!(host.said(), "", "the start is not over");
    assert_eq!(host.wait(), Some(0), "{}", host.log());
    assert!(host.log().contains("stopping"), "{}", host.log());
}

/// A host with a plugin that fails to start and a file that is no plugin.
fn with_failures(format: &str) -> Host {
    let builder = HostBuilder::new()
        .plugin("misfit")
        .config("plugins: { test.misfit: { behaviour: error in init } }\n")
        .arguments(&["--log-format", format]);
    fs::write(builder.plugins().join("text.so"), b"this is no library").expect("a file");
    builder.start()
}

#[test]
fn the_start_report_is_a_line_of_json_for_each_plugin() {
    let host = with_failures("json");
    host.wait_for_log("plugin refused");
    let log = host.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}")))
        .collect();
    let told = |id: &str| {
        let line = lines
            .iter()
            .find(|line| line["message"] == "plugin" && line["plugin"] == id);
        line.unwrap_or_else(|| panic!("no line of {id} in:\n{log}"))
    };
    for (id, state, reason) in [
        ("objectos.data", "running", ""),
        ("objectos.server", "running", ""),
        ("test.misfit", "failed", "the misfit does not want to"),
    ] {
        let line = told(id);
        assert_eq!(
            (&line["state"], &line["version"]),
            (&json!(state), &json!("1.0.0")),
            "{line}"
        );
        assert!(line["start_ms"].is_f64(), "{line}");
        assert!(
            line["reason"].as_str().is_some_and(|text| text.contains(reason)),
            "{line}"
        );
    }
    let refused = lines
        .iter()
        .find(|line| line["message"] == "plugin refused")
        .expect("a line");
    assert!(
        refused["path"].as_str().is_some_and(|path| path.ends_with("text.so")),
        "{refused}"
    );
    assert_eq!(
        (&refused["level"], &refused["reason"]),
        (&json!("WARN"), &json!("not an ELF file"))
    );
    assert!(
        refused["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()),
        "{refused}"
    );
}

/// The lines of the table, once its last one is there: that of the refused file.
fn table(host: &Host) -> Vec<String> {
    let head = ["plugin", "version", "state", "trust", "ms", "services", "routes"];
    let begun = Instant::now();
    loop {
        let log = host.log();
        let lines = log.lines().skip_while(|line| !line.split_whitespace().eq(head));
        let table: Vec<String> = lines.map(str::to_owned).collect();
        if table
            .iter()
            .any(|line| line.contains("text.so refused: not an ELF file"))
        {
            return table;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "no table in:\n{log}");
    }
}

#[test]
fn the_start_report_is_a_table_for_people() {
    let host = with_failures("human");
    let table = table(&host);
    for (id, state) in [
        ("objectos.data", "running"),
        ("objectos.server", "running"),
        ("test.misfit", "failed"),
    ] {
        let row = table.iter().position(|line| line.starts_with(id));
        let row = row.unwrap_or_else(|| panic!("no row of {id} in:\n{table:#?}"));
        let cells: Vec<&str> = table[row].split_whitespace().take(4).collect();
        assert_eq!(cells, [id, "1.0.0", state, "untrusted"]);
        if state == "failed" {
            let below = table.get(row + 1).cloned().unwrap_or_default();
            assert!(
                below.starts_with("    ") && below.contains("the misfit does not want to"),
                "{table:#?}"
            );
        }
    }
}
