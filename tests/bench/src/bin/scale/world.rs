//! The engine on its table, and how a query is measured and its plans are looked at. Called by all that is measured.

use std::iter;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use objectos_data::app::{AppManifest, PackageSource, SourceFile, load};
use objectos_data::config::LimitsConfig;
use objectos_data::engine::{Engine, EngineParts};
use objectos_data::model::CatalogueCell;
use objectos_data::query::check::Checker;
use objectos_data::query::select::PageLimits;
use objectos_data::query::{QueryInput, aggregate, select};
use objectos_data::record::Schema;
use objectos_data::schema::plan;
use objectos_data::store::{Datasources, Expect, Family, Statement, Store, WriteUnit};
use objectos_expression::RecordEnvironment;
use objectos_plugin_api::{Context, Principal, PrincipalKind};
use serde_json::{Value, json};

use crate::demand::Demand;
use crate::nothing::Nothing;
use crate::print_line;
use crate::record::record;

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
/// Records of one insert.
const CHUNK: u64 = 1_000;
/// With fewer records a database may rightly walk through all of them.
const DEMANDING_FROM: u64 = 100_000;
/// A prepared statement may get a plan for all values from its sixth run on: those that count are behind it.
const RUNS: usize = 9;
const COUNTED: usize = 3;

pub(crate) struct World {
    pub(crate) engine: Arc<Engine>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) context: Context,
    /// Whether plans must be as they are demanded.
    demanding: bool,
}

impl World {
    pub(crate) async fn open(store: Arc<dyn Store>, records: u64) -> Result<Self> {
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

    pub(crate) async fn count(&self) -> Result<u64> {
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
    pub(crate) async fn fill(&self, records: u64) -> Result<()> {
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
            unit.push(Statement::new(sql, values), Expect::Anything);
            self.store.write(unit).await?;
        }
        // What a database does by itself after a while.
        let mut unit = WriteUnit::default();
        unit.push(Statement::new("ANALYZE", Vec::new()), Expect::Anything);
        self.store.write(unit).await?;
        Ok(())
    }

    pub(crate) async fn find(&self, query: &Value) -> Result<Value> {
        let Value::Object(map) = query else {
            anyhow::bail!("a query is an object")
        };
        let found = self
            .engine
            .find(&self.context, "deal", QueryInput::from_map(map)?)
            .await?;
        Ok(serde_json::from_slice(&found.to_json())?)
    }

    /// Runs a query a few times and prints the median of the last. Demanded are the plans of the page and of its total.
    pub(crate) async fn timed(&self, name: &str, query: &Value, demands: [Demand; 2]) -> Result<()> {
        let mut times = Vec::new();
        let mut answer = Value::Null;
        for _ in 0..RUNS {
            let started = Instant::now();
            answer = self.find(query).await.with_context(|| name.to_owned())?;
            times.push(started.elapsed());
        }
        let last = &mut times[RUNS - COUNTED..];
        last.sort_unstable();
        print_line(name, last[COUNTED / 2], &answer["total"]);
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
