//! What may go wrong apart from what other services answer, and how the plugin API says it.

use objectos_plugin_api::Error;

/// What may go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphqlError {
    /// The operator set something that cannot work.
    #[error("{0}")]
    Configuration(String),
    /// No schema can be made of the metadata.
    #[error("no GraphQL schema can be made of the metadata: {0}")]
    Schema(String),
    /// Another service failed.
    #[error(transparent)]
    Plugin(#[from] Error),
}

/// The result of everything in this crate that does not answer GraphQL.
pub(crate) type Result<T, E = GraphqlError> = std::result::Result<T, E>;

impl From<GraphqlError> for Error {
    fn from(error: GraphqlError) -> Self {
        match error {
            GraphqlError::Configuration(message) => Self::configuration(message),
            GraphqlError::Schema(_) => Self::internal(error.to_string()),
            GraphqlError::Plugin(error) => error,
        }
    }
}
