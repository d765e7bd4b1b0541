//! The engine on many records: lists with an indexed filter and a true total, pages far behind by cursor, figures by month, text
//! search, a walk over everything, and an export of everything in every form. Prints times, query plans and the memory of the
//! process, and fails where an index is not used that must be. Called by `cargo xtask bench --scale`, and with fewer records by
//! `cargo xtask test`.
#![allow(clippy::print_stdout)]

mod demand;
mod nothing;
mod queries;
mod record;
mod walk;
mod world;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser;
use objectos_data::store::{
    Expect, PostgresOptions, PostgresStore, SqliteOptions, SqliteStore, Statement, Store, WriteUnit,
};
use serde_json::Value;

use crate::world::World;

#[derive(Debug, Parser)]
struct Cli {
    /// Records.
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// Where the database goes, and stays for the next run; a temporary folder unless it is said.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Address of a PostgreSQL database to do it in instead, in a schema of its own.
    #[arg(long)]
    database: Option<String>,
    /// The schema stays for the next run.
    #[arg(long)]
    keep: bool,
}

/// The schema of a PostgreSQL database that stays; one that does not has the number of the process behind it.
const SCHEMA: &str = "objectos_scale";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let temporary = tempfile::tempdir()?;
    let Some(url) = cli.database else {
        let folder = cli.folder.unwrap_or_else(|| temporary.path().to_owned());
        let store = SqliteStore::open(SqliteOptions::new(folder.join("data.db"))).await?;
        return measure(Arc::new(store), cli.records).await;
    };
    let schema = match cli.keep {
        true => SCHEMA.to_owned(),
        false => format!("{SCHEMA}_{}", std::process::id()),
    };
    let open = async || {
        let schema = Some(schema.clone());
        let options = PostgresOptions::new(url.clone());
        PostgresStore::open(PostgresOptions { schema, ..options }).await
    };
    let measured = measure(Arc::new(open().await?), cli.records).await;
    if !cli.keep {
        let store = open().await?;
        let mut unit = WriteUnit::default();
        let drop = format!("DROP SCHEMA \"{schema}\" CASCADE");
        unit.push(Statement::new(drop, Vec::new()), Expect::Anything);
        store.write(unit).await?;
        store.close().await;
    }
    measured
}

async fn measure(store: Arc<dyn Store>, records: u64) -> Result<()> {
    let world = World::open(store, records).await?;
    let started = Instant::now();
    world.fill(records).await?;
    println!(
        "{} records after {} s",
        world.count().await?,
        started.elapsed().as_secs()
    );
    queries::lists(&world).await?;
    queries::pages(&world, records).await?;
    queries::figures(&world).await?;
    queries::searches(&world, records).await?;
    walk::walk(&world, records).await?;
    walk::exports(&world, records).await?;
    world.store.close().await;
    Ok(())
}

fn print_line(name: &str, time: Duration, total: &Value) {
    let ms = time.as_micros() / 10;
    println!("{name:<58} {:>8}.{:02} ms   {total}", ms / 100, ms % 100);
}

/// Resident memory of the process in KiB.
fn memory_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("a size")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
