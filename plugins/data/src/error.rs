//! Everything that can go wrong in the data engine, as situations, and what each becomes for the caller.
//!
//! `Display` is the caller's sentence; what only an operator may read stands in the source and goes into the internal
//! message of [`objectos_plugin_api::Error`]. Codes are those of `api/StandardErrorCode`. Used by the whole crate.

mod field;

use std::error::Error as StdError;

use objectos_plugin_api::{Error, ErrorKind};
use serde_json::{Map, Value, json};

use crate::vault::Unopened;

pub use field::{FieldCode, FieldError};

/// The result of everything in this crate.
pub type Result<T, E = DataError> = std::result::Result<T, E>;

/// A failure of the data engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// No such object, or one that is not in use.
    #[error("object '{object}' does not exist{}", did_you_mean(.nearest))]
    ObjectNotFound {
        /// As it was asked for.
        object: String,
        /// The nearest name.
        nearest: Option<String>,
    },
    /// No such record, or none that the caller may see.
    #[error("record '{id}' not found in '{object}'")]
    RecordNotFound {
        /// Name of the object.
        object: String,
        /// As it was asked for.
        id: String,
    },
    /// The object's definition switches the operation off.
    #[error("object '{object}' does not allow '{method}'")]
    MethodDisabled {
        /// Name of the object.
        object: String,
        /// `get`, `list`, `create`, … (`data/ApiMethod`).
        method: &'static str,
    },
    /// Nobody is signed in.
    #[error("sign in first")]
    Unauthenticated,
    /// Signed in, but not allowed.
    #[error("no permission to {operation} '{object}'")]
    Denied {
        /// Name of the object.
        object: String,
        /// `read`, `create`, `update`, `delete`.
        operation: &'static str,
    },
    /// The record would not be one that the caller may write.
    #[error("the record would be outside of what you may {operation} in '{object}'")]
    CheckFailed {
        /// Name of the object.
        object: String,
        /// `create`, `update`.
        operation: &'static str,
    },
    /// A record that the caller may see, but not do this with.
    #[error("no permission to {operation} record '{id}' of '{object}'")]
    RecordDenied {
        /// Name of the object.
        object: String,
        /// The record.
        id: String,
        /// `update`, `delete`, `transfer`, …
        operation: &'static str,
    },
    /// Fields that the caller may not write.
    #[error("no permission to write {}", quoted(.fields))]
    FieldsDenied {
        /// Name of the object.
        object: String,
        /// Names of the fields.
        fields: Vec<String>,
    },
    /// Fields that do not exist.
    #[error("object '{object}' has no field {}{}", quoted(.fields), did_you_mean(.nearest))]
    UnknownFields {
        /// Name of the object.
        object: String,
        /// As they were written.
        fields: Vec<String>,
        /// The nearest name to the first.
        nearest: Option<String>,
    },
    /// A field whose values nobody may look for, order by, group by or tell apart.
    #[error(
        "'{field}' of '{object}' is a secret: records are not found, ordered, grouped or told apart by it; leave it out"
    )]
    SecretField {
        /// Name of the object.
        object: String,
        /// As it was written.
        field: String,
    },
    /// An encrypted value that cannot be decrypted.
    #[error(
        "'{field}' of record '{id}' of '{object}' cannot be read: {reason}; the other fields are there when `fields` names them"
    )]
    SecretUnreadable {
        /// Name of the object.
        object: String,
        /// Name of the field.
        field: String,
        /// The record.
        id: String,
        /// Why, with the id of the key.
        reason: Unopened,
    },
    /// Values that the object's definition refuses: all of them at once.
    #[error("{}", summary(.errors))]
    Invalid {
        /// Name of the object.
        object: String,
        /// One for each field and reason.
        errors: Vec<FieldError>,
    },
    /// A filter that is none.
    #[error("{message}")]
    InvalidFilter {
        /// What is wrong, and what would be right.
        message: String,
    },
    /// An order that is none.
    #[error("{message}")]
    InvalidSort {
        /// What is wrong, and what would be right.
        message: String,
    },
    /// A query that is none.
    #[error("{message}")]
    InvalidQuery {
        /// What is wrong, and what would be right.
        message: String,
    },
    /// A body that does not have its shape.
    #[error("{message}")]
    InvalidBody {
        /// What is wrong, and what would be right.
        message: String,
    },
    /// More at once than is allowed.
    #[error("{count} {what} in one request; at most {max} are allowed")]
    TooMany {
        /// What was counted.
        what: &'static str,
        /// How many came.
        count: usize,
        /// How many may come.
        max: usize,
    },
    /// More hangs on a record than one change may take along.
    #[error("more than {max} {what}{}", of_what(.object))]
    TooMuchFollows {
        /// What was counted.
        what: &'static str,
        /// Name of the object of the record that was one too many; none for a caller who may not read it.
        object: Option<String>,
        /// How many may follow.
        max: usize,
    },
    /// A value that another record has.
    #[error("{}", taken(.object, .fields))]
    Duplicate {
        /// Name of the object.
        object: String,
        /// The fields that together are unique.
        fields: Vec<String>,
    },
    /// The same, in an object or in fields that the caller knows nothing of.
    #[error("a value that has to be unique is taken, where you may not look; ask somebody who may")]
    DuplicateUnseen,
    /// Records depend on the one to be deleted.
    #[error("record '{id}' of '{object}' cannot be deleted: {} depend on it", depending(.count, .dependent))]
    DeleteRestricted {
        /// Name of the object.
        object: String,
        /// The record to be deleted.
        id: String,
        /// Object of the records that depend.
        dependent: String,
        /// How many of them the caller sees; of one that sees none, no object is told either.
        count: u64,
    },
    /// Somebody else changed the record.
    #[error("record '{id}' of '{object}' was changed by somebody else; read it again")]
    Stale {
        /// Name of the object.
        object: String,
        /// The record.
        id: String,
        /// Its version now.
        current_version: Option<String>,
        /// The record now, as far as the caller may read it.
        current: Option<Value>,
    },
    /// The operation kept colliding with others.
    #[error("'{object}' is changed by too many at once; try again")]
    Contended {
        /// Name of the object.
        object: String,
    },
    /// Another process held the database for longer than is waited for, or kept getting in the way. Nothing was stored.
    #[error("the database is held by another process; try again")]
    Locked {
        /// What it said.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A part of an atomic batch failed.
    #[error("operation {index} of the batch failed: {source}; nothing was stored")]
    InBatch {
        /// Its place.
        index: usize,
        /// Why.
        source: Box<DataError>,
    },
    /// A handler of a hook, or a service, said no or failed.
    #[error("{0}")]
    Plugin(Error),
    /// An expression of the object's definition failed on a record.
    #[error("{place} of '{object}' could not be computed")]
    Expression {
        /// Name of the object.
        object: String,
        /// The formula, rule or default.
        place: String,
        /// Why, for the operator.
        reason: String,
    },
    /// What was asked for is known but cannot be done by this store.
    #[error("{message}")]
    NotSupported {
        /// What, and what to do in its place.
        message: String,
    },
    /// The query took longer than it may.
    #[error("the query took too long; narrow its filter")]
    QueryTimeout,
    /// All connections to the database were in use for as long as is waited for one. Nothing was stored.
    #[error("all connections to the database are in use, and none came free within {waited_ms} ms; try again")]
    NoConnection {
        /// How long was waited.
        waited_ms: u64,
    },
    /// The store is closed, or closing.
    #[error("the store is closing; try again")]
    StoreClosed,
    /// The configuration of the plugin is wrong.
    #[error("{message}")]
    Configuration {
        /// Key, what is wrong, what to do.
        message: String,
    },
    /// The database failed.
    #[error("the database could not {doing}")]
    Database {
        /// What was tried, as a verb phrase.
        doing: &'static str,
        /// What the database said.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// An assumption of this crate is broken.
    #[error("something went wrong on the server")]
    Internal {
        /// For the operator.
        reason: String,
    },
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|name| format!("; did you mean '{name}'?"))
        .unwrap_or_default()
}

/// Where too much follows, and what to do.
fn of_what(object: &Option<String>) -> String {
    match object {
        Some(object) => format!(
            ", '{object}' among them: do that with the records of '{object}' first, some at a time, or raise limits.cascadeMax"
        ),
        None => ", some of which you may not read: ask somebody who may, or raise limits.cascadeMax".to_owned(),
    }
}

/// What is taken. Of an id no more than that is said: whose it is, the caller may not know.
fn taken(object: &str, fields: &[String]) -> String {
    match fields {
        [id] if id == "id" => format!("the id is taken in '{object}'; choose another one, or leave it out"),
        fields => format!(
            "{} of '{object}' must be unique: another record has this value",
            quoted(fields)
        ),
    }
}

/// What stands in the way of a delete.
fn depending(count: &u64, dependent: &str) -> String {
    match count {
        0 => "records that you do not see".to_owned(),
        count => format!("{count} records of '{dependent}'"),
    }
}

fn quoted(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("'{name}'"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The same is wrong with each of some fields. A client takes every list `fields` for one of these entries.
fn field_errors(fields: &[String], code: FieldCode, message: impl Fn(&str) -> String) -> Vec<Value> {
    fields
        .iter()
        .map(|field| FieldError::new(field, code, message(field)).to_json())
        .collect()
}

fn summary(errors: &[FieldError]) -> String {
    match errors {
        [] => "the record is not valid".to_owned(),
        [error] => error.message.clone(),
        [first, rest @ ..] => format!("{} (and {} more)", first.message, rest.len()),
    }
}

impl DataError {
    /// An internal error.
    pub fn internal(reason: impl Into<String>) -> Self {
        Self::Internal { reason: reason.into() }
    }

    /// A failed field check of one field.
    pub fn field(object: &str, error: FieldError) -> Self {
        Self::Invalid {
            object: object.to_owned(),
            errors: vec![error],
        }
    }

    /// The protocol's code, `api/StandardErrorCode`.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::ObjectNotFound { .. } => "object_not_found",
            Self::RecordNotFound { .. } => "record_not_found",
            Self::MethodDisabled { .. } | Self::Denied { .. } => "permission_denied",
            Self::CheckFailed { .. } | Self::RecordDenied { .. } => "record_not_accessible",
            Self::Unauthenticated => "unauthenticated",
            Self::FieldsDenied { .. } => "field_not_accessible",
            Self::UnknownFields { .. } | Self::SecretField { .. } => "invalid_field",
            Self::Invalid { .. } => "validation_error",
            Self::InvalidFilter { .. } => "invalid_filter",
            Self::InvalidSort { .. } => "invalid_sort",
            Self::InvalidQuery { .. } => "invalid_query",
            Self::InvalidBody { .. } => "invalid_format",
            Self::TooMany { .. } | Self::TooMuchFollows { .. } => "max_records_exceeded",
            Self::Duplicate { .. } | Self::DuplicateUnseen => "duplicate_value",
            Self::DeleteRestricted { .. } => "delete_restricted",
            Self::Stale { .. } => "concurrent_modification",
            Self::Contended { .. } | Self::Locked { .. } => "lock_conflict",
            Self::InBatch { source, .. } => source.code(),
            Self::Plugin(error) => error.code(),
            Self::Expression { .. } | Self::Internal { .. } | Self::SecretUnreadable { .. } => "internal_error",
            Self::Configuration { .. } => objectos_plugin_api::CONFIGURATION_ERROR,
            Self::NotSupported { .. } => "not_implemented",
            Self::QueryTimeout => "timeout",
            Self::NoConnection { .. } | Self::StoreClosed => "service_unavailable",
            Self::Database { .. } => "database_error",
        }
    }

    /// What a program can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::ObjectNotFound { .. } | Self::RecordNotFound { .. } => ErrorKind::NotFound,
            Self::MethodDisabled { .. }
            | Self::Denied { .. }
            | Self::CheckFailed { .. }
            | Self::RecordDenied { .. }
            | Self::FieldsDenied { .. } => ErrorKind::Denied,
            Self::Unauthenticated => ErrorKind::Unauthenticated,
            Self::UnknownFields { .. }
            | Self::SecretField { .. }
            | Self::Invalid { .. }
            | Self::InvalidFilter { .. }
            | Self::InvalidSort { .. }
            | Self::InvalidQuery { .. }
            | Self::InvalidBody { .. }
            | Self::TooMany { .. }
            | Self::TooMuchFollows { .. } => ErrorKind::Invalid,
            Self::Duplicate { .. }
            | Self::DuplicateUnseen
            | Self::DeleteRestricted { .. }
            | Self::Stale { .. }
            | Self::Contended { .. }
            | Self::Locked { .. } => ErrorKind::Conflict,
            Self::InBatch { source, .. } => source.kind(),
            Self::Plugin(error) => error.kind(),
            Self::NotSupported { .. } => ErrorKind::NotImplemented,
            Self::QueryTimeout => ErrorKind::Timeout,
            Self::NoConnection { .. } | Self::StoreClosed => ErrorKind::Unavailable,
            Self::Configuration { .. } => ErrorKind::Invalid,
            Self::Expression { .. } | Self::Database { .. } | Self::SecretUnreadable { .. } | Self::Internal { .. } => {
                ErrorKind::Internal
            }
        }
    }

    /// Facts for the caller's program, the `details` of the protocol's error; `null` for none.
    #[must_use]
    pub fn details(&self) -> Value {
        match self {
            Self::ObjectNotFound { object, nearest } => json!({ "object": object, "suggestion": nearest }),
            Self::RecordNotFound { object, id } => json!({ "object": object, "id": id }),
            Self::MethodDisabled { object, method } => json!({ "object": object, "method": method }),
            Self::Denied { object, operation } | Self::CheckFailed { object, operation } => {
                json!({ "object": object, "operation": operation })
            }
            Self::RecordDenied { object, id, operation } => {
                json!({ "object": object, "id": id, "operation": operation })
            }
            Self::FieldsDenied { object, fields } => {
                let errors = field_errors(fields, FieldCode::ReadOnly, |field| {
                    format!("no permission to write '{field}'")
                });
                json!({ "object": object, "fields": errors })
            }
            Self::UnknownFields {
                object,
                fields,
                nearest,
            } => {
                let errors = field_errors(fields, FieldCode::UnknownField, |field| {
                    format!("'{field}' is not a field of '{object}'")
                });
                json!({ "object": object, "field": fields.first(), "suggestion": nearest, "fields": errors })
            }
            Self::SecretField { object, field } => {
                let error = FieldError::new(field, FieldCode::UnknownField, self.to_string()).to_json();
                json!({ "object": object, "field": field, "fields": [error] })
            }
            Self::SecretUnreadable { object, field, id, .. } => json!({ "object": object, "field": field, "id": id }),
            Self::Invalid { object, errors } => {
                let fields: Vec<Value> = errors.iter().map(FieldError::to_json).collect();
                let standard: Vec<Value> = errors.iter().map(FieldError::to_standard_json).collect();
                json!({ "object": object, "fields": fields, "fieldErrors": standard })
            }
            Self::TooMany { count, max, .. } => json!({ "count": count, "max": max }),
            Self::TooMuchFollows { object, max, .. } => json!({ "object": object, "max": max }),
            Self::Duplicate { object, fields } => {
                let errors = field_errors(fields, FieldCode::Duplicate, |_| self.to_string());
                json!({ "object": object, "fields": errors })
            }
            Self::DeleteRestricted {
                object,
                dependent,
                count,
                ..
            } => {
                let dependent = (*count > 0).then_some(dependent);
                json!({ "object": object, "dependentObject": dependent, "dependentCount": count })
            }
            Self::Stale {
                object,
                current_version,
                current,
                ..
            } => {
                json!({ "object": object, "currentVersion": current_version, "currentRecord": current })
            }
            Self::InBatch { index, source } => {
                let mut details = match source.details() {
                    Value::Object(details) => details,
                    _ => Map::new(),
                };
                details.insert("index".to_owned(), json!(index));
                Value::Object(details)
            }
            Self::Plugin(error) => serde_json::from_slice(error.details()).unwrap_or_default(),
            _ => Value::Null,
        }
    }

    /// What the operator reads beside the message; empty for nothing.
    fn internal_text(&self) -> String {
        match self {
            Self::Expression { reason, .. } | Self::Internal { reason } => reason.clone(),
            Self::Database { source, .. } | Self::Locked { source } => source.to_string(),
            Self::InBatch { source, .. } => source.internal_text(),
            Self::Plugin(error) => error.internal_message().to_owned(),
            _ => String::new(),
        }
    }
}

impl From<DataError> for Error {
    fn from(error: DataError) -> Self {
        if let DataError::Plugin(error) = error {
            return error;
        }
        let details = error.details();
        let mut out = Error::new(error.kind(), error.to_string())
            .with_code(error.code())
            .with_internal(error.internal_text());
        if !details.is_null() {
            out = out.with_details(&details);
        }
        out
    }
}

impl From<Error> for DataError {
    fn from(error: Error) -> Self {
        Self::Plugin(error)
    }
}
