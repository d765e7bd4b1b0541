//! One record at a time, by few and by many clients: NORMAL, where a commit waits for nothing, and FULL, where it waits for the
//! disk and those that wait together share it. Not here: many records in one request (`lists`).

use anyhow::{Context, Result};
use std::time::Duration;

use crate::{
    ACCOUNT, Cli, create_in,
    host::{Bare, Host},
    load::Load,
    stats::Series,
    table::{Mark, Table},
};

/// Clients, and what is asked of the ratio to the plain program.
type Clients = &'static [(usize, Option<Mark>)];

/// One after the other or many at once: a create takes no more than four times as long as in the plain program.
const CREATE: Option<Mark> = Some(Mark::AtLeast(0.25));
const NORMAL: Clients = &[(1, CREATE), (32, CREATE), (64, CREATE)];
const FULL: Clients = &[(1, None), (64, None)];
/// What many clients make of a disk that one commit after the other waits for.
const SHARED_COMMITS: Mark = Mark::AtLeast(5.0);

/// What one number of clients came to, in both programs.
struct Measured {
    clients: usize,
    mark: Option<Mark>,
    ours: Series,
    plain: Series,
}

pub(crate) fn normal(cli: &Cli, ours: &Host, bare: &Bare, duration: Duration, table: &mut Table) -> Result<()> {
    let measured = all(cli, ours, bare, duration, NORMAL)?;
    show(&measured, "NORMAL", table);
    Ok(())
}

pub(crate) fn full(cli: &Cli, ours: &Host, bare: &Bare, duration: Duration, table: &mut Table) -> Result<()> {
    let measured = all(cli, ours, bare, duration, FULL)?;
    show(&measured, "FULL", table);
    let of = |clients: usize| {
        let found = measured.iter().find(|measured| measured.clients == clients);
        found.with_context(|| format!("{clients} clients were measured"))
    };
    let (one, many) = (of(1)?, of(64)?);
    for (what, alone) in [("our", &one.ours), ("plain", &one.plain)] {
        let title = format!("create, FULL, 64 clients ÷ {what} one-by-one commits");
        table.ratio(&title, &many.ours, alone, Some(SHARED_COMMITS));
    }
    Ok(())
}

/// Every number of clients in every round, in both programs in turn, so that all of it can be compared.
fn all(cli: &Cli, ours: &Host, bare: &Bare, duration: Duration, clients: Clients) -> Result<Vec<Measured>> {
    let measured = |&(clients, mark): &(usize, Option<Mark>)| Measured {
        clients,
        mark,
        ours: Series::default(),
        plain: Series::default(),
    };
    let mut measured: Vec<Measured> = clients.iter().map(measured).collect();
    for _ in 0..cli.rounds {
        for one in &mut measured {
            let plain = Load::post(bare.address, "", "/row", ACCOUNT, one.clients);
            one.ours.push(
                create_in(ours, one.clients)
                    .run(duration)
                    .context("create in the host")?,
            );
            one.plain
                .push(plain.run(duration).context("create in the plain program")?);
        }
    }
    Ok(measured)
}

fn show(measured: &[Measured], synchronous: &str, table: &mut Table) {
    for one in measured {
        let title = format!("create, {synchronous}, {} clients, requests/s", one.clients);
        table.ratio(&title, &one.ours, &one.plain, one.mark);
    }
}
