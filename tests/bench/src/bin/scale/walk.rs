//! Everything, page by page and as exports, while the memory stays as it was. Called once by `main`.

use std::time::Instant;

use anyhow::{Result, ensure};
use objectos_data::engine::{Export, ExportFormat, ExportWish};
use objectos_data::query::QueryInput;
use serde_json::{Value, json};

use crate::world::World;
use crate::{memory_kib, print_line};

/// Reads everything page by page: every record once, and the memory stays as it was.
pub(crate) async fn walk(world: &World, records: u64) -> Result<()> {
    let started = Instant::now();
    let (mut seen, mut cursor, mut early, mut most) = (0_u64, Value::Null, 0, 0);
    let begin = records.min(100_000) / 10;
    loop {
        let query = json!({ "orderBy": "closed", "limit": 1_000, "cursor": cursor, "count": false });
        let page = world.find(&query).await?;
        seen += u64::try_from(page["records"].as_array().map_or(0, Vec::len))?;
        let now = memory_kib()?;
        if seen <= begin {
            early = now;
        }
        most = most.max(now);
        match page.get("nextCursor") {
            Some(next) => cursor = next.clone(),
            None => break,
        }
    }
    print_line("everything by cursor, pages of 1,000", started.elapsed(), &json!(seen));
    println!("memory after {begin} records {early} KiB, at most {most} KiB");
    ensure!(seen == records, "{seen} of {records} records were seen");
    ensure!(most < early + early / 8, "the memory grew from {early} to {most} KiB");
    Ok(())
}

/// Exports everything in every form, and lets go of each part: the memory stays as it was.
pub(crate) async fn exports(world: &World, records: u64) -> Result<()> {
    for format in [ExportFormat::Json, ExportFormat::Ndjson, ExportFormat::Csv] {
        let (started, before) = (Instant::now(), memory_kib()?);
        let wish = ExportWish {
            object: "deal".to_owned(),
            query: QueryInput::default(),
            format,
            heading: false,
        };
        let mut export = Export::begin(&world.engine, &world.context, wish).await?;
        let (mut bytes, mut lines, mut most) = (0, 0, before);
        while let Some(part) = export.next().await? {
            bytes += part.len();
            lines += u64::try_from(part.iter().filter(|byte| **byte == b'\n').count())?;
            most = most.max(memory_kib()?);
        }
        let name = format!("export of everything as {}", format.name());
        print_line(
            &name,
            started.elapsed(),
            &json!(format!("{} MiB", bytes / (1024 * 1024))),
        );
        println!(
            "memory before {before} KiB, at most {most} KiB, at the end {} KiB",
            memory_kib()?
        );
        ensure!(
            format == ExportFormat::Json || lines == records,
            "{lines} of {records} records were written"
        );
        ensure!(most < before + 24 * 1024, "the memory grew from {before} to {most} KiB");
    }
    Ok(())
}
