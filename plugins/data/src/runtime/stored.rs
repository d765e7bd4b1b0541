//! What was saved, as it is stored, for whoever plans the database before anything of it is in use: at the start, and when an
//! operator asks what a migration would do. The tables of saved objects are theirs, also of those that do not compile.
//!
//! Read from the table itself, for the engine serves no object yet. Called by the plugin; what comes into use is the affair of
//! `follow`.

use std::collections::BTreeSet;
use std::sync::Arc;

use objectos_plugin_api::protocol::dialect::normalise_object;
use serde_json::Value;

use super::Items;
use super::definition::{package, source_file};
use super::keep::ITEMS;
use crate::app::{CatalogueChange, Library, Problem};
use crate::error::Result;
use crate::metadata::kind_of_name;
use crate::query::sql::SqlWriter;
use crate::schema::DatabaseShape;
use crate::store::Store;

/// The columns that are read.
const COLUMNS: [&str; 3] = ["kind", "name", "definition"];

/// Everything that is stored.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    items: Items,
    /// Tables that belong to saved objects.
    tables: BTreeSet<String>,
}

impl Stored {
    /// Reads it from the first database, whose tables these are. Nothing is stored where there is no table for it yet.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn read(store: &Arc<dyn Store>, shape: &DatabaseShape) -> Result<Self> {
        let mut stored = Self::default();
        let table = shape.tables.get(ITEMS);
        if !table.is_some_and(|table| COLUMNS.iter().all(|name| table.columns.contains_key(*name))) {
            return Ok(stored);
        }
        let mut writer = SqlWriter::new(store.dialect());
        writer.push("SELECT ");
        writer.list(", ", COLUMNS, |writer, name| {
            writer.name(name);
        });
        writer.push(" FROM ").name(ITEMS);
        let mut rows = Vec::new();
        let mut reader = store.reader().await?;
        reader
            .read(&writer.finish(), &mut |row| {
                let text = |index: usize| row.cell(index).as_text().unwrap_or_default().to_owned();
                rows.push([text(0), text(1), text(2)]);
            })
            .await?;
        for [kind, name, definition] in rows {
            let Some(kind) = kind_of_name(&kind) else { continue };
            let definition: Value = serde_json::from_str(&definition).unwrap_or_default();
            if kind.name == "object" {
                stored.tables.extend(tables_of(&name, &definition));
            }
            // When it was saved is of no matter here.
            match source_file(kind.name, &name, &definition, 0) {
                Ok(file) => drop(stored.items.insert((kind.name, name), file)),
                Err(error) => tracing::error!("the saved {} '{name}' cannot be read: {error}", kind.name),
            }
        }
        Ok(stored)
    }

    /// The tables of saved objects, whatever has become of these.
    pub(crate) fn into_tables(self) -> BTreeSet<String> {
        self.tables
    }

    /// The apps and what of this goes together with them, read anew.
    ///
    /// # Errors
    /// All problems of the apps.
    pub(crate) fn with_apps(&self, library: &Library) -> Result<CatalogueChange, Vec<Problem>> {
        let apps = library.reload_with(None)?;
        let mut wanted = self.items.clone();
        // What an app or plugin has taken over is theirs.
        wanted.retain(|(kind, name), _| apps.catalogue.metadata().get(kind, name).is_none());
        if wanted.is_empty() {
            return Ok(apps);
        }
        if let Ok(change) = library.reload_with(package(&wanted)) {
            return Ok(change);
        }
        // One by one, as they come into use.
        let (mut items, mut all) = (Items::new(), apps);
        for (key, file) in wanted {
            let mut more = items.clone();
            more.insert(key, file);
            if let Ok(change) = library.reload_with(package(&more)) {
                (items, all) = (more, change);
            }
        }
        Ok(all)
    }
}

/// Where the records of a saved object may lie: under its name, or under what its definition says.
fn tables_of(name: &str, definition: &Value) -> Vec<String> {
    let (definition, _) = normalise_object(definition.clone());
    let other = definition.get("tableName").and_then(Value::as_str);
    std::iter::once(name).chain(other).map(str::to_owned).collect()
}
