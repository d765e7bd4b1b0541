//! Pages of other origins: preflights, and the headers by which a browser lets them read.

use serde_json::json;

use crate::{
    client::{Reply, ask},
    gateway::{Running, TestGateway, start},
};

async fn preflight(server: &Running, origin: &str) -> Reply {
    let headers = [
        ("Origin", origin),
        ("Access-Control-Request-Method", "PATCH"),
        ("Access-Control-Request-Headers", "content-type"),
    ];
    ask(server.address, "OPTIONS /echo/a", &headers, "").await
}

#[tokio::test]
async fn a_preflight_is_answered_for_allowed_origins() {
    let server = start(
        &TestGateway::new(),
        json!({ "cors": { "origins": ["https://app.example.com"], "maxAgeS": 60 } }),
    );
    let reply = preflight(&server, "https://app.example.com").await;
    let check = |name: &str, expected: Option<&str>| assert_eq!(reply.header(name), expected, "{name}");
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    check("access-control-allow-origin", Some("https://app.example.com"));
    check("access-control-allow-credentials", Some("true"));
    check(
        "access-control-allow-methods",
        Some("GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"),
    );
    check("access-control-max-age", Some("60"));
    check("vary", Some("origin"));
    let allowed = reply.header("access-control-allow-headers").unwrap().to_lowercase();
    for name in [
        "content-type",
        "authorization",
        "if-match",
        "if-none-match",
        "if-modified-since",
        "accept-language",
        "x-environment-id",
        "x-tenant-id",
        "x-requested-with",
        "x-resume-token",
    ] {
        assert!(allowed.split(", ").any(|allowed| allowed == name), "{name}");
    }
}

#[tokio::test]
async fn other_origins_are_told_nothing() {
    let server = start(
        &TestGateway::new(),
        json!({ "cors": { "origins": ["https://app.example.com"] } }),
    );
    for origin in [
        "https://evil.example",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil.example",
        "https://evil-app.example.com",
        "http://localhost:3000",
        "null",
        "*",
        "",
    ] {
        let reply = preflight(&server, origin).await;
        let granted: Vec<_> = reply
            .headers
            .iter()
            .filter(|(name, _)| name.starts_with("access-control"))
            .collect();
        assert_eq!((reply.status, granted), (204, vec![]), "{origin}");
    }
}

#[tokio::test]
async fn origins_on_this_machine_are_allowed_by_default() {
    let server = start(&TestGateway::new(), json!({}));
    let check = async |origin: &str, allowed: bool| {
        let reply = preflight(&server, origin).await;
        assert_eq!(
            reply.header("access-control-allow-origin").is_some(),
            allowed,
            "{origin}"
        );
    };
    check("http://localhost", true).await;
    check("http://localhost:5173", true).await;
    check("https://127.0.0.1:8443", true).await;
    check("http://[::1]:3000", true).await;
    check("http://crm.localhost:5173", true).await;
    check("http://localhost.evil.example", false).await;
    check("http://192.168.0.7:5173", false).await;
    check("null", false).await;
}

#[tokio::test]
async fn answers_and_errors_can_be_read_by_allowed_pages() {
    let server = start(&TestGateway::new(), json!({}));
    for (path, status) in [("/echo/a", 200), ("/nowhere", 404)] {
        let reply = ask(
            server.address,
            &format!("GET {path}"),
            &[("Origin", "http://localhost:5173")],
            "",
        )
        .await;
        assert_eq!(
            (reply.status, reply.header("access-control-allow-origin")),
            (status, Some("http://localhost:5173"))
        );
        let exposed = reply.header("access-control-expose-headers").unwrap();
        assert!(
            exposed.contains("ETag") && exposed.contains("set-auth-token"),
            "{exposed}"
        );
        assert_eq!(reply.header("vary"), Some("origin"));
    }
    let reply = ask(server.address, "GET /echo/a", &[], "").await;
    assert_eq!(
        (reply.header("access-control-allow-origin"), reply.header("vary")),
        (None, Some("origin"))
    );
}

#[tokio::test]
async fn options_without_a_preflight_is_an_ordinary_request() {
    let server = start(&TestGateway::new(), json!({}));
    let reply = ask(
        server.address,
        "OPTIONS /echo/a",
        &[("Origin", "http://localhost:5173")],
        "",
    )
    .await;
    assert_eq!(
        (reply.status, reply.header("allow")),
        (204, Some("GET, HEAD, POST, OPTIONS"))
    );
}
