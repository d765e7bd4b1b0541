//! The part of a query that looks for words: in which fields, by which index, of which records, or, when the engine has rated the
//! texts, which records were found. The rating itself is the engine's.

use serde_json::Value;

use super::{Checker, Purpose};
use crate::error::{DataError, Result};
use crate::model::SystemField;
use crate::query::filter::{Condition, FieldRef, Filter, Test};
use crate::query::input::{QueryInput, Rating, SearchInput};
use crate::query::words::{self, Indexed};

impl Checker<'_> {
    /// The records that the search of a query finds; all of them without one.
    ///
    /// # Errors
    /// `UnknownFields` for a field that is none, `InvalidQuery` when there is nothing to search in, `NotSupported` for one that
    /// must be rated where nobody does.
    pub fn searched(&mut self, query: &QueryInput) -> Result<Filter> {
        let Some(search) = &query.search else {
            return Ok(Filter::always());
        };
        match &query.rating {
            Rating::Done(rated) => {
                let id = self.field(SystemField::Id.name(), Purpose::Select)?.reference;
                let condition = Condition::AmongTexts(Value::from(rated.ids.clone()).to_string());
                Ok(Filter::Test(Test { field: id, condition }))
            }
            // A slip is seen by nobody but the engine.
            Rating::Wanted if search.fuzzy => self.search_filters(search),
            Rating::None if search.rates() => Err(DataError::NotSupported {
                message: "'search.fuzzy', 'search.boost' and 'search.minScore' do not go here; leave them out"
                    .to_owned(),
            }),
            Rating::Wanted | Rating::None => Ok(self.search(search)?.and(self.search_filters(search)?)),
        }
    }

    /// Which records are searched: as the request says, and else as the object says. What the object says of a field that the
    /// caller may not read, or only through a mask, holds for no record: hits would tell of it.
    fn search_filters(&mut self, search: &SearchInput) -> Result<Filter> {
        if let Some(filters) = &search.filters {
            return self.filter(filters);
        }
        let layout = self.root_layout();
        let mut filter = Filter::always();
        for condition in &layout.object.search_filters {
            if self.blind(layout, condition.fields().iter().map(String::as_str)) {
                return Ok(Filter::never());
            }
            filter = filter.and(self.condition_as_seen(condition)?);
        }
        Ok(filter)
    }

    /// Words to look for in the searchable fields.
    fn search(&mut self, search: &SearchInput) -> Result<Filter> {
        let fields = self.search_fields(search)?;
        let layout = self.root_layout();
        let index = layout.text_index.as_ref().map(|fields| Indexed {
            table: &layout.object.table,
            fields,
            by_id: self.scope.outer.is_some() || layout.scattered,
        });
        Ok(words::filter(&search.query, search.all_words, &fields, index.as_ref()))
    }

    /// The fields that a search looks at, with their names; at least one.
    ///
    /// # Errors
    /// `UnknownFields`; `InvalidQuery` for a field that is no text, and without any.
    pub fn search_fields(&mut self, search: &SearchInput) -> Result<Vec<(String, FieldRef)>> {
        let layout = self.root_layout();
        let names = if search.fields.is_empty() {
            let view = self.view(&layout.object.name);
            let mut names = layout.object.search_fields();
            names.retain(|name| view.is_none_or(|view| view.reads(name) && !view.masks(name)));
            names
        } else {
            search.fields.clone()
        };
        if names.is_empty() {
            let object = &layout.object.name;
            return Err(DataError::InvalidQuery {
                message: format!("'{object}' has no searchable field"),
            });
        }
        names
            .into_iter()
            .map(|name| {
                let resolved = self.field(&name, Purpose::Filter)?;
                let reference = resolved.reference;
                if !words::searchable(reference.class) || resolved.part.is_some() {
                    return Err(DataError::InvalidQuery {
                        message: format!("'{name}' is {} and cannot be searched in", reference.class.name()),
                    });
                }
                Ok((name, reference))
            })
            .collect()
    }
}
