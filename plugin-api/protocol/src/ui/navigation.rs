//! Entries of an app's navigation.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::guard::{divided, guarded, snake_name, some};
use crate::map_only::map_only;
use crate::shared::{JsonMap, Label};
use crate::text::SNAKE_NAME;
use crate::wire_enum::wire_enum;

/// An entry of the navigation. Source: `ui/NavigationItem` and its five kinds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(extend("unevaluatedProperties" = false))]
pub struct NavigationItem {
    /// Keys that every entry has.
    #[serde(flatten)]
    pub common: NavigationCommon,
    /// Where it leads, by `type`.
    #[serde(flatten)]
    pub kind: NavigationKind,
}

/// The keys that every entry has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "NavigationCommon", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct NavigationCommon {
    #[serde(deserialize_with = "snake_name")]
    #[schemars(regex(pattern = SNAKE_NAME), length(min = 2))]
    pub id: String,
    pub label: Label,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub icon: Option<String>,
    /// Condition under which the entry is shown.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub visible: Option<String>,
}

/// Where an entry leads; the key `type` on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NavigationKind {
    /// Records of an object.
    Object(ObjectNavigation),
    /// A dashboard.
    Dashboard(DashboardNavigation),
    /// A page.
    Page(PageNavigation),
    /// Any address.
    Url(UrlNavigation),
    /// Further entries.
    Group(GroupNavigation),
}

/// Source: `ui/ObjectNavItem`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ObjectNavigation", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ObjectNavigation {
    pub object_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub view_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub children: Option<Vec<NavigationItem>>,
}

/// Source: `ui/DashboardNavItem`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "DashboardNavigation", rename_all = "camelCase", deny_unknown_fields)]
pub struct DashboardNavigation {
    pub dashboard_name: String,
}

/// Source: `ui/PageNavItem`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PageNavigation", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct PageNavigation {
    pub page_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub params: Option<JsonMap>,
}

/// Source: `ui/UrlNavItem`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "UrlNavigation", deny_unknown_fields)]
pub struct UrlNavigation {
    pub url: String,
    #[serde(default)]
    pub target: LinkTarget,
}

wire_enum! {
    /// Where an address opens.
    #[derive(Default)]
    pub enum LinkTarget {
        #[default]
        Same = "_self",
        New = "_blank",
    }
}

/// Source: `ui/GroupNavItem`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "GroupNavigation", deny_unknown_fields)]
pub struct GroupNavigation {
    #[serde(default)]
    pub expanded: bool,
    pub children: Vec<NavigationItem>,
}

const COMMON_KEYS: [&str; 4] = ["id", "label", "icon", "visible"];

impl<'de> Deserialize<'de> for NavigationItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (common, kind) = divided(deserializer, &COMMON_KEYS)?;
        Ok(Self { common, kind })
    }
}

map_only! { NavigationCommon, ObjectNavigation, DashboardNavigation, PageNavigation, UrlNavigation, GroupNavigation }
