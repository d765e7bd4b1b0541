//! What stands for a field in a statement: its column, a figure over child records, or a calculation.

use std::sync::Arc;

use objectos_plugin_api::protocol::data::SummaryFunction;

use super::{Checker, same_datasource};
use crate::error::{DataError, Result};
use crate::model::{FieldKind, FieldModel, SummaryModel};
use crate::query::filter::{FieldRef, SUMMED_TABLE, Source, SummarySource, Visible};
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
            (FieldKind::Formula, _, Some(formula)) => self.formula(table, layout, field, formula),
            _ => Err(DataError::internal(format!(
                "field '{}' is neither stored nor computed",
                field.name
            ))),
        }
    }

    /// What is rolled up: a column of the children, or a calculation over their columns.
    fn summed(&mut self, child: &'a Arc<Layout>, field: &'a FieldModel) -> Result<FieldRef> {
        let views = self.views.take();
        let source = self.source(SUMMED_TABLE, child, field);
        self.views = views;
        Ok(FieldRef {
            table: SUMMED_TABLE,
            source: source?,
            class: super::class_of(field),
        })
    }

    fn summary(&mut self, layout: &Layout, field: &FieldModel, summary: &SummaryModel) -> Result<SummarySource> {
        let child = self.schema.layout(&summary.object).ok_or_else(|| {
            DataError::internal(format!(
                "summary '{}' of '{}' has no child object",
                field.name, layout.object.name
            ))
        })?;
        same_datasource(layout, child, &field.name)?;
        let function = match summary.function {
            SummaryFunction::Count => "COUNT",
            SummaryFunction::Sum => "SUM",
            SummaryFunction::Min => "MIN",
            SummaryFunction::Max => "MAX",
            SummaryFunction::Avg => "AVG",
        };
        let value = match (summary.function, child.object.field(&summary.field)) {
            (SummaryFunction::Count, _) => None,
            (_, Some(summed)) => Some(self.summed(child, summed)?),
            (_, None) => {
                return Err(DataError::internal(format!(
                    "summary '{}' of '{}' sums up '{}', which is not there",
                    field.name, layout.object.name, summary.field
                )));
            }
        };
        let filter = match &summary.filter {
            Some(condition) => {
                let mut inner = Checker::new(self.schema, child, None, self.environment);
                let filter = inner.condition(condition)?;
                Some(Visible {
                    scope: inner.scope,
                    filter,
                })
            }
            None => None,
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
            value,
            via: summary.via.clone(),
            filter,
            deleted_at: child.object.soft_delete.as_ref().map(|delete| delete.field.clone()),
            scale: scale.filter(|_| summary.function != SummaryFunction::Count),
        })
    }
}
