#![allow(clippy::needless_pass_by_value)]

use super::*;
use expect_test::{Expect, expect};
use std::collections::HashMap;

fn load(file: &str, variables: &[(&str, &str)], flags: &Flags) -> Result<Settings, SettingsError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("objectos.yml");
    std::fs::write(&path, file).expect("the file can be written");
    let variables: HashMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let flags = Flags {
        config: Some(path.clone()),
        ..flags.clone()
    };
    let result = Settings::load(&flags, &|name| variables.get(name).cloned());
    result.map_err(|error| match error {
        SettingsError::FileInvalid { reason, .. } => SettingsError::FileInvalid {
            path: PathBuf::from("objectos.yml"),
            reason,
        },
        other => other,
    })
}

fn check_listen(file: &str, variables: &[(&str, &str)], flag: Option<&str>, expected: (&str, Origin)) {
    let flags = Flags {
        listen: flag.map(str::to_owned),
        ..Flags::default()
    };
    let settings = load(file, variables, &flags).expect("the configuration is good");
    assert_eq!((settings.listen.value.as_str(), settings.listen.origin), expected);
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let file = "host: { listen: '127.0.0.1:1' }\n";
    let variable = [("OBJECTOS_LISTEN", "127.0.0.1:2")];
    check_listen("", &[], None, ("127.0.0.1:3000", Origin::Default));
    check_listen(file, &[], None, ("127.0.0.1:1", Origin::File));
    check_listen(
        file,
        &variable,
        None,
        ("127.0.0.1:2", Origin::Environment("OBJECTOS_LISTEN".to_owned())),
    );
    check_listen(
        file,
        &variable,
        Some("127.0.0.1:3"),
        ("127.0.0.1:3", Origin::Flag("--listen")),
    );
}

fn check_error(file: &str, flags: &Flags, variables: &[(&str, &str)], expected: Expect) {
    let error = load(file, variables, flags).expect_err("the configuration is wrong");
    expected.assert_eq(&error.to_string());
}

#[test]
fn wrong_values_say_what_to_write() {
    let none = Flags::default();
    let mode = Flags {
        mode: Some("developmnt".to_owned()),
        ..Flags::default()
    };
    check_error(
        "",
        &mode,
        &[],
        expect![[
            r#"mode (flag --mode) is "developmnt": write one of development, production; did you mean development"#
        ]],
    );
    let listen = [("OBJECTOS_LISTEN", "3000")];
    check_error(
        "",
        &none,
        &listen,
        expect![[
            r#"listen (environment OBJECTOS_LISTEN) is "3000": write an address and a port, such as 127.0.0.1:3000 or [::1]:3000"#
        ]],
    );
    let watch = [("OBJECTOS_WATCH", "maybe")];
    check_error(
        "",
        &none,
        &watch,
        expect![[r#"watch (environment OBJECTOS_WATCH) is "maybe": write true or false"#]],
    );
    let set = Flags {
        set: vec!["nonsense".to_owned()],
        ..Flags::default()
    };
    check_error(
        "",
        &set,
        &[],
        expect![[r#"--set nonsense: write PLUGIN:KEY=VALUE, such as objectos.data:database.synchronous=FULL"#]],
    );
}

#[test]
fn single_values_of_plugins_can_be_set() {
    let flags = Flags {
        set: vec!["a.b:x.y=3".to_owned(), "a.b:x.z=text".to_owned()],
        ..Flags::default()
    };
    let settings = load("plugins: { a.b: { x: { y: 1, w: true } } }\n", &[], &flags).expect("good");
    assert_eq!(
        settings.plugin_settings["a.b"],
        serde_json::json!({"x": {"y": 3, "w": true, "z": "text"}})
    );
}

#[test]
fn secrets_are_not_printed() {
    let settings = load("plugins: { a.b: { apiKey: abc, url: x } }\n", &[], &Flags::default()).expect("good");
    let text = print(&settings);
    assert!(text.contains(r#"{"apiKey":"***","url":"x"}"#), "{text}");
}
