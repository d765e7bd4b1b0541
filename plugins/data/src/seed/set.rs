//! Sets of seed records, checked against the catalogue when it was built.

use objectos_plugin_api::protocol::data::{DatasetEnvironment, DatasetMode};
use serde_json::{Map, Value};

use crate::app::Place;

/// Records of one object from one file.
#[derive(Clone, Debug)]
pub struct SeedSet {
    /// Stable name under which the sink remembers it: `PACKAGE/OBJECT/FILE NAME`.
    pub key: String,
    /// Changes with the content.
    pub digest: String,
    /// Name of the object.
    pub object: String,
    /// Field by which a record is recognised.
    pub external_id: String,
    /// What to do with a record that is there already.
    pub mode: DatasetMode,
    /// Where it is loaded.
    pub environments: Vec<DatasetEnvironment>,
    /// In the order of the file.
    pub records: Vec<SeedRecord>,
}

/// A record and where it stands.
#[derive(Clone, Debug)]
pub struct SeedRecord {
    /// Its fields, references still as written.
    pub fields: Map<String, Value>,
    /// For messages.
    pub place: Place,
    /// `records[3]`, for messages.
    pub path: String,
}

/// The environment that goes with a mode of the host (`HostSettings::mode`).
#[must_use]
pub fn environment_of_mode(mode: &str) -> DatasetEnvironment {
    match mode {
        "development" => DatasetEnvironment::Dev,
        "test" => DatasetEnvironment::Test,
        _ => DatasetEnvironment::Prod,
    }
}
