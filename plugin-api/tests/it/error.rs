use objectos_plugin_api::{Error, ErrorKind};
use serde_json::json;

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
fn every_kind_crosses_with_all_its_texts() {
    for kind in KINDS {
        let error = Error::new(kind, "message")
            .with_internal("internal")
            .with_details(&json!({"a": 1}));
        let copy = Error::from_raw(&error.clone().into_raw());
        assert_eq!(format!("{copy:?}"), format!("{error:?}"));
        assert_eq!(copy.to_string(), "message");
    }
}

#[test]
fn an_unknown_kind_reads_as_internal() {
    let mut raw = Error::invalid("x").into_raw();
    raw.parts.kind = 4711;
    assert_eq!(Error::from_raw(&raw).kind(), ErrorKind::Internal);
}

#[test]
fn a_fault_of_ours_tells_the_caller_nothing() {
    let error = Error::internal("password of db is hunter2");
    assert!(!error.to_string().contains("hunter2"));
    assert_eq!(error.code(), "internal_error");
}
