//! The plugin around the places for objects: reads the configuration, opens bucket and folder, and offers what is
//! kept in them. It holds nothing between two calls, and has nothing to begin or to end.

use objectos_plugin_api::contracts::event_archive::{EventArchiveServer, S3_ARCHIVE};
use objectos_plugin_api::contracts::event_streams::{EventStreamsServer, FILE_STREAMS, S3_STREAMS};
use objectos_plugin_api::contracts::named::Named;
use objectos_plugin_api::{Plugin, Registry, Result, Setup, plugin};
use std::sync::Arc;

use crate::archive::Archive;
use crate::config::StorageConfig;
use crate::folder::Folder;
use crate::s3::Bucket;
use crate::streams::Streams;

/// `objectos.storage`.
#[derive(Debug)]
pub struct StoragePlugin {
    archive: Arc<Archive<Option<Bucket>>>,
    streams: Arc<Streams<Option<Bucket>>>,
    /// In the plugin's own folder.
    own_streams: Arc<Streams<Folder>>,
}

#[plugin]
impl Plugin for StoragePlugin {
    const RUNTIME_WORKERS: usize = 1;

    async fn init(setup: Setup) -> Result<Self> {
        let config: StorageConfig = if setup.config.is_null() {
            StorageConfig::default()
        } else {
            setup.config()?
        };
        let bucket = match &config.s3 {
            Some(s3) => Some(Bucket::open(s3, &setup.host)?),
            None => None,
        };
        let folder = Folder::new(setup.data_directory()?.join("events"));
        Ok(Self {
            archive: Arc::new(Archive::new(bucket.clone(), setup.host.clone())),
            streams: Arc::new(Streams::new(bucket, setup.host.clone())),
            own_streams: Arc::new(Streams::new(folder, setup.host.clone())),
        })
    }

    fn register(self: &Arc<Self>, registry: &mut Registry<Self>) {
        let archive = EventArchiveServer::new(Arc::clone(&self.archive));
        registry.service(Named::new(S3_ARCHIVE, archive));
        let streams = EventStreamsServer::new(Arc::clone(&self.streams));
        registry.service(Named::new(S3_STREAMS, streams));
        let own_streams = EventStreamsServer::new(Arc::clone(&self.own_streams));
        registry.service(Named::new(FILE_STREAMS, own_streams));
    }
}
