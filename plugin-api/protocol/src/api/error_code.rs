//! The error codes of the protocol.

use crate::wire_enum::wire_enum;

wire_enum! {
    /// Why a request failed. Category, status and retry advice follow from the code. Source: `api/StandardErrorCode`.
    pub enum StandardErrorCode {
        ValidationError = "validation_error",
        InvalidField = "invalid_field",
        MissingRequiredField = "missing_required_field",
        InvalidFormat = "invalid_format",
        ValueTooLong = "value_too_long",
        ValueTooShort = "value_too_short",
        ValueOutOfRange = "value_out_of_range",
        InvalidReference = "invalid_reference",
        DuplicateValue = "duplicate_value",
        InvalidQuery = "invalid_query",
        InvalidFilter = "invalid_filter",
        InvalidSort = "invalid_sort",
        MaxRecordsExceeded = "max_records_exceeded",
        Unauthenticated = "unauthenticated",
        InvalidCredentials = "invalid_credentials",
        ExpiredToken = "expired_token",
        InvalidToken = "invalid_token",
        SessionExpired = "session_expired",
        MfaRequired = "mfa_required",
        EmailNotVerified = "email_not_verified",
        PermissionDenied = "permission_denied",
        InsufficientPrivileges = "insufficient_privileges",
        FieldNotAccessible = "field_not_accessible",
        RecordNotAccessible = "record_not_accessible",
        LicenseRequired = "license_required",
        IpRestricted = "ip_restricted",
        TimeRestricted = "time_restricted",
        ResourceNotFound = "resource_not_found",
        ObjectNotFound = "object_not_found",
        RecordNotFound = "record_not_found",
        FieldNotFound = "field_not_found",
        EndpointNotFound = "endpoint_not_found",
        ResourceConflict = "resource_conflict",
        ConcurrentModification = "concurrent_modification",
        DeleteRestricted = "delete_restricted",
        DuplicateRecord = "duplicate_record",
        LockConflict = "lock_conflict",
        RateLimitExceeded = "rate_limit_exceeded",
        QuotaExceeded = "quota_exceeded",
        ConcurrentLimitExceeded = "concurrent_limit_exceeded",
        InternalError = "internal_error",
        DatabaseError = "database_error",
        Timeout = "timeout",
        ServiceUnavailable = "service_unavailable",
        NotImplemented = "not_implemented",
        ExternalServiceError = "external_service_error",
        IntegrationError = "integration_error",
        WebhookDeliveryFailed = "webhook_delivery_failed",
        BatchPartialFailure = "batch_partial_failure",
        BatchCompleteFailure = "batch_complete_failure",
        TransactionFailed = "transaction_failed",
    }
}

wire_enum! {
    /// The group a code belongs to; decides the HTTP status. Source: `api/ErrorCategory`.
    pub enum ErrorCategory {
        Validation = "validation",
        Authentication = "authentication",
        Authorization = "authorization",
        NotFound = "not_found",
        Conflict = "conflict",
        RateLimit = "rate_limit",
        Server = "server",
        External = "external",
        Maintenance = "maintenance",
    }
}

wire_enum! {
    /// How a client may try again. Source: `api/RetryStrategy`.
    pub enum RetryStrategy {
        NoRetry = "no_retry",
        RetryImmediate = "retry_immediate",
        RetryBackoff = "retry_backoff",
        RetryAfter = "retry_after",
    }
}
