//! The zoo, as far as it is decided before a library is opened: files that are broken, foreign, forged or unwelcome, each
//! with the reason it is refused for, and the good neighbour that is there all the same.

mod fixture;
mod lab;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use objectos_kernel::package::Refusal;
use objectos_kernel::trust::{KeyPair, SignatureFile, SignatureTimes, sign, signature_path};
use objectos_protocol::kernel::{PluginTrustLevel, RuntimeMode};
use serde_json::json;
use time::macros::datetime;

use self::fixture::{Fixture, compile};
use self::lab::{Lab, NOW};

/// Puts something beside a sound neighbour and compares the one refusal it causes, line by line; a line that ends in
/// `...` compares what comes before.
#[track_caller]
fn check(prepare: impl FnOnce(&mut Lab), expected: &str) {
    let mut lab = Lab::new();
    lab.put("neighbour.so", &Fixture::plugin("com.example.neighbour"));
    lab.vouch("neighbour.so");
    prepare(&mut lab);
    let survey = lab.survey();
    let ids: Vec<&str> = survey.candidates.iter().map(|candidate| candidate.id()).collect();
    assert!(
        ids.contains(&"com.example.neighbour"),
        "the neighbour has to stay: {ids:?}"
    );
    let [refusal] = survey.refusals.as_slice() else {
        panic!("expected one refusal, found {:?} beside {ids:?}", survey.refusals);
    };
    compare(&lab.shown(refusal), expected);
    assert!(!refusal.remedy.is_empty(), "{refusal}");
    drop(survey);
    assert_eq!(
        fs::read_dir(lab.runtime()).unwrap().count(),
        0,
        "private copies go with their owners"
    );
}

#[track_caller]
fn compare(found: &str, expected: &str) {
    let fits = |(found, expected): (&str, &str)| match expected.strip_suffix("...") {
        Some(beginning) => found.starts_with(beginning),
        None => found == expected,
    };
    let sound = found.lines().count() == expected.lines().count() && found.lines().zip(expected.lines()).all(fits);
    assert!(sound, "found\n{found}\nexpected\n{expected}");
}

fn signed_by(lab: &Lab, name: &str, pair: &KeyPair, times: SignatureTimes) {
    sign(&lab.plugins().join(name), pair, times).unwrap();
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn files_that_are_no_libraries() {
    check(
        |lab| lab.put_bytes("x.so", b"\x7fELG and more"),
        "x.so refused: not an ELF file\n  hint: build the plugin again and copy it once more",
    );
    check(
        |lab| lab.put_bytes("x.so", b"#!/bin/sh\n"),
        "x.so refused: not an ELF file\n  hint: ...",
    );
    check(
        |lab| lab.put_bytes("x.so", b""),
        "x.so refused: the file is empty\n  hint: ...",
    );
    check(
        |lab| lab.put_bytes("x.so", b"\x7fELF"),
        "x.so refused: the file is cut off: 4 bytes of at least 64\n  hint: copy the file again; the last copy was not finished",
    );
    check(
        |lab| {
            let whole = Fixture::plugin("com.example.x").bytes();
            lab.put_bytes("x.so", &whole[..whole.len() - 100]);
        },
        "x.so refused: the file is cut off: ...\n  hint: ...",
    );
    check(
        |lab| {
            lab.put(
                "x.so",
                &Fixture {
                    machine: Some(183),
                    ..Fixture::plugin("com.example.x")
                },
            )
        },
        "x.so refused: built for another machine: AArch64 64 bit, this host is x86-64 64 bit\n  hint: build the plugin for x86-64 64 bit",
    );
    check(
        |lab| {
            lab.put(
                "x.so",
                &Fixture {
                    class: 1,
                    ..Fixture::plugin("com.example.x")
                },
            )
        },
        "x.so refused: built for another machine: x86-64 32 bit, this host is x86-64 64 bit\n  hint: ...",
    );
    check(
        |lab| {
            lab.put(
                "x.so",
                &Fixture {
                    kind: 2,
                    ..Fixture::plugin("com.example.x")
                },
            )
        },
        "x.so refused: an ELF file, but not a shared library\n  hint: build the crate with `crate-type = [\"cdylib\"]`",
    );
    check(
        |lab| fs::create_dir(lab.plugins().join("x.so")).unwrap(),
        "x.so refused: not a regular file but a folder\n  hint: put the library itself into the folder",
    );
    check(
        |lab| {
            let made = std::process::Command::new("mkfifo")
                .arg(lab.plugins().join("x.so"))
                .status()
                .unwrap();
            assert!(made.success());
        },
        "x.so refused: not a regular file but a named pipe\n  hint: ...",
    );
}

#[test]
fn files_in_the_wrong_place_or_open_to_everybody() {
    check(
        |lab| {
            lab.put("x.so", &Fixture::plugin("com.example.x"));
            mode(&lab.plugins().join("x.so"), 0o666);
        },
        "x.so refused: the file can be written by every user of this machine (mode 666)\n  hint: take the right away with `chmod o-w` and check who wrote the file",
    );
    check(
        |lab| {
            fs::create_dir(lab.plugins().join("open")).unwrap();
            lab.put("open/x.so", &Fixture::plugin("com.example.x"));
            mode(&lab.plugins().join("open"), 0o777);
        },
        "open refused: the folder can be written by every user of this machine (mode 777)\n  hint: ...",
    );
    check(
        |lab| {
            lab.put("../outside.so", &Fixture::plugin("com.example.x"));
            symlink(lab.plugins().join("../outside.so"), lab.plugins().join("x.so")).unwrap();
        },
        "x.so refused: a symlink that leads out of the plugin folder, to ...\n  hint: copy the library into the plugin folder",
    );
    check(
        |lab| symlink("nowhere", lab.plugins().join("x.so")).unwrap(),
        "x.so refused: the file cannot be read: No such file or directory...\n  hint: ...",
    );
    check(
        |lab| {
            fs::create_dir(lab.plugins().join("../elsewhere")).unwrap();
            lab.put("../elsewhere/x.so", &Fixture::plugin("com.example.x"));
            symlink(lab.plugins().join("../elsewhere"), lab.plugins().join("sub")).unwrap();
        },
        "sub refused: a symlink that leads out of the plugin folder, to ...\n  hint: ...",
    );
}

#[test]
fn libraries_that_are_no_plugins_of_this_host() {
    let x = || Fixture::plugin("com.example.x");
    check(
        |lab| lab.put("x.so", &Fixture { entry: false, ..x() }),
        "x.so refused: not an ObjectOS plugin: it exports no plugin entry point\n  hint: ...",
    );
    check(
        |lab| lab.put("x.so", &Fixture { manifest: None, ..x() }),
        "x.so refused: the plugin has no manifest: section `.objectos.manifest` is missing\n  hint: ...",
    );
    check(
        |lab| lab.put("x.so", &x().with("/objectos/rotues", json!([]))),
        "x.so refused: the manifest is not valid: objectos.rotues: `rotues` is not a known key; did you mean `routes`?\n  hint: correct `plugin.json` and build the plugin again",
    );
    check(
        |lab| {
            lab.put(
                "x.so",
                &Fixture {
                    manifest: Some(b"{\"manifest\": ".to_vec()),
                    ..x()
                },
            )
        },
        "x.so refused: the manifest is not valid: not valid JSON: EOF while parsing...\n  hint: ...",
    );
    check(
        |lab| {
            lab.put(
                "x.so",
                &Fixture {
                    manifest: Some(vec![b' '; 1_048_577]),
                    ..x()
                },
            )
        },
        "x.so refused: the manifest has 1048577 bytes, more than the limit of 1048576\n  hint: ...",
    );
    let named = "`com.example.x` 1.0.0 (x.so) refused:";
    check(
        |lab| lab.put("x.so", &x().without("/build")),
        &format!("{named} the manifest does not say how the library was built\n  hint: ..."),
    );
    check(
        |lab| lab.put("x.so", &x().with("/build/target", json!("x86_64-unknown-linux-musl"))),
        &format!(
            "{named} built for another target: x86_64-unknown-linux-musl, this host is x86_64-unknown-linux-gnu\n  hint: ..."
        ),
    );
    check(
        |lab| lab.put("x.so", &x().with("/build/panic", json!("abort"))),
        &format!("{named} built with `panic = \"abort\"`: a panic in it would end the whole host\n  hint: ..."),
    );
    check(
        |lab| lab.put("x.so", &x().with("/build/api", json!("2.0.0"))),
        &format!("{named} built with plugin API 2.0.0, this host offers 1.3.0: another major version\n  hint: ..."),
    );
    check(
        |lab| lab.put("x.so", &x().with("/objectos/api", json!("^1.4"))),
        &format!("{named} wants plugin API ^1.4, this host offers 1.3.0\n  hint: ..."),
    );
}

#[test]
fn older_and_newer_plugins_of_the_same_major_load() {
    let lab = Lab::new();
    lab.put(
        "old.so",
        &Fixture::plugin("com.example.old")
            .with("/build/api", json!("1.0.0"))
            .with("/build/rustc", json!("rustc 1.90.0")),
    );
    lab.put(
        "new.so",
        &Fixture::plugin("com.example.new")
            .with("/build/api", json!("1.9.0"))
            .with("/objectos/api", json!(">=1.1, <2")),
    );
    let survey = lab.survey();
    assert_eq!(
        (survey.candidates.len(), survey.refusals.len()),
        (2, 0),
        "{:?}",
        survey.refusals
    );
}

#[test]
fn an_id_belongs_to_one_file() {
    check(
        |lab| {
            lab.put(
                "x.so",
                &Fixture::plugin("com.example.neighbour").with("/manifest/version", json!("9.0.0")),
            );
            lab.vouch("x.so");
        },
        "`com.example.neighbour` 9.0.0 (x.so) refused: the id `com.example.neighbour` is already taken by neighbour.so\n  \
         `com.example.neighbour` 1.0.0 (neighbour.so) was found first\n  \
         `com.example.neighbour` 9.0.0 (x.so) was found second\n  \
         hint: keep one of the two files",
    );
}

#[test]
fn signatures_that_do_not_hold() {
    let times = lab::times();
    let x = |lab: &mut Lab| lab.put("x.so", &Fixture::plugin("com.example.x"));
    let named = "`com.example.x` 1.0.0 (x.so) refused:";
    check(
        |lab| {
            x(lab);
            signed_by(lab, "x.so", &KeyPair::from_secret(&[99; 32]), times);
        },
        &format!(
            "{named} signed by the unknown key `{}`\n  hint: add the signer's public key to `trust.keys` in objectos.yml",
            KeyPair::from_secret(&[99; 32]).public().id()
        ),
    );
    check(
        |lab| {
            x(lab);
            let stranger = KeyPair::from_secret(&[99; 32]);
            signed_by(lab, "x.so", &stranger, times);
            let path = signature_path(&lab.plugins().join("x.so"));
            let text = fs::read_to_string(&path)
                .unwrap()
                .replace(&stranger.public().id(), &lab::vouching().public().id());
            fs::write(path, text).unwrap();
        },
        &format!("{named} the signature was not made by the key ...\n  hint: ..."),
    );
    check(
        |lab| {
            x(lab);
            signed_by(lab, "x.so", &lab::vouching(), times);
            // One bit of the padding behind the manifest: everything still reads as before.
            let path = lab.plugins().join("x.so");
            let mut bytes = fs::read(&path).unwrap();
            let at = bytes.windows(8).position(|window| window == [b' '; 8]).unwrap();
            bytes[at] ^= 0b10_0000;
            fs::write(path, bytes).unwrap();
        },
        &format!("{named} the file is not the one that was signed: its SHA-256 is ...\n  hint: ..."),
    );
    check(
        |lab| {
            x(lab);
            signed_by(
                lab,
                "x.so",
                &lab::vouching(),
                SignatureTimes {
                    not_after: datetime!(2025-06-01 0:00 UTC),
                    ..times
                },
            );
        },
        &format!("{named} the signature expired at 2025-06-01T00:00:00Z\n  hint: ..."),
    );
    check(
        |lab| {
            x(lab);
            signed_by(
                lab,
                "x.so",
                &lab::vouching(),
                SignatureTimes {
                    not_before: datetime!(2025-07-01 0:00 UTC),
                    ..times
                },
            );
        },
        &format!(
            "{named} the signature is valid only from 2025-07-01T00:00:00Z\n  hint: check the clock of this machine"
        ),
    );
    check(
        |lab| {
            x(lab);
            fs::write(signature_path(&lab.plugins().join("x.so")), "{\"formt\": 1}").unwrap();
        },
        &format!("{named} the signature file is not valid: ...\n  hint: ..."),
    );
}

#[test]
fn trust_is_what_the_mode_asks_for() {
    check(
        |lab| {
            lab.mode = RuntimeMode::Production;
            lab.put("x.so", &Fixture::plugin("com.example.x"));
        },
        "`com.example.x` 1.0.0 (x.so) refused: trust level untrusted may not be loaded in production mode\n  \
         hint: sign it with `objectos-host plugins sign` and add the key to `trust.keys` in objectos.yml",
    );
    check(
        |lab| {
            lab.mode = RuntimeMode::Production;
            lab.trust(KeyPair::from_secret(&[5; 32]), PluginTrustLevel::Community);
            lab.put(
                "x.so",
                &Fixture::plugin("com.example.x").with("/security/trustLevel", json!("verified")),
            );
            signed_by(lab, "x.so", &KeyPair::from_secret(&[5; 32]), lab::times());
        },
        "`com.example.x` 1.0.0 (x.so) refused: trust level community may not be loaded in production mode\n  \
         hint: give the signer's key one of the levels verified, trusted in `trust.keys`",
    );
    check(
        |lab| {
            lab.put("x.so", &Fixture::plugin("com.example.x"));
            lab.config.blocked.plugins.push("com.example.x".to_owned());
        },
        "`com.example.x` 1.0.0 (x.so) refused: blocked by the operator: plugin `com.example.x`\n  hint: ...",
    );
    check(
        |lab| {
            let fixture = Fixture::plugin("com.example.x");
            lab.put("x.so", &fixture);
            lab.config
                .blocked
                .hashes
                .push(objectos_kernel::package::Digest::of(&fixture.bytes()).to_string());
        },
        "x.so refused: blocked by the operator: SHA-256 ...\n  hint: ...",
    );
}

fn asks(id: &str, resource: &str, actions: &[&str], ids: &[&str], required: bool) -> Fixture {
    Fixture::plugin(id).with(
        "/security/permissions/permissions",
        json!([{
            "id": "asked", "resource": resource, "actions": actions, "scope": "plugin", "description": "to send mail",
            "required": required, "filter": {"resourceIds": ids}
        }]),
    )
}

#[test]
fn what_the_operator_does_not_grant() {
    let named = "`com.example.x` 1.0.0 (x.so) refused:";
    let smtp = |required| {
        asks(
            "com.example.x",
            "network.http",
            &["execute"],
            &["smtp.example.com:587"],
            required,
        )
    };
    check(
        |lab| {
            lab.grants = Some(serde_json::from_value(json!({})).unwrap());
            lab.put("x.so", &smtp(true));
        },
        &format!(
            "{named} needs what the operator does not grant: `network:connect:smtp.example.com:587` (to send mail)\n  \
             hint: add to objectos.yml: grants: {{ \"com.example.x\": {{ allow: [\"network:connect:smtp.example.com:587\"] }} }}"
        ),
    );
    check(
        |lab| {
            let rules = json!({"*": {"allow": ["*"]}, "com.example.x": {"deny": ["network:connect:*.example.com"]}});
            lab.grants = Some(serde_json::from_value(rules).unwrap());
            lab.put("x.so", &smtp(true));
        },
        &format!(
            "{named} needs what the operator does not grant: `network:connect:smtp.example.com:587` (to send mail), denied by `network:connect:*.example.com`\n  hint: ..."
        ),
    );

    let mut lab = Lab::new();
    lab.grants = Some(serde_json::from_value(json!({})).unwrap());
    lab.put("x.so", &smtp(false));
    let survey = lab.survey();
    assert!(
        !survey.candidates[0].grants.may_connect("smtp.example.com", 587),
        "optional: loaded without"
    );
}

#[test]
fn imports_that_reach_beyond_the_plugin() {
    let named = "`com.example.x` 1.0.0 (x.so) refused:";
    let importing = |symbols: &[&str]| Fixture {
        imports: symbols.iter().map(ToString::to_string).collect(),
        ..Fixture::plugin("com.example.x")
    };
    check(
        |lab| lab.put("x.so", &importing(&["malloc", "sigaction", "atexit"])),
        &format!(
            "{named} the library uses `atexit`, `sigaction`, which is for plugins that may install process-wide handlers\n  hint: ask for `process.spawn: manage` in the manifest and grant `process:signal` in objectos.yml, or do without"
        ),
    );
    for symbol in ["fork", "vfork", "execve", "posix_spawn", "system", "popen"] {
        check(
            |lab| lab.put("x.so", &importing(&[symbol])),
            &format!("{named} the library uses `{symbol}`, which is for plugins that may start programs\n  hint: ..."),
        );
    }
    let lab = Lab::new();
    let granted = Fixture {
        imports: vec!["execve".to_owned(), "signal".to_owned()],
        ..asks("com.example.x", "process.spawn", &["execute", "manage"], &[], true)
    };
    lab.put("x.so", &granted);
    assert_eq!(lab.survey().candidates.len(), 1, "asked for and granted");
}

#[test]
fn configurations_that_do_not_fit() {
    check(
        |lab| {
            let schema = json!({"type": "object", "properties": {"greeting": {"type": "string"}}});
            lab.put(
                "x.so",
                &Fixture::plugin("com.example.x").with("/objectos/settings", schema),
            );
            lab.settings
                .insert("com.example.x".to_owned(), json!({"greting": "hi"}));
        },
        "`com.example.x` 1.0.0 (x.so) refused: the configuration is not valid: greting: `greting` is not a known key; did you mean `greeting`?\n  \
         hint: correct the plugin's configuration in objectos.yml",
    );
}

#[test]
fn folders_are_looked_through_one_level_deep_in_order() {
    let lab = Lab::new();
    for folder in ["b", "b/deeper"] {
        fs::create_dir(lab.plugins().join(folder)).unwrap();
    }
    for (name, id) in [
        ("c.so", "t.c"),
        ("b/x.so", "t.b"),
        ("a.so", "t.a"),
        ("b/deeper/z.so", "t.z"),
        (".hidden.so", "t.h"),
        ("b/notes.txt", "t.n"),
    ] {
        lab.put(name, &Fixture::plugin(id));
    }
    symlink("a.so", lab.plugins().join("b/README")).unwrap();
    let survey = lab.survey();
    let ids: Vec<&str> = survey.candidates.iter().map(|candidate| candidate.id()).collect();
    assert_eq!(
        (ids, survey.refusals.len()),
        (vec!["t.a", "t.b", "t.c"], 0),
        "{:?}",
        survey.refusals
    );

    mode(lab.plugins(), 0o777);
    let refusals = lab.survey().refusals;
    assert_eq!(refusals[0].reason.code(), "folder-writable-by-others");
    mode(lab.plugins(), 0o755);
    fs::remove_dir_all(lab.plugins()).unwrap();
    let refusals = lab.survey().refusals;
    assert_eq!(refusals[0].to_string().lines().count(), 2);
    assert_eq!(refusals[0].reason.code(), "folder-unreadable");
}

#[test]
fn symlinks_within_the_folder_are_followed() {
    let lab = Lab::new();
    lab.put("x.so.1.0", &Fixture::plugin("com.example.x"));
    symlink("x.so.1.0", lab.plugins().join("x.so")).unwrap();
    assert_eq!(lab.survey().candidates[0].path, lab.plugins().join("x.so"));
}

#[test]
fn what_is_verified_is_the_copy() {
    let lab = Lab::new();
    lab.put("x.so", &Fixture::plugin("com.example.x"));
    let survey = lab.survey();
    let candidate = &survey.candidates[0];
    let bytes = Fixture::plugin("com.example.x").bytes();
    lab.put_bytes("x.so", b"replaced after the check");
    assert_eq!(fs::read(candidate.copy.path()).unwrap(), bytes);
    assert_eq!(candidate.sha256, objectos_kernel::package::Digest::of(&bytes));
    assert_eq!(candidate.size_bytes, u64::try_from(bytes.len()).unwrap());
    assert_eq!(candidate.trust.level, PluginTrustLevel::Untrusted);
}

#[test]
fn a_library_a_compiler_made_is_read() {
    let lab = Lab::new();
    compile(
        lab.plugins(),
        "x.so",
        &Fixture::plugin("com.example.x"),
        "int answer(void) { return 42; }",
    );
    compile(
        lab.plugins(),
        "y.so",
        &Fixture::plugin("com.example.y"),
        "#include <signal.h>\n#include <stddef.h>\nint trap(void) { return sigaction(SIGTERM, NULL, NULL); }",
    );
    fs::write(lab.plugins().join("../plain.c"), "int answer(void) { return 42; }").unwrap();
    let survey = lab.survey();
    assert_eq!(survey.candidates.len(), 1, "{:?}", survey.refusals);
    assert_eq!(survey.candidates[0].id(), "com.example.x");
    compare(
        &lab.shown(&survey.refusals[0]),
        "`com.example.y` 1.0.0 (y.so) refused: the library uses `sigaction`, which is for plugins that may install process-wide handlers\n  hint: ...",
    );

    let inspection = objectos_kernel::discover::inspect(&lab.plugins().join("x.so"), &lab.open_runtime()).unwrap();
    assert!(
        inspection.exports.contains(&"answer".to_owned()),
        "{:?}",
        inspection.exports
    );
    assert_eq!(inspection.document.id(), "com.example.x");
    assert_eq!(
        serde_json::to_value(&inspection).unwrap()["document"]["manifest"]["name"],
        "com.example.x"
    );
}

/// Whatever is done to the bytes of a library, it is refused or read, never a panic. `OBJECTOS_TEST_SEED` repeats one.
#[test]
fn damaged_libraries_are_refused_with_a_reason() {
    let sound = Fixture::plugin("com.example.x").bytes();
    let given = std::env::var("OBJECTOS_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse::<u64>().ok());
    let lab = Lab::new();
    let runtime = lab.open_runtime();
    let mut refused = 0;
    for seed in given.map_or(0..1500, |seed| seed..seed + 1) {
        println!("OBJECTOS_TEST_SEED={seed}");
        lab.put_bytes("x.so", &fixture::damaged(&sound, seed));
        if let Err(refusal) = objectos_kernel::discover::inspect(&lab.plugins().join("x.so"), &runtime) {
            assert!(!refusal.to_string().is_empty() && refusal.reason.code() != "unreadable");
            refused += 1;
        }
    }
    assert!(
        given.is_some() || refused > 500,
        "the damage does too little: {refused}"
    );
}

#[test]
fn a_refusal_is_data_too() {
    let lab = Lab::new();
    lab.put_bytes("x.so", b"nothing");
    let refusals: Vec<Refusal> = lab.survey().refusals;
    let shown = serde_json::to_value(&refusals[0]).unwrap();
    let keys: Vec<&String> = shown.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "plugin", "version", "path", "sha256", "trust", "code", "reason", "chain", "remedy"
        ]
    );
    assert_eq!(
        (&shown["code"], &shown["reason"], &shown["plugin"]),
        (&json!("not-elf"), &json!("not an ELF file"), &json!(null))
    );
}

#[test]
fn signing_is_checked_against_the_clock_that_was_handed_in() {
    let signature = SignatureFile::make(
        objectos_kernel::package::Digest::of(b""),
        &lab::vouching(),
        lab::times(),
    )
    .unwrap();
    assert!(lab::times().not_before < NOW && NOW < lab::times().not_after);
    assert_eq!(signature.not_after, "2025-12-31T00:00:00Z");
}
