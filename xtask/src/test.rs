//! `cargo xtask test`: everything that must be green, in the order in which it fails fastest. Installs what it needs where it
//! may; in continuous integration (`CI` set) nothing is skipped, elsewhere a skip is said aloud.

use anyhow::{Result, bail};
use std::process::Command;

use crate::{
    audit_spec,
    build::{self, Profile},
    hello, shell, tidy,
};

/// The version of cargo-deny that is installed when there is none.
const DENY_VERSION: &str = "0.20.2";

pub(crate) fn test(filter: Option<&str>) -> Result<()> {
    if let Some(filter) = filter {
        build::build(Profile::Dev)?;
        hello::build_example(Profile::Dev, false)?;
        return shell::run("tests", shell::cargo().args(["test", "--workspace", filter]));
    }
    shell::run("formatter", shell::cargo().args(["fmt", "--all", "--check"]))?;
    tidy::tidy()?;
    shell::run(
        "clippy",
        shell::cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ]),
    )?;
    licences()?;
    build::build(Profile::Dev)?;
    hello::build_example(Profile::Dev, true)?;
    hello::build_example(Profile::Dev, false)?;
    shell::run(
        "unit, integration and end-to-end tests",
        shell::cargo().args(["test", "--workspace"]),
    )?;
    shell::say("── audit-spec");
    if audit_spec::audit_spec(false) != std::process::ExitCode::SUCCESS {
        bail!("audit-spec has findings");
    }
    Ok(())
}

fn licences() -> Result<()> {
    if !shell::exists("cargo-deny") {
        if std::env::var_os("CI").is_none() {
            shell::say(
                "skipped: licences and sources are not checked, for cargo-deny is not installed (cargo install cargo-deny --locked)",
            );
            return Ok(());
        }
        let mut install = shell::cargo();
        install.args([
            "install",
            "cargo-deny",
            "--locked",
            "--version",
            DENY_VERSION,
            "--quiet",
        ]);
        shell::run("install cargo-deny", &mut install)?;
    }
    let mut deny = Command::new("cargo-deny");
    deny.current_dir(crate::paths::root())
        .args(["--log-level", "error", "check", "licenses", "bans", "sources"]);
    shell::run("licences and sources", &mut deny)
}
