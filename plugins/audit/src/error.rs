//! What may go wrong in the audit, and how the plugin API says it.

use objectos_plugin_api::{Error, ErrorKind};

/// What may go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The operator set something that cannot work.
    #[error("{0}")]
    Configuration(String),
    /// A query has something wrong; where and what.
    #[error("{0}")]
    Query(String),
    /// A file could not be written or read.
    #[error("{what}: {source}")]
    File {
        /// What was done with which file.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The audit is stopping.
    #[error("the audit is stopping")]
    Stopping,
    /// Something is not as this crate left it.
    #[error("{0}")]
    Internal(String),
    /// Another service failed.
    #[error(transparent)]
    Plugin(#[from] Error),
}

/// The result of everything in this crate.
pub(crate) type Result<T, E = AuditError> = std::result::Result<T, E>;

impl AuditError {
    /// Whether trying again makes no sense: the row itself is at fault.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Plugin(error) if error.kind() == ErrorKind::Invalid)
    }
}

impl From<AuditError> for Error {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Configuration(message) => Self::configuration(message),
            AuditError::Query(message) => Self::invalid(message).with_code("invalid_query"),
            AuditError::Stopping => Self::unavailable(error.to_string()),
            AuditError::File { .. } | AuditError::Internal(_) => Self::internal(error.to_string()),
            AuditError::Plugin(error) => error,
        }
    }
}
