//! Formulas that no database can compute, where a query filters, orders or groups by them: they are computed here first, for the
//! records that the rest of the filter leaves, and put into the statement with their ids. For a limited number of records; beyond,
//! the query is refused with what to do. Called by `find`, and by what looks records up for it: `expand`, `rate`, `near`.

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

/// Bytes of ids and values that are put into one statement: a quarter of what PostgreSQL takes as one document.
const VALUES_BYTES_MAX: usize = 64 * 1_024 * 1_024;

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
            let values = self.evaluated(search, &plan, evaluated, most).await?;
            // The plan is this request's own, and comes here once.
            let _ = evaluated.values.set(values);
        }
        Ok(())
    }

    async fn evaluated(
        &self,
        search: &Search<'_>,
        plan: &SelectPlan,
        evaluated: &Evaluated,
        most: u64,
    ) -> Result<String> {
        let mut writer = RecordWriter::new(plan, search.caller);
        let limit = usize::try_from(most).unwrap_or(usize::MAX);
        let (mut more, mut large) = (false, false);
        let mut reader = self.reader_of(&evaluated.layout, search.caller).await?;
        reader
            .read(&plan.page_statement(evaluated.layout.dialect), &mut |row| {
                // One row at a time: of each, only its id and the value stay.
                if writer.ends.len() >= limit {
                    more = true;
                } else if writer.out.len() >= VALUES_BYTES_MAX {
                    large = true;
                } else {
                    writer.row(row);
                }
            })
            .await?;
        if more || large {
            let bound = if more {
                format!("for at most {most} records of a query, and here are more")
            } else {
                format!("up to {VALUES_BYTES_MAX} bytes for a query, and here are more")
            };
            let remedy = if more {
                ", or raise plugins.objectos.data.limits.formulaRecordsMax"
            } else {
                ""
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
