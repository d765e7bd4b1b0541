//! Measures ObjectOS against plain programs, side by side in one run: every figure is a ratio of two measurements that took
//! turns, and the median of the rounds counts. Called by `cargo xtask bench`.
#![allow(clippy::print_stdout)]

mod calls;
mod creates;
mod host;
mod identity;
mod lists;
mod load;
mod shared;
mod stats;

use anyhow::{Context, Result};
use clap::Parser;
use std::{path::PathBuf, time::Duration};

use crate::{
    host::{Bare, Guard, Host},
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
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
}

/// Parts of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// A service call across the ABI.
    Calls,
    /// Reading, lists, bulk loading and creating, without access control.
    Open,
    /// The same with session, access plan and audit.
    Secured,
    /// Signing in, and access plans from the cache.
    Identity,
    /// Lists on a million records.
    Sharing,
    /// Start, idle memory, swap.
    Start,
}

/// The app with the columns of the plain program.
const BENCH: &str = "tests/bench/app";
/// What a user starts first.
const CRM: &str = "examples/crm";

/// A new account, as both programs take it.
const ACCOUNT: &str = r#"{"name":"Benchmark Incorporated","industry":"software","phone":"+49 30 1234567","website":"https://example.com","annual_revenue":1250000.5,"employees":321}"#;

fn main() -> Result<()> {
    let mut cli = Cli::parse();
    // The programs run in folders of their own.
    cli.built = cli.built.canonicalize().context("--built")?;
    cli.repository = cli.repository.canonicalize().context("--repository")?;
    let duration = Duration::from_secs(cli.seconds);
    println!("{:<44} {:>12} {:>12} {:>9}   mark", "", "ours", "plain", "ratio");
    let wanted = |part: Part| cli.only.is_empty() || cli.only.contains(&part);
    if wanted(Part::Calls) {
        for line in calls::measure(&cli.built)? {
            println!("{line}");
        }
    }
    if wanted(Part::Open) {
        open(&cli, duration)?;
    }
    if wanted(Part::Secured) {
        secured(&cli, duration)?;
    }
    if wanted(Part::Identity) {
        identity(&cli, duration)?;
    }
    if wanted(Part::Sharing) {
        sharing(&cli, duration)?;
    }
    if wanted(Part::Start) {
        starts(&cli)?;
    }
    Ok(())
}

/// Without access control, against the plain program.
fn open(cli: &Cli, duration: Duration) -> Result<()> {
    let normal = pair(cli, "NORMAL")?;
    let (ours, bare) = &normal;
    reads(cli, ours, bare, duration)?;
    lists::measure(cli, ours, bare, duration)?;
    creates::normal(cli, ours, bare, duration)?;
    drop(normal);
    let (ours, bare) = pair(cli, "FULL")?;
    creates::full(cli, &ours, &bare, duration)
}

fn read_of(host: &Host) -> Result<Load> {
    let path = format!("/api/v1/data/account/{}", host.create(ACCOUNT)?);
    Ok(Load::get(host.address, &host.token, &path, 32))
}

fn create_in(host: &Host, connections: usize) -> Load {
    Load::post(host.address, &host.token, "/api/v1/data/account", ACCOUNT, connections)
}

/// Session, access plan, field mask and audit on, against the plain program and against the same host without them.
fn secured(cli: &Cli, duration: Duration) -> Result<()> {
    let ours = Host::start(cli, BENCH, "NORMAL", Guard::Secured)?;
    let (open, bare) = pair(cli, "NORMAL")?;
    let row = format!("/row/{}", bare.create(ACCOUNT)?);
    let reads = [read_of(&ours)?, read_of(&open)?, Load::get(bare.address, "", &row, 32)];
    let creates = [
        create_in(&ours, 32),
        create_in(&open, 32),
        Load::post(bare.address, "", "/row", ACCOUNT, 32),
    ];
    for (what, loads, mark) in [
        ("read one record", &reads, "≥ 0.6"),
        ("create, NORMAL", &creates, "≥ 0.35"),
    ] {
        let [mut on, mut off, mut plain] = [Series::default(), Series::default(), Series::default()];
        for _ in 0..cli.rounds {
            on.push(loads[0].run(duration).context("the secured host")?);
            off.push(loads[1].run(duration).context("the open host")?);
            plain.push(loads[2].run(duration).context("the plain program")?);
        }
        print(&format!("{what}, signed in and audited"), &on, &plain, mark);
        print(&format!("{what}, access control on ÷ off"), &on, &off, "≥ 0.85");
    }
    Ok(())
}

/// Signing in, and access plans that are known already.
fn identity(cli: &Cli, duration: Duration) -> Result<()> {
    let (ours, plain) = identity::logins(cli, duration)?;
    print("logins/s against password hashes/s", &ours, &plain, "≥ 0.9");
    println!("{}", identity::plan(&cli.built, &cli.repository)?);
    Ok(())
}

/// Lists on a million records, by whom they are seen.
fn sharing(cli: &Cli, duration: Duration) -> Result<()> {
    let host = shared::start(cli)?;
    for (total, what, mark) in [
        (false, "list of 20 of a million, 5 rules ÷ administrator", "≥ 0.7"),
        (true, "the same with its total", ""),
    ] {
        let (user, administrator) = shared::lists(cli, &host, total, duration)?;
        print(what, &user, &administrator, mark);
    }
    Ok(())
}

fn pair(cli: &Cli, synchronous: &str) -> Result<(Host, Bare)> {
    Ok((
        Host::start(cli, BENCH, synchronous, Guard::Open)?,
        Bare::start(&cli.built, synchronous)?,
    ))
}

fn reads(cli: &Cli, ours: &Host, bare: &Bare, duration: Duration) -> Result<()> {
    let left = read_of(ours)?;
    let right = Load::get(bare.address, "", &format!("/row/{}", bare.create(ACCOUNT)?), 32);
    let (mut a, mut b) = (Series::default(), Series::default());
    for _ in 0..cli.rounds {
        a.push(left.run(duration).context("read from the host")?);
        b.push(right.run(duration).context("read from the plain program")?);
    }
    print("read one record, requests/s", &a, &b, "≥ 0.5");
    Ok(())
}

fn starts(cli: &Cli) -> Result<()> {
    let (mut start, mut idle, mut swap) = (Series::default(), Series::default(), Series::default());
    for _ in 0..cli.rounds {
        let host = Host::start(cli, CRM, "NORMAL", Guard::Open)?;
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
