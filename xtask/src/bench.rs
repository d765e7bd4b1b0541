//! `cargo xtask bench`: builds everything for release and runs the benchmark of `tests/bench`.

use anyhow::Result;
use std::process::Command;

use crate::{
    build::{self, Profile},
    paths, postgres, shell, test,
};

/// `check`: fails when a mark is missed.
pub(crate) fn bench(seconds: u64, rounds: u32, only: Option<&str>, check: bool) -> Result<()> {
    build::build(Profile::Release)?;
    let built = Profile::Release.folder();
    let mut command = Command::new(built.join("objectos-bench"));
    command
        .arg("--built")
        .arg(&built)
        .arg("--repository")
        .arg(paths::root());
    command.args(["--seconds", &seconds.to_string(), "--rounds", &rounds.to_string()]);
    command.args(only.into_iter().flat_map(|parts| ["--only", parts]));
    command.args(check.then_some("--check"));
    shell::run("benchmark (median of rounds that take turns)", &mut command)
}

/// The engine on a million records, in both databases; see `tests/bench/src/bin/scale`.
pub(crate) fn scale(records: u64) -> Result<()> {
    build::build(Profile::Release)?;
    let server = test::database()?;
    measure_scale(Profile::Release, records, server.as_ref())
}

/// The same of what is built. Without a server, which whoever starts it says, SQLite alone.
pub(crate) fn measure_scale(profile: Profile, records: u64, server: Option<&postgres::Server>) -> Result<()> {
    let on = |database: Option<&str>| {
        let mut command = Command::new(profile.folder().join("objectos-scale"));
        command.args(["--records", &records.to_string()]);
        command.args(database.into_iter().flat_map(|url| ["--database", url]));
        command
    };
    shell::run("engine on many records, SQLite", &mut on(None))?;
    let given = std::env::var(postgres::VARIABLE).ok();
    match server.map(postgres::Server::url).or(given.as_deref()) {
        Some(url) => shell::run("engine on many records, PostgreSQL", &mut on(Some(url))),
        None => Ok(()),
    }
}
