//! Lists of twenty records, alone, with their true total and with one relation, and loading in bulk, against the plain program
//! on as many rows. Not here: one record at a time (`main`), and a million records (`bin/scale.rs`).

use anyhow::{Context, Result};
use std::time::Duration;

use crate::{
    ACCOUNT, Cli,
    host::{Bare, Host},
    load::Load,
    stats::Series,
    table::{Mark, Table},
};

/// Records of each object in both programs.
const RECORDS: usize = 1_000;
/// Records of one request of bulk loading.
const BULK: usize = 100;

/// What is asked of a list, whatever is in it: half of what the plain program does.
const LIST: Mark = Mark::AtLeast(0.5);
/// What is asked of bulk loading.
const LOAD: Mark = Mark::AtLeast(0.4);

pub(crate) fn measure(cli: &Cli, ours: &Host, bare: &Bare, duration: Duration, table: &mut Table) -> Result<()> {
    let many = format!("[{}]", vec![ACCOUNT; BULK].join(","));
    for _ in 0..RECORDS / BULK {
        ours.post("/api/v1/data/account/createMany", &many)?;
        bare.post("/rows", &many)?;
    }
    let (account, row) = (ours.create(ACCOUNT)?, bare.create(ACCOUNT)?);
    for number in 0..RECORDS {
        ours.post("/api/v1/data/contact", &contact(number, &account))?;
        bare.post("/contact", &contact(number, &row))?;
    }
    for (what, path, plain) in [
        (
            "list of 20, without total",
            "/api/v1/data/account?top=20&count=false",
            "/rows",
        ),
        (
            "list of 20, with total",
            "/api/v1/data/account?top=20&count=true",
            "/rows?total",
        ),
        (
            "list of 20, with one relation",
            "/api/v1/data/contact?top=20&count=false&expand=account",
            "/rows?relation",
        ),
    ] {
        let pair = [
            Load::get(ours.address, &ours.token, path, 32),
            Load::get(bare.address, "", plain, 32),
        ];
        compare(cli, &format!("{what}, requests/s"), LIST, &pair, duration, table)?;
    }
    let pair = [
        Load::post(ours.address, &ours.token, "/api/v1/data/account/createMany", &many, 4),
        Load::post(bare.address, "", "/rows", &many, 4),
    ];
    compare(
        cli,
        &format!("bulk load, {BULK} in one request, requests/s"),
        LOAD,
        &pair,
        duration,
        table,
    )
}

fn contact(number: usize, account: &str) -> String {
    format!(r#"{{"name":"Contact {number}","account":"{account}"}}"#)
}

fn compare(cli: &Cli, title: &str, mark: Mark, pair: &[Load; 2], duration: Duration, table: &mut Table) -> Result<()> {
    let (mut left, mut right) = (Series::default(), Series::default());
    for _ in 0..cli.rounds {
        left.push(pair[0].run(duration).with_context(|| format!("{title}: the host"))?);
        right.push(
            pair[1]
                .run(duration)
                .with_context(|| format!("{title}: the plain program"))?,
        );
    }
    table.ratio(title, &left, &right, Some(mark));
    Ok(())
}
