//! List views, form fields, apps. Source: the `ui` folder of the protocol.

use objectos_protocol::{shared, ui};

use super::entries;

entries! {
    "ui/NavigationMode" => ui::NavigationMode,
    "ui/RowHeight" => ui::RowHeight,
    "ui/ColumnSummary" => ui::ColumnSummary,
    "ui/SelectionConfig" => ui::SelectionConfig,
    "ui/CalendarConfig" => ui::CalendarConfig,
    "ui/AppBranding" => ui::AppBranding,
    "ui/GanttConfig" => ui::GanttConfig,
    "ui/ViewSharing" => ui::ViewSharing,
    "ui/GroupingField" => ui::GroupingField,
    "ui/PaginationConfig" => ui::PaginationConfig,
    "ui/KanbanConfig" => ui::KanbanConfig,
    "ui/RowColorConfig" => ui::RowColorConfig,
    "ui/I18nObject" => shared::Translated,
    "ui/I18nLabel" => shared::Label,
    "ui/HttpRequest" => ui::HttpRequest,
    "ui/GalleryConfig" => ui::GalleryConfig,
    "ui/TimelineConfig" => ui::TimelineConfig,
    "ui/GroupingConfig" => ui::GroupingConfig,
    "ui/NavigationConfig" => ui::NavigationConfig,
    "ui/AriaProps" => ui::AriaProps,
    "ui/ListColumn" => ui::ListColumn,
    "ui/FormField" => ui::FormField,
    "ui/ViewData" => ui::ViewData,
    "ui/NavigationItem" => ui::NavigationItem,
    "ui/App" => ui::App,
    "ui/ListView" => ui::ListView,
}
