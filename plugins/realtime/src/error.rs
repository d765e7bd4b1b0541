//! What may go wrong, and how the plugin API says it.

use objectos_plugin_api::{Error, ErrorKind};

/// What may go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RealtimeError {
    /// What a client sent has something wrong: what, and what to send.
    #[error("{0}")]
    Invalid(String),
    /// Nobody is signed in.
    #[error("sign in first")]
    SignedOut,
    /// No such connection, or not the caller's.
    #[error("there is no such connection: make one with POST /api/v1/realtime/connect")]
    NoConnection,
    /// No such subscription of the connection.
    #[error("there is no such subscription")]
    NoSubscription,
    /// What a channel is about is not there for the caller.
    #[error("there is no record that this channel is about")]
    NoRecord,
    /// The key permits to listen, and not to tell others something.
    #[error("the scopes of this key permit to listen, and no more")]
    OnlyListens,
    /// Too many of something.
    #[error("{0}")]
    TooMany(String),
    /// The operator switched it off.
    #[error("{0} is switched off here")]
    SwitchedOff(&'static str),
    /// Another service failed.
    #[error(transparent)]
    Plugin(#[from] Error),
}

/// The result of everything in this crate.
pub(crate) type Result<T, E = RealtimeError> = std::result::Result<T, E>;

impl RealtimeError {
    /// A sentence about what a client sent.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }
}

impl From<RealtimeError> for Error {
    fn from(error: RealtimeError) -> Self {
        let kind = match error {
            RealtimeError::Plugin(error) => return error,
            RealtimeError::Invalid(_) => ErrorKind::Invalid,
            RealtimeError::SignedOut => ErrorKind::Unauthenticated,
            RealtimeError::NoConnection | RealtimeError::NoSubscription | RealtimeError::NoRecord => {
                ErrorKind::NotFound
            }
            RealtimeError::OnlyListens => ErrorKind::Denied,
            RealtimeError::TooMany(_) => ErrorKind::Limited,
            RealtimeError::SwitchedOff(_) => ErrorKind::NotImplemented,
        };
        Self::new(kind, error.to_string())
    }
}
