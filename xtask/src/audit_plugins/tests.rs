//! The audit finds what is wrong: each fixture misbehaves in one way, and that is what is said of it. The plugins of the
//! repository are audited by `cargo xtask audit-spec` itself.

use super::*;
use objectos_tests::plugins;
use semver::{Version, VersionReq};

/// Audits one fixture in a folder of its own; each of `expected` must be in a finding, and without any there must be none.
#[track_caller]
fn check(fixture: &str, change: impl FnOnce(&Path), settings: &Value, expected: &[&str]) -> Report {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("plugins");
    let library = plugins::install(&folder, fixture, &format!("{fixture}.so"));
    change(&library);
    let report = look(&folder, scratch.path(), settings).unwrap();
    for part in expected {
        assert!(
            report.findings.iter().any(|finding| finding.contains(part)),
            "{settings}: {part:?} is not in {:#?}",
            report.findings
        );
    }
    assert_eq!(
        report.clean(),
        expected.is_empty(),
        "{settings}: {:#?}",
        report.findings
    );
    report
}

fn behaves(behaviour: &str, expected: &[&str]) {
    let settings = json!({ "test.misfit": { "behaviour": behaviour } });
    check("misfit", |_| {}, &settings, expected);
}

#[test]
fn a_sound_plugin_has_no_findings() {
    let report = check("misfit", |_| {}, &Value::Null, &[]);
    let [row] = report.rows.as_slice() else {
        panic!("{report:?}")
    };
    assert_eq!(
        (row.id.as_str(), row.services, row.hooks, row.events, row.routes),
        ("test.misfit", (1, 1), (1, 1), (1, 1), (1, 1))
    );
    assert_eq!(row.health, "healthy");
    let document = report.to_json();
    assert_eq!(
        document["plugins"][0]["hooks"],
        json!({ "registered": 1, "declared": 1 })
    );
    assert!(
        report.to_text().contains("findings               0"),
        "{}",
        report.to_text()
    );
}

#[test]
fn what_a_plugin_does_wrong_in_its_life_is_found() {
    behaves(
        "service missing",
        &["test.misfit: declares the service misfit and does not register it"],
    );
    behaves(
        "error in init",
        &["test.misfit: is failed: ", "the misfit does not want to"],
    );
    behaves(
        "unhealthy",
        &[
            " when it is asked: the misfit is not well",
            "test.misfit: cannot be swapped for itself: ",
        ],
    );
    behaves("panic in health", &["panicked in health"]);
    behaves(
        "panic in suspend",
        &["test.misfit: cannot be swapped for itself: ", "panicked in suspend"],
    );
    behaves(
        "panic in resume",
        &["test.misfit: cannot be swapped for itself: ", "panicked in resume"],
    );
    behaves(
        "error in stop",
        &[
            "test.misfit: a plugin did not stop as it should: ",
            "the misfit wants to stay",
        ],
    );
}

#[test]
fn a_library_that_is_not_what_it_says_is_found() {
    check(
        "impostor",
        |library| plugins::choose_entry(library, "IMPOSTOR_FIELD"),
        &Value::Null,
        &[
            "test.impostor: exports ",
            "test.impostor: is failed: ",
            "was built for another ABI",
        ],
    );
    check(
        "misfit",
        |library| {
            plugins::edit_manifest(library, |document| {
                document["manifest"]["description"] = json!("");
                document["manifest"]["version"] = json!("1.0.7");
                document["objectos"]["api"] = json!(">=1.0");
            });
        },
        &Value::Null,
        &[
            "test.misfit: has version 1.0.7, the workspace has 1.0.0",
            "test.misfit: asks for API >=1.0, which takes major version 2 as well",
        ],
    );
    check(
        "misfit",
        |library| fs::write(library, b"this is no library").unwrap(),
        &Value::Null,
        &["misfit.so: not an ELF file"],
    );
}

#[test]
fn a_range_of_apis_takes_what_built_it_and_no_other_abi() {
    let check = |range: &str, expected: Option<&str>| {
        let found = library::judge(&VersionReq::parse(range).unwrap(), &Version::new(1, 3, 0));
        assert_eq!(found.is_none(), expected.is_none(), "{range}: {found:?}");
        assert!(
            found.unwrap_or_default().contains(expected.unwrap_or_default()),
            "{range}"
        );
    };
    check("^1.0", None);
    check("^1.3", None);
    check(">=1.1, <2", None);
    check("^1.4", Some("asks for API ^1.4 and was built with 1.3.0"));
    check("^2.0", Some("was built with 1.3.0"));
    check(">=1.0", Some("major version 2 as well"));
    check("*", Some("major version 0 as well"));
    check("<2", Some("major version 0 as well: that is another ABI; say ^1.3"));
}

#[test]
fn the_versions_of_the_repository_agree() {
    assert_eq!(versions::check(&paths::root()).unwrap(), Vec::<(String, String)>::new());
}

/// Writes what [`versions::check`] reads, in small, with one part replaced.
fn repository(file: &str, from: &str, to: &str) -> Vec<String> {
    let root = tempfile::tempdir().unwrap();
    let plugin =
        |version: &str| format!(r#"{{"manifest": {{"version": "{version}"}}, "objectos": {{"api": "^1.0"}}}}"#);
    let member = "[package]\nversion.workspace = true\nrust-version.workspace = true\n";
    let files = [
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\n  \"kernel\",\n  \"plugin-api\",\n]\n[workspace.package]\nversion = \"1.2.0\"\n\
             rust-version = \"1.95\"\n[workspace.dependencies]\napi = { path = \"plugin-api\", version = \"1.3.0\" }\n"
                .to_owned(),
        ),
        ("README.md", "Rust (1.95 or later), (Rust 1.95)".to_owned()),
        ("kernel/Cargo.toml", member.to_owned()),
        ("kernel/plugin.json", plugin("1.2.0")),
        (
            "plugin-api/Cargo.toml",
            member.replace("version.workspace = true\nrust", "version = \"1.3.0\"\nrust"),
        ),
        (
            "examples/hello-plugin/Cargo.toml",
            "[package]\nversion = \"0.4.0\"\n".to_owned(),
        ),
        ("examples/hello-plugin/plugin.json", plugin("0.4.0")),
        (
            "examples/hello-plugin/Cargo.lock",
            "version = 4\n[[package]]\nname = \"objectos-plugin-api\"\nversion = \"1.3.0\"\n".to_owned(),
        ),
        (
            "host/src/plugins/new/Cargo.toml.txt",
            "[package]\nversion = \"0.1.0\"\n".to_owned(),
        ),
        ("host/src/plugins/new/plugin.json.txt", plugin("0.1.0")),
    ];
    for (name, text) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = if name == file { text.replacen(from, to, 1) } else { text };
        fs::write(path, text).unwrap();
    }
    let found = versions::check(root.path()).unwrap();
    found
        .into_iter()
        .map(|(file, text)| format!("{file}: {text}"))
        .collect()
}

#[test]
fn versions_that_disagree_are_found() {
    let check = |file: &str, from: &str, to: &str, expected: &[&str]| {
        assert_eq!(repository(file, from, to), expected, "{file}: {from} -> {to}");
    };
    check("README.md", "", "", &[]);
    check(
        "kernel/Cargo.toml",
        "version.workspace = true",
        "version = \"1.1.0\"",
        &[
            "kernel/Cargo.toml: has version 1.1.0, it should have 1.2.0",
            "kernel/plugin.json: has version \"1.2.0\", its crate has 1.1.0",
        ],
    );
    check(
        "kernel/Cargo.toml",
        "rust-version.workspace = true",
        "rust-version = \"1.90\"",
        &["kernel/Cargo.toml: does not take rust-version from the workspace"],
    );
    check(
        "Cargo.toml",
        "version = \"1.3.0\"",
        "version = \"1.0.0\"",
        &["Cargo.toml: api is wanted in version 1.0.0 and has 1.3.0"],
    );
    check(
        "examples/hello-plugin/Cargo.lock",
        "1.3.0",
        "1.2.9",
        &["examples/hello-plugin/Cargo.lock: objectos-plugin-api is locked in version 1.2.9 and has 1.3.0"],
    );
    check(
        "host/src/plugins/new/plugin.json.txt",
        "^1.0",
        "^1.4",
        &["host/src/plugins/new/plugin.json.txt: asks for API ^1.4 and was built with 1.3.0"],
    );
    check(
        "README.md",
        "(Rust 1.95)",
        "(Rust 1.96)",
        &["README.md: does not say `(Rust 1.95)`, which is what rust-version in Cargo.toml says"],
    );
}
