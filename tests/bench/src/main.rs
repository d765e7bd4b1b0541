//! Measures ObjectOS against plain programs, side by side in one run: every figure is a ratio of two measurements that took
//! turns, and the median of the rounds counts. Called by `cargo xtask bench`.
#![allow(clippy::print_stdout)]

mod calls;
mod host;
mod load;
mod stats;

use anyhow::{Context, Result};
use clap::Parser;
use std::{path::PathBuf, time::Duration};

use crate::{
    host::{Bare, Host},
    load::Load,
    stats::Series,
};

#[derive(Debug, Parser)]
struct Cli {
    /// Folder with the release binaries and libraries.
    #[arg(long)]
    built: PathBuf,
    /// The repository.
    #[arg(long)]
    repository: PathBuf,
    /// Seconds for each measurement.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

/// A new account, as both programs take it.
const ACCOUNT: &str = r#"{"name":"Benchmark Incorporated","industry":"software","phone":"+49 30 1234567","website":"https://example.com","annual_revenue":1250000.5,"employees":321}"#;

fn main() -> Result<()> {
    let cli = Cli::parse();
    let duration = Duration::from_secs(cli.seconds);
    println!("{:<44} {:>12} {:>12} {:>9}   mark", "", "ours", "plain", "ratio");
    for line in calls::measure(&cli.built)? {
        println!("{line}");
    }
    for (synchronous, connections, mark) in [("NORMAL", 32, "≥ 0.25"), ("FULL", 1, ""), ("FULL", 64, "")] {
        let (ours, bare) = pair(&cli, synchronous)?;
        if synchronous == "NORMAL" {
            reads(&cli, &ours, &bare, duration)?;
        }
        creates(&cli, &ours, &bare, duration, synchronous, connections, mark)?;
    }
    starts(&cli)
}

fn pair(cli: &Cli, synchronous: &str) -> Result<(Host, Bare)> {
    Ok((
        Host::start(&cli.built, &cli.repository, synchronous)?,
        Bare::start(&cli.built, synchronous)?,
    ))
}

fn reads(cli: &Cli, ours: &Host, bare: &Bare, duration: Duration) -> Result<()> {
    let left = Load::get(
        ours.address,
        &format!("/api/v1/data/account/{}", ours.create(ACCOUNT)?),
        32,
    );
    let right = Load::get(bare.address, &format!("/row/{}", bare.create(ACCOUNT)?), 32);
    let (mut a, mut b) = (Series::default(), Series::default());
    for _ in 0..cli.rounds {
        a.push(left.run(duration).context("read from the host")?);
        b.push(right.run(duration).context("read from the plain program")?);
    }
    print("read one record, requests/s", &a, &b, "≥ 0.5");
    Ok(())
}

fn creates(
    cli: &Cli,
    ours: &Host,
    bare: &Bare,
    duration: Duration,
    synchronous: &str,
    connections: usize,
    mark: &str,
) -> Result<()> {
    let left = Load::post(ours.address, "/api/v1/data/account", ACCOUNT, connections);
    let right = Load::post(bare.address, "/row", ACCOUNT, connections);
    let (mut a, mut b) = (Series::default(), Series::default());
    for _ in 0..cli.rounds {
        a.push(left.run(duration).context("create in the host")?);
        b.push(right.run(duration).context("create in the plain program")?);
    }
    print(
        &format!("create, {synchronous}, {connections} clients, requests/s"),
        &a,
        &b,
        mark,
    );
    Ok(())
}

fn starts(cli: &Cli) -> Result<()> {
    let (mut start, mut idle, mut swap) = (Series::default(), Series::default(), Series::default());
    for _ in 0..cli.rounds {
        let host = Host::start(&cli.built, &cli.repository, "NORMAL")?;
        start.push(host.start_ms);
        // The start itself leaves pages behind that the allocator gives back with the first requests.
        idle.push(host.resident_mib()?);
        for plugin in ["objectos.server", "objectos.data"] {
            swap.push(host.swap_ms(plugin)?);
        }
    }
    println!(
        "{:<44} {:>12.1} {:>12} {:>9}   ≤ 300",
        "start to ready, ms",
        start.median(),
        "",
        ""
    );
    println!(
        "{:<44} {:>12.1} {:>12} {:>9}   ≤ 48",
        "idle memory (resident), MiB",
        idle.median(),
        "",
        ""
    );
    println!(
        "{:<44} {:>12.1} {:>12} {:>9}",
        "swap until switched, ms",
        swap.median(),
        "",
        ""
    );
    Ok(())
}

fn print(title: &str, ours: &Series, plain: &Series, mark: &str) {
    println!(
        "{title:<44} {:>12.0} {:>12.0} {:>9.2}   {mark}{}",
        ours.median(),
        plain.median(),
        ours.median() / plain.median(),
        if plain.spread() > 0.25 {
            "   (the plain program moved by more than a quarter: repeat on a quiet machine)"
        } else {
            ""
        }
    );
}
