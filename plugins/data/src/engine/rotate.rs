//! Brings stored secrets over to the key that encrypts now, and counts those that are not there yet.
//!
//! Records are walked in the order of their ids, a batch at a time, those in the bin among them. A value is replaced only while
//! it is what was read: a change that came in between has the new key by itself. What is done stays done, so that a walk that
//! was broken off is simply begun again. Nothing of a record changes but how it is stored: no hooks, no events, no version.
//! What was stored before its field was encrypted is encrypted as well. Called by the command `encrypt`.

use std::sync::Arc;

use super::Engine;
use crate::error::{DataError, Result};
use crate::model::SystemField;
use crate::query::sql::SqlWriter;
use crate::record::Layout;
use crate::store::{Expect, Outcome, Statement, WriteUnit};
use crate::vault::Unopened;

/// Records that are looked at, and at most changed, in one transaction.
const BATCH: u64 = 200;
/// Values that are named one by one when they cannot be read.
const NAMED_MAX: usize = 20;

/// How far the values of one object are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Name of the object.
    pub object: String,
    /// Values that were there already.
    pub current: u64,
    /// Values that were brought over, or would be.
    pub rotated: u64,
    /// Values that cannot be read, and stayed as they are.
    pub unreadable: u64,
    /// The first of these: what each is, and why.
    pub reasons: Vec<String>,
}

/// A record and its encrypted values, by their columns.
struct Found {
    id: String,
    values: Vec<(usize, String)>,
}

impl Engine {
    /// Brings the secrets of every object over; with `write` false nothing is stored, and what would be is counted. `progress` is
    /// told after every batch.
    ///
    /// # Errors
    /// Those of the store and of [`crate::vault::Vault::seal`].
    pub async fn rotate_secrets(
        &self,
        write: bool,
        progress: &(dyn Fn(&Rotation) + Send + Sync),
    ) -> Result<Vec<Rotation>> {
        let schema = self.schema();
        let mut done = Vec::new();
        for object in schema.catalogue.objects() {
            if let Some(layout) = schema.layout(&object.name).filter(|layout| layout.encrypts()) {
                done.push(self.rotate_object(layout, write, progress).await?);
            }
        }
        Ok(done)
    }

    async fn rotate_object(
        &self,
        layout: &Arc<Layout>,
        write: bool,
        progress: &(dyn Fn(&Rotation) + Send + Sync),
    ) -> Result<Rotation> {
        let mut rotation = Rotation {
            object: layout.object.name.clone(),
            ..Rotation::default()
        };
        let mut after = String::new();
        loop {
            let batch = self.batch_after(layout, &after).await?;
            let Some(last) = batch.last() else {
                return Ok(rotation);
            };
            after.clone_from(&last.id);
            let unit = anew(layout, &batch, write, &mut rotation)?;
            if !unit.steps.is_empty() {
                let outcome = self.store_of(layout).write(unit).await?;
                if let Outcome::Refused(refusal) = outcome {
                    return Err(DataError::internal(format!(
                        "secrets of '{}' could not be stored: {refusal:?}",
                        rotation.object
                    )));
                }
            }
            progress(&rotation);
        }
    }

    /// The next records that have a value in one of the encrypted fields.
    async fn batch_after(&self, layout: &Arc<Layout>, after: &str) -> Result<Vec<Found>> {
        let columns: Vec<usize> = encrypted(layout).collect();
        let statement = page(layout, &columns, after);
        let mut batch = Vec::new();
        let mut reader = self.store_of(layout).reader().await?;
        reader
            .read(&statement, &mut |row| {
                let value =
                    |(place, column): (usize, &usize)| Some((*column, row.cell(place + 1).as_text()?.to_owned()));
                batch.push(Found {
                    id: row.cell(0).as_text().unwrap_or_default().to_owned(),
                    values: columns.iter().enumerate().filter_map(value).collect(),
                });
            })
            .await?;
        Ok(batch)
    }
}

fn encrypted(layout: &Layout) -> impl Iterator<Item = usize> + '_ {
    let columns = layout.columns.iter().enumerate();
    columns
        .filter(|(_, column)| column.form.is_encrypted())
        .map(|(index, _)| index)
}

fn page(layout: &Layout, columns: &[usize], after: &str) -> Statement {
    let id = SystemField::Id.name();
    let mut writer = SqlWriter::new(layout.dialect);
    writer.push("SELECT ").name(id);
    for column in columns {
        writer.push(", ").name(&layout.columns[*column].name);
    }
    writer.push(" FROM ").push(&layout.table).push(" WHERE ").name(id);
    writer.push(" > ").value(after.into()).push(" AND (");
    writer.list(" OR ", columns, |writer, column| {
        writer.name(&layout.columns[*column].name).push(" IS NOT NULL");
    });
    writer.push(") ORDER BY ").name(id).limit(BATCH);
    writer.finish()
}

/// The changes of a batch; without `write` they are only counted.
fn anew(layout: &Layout, batch: &[Found], write: bool, rotation: &mut Rotation) -> Result<WriteUnit> {
    let mut unit = WriteUnit::default();
    for Found { id, values } in batch {
        for (column, stored) in values {
            let field = layout.field(*column);
            if layout.is_current(field, id, stored) {
                rotation.current += 1;
                continue;
            }
            let text = match layout.opened(field, id, stored) {
                Ok(text) => text,
                Err(Unopened::Clear) => stored.clone(),
                Err(reason) => {
                    rotation.unreadable += 1;
                    if rotation.reasons.len() < NAMED_MAX {
                        let line = format!("{}.{} of record {id}: {reason}", rotation.object, field.name);
                        rotation.reasons.push(line);
                    }
                    continue;
                }
            };
            rotation.rotated += 1;
            if write {
                let sealed = layout.seal(field, id, &text)?;
                unit.push(replace(layout, &field.name, id, stored, sealed), Expect::Anything);
            }
        }
    }
    Ok(unit)
}

/// Puts a value in the place of another, while that is there.
fn replace(layout: &Layout, field: &str, id: &str, stored: &str, sealed: String) -> Statement {
    let mut writer = SqlWriter::new(layout.dialect);
    writer.push("UPDATE ").push(&layout.table).push(" SET ").name(field);
    writer.push(" = ").value(sealed.into()).push(" WHERE ");
    writer.name(SystemField::Id.name()).push(" = ").value(id.into());
    writer.push(" AND ").name(field).push(" = ").value(stored.into());
    writer.finish()
}
