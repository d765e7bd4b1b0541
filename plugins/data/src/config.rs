//! The plugin's configuration, as it stands in `objectos.yml` under `plugins.objectos.data`.
//!
//! Read once by `plugin`. What is not named here is a constant beside the code that uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use objectos_expression::Zone;
use objectos_plugin_api::protocol::text::is_identifier;
use serde::Deserialize;

use crate::error::{DataError, Result};
use crate::store::DEFAULT_DATASOURCE;
use crate::vault::keys::OWN;

/// The whole. JSON, camelCase; every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct DataConfig {
    /// Where the records are.
    pub database: DatabaseConfig,
    /// Further databases, by the names that objects use for them.
    pub datasources: BTreeMap<String, DatabaseConfig>,
    /// What secret fields are encrypted with.
    pub encryption: EncryptionConfig,
    /// How much one request may ask for.
    pub limits: LimitsConfig,
    /// The time zone of days and times of day for callers whose principal names none (attribute `timezone`): a name such as
    /// `Europe/Berlin` or an offset such as `+02:00`; without it UTC.
    pub time_zone: Option<String>,
}

/// What secret fields are encrypted with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct EncryptionConfig {
    /// The keys: the first encrypts, all decrypt. Without any the plugin makes one of its own in its folder, but where several
    /// hosts may share a database.
    pub keys: Vec<KeyConfig>,
}

/// A key.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct KeyConfig {
    /// Stands beside every value that was encrypted with it: 1 to 32 letters, digits, '_' and '-'.
    pub id: String,
    /// 32 bytes in base64 or hexadecimal.
    pub key: Option<String>,
    /// A file that holds them; a relative path in the plugin's own folder.
    pub key_file: Option<String>,
}

impl fmt::Debug for KeyConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyConfig")
            .field("id", &self.id)
            .field("key_file", &self.key_file)
            .finish_non_exhaustive()
    }
}

/// Where the records are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `sqlite:PATH`, a relative path in the plugin's own folder, or `postgres://USER:PASSWORD@HOST/DATABASE`; without it
    /// `data.db` in the plugin's own folder.
    pub url: Option<String>,
    /// PostgreSQL: the schema that holds the tables, made when it is not there; without it the first of the search path.
    pub schema: Option<String>,
    /// PostgreSQL: connections at most, 4 to 1000.
    pub pool_size: usize,
    /// PostgreSQL: addresses of servers that follow the first, for reading.
    pub replicas: Vec<String>,
    /// PostgreSQL: how far replicas may be behind, milliseconds; for so long after a write whoever wrote reads from the first
    /// server, as long as the same host answers. 0: from replicas at once.
    pub replica_lag_ms: u64,
    /// How long to wait for a connection, milliseconds: for one to come free while all are in use, and (PostgreSQL) for a new
    /// one to be made.
    pub connect_timeout_ms: u64,
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
            schema: None,
            pool_size: 100,
            replicas: Vec::new(),
            replica_lag_ms: 1_000,
            connect_timeout_ms: 10_000,
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
    /// Records that a query may compute a formula of that no database can compute, 1 to 1000000. Their ids and values are in memory
    /// while it runs, some 50 bytes and the value for each, once here and once in the database.
    pub formula_records_max: u64,
    /// Bytes of these ids and values over all such formulas of a query and of the relations that it expands, 1024 to 67108864: a
    /// quarter of what PostgreSQL takes as one document.
    pub formula_bytes_max: u64,
    /// Values that the lists of one answer (`array_agg`, `string_agg`) may hold over all groups, 1 to 1000000.
    pub list_values_max: u64,
    /// Bytes of these values, 1024 to 268435456. All of them are in memory while the answer is made.
    pub list_bytes_max: u64,
    /// Records that one delete or restore may take along, 1 to 1000000. Their events and versions are stored in one
    /// transaction, and all of it is in memory meanwhile.
    pub cascade_max: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            page_size: 100,
            page_size_max: 1_000,
            batch_max: 200,
            formula_records_max: 50_000,
            formula_bytes_max: 64 * 1_024 * 1_024,
            list_values_max: 10_000,
            list_bytes_max: 8 * 1_024 * 1_024,
            cascade_max: 10_000,
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
        self.database.check("database")?;
        for (name, database) in &self.datasources {
            if name == DEFAULT_DATASOURCE || !is_identifier(name) {
                return Err(DataError::Configuration {
                    message: format!(
                        "datasources: '{name}' is no name of a further database; use lower case letters, digits and underscores"
                    ),
                });
            }
            if database.url.is_none() {
                return Err(DataError::Configuration {
                    message: format!("datasources.{name}.url is missing"),
                });
            }
            database.check(&format!("datasources.{name}"))?;
        }
        self.encryption.check()?;
        self.zone()?;
        if !(1..=1_000).contains(&self.limits.batch_max) {
            return wrong("limits.batchMax must be between 1 and 1000");
        }
        if !(1..=1_000_000).contains(&self.limits.formula_records_max) {
            return wrong("limits.formulaRecordsMax must be between 1 and 1000000");
        }
        if !(1_024..=67_108_864).contains(&self.limits.formula_bytes_max) {
            return wrong("limits.formulaBytesMax must be between 1024 and 67108864");
        }
        if !(1..=1_000_000).contains(&self.limits.list_values_max) {
            return wrong("limits.listValuesMax must be between 1 and 1000000");
        }
        if !(1_024..=268_435_456).contains(&self.limits.list_bytes_max) {
            return wrong("limits.listBytesMax must be between 1024 and 268435456");
        }
        if !(1..=1_000_000).contains(&self.limits.cascade_max) {
            return wrong("limits.cascadeMax must be between 1 and 1000000");
        }
        if self.limits.page_size == 0 || self.limits.page_size > self.limits.page_size_max {
            return wrong("limits.pageSize must be between 1 and limits.pageSizeMax");
        }
        Ok(())
    }
}

impl DataConfig {
    /// The time zone of callers who have none of their own.
    ///
    /// # Errors
    /// `Configuration` for a name that is none.
    pub fn zone(&self) -> Result<Zone> {
        let named = self.time_zone.as_deref().map(Zone::read);
        named
            .transpose()
            .map(Option::unwrap_or_default)
            .map_err(|error| DataError::Configuration {
                message: format!("timeZone: {error}"),
            })
    }
}

impl DataConfig {
    /// Whether several hosts may share one of the databases.
    #[must_use]
    pub fn may_share(&self) -> bool {
        let mut databases = std::iter::once(&self.database).chain(self.datasources.values());
        databases.any(|database| database.postgres().is_some())
    }
}

impl EncryptionConfig {
    /// Checks what the types alone do not say; whether a key is one is told when it is read.
    ///
    /// # Errors
    /// `Configuration` with key and remedy.
    pub fn check(&self) -> Result<()> {
        let wrong = |place: usize, what: String| {
            Err(DataError::Configuration {
                message: format!("encryption.keys[{place}]{what}"),
            })
        };
        let mut seen = BTreeSet::new();
        for (place, KeyConfig { id, key, key_file }) in self.keys.iter().enumerate() {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
            if id.is_empty() || id.len() > 32 || !id.bytes().all(plain) {
                return wrong(
                    place,
                    format!(".id must be 1 to 32 letters, digits, '_' and '-', found '{id}'"),
                );
            }
            if id.starts_with(OWN) {
                return wrong(
                    place,
                    format!(".id must not begin with '{OWN}': such keys the plugin makes itself"),
                );
            }
            if !seen.insert(id) {
                return wrong(place, format!(".id is '{id}', as is that of a key before it"));
            }
            if key.is_some() == key_file.is_some() {
                return wrong(place, " needs either `key` or `keyFile`".to_owned());
            }
        }
        Ok(())
    }
}

impl DatabaseConfig {
    /// Checks what the types alone do not say; `place` is where it stands.
    ///
    /// # Errors
    /// `Configuration` with key and remedy.
    pub fn check(&self, place: &str) -> Result<()> {
        let wrong = |message: String| Err(DataError::Configuration { message });
        if !(1..=64).contains(&self.readers) {
            return wrong(format!("{place}.readers must be between 1 and 64"));
        }
        if !(4..=1_000).contains(&self.pool_size) {
            return wrong(format!("{place}.poolSize must be between 4 and 1000"));
        }
        if self.query_timeout_ms == 0 || self.connect_timeout_ms == 0 {
            return wrong(format!(
                "{place}.queryTimeoutMs and {place}.connectTimeoutMs must be at least 1"
            ));
        }
        let foreign = self.replicas.iter().find(|url| !is_postgres(url));
        if let Some(url) = foreign {
            return wrong(format!(
                "{place}.replicas must begin with 'postgres://', found '{}'",
                scheme(url)
            ));
        }
        let name = |schema: &String| {
            let first = schema
                .bytes()
                .next()
                .is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
            first
                && schema.len() <= 63
                && !schema.starts_with("pg_")
                && schema
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        if self.schema.as_ref().is_some_and(|schema| !name(schema)) {
            return wrong(format!(
                "{place}.schema must be small letters, digits and '_', 63 at most"
            ));
        }
        if (self.schema.is_some() || !self.replicas.is_empty()) && self.postgres().is_none() {
            return wrong(format!("{place}.schema and {place}.replicas are for PostgreSQL only"));
        }
        Ok(())
    }

    /// The address of the PostgreSQL database, when it is one.
    #[must_use]
    pub fn postgres(&self) -> Option<&str> {
        self.url.as_deref().filter(|url| is_postgres(url))
    }

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
                message: format!(
                    "database.url must begin with 'sqlite:' or 'postgres://', found '{}'",
                    scheme(url)
                ),
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

    /// How long to wait for a connection.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    /// How long one query may run.
    #[must_use]
    pub fn query_timeout(&self) -> Duration {
        Duration::from_millis(self.query_timeout_ms)
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// What stands before the colon: the rest of an address may hold a password.
fn scheme(url: &str) -> &str {
    url.split(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
