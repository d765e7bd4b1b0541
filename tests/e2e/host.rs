//! The host's own surface: bad input gets one clear message with place and remedy, and the documented exit code.

use objectos_tests::{
    HostBuilder,
    plugins::{built, repository},
};
use std::{
    net::TcpListener,
    process::Command,
    time::{Duration, Instant},
};

fn check(arguments: &[&str], file: Option<&str>, code: i32, expected: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("plugins")).expect("a plugin folder");
    if let Some(text) = file {
        std::fs::write(folder.path().join("objectos.yml"), text).expect("a configuration");
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
    let left: Vec<_> = std::fs::read_dir(builder.folder())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(left, ["plugins"], "{text}");
}

#[test]
fn a_broken_app_names_file_line_and_spelling() {
    let app = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(
        app.path().join("objectos.app.yml"),
        "id: x\nversion: 1.0.0\nname: X\nnamespace: xx\n",
    )
    .expect("a file");
    let object = "name: thing\nfields:\n  title:\n    type: txt\n";
    std::fs::write(app.path().join("thing.object.yml"), object).expect("a file");
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
fn sigterm_ends_in_order() {
    let mut host = HostBuilder::new().start();
    assert_eq!(host.terminate(), Some(0), "{}", host.log());
}
