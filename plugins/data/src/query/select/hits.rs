//! What a search brings into a page: the order of its hits, how well each fits, and where the words stand. Called by the planning
//! of a page.

use std::sync::Arc;

use super::{Columns, Highlight};
use crate::error::Result;
use crate::model::SystemField;
use crate::query::check::{Checker, Purpose};
use crate::query::cursor::SortKey;
use crate::query::filter::{Class, FieldRef, Source};
use crate::query::input::{QueryInput, Rated, Rating};
use crate::query::wanted::Wanted;

/// An order by what the engine found out about the records.
pub(super) fn ranked(field: &FieldRef, name: &str) -> SortKey {
    SortKey {
        field: field.clone(),
        name: name.to_owned(),
        descending: false,
        nulls_first: true,
        filled: false,
    }
}

/// The places of the hits of a search, when they are a page in their own order.
pub(super) fn places(query: &QueryInput) -> Option<FieldRef> {
    let Rating::Done(rated) = &query.rating else {
        return None;
    };
    rated.page.as_ref()?;
    let places = (0_u32..).map(f64::from);
    Some(FieldRef {
        table: 0,
        source: Source::Rank(Arc::new(rated.ids.iter().cloned().zip(places).collect())),
        class: Class::Number,
    })
}

/// Of records that are told once, however often they are there, nobody knows which of them a score would be that of.
pub(super) fn scores(
    checker: &mut Checker<'_>,
    query: &QueryInput,
    columns: &mut Columns,
) -> Result<Option<(usize, Arc<Rated>)>> {
    let Rating::Done(rated) = &query.rating else {
        return Ok(None);
    };
    if query.distinct {
        return Ok(None);
    }
    let id = checker.field(SystemField::Id.name(), Purpose::Select)?.reference;
    Ok(Some((columns.place(&id), Arc::clone(rated))))
}

pub(super) fn highlight(
    checker: &mut Checker<'_>,
    query: &QueryInput,
    columns: &mut Columns,
) -> Result<Option<Highlight>> {
    let Some(search) = query
        .search
        .as_ref()
        .filter(|search| search.highlight && !query.distinct)
    else {
        return Ok(None);
    };
    let fields = checker.search_fields(search)?;
    let fields = fields.into_iter().map(|(name, field)| (name, columns.place(&field)));
    Ok(Some(Highlight {
        wanted: Wanted::new(&search.query, search.all_words, search.fuzzy),
        fields: fields.collect(),
    }))
}
