//! Which files belong to an app, and when a folder counts as changed.

use std::fs;

use super::{Fingerprint, Problems, read_app};

fn write(folder: &std::path::Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

#[test]
fn globs_and_ignored_folders_decide() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let manifest = "id: demo\nversion: 1.0.0\nexclude: ['drafts/**']\n";
    write(root, "objectos.app.yml", manifest);
    for name in [
        "b.object.yml",
        "objects/a.object.yaml",
        "c.view.json",
        "package.json",
        "README.md",
        "drafts/d.object.yml",
        "node_modules/e.object.yml",
        ".hidden/f.object.yml",
        "dist/g.object.yml",
        "target/h.object.yml",
    ] {
        write(root, name, "a: 1\n");
    }
    let check = |expected: &[&str]| {
        let mut problems = Problems::default();
        let package = read_app(root, &mut problems).expect("an app");
        assert_eq!(problems.into_sorted(), []);
        let prefix = format!("{}/", root.display());
        let names: Vec<&str> = package
            .files
            .iter()
            .map(|file| file.name.strip_prefix(&prefix).expect("inside"))
            .collect();
        assert_eq!(names, expected);
    };
    check(&[
        "b.object.yml",
        "c.view.json",
        "dist/g.object.yml",
        "objects/a.object.yaml",
    ]);
    write(root, "src/i.object.yml", "a: 1\n");
    check(&[
        "b.object.yml",
        "c.view.json",
        "objects/a.object.yaml",
        "src/i.object.yml",
    ]);
    write(
        root,
        "objectos.app.yml",
        "id: demo\nversion: 1.0.0\nglobs: ['./objects/*', src/**]\n",
    );
    check(&["objects/a.object.yaml", "src/i.object.yml"]);
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "outside/secret.object.yml", "a: 1\n");
    write(folder.path(), "app/objectos.app.yml", "id: demo\nversion: 1.0.0\n");
    std::os::unix::fs::symlink(folder.path().join("outside"), folder.path().join("app/inside")).expect("a link");
    std::os::unix::fs::symlink(
        folder.path().join("outside/secret.object.yml"),
        folder.path().join("app/x.object.yml"),
    )
    .expect("a link");
    let package = read_app(&folder.path().join("app"), &mut Problems::default()).expect("an app");
    assert_eq!(package.files, []);
}

#[test]
fn broken_files_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "objectos.app.yml", "id: demo\nversion: 1.0.0\n");
    fs::write(folder.path().join("a.object.yml"), [0xff, 0xfe, 0x00]).expect("a file");
    let mut problems = Problems::default();
    read_app(folder.path(), &mut problems);
    let found: Vec<String> = problems.into_sorted().iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 1);
    assert!(
        found[0].ends_with("a.object.yml: the file is not text in UTF-8; save it as UTF-8"),
        "{found:?}"
    );
}

#[test]
fn every_change_has_another_fingerprint() {
    let folder = tempfile::tempdir().expect("a folder");
    let folders = [folder.path().to_owned()];
    write(folder.path(), "a.object.yml", "a: 1\n");
    let first = Fingerprint::of(&folders);
    assert_eq!(first, Fingerprint::of(&folders));
    write(folder.path(), "b.object.yml", "a: 1\n");
    let second = Fingerprint::of(&folders);
    assert_ne!(first, second);
    write(folder.path(), "b.object.yml", "a: 12\n");
    let third = Fingerprint::of(&folders);
    assert_ne!(second, third);
    fs::remove_file(folder.path().join("b.object.yml")).expect("a file");
    assert_eq!(first, Fingerprint::of(&folders));
}
