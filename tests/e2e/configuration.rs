//! What is wrong with a configuration is told with its place, the key and what to do, whoever finds it: the host, the kernel, or
//! the schema of a plugin. And what of it ends the host.

use objectos_tests::{HostBuilder, plugins::built};
use serde_json::json;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

/// Runs the host in a folder with these variables and no others; exit code and everything it said.
fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = Command::new(built().join("objectos-host"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .expect("objectos-host can be started");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.code(), text)
}

/// One mistake.
struct Case {
    file: &'static str,
    variables: &'static [(&'static str, &'static str)],
    code: i32,
    parts: &'static [&'static str],
}

const NOTHING: Case = Case {
    file: "",
    variables: &[],
    code: 3,
    parts: &[],
};

/// Mistakes that a look at the configuration finds as well as a start.
const FOUND_BY_ALL: [Case; 16] = [
    Case {
        file: "host:\n  mode: developmnt\n",
        parts: &["mode (objectos.yml:2)", "did you mean development"],
        ..NOTHING
    },
    Case {
        file: "host:\n\n  listen: '3000'\n",
        parts: &["listen (objectos.yml:3)", "write an address and a port"],
        ..NOTHING
    },
    Case {
        file: "host: { logLevel: 'objectos.data=loud' }\n",
        parts: &["log-level (objectos.yml:1)", "write a filter such as"],
        ..NOTHING
    },
    Case {
        variables: &[("OBJECTOS_MODE", "prod")],
        parts: &[
            "mode (environment OBJECTOS_MODE)",
            "write one of development, production",
        ],
        ..NOTHING
    },
    Case {
        variables: &[("OBJECTOS_SET", "nonsense")],
        parts: &["OBJECTOS_SET nonsense", "PLUGIN:KEY=VALUE"],
        ..NOTHING
    },
    Case {
        variables: &[("OBJECTOS_CONFIG", "nowhere.yml")],
        code: 4,
        parts: &["nowhere.yml", "check OBJECTOS_CONFIG"],
        ..NOTHING
    },
    // An empty variable is none: the file of the folder is read.
    Case {
        file: "host:\n  mode: x\n",
        variables: &[("OBJECTOS_CONFIG", "")],
        parts: &["mode (objectos.yml:2)"],
        ..NOTHING
    },
    Case {
        file: "trust: {}\ngrants: { x: 3 }\n",
        parts: &[
            "objectos.yml:2: grants.x: ",
            "expected keys and values",
            "allow: [service:use:data]",
        ],
        ..NOTHING
    },
    Case {
        file: "grants: 3\n",
        parts: &["objectos.yml:1: grants: ", "expected keys and values"],
        ..NOTHING
    },
    Case {
        file: "grants:\n  com.example.a:\n    allow:\n      - service:use:data\n      - network:conect:x\n",
        parts: &[
            "objectos.yml:5: grants.com.example.a.allow[1]: ",
            "did you mean `network:connect`",
        ],
        ..NOTHING
    },
    Case {
        variables: &[("OBJECTOS_GRANTS", "{ com.example.a: { deny: [nonsense] } }")],
        parts: &["OBJECTOS_GRANTS: grants.com.example.a.deny[0]: ", "use one of"],
        ..NOTHING
    },
    Case {
        file: "trust:\n  keys:\n    - { name: release, publicKey: x, level: trustd }\n",
        parts: &["objectos.yml:3: trust.keys[0]", "write keys, levels and blocked files"],
        ..NOTHING
    },
    Case {
        file: "threads:\n  a.b: { max: 0 }\n",
        parts: &["objectos.yml:2: threads.a.b.max: ", "write a number of threads"],
        ..NOTHING
    },
    Case {
        file: "features:\n  fast: 3\n",
        parts: &["objectos.yml:2: features.fast: ", "boolean", "write true or false"],
        ..NOTHING
    },
    Case {
        file: "events:\n  queue:\n    concurrency: 0\n",
        parts: &["objectos.yml:3: events.queue.concurrency: "],
        ..NOTHING
    },
    Case {
        variables: &[("OBJECTOS_EVENTS", "{ queue: { concurrency: 0 } }")],
        parts: &["OBJECTOS_EVENTS: events.queue.concurrency: "],
        ..NOTHING
    },
];

/// Mistakes that only a start minds.
const FOUND_AT_A_START: [Case; 3] = [
    Case {
        file: "host:\n  apps:\n    - nowhere\n",
        code: 4,
        parts: &["(objectos.yml:3)", "nowhere", "objectos.app.yml"],
        ..NOTHING
    },
    Case {
        file: "host:\n  plugins: nowhere\n",
        code: 4,
        parts: &["(objectos.yml:2)", "nowhere", "--plugins"],
        ..NOTHING
    },
    Case {
        variables: &[("OBJECTOS_APP", "nowhere")],
        code: 4,
        parts: &["(environment OBJECTOS_APP)", "objectos.app.yml"],
        ..NOTHING
    },
];

fn check(case: &Case, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("plugins")).expect("a plugin folder");
    if !case.file.is_empty() {
        fs::write(folder.path().join("objectos.yml"), case.file).expect("a configuration");
    }
    let (code, text) = run(folder.path(), arguments, case.variables);
    let told = format!("{:?} {:?} {arguments:?}:\n{text}", case.file, case.variables);
    assert_eq!(code, Some(case.code), "{told}");
    for part in case.parts {
        assert!(text.contains(part), "{part:?} is not in {told}");
    }
    text
}

#[test]
fn mistakes_are_told_with_place_key_and_remedy() {
    for case in &FOUND_BY_ALL {
        let (started, looked) = (check(case, &[]), check(case, &["--print-config"]));
        assert_eq!(started, looked, "a look says what a start says");
    }
    for case in &FOUND_AT_A_START {
        check(case, &[]);
    }
}

#[test]
fn the_file_that_was_named_is_the_one_that_is_told_of() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("other.yml"), "host:\n  mode: x\n").expect("a configuration");
    let (code, text) = run(folder.path(), &["--config", "other.yml"], &[]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("mode (other.yml:2)"), "{text}");
}

#[test]
fn a_wrong_key_of_a_plugin_that_is_needed_ends_the_host() {
    for (plugin, key, meant) in [
        ("objectos.data", "databse", "database"),
        ("objectos.server", "rateLimt", "rateLimit"),
        ("objectos.auth", "guest", "guests"),
        ("objectos.permissions", "defaultSet", "defaultSets"),
    ] {
        let mut host = HostBuilder::new()
            .plugin("auth")
            .plugin("permissions")
            .config(&format!("plugins:\n  {plugin}:\n    {key}: {{}}\n"))
            .spawn();
        assert_eq!(host.wait(), Some(3), "{plugin}: {}", host.log());
        assert_eq!(host.said(), "", "{plugin}");
        let log = host.log();
        let error = log.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        for part in [
            format!("{plugin}: the configuration is not valid: {key}: "),
            format!("did you mean `{meant}`?"),
            format!("correct `plugins.{plugin}.{key}` ("),
            "objectos.yml:3)".to_owned(),
        ] {
            assert!(error.contains(&part), "{part:?} is not in:\n{log}");
        }
    }
}

#[test]
fn a_wrong_value_is_told_with_the_flag_or_variable_that_set_it() {
    let builder = || HostBuilder::new().config("plugins: { objectos.data: { database: { poolSize: 5 } } }\n");
    let key = "objectos.data:database.poolSise=7";
    for (builder, place) in [
        (builder().arguments(&["--set", key]), "(flag --set)"),
        (builder().environment("OBJECTOS_SET", key), "(environment OBJECTOS_SET)"),
    ] {
        let mut host = builder.spawn();
        assert_eq!(host.wait(), Some(3), "{}", host.log());
        let told = format!("correct `plugins.objectos.data.database.poolSise` {place}");
        assert!(host.log().contains(&told), "{told} is not in:\n{}", host.log());
    }
}

#[test]
fn a_command_says_that_its_plugin_is_misconfigured() {
    let builder = HostBuilder::new().config("plugins:\n  objectos.data: { databse: {} }\n");
    let arguments = [
        "--plugins",
        "plugins",
        "--data",
        "data",
        "--config",
        "objectos.yml",
        "migrate",
        "status",
    ];
    let (code, text) = run(builder.folder(), &arguments, &[]);
    assert_eq!(code, Some(3), "{text}");
    assert!(
        text.contains("correct `plugins.objectos.data.databse` (objectos.yml:2)"),
        "{text}"
    );
}

#[test]
fn a_refused_plugin_is_seen_by_whoever_asks_how_the_host_does() {
    let denied =
        |plugin: &str| format!("grants: {{ {plugin}: {{ deny: [service:use:data] }}, '*': {{ allow: ['*'] }} }}\n");
    for (name, config) in [
        ("audit", "plugins: { objectos.audit: { nonsense: 1 } }\n".to_owned()),
        ("auth", denied("objectos.auth")),
        ("permissions", denied("objectos.permissions")),
    ] {
        let host = HostBuilder::new().plugin(name).config(&config).start();
        let failed = json!([{ "id": format!("objectos.{name}"), "state": "failed" }]);
        let ready = host.client().get("/ready").expect(200);
        assert_eq!(ready["data"]["failed"], failed, "{ready}");
        let health = host.client().get("/health").expect(200);
        assert_eq!(health["data"]["status"], "unhealthy", "{health}");
    }
    // And without a refusal all is well.
    let host = HostBuilder::new().start();
    let ready = host.client().get("/ready").expect(200);
    assert!(ready["data"]["failed"].is_null(), "{ready}");
    assert_ne!(host.client().get("/health").expect(200)["data"]["status"], "unhealthy");
}

/// Standard output of which nobody reads a word.
fn nobody_listens() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer
}

#[test]
fn nothing_fails_because_nobody_reads_what_is_said() {
    let builder = HostBuilder::new();
    for arguments in [
        vec!["--print-config"],
        vec!["plugins", "list"],
        vec!["plugins", "inspect", "plugins/data.so"],
    ] {
        let output = Command::new(built().join("objectos-host"))
            .args(&arguments)
            .current_dir(builder.folder())
            .env_clear()
            .stdout(nobody_listens())
            .output()
            .expect("objectos-host can be started");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {text}");
        assert!(!text.contains("panicked"), "{arguments:?}: {text}");
    }
}

#[test]
fn a_host_whose_word_that_it_is_ready_nobody_reads_serves_all_the_same() {
    let builder = HostBuilder::new();
    let mut host = Command::new(built().join("objectos-host"))
        .args([
            "--plugins",
            "plugins",
            "--data",
            "data",
            "--listen",
            "127.0.0.1:0",
            "--log-format",
            "json",
        ])
        .current_dir(builder.folder())
        .stdout(nobody_listens())
        .stderr(Stdio::piped())
        .spawn()
        .expect("objectos-host can be started");
    let mut log = BufReader::new(host.stderr.take().expect("stderr is piped")).lines();
    // The last line of the report; what comes after it is the word on standard output.
    let reported = log
        .by_ref()
        .map_while(Result::ok)
        .any(|line| line.contains(r#""plugin":"objectos.server""#));
    assert!(reported, "no report of the start");
    let socket = builder.folder().join("data/control.sock");
    let listed = run(builder.folder(), &["--data", "data", "plugins", "list"], &[]);
    assert!(socket.exists() && listed.0 == Some(0), "{}", listed.1);
    let ended = Command::new("kill")
        .args(["-TERM", &host.id().to_string()])
        .status()
        .expect("kill");
    assert!(ended.success());
    let rest: Vec<String> = log.map_while(Result::ok).collect();
    let code = host.wait().expect("the host ends").code();
    assert_eq!(code, Some(0), "{rest:#?}");
    assert!(rest.iter().any(|line| line.contains("stopping")), "{rest:#?}");
}
