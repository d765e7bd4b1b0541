//! List views: how records of an object are shown in a list.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::guard::{guarded, number_above_zero, snake_name, some};
use crate::map_only::map_only;
use crate::shared::{Label, Number};
use crate::text::SNAKE_NAME;
use crate::ui::{
    AriaProps, CalendarConfig, GalleryConfig, GanttConfig, GroupingConfig, KanbanConfig, ListColumns, ListSort,
    NavigationConfig, PaginationConfig, RowColorConfig, SelectionConfig, TimelineConfig, ViewData, ViewSharing,
};
use crate::wire_enum::wire_enum;

wire_enum! {
    /// How tall a row is. Source: `ui/RowHeight`.
    pub enum RowHeight {
        Compact = "compact",
        Short = "short",
        Medium = "medium",
        Tall = "tall",
        ExtraTall = "extra_tall",
    }
}

wire_enum! {
    /// The figure below a column. Source: `ui/ColumnSummary`.
    pub enum ColumnSummary {
        None = "none",
        Count = "count",
        CountEmpty = "count_empty",
        CountFilled = "count_filled",
        CountUnique = "count_unique",
        PercentEmpty = "percent_empty",
        PercentFilled = "percent_filled",
        Sum = "sum",
        Avg = "avg",
        Min = "min",
        Max = "max",
    }
}

/// A list of records. Only `columns` is required. Source: `ui/ListView`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ListView", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ListView {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "snake_name")]
    #[schemars(regex(pattern = SNAKE_NAME), length(min = 2))]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub label: Option<Label>,
    /// `type` on the wire.
    #[serde(rename = "type", default)]
    pub kind: ListViewKind,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub data: Option<ViewData>,
    pub columns: ListColumns,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub filter: Option<Vec<Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub sort: Option<ListSort>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub searchable_fields: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub filterable_fields: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub resizable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub striped: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub bordered: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub selection: Option<SelectionConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub navigation: Option<NavigationConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub pagination: Option<PaginationConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub kanban: Option<KanbanConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub calendar: Option<CalendarConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub gantt: Option<GanttConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub gallery: Option<GalleryConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub timeline: Option<TimelineConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub sharing: Option<ViewSharing>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub row_height: Option<RowHeight>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub grouping: Option<GroupingConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub row_color: Option<RowColorConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub hidden_fields: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub field_order: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub row_actions: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub bulk_actions: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub virtual_scroll: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub conditional_formatting: Option<Vec<ConditionalFormat>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub inline_edit: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub export_options: Option<Vec<ExportFormat>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub empty_state: Option<EmptyState>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub aria: Option<AriaProps>,
}

wire_enum! {
    /// How the list looks. Source: `ui/ListView`.
    #[derive(Default)]
    pub enum ListViewKind {
        #[default]
        Grid = "grid",
        Kanban = "kanban",
        Gallery = "gallery",
        Calendar = "calendar",
        Timeline = "timeline",
        Gantt = "gantt",
        Map = "map",
    }
}

/// Rows for which a condition holds look different. Source: `ui/ListView`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ConditionalFormat", deny_unknown_fields)]
pub struct ConditionalFormat {
    pub condition: String,
    pub style: IndexMap<String, String>,
}

wire_enum! {
    /// A form in which the list can be taken away. Source: `ui/ListView`.
    pub enum ExportFormat {
        Csv = "csv",
        Xlsx = "xlsx",
        Pdf = "pdf",
        Json = "json",
    }
}

/// What is shown when there are no records. Source: `ui/ListView`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EmptyState", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct EmptyState {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub title: Option<Label>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub message: Option<Label>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub icon: Option<String>,
}

/// A column of a list. Source: `ui/ListColumn`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ListColumn", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ListColumn {
    pub field: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub label: Option<Label>,
    /// Pixels.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "number_above_zero"
    )]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub width: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub align: Option<ColumnAlign>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub hidden: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub sortable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub resizable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub wrap: Option<bool>,
    #[serde(
        rename = "type",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub pinned: Option<ColumnPin>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub summary: Option<ColumnSummary>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub link: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub action: Option<String>,
}

wire_enum! {
    /// `align` in `ui/ListColumn`.
    pub enum ColumnAlign {
        Left = "left",
        Center = "center",
        Right = "right",
    }
}

wire_enum! {
    /// `pinned` in `ui/ListColumn`.
    pub enum ColumnPin {
        Left = "left",
        Right = "right",
    }
}

map_only! {
    ConditionalFormat, EmptyState, ListView, ListColumn,
}
