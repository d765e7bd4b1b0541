//! `metadata`: what an app declares. Read by the gateway and by plugins that act on metadata.

use objectos_plugin_macros::service;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Context, Error, ErrorKind, Result};

/// One item. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetadataItem {
    /// `object`, `view`, `permission`, … in the singular.
    pub kind: String,
    /// Name, unique within its kind.
    pub name: String,
    /// Id of the app or plugin it comes from.
    pub package: String,
    /// The definition in the protocol's shape, defaults filled in.
    pub definition: Value,
}

/// Which item.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetadataRequest {
    /// Kind, singular or plural.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// What apps and plugins declare.
#[service(name = "metadata", version = "1.0.0")]
pub trait Metadata {
    /// The kinds that are known.
    async fn kinds(&self, context: Context) -> Result<Vec<String>>;
    /// All items of a kind; an unknown kind has none.
    async fn list(&self, context: Context, kind: String) -> Result<Vec<MetadataItem>>;
    /// One item, or `null`.
    async fn get(&self, context: Context, request: MetadataRequest) -> Result<Option<MetadataItem>>;
    /// Changes whenever any item changes.
    fn version(&self, context: Context) -> Result<u64>;
}

impl MetadataClient {
    /// [`Metadata::version`] for a thread that must not wait, such as one that others' requests run on, and on which a call may
    /// have to come to its end before the metadata is back. `None` while nobody is there to tell it, as when its plugin is being
    /// replaced; nobody changes the metadata meanwhile.
    ///
    /// # Errors
    /// Those of [`crate::ServiceRef::call_sync`] but `Unavailable`; `Internal` for an answer that is no number.
    pub fn version_at_once(&self, context: &Context) -> Result<Option<u64>> {
        match self.reference().call_sync_at_once(context, "version", b"") {
            Ok(version) => serde_json::from_slice(&version)
                .map(Some)
                .map_err(|error| Error::internal(format!("the version of the metadata is no number: {error}"))),
            Err(error) if error.kind() == ErrorKind::Unavailable => Ok(None),
            Err(error) => Err(error),
        }
    }
}
