//! Records a manifest brings along, in the shape of `data/Dataset`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kernel::check::{ObjectName, Pattern, published, text};
use crate::map_only::map_only;

/// What to do with a record that is already there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DatasetMode {
    Insert,
    Update,
    #[default]
    Upsert,
    Replace,
    Ignore,
}

/// Where records are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DatasetEnvironment {
    Prod,
    Dev,
    Test,
}

/// Records of one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ManifestDataset", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct ManifestDataset {
    #[serde(deserialize_with = "text::<_, ObjectName>")]
    #[schemars(regex(pattern = ObjectName::PATTERN))]
    pub object: String,
    /// Field by which a record is recognised.
    #[serde(default = "default_external_id")]
    pub external_id: String,
    #[serde(default)]
    pub mode: DatasetMode,
    #[serde(default = "default_env")]
    pub env: Vec<DatasetEnvironment>,
    pub records: Vec<Map<String, Value>>,
}

fn default_external_id() -> String {
    "name".to_owned()
}

fn default_env() -> Vec<DatasetEnvironment> {
    vec![
        DatasetEnvironment::Prod,
        DatasetEnvironment::Dev,
        DatasetEnvironment::Test,
    ]
}

map_only! {
    ManifestDataset,
}
