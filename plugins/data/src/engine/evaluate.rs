//! Formulas that no database can compute, where a query filters, orders or groups by them: they are computed here first, for the
//! records that the rest of the filter leaves, and put into the statement with their ids. For a limited number of records, and of
//! bytes over all fields and relations of the query; beyond, it is refused with what to do. Called by `find`, and by what looks
//! records up for it: `expand`, `rate`, `near`.

use std::sync::Arc;

use super::Engine;
use super::answer::RecordWriter;
use super::find::{Search, planned};
use crate::access::Views;
use crate::error::{DataError, Result};
use crate::model::SystemField;
use crate::query::QueryInput;
use crate::query::check::Checker;
use crate::query::evaluated::{Evaluated, ID, VALUE, beforehand};
use crate::query::filter::{Filter, Scope};
use crate::query::select::{self, PageLimits, SelectPlan};

/// Bytes that stand around the values of a field.
const BRACKETS: usize = 2;

impl Engine {
    /// A page whose statement can be run at once.
    ///
    /// # Errors
    /// Those of a query, and of [`Engine::evaluate_ahead`].
    pub(super) async fn plan_evaluated(
        &self,
        search: &Search<'_>,
        views: Option<&Views>,
        query: &QueryInput,
        limits: PageLimits,
    ) -> Result<SelectPlan> {
        let plan = planned(search, search.caller, views, query, limits, true)?;
        self.evaluate_ahead(search, views, &plan.scope, &plan.filter).await?;
        Ok(plan)
    }

    /// Computes what the statements of a plan will join.
    ///
    /// # Errors
    /// `InvalidQuery` for too many records, or too much that comes of them; `NotSupported` for a formula that reads what lies in another database; those of the store.
    pub(super) async fn evaluate_ahead(
        &self,
        search: &Search<'_>,
        views: Option<&Views>,
        scope: &Scope,
        filter: &Filter,
    ) -> Result<()> {
        if !scope.evaluated.is_empty() {
            // What is computed here and the statement that joins it are to be of one state.
            self.hold(search).await?;
        }
        for evaluated in &scope.evaluated {
            let most = self.parts.limits.formula_records_max;
            let plan = plan_values(search, views, (scope, filter), evaluated, most)?;
            let values = self.evaluated(search, &plan, evaluated).await?;
            // The plan is this request's own, and comes here once.
            let _ = evaluated.values.set(search.caller.calculated.of(values));
        }
        Ok(())
    }

    async fn evaluated(&self, search: &Search<'_>, plan: &SelectPlan, evaluated: &Evaluated) -> Result<String> {
        let limits = &self.parts.limits;
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let (records_max, bytes_max) = (size(limits.formula_records_max), size(limits.formula_bytes_max));
        // Those of the query's other fields are in memory at the same time.
        let left = bytes_max.saturating_sub(search.caller.calculated.count());
        let mut writer = RecordWriter::new(plan, search.caller);
        let (mut more, mut large) = (false, false);
        let mut reader = self.reader_of(&evaluated.layout, search.caller).await?;
        reader
            .read(&plan.page_statement(evaluated.layout.dialect), &mut |row| {
                // One row at a time: of each, only its id and the value stay.
                if large {
                    return;
                }
                if writer.ends.len() >= records_max {
                    more = true;
                } else {
                    writer.row(row);
                    large = writer.out.len() + BRACKETS > left;
                }
            })
            .await?;
        if more || large {
            let bound = if more {
                format!("for at most {records_max} records of a query, and here are more")
            } else {
                format!("up to {bytes_max} bytes for all such fields of a query, and here are more")
            };
            let remedy = if more {
                ", or raise plugins.objectos.data.limits.formulaRecordsMax"
            } else {
                ", or use fewer such fields at once (plugins.objectos.data.limits.formulaBytesMax)"
            };
            return Err(DataError::InvalidQuery {
                message: format!(
                    "'{}' of '{}' has no form in SQL and is computed record by record, {bound}: narrow the filter by other fields{remedy}",
                    evaluated.field, evaluated.layout.object.name
                ),
            });
        }
        let mut list = writer.out;
        list.insert(0, b'[');
        list.push(b']');
        String::from_utf8(list).map_err(|error| DataError::internal(error.to_string()))
    }
}

/// Id and value of the records that may matter, each computed over what the caller sees.
fn plan_values(
    search: &Search<'_>,
    views: Option<&Views>,
    (scope, filter): (&Scope, &Filter),
    evaluated: &Evaluated,
    most: u64,
) -> Result<SelectPlan> {
    let own = evaluated.table == 0;
    let mut checker = Checker::new(search.schema, &evaluated.layout, views, search.caller);
    checker.scope.binned = own && scope.binned;
    let id = SystemField::Id.name().to_owned();
    let query = QueryInput {
        fields: Some(vec![id.clone(), evaluated.field.clone()]),
        renamed: [(id, ID.to_owned()), (evaluated.field.clone(), VALUE.to_owned())].into(),
        count: Some(false),
        ..QueryInput::default()
    };
    let layouts = |object: &str| search.schema.layout(object).map(Arc::clone);
    let limits = PageLimits {
        default: most,
        max: most,
    };
    // Those that may be seen: of what is related the others are null whatever they are, and nobody is to count them. For the
    // object itself that is among what narrows it, but where a right or full join has it in itself.
    let seen = views
        .filter(|_| !own || scope.outer.is_some())
        .map(|views| views.of(&evaluated.layout.object.name));
    let mut plan = select::plan(checker, &layouts, seen, &query, limits)?;
    if let Some(narrowing) = beforehand(scope, filter, evaluated.table) {
        plan.filter = plan.filter.and(narrowing);
    }
    Ok(plan)
}
