//! Questions and answers as they are written.

use serde_json::json;

use super::*;

#[allow(clippy::needless_pass_by_value, reason = "a table of cases reads better")]
fn asked(params: Value) -> AskedModel {
    AskedModel {
        field: Some("number".to_owned()),
        whom: Asked::Http {
            url: String::new(),
            post: false,
            headers: Vec::new(),
        },
        params: params.as_object().cloned().unwrap_or_default(),
        timeout_ms: 100,
    }
}

#[test]
fn a_question_is_an_address_or_a_body() {
    let payload = json!({ "object": "thing", "field": "number", "value": "a b&c" });
    let check = |url: &str, expected: &str| {
        let request = request(url, false, &[], &asked(json!({ "country": "DE" })), &payload);
        assert_eq!((request.method.as_str(), request.url.as_str()), ("GET", expected));
    };
    check(
        "https://x.de/c",
        "https://x.de/c?object=thing&field=number&value=a%20b%26c&country=DE",
    );
    check(
        "https://x.de/c?k=1",
        "https://x.de/c?k=1&object=thing&field=number&value=a%20b%26c&country=DE",
    );
    check("https://x.de/{value}", "https://x.de/a%20b%26c?object=thing&country=DE");
    let request = request("https://x.de/c", true, &[], &asked(json!({})), &payload);
    assert_eq!(
        (request.url.as_str(), request.body),
        ("https://x.de/c", payload.to_string())
    );
    assert_eq!(
        request.headers,
        [("content-type".to_owned(), "application/json".to_owned())]
    );
}

#[test]
fn answers_are_yes_no_or_none() {
    let check = |status: u16, body: &str, expected: Option<(bool, Option<&str>)>| {
        let found = of_http(status, body).ok();
        let found = found.map(|judgement| (judgement.valid, judgement.message));
        let expected = expected.map(|(valid, message)| (valid, message.map(str::to_owned)));
        assert_eq!(found, expected, "{status} {body}");
    };
    check(200, "", Some((true, None)));
    check(200, "true", Some((true, None)));
    check(200, r#"{"valid":false,"message":"no"}"#, Some((false, Some("no"))));
    check(200, r#"{"isValid":true}"#, Some((true, None)));
    check(204, "", Some((true, None)));
    check(422, r#"{"error":"bad"}"#, Some((false, Some("bad"))));
    check(409, "", Some((false, None)));
    check(400, r#"{"valid":true}"#, Some((false, None)));
    check(200, "fine", None);
    check(200, r#"{"ok":1}"#, None);
    check(500, "true", None);
    check(302, "", None);
}
