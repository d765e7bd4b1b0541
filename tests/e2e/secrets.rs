//! Secrets of the configuration, planted, and looked for wherever a configuration is shown.

use objectos_tests::{HostBuilder, plugins};
use serde_json::json;
use std::{path::Path, process::Command};

/// Begins every secret.
const PLANTED: &str = "planted";

fn told(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(plugins::built().join("objectos-host"))
        .args(["--plugins", "plugins", "--data", "data"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("objectos-host can be started");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.code(), text)
}

#[test]
fn secrets_are_shown_by_no_door_and_in_no_log() {
    let config = json!({
        "plugins": {
            "objectos.data": {
                "database": { "url": "sqlite:planted-first.db" },
                "datasources": { "second": { "url": "sqlite:planted-second.db" } }
            },
            "objectos.notification": {
                "from": "a@example.com", "smtp": { "host": "127.0.0.1", "port": 1, "user": "somebody", "password": "planted-mail" }
            },
            // Nobody marked it, and it is not what it looks like either.
            "test.misfit": { "behaviour": "none of https://somebody:planted-in-address@example.com/?token=planted-token" }
        },
        "events": { "webhooks": [{
            "eventPattern": "job.*", "url": "https://hooks.example.com/planted-path", "headers": { "x-key": "planted-header" },
            "authentication": { "type": "none", "credentials": { "secret": "planted-signature" } }
        }] }
    });
    let host = HostBuilder::new()
        .plugin("notification")
        .plugin("misfit")
        .config(&config.to_string())
        .start();
    let (code, listed) = told(host.folder(), &["plugins", "list", "--json"]);
    assert_eq!(code, Some(0), "{listed}");
    let (code, printed) = told(host.folder(), &["--config", "objectos.yml", "--print-config"]);
    assert_eq!(code, Some(0), "{printed}");
    // The service `kernel` answers the same bytes that this route passes on.
    let report = host.client().get("/api/v1/plugins").expect(200).to_string();
    for (door, text) in [
        ("plugins list", &listed),
        ("--print-config", &printed),
        ("/plugins", &report),
    ] {
        assert!(!text.contains(PLANTED), "{door}:\n{text}");
        assert!(text.contains("***") && text.contains("somebody"), "{door}:\n{text}");
        assert!(text.contains("https://***@example.com/?token=***"), "{door}:\n{text}");
    }
    assert!(printed.contains("https://hooks.example.com/***"), "{printed}");
    // The names of database files are no secret in the log; the rest is.
    for secret in [
        "planted-mail",
        "planted-in",
        "planted-to",
        "planted-p",
        "planted-h",
        "planted-si",
    ] {
        assert!(!host.log().contains(secret), "{secret}:\n{}", host.log());
    }
}

#[test]
fn the_printed_configuration_says_what_is_wrong() {
    let builder = HostBuilder::new().plugin("notification").config(
        "plugins: { objectos.notification: { smtp: { password: planted-mail } } }\n\
         events: { queue: { concurrency: 7 } }\n",
    );
    std::fs::write(builder.plugins().join("text.so"), b"this is no library").expect("a file");
    let print = ["--config", "objectos.yml", "--print-config"];
    let (code, printed) = told(builder.folder(), &print);
    assert_eq!(code, Some(0), "{printed}");
    let line = |name: &str| {
        let found = printed.lines().find(|line| line.split(' ').next() == Some(name));
        found.unwrap_or_else(|| panic!("no {name} in:\n{printed}")).to_owned()
    };
    for (name, parts) in [
        ("plugins.objectos.notification", ["refused: ", "smtp.host"]),
        ("plugins.objectos.notification.smtp.password", ["***", "file"]),
        ("plugins/text.so", ["refused: ", "not an ELF file"]),
        ("plugins.objectos.server.limits.bodyBytesMax", ["1048576", "default"]),
        ("events.queue.concurrency", ["7", "file"]),
        ("events.queue.retryPolicy.maxRetries", ["3", "default"]),
        ("events.persistence.retention", ["7", "default"]),
    ] {
        let line = line(name);
        assert!(parts.iter().all(|part| line.contains(part)), "{name}: {line}");
    }
    assert!(!printed.contains(PLANTED), "{printed}");
    for (broken, expected) in [
        ("grants: { objectos.data: { allow: [nonsense] } }\n", "nonsense"),
        ("trust: { keys: [{ name: a }] }\n", "trust.keys"),
        ("events: { realtime: { eventPattern: 'data*' } }\n", "realtime"),
    ] {
        std::fs::write(builder.folder().join("objectos.yml"), broken).expect("a configuration");
        let (code, printed) = told(builder.folder(), &print);
        assert_eq!(code, Some(3), "{broken}: {printed}");
        assert!(printed.contains(expected), "{broken}: {printed}");
    }
    assert!(!builder.folder().join("data").exists(), "whoever asks writes nothing");
}
