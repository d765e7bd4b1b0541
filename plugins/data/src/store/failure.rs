//! Why a run on a connection ended early, whatever the database.

use crate::error::DataError;

/// Why a run ended early.
#[derive(Debug)]
pub(super) enum Failure {
    /// A unique index refused a value.
    Unique {
        /// Columns of the index, when they are known.
        columns: Vec<String>,
        /// The index, when it is named in their place.
        index: Option<String>,
    },
    /// A value is longer than an index of the table takes.
    TooLong {
        /// The index, when it is named.
        index: Option<String>,
    },
    /// Another constraint refused a row.
    Constraint {
        /// What the database says.
        message: String,
    },
    /// The deadline passed.
    Interrupted,
    /// Another transaction was faster, or the two stood in each other's way; nothing was stored and it may be tried again.
    /// SQLite says so when another process holds its file for longer than is waited for.
    Conflict(sqlx::Error),
    /// The tables have changed since the statement was prepared. SQLite prepares it anew by itself.
    Stale(sqlx::Error),
    /// The database answered with an error; the connection is in order.
    Refused(sqlx::Error),
    /// The connection may not be used again.
    Broken(Box<dyn std::error::Error + Send + Sync>),
}

impl Failure {
    /// For the caller: what the store could not do.
    pub(super) fn into_error(self, doing: &'static str) -> DataError {
        match self {
            Self::Interrupted => DataError::QueryTimeout,
            Self::Unique { columns, index } => DataError::Database {
                doing,
                source: format!("unique constraint on {columns:?} {index:?}").into(),
            },
            Self::TooLong { index } => DataError::Database {
                doing,
                source: format!("a value is too long for the index {index:?}").into(),
            },
            Self::Constraint { message } => DataError::Database {
                doing,
                source: message.into(),
            },
            Self::Conflict(source) => DataError::Locked { source: source.into() },
            Self::Stale(source) | Self::Refused(source) => DataError::Database {
                doing,
                source: source.into(),
            },
            Self::Broken(source) => DataError::Database { doing, source },
        }
    }
}
