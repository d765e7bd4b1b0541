//! Objects: a name, fields, and how records of it behave.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{
    CdcConfig, Field, PartitioningConfig, SoftDeleteConfig, StateNode, TenancyConfig, TransitionTarget, ValidationRule,
    VersioningConfig,
};
use crate::guard::{
    identifier, identifier_key_names, identifier_keys, optional_not_null, snake_name, some, text_len, yes,
};
use crate::shared::JsonMap;
use crate::text::{IDENTIFIER, SNAKE_NAME};
use crate::wire_enum::wire_enum;

/// Source: `data/Object`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
pub struct Object {
    #[serde(deserialize_with = "identifier")]
    #[schemars(regex(pattern = IDENTIFIER))]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub plural_label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub icon: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub tags: Option<Vec<String>>,
    #[serde(default = "yes")]
    pub active: bool,
    #[serde(default)]
    pub is_system: bool,
    #[serde(rename = "abstract", default)]
    pub is_abstract: bool,
    #[serde(default = "default_default")]
    pub datasource: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub table_name: Option<String>,
    #[serde(deserialize_with = "identifier_keys")]
    #[schemars(transform = identifier_key_names)]
    pub fields: IndexMap<String, Field>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub indexes: Option<Vec<Index>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub tenancy: Option<TenancyConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub soft_delete: Option<SoftDeleteConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub versioning: Option<VersioningConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub partitioning: Option<PartitioningConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cdc: Option<CdcConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub validations: Option<Vec<ValidationRule>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub state_machines: Option<IndexMap<String, ObjectStateMachine>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub title_format: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub compact_layout: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub search: Option<SearchConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub enable: Option<ObjectCapabilities>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub record_types: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub sharing_model: Option<SharingModel>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text_len::<0, 5, _, _>"
    )]
    #[schemars(length(max = 5))]
    pub key_prefix: Option<String>,
}

/// `stateMachines` in `data/Object`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
pub struct ObjectStateMachine {
    #[serde(deserialize_with = "snake_name")]
    #[schemars(regex(pattern = SNAKE_NAME), length(min = 2))]
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub context_schema: Option<JsonMap>,
    pub initial: String,
    pub states: IndexMap<String, StateNode>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub on: Option<IndexMap<String, TransitionTarget>>,
}

wire_enum! {
    /// `sharingModel` in `data/Object`.
    pub enum SharingModel {
        Private = "private",
        Read = "read",
        ReadWrite = "read_write",
        Full = "full",
    }
}

/// Source: `data/Index`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
pub struct Index {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub name: Option<String>,
    pub fields: Vec<String>,
    #[serde(rename = "type", default)]
    pub kind: IndexType,
    #[serde(default)]
    pub unique: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub partial: Option<String>,
}

wire_enum! {
    /// `type` in `data/Index`.
    #[derive(Default)]
    pub enum IndexType {
        #[default]
        Btree = "btree",
        Hash = "hash",
        Gin = "gin",
        Gist = "gist",
        Fulltext = "fulltext",
    }
}

/// Source: `data/SearchConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
pub struct SearchConfig {
    pub fields: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub display_fields: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub filters: Option<Vec<String>>,
}

/// Source: `data/ObjectCapabilities`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
pub struct ObjectCapabilities {
    pub track_history: bool,
    pub searchable: bool,
    pub api_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub api_methods: Option<Vec<ApiMethod>>,
    pub files: bool,
    pub feeds: bool,
    pub activities: bool,
    pub trash: bool,
    pub mru: bool,
    pub clone: bool,
}

impl Default for ObjectCapabilities {
    fn default() -> Self {
        Self {
            track_history: false,
            searchable: true,
            api_enabled: true,
            api_methods: None,
            files: false,
            feeds: false,
            activities: false,
            trash: true,
            mru: true,
            clone: true,
        }
    }
}

wire_enum! {
    /// Source: `data/ApiMethod`.
    pub enum ApiMethod {
        Get = "get",
        List = "list",
        Create = "create",
        Update = "update",
        Delete = "delete",
        Upsert = "upsert",
        Bulk = "bulk",
        Aggregate = "aggregate",
        History = "history",
        Search = "search",
        Restore = "restore",
        Purge = "purge",
        Import = "import",
        Export = "export",
    }
}

wire_enum! {
    /// Source: `data/ObjectOwnershipEnum`.
    pub enum ObjectOwnership {
        Own = "own",
        Extend = "extend",
    }
}

fn default_default() -> String {
    "default".to_owned()
}
