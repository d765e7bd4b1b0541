//! The command `check`.

use objectos_data::commands::check;

use crate::app_support::write_app;

const GOOD: &str = "name: thing\nfields: {name: {type: text}}\n";

#[test]
fn good_apps_are_summed_up() {
    let folder = tempfile::tempdir().expect("a folder");
    write_app(
        &folder.path().join("one"),
        "one",
        &[
            ("thing.object.yml", GOOD),
            ("thing.data.yml", "[{name: a}, {name: b}]\n"),
            ("all.view.yml", "object: thing\n"),
        ],
    );
    write_app(
        &folder.path().join("two"),
        "two",
        &[(
            "other.object.yml",
            "name: other\nfields: {thing: {type: lookup, reference: thing}}\n",
        )],
    );
    let path = |name: &str| folder.path().join(name).display().to_string();
    let answer = check(&[path("one"), path("two")]);
    assert_eq!((answer.exit_code, answer.error.as_str()), (0, ""));
    assert_eq!(
        answer.output,
        "one 1.0.0: 1 object, 1 other item, 2 seed records\ntwo 1.0.0: 1 object, 0 other items, 0 seed records\nno problems\n"
    );
    // Alone, the second points to nothing.
    assert_eq!(check(&[path("two")]).exit_code, 1);
}

#[test]
fn warnings_are_told_and_do_no_harm() {
    let folder = tempfile::tempdir().expect("a folder");
    write_app(
        folder.path(),
        "one",
        &[("thing.object.yml", GOOD), ("notes.yml", "a: 1\n")],
    );
    let answer = check(&[folder.path().display().to_string()]);
    assert_eq!(answer.exit_code, 0);
    assert!(answer.output.ends_with("no problems, 1 warning\n"), "{}", answer.output);
    assert!(answer.error.contains("notes.yml: warning: "), "{}", answer.error);
}

#[test]
fn all_problems_of_all_apps_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    write_app(
        &folder.path().join("one"),
        "one",
        &[("thing.object.yml", "name: thing\nfields: {name: {type: txt}}\n")],
    );
    let path = |name: &str| folder.path().join(name).display().to_string();
    let answer = check(&[path("one"), path("nowhere")]);
    assert_eq!((answer.exit_code, answer.output.as_str()), (1, ""));
    let lines: Vec<&str> = answer.error.lines().collect();
    assert_eq!(lines.len(), 3, "{}", answer.error);
    assert!(
        lines[0].ends_with("nowhere: the folder of the app does not exist; name a folder with an objectos.app.yml"),
        "{}",
        answer.error
    );
    assert!(
        lines[1].ends_with("thing.object.yml:2:23: fields.name.type: unknown value `txt`; did you mean `text`?"),
        "{}",
        answer.error
    );
    assert_eq!(lines[2], "2 problems");
}

#[test]
fn wrong_calls_are_explained() {
    for arguments in [vec![], vec!["--all".to_owned()]] {
        let answer = check(&arguments);
        assert_eq!((answer.exit_code, answer.output.as_str()), (2, ""));
        assert!(answer.error.starts_with("usage: "));
    }
}
