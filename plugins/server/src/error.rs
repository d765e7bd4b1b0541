//! The one error of this crate: why the server cannot start. Failures of requests are `objectos_plugin_api::Error`.

use objectos_plugin_api::{ADDRESS_UNAVAILABLE, CONFIGURATION_ERROR, Error, ErrorKind};

/// Why the server cannot be set up or started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// A value of the configuration that cannot be meant.
    #[error("setting {key} of objectos.server: {message}")]
    Setting {
        /// Path of the key.
        key: String,
        /// What is wrong and what would do.
        message: String,
    },
    /// A certificate, key or authority file that cannot be used.
    #[error("setting {key} of objectos.server: the file {path} {problem}")]
    File {
        /// Path of the key.
        key: &'static str,
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The address is open to other machines while nobody checks who calls.
    #[error(
        "refusing to listen on {address}: other machines could reach it, and no plugin provides {missing}; \
         listen on 127.0.0.1, or add plugins that provide `auth` and `permissions`"
    )]
    Exposed {
        /// Where it was to listen.
        address: String,
        /// The services that are missing, in words.
        missing: &'static str,
    },
    /// The socket cannot be used.
    #[error("the listening socket that the kernel handed over cannot be used")]
    Socket {
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl ServerError {
    pub(crate) fn setting(key: &str, message: impl Into<String>) -> Self {
        Self::Setting {
            key: key.to_owned(),
            message: message.into(),
        }
    }
}

impl From<ServerError> for Error {
    fn from(error: ServerError) -> Self {
        let kind = match &error {
            ServerError::Setting { .. } | ServerError::File { .. } => ErrorKind::Invalid,
            ServerError::Exposed { .. } => ErrorKind::Denied,
            ServerError::Socket { .. } => ErrorKind::Internal,
        };
        let code = match &error {
            ServerError::Setting { .. } | ServerError::File { .. } | ServerError::Exposed { .. } => CONFIGURATION_ERROR,
            ServerError::Socket { .. } => ADDRESS_UNAVAILABLE,
        };
        let internal = std::error::Error::source(&error)
            .map(ToString::to_string)
            .unwrap_or_default();
        Self::new(kind, error.to_string())
            .with_code(code)
            .with_internal(internal)
    }
}
