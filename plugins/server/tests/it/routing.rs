//! From a request to the handler and back: what it sees, and which of them it is.

use objectos_plugin_api::{Error, ErrorKind, HttpResponse};
use serde_json::json;

use crate::{
    client::{JSON, Wire, ask, get},
    gateway::{NOW_MS, PLUGIN, TestGateway, echo, start},
};

#[tokio::test]
async fn a_handler_sees_the_request() {
    let server = start(&TestGateway::new(), json!({}));
    let headers = [
        JSON,
        ("X-Custom", "some value"),
        ("X-Request-Id", "my-id.1"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("User-Agent", "tests/1"),
        ("Accept-Language", "de-CH, en;q=0.5"),
        ("Connection", "keep-alive"),
        ("TE", "trailers"),
        ("X-Forwarded-For", "127.0.0.1"),
    ];
    let reply = ask(
        server.address,
        "POST /api/v1/echo/a%2Fb?x=1&y=%20",
        &headers,
        r#"{"a":1}"#,
    )
    .await;
    let seen = reply.json();
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("x-request-id"), Some("my-id.1"));
    let check = |key: &str, expected: serde_json::Value| assert_eq!(seen[key], expected, "{key} in {seen}");
    check("method", json!("POST"));
    check("route", json!("/api/v1/echo/{name}"));
    check("path", json!("/api/v1/echo/a%2Fb"));
    check("query", json!("x=1&y=%20"));
    check("name", json!("a/b"));
    check("body", json!(r#"{"a":1}"#));
    check("principal", json!({ "id": "local", "kind": "local" }));
    check("user", json!("local"));
    check("request_id", json!("my-id.1"));
    check("trace_id", json!("4bf92f3577b34da6a3ce929d0e0e4736"));
    check(
        "extra",
        json!({ "address": "127.0.0.1", "userAgent": "tests/1", "locale": "de-CH" }),
    );
    check("limited", json!(true));
    let names: Vec<&str> = seen["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| pair[0].as_str().unwrap())
        .collect();
    let expected = [
        "host",
        "content-type",
        "x-custom",
        "x-request-id",
        "traceparent",
        "user-agent",
        "accept-language",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn an_id_is_made_when_the_caller_has_none() {
    let server = start(&TestGateway::new(), json!({}));
    let mut wire = Wire::open(server.address).await;
    let mut ids = std::collections::HashSet::new();
    for _ in 0..3 {
        let reply = wire.ask("GET /echo/a", &[], "").await;
        let id = reply.header("x-request-id").unwrap().to_owned();
        assert_eq!(reply.json()["request_id"], json!(id));
        let (seconds, _) = uuid::Uuid::parse_str(&id).unwrap().get_timestamp().unwrap().to_unix();
        assert_eq!(i64::try_from(seconds).unwrap(), NOW_MS / 1000);
        assert!(ids.insert(id));
    }
}

#[tokio::test]
async fn many_headers_and_large_bodies_arrive_whole() {
    let server = start(&TestGateway::new(), json!({}));
    let names: Vec<String> = (0..80).map(|index| format!("x-h{index}")).collect();
    let mut headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
    headers.push(JSON);
    let body = format!("\"{}\"", "x".repeat(900_000));
    let seen = ask(server.address, "POST /echo/a", &headers, &body).await.json();
    assert_eq!(seen["body"], json!(900_002));
    assert_eq!(seen["headers"].as_array().unwrap().len(), 82);
}

#[tokio::test]
async fn headers_that_are_not_text_are_left_out() {
    let server = start(&TestGateway::new(), json!({}));
    let mut wire = Wire::open(server.address).await;
    wire.send_bytes(b"GET /echo/a HTTP/1.1\r\nHost: localhost\r\nX-Bad: \xff\xfe\r\nX-Good: \xc3\xbc\r\n\r\n")
        .await;
    let seen = wire.reply().await.json();
    assert_eq!(seen["headers"], json!([["host", "localhost"], ["x-good", "ü"]]));
}

#[tokio::test]
async fn what_is_not_there_and_what_is_there_otherwise_are_told_apart() {
    let server = start(&TestGateway::new(), json!({}));
    let reply = get(server.address, "/nowhere").await;
    assert_eq!(reply.error(), (404, "endpoint_not_found".to_owned()));
    let reply = ask(server.address, "DELETE /echo/a", &[], "").await;
    assert_eq!(reply.error(), (405, "method_not_allowed".to_owned()));
    assert_eq!(reply.header("allow"), Some("GET, HEAD, POST, OPTIONS"));
    assert_eq!(
        reply.json()["details"],
        json!({ "allowed": ["GET", "HEAD", "POST", "OPTIONS"] })
    );
    let reply = ask(server.address, "BREW /echo/a", &[], "").await;
    assert_eq!(reply.error(), (405, "method_not_allowed".to_owned()));
    for path in ["/echo/%zz", "/echo/../x", "//echo/a", "/echo/%00"] {
        assert_eq!(
            get(server.address, path).await.error(),
            (400, "invalid_format".to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn head_is_get_without_a_body_and_options_tells_the_methods() {
    let server = start(&TestGateway::new(), json!({}));
    let mut wire = Wire::open(server.address).await;
    let length = wire.ask("GET /echo/a", &[("X-Request-Id", "i")], "").await.body.len();
    let reply = wire.ask("HEAD /echo/a", &[("X-Request-Id", "i")], "").await;
    // The word HEAD is no longer than GET by one letter, and the echo names the method.
    assert_eq!(
        (reply.status, reply.header("content-length")),
        (200, Some((length + 1).to_string().as_str()))
    );
    let reply = wire.ask("HEAD /nowhere", &[], "").await;
    assert_eq!(reply.status, 404);
    let reply = wire.ask("OPTIONS /echo/a", &[], "").await;
    assert_eq!(
        (reply.status, reply.header("allow")),
        (204, Some("GET, HEAD, POST, OPTIONS"))
    );
    assert_eq!(wire.ask("OPTIONS *", &[], "").await.status, 204);
    assert_eq!(
        wire.ask("GET /echo/still-alive", &[], "").await.json()["name"],
        "still-alive"
    );
}

#[tokio::test]
async fn routes_that_come_and_go_are_noticed() {
    let gateway = TestGateway::new();
    let server = start(&gateway, json!({}));
    assert_eq!(get(server.address, "/later/x").await.status, 404);
    gateway.route("test.later", "GET /later/{name}", "authenticated", echo);
    assert_eq!(get(server.address, "/later/x").await.json()["name"], "x");
    gateway.remove_routes("test.later");
    assert_eq!(get(server.address, "/later/x").await.status, 404);
}

#[tokio::test]
async fn nobody_takes_a_route_from_the_server_or_from_another() {
    let gateway = TestGateway::new();
    gateway.kernel(
        "health",
        Ok(json!({
        "status": "healthy", "ready": true, "state": "running", "uptimeMs": 1500, "version": "1.2.3", "plugins": {} })),
    );
    let stolen = |_, _| async { Ok(HttpResponse::json_bytes(200, b"\"stolen\"".to_vec())) };
    gateway.route("a.thief", "GET /health", "public", stolen);
    gateway.route("a.thief", "GET /echo/{other}", "public", stolen);
    gateway.route("test.forbidden", "GET /forbidden", "public", stolen);
    let server = start(&gateway, json!({}));
    assert_eq!(get(server.address, "/health").await.json()["data"]["version"], "1.2.3");
    assert_eq!(get(server.address, "/echo/a").await.json()["name"], "a");
    assert_eq!(
        get(server.address, "/forbidden").await.error(),
        (503, "service_unavailable".to_owned())
    );
}

#[tokio::test]
async fn errors_of_handlers_become_the_one_document() {
    let gateway = TestGateway::new();
    let fail = |path: &str, error: fn() -> Error| {
        gateway.route(
            PLUGIN,
            &format!("GET {path}"),
            "authenticated",
            move |_, _| async move { Err(error()) },
        );
    };
    fail("/missing", || {
        Error::not_found("record 7 is not there").with_code("record_not_found")
    });
    fail("/panics", || {
        Error::new(ErrorKind::Panicked, "something went wrong on the server").with_internal("index 7 of 3")
    });
    fail("/broken", || Error::internal("password=hunter2"));
    fail("/down", || Error::unavailable("data is not there"));
    let server = start(&gateway, json!({}));
    let check = async |path: &str, status: u16, code: &str| {
        let reply = get(server.address, path).await;
        assert_eq!(reply.error(), (status, code.to_owned()), "{path}");
        reply
    };
    let reply = check("/missing", 404, "record_not_found").await;
    assert_eq!(reply.json()["message"], "record 7 is not there");
    assert_eq!(reply.json()["error"]["timestamp"], "2023-11-14T22:13:20.000Z");
    for (path, secret) in [("/panics", "index 7"), ("/broken", "hunter2")] {
        let reply = check(path, 500, "internal_error").await;
        assert!(!reply.text().contains(secret), "{}", reply.text());
    }
    assert_eq!(
        check("/down", 503, "service_unavailable").await.header("retry-after"),
        Some("1")
    );
}

#[tokio::test]
async fn an_answer_keeps_its_headers_and_gets_the_servers() {
    let gateway = TestGateway::new();
    gateway.route(PLUGIN, "GET /page", "authenticated", |_, _| async {
        let answer = HttpResponse {
            status: 200,
            headers: Vec::new(),
            body: b"<p>".to_vec(),
        };
        let answer = answer
            .with_header("content-type", "text/html")
            .with_header("set-cookie", "a=1");
        let answer = answer
            .with_header("set-cookie", "b=2")
            .with_header("content-length", "999");
        Ok(answer
            .with_header("transfer-encoding", "chunked")
            .with_header("bad header", "x")
            .with_header("etag", "\"1\""))
    });
    gateway.route(PLUGIN, "GET /plain", "authenticated", |_, _| async {
        Ok(HttpResponse {
            status: 200,
            headers: Vec::new(),
            body: b"raw".to_vec(),
        })
    });
    gateway.route(PLUGIN, "GET /unchanged", "authenticated", |_, _| async {
        Ok(HttpResponse {
            body: b"ignored".to_vec(),
            ..HttpResponse::empty(304)
        }
        .with_header("etag", "\"1\""))
    });
    gateway.route(PLUGIN, "GET /odd", "authenticated", |_, _| async {
        Ok(HttpResponse::empty(101))
    });
    let server = start(&gateway, json!({}));
    let mut wire = Wire::open(server.address).await;

    let page = wire.ask("GET /page", &[], "").await;
    let cookies: Vec<&str> = page
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!((page.text().as_str(), cookies), ("<p>", vec!["a=1", "b=2"]));
    let check = |name: &str, expected: Option<&str>| assert_eq!(page.header(name), expected, "{name}");
    check("content-type", Some("text/html"));
    check("content-length", Some("3"));
    check("transfer-encoding", None);
    check("x-content-type-options", Some("nosniff"));
    check("x-frame-options", Some("DENY"));
    check("referrer-policy", Some("strict-origin-when-cross-origin"));
    check("cross-origin-resource-policy", Some("same-origin"));
    check(
        "content-security-policy",
        Some("default-src 'self'; base-uri 'self'; frame-ancestors 'none'; object-src 'none'"),
    );
    check("cache-control", None);
    check("strict-transport-security", None);

    let plain = wire.ask("GET /plain", &[], "").await;
    assert_eq!(plain.header("content-type"), Some("application/octet-stream"));
    assert_eq!(plain.header("cache-control"), Some("no-store"));
    let unchanged = wire.ask("GET /unchanged", &[], "").await;
    assert_eq!(
        (
            unchanged.status,
            unchanged.header("etag"),
            unchanged.header("content-length")
        ),
        (304, Some("\"1\""), None)
    );
    assert_eq!(wire.ask("GET /odd", &[], "").await.error().0, 500);
    let json = wire.ask("GET /echo/a", &[], "").await;
    assert_eq!(json.header("content-security-policy"), None);
}

#[tokio::test]
async fn two_requests_in_one_packet_get_two_answers_in_order() {
    let server = start(&TestGateway::new(), json!({}));
    let mut wire = Wire::open(server.address).await;
    let post = crate::client::request("POST /echo/2", &[JSON], "{}");
    let get = |name: u8| crate::client::request(&format!("GET /echo/{name}"), &[], "");
    wire.send(&format!("{}{post}{}", get(1), get(3))).await;
    for expected in ["1", "2", "3"] {
        assert_eq!(wire.reply().await.json()["name"], expected);
    }
}
