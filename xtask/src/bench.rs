//! `cargo xtask bench`: builds everything for release and runs the benchmark of `tests/bench`.

use anyhow::Result;
use std::process::Command;

use crate::{
    build::{self, Profile},
    paths, shell,
};

pub(crate) fn bench(seconds: u64, rounds: u32) -> Result<()> {
    build::build(Profile::Release)?;
    let built = Profile::Release.folder();
    let mut command = Command::new(built.join("objectos-bench"));
    command
        .arg("--built")
        .arg(&built)
        .arg("--repository")
        .arg(paths::root());
    command.args(["--seconds", &seconds.to_string(), "--rounds", &rounds.to_string()]);
    shell::run("benchmark (median of rounds that take turns)", &mut command)
}

/// The engine on a million records; see `tests/bench/src/bin/scale.rs`.
pub(crate) fn scale(records: u64) -> Result<()> {
    build::build(Profile::Release)?;
    let mut command = Command::new(Profile::Release.folder().join("objectos-scale"));
    command.args(["--records", &records.to_string()]);
    shell::run("engine on many records", &mut command)
}
