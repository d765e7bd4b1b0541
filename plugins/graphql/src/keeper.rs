//! The schema of the metadata as it is now. One is kept, and made anew by the first request that finds another version;
//! what requests run on meanwhile stays theirs until they end. Nobody waits for somebody else's: two that come at once
//! make two.

use std::sync::Arc;

use async_graphql::dynamic::Schema;
use objectos_plugin_api::contracts::metadata::MetadataClient;
use objectos_plugin_api::{Context, Host};
use parking_lot::Mutex;

use crate::config::Limits;
use crate::error::{GraphqlError, Result};
use crate::model::{self, Model};
use crate::schema;

/// A schema and what it was made of.
#[derive(Debug)]
pub(crate) struct Built {
    version: u64,
    pub(crate) model: Arc<Model>,
    pub(crate) schema: Schema,
}

/// Keeps one.
#[derive(Debug)]
pub(crate) struct Keeper {
    metadata: MetadataClient,
    limits: Limits,
    kept: Mutex<Option<Arc<Built>>>,
}

impl Keeper {
    pub(crate) fn new(host: &Host, limits: Limits) -> Result<Self> {
        Ok(Self {
            metadata: MetadataClient::open(host)?,
            limits,
            kept: Mutex::new(None),
        })
    }

    /// The schema of the metadata as it is now.
    ///
    /// # Errors
    /// When the metadata cannot be asked, or no schema can be made of it.
    pub(crate) async fn current(&self, context: &Context) -> Result<Arc<Built>> {
        let version = self.metadata.version_at_once(context)?;
        let kept = self.kept.lock().clone();
        // While nobody can tell the version, nobody changes the metadata either.
        if let Some(kept) = kept.filter(|kept| version.is_none_or(|version| version == kept.version)) {
            return Ok(kept);
        }
        let items = self.metadata.list(context, &"object".to_owned()).await?;
        let model = Arc::new(model::read(&items));
        let schema = schema::build(&model, &self.limits).map_err(|error| GraphqlError::Schema(error.to_string()))?;
        let built = Arc::new(Built {
            version: version.unwrap_or_default(),
            model,
            schema,
        });
        if version.is_some() {
            // What changed while the items were read has another version, and is read by the next request.
            *self.kept.lock() = Some(Arc::clone(&built));
        }
        Ok(built)
    }
}
