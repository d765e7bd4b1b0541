//! Apps as users see them: navigation and looks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::guard::{guarded, snake_name, some, yes};
use crate::map_only::map_only;
use crate::shared::Label;
use crate::text::SNAKE_NAME;
use crate::ui::NavigationItem;
use crate::wire_enum::wire_enum;

/// An app as users see it. Source: `ui/App`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "App", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct App {
    #[serde(deserialize_with = "snake_name")]
    #[schemars(regex(pattern = SNAKE_NAME), length(min = 2))]
    pub name: String,
    pub label: Label,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub icon: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub branding: Option<AppBranding>,
    #[serde(default = "yes")]
    pub active: bool,
    #[serde(default)]
    pub is_default: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub navigation: Option<Vec<NavigationItem>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub home_page_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub required_permissions: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub objects: Option<Vec<Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub apis: Option<Vec<Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub mobile_navigation: Option<MobileNavigation>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub aria: Option<AriaProps>,
}

/// Navigation on small screens. Source: `ui/App`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "MobileNavigation", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct MobileNavigation {
    pub mode: MobileNavigationMode,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub bottom_nav_items: Option<Vec<String>>,
}

wire_enum! {
    /// `mobileNavigation.mode` in `ui/App`.
    #[derive(Default)]
    pub enum MobileNavigationMode {
        #[default]
        Drawer = "drawer",
        BottomNav = "bottom_nav",
        Hamburger = "hamburger",
    }
}

/// Colour and logo. Source: `ui/AppBranding`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AppBranding", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct AppBranding {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub primary_color: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub logo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub favicon: Option<String>,
}

/// What assistive technology is told. Source: `ui/AriaProps`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AriaProps", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct AriaProps {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub aria_label: Option<Label>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub aria_described_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub role: Option<String>,
}

map_only! {
    MobileNavigation, App, AppBranding, AriaProps,
}
