//! Changing a record if it is there, and making it if not.
//!
//! Whether it is there is asked with the eyes of the caller: a record that they may not see, or of another tenant, is none. When
//! it has the key all the same, the unique index refuses the new one, as it does for any that is made.

use std::sync::Arc;

use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::protocol::data::ApiMethod;
use serde_json::Value;

use super::commit::{Change, Planned, WriteFailure};
use super::draft::Draft;
use super::find::Search;
use super::restore::is_binned;
use super::{Engine, Fields, check_method, layout_of};
use crate::error::{DataError, Result};
use crate::model::{FieldModel, SystemField};
use crate::query::check::Checker;
use crate::query::sql::SqlWriter;
use crate::record::{Layout, Schema};
use crate::store::{SqlValue, Statement};
use crate::validate::normalise;

/// A value by which a record is known.
pub(super) struct Key<'a> {
    field: &'a FieldModel,
    value: SqlValue,
    /// Only records of this tenant; `None` for whoever is bound to none.
    tenant: Option<SqlValue>,
}

impl<'a> Key<'a> {
    /// The key of a record that comes; none when the value is none of the field. Within the tenant that the record will be of.
    pub(super) fn new(search: &Search<'_>, field: &'a FieldModel, value: &Value, record: &Fields) -> Option<Self> {
        let value = normalise(field, value, search.caller)
            .ok()
            .filter(|value| !value.is_null())?;
        let tenancy = search.layout.object.tenancy.as_ref();
        let tenant = tenancy.and_then(|tenancy| {
            let named = record.get(&tenancy.field).and_then(Value::as_str);
            match named.filter(|_| search.granted.system) {
                Some(tenant) => Some(SqlValue::from(tenant)),
                None => Some(search.caller.tenant()).filter(|tenant| !tenant.is_null()),
            }
        });
        Some(Self { field, value, tenant })
    }

    /// Whether the values of a record are those of the key.
    fn fits(&self, layout: &Layout, values: &[SqlValue]) -> bool {
        let same = layout.column(&self.field.name).is_some_and(|column| {
            match (&values[column], &self.value) {
                // As the databases' indexes do it, which keep keys unique: of A to Z alone.
                (SqlValue::Text(own), SqlValue::Text(text)) if !self.field.case_sensitive => {
                    own.eq_ignore_ascii_case(text)
                }
                (own, value) => own == value,
            }
        });
        let at_home = match (&self.tenant, layout.system_column(SystemField::Tenant)) {
            (Some(tenant), Some(column)) => values[column] == *tenant,
            _ => true,
        };
        same && at_home
    }

    /// Answers the id of the record that the caller sees, deleted ones left out.
    fn statement(&self, search: &Search<'_>) -> Result<Statement> {
        let layout = search.layout;
        let mut checker = Checker::new(search.schema, layout, None, search.caller);
        let seen = match search.granted.view.as_deref() {
            Some(view) => Some(checker.own_view(view)?),
            None => None,
        };
        let mut writer = SqlWriter::new(layout.dialect);
        let id = SystemField::Id.name();
        writer
            .push("SELECT ")
            .column(0, id)
            .from(&checker.scope)
            .push(" WHERE ");
        match &self.value {
            SqlValue::Text(text) if !self.field.case_sensitive => {
                // The index has its tenant without case too, and finds nothing by the key alone.
                if let (Some(SqlValue::Text(tenant)), Some(tenancy)) = (&self.tenant, &layout.object.tenancy) {
                    let column = |writer: &mut SqlWriter| {
                        writer.column(0, &tenancy.field);
                    };
                    writer.same_any_case(column, tenant).push(" AND ");
                }
                let column = |writer: &mut SqlWriter| {
                    writer.column(0, &self.field.name);
                };
                writer.same_any_case(column, text);
            }
            value => {
                writer.column(0, &self.field.name).push(" = ").value(value.clone());
            }
        }
        if let Some(delete) = &layout.object.soft_delete {
            writer.push(" AND ").column(0, &delete.field).push(" IS NULL");
        }
        if let (Some(tenant), Some(tenancy)) = (&self.tenant, &layout.object.tenancy) {
            writer
                .push(" AND ")
                .column(0, &tenancy.field)
                .push(" = ")
                .value(tenant.clone());
        }
        if let Some(seen) = &seen {
            writer.push(" AND ").filter(seen);
        }
        writer.push(" ORDER BY ").column(0, id).push(" LIMIT 1");
        Ok(writer.finish().single())
    }
}

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
        let granted = self.granted_to(draft.caller, &layout, Operation::Read).await?;
        if !granted.system {
            check_method(&layout, ApiMethod::Upsert)?;
        }
        let own = record.get(SystemField::Id.name()).and_then(Value::as_str);
        let mut record = record.clone();
        let known = match (id.or(own), external_id) {
            (Some(id), _) => {
                let there = self.read_visible(draft, &layout, &granted, id).await?.is_some();
                record.insert(SystemField::Id.name().to_owned(), Value::from(id));
                there.then(|| id.to_owned())
            }
            (None, Some(external)) => {
                // Whoever finds records by a value that they may not see learns which values there are.
                let field = external_field(&layout)?;
                if !granted.knows(&field.name) {
                    return Err(no_external_id(&layout));
                }
                let search = Search {
                    schema: draft.schema,
                    layout: &layout,
                    caller: draft.caller,
                    granted: &granted,
                };
                let key = Key::new(&search, field, &Value::from(external), &record);
                record
                    .entry(field.name.clone())
                    .or_insert_with(|| Value::from(external));
                match key {
                    Some(key) => self.id_in_draft(draft, &search, &key).await?,
                    None => None,
                }
            }
            (None, None) => None,
        };
        if let Some(id) = known {
            match self.plan_update(draft, object, &id, &record, None).await {
                // It went away between the two looks, and is made as if nobody had ever seen it.
                Err(DataError::RecordNotFound { object: of, id: gone }) if of == object && gone == id => {}
                planned => return planned,
            }
        }
        self.plan_create(draft, object, &record).await
    }

    /// Id of the record of a key, as this write leaves the records.
    async fn id_in_draft(&self, draft: &Draft<'_>, search: &Search<'_>, key: &Key<'_>) -> Result<Option<String>> {
        let object = &search.layout.object.name;
        let fits = |values: &[SqlValue]| key.fits(search.layout, values) && !is_binned(search.layout, values);
        let planned = draft.changed_of(object).into_iter().find(|(_, values)| fits(values));
        if let Some((id, _)) = planned {
            return Ok(Some(id.to_owned()));
        }
        // One that this write changes or deletes does not have the key any more.
        let found = self.id_by(search, key).await?;
        Ok(found.filter(|id| draft.changed(object, id).is_none()))
    }

    /// Id of the record of a key that the caller sees, deleted ones left out.
    pub(super) async fn id_by(&self, search: &Search<'_>, key: &Key<'_>) -> Result<Option<String>> {
        let statement = key.statement(search)?;
        let mut found = None;
        let mut reader = self.store_of(search.layout).reader().await?;
        reader
            .read(&statement, &mut |row| found = row.cell(0).as_text().map(str::to_owned))
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
        .ok_or_else(|| no_external_id(layout))
}

fn no_external_id(layout: &Layout) -> DataError {
    DataError::InvalidBody {
        message: format!("'{}' has no external id; name the record by its id", layout.object.name),
    }
}
