//! The one error document: every failure, whoever made it, leaves the server in this shape. Source: `api/ErrorResponse` and
//! `api/EnhancedApiError`, with copies of code, message, category, fields and details at the top for clients that look
//! there. The status follows the code's category; what only operators may read never enters it.

mod fields;

#[cfg(test)]
mod tests;

use http::{HeaderName, HeaderValue, StatusCode};
use objectos_plugin_api::{
    Error, ErrorKind,
    protocol::api::{ErrorCategory, RetryStrategy, StandardErrorCode},
};
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The code for a path that is there under other methods; younger than the table of codes.
pub(crate) const METHOD_NOT_ALLOWED: &str = "method_not_allowed";

/// A request that failed, with what its answer needs beyond the error.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Instead of the status that the code stands for.
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// The rest of the request is not read, so the connection cannot go on.
    pub(crate) closes: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            status: None,
            headers: Vec::new(),
            closes: false,
        }
    }
}

impl Failure {
    pub(crate) fn new(kind: ErrorKind, code: &str, message: impl Into<String>) -> Self {
        Error::new(kind, message).with_code(code).into()
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    /// Status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        self.status.unwrap_or_else(|| Standing::of(&self.error).status)
    }
}

/// What a code means for a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    category: ErrorCategory,
    status: StatusCode,
    retry: RetryStrategy,
}

impl Standing {
    fn of(error: &Error) -> Self {
        match error.code().parse::<StandardErrorCode>() {
            Ok(code) => Self::of_code(code),
            Err(_) => Self::of_kind(error.kind()),
        }
    }

    fn plain(category: ErrorCategory, status: StatusCode) -> Self {
        Self {
            category,
            status,
            retry: RetryStrategy::NoRetry,
        }
    }

    fn later(self, retry: RetryStrategy) -> Self {
        Self { retry, ..self }
    }

    /// A code that is not of the protocol's table goes by the kind of the error.
    fn of_kind(kind: ErrorKind) -> Self {
        // The default code of every kind is in the table.
        let code = kind.default_code().parse().unwrap_or(StandardErrorCode::InternalError);
        Self::of_code(code)
    }

    fn of_code(code: StandardErrorCode) -> Self {
        use RetryStrategy::{RetryAfter, RetryBackoff};
        use StandardErrorCode as Code;
        let category = category(code);
        let standing = Self::plain(category, category_status(category));
        match code {
            Code::Timeout => Self {
                status: StatusCode::GATEWAY_TIMEOUT,
                ..standing
            }
            .later(RetryBackoff),
            Code::ServiceUnavailable => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                ..standing
            }
            .later(RetryBackoff),
            Code::NotImplemented => Self {
                status: StatusCode::NOT_IMPLEMENTED,
                ..standing
            },
            Code::LockConflict => standing.later(RetryBackoff),
            _ => match category {
                ErrorCategory::RateLimit => standing.later(RetryAfter),
                ErrorCategory::External | ErrorCategory::Maintenance => standing.later(RetryBackoff),
                _ => standing,
            },
        }
    }
}

/// The table of the protocol: family of each code.
fn category(code: StandardErrorCode) -> ErrorCategory {
    use StandardErrorCode as Code;
    match code {
        Code::Unauthenticated
        | Code::InvalidCredentials
        | Code::ExpiredToken
        | Code::InvalidToken
        | Code::SessionExpired
        | Code::MfaRequired
        | Code::EmailNotVerified => ErrorCategory::Authentication,
        Code::PermissionDenied
        | Code::InsufficientPrivileges
        | Code::FieldNotAccessible
        | Code::RecordNotAccessible
        | Code::LicenseRequired
        | Code::IpRestricted
        | Code::TimeRestricted => ErrorCategory::Authorization,
        Code::ResourceNotFound
        | Code::ObjectNotFound
        | Code::RecordNotFound
        | Code::FieldNotFound
        | Code::EndpointNotFound => ErrorCategory::NotFound,
        Code::ResourceConflict
        | Code::ConcurrentModification
        | Code::DeleteRestricted
        | Code::DuplicateRecord
        | Code::LockConflict => ErrorCategory::Conflict,
        Code::RateLimitExceeded | Code::QuotaExceeded | Code::ConcurrentLimitExceeded => ErrorCategory::RateLimit,
        Code::InternalError
        | Code::DatabaseError
        | Code::Timeout
        | Code::ServiceUnavailable
        | Code::NotImplemented
        | Code::TransactionFailed => ErrorCategory::Server,
        Code::ExternalServiceError | Code::IntegrationError | Code::WebhookDeliveryFailed => ErrorCategory::External,
        _ => ErrorCategory::Validation,
    }
}

fn category_status(category: ErrorCategory) -> StatusCode {
    match category {
        ErrorCategory::Validation => StatusCode::BAD_REQUEST,
        ErrorCategory::Authentication => StatusCode::UNAUTHORIZED,
        ErrorCategory::Authorization => StatusCode::FORBIDDEN,
        ErrorCategory::NotFound => StatusCode::NOT_FOUND,
        ErrorCategory::Conflict => StatusCode::CONFLICT,
        ErrorCategory::RateLimit => StatusCode::TOO_MANY_REQUESTS,
        ErrorCategory::Server => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCategory::External => StatusCode::BAD_GATEWAY,
        ErrorCategory::Maintenance => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Ids that stand in the document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marks<'a> {
    pub(crate) request_id: &'a str,
    /// Empty for none.
    pub(crate) trace_id: &'a str,
    pub(crate) now_ms: i64,
}

/// Writes the document.
pub(crate) fn document(failure: &Failure, marks: Marks<'_>) -> Vec<u8> {
    let (error, standing) = (&failure.error, Standing::of(&failure.error));
    let details = serde_json::from_slice::<Value>(error.details()).ok();
    let fields = fields::Fields::of(details.as_ref());
    let retryable = standing.retry != RetryStrategy::NoRetry;
    let mut inner = json!({
        "code": error.code(),
        "message": error.message(),
        "category": standing.category,
        "httpStatus": failure.status().as_u16(),
        "retryable": retryable,
        "retryStrategy": standing.retry,
    });
    if let Some(seconds) = retry_after(failure) {
        inner["retryAfter"] = seconds.into();
    }
    if let Some(details) = &details {
        inner["details"] = details.clone();
    }
    if let Some(fields) = &fields {
        inner["fieldErrors"] = fields.standard.clone();
    }
    inner["timestamp"] = timestamp(marks.now_ms).into();
    inner["requestId"] = marks.request_id.into();
    if !marks.trace_id.is_empty() {
        inner["traceId"] = marks.trace_id.into();
    }
    let mut document = Map::new();
    let mut put = |key: &str, value: Value| document.insert(key.to_owned(), value);
    put("success", false.into());
    put("error", inner);
    put("code", error.code().into());
    put("message", error.message().into());
    put("category", standing.category.as_str().into());
    put("retryable", retryable.into());
    if let Some(fields) = fields {
        put("fields", fields.as_given);
    }
    if let Some(details) = details {
        put("details", details);
    }
    Value::Object(document).to_string().into_bytes()
}

fn retry_after(failure: &Failure) -> Option<u64> {
    let (_, value) = failure
        .headers
        .iter()
        .find(|(name, _)| name == http::header::RETRY_AFTER)?;
    value.to_str().ok()?.parse().ok()
}

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn timestamp(now_ms: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(now_ms) * 1_000_000);
    let at = at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let text = at.format(&Rfc3339).unwrap_or_default();
    // The format drops zeros of the fraction; the protocol's shape has three digits always.
    let whole = text.trim_end_matches('Z').split('.').next().unwrap_or_default();
    format!("{whole}.{:03}Z", at.millisecond())
}
