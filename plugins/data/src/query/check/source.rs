//! What stands for a field in a statement: its column, a figure over child records, or a calculation.

use std::sync::Arc;

use objectos_plugin_api::protocol::data::SummaryFunction;

use super::formula::nothing;
use super::{Checker, same_datasource};
use crate::error::{DataError, Result};
use crate::model::{FieldKind, FieldModel, SummaryModel};
use crate::query::filter::{FieldRef, Filter, SUMMED_TABLE, Source, SummarySource, Visible};
use crate::record::Layout;

impl<'a> Checker<'a> {
    pub(super) fn source(&mut self, table: usize, layout: &'a Arc<Layout>, field: &'a FieldModel) -> Result<Source> {
        if field.stored() {
            return Ok(Source::Column(field.name.clone()));
        }
        match (field.kind, &field.summary, &field.formula) {
            (FieldKind::Summary, Some(summary), _) => self.summary(layout, field, summary),
            (FieldKind::Formula, _, Some(formula)) => self.formula(table, layout, field, formula),
            _ => Err(DataError::internal(format!(
                "field '{}' is neither stored nor computed",
                field.name
            ))),
        }
    }

    /// What is rolled up: a column of the children, or a calculation over their columns.
    fn summed(&mut self, child: &'a Arc<Layout>, field: &'a FieldModel) -> Result<FieldRef> {
        Ok(FieldRef {
            table: SUMMED_TABLE,
            source: self.source(SUMMED_TABLE, child, field)?,
            class: super::class_of(field),
        })
    }

    /// A figure over the children that the caller sees; null when it would tell of a field that they do not.
    fn summary(&mut self, layout: &Layout, field: &FieldModel, summary: &SummaryModel) -> Result<Source> {
        let child = self.schema.layout(&summary.object).ok_or_else(|| {
            DataError::internal(format!(
                "summary '{}' of '{}' has no child object",
                field.name, layout.object.name
            ))
        })?;
        same_datasource(layout, child, &field.name)?;
        if self.blind(child, summary.child_fields()) {
            return Ok(nothing(summary.result));
        }
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
        let filter = self.counted(child, summary)?;
        let scale = match summary.function {
            SummaryFunction::Sum | SummaryFunction::Min | SummaryFunction::Max => field
                .limits
                .scale
                .or_else(|| child.object.field(&summary.field).and_then(|field| field.limits.scale)),
            _ => field.limits.scale,
        };
        Ok(Source::Summary(Arc::new(SummarySource {
            table: child.table.clone(),
            function,
            value,
            via: summary.via.clone(),
            filter,
            deleted_at: child.object.soft_delete.as_ref().map(|delete| delete.field.clone()),
            scale: scale.filter(|_| summary.function != SummaryFunction::Count),
        })))
    }

    /// Which children count: those that the caller sees, and that the figure is about; none when all do.
    fn counted(&self, child: &'a Arc<Layout>, summary: &SummaryModel) -> Result<Option<Visible>> {
        let mut inner = Checker::new(self.schema, child, self.views, self.environment);
        inner.official = self.official;
        let mut filter = match self.view(&child.object.name) {
            Some(view) => inner.own_view(view)?,
            None => Filter::always(),
        };
        if let Some(condition) = &summary.filter {
            filter = filter.and(inner.condition_as_seen(condition)?);
        }
        let scope = inner.scope;
        Ok((!filter.is_always()).then_some(Visible { scope, filter }))
    }
}
