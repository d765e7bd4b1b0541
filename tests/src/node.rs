//! Tests written for Node: a folder with `package.json` and `*.test.mjs`, copied below the target directory, where its packages
//! are installed once per lock file and kept. Nothing is installed in the repository.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

use crate::plugins::built;

/// One at a time: tests of one program share folders.
static PREPARING: Mutex<()> = Mutex::new(());

/// Name of the copy of the lock file that was installed last.
const STAMP: &str = "installed-lock.json";

/// A folder whose packages are installed.
#[derive(Debug)]
pub struct Workspace {
    folder: PathBuf,
}

/// What a run of tests came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// What Node wrote, as TAP.
    pub output: String,
}

impl Workspace {
    /// Copies the folder and installs its packages. `None`, with the reason on stderr, when they cannot be installed; in
    /// continuous integration (`CI` set) that fails.
    #[must_use]
    pub fn prepare(source: &Path) -> Option<Self> {
        // A test that failed while it held the lock left nothing half done that the next one would not do again.
        let _one = PREPARING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let name = source.file_name().expect("a folder with a name");
        let folder = built().parent().expect("target").join("node").join(name);
        copy(source, &folder);
        match install(&folder) {
            Ok(()) => Some(Self { folder }),
            Err(reason) => {
                assert!(
                    std::env::var_os("CI").is_none(),
                    "packages of {}: {reason}",
                    source.display()
                );
                eprintln!(
                    "skipped: packages of {} cannot be installed: {reason}",
                    source.display()
                );
                None
            }
        }
    }

    /// Runs the tests of one file.
    #[must_use]
    pub fn test(&self, file: &str, environment: &[(&str, &str)]) -> Outcome {
        let output = Command::new("node")
            .args(["--test", "--test-reporter=tap", file])
            .current_dir(&self.folder)
            .envs(environment.iter().copied())
            .env_remove("NODE_OPTIONS")
            .stdin(Stdio::null())
            .output()
            .expect("node was there when the packages were installed");
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let count = |name: &str| {
            let line = text
                .lines()
                .rev()
                .find_map(|line| line.strip_prefix("# ")?.strip_prefix(name));
            line.and_then(|rest| rest.trim().parse().ok())
        };
        let (Some(passed), Some(failed)) = (count("pass "), count("fail ")) else {
            panic!("node --test {file} did not come to an end:\n{text}");
        };
        // A process that fails outside of its tests counts none of them as failed.
        let failed = if output.status.success() {
            failed
        } else {
            u64::max(failed, 1)
        };
        Outcome {
            passed,
            failed,
            output: failures(&text),
        }
    }
}

/// The parts of a TAP document that speak of tests that failed, with what was written beside.
fn failures(text: &str) -> String {
    let mut kept = String::new();
    let mut inside = false;
    for line in text.lines() {
        let start = line.trim_start();
        if start.starts_with("ok ") || start.starts_with("# Subtest") {
            inside = false;
        } else if start.starts_with("not ok ") {
            inside = true;
        }
        if inside {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    if kept.is_empty() { text.to_owned() } else { kept }
}

/// Copies files and folders, but no packages; what is not in the source any more is taken away.
fn copy(source: &Path, goal: &Path) {
    fs::create_dir_all(goal).expect("a folder below target can be made");
    let kept = |name: &std::ffi::OsStr| name == "node_modules" || name == STAMP;
    for entry in fs::read_dir(goal).expect("a folder can be read") {
        let entry = entry.expect("an entry");
        if kept(&entry.file_name()) || source.join(entry.file_name()).exists() {
            continue;
        }
        let path = entry.path();
        let gone = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        gone.expect("an old file can be removed");
    }
    for entry in fs::read_dir(source).expect("a folder can be read") {
        let entry = entry.expect("an entry");
        if kept(&entry.file_name()) {
            continue;
        }
        let (path, goal) = (entry.path(), goal.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &goal);
        } else if fs::read(&goal).ok() != fs::read(&path).ok() {
            // Not otherwise: another test may be reading it.
            fs::copy(&path, &goal).expect("a file can be copied");
        }
    }
}

/// `npm ci`, unless the packages of this lock file are there.
fn install(folder: &Path) -> Result<(), String> {
    let lock = fs::read(folder.join("package-lock.json")).expect("a lock file");
    let stamp = folder.join(STAMP);
    if folder.join("node_modules").is_dir() && fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let output = Command::new("npm")
        .args(["ci", "--no-progress", "--loglevel=error"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("npm cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    fs::write(&stamp, &lock).expect("a stamp can be written");
    Ok(())
}
