//! What an answer of an S3 server that is no success means: whether to ask again, what it says, and what to do about
//! it.

use objectos_plugin_api::contracts::http_client::IncomingAnswer;

use super::xml;

/// Codes of answers after which the same request may go well, whatever their status.
const PASSING: [&str; 6] = [
    "InternalError",
    "OperationAborted",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "ThrottlingException",
];

/// Characters of a code or message that are repeated.
const TOLD_MAX: usize = 300;

fn code(answer: &IncomingAnswer) -> Option<String> {
    xml::text(&answer.body, "Code")
}

/// Whether to ask again.
pub(super) fn is_passing(answer: &IncomingAnswer) -> bool {
    let failed = answer.status >= 300;
    answer.status >= 500
        || answer.status == 429
        || failed && code(answer).is_some_and(|code| PASSING.contains(&code.as_str()))
}

/// Whether the object is not there. Another answer of this status may be that of somebody else on the way, and would
/// hide what is there.
pub(super) fn is_missing_key(answer: &IncomingAnswer) -> bool {
    answer.status == 404 && code(answer).as_deref() == Some("NoSuchKey")
}

/// What the server says, of which no more is repeated than a line has: it goes into reports and logs.
pub(super) fn told(answer: &IncomingAnswer) -> String {
    let short = |text: String| text.chars().take(TOLD_MAX).collect::<String>();
    match (code(answer).map(short), xml::text(&answer.body, "Message").map(short)) {
        (Some(code), Some(message)) => format!("status {}, {code}: {message}", answer.status),
        (Some(code), None) => format!("status {}, {code}", answer.status),
        (None, _) => format!("status {}", answer.status),
    }
}

/// What to do.
pub(super) fn remedy(answer: &IncomingAnswer) -> &'static str {
    match (code(answer).as_deref(), answer.status) {
        (Some("NoSuchBucket"), _) => {
            "make the bucket, or correct plugins.objectos.storage.s3.bucket (or .forcePathStyle)"
        }
        (Some("InvalidAccessKeyId" | "NotSignedUp" | "InvalidToken"), _) => {
            "correct plugins.objectos.storage.s3.accessKeyId"
        }
        (Some("SignatureDoesNotMatch"), _) => {
            "correct the secret access key of plugins.objectos.storage.s3; it is not that of accessKeyId"
        }
        (Some("RequestTimeTooSkewed"), _) => "set the clock of this machine, or that of the server",
        (Some("AuthorizationHeaderMalformed" | "IllegalLocationConstraintException"), _) | (_, 300..=399) => {
            "the bucket is in another region: correct plugins.objectos.storage.s3.region and .endpoint"
        }
        (_, 401 | 403) => "allow the access key to list the bucket and to get, put and delete its objects",
        _ => "correct plugins.objectos.storage.s3, or see to the server",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, code: &str) -> IncomingAnswer {
        let body = if code.is_empty() {
            String::new()
        } else {
            format!("<Error><Code>{code}</Code><Message>Because</Message></Error>")
        };
        IncomingAnswer {
            status,
            headers: Vec::new(),
            body,
        }
    }

    #[test]
    fn an_answer_says_whether_to_ask_again() {
        for (status, code, expected) in [
            (200, "", false),
            (500, "", true),
            (503, "SlowDown", true),
            (429, "", true),
            (400, "RequestTimeout", true),
            (400, "InvalidRequest", false),
            (403, "SignatureDoesNotMatch", false),
            // An object may have such a text in it.
            (200, "SlowDown", false),
        ] {
            assert_eq!(is_passing(&answer(status, code)), expected, "{status} {code}");
        }
    }

    #[test]
    fn an_answer_says_what_to_do() {
        for (status, code, part) in [
            (404, "NoSuchBucket", "make the bucket"),
            (403, "InvalidAccessKeyId", "s3.accessKeyId"),
            (403, "SignatureDoesNotMatch", "secret access key"),
            (403, "AccessDenied", "allow the access key"),
            (403, "RequestTimeTooSkewed", "clock"),
            (301, "PermanentRedirect", "s3.region"),
            (400, "AuthorizationHeaderMalformed", "s3.region"),
            (418, "", "see to the server"),
        ] {
            assert!(remedy(&answer(status, code)).contains(part), "{status} {code}");
        }
        assert_eq!(told(&answer(403, "AccessDenied")), "status 403, AccessDenied: Because");
        assert_eq!(told(&answer(502, "")), "status 502");
        let long = told(&answer(502, &"x".repeat(1_000)));
        assert_eq!(long.len(), "status 502, : Because".len() + TOLD_MAX, "{long}");
    }

    #[test]
    fn a_missing_key_is_no_missing_bucket() {
        assert!(is_missing_key(&answer(404, "NoSuchKey")));
        for (status, code) in [(404, ""), (404, "NoSuchBucket"), (403, "NoSuchKey")] {
            assert!(!is_missing_key(&answer(status, code)), "{status} {code}");
        }
    }
}
