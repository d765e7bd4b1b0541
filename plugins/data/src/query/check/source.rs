//! What stands for a field in a statement: its column, a figure over child records, or a calculation.

use std::sync::Arc;

use objectos_plugin_api::protocol::data::SummaryFunction;

use super::Checker;
use crate::error::{DataError, Result};
use crate::model::{FieldKind, FieldModel, SummaryModel};
use crate::query::filter::{Source, SummarySource};
use crate::record::Layout;

impl<'a> Checker<'a> {
    pub(super) fn source(&mut self, table: usize, layout: &'a Arc<Layout>, field: &'a FieldModel) -> Result<Source> {
        if field.stored() {
            return Ok(Source::Column(field.name.clone()));
        }
        match (field.kind, &field.summary, &field.formula) {
            (FieldKind::Summary, Some(summary), _) => {
                Ok(Source::Summary(Arc::new(self.summary(layout, field, summary)?)))
            }
            (FieldKind::Formula, _, Some(formula)) => self.formula(table, layout, &field.name, formula),
            _ => Err(DataError::internal(format!(
                "field '{}' is neither stored nor computed",
                field.name
            ))),
        }
    }

    fn summary(&self, layout: &Layout, field: &FieldModel, summary: &SummaryModel) -> Result<SummarySource> {
        let child = self.schema.layout(&summary.object).ok_or_else(|| {
            DataError::internal(format!(
                "summary '{}' of '{}' has no child object",
                field.name, layout.object.name
            ))
        })?;
        let function = match summary.function {
            SummaryFunction::Count => "COUNT",
            SummaryFunction::Sum => "SUM",
            SummaryFunction::Min => "MIN",
            SummaryFunction::Max => "MAX",
            SummaryFunction::Avg => "AVG",
        };
        let column = match summary.function {
            SummaryFunction::Count => None,
            _ => Some(
                stored_column(child, &summary.field).ok_or_else(|| DataError::NotSupported {
                    message: format!(
                        "'{}' of '{}' sums up '{}', which is computed itself",
                        field.name, layout.object.name, summary.field
                    ),
                })?,
            ),
        };
        let scale = match summary.function {
            SummaryFunction::Sum | SummaryFunction::Min | SummaryFunction::Max => field
                .limits
                .scale
                .or_else(|| child.object.field(&summary.field).and_then(|field| field.limits.scale)),
            _ => field.limits.scale,
        };
        Ok(SummarySource {
            table: child.table.clone(),
            function,
            column,
            via: summary.via.clone(),
            deleted_at: child.object.soft_delete.as_ref().map(|delete| delete.field.clone()),
            scale: scale.filter(|_| summary.function != SummaryFunction::Count),
        })
    }
}

fn stored_column(layout: &Layout, name: &str) -> Option<String> {
    layout
        .object
        .field(name)
        .filter(|field| field.stored())
        .map(|field| field.name.clone())
}
