//! The operator's settings of this plugin.

use std::collections::BTreeMap;

use objectos_expression::Zone;
use objectos_plugin_api::{Error, Result};
use serde::Deserialize;

use crate::model::Openness;

/// As `plugin.json` describes them. JSON, camelCase.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Settings {
    /// Sets that everybody holds who is signed in.
    pub default_sets: Vec<String>,
    /// Sets of whoever is not signed in.
    pub guest_sets: Vec<String>,
    /// Sets that go with roles.
    pub role_sets: BTreeMap<String, Vec<String>>,
    /// The org-wide default of objects that have none, neither in a sharing file nor in their definition.
    pub default_access: DefaultAccess,
    /// The time zone of the days in conditions; the one that the data engine is told.
    pub time_zone: Option<String>,
}

impl Settings {
    /// The time zone of the days in conditions; UTC without a word.
    ///
    /// # Errors
    /// A configuration error with the key, for a name that is none.
    pub fn zone(&self) -> Result<Zone> {
        let named = self.time_zone.as_deref().map(Zone::read).transpose();
        named
            .map(Option::unwrap_or_default)
            .map_err(|error| Error::configuration(format!("plugins.objectos.permissions.timeZone: {error}")))
    }
}

/// The org-wide default of objects that have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultAccess {
    /// The owner's.
    #[default]
    Private,
    /// Everybody's to see.
    PublicRead,
    /// Everybody's to see and change.
    PublicReadWrite,
}

impl From<DefaultAccess> for Openness {
    fn from(access: DefaultAccess) -> Self {
        match access {
            DefaultAccess::Private => Self::Private,
            DefaultAccess::PublicRead => Self::PublicRead,
            DefaultAccess::PublicReadWrite => Self::PublicReadWrite,
        }
    }
}
