//! The engine on many records: lists with an indexed filter and a true total, pages far behind by cursor, figures by month, text
//! search, a walk over everything, and an export of everything in every form. Prints times, query plans and the memory of the
//! process, and fails where an index is not used that must be. Called by `cargo xtask bench --scale`.
#![allow(clippy::print_stdout)]

use std::iter;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use objectos_data::access::{Access, Permissions, Refusal};
use objectos_data::app::{AppManifest, PackageSource, SourceFile, load};
use objectos_data::config::LimitsConfig;
use objectos_data::engine::ports::{Clock, EventSignal, HookPoint, Hooks, Outside};
use objectos_data::engine::{Engine, EngineParts, Export, ExportFormat, ExportWish, SearchRequest};
use objectos_data::error::{DataError, Result as DataResult};
use objectos_data::model::CatalogueCell;
use objectos_data::query::check::Checker;
use objectos_data::query::select::PageLimits;
use objectos_data::query::{QueryInput, SearchInput, aggregate, select};
use objectos_data::record::Schema;
use objectos_data::schema::plan;
use objectos_data::store::{
    BoxFuture, Datasources, Family, PostgresOptions, PostgresStore, SqlValue, SqliteOptions, SqliteStore, Statement,
    Store, WriteUnit,
};
use objectos_expression::RecordEnvironment;
use objectos_plugin_api::contracts::http_client::{IncomingAnswer, OutgoingRequest};
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::{Context, HookStep, Principal, PrincipalKind};
use serde_json::{Value, json};

#[derive(Debug, Parser)]
struct Cli {
    /// Records.
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// Where the database goes, and stays for the next run; a temporary folder unless it is said.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Address of a PostgreSQL database to do it in instead, in a schema of its own that stays.
    #[arg(long)]
    database: Option<String>,
}

/// The schema of a PostgreSQL database.
const SCHEMA: &str = "objectos_scale";

const DEAL: &str = "
name: deal
fields:
  name: { type: text, searchable: true }
  note: { type: textarea, searchable: true }
  stage: { type: text, index: true }
  amount: { type: currency, scale: 2, index: true }
  closed: { type: date, index: true }
indexes:
  - { fields: [stage, amount] }
";

const STAGES: [&str; 5] = ["new", "proposal", "negotiation", "won", "lost"];
const WORDS: [&str; 16] = [
    "anvil", "rocket", "spring", "magnet", "skate", "tunnel", "paint", "glue", "rope", "piano", "kite", "boulder",
    "engine", "wheel", "ladder", "umbrella",
];
/// Records of one insert.
const CHUNK: u64 = 1_000;
/// With fewer records a database may rightly walk through all of them.
const DEMANDING_FROM: u64 = 100_000;

/// What the plan of a statement must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    /// Whatever it is.
    Free,
    /// The records are found by an index.
    Index,
    /// They come in their order, too: what is sorted is at most what is the same in the index.
    Order,
    /// They are found by the index of their words.
    Words,
}

/// Of what must go through many records.
const FREE: [Demand; 2] = [Demand::Free; 2];

impl Demand {
    /// What is demanded of the statements that come after the first of a page.
    fn of_rest(self) -> Self {
        match self {
            Self::Order => Self::Index,
            other => other,
        }
    }

    /// Whether a plan is as it must be.
    fn meets(self, family: Family, plan: &[String]) -> bool {
        let any = |what: &str| plan.iter().any(|line| line.contains(what));
        match (self, family) {
            (Self::Free, _) => true,
            (Self::Words, Family::Sqlite) => any("VIRTUAL TABLE INDEX"),
            (Self::Words, Family::Postgres) => any("Bitmap Index Scan") && !any("Seq Scan"),
            (Self::Index, Family::Sqlite) => {
                let walks = |line: &String| line.starts_with("SCAN t") && !line.contains(" USING ");
                any(" USING ") && !plan.iter().any(walks)
            }
            (Self::Index, Family::Postgres) => any("Index") && !any("Seq Scan"),
            (Self::Order, _) => Self::Index.meets(family, plan) && !plan.iter().any(|line| sorts(family, line)),
        }
    }
}

/// Whether a line of a plan says that everything is sorted.
fn sorts(family: Family, line: &str) -> bool {
    let step = line.trim_start_matches([' ', '-', '>']);
    match family {
        Family::Sqlite => step == "USE TEMP B-TREE FOR ORDER BY",
        Family::Postgres => step == "Sort",
    }
}

#[derive(Debug)]
struct Nothing;

impl Hooks for Nothing {
    fn armed(&self, _: HookPoint, _: &str) -> bool {
        false
    }

    fn run<'a>(
        &'a self,
        _: HookPoint,
        _: &'a Context,
        _: &'a str,
        _: Vec<u8>,
    ) -> BoxFuture<'a, DataResult<Vec<HookStep>>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn admit<'a>(&'a self, _: &'a Context, _: &'a str, _: &'a str) -> BoxFuture<'a, DataResult<()>> {
        Box::pin(async { Ok(()) })
    }

    fn admit_event<'a>(&'a self, _: &'a Context, _: &'a str, _: &'a str) -> BoxFuture<'a, DataResult<()>> {
        Box::pin(async { Ok(()) })
    }
}

impl Permissions for Nothing {
    fn at_once(&self, _: &Context, _: &str, _: Operation) -> Option<DataResult<Access>> {
        Some(Ok(Access::Everything))
    }

    fn ask<'a>(&'a self, _: &'a Context, _: &'a str, _: Operation) -> BoxFuture<'a, DataResult<Access>> {
        Box::pin(async { Ok(Access::Everything) })
    }

    fn holds<'a>(&'a self, _: &'a Context, _: &'a str) -> BoxFuture<'a, DataResult<bool>> {
        Box::pin(async { Ok(true) })
    }

    fn refused<'a>(&'a self, _: &'a Context, _: Refusal<'a>) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

impl EventSignal for Nothing {
    fn stored(&self) {}
}

impl Outside for Nothing {
    fn send<'a>(&'a self, _: &'a Context, _: OutgoingRequest) -> BoxFuture<'a, DataResult<IncomingAnswer>> {
        Box::pin(async { Err(DataError::internal("nobody is outside")) })
    }

    fn call<'a>(&'a self, _: &'a Context, _: &'a str, _: &'a str, _: Vec<u8>) -> BoxFuture<'a, DataResult<Vec<u8>>> {
        Box::pin(async { Err(DataError::internal("nobody is outside")) })
    }
}

impl Clock for Nothing {
    fn now_ms(&self) -> i64 {
        1_772_280_000_000
    }
}

struct World {
    engine: Arc<Engine>,
    store: Arc<dyn Store>,
    context: Context,
    /// Whether plans must be as they are demanded.
    demanding: bool,
}

impl World {
    async fn open(store: Arc<dyn Store>, records: u64) -> Result<Self> {
        let manifest: AppManifest = serde_json::from_value(json!({ "id": "scale", "version": "1.0.0" }))?;
        let source = PackageSource {
            id: "scale".to_owned(),
            manifest: Some(manifest),
            manifest_file: "objectos.app.yml".to_owned(),
            files: vec![SourceFile {
                name: "deal.object.yml".to_owned(),
                text: DEAL.to_owned(),
                modified_ms: 1,
            }],
        };
        let loaded = load(&[source], 1).map_err(|problems| anyhow::anyhow!("the app does not load: {problems:?}"))?;
        let changes = plan(&loaded.catalogue, &store.shape().await?);
        store.change_schema(changes.additive).await?;
        let engine = Engine::new(EngineParts {
            store: Arc::clone(&store),
            catalogue: Arc::new(CatalogueCell::new(loaded.catalogue)),
            hooks: Arc::new(Nothing),
            permissions: Arc::new(Nothing),
            signal: Arc::new(Nothing),
            outside: Arc::new(Nothing),
            datasources: Datasources::default(),
            clock: Arc::new(Nothing),
            limits: LimitsConfig::default(),
        });
        let principal = Principal {
            id: "local".to_owned(),
            kind: PrincipalKind::Local,
            ..Principal::default()
        };
        Ok(Self {
            engine: Arc::new(engine),
            store,
            context: Context::request("scale").with_principal(&principal),
            demanding: records >= DEMANDING_FROM,
        })
    }

    async fn count(&self) -> Result<u64> {
        let mut count = 0;
        let statement = Statement::new("SELECT COUNT(*) FROM deal", Vec::new());
        let mut reader = self.store.reader().await?;
        reader
            .read(&statement, &mut |row| {
                count = row.cell(0).as_integer().unwrap_or_default()
            })
            .await?;
        Ok(u64::try_from(count)?)
    }

    /// Fills the table. Below the engine: what is measured here is reading.
    async fn fill(&self, records: u64) -> Result<()> {
        let mut at = self.count().await?;
        while at < records {
            let mut unit = WriteUnit::default();
            let mut sql = String::from(
                "INSERT INTO deal (\"id\", \"name\", \"note\", \"stage\", \"amount\", \"closed\", \"created_at\", \"updated_at\") VALUES ",
            );
            let mut values = Vec::new();
            for number in at..records.min(at + CHUNK) {
                if !values.is_empty() {
                    sql.push_str(", ");
                }
                sql.push_str("(?, ?, ?, ?, ?, ?, ?, ?)");
                values.extend(record(number)?);
            }
            at = records.min(at + CHUNK);
            unit.push(Statement::new(sql, values), objectos_data::store::Expect::Anything);
            self.store.write(unit).await?;
        }
        // What a database does by itself after a while.
        let mut unit = WriteUnit::default();
        unit.push(
            Statement::new("ANALYZE", Vec::new()),
            objectos_data::store::Expect::Anything,
        );
        self.store.write(unit).await?;
        Ok(())
    }

    async fn find(&self, query: &Value) -> Result<Value> {
        let Value::Object(map) = query else {
            anyhow::bail!("a query is an object")
        };
        let found = self
            .engine
            .find(&self.context, "deal", QueryInput::from_map(map)?)
            .await?;
        Ok(serde_json::from_slice(&found.to_json())?)
    }

    /// Runs a query a few times and prints the median. Demanded are the plans of the page and of its total.
    async fn timed(&self, name: &str, query: &Value, demands: [Demand; 2]) -> Result<()> {
        let mut times = Vec::new();
        let mut answer = Value::Null;
        for _ in 0..5 {
            let started = Instant::now();
            answer = self.find(query).await.with_context(|| name.to_owned())?;
            times.push(started.elapsed());
        }
        times.sort_unstable();
        print_line(name, times[2], &answer["total"]);
        self.explain(name, query, demands).await
    }

    /// How the database finds the records.
    async fn explain(&self, name: &str, query: &Value, demands: [Demand; 2]) -> Result<()> {
        let Value::Object(map) = query else { return Ok(()) };
        let query = QueryInput::from_map(map)?;
        let schema = Schema::new(self.engine.parts().catalogue.snapshot(), self.store.dialect());
        let layout = schema.layout("deal").context("the object is there")?;
        let nothing = Value::Null;
        let environment = RecordEnvironment::new(&nothing, 0);
        let checker = Checker::new(&schema, layout, None, &environment);
        let limits = PageLimits {
            default: 100,
            max: 1_000,
        };
        let dialect = self.store.dialect();
        let [of_page, of_total] = demands;
        let mut statements = Vec::new();
        if query.aggregates() {
            let plan = aggregate::plan(checker, None, &query, limits)?;
            statements.push((plan.page_statement(dialect), of_page));
        } else {
            let plan = select::plan(checker, &|name| schema.layout(name).cloned(), None, &query, limits)?;
            // What fills a page that the first did not fill may be what has no value: one place of the index.
            let demands = iter::once(of_page).chain(iter::repeat(of_page.of_rest()));
            statements.extend(plan.page_statements(dialect).zip(demands));
            statements.push((plan.count_statement(dialect), of_total));
        }
        for (statement, demand) in statements {
            let (word, column) = match dialect.family() {
                Family::Sqlite => ("EXPLAIN QUERY PLAN", 3),
                Family::Postgres => ("EXPLAIN (COSTS OFF)", 0),
            };
            let explained = Statement::new(format!("{word} {}", statement.sql), statement.values);
            let mut lines = Vec::new();
            let mut reader = self.store.reader().await?;
            reader
                .read(&explained, &mut |row| {
                    lines.push(row.cell(column).as_text().unwrap_or_default().to_owned());
                })
                .await?;
            for line in &lines {
                println!("      {line}");
            }
            ensure!(
                !self.demanding || demand.meets(dialect.family(), &lines),
                "{name}: the plan must be of the kind {demand:?}"
            );
        }
        Ok(())
    }
}

fn record(number: u64) -> Result<Vec<SqlValue>> {
    // Spread without order, and the same in every run.
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
    let pick = |shift: u32, count: u64| (mixed >> shift) % count;
    let word = |shift: u32| -> Result<&str> { Ok(WORDS[usize::try_from(pick(shift, 16))?]) };
    let day = pick(8, 28) + 1;
    let month = pick(13, 12) + 1;
    let year = 2020 + pick(17, 7);
    let moment = format!(
        "{year}-{month:02}-{day:02}T{:02}:{:02}:00.000Z",
        pick(21, 24),
        pick(3, 60)
    );
    let amount = i64::try_from(pick(5, 1_000_000))?;
    Ok(vec![
        format!("d{number:09}").into(),
        format!("{} {} {number}", word(1)?, word(7)?).into(),
        format!("a {} and a {} for {}", word(11)?, word(15)?, word(19)?).into(),
        STAGES[usize::try_from(pick(2, 5))?].into(),
        if number.is_multiple_of(20) {
            SqlValue::Null
        } else {
            SqlValue::Integer(amount)
        },
        format!("{year}-{month:02}-{day:02}").into(),
        moment.clone().into(),
        moment.into(),
    ])
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

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let temporary = tempfile::tempdir()?;
    let store: Arc<dyn Store> = match cli.database {
        Some(url) => {
            let schema = Some(SCHEMA.to_owned());
            let options = PostgresOptions {
                schema,
                ..PostgresOptions::new(url)
            };
            Arc::new(PostgresStore::open(options).await?)
        }
        None => {
            let folder = cli.folder.unwrap_or_else(|| temporary.path().to_owned());
            Arc::new(SqliteStore::open(SqliteOptions::new(folder.join("data.db"))).await?)
        }
    };
    let world = World::open(store, cli.records).await?;
    let started = Instant::now();
    world.fill(cli.records).await?;
    println!(
        "{} records after {} s",
        world.count().await?,
        started.elapsed().as_secs()
    );
    lists(&world).await?;
    figures(&world).await?;
    searches(&world).await?;
    walk(&world, cli.records).await?;
    exports(&world, cli.records).await?;
    world.store.close().await;
    Ok(())
}

async fn lists(world: &World) -> Result<()> {
    let timed = async |name: &str, query: Value, demands: [Demand; 2]| world.timed(name, &query, demands).await;
    timed("first page with total", json!({}), [Demand::Order, Demand::Free]).await?;
    timed(
        "first page without total",
        json!({ "count": false }),
        [Demand::Order, Demand::Free],
    )
    .await?;
    timed(
        "indexed filter with total",
        json!({ "where": { "stage": "won", "amount": { "$gte": 999_000 } } }),
        [Demand::Index, Demand::Index],
    )
    .await?;
    timed(
        "indexed filter of a fifth with total",
        json!({ "where": { "stage": "won" } }),
        [Demand::Index, Demand::Free],
    )
    .await?;
    timed(
        "indexed order",
        json!({ "orderBy": "-amount", "count": false }),
        [Demand::Order, Demand::Free],
    )
    .await?;
    timed(
        "filter and order by one index",
        json!({ "where": { "stage": "won" }, "orderBy": "-amount", "count": false }),
        [Demand::Order, Demand::Free],
    )
    .await?;
    for (name, order, page, demand) in [
        ("page 10,000 by cursor, by id", json!([]), 10_000, Demand::Order),
        (
            "page 10,000 by cursor, amount ascending",
            json!("amount"),
            10_000,
            Demand::Order,
        ),
        (
            "page 5,000 by cursor, amount descending",
            json!("-amount"),
            5_000,
            Demand::Order,
        ),
        // There all are null, and so the same in the index.
        (
            "page 10,000 by cursor, amount descending",
            json!("-amount"),
            10_000,
            Demand::Index,
        ),
        (
            "page 10,000 by cursor, closed descending",
            json!("-closed"),
            10_000,
            Demand::Order,
        ),
        (
            "page 5,000 by cursor, by two fields of an index",
            json!("stage,amount"),
            5_000,
            Demand::Order,
        ),
    ] {
        // The cursor of the page before is made by one jump, since only the last page is measured.
        let offset = (page - 2) * 100;
        let before = world
            .find(&json!({ "orderBy": order, "limit": 100, "offset": offset, "count": false }))
            .await?;
        if let Some(cursor) = before.get("nextCursor") {
            timed(
                name,
                json!({ "orderBy": order, "limit": 100, "cursor": cursor, "count": false }),
                [demand, Demand::Free],
            )
            .await?;
        }
    }
    timed(
        "page 10,000 by offset",
        json!({ "limit": 100, "offset": 999_900, "count": false }),
        [Demand::Order, Demand::Free],
    )
    .await?;
    Ok(())
}

async fn figures(world: &World) -> Result<()> {
    let sum = json!([{ "function": "count", "alias": "n" }, { "function": "sum", "field": "amount", "alias": "sum" }]);
    let timed = async |name: &str, query: Value, demands: [Demand; 2]| world.timed(name, &query, demands).await;
    timed(
        "count and sum by month",
        json!({ "aggregations": sum, "groupBy": [{ "field": "closed", "granularity": "month" }] }),
        FREE,
    )
    .await?;
    timed(
        "count by month in a time zone",
        json!({ "aggregations": [{ "function": "count", "alias": "n" }], "groupBy": [{ "field": "created_at", "granularity": "month", "timezone": "Europe/Berlin" }] }),
        FREE,
    )
    .await?;
    timed(
        "count and sum by stage",
        json!({ "aggregations": sum, "groupBy": ["stage"] }),
        FREE,
    )
    .await?;
    timed(
        "count by stage",
        json!({ "aggregations": [{ "function": "count", "alias": "n" }], "groupBy": ["stage"] }),
        FREE,
    )
    .await?;
    Ok(())
}

async fn searches(world: &World) -> Result<()> {
    let timed = async |name: &str, query: Value, demands: [Demand; 2]| world.timed(name, &query, demands).await;
    timed("search a number", json!({ "search": "777777" }), [Demand::Words; 2]).await?;
    timed(
        "search two words, both",
        json!({ "search": { "query": "anvil rocket", "operator": "and" } }),
        FREE,
    )
    .await?;
    timed(
        "search a word without total",
        json!({ "search": "umbrella", "count": false }),
        FREE,
    )
    .await?;
    timed(
        "search a word in one field, with total",
        json!({ "search": { "query": "umbrella", "fields": ["name"] } }),
        FREE,
    )
    .await?;
    let request = SearchRequest {
        search: SearchInput {
            query: "anvil 777777".to_owned(),
            all_words: true,
            ..SearchInput::default()
        },
        objects: Vec::new(),
        limit: 20,
    };
    let started = Instant::now();
    let found = world.engine.search(&world.context, &request).await?;
    print_line("search across objects", started.elapsed(), &found["total"]);
    Ok(())
}

/// Reads everything page by page: every record once, and the memory stays as it was.
async fn walk(world: &World, records: u64) -> Result<()> {
    let started = Instant::now();
    let (mut seen, mut cursor, mut early) = (0_u64, Value::Null, 0);
    loop {
        let query = json!({ "orderBy": "closed", "limit": 1_000, "cursor": cursor, "count": false });
        let page = world.find(&query).await?;
        seen += u64::try_from(page["records"].as_array().map_or(0, Vec::len))?;
        if seen == 100_000 {
            early = memory_kib()?;
        }
        match page.get("nextCursor") {
            Some(next) => cursor = next.clone(),
            None => break,
        }
    }
    let late = memory_kib()?;
    print_line("everything by cursor, pages of 1,000", started.elapsed(), &json!(seen));
    println!("memory after 100,000 records {early} KiB, at the end {late} KiB");
    ensure!(seen == records, "{seen} of {records} records were seen");
    ensure!(
        early == 0 || late < early + early / 4,
        "the memory grew from {early} to {late} KiB"
    );
    Ok(())
}

/// Exports everything in every form, and lets go of each part: the memory stays as it was.
async fn exports(world: &World, records: u64) -> Result<()> {
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
