//! What each error code means for status, category and retry: one table for the whole product.
//!
//! Source: the category of each code and the status of each category follow the protocol. Three server errors have a more
//! exact status of their own in HTTP, which clients, proxies and load balancers act on. Called by whoever makes an answer
//! from an error.

use crate::api::{EnhancedApiError, ErrorCategory, RetryStrategy, StandardErrorCode};

impl ErrorCategory {
    /// The HTTP status of the category.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Validation => 400,
            Self::Authentication => 401,
            Self::Authorization => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::RateLimit => 429,
            Self::Server => 500,
            Self::External => 502,
            Self::Maintenance => 503,
        }
    }
}

impl StandardErrorCode {
    /// The category the code belongs to.
    #[must_use]
    pub const fn category(self) -> ErrorCategory {
        match self {
            Self::ValidationError
            | Self::InvalidField
            | Self::MissingRequiredField
            | Self::InvalidFormat
            | Self::ValueTooLong
            | Self::ValueTooShort
            | Self::ValueOutOfRange
            | Self::InvalidReference
            | Self::DuplicateValue
            | Self::InvalidQuery
            | Self::InvalidFilter
            | Self::InvalidSort
            | Self::MaxRecordsExceeded
            | Self::BatchPartialFailure
            | Self::BatchCompleteFailure => ErrorCategory::Validation,
            Self::Unauthenticated
            | Self::InvalidCredentials
            | Self::ExpiredToken
            | Self::InvalidToken
            | Self::SessionExpired
            | Self::MfaRequired
            | Self::EmailNotVerified => ErrorCategory::Authentication,
            Self::PermissionDenied
            | Self::InsufficientPrivileges
            | Self::FieldNotAccessible
            | Self::RecordNotAccessible
            | Self::LicenseRequired
            | Self::IpRestricted
            | Self::TimeRestricted => ErrorCategory::Authorization,
            Self::ResourceNotFound
            | Self::ObjectNotFound
            | Self::RecordNotFound
            | Self::FieldNotFound
            | Self::EndpointNotFound => ErrorCategory::NotFound,
            Self::ResourceConflict
            | Self::ConcurrentModification
            | Self::DeleteRestricted
            | Self::DuplicateRecord
            | Self::LockConflict
            | Self::TransactionFailed => ErrorCategory::Conflict,
            Self::RateLimitExceeded | Self::QuotaExceeded | Self::ConcurrentLimitExceeded => ErrorCategory::RateLimit,
            Self::InternalError
            | Self::DatabaseError
            | Self::Timeout
            | Self::ServiceUnavailable
            | Self::NotImplemented => ErrorCategory::Server,
            Self::ExternalServiceError | Self::IntegrationError | Self::WebhookDeliveryFailed => {
                ErrorCategory::External
            }
        }
    }

    /// The HTTP status of an answer with this code.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::NotImplemented => 501,
            Self::ServiceUnavailable => 503,
            Self::Timeout => 504,
            _ => self.category().http_status(),
        }
    }

    /// How a client may try again.
    #[must_use]
    pub const fn retry_strategy(self) -> RetryStrategy {
        match self {
            Self::ConcurrentModification | Self::LockConflict | Self::TransactionFailed => {
                RetryStrategy::RetryImmediate
            }
            Self::RateLimitExceeded
            | Self::QuotaExceeded
            | Self::ConcurrentLimitExceeded
            | Self::ServiceUnavailable => RetryStrategy::RetryAfter,
            Self::DatabaseError
            | Self::Timeout
            | Self::ExternalServiceError
            | Self::IntegrationError
            | Self::WebhookDeliveryFailed => RetryStrategy::RetryBackoff,
            _ => RetryStrategy::NoRetry,
        }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn retryable(self) -> bool {
        !matches!(self.retry_strategy(), RetryStrategy::NoRetry)
    }
}

impl EnhancedApiError {
    /// An error with everything that follows from its code: category, status, retry.
    #[must_use]
    pub fn new(code: StandardErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            category: Some(code.category()),
            http_status: Some(u32::from(code.http_status()).into()),
            retryable: code.retryable(),
            retry_strategy: Some(code.retry_strategy()),
            retry_after: None,
            details: None,
            field_errors: None,
            timestamp: None,
            request_id: None,
            trace_id: None,
            documentation: None,
            help_text: None,
        }
    }
}

#[cfg(test)]
mod tests;
