//! Changing a record if it is there, and making it if not.

use std::sync::Arc;

use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::protocol::data::ApiMethod;
use serde_json::Value;

use super::commit::{Change, Planned, WriteFailure};
use super::draft::Draft;
use super::{Engine, Fields, check_method, layout_of};
use crate::error::{DataError, Result};
use crate::model::{FieldModel, SystemField};
use crate::query::sql::SqlWriter;
use crate::record::{Layout, Schema};
use crate::store::SqlValue;
use crate::validate::normalise;

impl Engine {
    pub(super) async fn plan_upsert(
        &self,
        draft: &mut Draft<'_>,
        object: &str,
        id: Option<&str>,
        external_id: Option<&str>,
        record: &Fields,
    ) -> Result<Planned> {
        let layout = Arc::clone(layout_of(draft.schema, object)?);
        let granted = self.granted(draft.caller.context, &layout, Operation::Read).await?;
        if !granted.system {
            check_method(&layout, ApiMethod::Upsert)?;
        }
        let own = record.get(SystemField::Id.name()).and_then(Value::as_str);
        let mut record = record.clone();
        let known = match (id.or(own), external_id) {
            (Some(id), _) => {
                let there = self.is_there(draft, &layout, id).await?;
                record.insert(SystemField::Id.name().to_owned(), Value::from(id));
                there.then(|| id.to_owned())
            }
            (None, Some(external)) => {
                let field = external_field(&layout)?;
                record
                    .entry(field.name.clone())
                    .or_insert_with(|| Value::from(external));
                self.id_by(&layout, field, &Value::from(external)).await?
            }
            (None, None) => None,
        };
        match known {
            Some(id) => self.plan_update(draft, object, &id, &record, None).await,
            None => self.plan_create(draft, object, &record).await,
        }
    }

    async fn is_there(&self, draft: &Draft<'_>, layout: &Layout, id: &str) -> Result<bool> {
        match draft.changed(&layout.object.name, id) {
            Some(planned) => Ok(planned.is_some()),
            None => Ok(self.read_stored(layout, id).await?.is_some()),
        }
    }

    /// Id of the record whose field has the value, deleted ones left out.
    pub(super) async fn id_by(&self, layout: &Layout, field: &FieldModel, value: &Value) -> Result<Option<String>> {
        let Ok(value) = normalise(field, value) else {
            return Ok(None);
        };
        if value.is_null() {
            return Ok(None);
        }
        let mut writer = SqlWriter::new(layout.dialect);
        writer
            .push("SELECT ")
            .name(SystemField::Id.name())
            .push(" FROM ")
            .push(&layout.table)
            .push(" WHERE ");
        match &value {
            SqlValue::Text(text) if !field.case_sensitive => {
                let lower = writer.dialect().lower();
                writer
                    .push(lower)
                    .push("(")
                    .name(&field.name)
                    .push(") = ")
                    .push(lower)
                    .push("(");
                writer.value(text.as_str().into()).push(")");
            }
            value => {
                writer.name(&field.name).push(" = ").value(value.clone());
            }
        }
        if let Some(delete) = &layout.object.soft_delete {
            writer.push(" AND ").name(&delete.field).push(" IS NULL");
        }
        writer.push(" ORDER BY ").name(SystemField::Id.name()).push(" LIMIT 1");
        let mut found = None;
        let mut reader = self.store_of(layout).reader().await?;
        reader
            .read(&writer.finish().single(), &mut |row| {
                found = row.cell(0).as_text().map(str::to_owned)
            })
            .await?;
        Ok(found)
    }
}

/// Whether an upsert found nothing to change and then could not make the record, since another was faster with its key.
pub(super) fn lost_race(schema: &Schema, changes: &[Change], failure: &WriteFailure) -> bool {
    let DataError::Duplicate { object: of, fields } = &failure.error else {
        return false;
    };
    let Some(Change::Upsert {
        object,
        id,
        external_id,
        record,
    }) = changes.get(failure.operation).filter(|change| change.object() == of)
    else {
        return false;
    };
    if id.is_some() || record.get(SystemField::Id.name()).is_some_and(Value::is_string) {
        return *fields == [SystemField::Id.name()];
    }
    let layout = schema.layout(object);
    let external = layout.and_then(|layout| external_field(layout).ok());
    external_id.is_some() && external.is_some_and(|field| *fields == [field.name.as_str()])
}

fn external_field(layout: &Layout) -> Result<&FieldModel> {
    layout
        .object
        .fields
        .values()
        .find(|field| field.external_id && field.stored())
        .ok_or_else(|| DataError::InvalidBody {
            message: format!("'{}' has no external id; name the record by its id", layout.object.name),
        })
}
