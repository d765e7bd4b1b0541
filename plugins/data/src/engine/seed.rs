//! Seed records go in through the engine, as the system.

use std::sync::Arc;

use objectos_plugin_api::{Context, Error};
use serde_json::{Map, Value};

use super::access::Granted;
use super::diagnose::at_fault;
use super::find::Search;
use super::upsert::Key;
use super::{Engine, layout_of};
use crate::error::{DataError, Result};
use crate::seed::SeedSink;
use crate::store::{Expect, Statement, WriteUnit};

/// Begin of the names of digests among what is kept under names.
const PREFIX: &str = "seed:";

/// The engine as seeds see it.
#[derive(Debug)]
pub struct EngineSeeds {
    engine: Arc<Engine>,
    context: Context,
}

impl EngineSeeds {
    /// Seeds are put in by the plugin itself, on behalf of nobody: its own context acts as the system.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            context: Context::background().as_system(),
        }
    }
}

impl SeedSink for EngineSeeds {
    async fn find(&self, object: &str, field: &str, value: &Value) -> Result<Option<String>, Error> {
        let schema = self.engine.schema();
        let layout = layout_of(&schema, object)?;
        let Some(field) = layout.object.field(field).filter(|field| field.stored()) else {
            return Ok(None);
        };
        let caller = self.engine.caller(&self.context);
        let search = Search {
            schema: &schema,
            layout,
            caller: &caller,
            granted: &Granted::system(),
        };
        match Key::new(&search, field, value, &Map::new()) {
            Some(key) => Ok(self.engine.id_by(&search, &key).await?),
            None => Ok(None),
        }
    }

    async fn create(&self, object: &str, record: Map<String, Value>) -> Result<String, Error> {
        Ok(self.engine.create(&self.context, object, record).await?.id)
    }

    async fn create_all(
        &self,
        object: &str,
        records: Vec<Map<String, Value>>,
    ) -> Result<Vec<Result<String, Error>>, Error> {
        let mut made = Vec::with_capacity(records.len());
        for chunk in records.chunks(self.engine.parts.limits.batch_max) {
            match self.engine.create_many(&self.context, object, chunk.to_vec()).await {
                Ok(answers) => made.extend(answers.into_iter().map(|answer| Ok(answer.id))),
                // The store could not, or did not say whether it did: what is there already must not come a second time.
                Err(error) if !at_fault(&error) => return Err(error.into()),
                // One of them is refused: each for itself, so that it is the only one.
                Err(_) => {
                    for record in chunk {
                        made.push(self.create(object, record.clone()).await);
                    }
                }
            }
        }
        Ok(made)
    }

    async fn empty(&self, object: &str) -> Result<bool, Error> {
        let schema = self.engine.schema();
        let layout = layout_of(&schema, object)?;
        let statement = Statement::new(format!("SELECT 1 FROM {} LIMIT 1", layout.table), Vec::new()).single();
        let mut empty = true;
        let mut reader = self.engine.store_of(layout).reader().await?;
        reader.read(&statement, &mut |_| empty = false).await?;
        Ok(empty)
    }

    async fn update(&self, object: &str, id: &str, record: Map<String, Value>) -> Result<(), Error> {
        self.engine.update(&self.context, object, id, record, None).await?;
        Ok(())
    }

    async fn clear(&self, object: &str) -> Result<(), Error> {
        self.engine.clear(&self.context, object).await?;
        Ok(())
    }

    async fn digest(&self, key: &str) -> Result<Option<String>, Error> {
        Ok(self.engine.kept(&format!("{PREFIX}{key}")).await?)
    }

    async fn remember(&self, key: &str, digest: &str) -> Result<(), Error> {
        Ok(self.engine.keep(&format!("{PREFIX}{key}"), digest).await?)
    }
}

impl Engine {
    /// Deletes all records of an object, one after the other: each has its hooks, its event and what follows from it.
    async fn clear(&self, context: &Context, object: &str) -> Result<()> {
        let schema = self.schema();
        let layout = layout_of(&schema, object)?;
        let mut ids: Vec<String> = Vec::new();
        {
            let statement = Statement::new(format!("SELECT \"id\" FROM {}", layout.table), Vec::new());
            let mut reader = self.store_of(layout).reader().await?;
            reader
                .read(&statement, &mut |row| {
                    ids.extend(row.cell(0).as_text().map(str::to_owned))
                })
                .await?;
        }
        for id in ids {
            match self.delete(context, object, &id).await {
                // A record that went with another.
                Ok(()) | Err(DataError::RecordNotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A text that was kept under a name.
    pub(crate) async fn kept(&self, name: &str) -> Result<Option<String>> {
        let statement = Statement::new("SELECT value FROM objectos_note WHERE name = ?", vec![name.into()]).single();
        let mut found = None;
        let mut reader = self.parts.store.reader().await?;
        reader
            .read(&statement, &mut |row| found = row.cell(0).as_text().map(str::to_owned))
            .await?;
        Ok(found)
    }

    /// Keeps a text under a name.
    pub(crate) async fn keep(&self, name: &str, value: &str) -> Result<()> {
        let mut unit = WriteUnit::default();
        let statement = Statement::new(
            "INSERT INTO objectos_note (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            vec![name.into(), value.into()],
        );
        unit.push(statement, Expect::Anything);
        self.parts.store.write(unit).await.map(drop)
    }
}
