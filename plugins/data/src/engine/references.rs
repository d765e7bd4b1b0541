//! Records that a record points to: they must be there when it is stored.

use objectos_plugin_api::contracts::permissions::Operation;
use serde_json::Value;

use super::draft::{Draft, Part};
use super::find::Search;
use super::{Engine, access::Granted};
use crate::error::{DataError, FieldCode, FieldError, Result};
use crate::model::{FieldKind, FieldModel, SystemField};
use crate::query::sql::SqlWriter;
use crate::query::{QueryInput, RawFilter};
use crate::record::Layout;
use crate::store::{Expect, SqlValue, Statement};

/// A reference that is about to be written.
pub(super) struct Pointing<'a> {
    field: &'a FieldModel,
    value: &'a SqlValue,
    target: &'a str,
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
            })
        })
        .collect()
}

impl Engine {
    /// Adds the steps that make sure, inside of the transaction.
    pub(super) fn guard_references(&self, draft: &mut Draft<'_>, granted: &Granted, references: &[Pointing<'_>]) {
        for reference in references {
            let Some(target) = draft.schema.layout(reference.target) else {
                continue;
            };
            let statement = self.missing_target(draft, granted, target, reference);
            draft.push(Part::Reference, statement, Expect::NoRow);
        }
    }

    /// Answers a row when a record that is pointed to is not there.
    fn missing_target(
        &self,
        draft: &Draft<'_>,
        granted: &Granted,
        target: &Layout,
        reference: &Pointing<'_>,
    ) -> Statement {
        let mut writer = SqlWriter::new(self.parts.store.dialect());
        let many = reference.field.kind == FieldKind::References;
        if many {
            let start = writer.dialect().elements_start();
            writer
                .push("SELECT 1 FROM ")
                .push(start)
                .value(reference.value.clone())
                .push(") e WHERE NOT EXISTS (SELECT 1 FROM ");
        } else {
            writer.push("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM ");
        }
        writer
            .push(&target.table)
            .push(" p WHERE p.")
            .name(SystemField::Id.name())
            .push(" = ");
        if many {
            writer.push("e.value");
        } else {
            writer.value(reference.value.clone());
        }
        if let Some(delete) = &target.object.soft_delete {
            writer.push(" AND p.").name(&delete.field).push(" IS NULL");
        }
        if let (Some(tenancy), false) = (&target.object.tenancy, granted.system) {
            let tenant = draft.caller.tenant();
            if !tenant.is_null() {
                writer.push(" AND p.").name(&tenancy.field).push(" = ").value(tenant);
            }
        }
        writer.push(")");
        writer.finish()
    }

    /// Looks the references up before anything is written, and names those that point to nothing.
    pub(super) async fn missing_references(
        &self,
        draft: &Draft<'_>,
        granted: &Granted,
        references: &[Pointing<'_>],
    ) -> Result<Vec<FieldError>> {
        let mut errors = Vec::new();
        for reference in references {
            let Some(target) = draft.schema.layout(reference.target) else {
                continue;
            };
            let planned = |id: &str| draft.changed(&target.object.name, id);
            // A record that this very write makes is there by then.
            if let SqlValue::Text(id) = reference.value {
                match planned(id) {
                    Some(Some(_)) => continue,
                    Some(None) => {
                        errors.push(missing(reference));
                        continue;
                    }
                    None => {}
                }
            }
            let statement = self.missing_target(draft, granted, target, reference);
            let mut absent = false;
            let mut reader = self.parts.store.reader().await?;
            reader.read(&statement, &mut |_| absent = true).await?;
            if absent {
                errors.push(missing(reference));
            }
        }
        Ok(errors)
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
    let message = format!(
        "{} points to a record of '{}' that does not exist",
        reference.field.label, reference.target
    );
    FieldError::new(&reference.field.name, FieldCode::ReferenceNotFound, message)
}
