//! Objects: a name, fields, and how records of it behave.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{
    CdcConfig, Field, PartitioningConfig, SoftDeleteConfig, StateMachine, TenancyConfig, ValidationRule,
    VersioningConfig,
};
use crate::guard::{guarded, identifier, identifier_key_names, identifier_keys, some, text_len, yes};
use crate::map_only::map_only;
use crate::text::IDENTIFIER;
use crate::wire_enum::wire_enum;

/// An object: the definition of a kind of record. Source: `data/Object`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Object", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Object {
    /// Unique; does not change once records exist.
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
    /// Cannot be deleted.
    #[serde(default)]
    pub is_system: bool,
    /// An abstract object has no records; others are based on it.
    #[serde(rename = "abstract", default)]
    pub is_abstract: bool,
    /// Name of the datasource; `default` is the primary one.
    #[serde(default = "primary_datasource")]
    pub datasource: String,
    /// Name of the table, when it differs from the object's.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub table_name: Option<String>,
    /// Fields by name, in the order they are shown.
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
    /// State machines by name.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub state_machines: Option<IndexMap<String, StateMachine>>,
    /// Template for a record's title, such as `{number} - {name}`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub title_format: Option<String>,
    /// Fields that stand for the record in a small space.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub compact_layout: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub search: Option<SearchConfig>,
    /// What can be done with records; without it the defaults of [`ObjectCapabilities`] hold.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub enable: Option<ObjectCapabilities>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub record_types: Option<Vec<String>>,
    /// Who may see records that nobody shared.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub sharing_model: Option<SharingModel>,
    /// Up to five characters before each record id.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text_len::<0, 5, _, _>"
    )]
    #[schemars(length(max = 5))]
    pub key_prefix: Option<String>,
}

wire_enum! {
    /// Who may see records that nobody shared. Source: `data/Object`.
    pub enum SharingModel {
        Private = "private",
        Read = "read",
        ReadWrite = "read_write",
        Full = "full",
    }
}

/// An index of an object's table. Source: `data/Index`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Index", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Index {
    /// Chosen by the data engine when left out.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub name: Option<String>,
    /// Fields in the order of the index.
    pub fields: Vec<String>,
    /// `type` on the wire.
    #[serde(rename = "type", default)]
    pub kind: IndexType,
    #[serde(default)]
    pub unique: bool,
    /// Condition: only records for which it holds are in the index.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub partial: Option<String>,
}

wire_enum! {
    /// The structure of an index. Source: `data/Index`.
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

/// What text search looks through. Source: `data/SearchConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SearchConfig", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct SearchConfig {
    pub fields: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub display_fields: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub filters: Option<Vec<String>>,
}

/// What can be done with records of an object. Source: `data/ObjectCapabilities`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "ObjectCapabilities",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct ObjectCapabilities {
    /// Changes of fields are kept.
    pub track_history: bool,
    /// Records are found by text search.
    pub searchable: bool,
    /// Records are reached through the API.
    pub api_enabled: bool,
    /// The operations the API offers; all when left out.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub api_methods: Option<Vec<ApiMethod>>,
    /// Files can be attached.
    pub files: bool,
    /// Records have comments and a feed.
    pub feeds: bool,
    /// Tasks and events can be attached.
    pub activities: bool,
    /// Deleted records go to the recycle bin.
    pub trash: bool,
    /// Recently used records are remembered for each user.
    pub mru: bool,
    /// Records can be copied.
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
    /// An operation the API offers on an object. Source: `data/ApiMethod`.
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
    /// Whether a package owns an object or extends another's. Source: `data/ObjectOwnershipEnum`.
    pub enum ObjectOwnership {
        Own = "own",
        Extend = "extend",
    }
}

fn primary_datasource() -> String {
    "default".to_owned()
}

map_only! {
    Object, Index, SearchConfig, ObjectCapabilities,
}
