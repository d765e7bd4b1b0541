//! Queries: what to read, in which order, how much, and summed how.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{FieldNode, FilterCondition};
use crate::guard::{optional_not_null, some};
use crate::shared::{JsonMap, Number, SortOrder};
use crate::wire_enum::wire_enum;

/// Source: `data/Query`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
pub struct Query {
    pub object: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub fields: Option<Vec<FieldNode>>,
    #[serde(
        rename = "where",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub filter: Option<FilterCondition>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub search: Option<FullTextSearch>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub order_by: Option<Vec<SortNode>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub limit: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub offset: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub top: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cursor: Option<JsonMap>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub joins: Option<Vec<JoinNode>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub aggregations: Option<Vec<AggregationNode>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub group_by: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub having: Option<FilterCondition>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub window_functions: Option<Vec<WindowFunctionNode>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub distinct: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub expand: Option<IndexMap<String, Query>>,
}

/// Source: `data/SortNode`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SortNode {
    pub field: String,
    #[serde(default)]
    pub order: SortOrder,
}

/// Source: `data/FullTextSearch`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
pub struct FullTextSearch {
    pub query: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub fields: Option<Vec<String>>,
    #[serde(default)]
    pub fuzzy: bool,
    #[serde(default)]
    pub operator: SearchOperator,
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
    /// `operator` in `data/FullTextSearch`.
    #[derive(Default)]
    pub enum SearchOperator {
        And = "and",
        #[default]
        Or = "or",
    }
}

/// Source: `data/JoinNode`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
pub struct JoinNode {
    #[serde(rename = "type")]
    pub kind: JoinType,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub strategy: Option<JoinStrategy>,
    pub object: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub alias: Option<String>,
    pub on: FilterCondition,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub subquery: Option<Query>,
}

wire_enum! {
    /// Source: `data/JoinType`.
    pub enum JoinType {
        Inner = "inner",
        Left = "left",
        Right = "right",
        Full = "full",
    }
}

wire_enum! {
    /// Source: `data/JoinStrategy`.
    pub enum JoinStrategy {
        Auto = "auto",
        Database = "database",
        Hash = "hash",
        Loop = "loop",
    }
}

/// Source: `data/AggregationNode`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
pub struct AggregationNode {
    pub function: AggregationFunction,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub field: Option<String>,
    pub alias: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub distinct: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub filter: Option<FilterCondition>,
}

wire_enum! {
    /// Source: `data/AggregationFunction`.
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

/// Source: `data/WindowFunctionNode`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
pub struct WindowFunctionNode {
    pub function: WindowFunction,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub field: Option<String>,
    pub alias: String,
    pub over: WindowSpec,
}

wire_enum! {
    /// Source: `data/WindowFunction`.
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

/// Source: `data/WindowSpec`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
pub struct WindowSpec {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub partition_by: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub order_by: Option<Vec<SortNode>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub frame: Option<WindowFrame>,
}

/// `frame` in `data/WindowSpec`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
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
