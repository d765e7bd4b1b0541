//! An engine over a store that writes down what it is asked, so that the statements of several steps are seen as the engine makes
//! them. It answers a row where a test says one, and stores nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use objectos_data::access::Permissions;
use objectos_data::config::LimitsConfig;
use objectos_data::engine::{Engine, EngineParts};
use objectos_data::error::Result;
use objectos_data::model::CatalogueCell;
use objectos_data::record::Schema;
use objectos_data::schema::{DatabaseShape, SchemaStep};
use objectos_data::store::{
    BoxFuture, Cell, Datasources, Dialect, HoldRight, Outcome, Reader, Row, RowVisitor, SqlValue, Statement, Store,
    StoreStatus, WriteUnit,
};
use parking_lot::Mutex;
use serde_json::Value;

use crate::app_support::catalogue;
use crate::world::{NOON, TestClock, TestHooks, TestOutside, TestPermissions, TestSignal};

/// A row, for statements that contain a text.
pub(super) type Answer = (String, Vec<SqlValue>);

#[derive(Debug, Default)]
struct Log {
    answers: Vec<Answer>,
    read: Mutex<Vec<Statement>>,
    written: Mutex<Vec<Statement>>,
}

#[derive(Debug)]
struct Recorder {
    dialect: &'static dyn Dialect,
    log: Arc<Log>,
}

struct Connection(Arc<Log>);

struct Values<'a>(&'a [SqlValue]);

impl Row for Values<'_> {
    fn cell(&self, index: usize) -> Cell<'_> {
        self.0.get(index).map_or(Cell::Null, SqlValue::cell)
    }
}

impl Reader for Connection {
    fn read<'a>(&'a mut self, statement: &'a Statement, each: &'a mut RowVisitor<'a>) -> BoxFuture<'a, Result<()>> {
        self.0.read.lock().push(statement.clone());
        let mut answers = self.0.answers.iter();
        if let Some((_, values)) = answers.find(|(part, _)| statement.sql.contains(part.as_str())) {
            each(&Values(values));
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn hold(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn release(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

impl Store for Recorder {
    fn dialect(&self) -> &'static dyn Dialect {
        self.dialect
    }

    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn Reader>>> {
        let connection: Box<dyn Reader> = Box::new(Connection(Arc::clone(&self.log)));
        Box::pin(std::future::ready(Ok(connection)))
    }

    fn hold_right(&self) -> BoxFuture<'_, Result<HoldRight>> {
        Box::pin(std::future::ready(Ok(HoldRight::default())))
    }

    fn write(&self, unit: WriteUnit) -> BoxFuture<'_, Result<Outcome>> {
        let statements = unit.steps.into_iter().map(|step| step.statement);
        self.log.written.lock().extend(statements);
        Box::pin(std::future::ready(Ok(Outcome::Stored(Vec::new()))))
    }

    fn shape(&self) -> BoxFuture<'_, Result<DatabaseShape>> {
        Box::pin(std::future::ready(Ok(DatabaseShape::default())))
    }

    fn change_schema(&self, _: Vec<SchemaStep>) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn change_schema_with(&self, _: Vec<SchemaStep>, unit: WriteUnit) -> BoxFuture<'_, Result<Outcome>> {
        self.write(unit)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn status(&self) -> StoreStatus {
        StoreStatus::default()
    }
}

/// An engine, and what it asks.
pub(super) struct Recorded {
    pub(super) engine: Engine,
    pub(super) permissions: Arc<TestPermissions>,
    log: Arc<Log>,
}

impl Recorded {
    /// Of the objects in these files; `answers` says rows.
    pub(super) fn new(
        dialect: &'static dyn Dialect,
        files: &[(&str, &str)],
        answers: impl FnOnce(&Schema) -> Vec<Answer>,
    ) -> Self {
        let log = Arc::new(Log {
            answers: answers(&Schema::new(Arc::new(catalogue(files)), dialect)),
            ..Log::default()
        });
        let permissions = Arc::new(TestPermissions::default());
        let engine = Engine::new(EngineParts {
            store: Arc::new(Recorder {
                dialect,
                log: Arc::clone(&log),
            }),
            datasources: Datasources::new(BTreeMap::new()),
            catalogue: Arc::new(CatalogueCell::new(catalogue(files))),
            hooks: Arc::new(TestHooks::default()),
            permissions: Arc::clone(&permissions) as Arc<dyn Permissions>,
            signal: Arc::new(TestSignal::default()),
            outside: Arc::new(TestOutside::default()),
            clock: Arc::new(TestClock(AtomicI64::new(NOON))),
            limits: LimitsConfig::default(),
        });
        Self {
            engine,
            permissions,
            log,
        }
    }

    /// What was read.
    pub(super) fn read(&self) -> Vec<Statement> {
        self.log.read.lock().clone()
    }

    /// The steps of what was written, but for events, whose ids are chance.
    pub(super) fn written(&self) -> Vec<Statement> {
        let mut written = self.log.written.lock().clone();
        written.retain(|statement| !statement.sql.contains("INTO objectos_event"));
        written
    }
}

/// A stored record, as the statement that reads one by its id answers it.
pub(super) fn stored(schema: &Schema, object: &str, record: &Value) -> Answer {
    let layout = schema.layout(object).expect("an object");
    let value = |name: &String| match &record[name.as_str()] {
        Value::Null => SqlValue::Null,
        Value::String(text) => SqlValue::from(text.as_str()),
        Value::Number(number) => SqlValue::from(number.as_i64().expect("a whole number")),
        other => SqlValue::Json(other.to_string()),
    };
    let values = layout.columns.iter().map(|column| value(&column.name));
    (layout.get_sql.to_string(), values.collect())
}
