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
mod table;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use std::{path::PathBuf, time::Duration};

use crate::{
    host::{Bare, Guard, Host},
    load::Load,
    stats::Series,
    table::{Mark, Table},
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
    /// Fail when a mark is missed.
    #[arg(long)]
    check: bool,
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
    let mut table = Table::begin();
    let wanted = |part: Part| cli.only.is_empty() || cli.only.contains(&part);
    if wanted(Part::Calls) {
        calls::measure(&cli.built, &mut table)?;
    }
    if wanted(Part::Open) {
        open(&cli, duration, &mut table)?;
    }
    if wanted(Part::Secured) {
        secured(&cli, duration, &mut table)?;
    }
    if wanted(Part::Identity) {
        identity(&cli, duration, &mut table)?;
    }
    if wanted(Part::Sharing) {
        sharing(&cli, duration, &mut table)?;
    }
    if wanted(Part::Start) {
        starts(&cli, &mut table)?;
    }
    let missed = table.end();
    ensure!(
        missed == 0 || !cli.check,
        "{missed} marks are missed: see the lines that say MISSED"
    );
    Ok(())
}

/// Without access control, against the plain program.
fn open(cli: &Cli, duration: Duration, table: &mut Table) -> Result<()> {
    let normal = pair(cli, "NORMAL")?;
    let (ours, bare) = &normal;
    reads(cli, ours, bare, duration, table)?;
    lists::measure(cli, ours, bare, duration, table)?;
    creates::normal(cli, ours, bare, duration, table)?;
    drop(normal);
    let (ours, bare) = pair(cli, "FULL")?;
    creates::full(cli, &ours, &bare, duration, table)
}

fn read_of(host: &Host) -> Result<Load> {
    let path = format!("/api/v1/data/account/{}", host.create(ACCOUNT)?);
    Ok(Load::get(host.address, &host.token, &path, 32))
}

fn create_in(host: &Host, connections: usize) -> Load {
    Load::post(host.address, &host.token, "/api/v1/data/account", ACCOUNT, connections)
}

/// Session, access plan, field mask and audit on, against the plain program and against the same host without them.
fn secured(cli: &Cli, duration: Duration, table: &mut Table) -> Result<()> {
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
        ("read one record", &reads, Mark::AtLeast(0.6)),
        ("create, NORMAL", &creates, Mark::AtLeast(0.35)),
    ] {
        let [mut on, mut off, mut plain] = [Series::default(), Series::default(), Series::default()];
        for _ in 0..cli.rounds {
            on.push(loads[0].run(duration).context("the secured host")?);
            off.push(loads[1].run(duration).context("the open host")?);
            plain.push(loads[2].run(duration).context("the plain program")?);
        }
        table.ratio(&format!("{what}, signed in and audited"), &on, &plain, Some(mark));
        let title = format!("{what}, access control on ÷ off");
        table.ratio(&title, &on, &off, Some(Mark::AtLeast(0.85)));
    }
    Ok(())
}

/// Signing in, and access plans that are known already.
fn identity(cli: &Cli, duration: Duration, table: &mut Table) -> Result<()> {
    let (ours, plain) = identity::logins(cli, duration)?;
    table.ratio(
        "logins/s against password hashes/s",
        &ours,
        &plain,
        Some(Mark::AtLeast(0.9)),
    );
    let plan_ns = identity::plan(&cli.built, &cli.repository)?;
    table.figure("access plan from cache, ns", plan_ns, 0, Some(Mark::AtMost(2_000.0)));
    Ok(())
}

/// Lists on a million records, by whom they are seen.
fn sharing(cli: &Cli, duration: Duration, table: &mut Table) -> Result<()> {
    let host = shared::start(cli)?;
    for (total, what, mark) in [
        (
            false,
            "list of 20 of a million, 5 rules ÷ administrator",
            Some(Mark::AtLeast(0.7)),
        ),
        (true, "the same with its total", None),
    ] {
        let (user, administrator) = shared::lists(cli, &host, total, duration)?;
        table.ratio(what, &user, &administrator, mark);
    }
    Ok(())
}

fn pair(cli: &Cli, synchronous: &str) -> Result<(Host, Bare)> {
    Ok((
        Host::start(cli, BENCH, synchronous, Guard::Open)?,
        Bare::start(&cli.built, synchronous)?,
    ))
}

fn reads(cli: &Cli, ours: &Host, bare: &Bare, duration: Duration, table: &mut Table) -> Result<()> {
    let left = read_of(ours)?;
    let right = Load::get(bare.address, "", &format!("/row/{}", bare.create(ACCOUNT)?), 32);
    let (mut a, mut b) = (Series::default(), Series::default());
    for _ in 0..cli.rounds {
        a.push(left.run(duration).context("read from the host")?);
        b.push(right.run(duration).context("read from the plain program")?);
    }
    table.ratio("read one record, requests/s", &a, &b, Some(Mark::AtLeast(0.5)));
    Ok(())
}

fn starts(cli: &Cli, table: &mut Table) -> Result<()> {
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
    table.figure("start to ready, ms", start.median(), 1, Some(Mark::AtMost(300.0)));
    table.figure(
        "idle memory (resident), MiB",
        idle.median(),
        1,
        Some(Mark::AtMost(48.0)),
    );
    table.figure("swap until switched, ms", swap.median(), 1, None);
    Ok(())
}
