//! Records that a record points to: they must be there when it is stored.

use std::sync::Arc;

use objectos_expression::{Environment as _, RecordEnvironment, holds};
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::protocol::data::FieldType;
use serde_json::Value;

use super::answer::document;
use super::draft::{Draft, Part, Stored};
use super::find::Search;
use super::reach::Reach;
use super::{Engine, access::Granted, store_record};
use crate::error::{DataError, FieldCode, FieldError, Result};
use crate::model::{FieldKind, FieldModel, SystemField};
use crate::query::check::Checker;
use crate::query::filter::Filter;
use crate::query::sql::SqlWriter;
use crate::query::{QueryInput, RawFilter};
use crate::record::Layout;
use crate::store::{Expect, SqlValue, Statement};

/// A reference that is about to be written.
pub(super) struct Pointing<'a> {
    field: &'a FieldModel,
    value: &'a SqlValue,
    target: &'a str,
    /// Where the record that points lies.
    datasource: &'a str,
}

/// The references among the columns that change.
pub(super) fn pointing<'a>(
    layout: &'a Layout,
    values: &'a [SqlValue],
    changes: impl Fn(usize) -> bool,
) -> Vec<Pointing<'a>> {
    layout
        .columns
        .iter()
        .enumerate()
        .filter(|(index, _)| changes(*index) && !values[*index].is_null())
        .filter_map(|(index, _)| {
            let field = layout.field(index);
            let reference = field.reference.as_ref()?;
            Some(Pointing {
                field,
                value: &values[index],
                target: &reference.object,
                datasource: &layout.datasource,
            })
        })
        .collect()
}

impl Engine {
    /// Adds the steps that make sure, inside of the transaction.
    pub(super) fn guard_references(
        &self,
        draft: &mut Draft<'_>,
        granted: &Granted,
        references: &[Pointing<'_>],
    ) -> Result<()> {
        for reference in references {
            let Some(target) = draft.schema.layout(reference.target) else {
                continue;
            };
            // In another database it was looked up before: no transaction holds it.
            if target.datasource != reference.datasource {
                continue;
            }
            let statement = self.missing_target(draft, granted, target, reference)?;
            draft.push(Part::Reference, statement, Expect::NoRow);
        }
        Ok(())
    }

    /// Adds the steps that keep a record from standing above itself. They come after the record's own.
    pub(super) fn guard_trees(
        &self,
        draft: &mut Draft<'_>,
        layout: &Layout,
        id: &str,
        values: &[SqlValue],
        changes: impl Fn(usize) -> bool,
    ) {
        for (index, value) in values.iter().enumerate() {
            let field = layout.field(index);
            let own = field
                .reference
                .as_ref()
                .is_some_and(|reference| reference.object == layout.object.name);
            if field.field_type == FieldType::Tree && own && changes(index) && !value.is_null() {
                let part = Part::Tree {
                    object: layout.object.name.clone(),
                    field: field.name.clone(),
                    label: field.label.clone(),
                };
                let statement = store_record::circle(layout.dialect, layout, &field.name, id);
                draft.push(part, statement, Expect::NoRow);
            }
        }
    }

    /// Answers a row when a record that is pointed to is not there, or is not as the field wants it.
    fn missing_target(
        &self,
        draft: &Draft<'_>,
        granted: &Granted,
        target: &Arc<Layout>,
        reference: &Pointing<'_>,
    ) -> Result<Statement> {
        let mut checker = Checker::new(draft.schema, target, None, draft.caller);
        let mut wanted = Filter::always();
        for condition in &reference.field.reference_conditions {
            wanted = wanted.and(checker.condition(condition)?);
        }
        let mut writer = SqlWriter::new(target.dialect);
        let many = reference.field.kind == FieldKind::References;
        if many {
            let (start, end) = (writer.dialect().elements_start(), writer.dialect().elements_end());
            writer
                .push("SELECT 1 FROM ")
                .push(start)
                .value(reference.value.clone())
                .push(end)
                .push(" WHERE NOT EXISTS (SELECT 1");
        } else {
            writer.push("SELECT 1 WHERE NOT EXISTS (SELECT 1");
        }
        writer
            .from(&checker.scope)
            .push(" WHERE ")
            .column(0, SystemField::Id.name())
            .push(" = ");
        if many {
            writer.push("e.value");
        } else {
            writer.value(reference.value.clone());
        }
        if let Some(delete) = &target.object.soft_delete {
            writer.push(" AND ").column(0, &delete.field).push(" IS NULL");
        }
        if let (Some(tenancy), false) = (&target.object.tenancy, granted.system) {
            let tenant = draft.caller.tenant();
            if !tenant.is_null() {
                writer.push(" AND ").column(0, &tenancy.field).push(" = ").value(tenant);
            }
        }
        if !wanted.is_always() {
            writer.push(" AND ").filter(&wanted);
        }
        writer.push(")");
        Ok(writer.finish())
    }

    /// Looks references up before anything is written, and names those that point to nothing: all, or only those into other
    /// databases, which no transaction holds.
    pub(super) async fn missing_references(
        &self,
        draft: &Draft<'_>,
        granted: &Granted,
        references: &[Pointing<'_>],
        all: bool,
    ) -> Result<Vec<FieldError>> {
        let mut errors = Vec::new();
        for reference in references {
            let Some(target) = draft.schema.layout(reference.target) else {
                continue;
            };
            if !all && target.datasource == reference.datasource {
                continue;
            }
            // A record that this very write makes is there by then.
            if let SqlValue::Text(id) = reference.value
                && let Some(planned) = draft.changed(&target.object.name, id)
            {
                if !self.meets(draft, target, planned.as_ref(), reference.field).await? {
                    errors.push(missing(reference));
                }
                continue;
            }
            let statement = self.missing_target(draft, granted, target, reference)?;
            let mut absent = false;
            let mut reader = self.store_of(target).reader().await?;
            reader.read(&statement, &mut |_| absent = true).await?;
            if absent {
                errors.push(missing(reference));
            }
        }
        Ok(errors)
    }

    /// Whether a record as this write leaves it is one that a field may point to.
    async fn meets(
        &self,
        draft: &Draft<'_>,
        target: &Arc<Layout>,
        planned: Option<&Stored>,
        field: &FieldModel,
    ) -> Result<bool> {
        let Some(planned) = planned else { return Ok(false) };
        for condition in &field.reference_conditions {
            let reach = Reach::of(draft.schema, target, condition.fields());
            let record = self.reached(draft, target, document(target, planned), &reach).await?;
            let environment = RecordEnvironment::new(&record, draft.caller.now_ms)
                .with_user(draft.caller.user())
                .with_zone(draft.caller.zone().clone());
            if !holds(condition.checked(), &environment).unwrap_or(false) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Masters that the caller must be able to read, and cannot.
    pub(super) async fn unreadable_masters(
        &self,
        draft: &Draft<'_>,
        granted: &Granted,
        references: &[Pointing<'_>],
    ) -> Result<Vec<FieldError>> {
        let mut errors = Vec::new();
        for reference in references {
            let asks = reference
                .field
                .reference
                .as_ref()
                .is_some_and(|model| model.write_requires_master_read);
            let (Some(target), SqlValue::Text(id), true, false) = (
                draft.schema.layout(reference.target),
                reference.value,
                asks,
                granted.system,
            ) else {
                continue;
            };
            if draft.changed(&target.object.name, id).is_some() {
                continue;
            }
            let readable = match self.granted(draft.caller.context, target, Operation::Read).await {
                Ok(grant) if grant.sees_all() => true,
                Ok(grant) => {
                    let search = Search {
                        schema: draft.schema,
                        layout: target,
                        caller: draft.caller,
                        granted: &grant,
                    };
                    let query = QueryInput {
                        fields: Some(vec![SystemField::Id.name().to_owned()]),
                        filter: Some(RawFilter::equals(SystemField::Id.name(), Value::from(id.as_str()))),
                        limit: Some(1),
                        count: Some(false),
                        ..QueryInput::default()
                    };
                    self.page(&search, &query).await?.count == 1
                }
                Err(DataError::Denied { .. }) => false,
                Err(error) => return Err(error),
            };
            if !readable {
                errors.push(missing(reference));
            }
        }
        Ok(errors)
    }
}

fn missing(reference: &Pointing<'_>) -> FieldError {
    let filtered = match reference.field.reference_conditions.is_empty() {
        true => "",
        false => ", or that is none of those that may be chosen",
    };
    let message = format!(
        "{} points to a record of '{}' that does not exist{filtered}",
        reference.field.label, reference.target
    );
    FieldError::new(&reference.field.name, FieldCode::ReferenceNotFound, message)
}
