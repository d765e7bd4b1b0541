//! What else is wrong with changes that go together and failed: each that is at fault has its own error, not only the first.
//!
//! The changes are planned once more, all of them, and nothing is stored. What only the transaction would find out, a value
//! that another record has, is looked up. Others may write meanwhile, so this tells what is wrong now.

use objectos_plugin_api::protocol::data::Severity;
use objectos_plugin_api::{Context, ErrorKind};

use super::Engine;
use super::commit::{Change, Planned, WriteFailure};
use super::draft::{Draft, Known, Part};
use crate::error::{DataError, Result};
use crate::record::Schema;
use crate::store::Statement;
use crate::validate::UniqueDemand;

impl Engine {
    /// The error of each change that is at fault, in their order. `failed`: what the write failed at, if it was tried; `known`:
    /// what it found out until then, so that nobody is asked about the same twice.
    pub(super) async fn faults(
        &self,
        context: &Context,
        schema: &Schema,
        changes: &[Change],
        known: &Known,
        failed: Option<WriteFailure>,
    ) -> Vec<Option<DataError>> {
        let mut faults: Vec<Option<DataError>> = changes.iter().map(|_| None).collect();
        if failed.as_ref().is_none_or(|failure| at_fault(&failure.error)) {
            let caller = self.writing_caller(context, known);
            let mut draft = self.draft(schema, &caller, known, true);
            draft.trial = true;
            for (operation, change) in changes.iter().enumerate() {
                draft.operation = operation;
                let fault = match self.plan(&mut draft, change).await {
                    Ok(planned) => self.double(&draft, &planned).await.unwrap_or_else(Some),
                    Err(error) => Some(error),
                };
                if let Some(error) = fault.filter(at_fault) {
                    faults[operation] = Some(self.veiled(context, schema, change.object(), error).await);
                }
            }
        }
        if let Some(WriteFailure { operation, error }) = failed
            && let Some(fault) = faults.get_mut(operation)
        {
            *fault = Some(error);
        }
        faults
    }

    /// A value that another record has already, though it must be unique.
    async fn double(&self, draft: &Draft<'_>, planned: &Planned) -> Result<Option<DataError>> {
        let Some(after) = &planned.after else { return Ok(None) };
        let layout = &planned.layout;
        for (step, entry) in draft.unit.steps.iter().enumerate() {
            let Some((operation, Part::Unique { object, fields })) = draft.part(step) else {
                continue;
            };
            if operation == draft.operation && self.answers_a_row(planned, entry.statement.clone()).await? {
                return Ok(Some(DataError::Duplicate {
                    object: object.clone(),
                    fields: fields.clone(),
                }));
            }
        }
        let whole = |fields: &[String]| {
            let value = |field: &String| layout.column(field).and_then(|column| after.get(column));
            // Nothing is equal to nothing.
            fields
                .iter()
                .all(|field| value(field).is_some_and(|value| !value.is_null()))
        };
        let indexes = layout.object.indexes.iter();
        for index in indexes.filter(|index| index.unique && index.partial.is_none() && whole(&index.fields)) {
            let demand = UniqueDemand {
                rule: index.name.clone(),
                message: String::new(),
                severity: Severity::Error,
                fields: index.fields.clone(),
                case_sensitive: !index.ignore_case,
                scope: None,
            };
            let Some(statement) = self.doubles(draft, layout, &planned.id, after, &demand)? else {
                continue;
            };
            if self.answers_a_row(planned, statement).await? {
                let mut fields = demand.fields;
                if let Some(tenancy) = layout.object.tenancy.as_ref().filter(|_| fields.len() > 1) {
                    fields.retain(|field| *field != tenancy.field);
                }
                let object = layout.object.name.clone();
                return Ok(Some(DataError::Duplicate { object, fields }));
            }
        }
        Ok(None)
    }

    async fn answers_a_row(&self, planned: &Planned, statement: Statement) -> Result<bool> {
        let mut found = false;
        let mut reader = self.store_of(&planned.layout).reader().await?;
        reader.read(&statement.single(), &mut |_| found = true).await?;
        Ok(found)
    }
}

/// The change itself is wrong, rather than the place where it was to go.
pub(super) fn at_fault(error: &DataError) -> bool {
    let kinds = [
        ErrorKind::Invalid,
        ErrorKind::NotFound,
        ErrorKind::Denied,
        ErrorKind::Conflict,
        ErrorKind::Vetoed,
    ];
    !matches!(error, DataError::Contended { .. } | DataError::Locked { .. }) && kinds.contains(&error.kind())
}
