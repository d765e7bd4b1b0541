//! The records of the object itself that a query is over: what the caller may see of them, and what its joins bring. Joins are
//! relations; that a path stands behind each is `input::joins`' doing.

use super::{Checker, Purpose};
use crate::access::View;
use crate::error::{DataError, Result};
use crate::model::FieldKind;
use crate::query::filter::{Filter, Outer, Visible};
use crate::query::input::{JoinInput, QueryInput};

impl Checker<'_> {
    /// The records that a query means: of those that the caller may see, the ones that its filter leaves and its search finds.
    ///
    /// # Errors
    /// As [`Checker::base`], [`Checker::filter`] and [`Checker::searched`].
    pub fn selection(&mut self, view: Option<&View>, query: &QueryInput) -> Result<Filter> {
        let mut filter = self.base(&query.joins, view)?;
        if let Some(raw) = &query.filter {
            filter = filter.and(self.filter(raw)?);
        }
        Ok(filter.and(self.searched(query)?))
    }

    /// The filter of what the caller may see. With a right or full join it stands within the join and not here: a record of the
    /// other object whose counterpart may not be seen has none.
    ///
    /// # Errors
    /// `UnknownFields`; `NotSupported` for a join over a field that is no reference to the object; as [`Checker::own_view`].
    pub fn base(&mut self, joins: &[JoinInput], view: Option<&View>) -> Result<Filter> {
        self.joins(joins)?;
        let seen = |checker: &mut Checker<'_>| view.map_or_else(|| Ok(Filter::always()), |view| checker.own_view(view));
        let Some((join, kind)) = joins.iter().find_map(|join| Some((join, join.outer?))) else {
            return seen(self);
        };
        let root = self.root_layout();
        let mut inner = Checker::new(self.schema, root, None, self.environment);
        inner.scope.binned = self.scope.binned;
        let filter = seen(&mut inner)?;
        let base = Visible {
            scope: inner.scope,
            filter,
        };
        let (table, _) = self.hop(0, root, &join.path, &join.path, Purpose::Filter)?;
        self.scope.outer = Some(Box::new(Outer { kind, table, base }));
        Ok(Filter::always())
    }

    /// Whether joins lead where they say.
    fn joins(&mut self, joins: &[JoinInput]) -> Result<()> {
        for join in joins {
            let field = self.field(&join.path, Purpose::Filter)?.field;
            let leads = field.kind == FieldKind::Reference
                && field
                    .reference
                    .as_ref()
                    .is_some_and(|reference| reference.object == join.object);
            if !leads {
                return Err(DataError::NotSupported {
                    message: format!(
                        "the join with '{}' is not supported: '{}' is no reference to it",
                        join.object, join.path
                    ),
                });
            }
        }
        Ok(())
    }
}
