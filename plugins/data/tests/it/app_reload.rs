//! Reloading: what differs, and that errors leave everything as it was.

use objectos_data::app::Library;

use crate::app_support::write_app;

const ONE: &str = "name: one\nfields: {title: {type: text}}\n";
const TWO: &str = "name: two\nfields: {one: {type: lookup, reference: one}}\n";

fn named(items: &[(&'static str, String)]) -> Vec<String> {
    items.iter().map(|(kind, name)| format!("{kind} {name}")).collect()
}

#[test]
fn a_change_is_described_and_taken_when_accepted() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("demo");
    write_app(
        &path,
        "demo",
        &[("one.object.yml", ONE), ("one.data.yml", "- {title: a}\n")],
    );
    let library = Library::new(vec![path.clone()]);
    assert_eq!(library.catalogue().version(), 0);
    let first = library.reload().expect("a catalogue");
    assert_eq!(named(&first.added), ["object one", "package demo"]);
    assert!(first.seeds_changed);
    assert_eq!(library.catalogue().version(), 0);
    library.accept(&first);
    assert_eq!(library.catalogue().version(), 1);
    assert!(library.reload().expect("a catalogue").is_empty());

    write_app(
        &path,
        "demo",
        &[
            ("one.object.yml", &format!("{ONE}label: First\n")),
            ("two.object.yml", TWO),
            ("all.view.yml", "object: two\n"),
        ],
    );
    let second = library.reload().expect("a catalogue");
    assert_eq!(named(&second.added), ["object two", "view all"]);
    assert_eq!(named(&second.changed), ["object one"]);
    assert!(second.removed.is_empty() && !second.seeds_changed);
    assert_eq!(second.kinds(), ["object", "view"]);
    let before = library.catalogue();
    library.accept(&second);
    assert_eq!((before.objects().len(), library.catalogue().objects().len()), (1, 2));

    std::fs::remove_file(path.join("two.object.yml")).expect("a file");
    std::fs::remove_file(path.join("all.view.yml")).expect("a file");
    assert_eq!(
        named(&library.reload().expect("a catalogue").removed),
        ["object two", "view all"]
    );
}

#[test]
fn errors_leave_the_old_catalogue() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("demo");
    write_app(&path, "demo", &[("one.object.yml", ONE)]);
    let library = Library::new(vec![path.clone(), folder.path().join("nowhere")]);
    let problems = library.reload().expect_err("a folder is missing");
    assert_eq!(problems.len(), 1);
    let library = Library::new(vec![path.clone()]);
    library.accept(&library.reload().expect("a catalogue"));
    write_app(
        &path,
        "demo",
        &[
            ("one.object.yml", "name: one\nfields: {title: {type: txt}}\n"),
            ("two.object.yml", TWO),
        ],
    );
    let problems = library.reload().expect_err("a bad file");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(library.catalogue().version(), 1);
    assert!(library.catalogue().object("two").is_none());
}

#[test]
fn plugins_declare_objects_the_same_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("demo");
    let two = "name: two\nfields: {session: {type: lookup, reference: sys_session}}\n";
    write_app(&path, "demo", &[("two.object.yml", two)]);
    let library = Library::new(vec![path]);
    assert!(library.reload().is_err());
    let session = "name: sys_session\nisSystem: true\nfields: {token: {type: text}}\n";
    library.load_documents(
        "objectos.auth",
        vec![("sys_session.object.yml".to_owned(), session.to_owned())],
    );
    library.accept(&library.reload().expect("a catalogue"));
    let catalogue = library.catalogue();
    let object = catalogue.object("sys_session").expect("the object");
    assert_eq!((object.package.as_str(), object.system), ("objectos.auth", true));
    library.load_documents("objectos.auth", Vec::new());
    assert!(library.reload().is_err());
}

#[test]
fn apps_point_at_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let (base, more) = (folder.path().join("base"), folder.path().join("more"));
    write_app(
        &base,
        "base",
        &[("one.object.yml", ONE), ("en.translation.yml", "hello: Hello\n")],
    );
    write_app(
        &more,
        "more",
        &[("two.object.yml", TWO), ("en.translation.yml", "bye: Bye\n")],
    );
    std::fs::write(
        more.join("objectos.app.yml"),
        "id: more\nversion: 1.0.0\ndependencies: {base: '^2'}\n",
    )
    .expect("a file");
    let library = Library::new(vec![base.clone(), more.clone()]);
    let problems = library.reload().expect_err("the version does not fit");
    assert!(
        problems[0].to_string().ends_with(
            "dependencies.base: the app needs `base` ^2, loaded is 1.0.0; load a version that fits, or widen the range"
        ),
        "{problems:?}"
    );
    std::fs::write(
        more.join("objectos.app.yml"),
        "id: more\nversion: 1.0.0\ndependencies: {base: '^1'}\n",
    )
    .expect("a file");
    let change = library.reload().expect("a catalogue");
    let translations: Vec<&str> = change
        .catalogue
        .metadata()
        .list("translations")
        .map(|entry| entry.name.as_str())
        .collect();
    assert_eq!(translations, ["en", "more.en"]);
    let twice = Library::new(vec![base.clone(), base]);
    assert!(
        twice.reload().expect_err("twice")[0]
            .message
            .contains("the package `base` is there twice")
    );
}
