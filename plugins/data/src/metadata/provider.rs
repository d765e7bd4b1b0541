//! The service `metadata` for other plugins, over the current catalogue.

use std::sync::Arc;

use objectos_plugin_api::contracts::metadata::{Metadata, MetadataItem, MetadataRequest};
use objectos_plugin_api::{Context, Result};

use crate::model::CatalogueCell;

/// Answers from whatever catalogue is current: `registry.service(MetadataServer::new(Arc::new(MetadataProvider::new(cell))))`.
#[derive(Clone, Debug)]
pub struct MetadataProvider {
    catalogue: Arc<CatalogueCell>,
}

impl MetadataProvider {
    /// Over a cell.
    #[must_use]
    pub fn new(catalogue: Arc<CatalogueCell>) -> Self {
        Self { catalogue }
    }
}

impl Metadata for MetadataProvider {
    async fn kinds(&self, _: Context) -> Result<Vec<String>> {
        Ok(self
            .catalogue
            .snapshot()
            .metadata()
            .kinds()
            .map(str::to_owned)
            .collect())
    }

    async fn list(&self, _: Context, kind: String) -> Result<Vec<MetadataItem>> {
        Ok(self
            .catalogue
            .snapshot()
            .metadata()
            .list(&kind)
            .map(|entry| entry.to_contract())
            .collect())
    }

    async fn get(&self, _: Context, request: MetadataRequest) -> Result<Option<MetadataItem>> {
        let catalogue = self.catalogue.snapshot();
        Ok(catalogue
            .metadata()
            .get(&request.kind, &request.name)
            .map(|entry| entry.to_contract()))
    }

    fn version(&self, _: Context) -> Result<u64> {
        Ok(self.catalogue.load().version())
    }
}
