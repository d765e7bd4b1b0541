//! Programs of the system that the tests need: looked for, installed where that is allowed (root, and Debian or what comes of it),
//! and asked for by name where it is not.

use anyhow::{Result, bail};
use std::process::Command;

use crate::shell;

/// Programs without which tests fail, and the Debian packages that have them.
const ALWAYS: [(&str, &str); 6] = [
    ("bash", "bash"),
    ("cc", "gcc"),
    ("curl", "curl"),
    ("kill", "procps"),
    ("mkfifo", "coreutils"),
    ("timeout", "coreutils"),
];
/// Programs without which tests are skipped, which in continuous integration they are not to be.
const FOR_ALL_OF_IT: [(&str, &str); 1] = [("sqlite3", "sqlite3")];

/// Makes sure that all of them are there.
///
/// # Errors
/// Those that are not, each with its package.
pub(crate) fn check() -> Result<()> {
    for (program, package) in needed(true) {
        if !shell::exists(program) && may_install() {
            install(program, &[package])?;
        }
    }
    let missing = missing(all_of_it(), &shell::exists);
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "programs that the tests need are not there: {}; install them and begin again",
        missing.join(", ")
    )
}

fn needed(all: bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    ALWAYS.into_iter().chain(FOR_ALL_OF_IT.into_iter().filter(move |_| all))
}

fn missing(all: bool, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    needed(all)
        .filter(|&(program, _)| !exists(program))
        .map(|(program, package)| format!("{program} (Debian: apt-get install {package})"))
        .collect()
}

/// In continuous integration nothing is to be skipped.
pub(crate) fn all_of_it() -> bool {
    std::env::var_os("CI").is_some()
}

/// Root on Debian or what comes of it.
pub(crate) fn may_install() -> bool {
    let root = Command::new("id").arg("-u").output();
    root.is_ok_and(|id| id.stdout.trim_ascii() == b"0") && shell::exists("apt-get")
}

/// Installs packages of the system.
///
/// # Errors
/// What apt says.
pub(crate) fn install(what: &str, packages: &[&str]) -> Result<()> {
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .arg("-qq")
            .args(arguments);
        command
    };
    shell::run("package lists", &mut apt(&["update"]))?;
    let mut install = apt(&["install", "-y", "--no-install-recommends"]);
    shell::run(&format!("install {what}"), install.args(packages))
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        let without = |all: bool, gone: &[&str]| missing(all, &|program| !gone.contains(&program));
        assert!(without(true, &[]).is_empty());
        assert_eq!(
            without(false, &["curl", "sqlite3"]),
            ["curl (Debian: apt-get install curl)"]
        );
        assert_eq!(
            without(true, &["sqlite3"]),
            ["sqlite3 (Debian: apt-get install sqlite3)"]
        );
    }
}
