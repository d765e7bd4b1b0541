//! Territories: access by region or industry.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, snake_name, some};
use crate::map_only::map_only;
use crate::text::SNAKE_NAME;
use crate::wire_enum::wire_enum;

wire_enum! {
    /// What divides territories. Source: `security/TerritoryType`.
    #[derive(Default)]
    pub enum TerritoryType {
        #[default]
        Geography = "geography",
        Industry = "industry",
        NamedAccount = "named_account",
        ProductLine = "product_line",
    }
}

/// A part of the market and who works in it. Source: `security/Territory`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Territory", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Territory {
    #[serde(deserialize_with = "snake_name")]
    #[schemars(regex(pattern = SNAKE_NAME), length(min = 2))]
    pub name: String,
    pub label: String,
    pub model_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub parent: Option<String>,
    #[serde(rename = "type", default)]
    pub kind: TerritoryType,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub assignment_rule: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub assigned_users: Option<Vec<String>>,
    #[serde(default)]
    pub account_access: TerritoryAccess,
    #[serde(default)]
    pub opportunity_access: TerritoryAccess,
    #[serde(default)]
    pub case_access: TerritoryAccess,
}

wire_enum! {
    /// What members of a territory may do. Source: `security/Territory`.
    #[derive(Default)]
    pub enum TerritoryAccess {
        #[default]
        Read = "read",
        Edit = "edit",
    }
}

/// One way to divide the market. Source: `security/TerritoryModel`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "TerritoryModel", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct TerritoryModel {
    pub name: String,
    #[serde(default)]
    pub state: TerritoryModelState,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub start_date: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub end_date: Option<String>,
}

wire_enum! {
    /// `state` in `security/TerritoryModel`.
    #[derive(Default)]
    pub enum TerritoryModelState {
        #[default]
        Planning = "planning",
        Active = "active",
        Archived = "archived",
    }
}

map_only! {
    Territory, TerritoryModel,
}
