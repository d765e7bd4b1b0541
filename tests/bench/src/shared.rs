//! What sharing costs on many records: the same list of 20 for an administrator, who sees everything, and for a user who sees it
//! through five sharing rules and two row policies. The app is `tests/bench/shared`.

use anyhow::{Context as _, Result, ensure};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{path::Path, time::Duration};

use crate::{
    Cli,
    host::{Guard, Host},
    load::Load,
    stats::Series,
};

/// The app.
const SHARED: &str = "tests/bench/shared";
/// Deals.
const RECORDS: u32 = 1_000_000;

/// Spread without order, and the same in every run.
const FILL: &str = "
WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?),
mixed(n, m) AS (SELECT n, (n * 2654435761) % 4294967296 FROM numbers)
INSERT INTO deal (id, name, region, stage, amount, closed, restricted, owner_id, created_at, updated_at)
SELECT printf('d%09d', n), 'Deal ' || n,
    CASE (m / 16) % 4 WHEN 0 THEN 'north' WHEN 1 THEN 'south' WHEN 2 THEN 'east' ELSE 'west' END,
    CASE (m / 256) % 5 WHEN 0 THEN 'new' WHEN 1 THEN 'proposal' WHEN 2 THEN 'negotiation' WHEN 3 THEN 'won' ELSE 'lost' END,
    (m / 4096) % 1000000, printf('20%02d-%02d-%02d', 18 + m % 9, 1 + (m / 64) % 12, 1 + (m / 1024) % 28),
    (m / 512) % 10 = 0, 'owner' || (m % 500), '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'
FROM mixed";

/// A host with all the records.
pub(crate) fn start(cli: &Cli) -> Result<Host> {
    Host::start(cli, SHARED, "NORMAL", Guard::Secured)?.with_database(fill)
}

/// Lists per second of the user, and of the administrator.
pub(crate) fn lists(cli: &Cli, host: &Host, total: bool, duration: Duration) -> Result<(Series, Series)> {
    let path = format!("/api/v1/data/deal?limit=20&count={total}");
    let user = Load::get(host.address, &host.token, &path, 32);
    let administrator = Load::get(host.address, &host.administrator, &path, 32);
    // Neither pays for pages of the database that the other reads after it.
    for (load, whose) in [(&user, "a user"), (&administrator, "an administrator")] {
        load.run(duration)
            .with_context(|| format!("the list of {whose}, before it counts"))?;
    }
    let (mut shared, mut all) = (Series::default(), Series::default());
    for _ in 0..cli.rounds {
        shared.push(user.run(duration).context("the list of a user")?);
        all.push(administrator.run(duration).context("the list of an administrator")?);
    }
    Ok((shared, all))
}

/// Puts the deals into a database that has their table.
fn fill(database: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(database);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let filled = sqlx::query(FILL).bind(RECORDS).execute(&mut connection).await?;
        ensure!(filled.rows_affected() == u64::from(RECORDS), "{filled:?}");
        sqlx::query("ANALYZE").execute(&mut connection).await?;
        connection.close().await?;
        Ok(())
    })
}
