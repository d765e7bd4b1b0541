//! A query as it came, in one form, out of a body in any of the dialects.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::written::{RawFilter, read_filter};
use super::{EXPAND_DEPTH_MAX, SORT_FIELDS_MAX};
use crate::error::{DataError, Result};

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
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Relations whose records are wanted in the place of their ids.
    pub expand: IndexMap<String, QueryInput>,
    /// Figures over the records.
    pub aggregations: Vec<AggregateInput>,
    /// One set of figures for each combination of these.
    pub group_by: Vec<GroupInput>,
    /// Which groups.
    pub having: Option<RawFilter>,
    /// Equal records once.
    pub distinct: bool,
    /// False: the number of all is not wanted.
    pub count: Option<bool>,
}

/// Text to look for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchInput {
    /// Words.
    pub query: String,
    /// Where; empty is all fields that are searchable.
    pub fields: Vec<String>,
    /// Every word must be found, not any.
    pub all_words: bool,
}

/// One field of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortInput {
    /// Name or path of the field.
    pub field: String,
    /// From great to small.
    pub descending: bool,
}

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateInput {
    /// `count`, `sum`, …
    pub function: String,
    /// The field; none for a count of records.
    pub field: Option<String>,
    /// Key in the answer.
    pub alias: String,
    /// Equal values once.
    pub distinct: bool,
    /// Over these records only.
    pub filter: Option<RawFilter>,
}

/// One part of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInput {
    /// Name or path of the field.
    pub field: String,
    /// `year`, `quarter`, `month`, `week`, `day`, `hour`: the moment is cut to it.
    pub bucket: Option<String>,
    /// Key in the answer.
    pub alias: String,
}

fn wrong(message: impl Into<String>) -> DataError {
    DataError::InvalidQuery {
        message: message.into(),
    }
}

/// Keys of a body, by what they mean. The protocol's own stand first.
const KEYS: [&str; 36] = [
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
];

impl QueryInput {
    /// Reads a body: `data/Query`, and the older spellings.
    ///
    /// # Errors
    /// `InvalidQuery` for an unknown key or a value of the wrong shape, `InvalidFilter`, `InvalidSort`, `NotSupported`.
    pub fn from_map(map: &Map<String, Value>) -> Result<Self> {
        read(map, 0)
    }

    /// The query as `data/Query` without `object`: what hooks see.
    #[must_use]
    pub fn to_map(&self) -> Map<String, Value> {
        let mut out = Map::new();
        let mut set = |key: &str, value: Value| {
            out.insert(key.to_owned(), value);
        };
        if let Some(fields) = &self.fields {
            set("fields", json!(fields));
        }
        if let Some(filter) = &self.filter {
            set("where", filter.to_json());
        }
        if let Some(search) = &self.search {
            let operator = if search.all_words { "and" } else { "or" };
            set(
                "search",
                json!({ "query": search.query, "fields": search.fields, "operator": operator }),
            );
        }
        if !self.order.is_empty() {
            let order = |sort: &SortInput| json!({ "field": sort.field, "order": if sort.descending { "desc" } else { "asc" } });
            set("orderBy", self.order.iter().map(order).collect());
        }
        if let Some(limit) = self.limit {
            set("limit", json!(limit));
        }
        if self.offset > 0 {
            set("offset", json!(self.offset));
        }
        if let Some(cursor) = &self.cursor {
            set("cursor", json!({ "after": cursor }));
        }
        if !self.expand.is_empty() {
            let nested = self
                .expand
                .iter()
                .map(|(relation, query)| (relation.clone(), Value::Object(query.to_map())));
            set("expand", Value::Object(nested.collect()));
        }
        if !self.aggregations.is_empty() {
            let figure = |figure: &AggregateInput| {
                json!({
                    "function": figure.function,
                    "field": figure.field,
                    "alias": figure.alias,
                    "distinct": figure.distinct,
                    "filter": figure.filter.as_ref().map(RawFilter::to_json),
                })
            };
            set("aggregations", self.aggregations.iter().map(figure).collect());
        }
        if !self.group_by.is_empty() {
            let group =
                |group: &GroupInput| json!({ "field": group.field, "granularity": group.bucket, "alias": group.alias });
            set("groupBy", self.group_by.iter().map(group).collect());
        }
        if let Some(having) = &self.having {
            set("having", having.to_json());
        }
        if self.distinct {
            set("distinct", json!(true));
        }
        if let Some(count) = self.count {
            set("count", json!(count));
        }
        out
    }

    /// True when groups or figures are wanted and not records.
    #[must_use]
    pub fn aggregates(&self) -> bool {
        !self.aggregations.is_empty() || !self.group_by.is_empty()
    }

    /// Every name of a field in filter, order, search and groups: what leads over relations is found here.
    pub fn visit_paths<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        if let Some(filter) = &self.filter {
            filter.visit_fields(visit);
        }
        self.order.iter().for_each(|sort| visit(&sort.field));
        self.fields.iter().flatten().for_each(|field| visit(field));
        self.group_by.iter().for_each(|group| visit(&group.field));
        for aggregation in &self.aggregations {
            aggregation.field.iter().for_each(|field| visit(field));
            if let Some(filter) = &aggregation.filter {
                filter.visit_fields(visit);
            }
        }
    }
}

fn read(map: &Map<String, Value>, depth: usize) -> Result<QueryInput> {
    let mut query = QueryInput::default();
    for (key, value) in map {
        if value.is_null() {
            continue;
        }
        match key.as_str() {
            "object" | "alias" => {}
            "fields" | "select" | "$select" => query.fields = Some(read_fields(value, &mut query.expand, depth)?),
            "where" | "filters" | "filter" | "$filter" => {
                let filter = read_filter(value)?;
                query.filter = Some(match query.filter.take() {
                    Some(other) => other.and(filter),
                    None => filter,
                });
            }
            "search" | "$search" => query.search = Some(read_search(value)?),
            "searchFields" => {
                query.search.get_or_insert_default().fields = read_names(key, value)?;
            }
            "orderBy" | "sort" | "$orderby" | "order_by" => query.order = read_sort(value)?,
            "limit" | "top" | "$top" => query.limit = Some(read_number(key, value)?),
            "offset" | "skip" | "$skip" => query.offset = read_number(key, value)?,
            "cursor" => query.cursor = read_cursor(value)?,
            "aggregations" => query.aggregations = read_aggregations(value)?,
            "groupBy" | "group_by" => query.group_by = read_groups(value)?,
            "having" => query.having = Some(read_filter(value)?),
            "distinct" => query.distinct = read_boolean(key, value)?,
            "count" | "$count" => query.count = Some(read_boolean(key, value)?),
            "expand" | "include" | "populate" | "$expand" => read_expand(value, &mut query.expand, depth)?,
            "joins" => {
                return Err(unsupported(
                    "joins",
                    "expand relations, or filter by a path such as account.industry",
                ));
            }
            "windowFunctions" => return Err(unsupported("windowFunctions", "use aggregations with groupBy")),
            unknown => {
                let hint = crate::model::nearest(unknown, KEYS)
                    .map(|name| format!("; did you mean '{name}'?"))
                    .unwrap_or_default();
                return Err(wrong(format!("unknown key '{unknown}' in the query{hint}")));
            }
        }
    }
    if query
        .search
        .as_ref()
        .is_some_and(|search| search.query.trim().is_empty())
    {
        query.search = None;
    }
    Ok(query)
}

fn unsupported(what: &str, instead: &str) -> DataError {
    DataError::NotSupported {
        message: format!("{what} are not supported; {instead}"),
    }
}

fn read_number(key: &str, value: &Value) -> Result<u64> {
    let number = match value {
        Value::Number(number) => number.as_u64().or_else(|| match number.as_f64() {
            Some(float) if float.fract() == 0.0 && (0.0..=9.0e15).contains(&float) => {
                format!("{float:.0}").parse().ok()
            }
            _ => None,
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| wrong(format!("'{key}' takes a whole number from 0, found {value}")))
}

fn read_boolean(key: &str, value: &Value) -> Result<bool> {
    match value {
        Value::Bool(boolean) => Ok(*boolean),
        Value::String(text) if matches!(text.as_str(), "true" | "1") => Ok(true),
        Value::String(text) if matches!(text.as_str(), "false" | "0") => Ok(false),
        _ => Err(wrong(format!("'{key}' takes true or false, found {value}"))),
    }
}

/// A list of names, or names with commas.
pub(super) fn read_names(key: &str, value: &Value) -> Result<Vec<String>> {
    match value {
        Value::String(text) => Ok(split_names(text)),
        Value::Array(items) => items
            .iter()
            .map(|item| match item {
                Value::String(name) => Ok(name.trim().to_owned()),
                other => Err(wrong(format!("'{key}' takes names, found {other}"))),
            })
            .collect(),
        other => Err(wrong(format!("'{key}' takes a list of names, found {other}"))),
    }
}

/// Names with commas.
pub(super) fn split_names(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Names, and `{field, fields}` for relations, which are then expanded.
fn read_fields(value: &Value, expand: &mut IndexMap<String, QueryInput>, depth: usize) -> Result<Vec<String>> {
    let Value::Array(items) = value else {
        return read_names("fields", value);
    };
    let mut names = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Value::String(name) => names.push(name.trim().to_owned()),
            Value::Object(node) => {
                let Some(Value::String(field)) = node.get("field") else {
                    return Err(wrong("an entry of 'fields' is a name or {field, fields}"));
                };
                if node.get("alias").is_some_and(|alias| alias.as_str() != Some(field)) {
                    return Err(unsupported("aliases of fields", "take the field by its own name"));
                }
                if let Some(inner) = node.get("fields") {
                    let mut nested = Map::new();
                    nested.insert("fields".to_owned(), inner.clone());
                    expand.insert(field.clone(), nested_query(&nested, depth)?);
                }
                names.push(field.clone());
            }
            other => {
                return Err(wrong(format!(
                    "an entry of 'fields' is a name or {{field, fields}}, found {other}"
                )));
            }
        }
    }
    Ok(names)
}

fn nested_query(map: &Map<String, Value>, depth: usize) -> Result<QueryInput> {
    if depth >= EXPAND_DEPTH_MAX {
        return Err(wrong(format!(
            "relations are expanded more than {EXPAND_DEPTH_MAX} deep"
        )));
    }
    read(map, depth + 1)
}

/// Names, names with commas, or a map of relation to query; a dot leads on: `account.owner`.
fn read_expand(value: &Value, expand: &mut IndexMap<String, QueryInput>, depth: usize) -> Result<()> {
    if let Value::Object(map) = value {
        for (relation, nested) in map {
            let nested = match nested {
                Value::Object(nested) => nested_query(nested, depth)?,
                Value::Bool(true) | Value::Null => QueryInput::default(),
                Value::Bool(false) => continue,
                other => return Err(wrong(format!("'expand.{relation}' takes a query, found {other}"))),
            };
            expand.insert(relation.clone(), nested);
        }
        return Ok(());
    }
    for path in read_names("expand", value)? {
        let mut at = &mut *expand;
        for (level, part) in path.split('.').enumerate() {
            if depth + level >= EXPAND_DEPTH_MAX {
                return Err(wrong(format!(
                    "relations are expanded more than {EXPAND_DEPTH_MAX} deep"
                )));
            }
            at = &mut at.entry(part.to_owned()).or_default().expand;
        }
    }
    Ok(())
}

fn read_search(value: &Value) -> Result<SearchInput> {
    match value {
        Value::String(query) => Ok(SearchInput {
            query: query.clone(),
            ..SearchInput::default()
        }),
        Value::Object(map) => {
            let Some(Value::String(query)) = map.get("query") else {
                return Err(wrong("'search' takes text or {query, fields, operator}"));
            };
            let all_words = match map.get("operator").and_then(Value::as_str) {
                None | Some("or") => false,
                Some("and") => true,
                Some(other) => return Err(wrong(format!("'search.operator' is 'and' or 'or', found '{other}'"))),
            };
            if map.get("fuzzy").and_then(Value::as_bool) == Some(true) {
                return Err(unsupported("fuzzy searches", "leave 'fuzzy' out"));
            }
            let fields = map
                .get("fields")
                .map(|fields| read_names("search.fields", fields))
                .transpose()?;
            Ok(SearchInput {
                query: query.clone(),
                fields: fields.unwrap_or_default(),
                all_words,
            })
        }
        other => Err(wrong(format!(
            "'search' takes text or {{query, fields, operator}}, found {other}"
        ))),
    }
}

/// `[{field, order}]`, `[[field, "desc"]]`, `{field: "desc"}`, `"a,-b"`, `"a desc"`, or JSON of these as text.
pub(super) fn read_sort(value: &Value) -> Result<Vec<SortInput>> {
    let wrong = |message: String| DataError::InvalidSort { message };
    let order = match value {
        Value::String(text) if text.trim_start().starts_with(['[', '{']) => {
            let inner: Value =
                serde_json::from_str(text).map_err(|error| wrong(format!("the order is no JSON: {error}")))?;
            return read_sort(&inner);
        }
        Value::String(text) => text
            .split(',')
            .filter(|part| !part.trim().is_empty())
            .map(sort_text)
            .collect::<Result<_>>()?,
        Value::Array(items) => match items.as_slice() {
            [Value::String(field), Value::String(order)] if direction(order).is_some() => {
                vec![SortInput {
                    field: field.clone(),
                    descending: direction(order) == Some(true),
                }]
            }
            items => items.iter().map(sort_item).collect::<Result<_>>()?,
        },
        Value::Object(map) if map.contains_key("field") => vec![sort_item(value)?],
        Value::Object(map) => map
            .iter()
            .map(|(field, order)| {
                Ok(SortInput {
                    field: field.clone(),
                    descending: descending(field, order)?,
                })
            })
            .collect::<Result<_>>()?,
        other => return Err(wrong(format!("an order is a list of {{field, order}}, found {other}"))),
    };
    if order.len() > SORT_FIELDS_MAX {
        return Err(wrong(format!(
            "an order has at most {SORT_FIELDS_MAX} fields, found {}",
            order.len()
        )));
    }
    Ok(order)
}

fn sort_item(item: &Value) -> Result<SortInput> {
    match item {
        Value::String(text) => sort_text(text),
        Value::Array(pair) => match pair.as_slice() {
            [Value::String(field)] => Ok(SortInput {
                field: field.clone(),
                descending: false,
            }),
            [Value::String(field), order] => Ok(SortInput {
                field: field.clone(),
                descending: descending(field, order)?,
            }),
            _ => Err(DataError::InvalidSort {
                message: "an entry of the order is [field, 'asc' or 'desc']".to_owned(),
            }),
        },
        Value::Object(node) => {
            let Some(Value::String(field)) = node.get("field") else {
                return Err(DataError::InvalidSort {
                    message: "an entry of the order names no field".to_owned(),
                });
            };
            let order = node
                .get("order")
                .or_else(|| node.get("direction"))
                .unwrap_or(&Value::Null);
            Ok(SortInput {
                field: field.clone(),
                descending: descending(field, order)?,
            })
        }
        other => Err(DataError::InvalidSort {
            message: format!("an entry of the order is {{field, order}}, found {other}"),
        }),
    }
}

fn sort_text(text: &str) -> Result<SortInput> {
    let text = text.trim();
    if let Some(field) = text.strip_prefix('-') {
        return Ok(SortInput {
            field: field.trim().to_owned(),
            descending: true,
        });
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    match text.split_once([' ', ':']) {
        Some((field, order)) => Ok(SortInput {
            field: field.trim().to_owned(),
            descending: descending(field, &Value::String(order.trim().to_owned()))?,
        }),
        None => Ok(SortInput {
            field: text.to_owned(),
            descending: false,
        }),
    }
}

fn direction(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "asc" | "ascending" | "1" => Some(false),
        "desc" | "descending" | "-1" => Some(true),
        _ => None,
    }
}

fn descending(field: &str, order: &Value) -> Result<bool> {
    let found = match order {
        Value::Null => Some(false),
        Value::String(word) => direction(word),
        Value::Number(number) => direction(&number.to_string()),
        _ => None,
    };
    found.ok_or_else(|| DataError::InvalidSort {
        message: format!("the order of '{field}' is 'asc' or 'desc', found {order}"),
    })
}

/// Text as it is, or `{after: text}`.
fn read_cursor(value: &Value) -> Result<Option<String>> {
    match value {
        Value::String(text) => Ok(Some(text.clone())),
        Value::Object(map) if map.is_empty() => Ok(None),
        Value::Object(map) => match map.get("after") {
            Some(Value::String(text)) => Ok(Some(text.clone())),
            _ => Err(wrong("'cursor' takes the nextCursor of the page before")),
        },
        other => Err(wrong(format!(
            "'cursor' takes the nextCursor of the page before, found {other}"
        ))),
    }
}

pub(super) fn read_aggregations(value: &Value) -> Result<Vec<AggregateInput>> {
    let Value::Array(items) = value else {
        return Err(wrong("'aggregations' takes a list"));
    };
    items
        .iter()
        .map(|item| {
            let node = item
                .as_object()
                .ok_or_else(|| wrong("an aggregation is {function, field, alias}"))?;
            let text = |key: &str| node.get(key).and_then(Value::as_str).map(str::to_owned);
            let function = text("function").ok_or_else(|| wrong("an aggregation names no function"))?;
            let field = text("field").filter(|field| field != "*");
            let alias = text("alias").unwrap_or_else(|| match &field {
                Some(field) => format!("{function}_{field}"),
                None => function.clone(),
            });
            Ok(AggregateInput {
                function,
                field,
                alias,
                distinct: node.get("distinct").and_then(Value::as_bool).unwrap_or(false),
                filter: node
                    .get("filter")
                    .filter(|filter| !filter.is_null())
                    .map(read_filter)
                    .transpose()?,
            })
        })
        .collect()
}

/// Names, or `{field, dateGranularity, alias}`.
pub(super) fn read_groups(value: &Value) -> Result<Vec<GroupInput>> {
    let name = |field: String| GroupInput {
        alias: field.clone(),
        field,
        bucket: None,
    };
    let Value::Array(items) = value else {
        return Ok(read_names("groupBy", value)?.into_iter().map(name).collect());
    };
    items
        .iter()
        .map(|item| match item {
            Value::String(field) => Ok(name(field.clone())),
            Value::Object(node) => {
                let text = |key: &str| node.get(key).and_then(Value::as_str).map(str::to_owned);
                let field = text("field").ok_or_else(|| wrong("an entry of 'groupBy' names no field"))?;
                let bucket = text("dateGranularity")
                    .or_else(|| text("granularity"))
                    .or_else(|| text("bucket"));
                Ok(GroupInput {
                    alias: text("alias").unwrap_or_else(|| field.clone()),
                    field,
                    bucket,
                })
            }
            other => Err(wrong(format!(
                "an entry of 'groupBy' is a name or {{field, granularity}}, found {other}"
            ))),
        })
        .collect()
}
