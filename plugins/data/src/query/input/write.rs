//! A query as `data/Query`: what hooks see and may change.

use serde_json::{Map, Value, json};

use super::{AggregateInput, GroupInput, JoinInput, Nulls, OuterJoin, QueryInput, SortInput, WindowInput};
use crate::query::RawFilter;

pub(super) fn order(sort: &SortInput) -> Value {
    let mut node = json!({ "field": sort.field, "order": if sort.descending { "desc" } else { "asc" } });
    if let Some(nulls) = sort.nulls {
        node["nulls"] = json!(if nulls == Nulls::First { "first" } else { "last" });
    }
    node
}

fn figure(figure: &AggregateInput) -> Value {
    json!({
        "function": figure.function,
        "field": figure.field,
        "alias": figure.alias,
        "distinct": figure.distinct,
        "filter": figure.filter.as_ref().map(RawFilter::to_json),
    })
}

/// What the joins left out is part of the filter by now.
fn join(join: &JoinInput) -> Value {
    let on = json!({ (join.path.as_str()): { "$field": format!("{}.id", join.path) } });
    let kind = join.outer.map_or("left", OuterJoin::name);
    json!({ "type": kind, "object": join.object, "alias": join.path, "on": on })
}

impl QueryInput {
    /// The query as `data/Query` without `object`: what hooks see.
    #[must_use]
    pub fn to_map(&self) -> Map<String, Value> {
        let mut out = Map::new();
        let mut set = |key: &str, value: Value| {
            out.insert(key.to_owned(), value);
        };
        if let Some(fields) = &self.fields {
            let field = |name: &String| match self.renamed.get(name) {
                Some(alias) => json!({ "field": name, "alias": alias }),
                None => json!(name),
            };
            set("fields", fields.iter().map(field).collect());
        }
        if let Some(filter) = &self.filter {
            set("where", filter.to_json());
        }
        if let Some(search) = &self.search {
            set("search", search.to_json());
        }
        if !self.order.is_empty() {
            set("orderBy", self.order.iter().map(order).collect());
        }
        if let Some(limit) = self.limit {
            set("limit", json!(limit));
        }
        if self.offset > 0 {
            set("offset", json!(self.offset));
        }
        if let Some(cursor) = &self.cursor {
            let key = if self.backwards { "before" } else { "after" };
            set("cursor", json!({ key: cursor }));
        }
        if !self.expand.is_empty() {
            let nested = self
                .expand
                .iter()
                .map(|(relation, query)| (relation.clone(), Value::Object(query.to_map())));
            set("expand", Value::Object(nested.collect()));
        }
        if !self.aggregations.is_empty() {
            set("aggregations", self.aggregations.iter().map(figure).collect());
        }
        if !self.group_by.is_empty() {
            let group = |group: &GroupInput| json!({ "field": group.field, "granularity": group.bucket, "alias": group.alias, "timezone": group.zone });
            set("groupBy", self.group_by.iter().map(group).collect());
        }
        if let Some(having) = &self.having {
            set("having", having.to_json());
        }
        if !self.windows.is_empty() {
            set(
                "windowFunctions",
                self.windows.iter().map(WindowInput::to_json).collect(),
            );
        }
        if !self.joins.is_empty() {
            set("joins", self.joins.iter().map(join).collect());
        }
        if self.distinct {
            set("distinct", json!(true));
        }
        if let Some(count) = self.count {
            set("count", json!(count));
        }
        if self.binned {
            set("deleted", json!("only"));
        }
        out
    }
}
