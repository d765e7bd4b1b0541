//! A look at the records of another object, as access plans may write it: shares, teams and territories are found by the query
//! itself, so they are never out of date. The rows inside are not narrowed by what the caller sees.

use std::sync::Arc;

use super::{Checker, Purpose};
use crate::error::{DataError, Result};
use crate::query::filter::{Class, Filter, Lookup};
use crate::query::written::RawLookup;

impl Checker<'_> {
    pub(super) fn in_records(&mut self, raw: &RawLookup) -> Result<Filter> {
        let field = self.field(&raw.field, Purpose::Filter)?.reference;
        let Some(layout) = self.schema.layout(&raw.object).filter(|layout| layout.object.active) else {
            return Err(DataError::InvalidFilter {
                message: format!("'{}' is looked up in '{}', which is no object", raw.field, raw.object),
            });
        };
        super::same_datasource(&self.scope.layout, layout, &raw.field)?;
        let mut inner = Checker::new(self.schema, layout, None, self.environment);
        inner.official = self.official;
        let source = inner.field(&raw.source, Purpose::Filter)?.reference;
        let filter = match &raw.filter {
            Some(filter) => inner.filter(filter)?,
            None => Filter::always(),
        };
        // The elements of a list are texts.
        let class = if field.class == Class::List {
            Class::Text
        } else {
            field.class
        };
        if class == Class::Document || class != source.class {
            return Err(DataError::InvalidFilter {
                message: format!(
                    "'{}' is {} and '{}' of '{}' is {}: one is never the other",
                    raw.field,
                    field.class.name(),
                    raw.source,
                    raw.object,
                    source.class.name()
                ),
            });
        }
        let scope = inner.scope;
        Ok(Filter::InRecords(field, Arc::new(Lookup { scope, source, filter })))
    }
}
