//! Apps into a catalogue, and the database into a shape that holds it.

use std::sync::Arc;

use crate::app::{CatalogueChange, Library};
use crate::error::{DataError, Result};
use crate::model::Catalogue;
use crate::schema::plan;
use crate::store::Store;

/// Reads the apps; all that is wrong with them becomes one message.
pub(super) fn read(library: &Library) -> Result<CatalogueChange> {
    let change = library.reload().map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        DataError::Configuration {
            message: format!("the apps cannot be loaded\n{}", lines.join("\n")),
        }
    })?;
    for warning in &change.warnings {
        tracing::warn!("{warning}");
    }
    Ok(change)
}

/// Whether the database holds a catalogue.
pub(super) enum Fit {
    /// It does.
    Fits,
    /// Not without losing something; why, and what to do.
    Blocked(String),
}

/// Does what the database lacks and nothing is lost by. What would lose something is told and left undone.
pub(super) async fn fit_database(catalogue: &Catalogue, store: &Arc<dyn Store>) -> Result<Fit> {
    let plan = plan(catalogue, &store.shape().await?);
    let blocking: Vec<String> = plan.blocking().map(ToString::to_string).collect();
    if !blocking.is_empty() {
        return Ok(Fit::Blocked(format!(
            "the database does not fit the apps:\n  ! {}\nrun 'objectos-host migrate apply --destructive', or undo the change of the app",
            blocking.join("\n  ! ")
        )));
    }
    if !plan.additive.is_empty() {
        for step in &plan.additive {
            tracing::info!("database: {step}");
        }
        store.change_schema(plan.additive).await?;
    }
    for step in &plan.destructive {
        tracing::warn!("database: left undone, since something would be lost: {step}");
    }
    Ok(Fit::Fits)
}
