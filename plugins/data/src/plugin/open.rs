//! From the configuration to an open database.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{DataConfig, DatabaseConfig};
use crate::error::Result;
use crate::store::{Datasources, PostgresOptions, PostgresStore, SqliteOptions, SqliteStore, Store};

/// Opens the first database and the further ones.
pub(crate) async fn open_all(config: &DataConfig, folder: &Path) -> Result<(Arc<dyn Store>, Datasources)> {
    let store = open(&config.database, folder).await?;
    let mut others = BTreeMap::new();
    for (name, database) in &config.datasources {
        match open(database, folder).await {
            Ok(other) => {
                others.insert(name.clone(), other);
            }
            Err(error) => {
                // Nobody else will: what failed while it starts is only dropped.
                Datasources::new(others).close().await;
                store.close().await;
                return Err(error);
            }
        }
    }
    Ok((store, Datasources::new(others)))
}

/// Opens a database; relative paths lie in the folder.
async fn open(config: &DatabaseConfig, folder: &Path) -> Result<Arc<dyn Store>> {
    if let Some(url) = config.postgres() {
        let options = PostgresOptions {
            replicas: config.replicas.clone(),
            replica_lag_ms: config.replica_lag_ms,
            schema: config.schema.clone(),
            pool_size: config.pool_size,
            connect_timeout: config.connect_timeout(),
            query_timeout: config.query_timeout(),
            ..PostgresOptions::new(url)
        };
        return Ok(Arc::new(PostgresStore::open(options).await?));
    }
    let options = SqliteOptions {
        synchronous: config.synchronous,
        readers: config.readers,
        connect_timeout: config.connect_timeout(),
        busy_timeout: Duration::from_millis(config.busy_timeout_ms),
        query_timeout: config.query_timeout(),
        ..SqliteOptions::new(config.path(folder)?)
    };
    Ok(Arc::new(SqliteStore::open(options).await?))
}
