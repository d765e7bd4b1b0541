use expect_test::expect_file;
use objectos_plugin_api::protocol::api::EnhancedApiError;
use std::fmt::Write;

use super::{fields::standard_code, *};

const MARKS: Marks<'_> = Marks {
    request_id: "r-1",
    trace_id: "",
    now_ms: 1_700_000_000_007,
};

fn written(failure: &Failure) -> Value {
    serde_json::from_slice(&document(failure, MARKS)).unwrap()
}

const KINDS: [ErrorKind; 14] = [
    ErrorKind::Internal,
    ErrorKind::Panicked,
    ErrorKind::Invalid,
    ErrorKind::NotFound,
    ErrorKind::Unauthenticated,
    ErrorKind::Denied,
    ErrorKind::Conflict,
    ErrorKind::Timeout,
    ErrorKind::Unavailable,
    ErrorKind::Limited,
    ErrorKind::NotImplemented,
    ErrorKind::External,
    ErrorKind::Vetoed,
    ErrorKind::Cancelled,
];

#[test]
fn every_kind_has_its_document() {
    let mut out = String::new();
    for kind in KINDS {
        let failure = Failure::from(Error::new(kind, "said to the caller").with_internal("said to the operator"));
        writeln!(out, "{kind:?} {}\n{:#}\n", failure.status(), written(&failure)).unwrap();
    }
    assert!(
        !out.contains("operator"),
        "a document tells what only operators may read"
    );
    expect_file!["snapshots/kinds.txt"].assert_eq(&out);
}

#[test]
fn every_code_has_its_status() {
    let mut out = String::new();
    for code in StandardErrorCode::ALL {
        // The code counts, whatever kind it came with.
        let failure = Failure::new(ErrorKind::Internal, code.as_str(), "m");
        let document = written(&failure);
        let error: EnhancedApiError = serde_json::from_value(document["error"].clone()).unwrap();
        assert_eq!(error.code, *code);
        let part = |key: &str| document["error"][key].to_string();
        writeln!(
            out,
            "{code} {} {} {}",
            part("httpStatus"),
            part("category"),
            part("retryStrategy")
        )
        .unwrap();
    }
    expect_file!["snapshots/codes.txt"].assert_eq(&out);
}

#[test]
fn a_code_outside_the_table_goes_by_its_kind() {
    let check = |kind: ErrorKind, expected: u16| {
        let failure = Failure::new(kind, "flow_disabled", "m");
        assert_eq!(failure.status().as_u16(), expected, "{kind:?}");
        assert_eq!(written(&failure)["code"], "flow_disabled");
    };
    check(ErrorKind::NotFound, 404);
    check(ErrorKind::Conflict, 409);
    check(ErrorKind::Vetoed, 400);
    check(ErrorKind::NotImplemented, 501);
    check(ErrorKind::Internal, 500);
}

#[test]
fn fields_stand_in_both_spellings() {
    let details = json!({ "fields": [
        { "field": "name", "code": "required", "message": "name is required", "label": "Name" },
        { "field": "age", "code": "max_value", "message": "too old", "value": 999, "constraint": 150 },
    ], "object": "person" });
    let error = Error::invalid("two fields are wrong").with_details(&details);
    let failure = Failure::from(error);
    expect_file!["snapshots/fields.txt"].assert_eq(&format!("{:#}\n", written(&failure)));
}

#[test]
fn what_the_handler_says_in_the_protocols_codes_counts() {
    let details = json!({
        "fields": [{ "field": "industry", "code": "invalid_option", "message": "m" }],
        "fieldErrors": [{ "field": "industry", "code": "validation_error", "message": "m" }],
    });
    let document = written(&Failure::from(Error::invalid("m").with_details(&details)));
    assert_eq!(document["fields"], details["fields"]);
    assert_eq!(document["error"]["fieldErrors"], details["fieldErrors"]);
}

#[test]
fn details_without_fields_are_passed_on() {
    let check = |details: Value| {
        let document = written(&Failure::from(Error::invalid("m").with_details(&details)));
        assert_eq!(
            (&document["details"], &document["error"]["details"]),
            (&details, &details)
        );
        assert!(
            document.get("fields").is_none() && document["error"].get("fieldErrors").is_none(),
            "{document}"
        );
    };
    check(json!({ "count": 201, "max": 200 }));
    check(json!({ "fields": [] }));
    check(json!({ "fields": "name" }));
    check(json!(["a"]));
    check(json!("text"));
}

#[test]
fn the_wait_stands_in_the_document_too() {
    let failure = Failure::new(ErrorKind::Limited, "rate_limit_exceeded", "m")
        .with_header(http::header::RETRY_AFTER, HeaderValue::from_static("7"));
    assert_eq!(written(&failure)["error"]["retryAfter"], 7);
}

#[test]
fn the_trace_stands_in_the_document_when_there_is_one() {
    let marks = Marks {
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
        ..MARKS
    };
    let document: Value = serde_json::from_slice(&document(&Error::invalid("m").into(), marks)).unwrap();
    assert_eq!(document["error"]["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[test]
fn times_have_milliseconds_always() {
    let check = |now_ms: i64, expected: &str| assert_eq!(timestamp(now_ms), expected);
    check(0, "1970-01-01T00:00:00.000Z");
    check(1_700_000_000_007, "2023-11-14T22:13:20.007Z");
    check(-1, "1969-12-31T23:59:59.999Z");
    check(i64::MAX, "1970-01-01T00:00:00.000Z");
}

#[test]
fn field_codes_are_put_under_the_protocols() {
    let check = |code: &str, expected: StandardErrorCode| assert_eq!(standard_code(code), expected, "{code}");
    check("required", StandardErrorCode::MissingRequiredField);
    check("min_length", StandardErrorCode::ValueTooShort);
    check("max_scale", StandardErrorCode::ValueOutOfRange);
    check("invalid_email", StandardErrorCode::InvalidFormat);
    check("invalid_reference", StandardErrorCode::InvalidReference);
    check("duplicate_value", StandardErrorCode::DuplicateValue);
    check("rule_violation", StandardErrorCode::ValidationError);
    check("", StandardErrorCode::ValidationError);
}
