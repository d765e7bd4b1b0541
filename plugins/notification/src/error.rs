//! What may go wrong on the way of a mail, and how the plugin API says it.

use objectos_plugin_api::{Error, ErrorKind};

/// What may go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// The operator set something that cannot work.
    #[error("{0}")]
    Configuration(String),
    /// The caller's message cannot be sent by anybody.
    #[error("{0}")]
    Message(String),
    /// Nothing to send with.
    #[error("no mail server is configured: set plugins.objectos.notification.smtp and .from")]
    NoServer,
    /// The server did not take it now; it may later.
    #[error("{0}")]
    Later(String),
    /// The operator does not let it connect; the mail waits until that is mended.
    #[error("{0}")]
    Denied(String),
    /// The server will never take it.
    #[error("{0}")]
    Refused(String),
    /// Another service failed.
    #[error(transparent)]
    Plugin(#[from] Error),
}

/// The result of everything in this crate.
pub(crate) type Result<T, E = MailError> = std::result::Result<T, E>;

impl From<MailError> for Error {
    fn from(error: MailError) -> Self {
        match error {
            MailError::Configuration(message) => Self::configuration(message),
            MailError::Message(message) => Self::invalid(message),
            MailError::NoServer => Self::unavailable(error.to_string()),
            MailError::Denied(message) => Self::new(ErrorKind::Denied, message),
            MailError::Later(message) | MailError::Refused(message) => Self::new(ErrorKind::External, message),
            MailError::Plugin(error) => error,
        }
    }
}
