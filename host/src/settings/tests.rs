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
    let settings = load(
        "plugins: { a.b: { apiKey: hidden-away, url: 'db://me:hidden-away@host/x' } }\nevents: { webhooks: [{ url: \
         'https://hooks.example.com/hidden-away', headers: { a: hidden-away } }] }\n",
        &[],
        &Flags::default(),
    )
    .expect("good");
    let text = print(&settings, &Effective::default());
    let lines = printed(&text);
    assert_eq!(lines["plugins.a.b.apiKey"], ("\"***\"".to_owned(), "file".to_owned()));
    assert_eq!(lines["plugins.a.b.url"].0, "\"db://***@host/x\"");
    assert!(
        lines["events.webhooks"].0.contains("https://hooks.example.com/***"),
        "{text}"
    );
    assert!(!text.contains("hidden-away"), "{text}");
}

/// Value and origin by name.
fn printed(text: &str) -> HashMap<String, (String, String)> {
    let lines = text.lines().filter_map(|line| {
        let (name, rest) = line.split_once(' ')?;
        let (value, origin) = rest.rsplit_once('(')?;
        Some((
            name.to_owned(),
            (value.trim().to_owned(), origin.trim_end_matches(')').to_owned()),
        ))
    });
    lines.collect()
}

#[test]
fn each_value_is_printed_with_where_it_came_from() {
    let file =
        "host: { mode: production }\nplugins: { a.b: { x: { one: 1, two: 2, three: 3 }, list: [1] } }\ntrust: {}\n";
    let variables = [
        ("OBJECTOS_SET", "a.b:x.two=22"),
        ("OBJECTOS_PREFER", r#"{"data": "c.d"}"#),
    ];
    let flags = Flags {
        set: vec!["a.b:x.three={\"deep\": true}".to_owned(), "e.f:y=text".to_owned()],
        ..Flags::default()
    };
    let settings = load(file, &variables, &flags).expect("good");
    let mut whole = settings.plugin_settings["a.b"].clone();
    whole["x"]["four"] = 4.into();
    whole["empty"] = serde_json::json!({});
    let effective = Effective {
        plugins: BTreeMap::from([("a.b".to_owned(), whole)]),
        refused: BTreeMap::from([("g.h".to_owned(), "not an ELF file".to_owned())]),
        events: serde_json::json!({ "replay": { "enabled": true } }),
    };
    let text = print(&settings, &effective);
    assert!(
        text.lines()
            .any(|line| line.starts_with("plugins.g.h") && line.ends_with("refused: not an ELF file")),
        "{text}"
    );
    let lines = printed(&text);
    for (name, value, origin) in [
        ("mode", "production", "file"),
        ("watch", "false", "off in production"),
        ("plugins.a.b.x.one", "1", "file"),
        ("plugins.a.b.x.two", "22", "environment OBJECTOS_SET"),
        ("plugins.a.b.x.three.deep", "true", "flag --set"),
        ("plugins.a.b.x.four", "4", "default"),
        ("plugins.a.b.list", "[1]", "file"),
        ("plugins.a.b.empty", "{}", "default"),
        ("plugins.e.f.y", "\"text\"", "flag --set"),
        ("trust", "{}", "file"),
        ("prefer.data", "\"c.d\"", "environment OBJECTOS_PREFER"),
        ("events.replay.enabled", "true", "default"),
    ] {
        assert_eq!(
            lines.get(name),
            Some(&(value.to_owned(), origin.to_owned())),
            "{name}: {lines:#?}"
        );
    }
}

#[test]
fn a_variable_takes_the_place_of_a_section() {
    let file = "trust: { blocked: [] }\nfeatures: { a: true }\n";
    let variables = [("OBJECTOS_FEATURES", "b: false\nc: true\n"), ("OBJECTOS_TRUST", "null")];
    let settings = load(file, &variables, &Flags::default()).expect("good");
    assert_eq!(
        settings.kernel_sections["features"],
        serde_json::json!({"b": false, "c": true})
    );
    assert_eq!(settings.place_of("features"), "OBJECTOS_FEATURES");
    assert!(!settings.kernel_sections.contains_key("trust"));
    let error = load("", &[("OBJECTOS_EVENTS", "{ secret: [")], &Flags::default()).expect_err("no YAML");
    let text = error.to_string();
    assert!(
        text.contains("OBJECTOS_EVENTS") && text.contains("write YAML or JSON"),
        "{text}"
    );
    assert_eq!(error.exit(), Exit::Configuration);
}

#[test]
fn what_means_nothing_here_is_told_with_place_and_nearest_name() {
    let file = "plugins: { objectos.dta: {}, objectos.data: {} }\ngrants: { '*': {}, objectos.sever: {} }\nthreads: { '*': {}, objectos.dat: {} }\nprefer: { data: x.y }\n";
    let flags = Flags {
        set: vec!["far.away:a=1".to_owned()],
        ..Flags::default()
    };
    let settings = load(file, &[("OBJECTOS_PREFER", "data: x.y")], &flags).expect("good");
    let place = settings.file_name();
    assert_eq!(
        unknown_plugins(&settings, &["objectos.data", "objectos.server"]),
        [
            "--set: plugins.far.away: there is no plugin far.away".to_owned(),
            format!("{place}: plugins.objectos.dta: there is no plugin objectos.dta; did you mean objectos.data"),
            format!("{place}: grants.objectos.sever: there is no plugin objectos.sever; did you mean objectos.server"),
            format!("{place}: threads.objectos.dat: there is no plugin objectos.dat; did you mean objectos.data"),
            "OBJECTOS_PREFER: prefer.data: there is no plugin x.y".to_owned(),
        ]
    );
    let set = [
        "PATH",
        "OBJECTOS_MODE",
        "OBJECTOS_LISTN",
        "OBJECTOS_TEST_SEED",
        "OBJECTOS_AUTH_SECRET",
    ];
    assert_eq!(
        unknown_variables(set.map(str::to_owned), &["OBJECTOS_AUTH_*".to_owned()]),
        ["environment: nobody here reads OBJECTOS_LISTN; did you mean OBJECTOS_LISTEN"]
    );
}
