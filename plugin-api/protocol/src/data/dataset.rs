//! Seed data of an app.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::identifier;
use crate::map_only::map_only;
use crate::shared::JsonMap;
use crate::text::IDENTIFIER;
use crate::wire_enum::wire_enum;

/// Records that belong to an app. Source: `data/Dataset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Dataset", rename_all = "camelCase", deny_unknown_fields)]
pub struct Dataset {
    /// Name of the object.
    #[serde(deserialize_with = "identifier")]
    #[schemars(regex(pattern = IDENTIFIER))]
    pub object: String,
    /// The field by which a record is recognised.
    #[serde(default = "name_field")]
    pub external_id: String,
    #[serde(default)]
    pub mode: DatasetMode,
    /// Environments in which the records are loaded.
    #[serde(default = "everywhere")]
    pub env: Vec<DatasetEnvironment>,
    /// Field values of each record.
    pub records: Vec<JsonMap>,
}

wire_enum! {
    /// Where a dataset is loaded. Source: `data/Dataset`.
    pub enum DatasetEnvironment {
        Prod = "prod",
        Dev = "dev",
        Test = "test",
    }
}

wire_enum! {
    /// What happens when a record is already there. Source: `data/DatasetMode`.
    #[derive(Default)]
    pub enum DatasetMode {
        Insert = "insert",
        Update = "update",
        #[default]
        Upsert = "upsert",
        Replace = "replace",
        Ignore = "ignore",
    }
}

fn name_field() -> String {
    "name".to_owned()
}

fn everywhere() -> Vec<DatasetEnvironment> {
    vec![
        DatasetEnvironment::Prod,
        DatasetEnvironment::Dev,
        DatasetEnvironment::Test,
    ]
}

map_only! {
    Dataset,
}
