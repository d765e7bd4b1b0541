//! The rules find what breaks them, and nothing in this repository does.

use super::*;

#[test]
fn the_repository_is_tidy() {
    assert_eq!(findings().unwrap(), Vec::<String>::new());
}

#[test]
fn source_that_breaks_a_rule_is_found() {
    let check = |path: &str, text: &str, expected: &[&str]| {
        let mut found = Vec::new();
        check_source(Path::new(path), text, &mut found);
        assert_eq!(found.len(), expected.len(), "{path}: {found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{path}: {found}");
        }
    };
    let head = "//! What it is.\n";
    check("kernel/src/a.rs", head, &[]);
    check("kernel/src/a.rs", "fn a() {}\n", &["does not begin with //!"]);
    check("kernel/src/a/mod.rs", head, &["use foo.rs beside foo/"]);
    check(
        "kernel/src/a.rs",
        &format!("{head}{}", "\n".repeat(600)),
        &["601 lines; split it"],
    );
    check("kernel/tests/it/a.rs", &"\n".repeat(700), &[]);
    let sleeps = format!("{head}fn a() {{\n    std::thread::sleep(LONG);\n}}\n");
    check("kernel/src/a.rs", &sleeps, &["kernel/src/a.rs:3: thread::sleep: wait"]);
    check("xtask/src/a.rs", &sleeps, &[]);
    check("kernel/tests/it/a.rs", &sleeps, &[]);
    check("kernel/src/a.rs", &format!("{head}// No thread::sleep(here).\n"), &[]);
    let clock = format!("{head}fn a() {{\n    SystemTime::now();\n}}\n");
    check("plugins/auth/src/a.rs", &clock, &["ask the injected clock"]);
    check("kernel/src/clock.rs", &clock, &[]);
    check("kernel/src/clock/a.rs", &clock, &["ask the injected clock"]);
    let exits = format!("{head}fn a() {{\n    std::process::exit(1);\n}}\n");
    check("kernel/src/a.rs", &exits, &["process::exit: answer an exit code"]);
    check("host/src/a.rs", &exits, &[]);
}

#[test]
fn a_function_that_is_too_long_is_found_by_its_lines_of_code() {
    let check = |head: &str, code: usize, expected: Option<&str>| {
        let lines = "        step();\n\n        // A word.\n".repeat(code);
        let text = format!("impl A {{\n    {head} {{\n{lines}    }}\n\n    fn short() {{}}\n}}\n");
        let found = functions::check(Path::new("a.rs"), &text);
        assert_eq!(found.first().map(String::as_str), expected, "{head}");
        assert!(found.len() <= 1, "{found:?}");
    };
    check("fn long(&self)", 70, None);
    let told = "a.rs:2: fn long has 71 lines; split it (at most 70)";
    check("fn long(&self)", 71, Some(told));
    check("pub(crate) async fn long<T>(&self) -> Result<T>", 71, Some(told));
    check("pub const unsafe extern \"C\" fn long()", 71, Some(told));
    check("fn long(\n        &self,\n    ) -> bool", 71, Some(told));
    let declared = format!(
        "trait A {{\n    fn declared(&self);\n{}}}\n",
        "    const A: u8 = 1;\n".repeat(80)
    );
    assert_eq!(functions::check(Path::new("a.rs"), &declared), Vec::<String>::new());
}

#[test]
fn a_room_that_knows_too_much_is_found() {
    let check = |folder: &str, text: &str, expected: &[&str]| {
        let found = rooms::check(folder, text).unwrap();
        assert_eq!(found.len(), expected.len(), "{folder}: {found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{folder}: {found}");
        }
    };
    let with = |section: &str, line: &str| format!("[package]\nname = \"a\"\n\n[{section}]\n{line}\n");
    check("kernel", &with("dependencies", "serde.workspace = true"), &[]);
    check(
        "kernel",
        &with("dependencies", "hyper.workspace = true"),
        &["kernel/Cargo.toml: depends on hyper: kernel must not know it"],
    );
    check("kernel", &with("dev-dependencies", "hyper.workspace = true"), &[]);
    check(
        "kernel",
        &with("dependencies.hyper", "version = \"1\""),
        &["depends on hyper"],
    );
    check(
        "host",
        &with(
            "target.'cfg(unix)'.dependencies",
            "web = { package = \"hyper\", version = \"1\" }",
        ),
        &["depends on hyper"],
    );
    check(
        "plugins/auth",
        &with("dependencies", "sqlx.workspace = true\nobjectos-data.workspace = true"),
        &[
            "depends on objectos-data: plugins must not know it",
            "depends on sqlx: only plugins/data links a database driver",
        ],
    );
    check("plugins/data", &with("dependencies", "sqlx.workspace = true"), &[]);
    check(
        "plugins/server",
        &with("dependencies", "objectos-expression.workspace = true"),
        &["plugins/server must not know it"],
    );
    check(
        "plugin-api/expression",
        &with("dependencies", "objectos-protocol.workspace = true"),
        &["plugin-api/expression must not know it"],
    );
    check(
        "host",
        &with("build-dependencies", "abi_stable = \"0.11\""),
        &["only plugin-api names"],
    );
}
