use std::os::unix::fs::symlink;

use super::*;

struct Lab {
    folder: tempfile::TempDir,
    runtime: RuntimeFolder,
}

fn lab() -> Lab {
    let folder = tempfile::tempdir().unwrap();
    let runtime = RuntimeFolder::open(&folder.path().join("run")).unwrap();
    Lab { folder, runtime }
}

impl Lab {
    fn library(&self, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join("x.so");
        fs::write(&path, content).unwrap();
        path
    }

    fn copies(&self) -> usize {
        fs::read_dir(self.runtime.path()).unwrap().count()
    }
}

#[test]
fn a_copy_is_private_named_by_content_and_gone_with_its_owner() {
    let lab = lab();
    let path = lab.library(b"content");
    let first = take(&path, &lab.runtime).unwrap();
    let second = take(&path, &lab.runtime).unwrap();
    assert_eq!(first.sha256, Digest::of(b"content"));
    assert_eq!(first.bytes, b"content");
    assert_ne!(
        first.copy.path(),
        second.copy.path(),
        "a path is used for one load only"
    );
    assert!(
        first
            .copy
            .path()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with(&first.sha256.short())
    );
    assert_eq!(fs::metadata(first.copy.path()).unwrap().mode() & 0o777, 0o400);
    assert_eq!(fs::metadata(lab.runtime.path()).unwrap().mode() & 0o777, 0o700);
    assert_eq!(lab.copies(), 2);
    drop((first, second));
    assert_eq!(lab.copies(), 0);
}

/// Does something to the file while it is copied, on each of the attempts named.
#[track_caller]
fn check_change(on_attempts: &[u32], change: impl Fn(&Path), expected: &Result<&[u8], RefusalReason>) {
    let lab = lab();
    let path = lab.library(b"before");
    let mut between = |attempt: u32| {
        if on_attempts.contains(&attempt) {
            change(&path);
        }
    };
    let found = take_watched(&path, &lab.runtime, &mut between);
    assert_eq!(
        found
            .as_ref()
            .map(|copied| copied.bytes.as_slice())
            .map_err(Clone::clone),
        *expected
    );
    drop(found);
    assert_eq!(lab.copies(), 0, "nothing stays behind");
}

#[test]
fn a_file_that_changes_while_it_is_copied_is_copied_again_then_refused() {
    let rewrite = |path: &Path| fs::write(path, b"after the change").unwrap();
    check_change(&[1], rewrite, &Ok(b"after the change"));
    let grow = |path: &Path| {
        use std::io::Write;
        OpenOptions::new()
            .append(true)
            .open(path)
            .unwrap()
            .write_all(b"+")
            .unwrap();
    };
    check_change(&[1, 2], grow, &Ok(b"before++"));
    check_change(
        &[1, 2, 3],
        grow,
        &Err(RefusalReason::ChangedWhileCopied { attempts: 3 }),
    );
    let replace = |path: &Path| {
        let other = path.with_extension("new");
        fs::write(&other, b"before").unwrap();
        fs::rename(&other, path).unwrap();
    };
    check_change(
        &[1, 2, 3],
        replace,
        &Err(RefusalReason::ChangedWhileCopied { attempts: 3 }),
    );
    check_change(&[1], replace, &Ok(b"before"));
    let remove = |path: &Path| {
        drop(fs::remove_file(path));
    };
    let found = RefusalReason::Unreadable {
        problem: "No such file or directory (os error 2)".to_owned(),
    };
    check_change(&[1], remove, &Err(found));
}

#[test]
fn opening_the_runtime_folder_sweeps_copies_of_dead_processes_alone() {
    let lab = lab();
    let alive = lab
        .runtime
        .path()
        .join(format!("0123456789abcdef-{}-9.so", std::process::id()));
    // Process ids end far below this one.
    let dead = lab.runtime.path().join("0123456789abcdef-4294967294-0.so");
    let foreign = lab.runtime.path().join("notes.txt");
    for path in [&alive, &dead, &foreign] {
        fs::write(path, b"x").unwrap();
    }
    RuntimeFolder::open(lab.runtime.path()).unwrap();
    assert_eq!([alive.exists(), dead.exists(), foreign.exists()], [true, false, true]);
}

#[test]
fn a_runtime_folder_that_is_a_link_or_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (link, file) = (folder.path().join("link"), folder.path().join("file"));
    symlink(folder.path(), &link).unwrap();
    fs::write(&file, b"").unwrap();
    assert!(matches!(
        RuntimeFolder::open(&link),
        Err(RuntimeFolderError::NotAFolder { .. })
    ));
    assert!(matches!(
        RuntimeFolder::open(&file),
        Err(RuntimeFolderError::Unusable { .. })
    ));
}
