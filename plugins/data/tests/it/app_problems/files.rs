//! Files, manifests, views and menus.

use objectos_data::app::{Problems, read_app};

use expect_test::{Expect, expect};

use super::{check, check_files};
use crate::app_support::{try_load, write_app};

const THING: (&str, &str) = ("thing.object.yml", "name: thing\nfields:\n  title: {type: text}\n");

#[test]
fn yaml() {
    check(
        "name: thing\nname: other\nfields: {title: {type: text}}\n",
        expect!["thing.object.yml:2:1: the key `name` is there twice, first in line 1; remove one of them"],
    );
    check(
        "name: thing\nfields:\n\ttitle: {type: text}\n",
        expect!["thing.object.yml:3:2: tabs disallowed within this context (block indentation)"],
    );
    check(
        "name: thing\nfields: {title: {type: text}\n",
        expect!["thing.object.yml:2:9: unclosed bracket '{'"],
    );
    check(
        "name: thing\nfields: *nothing\n",
        expect!["thing.object.yml:2:9: while parsing node, found unknown anchor"],
    );
}

#[test]
fn kinds_of_files() {
    let loaded = try_load(&[
        THING,
        ("thing.obejct.yml", "a: 1\n"),
        ("notes.yml", "a: 1\n"),
        ("all.views.yml", "a: 1\n"),
    ])
    .expect("only warnings");
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    expect![[r#"
        all.views.yml: warning: `views` is no kind of file, so it was left out; did you mean `view`?
        notes.yml: warning: the name of the file does not tell what it is, so it was left out; name it after its kind, as in `account.object.yml`; the app itself is objectos.app.yml
        thing.obejct.yml: warning: `obejct` is no kind of file, so it was left out; did you mean `object`?"#]].assert_eq(&warnings.join("\n"));
}

#[test]
fn views_and_menus() {
    check_files(
        &[THING, ("all.view.yml", "object: thign\nlist: {columns: [title]}\n")],
        expect!["all.view.yml:1:9: object: there is no object `thign`; did you mean `thing`?"],
    );
    check_files(
        &[
            THING,
            (
                "all.view.yml",
                "object: thing\nlist:\n  columns:\n    - title\n    - field: tilte\nform:\n  sections:\n    - fields: [titel]\n",
            ),
        ],
        expect![[r#"
        all.view.yml:5:14: list.columns[1].field: `thing` has no field `tilte`; did you mean `title`?
        all.view.yml:8:16: form.sections[0].fields[0]: `thing` has no field `titel`; did you mean `title`?"#]],
    );
    check_files(
        &[
            THING,
            (
                "main.app.yml",
                "name: main\nnavigation:\n  - {id: a1, type: object, objectName: thing, children: [{id: a2, type: object, objectName: thin}]}\n",
            ),
        ],
        expect![
            "main.app.yml:3:93: navigation[0].children[0].objectName: there is no object `thin`; did you mean `thing`?"
        ],
    );
    check_files(
        &[
            THING,
            ("a.view.yml", "name: all\nobject: thing\n"),
            ("b.view.yml", "name: all\nobject: thing\n"),
        ],
        expect![
            "b.view.yml:1:7: name: the view `all` is declared twice, first in a.view.yml; give one of them another name"
        ],
    );
    check_files(
        &[THING, ("a.flow.yml", "")],
        expect!["a.flow.yml:1:1: the file is empty; remove it, or fill it"],
    );
}

fn manifest(text: &str, expected: Expect) {
    let folder = tempfile::tempdir().expect("a folder");
    write_app(folder.path(), "demo", &[THING]);
    std::fs::write(folder.path().join("objectos.app.yml"), text).expect("a file");
    let mut problems = Problems::default();
    let package = read_app(folder.path(), &mut problems);
    let mut found = problems.into_sorted();
    if let Some(package) = package {
        found.extend(objectos_data::app::load(&[package], 1).err().unwrap_or_default());
    }
    let prefix = format!("{}/", folder.path().display());
    let found: Vec<String> = found
        .iter()
        .map(|problem| problem.to_string().replace(&prefix, ""))
        .collect();
    expected.assert_eq(&found.join("\n"));
}

#[test]
fn manifests() {
    manifest("id: demo\nversion: 1.0.0\n", expect![""]);
    manifest(
        "id: demo\n",
        expect!["objectos.app.yml:1:1: the key `version` is missing"],
    );
    manifest(
        "",
        expect!["objectos.app.yml:1:1: the manifest is empty; write at least `id` and `version`"],
    );
    manifest(
        "id: demo\nversion: 1.10\n",
        expect!["objectos.app.yml:2:10: version: `1.10` is no version; write three numbers, as in `1.4.0`"],
    );
    manifest(
        "id: Demo App\nversion: 1.0.0\n",
        expect![
            "objectos.app.yml:1:5: id: `Demo App` is no id; use lower case letters, digits, underscores, hyphens and dots, as in `crm` or `com.example.crm`"
        ],
    );
    manifest(
        "id: demo\nversion: 1.0.0\nglob: ['*']\n",
        expect!["objectos.app.yml:3:1: glob: unknown key `glob`; did you mean `globs`?"],
    );
    manifest(
        "id: demo\nversion: 1.0.0\nglobs: ['{a']\n",
        expect![
            "objectos.app.yml:3:9: globs[0]: `{a` is no pattern of files; use a pattern such as `objects/**/*.object.yml`"
        ],
    );
    manifest(
        "id: demo\nversion: 1.0.0\ndependencies: {base: '^1'}\n",
        expect![
            "objectos.app.yml: dependencies.base: the app needs `base` ^1, which is not loaded; load it with a further `--app`"
        ],
    );
    manifest(
        "id: demo\nversion: 1.0.0\ndependencies: {base: 'one'}\n",
        expect![[r#"
        objectos.app.yml:3:22: dependencies.base: `one` is no version range; write a range such as `^1.2`
        objectos.app.yml: dependencies.base: the app needs `base` one, which is not loaded; load it with a further `--app`"#]],
    );
    manifest(
        "id: demo\nversion: 1.0.0\ntype: plugin\n",
        expect!["objectos.app.yml:3:7: type: expected `app`, found `plugin`; a plugin has a `plugin.json` of its own"],
    );
}

#[test]
fn folders() {
    let folder = tempfile::tempdir().expect("a folder");
    let prefix = format!("{}/", folder.path().display());
    let check = |path: &std::path::Path, expected: Expect| {
        let mut problems = Problems::default();
        assert!(read_app(path, &mut problems).is_none());
        let found: Vec<String> = problems.into_sorted().iter().map(ToString::to_string).collect();
        expected.assert_eq(
            &found
                .join("\n")
                .replace(&prefix, "")
                .replace(&folder.path().display().to_string(), "FOLDER"),
        );
    };
    check(
        &folder.path().join("nowhere"),
        expect!["nowhere: the folder of the app does not exist; name a folder with an objectos.app.yml"],
    );
    check(
        folder.path(),
        expect![
            "FOLDER: the folder has no objectos.app.yml; write one with `id` and `version`, or name the folder that holds it"
        ],
    );
    let file = folder.path().join("file");
    std::fs::write(&file, "x").expect("a file");
    check(
        &file,
        expect!["file: the app is not a folder; name a folder with an objectos.app.yml"],
    );
}
