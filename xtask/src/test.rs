//! `cargo xtask test`: everything that must be green, in the order in which it fails fastest. Installs what it needs where it
//! may; in continuous integration (`CI` set) nothing is skipped but advisories that nobody can fetch, elsewhere a skip is said
//! aloud, with the reason.

use anyhow::{Result, bail};
use std::process::Command;

use crate::{
    audit_spec,
    build::{self, Profile},
    compilers, hello, postgres, shell, supply, tidy,
};

pub(crate) fn test(filter: Option<&str>) -> Result<()> {
    if let Some(filter) = filter {
        let host = build::build(Profile::Dev)?;
        hello::build_example(Profile::Dev, false)?;
        hello::build_written(&host)?;
        let server = database()?;
        return shell::run("tests", tests(server.as_ref()).arg(filter));
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
    supply::check()?;
    let host = build::build(Profile::Dev)?;
    hello::build_example(Profile::Dev, true)?;
    hello::build_example(Profile::Dev, false)?;
    hello::build_written(&host)?;
    compilers::build_example()?;
    let server = database()?;
    browser()?;
    shell::run("unit, integration and end-to-end tests", &mut tests(server.as_ref()))?;
    drop(server);
    shell::say("── audit-spec");
    if audit_spec::audit_spec(false) != std::process::ExitCode::SUCCESS {
        bail!("audit-spec has findings");
    }
    Ok(())
}

fn tests(server: Option<&postgres::Server>) -> Command {
    let mut command = shell::cargo();
    // One run tells all that is wrong.
    command.args(["test", "--workspace", "--no-fail-fast"]);
    if let Some(server) = server {
        command.env(postgres::VARIABLE, server.url());
    }
    command
}

/// A PostgreSQL server for all tests, unless there is one already; its programs are installed where that is allowed.
pub(crate) fn database() -> Result<Option<postgres::Server>> {
    if std::env::var_os(postgres::VARIABLE).is_some() {
        return Ok(None);
    }
    let first = postgres::Server::start();
    let started = match first {
        Err(_) if may_install() => {
            install_postgres()?;
            postgres::Server::start()
        }
        other => other,
    };
    match started {
        Ok(server) => Ok(Some(server)),
        Err(reason) if std::env::var_os("CI").is_none() => {
            shell::say(&format!("skipped: nothing is tried on PostgreSQL, for {reason}"));
            Ok(None)
        }
        Err(reason) => bail!("PostgreSQL is needed: {reason}"),
    }
}

/// Root on Debian or what comes of it.
fn may_install() -> bool {
    let root = Command::new("id").arg("-u").output();
    root.is_ok_and(|id| id.stdout.trim_ascii() == b"0") && shell::exists("apt-get")
}

fn install_postgres() -> Result<()> {
    // No cluster of the system's own is wanted: each run has a server in a folder of its own.
    let folder = std::path::Path::new("/etc/postgresql-common/createcluster.d");
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("objectos.conf"), "create_main_cluster = false\n")?;
    install("PostgreSQL", "postgresql")
}

/// A browser for the tests of web pages, installed where that is allowed; without one they say that they are skipped.
fn browser() -> Result<()> {
    let known = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    if known.iter().any(|name| shell::exists(name)) || !may_install() {
        return Ok(());
    }
    install("Chromium", "chromium")
}

fn install(what: &str, package: &str) -> Result<()> {
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .arg("-qq")
            .args(arguments);
        command
    };
    shell::run("package lists", &mut apt(&["update"]))?;
    shell::run(
        &format!("install {what}"),
        &mut apt(&["install", "-y", "--no-install-recommends", package]),
    )
}
