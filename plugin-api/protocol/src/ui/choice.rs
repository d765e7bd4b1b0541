//! Keys of a list view that take more than one form.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::map_only::map_only;
use crate::shared::{Number, SortOrder};
use crate::ui::ListColumn;

/// Columns by name alone, or each with its settings; not mixed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ListColumns {
    /// Field names.
    Names(Vec<String>),
    /// Columns with settings.
    Columns(Vec<ListColumn>),
}

impl ListColumns {
    /// The fields shown, in order.
    #[must_use]
    pub fn fields(&self) -> Vec<&str> {
        match self {
            Self::Names(names) => names.iter().map(String::as_str).collect(),
            Self::Columns(columns) => columns.iter().map(|column| column.field.as_str()).collect(),
        }
    }
}

/// Sort keys: one expression, or a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ListSort {
    /// Such as `name desc`.
    Expression(String),
    /// Keys, the first counts most.
    Keys(Vec<ListSortKey>),
}

/// One sort key of a list view; unlike in a query the order is required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ListSortKey", deny_unknown_fields)]
pub struct ListSortKey {
    pub field: String,
    pub order: SortOrder,
}

/// A length: CSS text such as `50%`, or pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Extent {
    /// CSS text.
    Text(String),
    /// Pixels.
    Pixels(Number),
}

map_only! { ListSortKey }
