//! Searches that ask how well a record fits: those with weights of fields, a least score, or fuzzy words. The texts of all records
//! that the rest of the query finds and the caller may see are rated here, so that every database finds the same records in the
//! same order. The ids then stand in the place of the words; a page without another order is cut here, the best first.
//!
//! Without fuzzy words only the records that have the words are read, by the text index where there is one. Fuzzy words are looked
//! for in every record: to know all words of a table, PostgreSQL would have to part its texts anew for each search.

use std::cmp::Ordering;
use std::sync::Arc;

use super::Engine;
use super::find::Search;
use crate::error::{DataError, Result};
use crate::model::SystemField;
use crate::query::cursor::{self, SortKey};
use crate::query::filter::{Class, FieldRef, Source};
use crate::query::select::{Highlight, OutputValue, PageLimits, SCORE};
use crate::query::wanted::Wanted;
use crate::query::{QueryInput, Rated, RatedPage, Rating, SearchInput};
use crate::store::{Cell, SqlValue};

/// Records that one search rates at most.
const RATED_MAX: u64 = 100_000;
/// Hits of one page at most: each of them is named in the statement.
const PAGE_MAX: u64 = 1_000;

/// A record and how well it fits.
struct Hit {
    score: f64,
    id: String,
}

/// The best first; equally good ones in the order of their ids.
fn order(left: &Hit, right: &Hit) -> Ordering {
    let by_score = right.score.total_cmp(&left.score);
    by_score.then_with(|| left.id.cmp(&right.id))
}

impl Engine {
    /// The query with the hits of its search; as it is when nothing has to be rated. `paged`: without another order they are one
    /// page, the best first.
    ///
    /// # Errors
    /// Those of a query; `InvalidQuery` for the weight of a field that is not searched, `NotSupported` for more records than are
    /// rated.
    pub(super) async fn rated(&self, search: &Search<'_>, mut query: QueryInput, paged: bool) -> Result<QueryInput> {
        let Some(wanted) = query.search.as_ref().filter(|wanted| wanted.rates()) else {
            return Ok(query);
        };
        let mut hits = self.measured(search, &query, wanted).await?;
        hits.sort_by(order);
        let ordered = !query.order.is_empty() || query.rank.is_some();
        let whole = query.aggregates() || query.distinct || !query.windows.is_empty();
        let mut rated = Rated::default();
        if paged && !ordered && !whole {
            let (from, to, page) = page(&hits, &query, self.page_limits())?;
            hits.truncate(to);
            hits.drain(..from);
            query.limit = Some(whole_number(hits.len()));
            query.offset = 0;
            query.cursor = None;
            query.backwards = false;
            rated.page = Some(page);
        }
        rated.scores = hits.iter().map(|hit| (hit.id.clone(), hit.score)).collect();
        rated.ids = hits.into_iter().map(|hit| hit.id).collect();
        query.rating = Rating::Done(Arc::new(rated));
        Ok(query)
    }

    /// Every record that is found, in any order.
    async fn measured(&self, search: &Search<'_>, query: &QueryInput, wanted: &SearchInput) -> Result<Vec<Hit>> {
        let all = QueryInput {
            fields: Some(vec![SystemField::Id.name().to_owned()]),
            filter: query.filter.clone(),
            joins: query.joins.clone(),
            binned: query.binned,
            // Selects the texts.
            search: Some(SearchInput {
                highlight: true,
                ..wanted.clone()
            }),
            rating: Rating::Wanted,
            count: Some(false),
            ..QueryInput::default()
        };
        let views = self.views_of(search, &all).await?;
        let limits = PageLimits {
            default: RATED_MAX,
            max: RATED_MAX,
        };
        let plan = self.plan_evaluated(search, views.as_ref(), &all, limits).await?;
        let (Some(OutputValue::Column(id, _)), Some(texts)) =
            (plan.outputs.first().map(|output| output.value), &plan.highlight)
        else {
            return Err(DataError::internal("a search selects no texts"));
        };
        let weights = weights(wanted, texts)?;
        let terms = Wanted::new(&wanted.query, wanted.all_words, wanted.fuzzy);
        let least = wanted.min_score.unwrap_or_default();
        let (mut hits, mut seen) = (Vec::new(), 0);
        let mut reader = self.reader_of(search.layout, search.caller).await?;
        reader
            .read(&plan.page_statement(search.layout.dialect), &mut |row| {
                seen += 1;
                let cells: Vec<Cell<'_>> = texts.fields.iter().map(|(_, place)| row.cell(*place)).collect();
                let told = cells.iter().map(|cell| cell.as_text().unwrap_or_default());
                let fields: Vec<(f64, &str)> = weights.iter().copied().zip(told).collect();
                let fit = terms.fit(&fields);
                // What has the words is the database's to say, but for fuzzy ones.
                if (fit.found || !wanted.fuzzy) && fit.score >= least {
                    let id = row.cell(id).as_text().unwrap_or_default().to_owned();
                    hits.push(Hit { score: fit.score, id });
                }
            })
            .await?;
        if seen > RATED_MAX {
            return Err(DataError::NotSupported {
                message: format!(
                    "more than {RATED_MAX} records of '{}' would have to be rated; narrow the search by a filter, or leave out \
                     'fuzzy', 'boost' and 'minScore'",
                    search.layout.object.name
                ),
            });
        }
        Ok(hits)
    }
}

/// The weight of each field, the greatest of them 1.
fn weights(search: &SearchInput, texts: &Highlight) -> Result<Vec<f64>> {
    let looked_in = |name: &String| texts.fields.iter().any(|(field, _)| field == name);
    if let Some((stray, _)) = search.boost.iter().find(|(name, _)| !looked_in(name)) {
        let names: Vec<&str> = texts.fields.iter().map(|(name, _)| name.as_str()).collect();
        return Err(DataError::InvalidQuery {
            message: format!(
                "'search.boost.{stray}' is the weight of a field that is not searched; these are: {}",
                names.join(", ")
            ),
        });
    }
    let weight = |name: &String| {
        let boost = search.boost.iter().find(|(field, _)| field == name);
        boost.map_or(1.0, |(_, weight)| *weight)
    };
    let weights: Vec<f64> = texts.fields.iter().map(|(name, _)| weight(name)).collect();
    let most = weights.iter().copied().fold(0.0, f64::max);
    Ok(weights.into_iter().map(|weight| weight / most).collect())
}

fn whole_number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// What a cursor between two hits is made of.
fn keys() -> [SortKey; 2] {
    let key = |name: &str, source: Source, class: Class, descending: bool| SortKey {
        field: FieldRef {
            table: 0,
            source,
            class,
        },
        name: name.to_owned(),
        descending,
        nulls_first: !descending,
        filled: true,
    };
    let id = SystemField::Id.name();
    [
        key(SCORE, Source::Rank(Arc::default()), Class::Number, true),
        key(id, Source::Column(id.to_owned()), Class::Text, false),
    ]
}

fn cursor_at(hit: &Hit) -> String {
    let cells = [Cell::Real(hit.score), Cell::Text(&hit.id)];
    cursor::encode(&keys(), cells.into_iter())
}

fn read_cursor(text: &str) -> Result<Hit> {
    let mut values = cursor::decode(&keys(), text)?.into_iter();
    let score = match values.next() {
        Some(SqlValue::Real(score)) => score,
        // A whole number is told as such.
        Some(SqlValue::Integer(1)) => 1.0,
        _ => 0.0,
    };
    let id = match values.next() {
        Some(SqlValue::Text(id)) => id,
        _ => String::new(),
    };
    Ok(Hit { score, id })
}

/// From where to where the page goes, and what lies around it.
fn page(hits: &[Hit], query: &QueryInput, limits: PageLimits) -> Result<(usize, usize, RatedPage)> {
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let limit = query.limit.unwrap_or(limits.default).min(limits.max).min(PAGE_MAX);
    let (many, skipped) = (size(limit), size(query.offset));
    let place = query.cursor.as_deref().map(read_cursor).transpose()?;
    let backwards = query.backwards && place.is_some();
    let (from, to) = match &place {
        Some(place) if backwards => {
            let before = hits.partition_point(|hit| order(hit, place) == Ordering::Less);
            let to = before.saturating_sub(skipped);
            (to.saturating_sub(many), to)
        }
        place => {
            let behind = |place: &Hit| hits.partition_point(|hit| order(hit, place) != Ordering::Greater);
            let begin = place.as_ref().map_or(0, behind);
            let from = begin.saturating_add(skipped).min(hits.len());
            (from, from.saturating_add(many).min(hits.len()))
        }
    };
    let (first, last) = match &hits[from..to] {
        [] => (None, None),
        [only] => (Some(only), Some(only)),
        [first, .., last] => (Some(first), Some(last)),
    };
    let has_more = if backwards { from > 0 } else { to < hits.len() };
    let page = RatedPage {
        total: whole_number(hits.len()),
        offset: query.offset,
        limit,
        has_more,
        next_cursor: last.filter(|_| backwards || has_more).map(cursor_at),
        previous_cursor: first
            .filter(|_| if backwards { has_more } else { place.is_some() })
            .map(cursor_at),
    };
    Ok((from, to, page))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(limit: u64, cursor: Option<String>, backwards: bool) -> QueryInput {
        QueryInput {
            limit: Some(limit),
            cursor,
            backwards,
            ..QueryInput::default()
        }
    }

    #[test]
    fn pages_fit_together_both_ways() {
        let scores = [(1.0, "b"), (0.6, "a"), (0.6, "c"), (0.3333, "d"), (0.0, "e")];
        let hits: Vec<Hit> = scores
            .into_iter()
            .map(|(score, id)| Hit {
                score,
                id: id.to_owned(),
            })
            .collect();
        let limits = PageLimits { default: 2, max: 2 };
        let walk = |cursor: Option<String>, backwards: bool| {
            let (from, to, page) = page(&hits, &query(2, cursor, backwards), limits).unwrap();
            let ids: String = hits[from..to].iter().map(|hit| hit.id.as_str()).collect();
            (ids, page)
        };
        let (ids, first) = walk(None, false);
        assert_eq!((ids.as_str(), first.has_more, first.total), ("ba", true, 5));
        let (ids, second) = walk(first.next_cursor.clone(), false);
        assert_eq!(ids, "cd");
        let (ids, third) = walk(second.next_cursor, false);
        assert_eq!((ids.as_str(), third.has_more, &third.next_cursor), ("e", false, &None));
        let (ids, back) = walk(third.previous_cursor, true);
        assert_eq!((ids.as_str(), back.has_more), ("cd", true));
        let (ids, begin) = walk(back.previous_cursor, true);
        assert_eq!(
            (ids.as_str(), begin.has_more, begin.next_cursor),
            ("ba", false, first.next_cursor)
        );
    }
}
