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
