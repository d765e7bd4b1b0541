//! What can be wrong with the configuration of the bus. Failures while it runs are errors of the plugin API, because
//! plugins get them.

/// Why a configuration (`kernel/EventBusConfig`) is refused. `key` is the path inside of it, as in `webhooks[0].url`;
/// whoever read the file puts file and prefix before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventConfigError {
    /// The protocol knows it, this bus does not do it.
    #[error("{key}: {what} is not supported; {hint}")]
    Unsupported {
        /// Path of the key.
        key: String,
        /// What was asked for.
        what: String,
        /// What to do instead.
        hint: &'static str,
    },
    /// The value cannot be used.
    #[error("{key}: {problem}")]
    Invalid {
        /// Path of the key.
        key: String,
        /// What is wrong with the value, and what to write.
        problem: String,
    },
}

impl EventConfigError {
    pub(crate) fn invalid(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid {
            key: key.into(),
            problem: problem.into(),
        }
    }

    /// Path of the key.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Unsupported { key, .. } | Self::Invalid { key, .. } => key,
        }
    }
}
