//! The table is held against the protocol's lists, spelled out.

use super::*;

#[test]
fn codes_have_the_protocols_category_and_status() {
    let check = |codes: &str, category: &str, status: u16| {
        for code in codes.split_whitespace() {
            let code: StandardErrorCode = code.parse().unwrap();
            assert_eq!(
                (code.category().as_str(), code.http_status()),
                (category, status),
                "{code}"
            );
        }
        codes.split_whitespace().count()
    };
    let seen = [
        check(
            "validation_error invalid_field missing_required_field invalid_format value_too_long value_too_short
             value_out_of_range invalid_reference duplicate_value invalid_query invalid_filter invalid_sort
             max_records_exceeded batch_partial_failure batch_complete_failure",
            "validation",
            400,
        ),
        check(
            "unauthenticated invalid_credentials expired_token invalid_token session_expired mfa_required email_not_verified",
            "authentication",
            401,
        ),
        check(
            "permission_denied insufficient_privileges field_not_accessible record_not_accessible license_required
             ip_restricted time_restricted",
            "authorization",
            403,
        ),
        check(
            "resource_not_found object_not_found record_not_found field_not_found endpoint_not_found",
            "not_found",
            404,
        ),
        check(
            "resource_conflict concurrent_modification delete_restricted duplicate_record lock_conflict transaction_failed",
            "conflict",
            409,
        ),
        check(
            "rate_limit_exceeded quota_exceeded concurrent_limit_exceeded",
            "rate_limit",
            429,
        ),
        check("internal_error database_error", "server", 500),
        check("not_implemented", "server", 501),
        check("service_unavailable", "server", 503),
        check("timeout", "server", 504),
        check(
            "external_service_error integration_error webhook_delivery_failed",
            "external",
            502,
        ),
    ];
    assert_eq!(
        seen.iter().sum::<usize>(),
        StandardErrorCode::ALL.len(),
        "every code stands in one list"
    );
}

#[test]
fn only_what_may_succeed_later_is_retryable() {
    let check = |code: StandardErrorCode, strategy: RetryStrategy| {
        assert_eq!(code.retry_strategy(), strategy, "{code}");
        assert_eq!(code.retryable(), strategy != RetryStrategy::NoRetry, "{code}");
    };
    check(StandardErrorCode::ValidationError, RetryStrategy::NoRetry);
    check(StandardErrorCode::LockConflict, RetryStrategy::RetryImmediate);
    check(StandardErrorCode::RateLimitExceeded, RetryStrategy::RetryAfter);
    check(StandardErrorCode::Timeout, RetryStrategy::RetryBackoff);
    check(StandardErrorCode::InternalError, RetryStrategy::NoRetry);
}

#[test]
fn an_error_carries_what_follows_from_its_code() {
    let error = EnhancedApiError::new(StandardErrorCode::RecordNotFound, "no such account");
    let json = serde_json::to_value(&error).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "code": "record_not_found", "message": "no such account", "category": "not_found", "httpStatus": 404,
            "retryable": false, "retryStrategy": "no_retry",
        })
    );
}
