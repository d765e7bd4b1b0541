//! Files, manifests, views and menus.

use objectos_data::app::{Problems, read_app};

use expect_test::{Expect, expect};

use super::{check, check_files};
use crate::app_support::{try_load, write_app};

const THING: (&str, &str) = ("thing.object.yml", "name: thing\nfields:\n  title: {type: text}\n");

#[test]
fn yaml() {
    check("name: thing\nname: other\nfields: {title: {type: text}}\n", expect![""]);
    check("name: thing\nfields:\n\ttitle: {type: text}\n", expect![""]);
    check("name: thing\nfields: {title: {type: text}\n", expect![""]);
    check("name: thing\nfields: *nothing\n", expect![""]);
}

#[test]
fn kinds_of_files() {
    let loaded = try_load(&[THING, ("thing.obejct.yml", "a: 1\n"), ("notes.yml", "a: 1\n"), ("all.views.yml", "a: 1\n")]).expect("only warnings");
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    expect![""].assert_eq(&warnings.join("\n"));
}

#[test]
fn views_and_menus() {
    check_files(&[THING, ("all.view.yml", "object: thign\nlist: {columns: [title]}\n")], expect![""]);
    check_files(&[THING, ("all.view.yml", "object: thing\nlist:\n  columns:\n    - title\n    - field: tilte\nform:\n  sections:\n    - fields: [titel]\n")], expect![""]);
    check_files(&[THING, ("main.app.yml", "name: main\nnavigation:\n  - {id: a1, type: object, objectName: thing, children: [{id: a2, type: object, objectName: thin}]}\n")], expect![""]);
    check_files(&[THING, ("a.view.yml", "name: all\nobject: thing\n"), ("b.view.yml", "name: all\nobject: thing\n")], expect![""]);
    check_files(&[THING, ("a.flow.yml", "")], expect![""]);
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
    let found: Vec<String> = found.iter().map(|problem| problem.to_string().replace(&prefix, "")).collect();
    expected.assert_eq(&found.join("\n"));
}

#[test]
fn manifests() {
    manifest("id: demo\nversion: 1.0.0\n", expect![""]);
    manifest("id: demo\n", expect![""]);
    manifest("", expect![""]);
    manifest("id: demo\nversion: 1.10\n", expect![""]);
    manifest("id: Demo App\nversion: 1.0.0\n", expect![""]);
    manifest("id: demo\nversion: 1.0.0\nglob: ['*']\n", expect![""]);
    manifest("id: demo\nversion: 1.0.0\nglobs: ['{a']\n", expect![""]);
    manifest("id: demo\nversion: 1.0.0\ndependencies: {base: '^1'}\n", expect![""]);
    manifest("id: demo\nversion: 1.0.0\ndependencies: {base: 'one'}\n", expect![""]);
    manifest("id: demo\nversion: 1.0.0\ntype: plugin\n", expect![""]);
}

#[test]
fn folders() {
    let folder = tempfile::tempdir().expect("a folder");
    let prefix = format!("{}/", folder.path().display());
    let check = |path: &std::path::Path, expected: Expect| {
        let mut problems = Problems::default();
        assert!(read_app(path, &mut problems).is_none());
        let found: Vec<String> = problems.into_sorted().iter().map(ToString::to_string).collect();
        expected.assert_eq(&found.join("\n").replace(&prefix, "").replace(&folder.path().display().to_string(), "FOLDER"));
    };
    check(&folder.path().join("nowhere"), expect![""]);
    check(folder.path(), expect![""]);
    let file = folder.path().join("file");
    std::fs::write(&file, "x").expect("a file");
    check(&file, expect![""]);
}
