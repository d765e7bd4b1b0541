//! `cargo xtask test`: everything that must be green, in the order in which it fails fastest. Installs what it needs where it
//! may; in continuous integration (`CI` set) nothing is skipped but advisories that nobody can fetch, elsewhere a skip is said
//! aloud, with the reason.

use anyhow::{Result, bail};
use std::process::Command;

use crate::{
    audit_spec, bench,
    build::{self, Profile},
    compilers, hello, needs, postgres, shell, supply, tidy,
};

/// Enough for a database to take the plans that it takes for a million (`cargo xtask bench --scale`).
const SCALE_RECORDS: u64 = 100_000;

pub(crate) fn test(filter: Option<&str>) -> Result<()> {
    needs::check()?;
    if let Some(filter) = filter {
        let host = build::build(Profile::Dev)?;
        hello::build_example(Profile::Dev, false)?;
        hello::build_written(&host)?;
        if needs::all_of_it() {
            compilers::build_example()?;
        }
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
    bench::measure_scale(Profile::Dev, SCALE_RECORDS, server.as_ref())?;
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
        Err(_) if needs::may_install() => {
            install_postgres()?;
            postgres::Server::start()
        }
        other => other,
    };
    match started {
        Ok(server) => Ok(Some(server)),
        Err(reason) if !needs::all_of_it() => {
            shell::say(&format!("skipped: nothing is tried on PostgreSQL, for {reason}"));
            Ok(None)
        }
        Err(reason) => bail!(
            "PostgreSQL is needed where CI is set, and there is none: {reason}. Install its server, or name one as in \
             {}=postgres://user@host:port/database, or take CI away to have these tests skipped",
            postgres::VARIABLE
        ),
    }
}

fn install_postgres() -> Result<()> {
    // No cluster of the system's own is wanted: each run has a server in a folder of its own.
    let folder = std::path::Path::new("/etc/postgresql-common/createcluster.d");
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("objectos.conf"), "create_main_cluster = false\n")?;
    needs::install("PostgreSQL", &["postgresql"])
}

/// A browser for the tests of web pages, installed where that is allowed; without one they say that they are skipped, which in
/// continuous integration they are not to be.
fn browser() -> Result<()> {
    let known = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    if known.iter().any(|name| shell::exists(name)) {
        return Ok(());
    }
    if needs::may_install() {
        return needs::install("Chromium", &["chromium"]);
    }
    if needs::all_of_it() {
        bail!("a browser is needed where CI is set: install one (Debian: apt-get install chromium), or take CI away");
    }
    Ok(())
}
