//! A query as it came, in one form, out of a body in any of the dialects.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

mod fields;
mod figures;
mod joins;
mod language;
mod rating;
mod search;
mod sort;
mod values;
mod windows;
mod write;

use super::EXPAND_RELATIONS_MAX;
use super::written::{RawFilter, read_filter};
use crate::error::Result;

use self::fields::{read_expand, read_fields};
use self::search::read_search;
use self::values::{read_boolean, read_names, read_number, wrong};
use self::windows::read_windows;

pub use self::figures::{AggregateInput, GroupInput};
pub(super) use self::figures::{read_aggregations, read_groups};
pub use self::joins::{JoinInput, OuterJoin};
pub use self::rating::{Rated, RatedPage, Rating};
pub use self::search::SearchInput;
pub(super) use self::sort::read_sort;
pub use self::sort::{Nulls, SortInput};
pub use self::windows::{FrameEnd, FrameInput, WindowInput};

/// A query. What is `None` or empty was not asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryInput {
    /// Fields wanted.
    pub fields: Option<Vec<String>>,
    /// Which records.
    pub filter: Option<RawFilter>,
    /// Text to look for.
    pub search: Option<SearchInput>,
    /// In which order.
    pub order: Vec<SortInput>,
    /// Records at most.
    pub limit: Option<u64>,
    /// Records to skip.
    pub offset: u64,
    /// Keys of the answer that are not the names of their fields, by field.
    pub renamed: HashMap<String, String>,
    /// Relations that joins named; their names are rewritten to paths already.
    pub joins: Vec<JoinInput>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// The page that ends before the cursor is wanted.
    pub backwards: bool,
    /// Relations whose records are wanted in the place of their ids.
    pub expand: IndexMap<String, QueryInput>,
    /// Figures over the records.
    pub aggregations: Vec<AggregateInput>,
    /// One set of figures for each combination of these.
    pub group_by: Vec<GroupInput>,
    /// Which groups.
    pub having: Option<RawFilter>,
    /// Figures over the neighbours of each record or group.
    pub windows: Vec<WindowInput>,
    /// Equal records once.
    pub distinct: bool,
    /// False: the number of all is not wanted.
    pub count: Option<bool>,
    /// The records in the bin, in the place of those that are not.
    pub binned: bool,
    /// Ids and how far they are from what was looked for, nearest first: made by the engine, never read.
    pub rank: Option<Arc<Vec<(String, f64)>>>,
    /// Hits of the search, as far as they are rated: made by the engine, never read.
    pub rating: Rating,
}

/// Keys of a body, by what they mean. The protocol's own stand first.
const KEYS: [&str; 37] = [
    "object",
    "fields",
    "where",
    "search",
    "orderBy",
    "limit",
    "offset",
    "top",
    "cursor",
    "joins",
    "aggregations",
    "groupBy",
    "having",
    "windowFunctions",
    "distinct",
    "expand",
    "select",
    "filters",
    "filter",
    "sort",
    "skip",
    "include",
    "populate",
    "count",
    "$select",
    "$filter",
    "$orderby",
    "$top",
    "$skip",
    "$expand",
    "searchFields",
    "order_by",
    "group_by",
    "$search",
    "$count",
    "alias",
    "timezone",
];

impl QueryInput {
    /// Reads a body: `data/Query`, and the older spellings.
    ///
    /// # Errors
    /// `InvalidQuery` for an unknown key, a value of the wrong shape or too many relations, `InvalidFilter`, `InvalidSort`,
    /// `NotSupported`.
    pub fn from_map(map: &Map<String, Value>) -> Result<Self> {
        let query = read(map, 0)?;
        check_relations(query.relations())?;
        Ok(query)
    }

    /// Relations that it expands, over all levels.
    #[must_use]
    pub fn relations(&self) -> usize {
        self.expand.values().map(|nested| 1 + nested.relations()).sum()
    }

    /// True when groups or figures are wanted and not records.
    #[must_use]
    pub fn aggregates(&self) -> bool {
        !self.aggregations.is_empty() || !self.group_by.is_empty()
    }

    /// Every name of a field in filter, order, search and groups: what leads over relations is found here.
    pub fn visit_paths(&self, visit: &mut dyn FnMut(&str)) {
        if let Some(filter) = &self.filter {
            filter.visit_fields(visit);
        }
        self.order.iter().for_each(|sort| visit(&sort.field));
        self.fields.iter().flatten().for_each(|field| visit(field));
        self.group_by.iter().for_each(|group| visit(&group.field));
        for join in self.joins.iter().filter(|join| join.outer.is_some()) {
            visit(&format!("{}.id", join.path));
        }
        if let Some(search) = &self.search {
            search.fields.iter().for_each(|field| visit(field));
            if let Some(filters) = &search.filters {
                filters.visit_fields(visit);
            }
        }
        for window in &self.windows {
            window.field.iter().for_each(|field| visit(field));
            window.partition.iter().for_each(|field| visit(field));
            window.order.iter().for_each(|sort| visit(&sort.field));
        }
        for aggregation in &self.aggregations {
            aggregation.field.iter().for_each(|field| visit(field));
            if let Some(filter) = &aggregation.filter {
                filter.visit_fields(visit);
            }
        }
    }
}

/// Whether one query may expand so many relations.
///
/// # Errors
/// `InvalidQuery` for more than [`EXPAND_RELATIONS_MAX`].
pub(crate) fn check_relations(count: usize) -> Result<()> {
    if count <= EXPAND_RELATIONS_MAX {
        return Ok(());
    }
    Err(wrong(format!(
        "a query expands at most {EXPAND_RELATIONS_MAX} relations over all levels, and this one {count}: expand less, and ask for \
         the other records by queries of their own, with their ids in 'where'"
    )))
}

fn read(map: &Map<String, Value>, depth: usize) -> Result<QueryInput> {
    let mut query = QueryInput::default();
    // They belong to the words, which may stand behind them.
    let mut search_fields = None;
    for (key, value) in map {
        if value.is_null() {
            continue;
        }
        match key.as_str() {
            // Joins rewrite the other parts, so they are read last.
            "object" | "alias" | "timezone" | "joins" => {}
            "fields" | "select" | "$select" => query.fields = Some(read_fields(value, &mut query, depth)?),
            "where" | "filters" | "filter" | "$filter" => {
                let filter = read_filter(value)?;
                query.narrow(filter);
            }
            "search" | "$search" => query.search = Some(read_search(value)?),
            "searchFields" => search_fields = Some(read_names(key, value)?),
            "orderBy" | "sort" | "$orderby" | "order_by" => query.order = read_sort(value)?,
            "limit" | "top" | "$top" => query.limit = Some(read_number(key, value)?),
            "offset" | "skip" | "$skip" => query.offset = read_number(key, value)?,
            "cursor" => {
                (query.cursor, query.backwards) =
                    read_cursor(value)?.map_or((None, false), |(text, backwards)| (Some(text), backwards));
            }
            "aggregations" => query.aggregations = read_aggregations(value)?,
            "groupBy" | "group_by" => query.group_by = read_groups(value)?,
            "having" => query.having = Some(read_filter(value)?),
            "distinct" => query.distinct = read_boolean(key, value)?,
            "deleted" if value == "only" => query.binned = true,
            "deleted" => return Err(wrong("'deleted' takes 'only': the records in the bin".to_owned())),
            "count" | "$count" => query.count = Some(read_boolean(key, value)?),
            "expand" | "include" | "populate" | "$expand" => read_expand(value, &mut query.expand, depth)?,
            "windowFunctions" => query.windows = read_windows(value)?,
            unknown => {
                let hint = crate::model::nearest(unknown, KEYS)
                    .map(|name| format!("; did you mean '{name}'?"))
                    .unwrap_or_default();
                return Err(wrong(format!("unknown key '{unknown}' in the query{hint}")));
            }
        }
    }
    if let (Some(search), Some(fields)) = (&mut query.search, search_fields) {
        search.fields = fields;
    }
    if let Some(search) = query.search.take_if(|search| search.query.trim().is_empty()) {
        // Without words nothing is searched; that not all records are wanted was said all the same.
        search.filters.into_iter().for_each(|filter| query.narrow(filter));
    }
    if let Some(zone) = map.get("timezone").and_then(Value::as_str) {
        let without = query.group_by.iter_mut().filter(|group| group.zone.is_none());
        without.for_each(|group| group.zone = Some(zone.to_owned()));
    }
    if let Some(joins) = map.get("joins").filter(|joins| !joins.is_null()) {
        joins::read_joins(joins, map, &mut query)?;
    }
    Ok(query)
}

/// Text as it is, `{after: text}`, or `{before: text}` for the page before; true: before.
fn read_cursor(value: &Value) -> Result<Option<(String, bool)>> {
    match value {
        Value::String(text) => Ok(Some((text.clone(), false))),
        Value::Object(map) if map.is_empty() => Ok(None),
        Value::Object(map) => match (map.get("after"), map.get("before")) {
            (Some(Value::String(text)), None) => Ok(Some((text.clone(), false))),
            (None, Some(Value::String(text))) => Ok(Some((text.clone(), true))),
            _ => Err(wrong("'cursor' takes the nextCursor of the page before")),
        },
        other => Err(wrong(format!(
            "'cursor' takes the nextCursor of the page before, found {other}"
        ))),
    }
}
