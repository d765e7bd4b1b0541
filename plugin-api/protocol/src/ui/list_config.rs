//! Parts of a list view that belong to one kind of list.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, integer_from, list_from, some};
use crate::map_only::map_only;
use crate::shared::SortOrder;
use crate::ui::Extent;
use crate::wire_enum::wire_enum;

/// Whether rows can be chosen. Source: `ui/SelectionConfig`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SelectionConfig", default, deny_unknown_fields)]
pub struct SelectionConfig {
    #[serde(rename = "type")]
    pub kind: SelectionKind,
}

wire_enum! {
    /// `type` in `ui/SelectionConfig`.
    #[derive(Default)]
    pub enum SelectionKind {
        #[default]
        None = "none",
        Single = "single",
        Multiple = "multiple",
    }
}

wire_enum! {
    /// Where a record opens. Source: `ui/NavigationMode`.
    #[derive(Default)]
    pub enum NavigationMode {
        #[default]
        Page = "page",
        Drawer = "drawer",
        Modal = "modal",
        Split = "split",
        Popover = "popover",
        NewWindow = "new_window",
        None = "none",
    }
}

/// What happens when a row is clicked. Source: `ui/NavigationConfig`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "NavigationConfig", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct NavigationConfig {
    pub mode: NavigationMode,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub view: Option<String>,
    pub prevent_navigation: bool,
    pub open_new_tab: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub width: Option<Extent>,
}

/// Rows on a page. Source: `ui/PaginationConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PaginationConfig", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct PaginationConfig {
    /// Rows on a page.
    #[serde(deserialize_with = "integer_from::<1, _, _>")]
    #[schemars(range(min = 1))]
    pub page_size: u64,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "integer_from::<1, _, _>"
    )]
    #[schemars(inner(range(min = 1)))]
    pub page_size_options: Option<Vec<u64>>,
}

impl Default for PaginationConfig {
    fn default() -> Self {
        Self {
            page_size: 25,
            page_size_options: None,
        }
    }
}

/// For boards. Source: `ui/KanbanConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "KanbanConfig", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct KanbanConfig {
    pub group_by_field: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub summarize_field: Option<String>,
    pub columns: Vec<String>,
}

/// For calendars. Source: `ui/CalendarConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CalendarConfig", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct CalendarConfig {
    pub start_date_field: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub end_date_field: Option<String>,
    pub title_field: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub color_field: Option<String>,
}

/// For Gantt charts. Source: `ui/GanttConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "GanttConfig", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct GanttConfig {
    pub start_date_field: String,
    pub end_date_field: String,
    pub title_field: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub progress_field: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub dependencies_field: Option<String>,
}

/// For galleries. Source: `ui/GalleryConfig`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "GalleryConfig", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct GalleryConfig {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cover_field: Option<String>,
    pub cover_fit: CoverFit,
    pub card_size: CardSize,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub title_field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub visible_fields: Option<Vec<String>>,
}

wire_enum! {
    /// `coverFit` in `ui/GalleryConfig`.
    #[derive(Default)]
    pub enum CoverFit {
        #[default]
        Cover = "cover",
        Contain = "contain",
    }
}

wire_enum! {
    /// `cardSize` in `ui/GalleryConfig`.
    #[derive(Default)]
    pub enum CardSize {
        Small = "small",
        #[default]
        Medium = "medium",
        Large = "large",
    }
}

/// For timelines. Source: `ui/TimelineConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "TimelineConfig", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct TimelineConfig {
    pub start_date_field: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub end_date_field: Option<String>,
    pub title_field: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub group_by_field: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub color_field: Option<String>,
    #[serde(default)]
    pub scale: TimelineScale,
}

wire_enum! {
    /// `scale` in `ui/TimelineConfig`.
    #[derive(Default)]
    pub enum TimelineScale {
        Hour = "hour",
        Day = "day",
        #[default]
        Week = "week",
        Month = "month",
        Quarter = "quarter",
        Year = "year",
    }
}

/// Whose view it is. Source: `ui/ViewSharing`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ViewSharing", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ViewSharing {
    #[serde(rename = "type")]
    pub kind: ViewSharingKind,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub locked_by: Option<String>,
}

wire_enum! {
    /// `type` in `ui/ViewSharing`.
    #[derive(Default)]
    pub enum ViewSharingKind {
        Personal = "personal",
        #[default]
        Collaborative = "collaborative",
    }
}

/// A field by which rows are grouped. Source: `ui/GroupingField`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "GroupingField", deny_unknown_fields)]
pub struct GroupingField {
    pub field: String,
    #[serde(default)]
    pub order: SortOrder,
    #[serde(default)]
    pub collapsed: bool,
}

/// Rows in groups. Source: `ui/GroupingConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "GroupingConfig", deny_unknown_fields)]
pub struct GroupingConfig {
    #[serde(deserialize_with = "list_from::<1, _, _>")]
    #[schemars(length(min = 1))]
    pub fields: Vec<GroupingField>,
}

/// Rows coloured by the value of a field. Source: `ui/RowColorConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RowColorConfig", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RowColorConfig {
    pub field: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub colors: Option<IndexMap<String, String>>,
}

map_only! {
    SelectionConfig, NavigationConfig, PaginationConfig, KanbanConfig, CalendarConfig, GanttConfig, GalleryConfig, TimelineConfig, ViewSharing, GroupingField, GroupingConfig, RowColorConfig,
}
