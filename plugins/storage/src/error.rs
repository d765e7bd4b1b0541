//! What may go wrong on the way of an object, and how the plugin API says it.

use objectos_plugin_api::{Error, ErrorKind};
use std::io;

/// What may go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The operator set something that cannot work.
    #[error("{0}")]
    Configuration(String),
    /// There is nothing to keep objects in.
    #[error("no bucket is configured: set plugins.objectos.storage.s3")]
    NoBucket,
    /// The caller asked for something that cannot be.
    #[error("{0}")]
    Request(String),
    /// The server says no, and would say so again.
    #[error("{0}")]
    Refused(String),
    /// The server did not do it now; it may later.
    #[error("{0}")]
    Later(String),
    /// What is kept cannot be read.
    #[error("{0}")]
    Broken(String),
    /// The folder cannot be used.
    #[error("the file {key} cannot be used")]
    File {
        /// Key of the object.
        key: String,
        /// What the disk says.
        #[source]
        source: io::Error,
    },
    /// Another service failed.
    #[error(transparent)]
    Plugin(#[from] Error),
}

/// The result of everything in this crate.
pub(crate) type Result<T, E = StorageError> = std::result::Result<T, E>;

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Configuration(message) => Self::configuration(message),
            StorageError::NoBucket => Self::unavailable(error.to_string()),
            StorageError::Request(message) => Self::invalid(message),
            StorageError::Refused(message) | StorageError::Later(message) => Self::new(ErrorKind::External, message),
            StorageError::Broken(message) => Self::internal(message),
            StorageError::File { key, source } => {
                Self::new(ErrorKind::External, format!("the file {key} cannot be used: {source}"))
            }
            StorageError::Plugin(error) => error,
        }
    }
}
