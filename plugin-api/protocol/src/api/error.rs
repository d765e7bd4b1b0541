//! Answers that tell of an error.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::{ErrorCategory, RetryStrategy, StandardErrorCode};
use crate::guard::{date_time, guarded, some, uri};
use crate::map_only::map_only;
use crate::shared::{False, Number};
use crate::text::DATE_TIME;

/// An error in its short form, with a free code. Source: `api/ApiError`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ApiError", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ApiError {
    /// Any string, such as the code of a plugin.
    pub code: String,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub details: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub request_id: Option<String>,
}

/// What is wrong with one field. Source: `api/FieldError`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "FieldError", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct FieldError {
    /// Path of the field.
    pub field: String,
    pub code: StandardErrorCode,
    pub message: String,
    /// The value that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub value: Option<Value>,
    /// The limit that was broken.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub constraint: Option<Value>,
}

/// An error in its full form. Source: `api/EnhancedApiError`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EnhancedApiError", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct EnhancedApiError {
    pub code: StandardErrorCode,
    /// For the person who sent the request.
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub category: Option<ErrorCategory>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub http_status: Option<Number>,
    #[serde(default)]
    pub retryable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub retry_strategy: Option<RetryStrategy>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub retry_after: Option<Number>,
    /// Any JSON; never internals.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub details: Option<Value>,
    /// One entry for each field that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub field_errors: Option<Vec<FieldError>>,
    /// In UTC.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub timestamp: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub trace_id: Option<String>,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "uri")]
    #[schemars(extend("format" = "uri"))]
    pub documentation: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub help_text: Option<String>,
}

/// The answer to a request that failed: `{success: false, error, meta?}`. Source: `api/ErrorResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ErrorResponse", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ErrorResponse {
    pub success: False,
    pub error: EnhancedApiError,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub meta: Option<ErrorMeta>,
}

/// When, and under which ids. Source: `api/ErrorResponse`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ErrorMeta", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ErrorMeta {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub trace_id: Option<String>,
}

map_only! {
    ApiError, FieldError, EnhancedApiError, ErrorMeta, ErrorResponse,
}
