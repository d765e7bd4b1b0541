//! `objectos-host plugins …`: what an operator asks about files and of a running host, and what is answered.

use objectos_tests::{HostBuilder, plugins};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write},
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    },
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// What a command answered.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    error: String,
}

impl Said {
    #[track_caller]
    fn expect(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for part in parts {
            assert!(
                self.out.contains(part),
                "{part:?} is not in:\n{}\n{}",
                self.out,
                self.error
            );
        }
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }
}

fn run(folder: &Path, arguments: &[&str]) -> Said {
    let output = Command::new(plugins::built().join("objectos-host"))
        .arg("plugins")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .expect("objectos-host can be started");
    Said {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        error: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A folder with the misfit and a file that is no library in `plugins`.
fn shelf() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plugin_folder = folder.path().join("plugins");
    plugins::install(&plugin_folder, "misfit", "misfit.so");
    fs::write(plugin_folder.join("text.so"), b"this is no library").expect("a file");
    folder
}

#[test]
fn list_tells_of_the_files_where_no_host_runs() {
    let shelf = shelf();
    run(shelf.path(), &["list"]).expect(
        0,
        &[
            "no host is running with this data folder",
            "loadable: `test.misfit` 1.0.0 (",
            "misfit.so) (level 1)",
            "refused: ",
            "text.so: not an ELF file",
            "to do: build the plugin again",
        ],
    );
    let listed = run(shelf.path(), &["list", "--json"]);
    listed.expect(0, &[]);
    let listed = listed.json();
    let found = &listed["plugins"][0];
    assert_eq!(
        (&found["id"], &found["version"], &found["state"], &found["trust"]),
        (
            &json!("test.misfit"),
            &json!("1.0.0"),
            &json!("loadable"),
            &json!("untrusted")
        ),
        "{listed:#}"
    );
    let refused = listed["refused"].as_array().expect("a list");
    assert_eq!(refused.len(), 1, "{listed:#}");
    assert_eq!(refused[0]["reason"], "not an ELF file");
    // Whoever looks leaves nothing behind.
    run(shelf.path(), &["verify", "plugins/misfit.so"]).expect(0, &[]);
    assert!(!shelf.path().join(".objectos").exists());
    // A socket that a host left behind is none; a host that talks nonsense is one.
    let data = shelf.path().join("left");
    fs::create_dir(&data).expect("a folder");
    drop(UnixListener::bind(data.join("control.sock")).expect("a socket"));
    run(shelf.path(), &["list", "--data", "left"]).expect(0, &["no host is running"]);
    fs::remove_file(data.join("control.sock")).expect("a socket");
    let socket = UnixListener::bind(data.join("control.sock")).expect("a socket");
    let answering = thread::spawn(move || {
        let (mut asker, _) = socket.accept().expect("somebody asks");
        BufReader::new(&asker)
            .read_line(&mut String::new())
            .expect("a question");
        asker.write_all(b"nonsense\n").expect("an answer");
    });
    let said = run(shelf.path(), &["list", "--data", "left"]);
    assert_eq!(said.code, Some(70), "{said:?}");
    assert!(said.error.contains("answer cannot be read"), "{said:?}");
    answering.join().expect("the socket");
}

#[test]
fn list_tells_of_the_running_host() {
    let builder = HostBuilder::new().plugin("misfit");
    fs::write(builder.plugins().join("text.so"), b"this is no library").expect("a file");
    let host = builder
        .config("plugins: { test.misfit: { behaviour: error in init } }\n")
        .start();
    // Its first word may come after the start.
    let begun = Instant::now();
    while host.plugin("objectos.server")["health"]["status"] != "healthy" {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", host.log());
    }
    let listed = run(host.folder(), &["list", "--data", "data"]);
    listed.expect(0, &["ID ", "STATE", "text.so", "refused", "not an ELF file"]);
    let head: Vec<&str> = listed
        .out
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let columns = [
        "ID", "VERSION", "STATE", "HEALTH", "TRUST", "HASH", "GRANTS", "START", "MS", "PATH", "REASON",
    ];
    assert_eq!(head, columns);
    let server = host.plugin("objectos.server");
    let shown = listed
        .out
        .lines()
        .find(|line| line.starts_with("objectos.server"))
        .expect("a line");
    let cells: Vec<&str> = shown.split_whitespace().collect();
    assert_eq!((cells[2], cells[3]), ("running", "healthy"), "{shown}");
    assert_eq!(cells[5], &server["sha256"].as_str().expect("a hash")[..12]);
    assert_eq!(
        cells[6],
        server["grants"]["granted"].as_array().map_or(0, Vec::len).to_string()
    );
    assert!(cells[8].ends_with("plugins/server.so"), "{shown}");
    for (id, state, reason) in [
        ("objectos.data", "running", ""),
        ("objectos.server", "running", ""),
        ("test.misfit", "failed", "the misfit does not want to"),
    ] {
        let line = listed.out.lines().find(|line| line.starts_with(id)).unwrap_or_default();
        assert!(line.contains(state) && line.contains(reason), "{id}:\n{}", listed.out);
    }
    let listed = run(host.folder(), &["list", "--data", "data", "--json"]).json();
    let ids: Vec<&str> = listed["plugins"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|plugin| plugin["id"].as_str())
        .collect();
    assert_eq!(ids, ["objectos.data", "objectos.server", "test.misfit"]);
}

#[test]
fn inspect_shows_what_a_plugin_says_of_itself() {
    let shelf = shelf();
    run(shelf.path(), &["inspect", "plugins/misfit.so"]).expect(
        0,
        &[
            "test.misfit 1.0.0 (Misfit)",
            "plugins/misfit.so (",
            "sha256      ",
            "api         ^1.0",
            "built       by rustc ",
            "provides    misfit 1.0.0",
            "uses        data ^1",
            "handles     hook data.before_insert",
            "listens     data.record.created",
            "publishes   misfit.noise",
            "routes      GET /api/v1/misfit/{what}",
        ],
    );
    let shown = run(shelf.path(), &["inspect", "plugins/misfit.so", "--json"]);
    shown.expect(0, &[]);
    let shown = shown.json();
    assert_eq!(shown["document"]["manifest"]["id"], "test.misfit");
    assert_eq!(
        shown["exports"].as_array().map(Vec::len),
        Some(1),
        "{}",
        shown["exports"]
    );
    run(shelf.path(), &["inspect", "plugins/text.so"]).expect(1, &["refused: ", "not an ELF file"]);
    // What it says and nothing comes of.
    let shown = run(shelf.path(), &["inspect", "plugins/misfit.so"]);
    assert!(!shown.out.contains("no effect"), "{}", shown.out);
    plugins::edit_manifest(&shelf.path().join("plugins/misfit.so"), |document| {
        document["manifest"]["description"] = json!("");
        document["manifest"]["datasources"] = json!(["other"]);
        document["security"]["sandbox"] = json!({ "level": "strict" });
    });
    let told = "no effect   manifest.datasources, security.sandbox";
    run(shelf.path(), &["inspect", "plugins/misfit.so"]).expect(0, &[told]);
}

#[test]
fn verify_says_what_would_happen() {
    let shelf = shelf();
    let library = "plugins/misfit.so";
    run(shelf.path(), &["verify", library]).expect(
        0,
        &[
            "`test.misfit` 1.0.0 (plugins/misfit.so) may be loaded in development mode",
            "sha256      ",
            "trust       untrusted",
        ],
    );
    let production = ["verify", library, "--mode", "production"];
    run(shelf.path(), &production).expect(
        1,
        &[
            "trust level untrusted may not be loaded in production mode",
            "to do: sign it with `objectos-host plugins sign`",
        ],
    );
    // What `keygen` prints for objectos.yml is put there as it stands.
    let made = run(shelf.path(), &["keygen", "release", "--out", "keys"]);
    made.expect(0, &["keys/release.key is the secret key"]);
    let (_, trust) = made.out.split_once("objectos.yml:\n").expect("what to write");
    fs::write(shelf.path().join("objectos.yml"), trust).expect("a configuration");
    run(shelf.path(), &["sign", library, "--key", "keys/release.key"]).expect(0, &["is signed by"]);
    run(shelf.path(), &production).expect(0, &["may be loaded in production mode", "trust       trusted"]);
    let library = shelf.path().join(library);
    let mut bytes = fs::read(&library).expect("bytes");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    plugins::put(&library, &bytes);
    run(shelf.path(), &production).expect(1, &["the file is not the one that was signed"]);
}

#[test]
fn verify_asks_the_other_plugins_and_the_place() {
    let shelf = shelf();
    let folder = shelf.path().join("plugins");
    let verify = |file: &str| run(shelf.path(), &["verify", file]);
    // Somebody has its route already.
    let rival = plugins::install(&folder, "misfit", "rival.so");
    plugins::edit_manifest(&rival, |document| {
        document["manifest"]["description"] = json!("");
        document["manifest"]["id"] = json!("test.arival");
        document["security"]["pluginId"] = json!("test.arival");
        document["objectos"]["services"]["provides"] = json!([{ "name": "rival", "version": "1.0.0" }]);
    });
    verify("plugins/misfit.so").expect(1, &["route GET `/api/v1/misfit/{what}` belongs to `test.arival`"]);
    fs::remove_file(&rival).expect("a file");
    // It needs what nobody here offers.
    plugins::edit_manifest(&folder.join("misfit.so"), |document| {
        document["manifest"]["description"] = json!("");
        document["objectos"]["services"]["uses"] = json!([{ "name": "data", "range": "^1" }]);
    });
    verify("plugins/misfit.so").expect(1, &["needs service `data` ^1, which no plugin provides"]);
    // Where it lies counts as it does at a start.
    let (deep, open) = (folder.join("sub/deep"), folder.join("open"));
    for (folder, mode) in [(&deep, 0o755), (&open, 0o777)] {
        fs::create_dir_all(folder).expect("a folder");
        fs::set_permissions(folder, fs::Permissions::from_mode(mode)).expect("permissions");
        plugins::install(folder, "hello", "hello.so");
    }
    let outside = plugins::install(shelf.path(), "hello", "outside.so");
    symlink(&outside, folder.join("link.so")).expect("a link");
    for (file, expected) in [
        ("plugins/sub/deep/hello.so", "it lies too deep"),
        ("plugins/open/hello.so", "the folder can be written by every user"),
        ("plugins/link.so", "leads out of the plugin folder"),
    ] {
        verify(file).expect(1, &[expected]);
    }
    verify("outside.so").expect(0, &["may be loaded", "not checked: where it will lie"]);
    run(shelf.path(), &["verify", "outside.so", "--plugins", "nowhere"]).expect(
        0,
        &[
            "may be loaded",
            "not checked: whether other plugins offer what it needs",
        ],
    );
}

#[test]
fn a_signature_ends_within_a_hundred_years() {
    let shelf = shelf();
    run(shelf.path(), &["keygen", "release"]).expect(0, &[]);
    let sign = |days: &str| {
        run(
            shelf.path(),
            &["sign", "plugins/misfit.so", "--key", "release.key", "--days", days],
        )
    };
    for days in ["0", "36501", "3000000"] {
        let said = sign(days);
        assert_eq!(said.code, Some(2), "{days}: {said:?}");
        assert!(said.error.contains("1..=36500"), "{days}: {said:?}");
    }
    sign("36500").expect(0, &["is signed by"]);
}

#[test]
fn swap_puts_a_new_file_in_the_place_of_the_old_one() {
    let host = HostBuilder::new()
        .plugin("hello")
        .environment("OBJECTOS_WATCH", "false")
        .start();
    let swap = |arguments: &[&str]| run(host.folder(), &[&["swap", "--data", "data"][..], arguments].concat());
    swap(&["example.hello"]).expect(0, &["example.hello 1.0.0 → 1.0.0 (generation 2), switched after "]);
    let next = plugins::install(&host.plugins(), "hello", "hello-next.so");
    plugins::edit_manifest(&next, |document| document["manifest"]["version"] = json!("1.0.1"));
    swap(&["example.hello", "--file", "plugins/hello-next.so"])
        .expect(0, &["example.hello 1.0.0 → 1.0.1 (generation 3), switched after "]);
    assert_eq!(host.plugin("example.hello")["version"], "1.0.1");
    swap(&["example.hallo"]).expect(1, &["not swapped: ", "the nearest name is example.hello"]);
    swap(&["objectos.data", "--file", "plugins/hello-next.so"]).expect(1, &["not swapped: ", "is another plugin"]);
    assert_eq!(
        host.client().get("/api/v1/hello/Ada").expect(200)["text"],
        "Hello, Ada!"
    );
}

#[test]
fn keys_names_and_folders_that_do_not_fit_are_told() {
    let shelf = shelf();
    let check = |arguments: &[&str], code: i32, expected: &str| {
        let said = run(shelf.path(), arguments);
        assert_eq!(said.code, Some(code), "{arguments:?}: {said:?}");
        assert!(
            said.error.contains(expected),
            "{arguments:?}: {expected:?} is not in {said:?}"
        );
    };
    let library = "plugins/misfit.so";
    run(shelf.path(), &["keygen", "release"]).expect(0, &[]);
    let key = |end: &str| fs::read(shelf.path().join(format!("release.{end}"))).expect("a key");
    let keys = (key("key"), key("pub"));
    check(&["keygen", "release"], 1, "is already there; it is not overwritten");
    assert_eq!((key("key"), key("pub")), keys);
    check(&["keygen", ""], 2, "is no name for a key");
    check(&["keygen", "../release"], 2, "is no name for a key");
    check(
        &["keygen", "release", "--out", library],
        4,
        "plugins/misfit.so cannot be made",
    );
    check(
        &["sign", library, "--key", "absent.key"],
        1,
        "absent.key cannot be read",
    );
    check(&["sign", "plugins/absent.so", "--key", "release.key"], 4, "absent.so");
    check(&["sign", library, "--key", "release.pub"], 1, "release.pub");
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(shelf.path().join("release.key"), open).expect("permissions");
    check(
        &["sign", library, "--key", "release.key"],
        1,
        "run `chmod 600` on it and consider the key known",
    );
    assert!(!shelf.path().join("plugins/misfit.so.sig").exists());
    for name in [
        "",
        "Acme",
        "acme_greeting",
        "acme--greeting",
        "acme-",
        "9lives",
        "../acme",
    ] {
        check(&["new", name], 2, "is no name for a plugin");
    }
    check(
        &["new", "acme-greeting", "--path", "plugins"],
        1,
        "plugins is there and not empty",
    );
    check(
        &["new", "acme-greeting", "--api", "plugins"],
        4,
        "is not the plugin-api crate",
    );
    assert!(!shelf.path().join("acme-greeting").exists());
}
