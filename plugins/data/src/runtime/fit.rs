//! A saved item on its way into use: the whole is read again, and the database made to hold it.

use std::collections::BTreeSet;

use super::definition::package;
use super::{Items, RuntimeMetadata, refuse};
use crate::app::{CatalogueChange, Problem};
use crate::error::Result;
use crate::schema::{SchemaStep, plan};
use crate::store::{DEFAULT_DATASOURCE, shape_for};

impl RuntimeMetadata {
    /// Reads everything with these items. Does not put it into use.
    pub(super) fn read(&self, items: &Items) -> Result<CatalogueChange, Vec<Problem>> {
        self.library.reload_with(package(items))
    }

    /// Reads everything with these items, and makes the database hold it. Does not put it into use.
    pub(super) async fn prepare(&self, items: &Items) -> Result<CatalogueChange> {
        let change = self.read(items).map_err(|problems| refuse::unreadable(&problems))?;
        let steps = self.lacking(&change, None, false).await?;
        if !steps.is_empty() {
            self.engine.store().change_schema(steps).await?;
        }
        Ok(change)
    }

    /// What the database lacks. What would lose data of this table is refused with the plan, or done if that is wanted.
    pub(super) async fn lacking(
        &self,
        change: &CatalogueChange,
        table: Option<&str>,
        lose_data: bool,
    ) -> Result<Vec<SchemaStep>> {
        let store = self.engine.store();
        let shape = shape_for(store, &change.catalogue, DEFAULT_DATASOURCE, &BTreeSet::new()).await?;
        let plan = plan(&change.catalogue, &shape);
        let harmful: Vec<&SchemaStep> = match table {
            Some(table) => plan.destructive.iter().filter(|step| step.table() == table).collect(),
            // Of several at once: only what keeps them from being served.
            None => plan.blocking().collect(),
        };
        if !plan.obstacles.is_empty() {
            return Err(refuse::obstructed(&plan));
        }
        if !harmful.is_empty() && !lose_data {
            return Err(refuse::loses_data(&plan, &harmful));
        }
        let mut steps = plan.additive.clone();
        if lose_data {
            steps.extend(harmful.into_iter().cloned());
        }
        Ok(steps)
    }
}
