//! Queries: what to read, in which order, how much, and summed how.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{FieldNode, FilterCondition};
use crate::guard::{guarded, some};
use crate::map_only::map_only;
use crate::shared::{JsonMap, Number, SortOrder};
use crate::wire_enum::wire_enum;

/// What to read: which object, which records, which fields, in which order, how many. Also known as the query AST. Source: `data/Query`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Query", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Query {
    /// Name of the object.
    pub object: String,
    /// Fields to return; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub fields: Option<Vec<FieldNode>>,
    /// Which records; all when left out. `where` on the wire.
    #[serde(
        rename = "where",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub filter: Option<FilterCondition>,
    /// Words to look for.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub search: Option<FullTextSearch>,
    /// Sort keys, the first counts most.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub order_by: Option<Vec<SortNode>>,
    /// Largest number of records.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub limit: Option<Number>,
    /// How many records to skip.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub offset: Option<Number>,
    /// Another spelling of `limit`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub top: Option<Number>,
    /// Where the last page ended: values of the sort keys.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cursor: Option<JsonMap>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub joins: Option<Vec<JoinNode>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub aggregations: Option<Vec<AggregationNode>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub group_by: Option<Vec<String>>,
    /// Condition on the groups.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub having: Option<FilterCondition>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub window_functions: Option<Vec<WindowFunctionNode>>,
    /// Leaves out records that repeat.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub distinct: Option<bool>,
    /// Related records to return within each record, by relation.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub expand: Option<IndexMap<String, Query>>,
}

/// One sort key. Source: `data/SortNode`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SortNode", deny_unknown_fields)]
pub struct SortNode {
    pub field: String,
    #[serde(default)]
    pub order: SortOrder,
}

/// Search for words. Source: `data/FullTextSearch`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "FullTextSearch", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct FullTextSearch {
    pub query: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub fields: Option<Vec<String>>,
    #[serde(default)]
    pub fuzzy: bool,
    #[serde(default)]
    pub operator: SearchOperator,
    /// Weight of each field.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub boost: Option<IndexMap<String, Number>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub min_score: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub language: Option<String>,
    #[serde(default)]
    pub highlight: bool,
}

wire_enum! {
    /// Whether all words must be found or any. Source: `data/FullTextSearch`.
    #[derive(Default)]
    pub enum SearchOperator {
        And = "and",
        #[default]
        Or = "or",
    }
}

/// Another object joined in. Source: `data/JoinNode`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "JoinNode", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct JoinNode {
    /// `type` on the wire.
    #[serde(rename = "type")]
    pub kind: JoinType,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub strategy: Option<JoinStrategy>,
    pub object: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub alias: Option<String>,
    /// Condition that pairs the records.
    pub on: FilterCondition,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub subquery: Option<Query>,
}

wire_enum! {
    /// What happens to records without a counterpart. Source: `data/JoinType`.
    pub enum JoinType {
        Inner = "inner",
        Left = "left",
        Right = "right",
        Full = "full",
    }
}

wire_enum! {
    /// Who joins. Source: `data/JoinStrategy`.
    pub enum JoinStrategy {
        Auto = "auto",
        Database = "database",
        Hash = "hash",
        Loop = "loop",
    }
}

/// One figure over the records of each group. Source: `data/AggregationNode`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AggregationNode", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct AggregationNode {
    pub function: AggregationFunction,
    /// Left out for a count of records.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub field: Option<String>,
    /// Key in the answer.
    pub alias: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub distinct: Option<bool>,
    /// Only records for which it holds count.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub filter: Option<FilterCondition>,
}

wire_enum! {
    /// How a figure is made. Source: `data/AggregationFunction`.
    pub enum AggregationFunction {
        Count = "count",
        Sum = "sum",
        Avg = "avg",
        Min = "min",
        Max = "max",
        CountDistinct = "count_distinct",
        ArrayAgg = "array_agg",
        StringAgg = "string_agg",
    }
}

/// One figure over a window of records. Source: `data/WindowFunctionNode`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "WindowFunctionNode", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct WindowFunctionNode {
    pub function: WindowFunction,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub field: Option<String>,
    pub alias: String,
    pub over: WindowSpec,
}

wire_enum! {
    /// How a window figure is made. Source: `data/WindowFunction`.
    pub enum WindowFunction {
        RowNumber = "row_number",
        Rank = "rank",
        DenseRank = "dense_rank",
        PercentRank = "percent_rank",
        Lag = "lag",
        Lead = "lead",
        FirstValue = "first_value",
        LastValue = "last_value",
        Sum = "sum",
        Avg = "avg",
        Count = "count",
        Min = "min",
        Max = "max",
    }
}

/// Which records a window spans. Source: `data/WindowSpec`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "WindowSpec", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct WindowSpec {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub partition_by: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub order_by: Option<Vec<SortNode>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub frame: Option<WindowFrame>,
}

/// The frame within a window. Source: `data/WindowSpec`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "WindowFrame", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct WindowFrame {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub kind: Option<WindowFrameKind>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub end: Option<String>,
}

wire_enum! {
    /// `frame.type` in `data/WindowSpec`.
    pub enum WindowFrameKind {
        Rows = "rows",
        Range = "range",
    }
}

map_only! {
    Query, SortNode, FullTextSearch, JoinNode, AggregationNode, WindowFunctionNode, WindowFrame, WindowSpec,
}
