//! The plugin's configuration, as it stands in `objectos.yml` under `plugins.objectos.data`.
//!
//! Read once by `plugin`. What is not named here is a constant beside the code that uses it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::error::{DataError, Result};

/// The whole. JSON, camelCase; every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct DataConfig {
    /// Where the records are.
    pub database: DatabaseConfig,
    /// How much one request may ask for.
    pub limits: LimitsConfig,
}

/// Where the records are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `sqlite:PATH`; without it `data.db` in the plugin's own folder. A relative path lies in that folder.
    pub url: Option<String>,
    /// `NORMAL`: after a power cut the last moments may be missing, but nothing is half there. `FULL`: what was answered is
    /// on the disk.
    pub synchronous: Synchronous,
    /// Connections for reading, 1 to 64.
    pub readers: usize,
    /// How long a statement may wait for a lock that another program holds, milliseconds.
    pub busy_timeout_ms: u64,
    /// How long one query may run, milliseconds.
    pub query_timeout_ms: u64,
}

/// When SQLite waits for the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Synchronous {
    /// At checkpoints.
    #[default]
    #[serde(alias = "normal")]
    Normal,
    /// At every commit.
    #[serde(alias = "full")]
    Full,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: None,
            synchronous: Synchronous::Normal,
            readers: 4,
            busy_timeout_ms: 5_000,
            query_timeout_ms: 30_000,
        }
    }
}

/// How much one request may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Records of a page when the request does not say.
    pub page_size: u32,
    /// Records of a page at most; a larger wish is cut to it.
    pub page_size_max: u32,
    /// Records of one bulk call at most, 1 to 1000.
    pub batch_max: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            page_size: 100,
            page_size_max: 1_000,
            batch_max: 200,
        }
    }
}

impl DataConfig {
    /// Checks what the types alone do not say.
    ///
    /// # Errors
    /// `Configuration` with key and remedy.
    pub fn check(&self) -> Result<()> {
        let wrong = |message: &str| {
            Err(DataError::Configuration {
                message: message.to_owned(),
            })
        };
        if !(1..=64).contains(&self.database.readers) {
            return wrong("database.readers must be between 1 and 64");
        }
        if self.database.query_timeout_ms == 0 {
            return wrong("database.queryTimeoutMs must be at least 1");
        }
        if !(1..=1_000).contains(&self.limits.batch_max) {
            return wrong("limits.batchMax must be between 1 and 1000");
        }
        if self.limits.page_size == 0 || self.limits.page_size > self.limits.page_size_max {
            return wrong("limits.pageSize must be between 1 and limits.pageSizeMax");
        }
        Ok(())
    }
}

impl DatabaseConfig {
    /// The database file.
    ///
    /// # Errors
    /// `Configuration` for another kind of database, or a path that is none.
    pub fn path(&self, folder: &Path) -> Result<PathBuf> {
        let Some(url) = &self.url else {
            return Ok(folder.join("data.db"));
        };
        let Some(path) = url.strip_prefix("sqlite:") else {
            return Err(DataError::Configuration {
                message: format!("database.url must begin with 'sqlite:', found '{}'", scheme(url)),
            });
        };
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.starts_with(":memory:") || path.contains('?') {
            return Err(DataError::Configuration {
                message: "database.url must name a file, as in 'sqlite:data.db'; memory and parameters are not taken"
                    .to_owned(),
            });
        }
        Ok(folder.join(path))
    }

    /// How long one query may run.
    #[must_use]
    pub fn query_timeout(&self) -> Duration {
        Duration::from_millis(self.query_timeout_ms)
    }
}

/// What stands before the colon: the rest of an address may hold a password.
fn scheme(url: &str) -> &str {
    url.split(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
