//! Who may call what: with an `auth` service, without one, and with one that is down.

use objectos_plugin_api::{Error, ErrorKind};
use objectos_server::refuse_exposure;
use serde_json::{Value, json};

use crate::{
    client::{JSON, Reply, ask, get},
    gateway::{TestGateway, echo, server, start},
};

/// An `auth` that knows one token, and the routes of its plugin.
fn with_auth() -> TestGateway {
    let gateway = TestGateway::new();
    gateway.auth(|context, credentials| {
        assert!(!context.request_id().is_empty());
        Ok(match (credentials.authorization.as_deref(), credentials.cookie.as_deref()) {
            (Some("Bearer ada"), _) => json!({
                "principal": { "id": "u1", "kind": "user", "tenant": "t1", "roles": ["seller"], "name": "Ada \"\u{e4}\"" },
                "headers": [["set-cookie", "session=renewed"]],
            }),
            (Some("Bearer guest"), _) => json!({ "principal": { "id": "g", "kind": "anonymous" } }),
            (_, Some(cookie)) => json!({ "principal": { "id": cookie, "kind": "user" } }),
            _ => json!({ "principal": null }),
        })
    });
    gateway.route("test.auth", "POST /api/v1/auth/{name}", "public", echo);
    gateway.route("test.auth", "GET /api/v1/auth/{name}", "authenticated", echo);
    gateway.route("test.plugin", "GET /public/{name}", "public", echo);
    gateway.route("test.plugin", "GET /system/{name}", "system", echo);
    gateway.route("test.plugin", "GET /open/{name}", "guest", echo);
    gateway
}

const ADA: (&str, &str) = ("Authorization", "Bearer ada");

fn names(seen: &Value) -> Vec<&str> {
    seen["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| pair[0].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_principal_of_auth_reaches_the_handler() {
    let server = start(&with_auth(), json!({}));
    let reply = ask(server.address, "GET /echo/a", &[ADA], "").await;
    let seen = reply.json();
    assert_eq!(seen["principal"]["name"], "Ada \"ä\"");
    assert_eq!((&seen["user"], &seen["tenant"]), (&json!("u1"), &json!("t1")));
    assert_eq!(seen["principal"]["roles"], json!(["seller"]));
    assert_eq!(reply.header("set-cookie"), Some("session=renewed"));
    assert_eq!(names(&seen), ["host"], "credentials go no further than they must");
}

#[tokio::test]
async fn nobody_is_told_to_sign_in() {
    let server = start(&with_auth(), json!({}));
    let check = async |line: &str, headers: &[(&str, &str)], expected: u16| -> Reply {
        let reply = ask(server.address, line, headers, "").await;
        assert_eq!(reply.status, expected, "{line} {headers:?}");
        reply
    };
    let refused = check("GET /echo/a", &[], 401).await;
    assert_eq!(refused.error(), (401, "unauthenticated".to_owned()));
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    check("GET /echo/a", &[("Authorization", "Bearer wrong")], 401).await;
    check("GET /echo/a", &[("Authorization", "Bearer guest")], 401).await;
    check("POST /api/v1/echo/a", &[JSON], 401).await;
    check("GET /api/v1/plugins", &[], 401).await;
    check("GET /api/v1/discovery", &[], 200).await;
    check("GET /public/a", &[], 200).await;
    check("GET /nowhere", &[], 404).await;
}

#[tokio::test]
async fn a_guest_reaches_what_is_open_to_guests_and_has_an_allowance_of_its_own() {
    const GUEST: (&str, &str) = ("Authorization", "Bearer guest");
    let rates = json!({
        "rateLimit": { "requests": 100, "loopback": true },
        "guestRateLimit": { "requests": 2, "loopback": true },
    });
    let server = start(&with_auth(), rates);
    let check = async |line: &str, headers: &[(&str, &str)], expected: u16| -> Reply {
        let reply = ask(server.address, line, headers, "").await;
        assert_eq!(reply.status, expected, "{line} {headers:?}");
        reply
    };
    check("GET /open/a", &[], 401).await;
    assert_eq!(check("GET /open/a", &[ADA], 200).await.json()["user"], "u1");
    let seen = check("GET /public/a", &[GUEST], 200).await.json();
    assert_eq!(
        seen["principal"],
        Value::Null,
        "where nobody need be signed in, a guest is nobody"
    );
    assert_eq!(
        check("GET /open/a", &[GUEST], 200).await.json()["principal"]["kind"],
        "anonymous"
    );
    check("GET /echo/a", &[GUEST], 401).await;
    check("GET /system/a", &[GUEST], 401).await;
    check("GET /open/a", &[GUEST], 200).await;
    let refused = check("GET /open/a", &[GUEST], 429).await;
    assert_eq!(refused.header("x-ratelimit-limit"), Some("2"));
    check("GET /open/a", &[ADA], 200).await;
}

#[tokio::test]
async fn a_user_is_no_administrator() {
    let gateway = with_auth();
    let server = start(&gateway, json!({}));
    for path in ["/system/a", "/api/v1/plugins", "/api/v1/kernel/metrics"] {
        let reply = ask(server.address, &format!("GET {path}"), &[ADA], "").await;
        assert_eq!(reply.error(), (403, "insufficient_privileges".to_owned()), "{path}");
    }
    let told = gateway.refused();
    let told: Vec<&str> = told.iter().map(String::as_str).collect();
    let expected = [
        "u1 GET /system/{name} insufficient_privileges",
        "u1 GET /api/v1/plugins insufficient_privileges",
        "u1 GET /api/v1/kernel/metrics insufficient_privileges",
    ];
    assert_eq!(told, expected, "each refusal is told of");
    let local = start(
        &{
            let gateway = TestGateway::new();
            gateway.route("test.plugin", "GET /system/{name}", "system", echo);
            gateway
        },
        json!({}),
    );
    assert_eq!(get(local.address, "/system/a").await.status, 200);
}

#[tokio::test]
async fn whoever_holds_the_system_permission_administers() {
    let gateway = with_auth();
    gateway.permissions(|context, permission| {
        assert_eq!(permission, "manage_platform");
        Ok(context.user() == "u1")
    });
    let server = start(&gateway, json!({}));
    assert_eq!(ask(server.address, "GET /system/a", &[ADA], "").await.status, 200);
    let other = ask(server.address, "GET /system/a", &[("Cookie", "u2")], "").await;
    assert_eq!(other.error(), (403, "insufficient_privileges".to_owned()));
    assert_eq!(get(server.address, "/system/a").await.status, 401);
}

#[tokio::test]
async fn permissions_that_do_not_answer_administer_nothing() {
    let gateway = with_auth();
    gateway.service("test.permissions", "permissions", false);
    let server = start(&gateway, json!({}));
    let reply = ask(server.address, "GET /system/a", &[ADA], "").await;
    assert_eq!(reply.error().0, 503);
}

#[tokio::test]
async fn an_encrypted_way_is_told_of() {
    let check = async |proxies: Value, headers: &[(&str, &str)], expected: Value| {
        let server = start(&with_auth(), json!({ "trustedProxies": proxies }));
        let headers = [&[ADA], headers].concat();
        let seen = ask(server.address, "GET /echo/a", &headers, "").await.json();
        assert_eq!(seen["extra"]["secure"], expected, "{headers:?}");
    };
    let https = [("X-Forwarded-Proto", "https")];
    check(json!(["127.0.0.1"]), &https, json!(true)).await;
    check(json!(["127.0.0.1"]), &[("X-Forwarded-Proto", "http")], Value::Null).await;
    check(json!([]), &https, Value::Null).await;
}

#[tokio::test]
async fn public_routes_see_who_calls_when_it_is_known() {
    let server = start(&with_auth(), json!({}));
    let check = async |line: &str, headers: &[(&str, &str)], user: &str, seen_headers: &[&str]| {
        let seen = ask(server.address, line, headers, "").await.json();
        assert_eq!(seen["user"], user, "{line}");
        assert_eq!(names(&seen), seen_headers, "{line}");
    };
    check("GET /public/a", &[ADA], "u1", &["host", "authorization"]).await;
    check(
        "GET /public/a",
        &[("Authorization", "Bearer wrong")],
        "",
        &["host", "authorization"],
    )
    .await;
    check("GET /public/a", &[], "", &["host"]).await;
    // Whoever provides `auth` sees what people prove themselves with.
    check(
        "POST /api/v1/auth/sign-in",
        &[ADA, ("Cookie", "s=1")],
        "",
        &["host", "authorization", "cookie"],
    )
    .await;
    check(
        "GET /api/v1/auth/me",
        &[ADA, ("X-API-Key", "k")],
        "u1",
        &["host", "authorization", "x-api-key"],
    )
    .await;
}

#[tokio::test]
async fn cookies_in_pieces_are_one_header() {
    let server = start(&with_auth(), json!({}));
    let pieces = [("Cookie", "a=1"), ("Cookie", "b=2")];
    let seen = ask(server.address, "GET /public/a", &pieces, "").await.json();
    let headers = seen["headers"].as_array().unwrap();
    let cookies: Vec<&Value> = headers.iter().filter(|pair| pair[0] == "cookie").collect();
    assert_eq!(cookies, [&json!(["cookie", "a=1; b=2"])]);
    assert_eq!(headers.len(), 2, "{seen}");
}

#[tokio::test]
async fn every_kind_of_credential_is_handed_over() {
    let gateway = TestGateway::new();
    gateway.auth(|_, credentials| {
        Ok(json!({ "principal": { "id": serde_json::to_string(&credentials).unwrap(), "kind": "service" } }))
    });
    let server = start(&gateway, json!({ "trustedProxies": ["127.0.0.1"] }));
    let headers = [
        ("Authorization", "Basic x"),
        ("Cookie", "a=1"),
        ("Cookie", "b=2"),
        ("X-API-Key", "key"),
        ("Origin", "https://elsewhere.example"),
        ("X-Forwarded-For", "203.0.113.9"),
        JSON,
    ];
    let seen = ask(server.address, "POST /api/v1/echo/a", &headers, "{}").await.json();
    let credentials: Value = serde_json::from_str(seen["user"].as_str().unwrap()).unwrap();
    assert_eq!(
        credentials,
        json!({
            "authorization": "Basic x", "cookie": "a=1; b=2", "apiKey": "key", "origin": "https://elsewhere.example",
            "host": "localhost",
            "method": "POST", "path": "/api/v1/echo/a", "address": "203.0.113.9",
        })
    );
    assert_eq!(seen["extra"]["address"], "203.0.113.9");
    assert_eq!(
        names(&seen),
        ["host", "origin", "x-forwarded-for", "content-type", "content-length"][..4].to_vec()
    );
}

#[tokio::test]
async fn an_auth_that_does_not_answer_closes_all_but_the_public_doors() {
    let answers: [(fn() -> Error, u16); 4] = [
        (|| Error::unavailable("auth is down"), 503),
        (|| Error::new(ErrorKind::Timeout, "auth is slow"), 504),
        (|| Error::internal("auth is broken"), 500),
        (
            || Error::new(ErrorKind::Denied, "not from this network").with_code("ip_restricted"),
            403,
        ),
    ];
    for (error, expected) in answers {
        let gateway = TestGateway::new();
        gateway.auth(move |_, _| Err(error()));
        gateway.route("test.plugin", "GET /public/{name}", "public", echo);
        let server = start(&gateway, json!({}));
        let reply = ask(server.address, "GET /echo/a", &[ADA], "").await;
        assert_eq!(reply.error().0, expected);
        let seen = ask(server.address, "GET /public/a", &[ADA], "").await.json();
        assert_eq!(seen["principal"], Value::Null);
        assert_eq!(ask(server.address, "GET /api/v1", &[ADA], "").await.status, 200);
    }
}

#[tokio::test]
async fn an_auth_that_talks_nonsense_lets_nobody_in() {
    for nonsense in [
        json!("yes"),
        json!({ "principal": { "id": "u1" } }),
        json!({ "principal": { "id": "u1", "kind": "god" } }),
    ] {
        let gateway = TestGateway::new();
        let answer = nonsense.clone();
        gateway.auth(move |_, _| Ok(answer.clone()));
        let server = start(&gateway, json!({}));
        assert_eq!(get(server.address, "/echo/a").await.error().0, 500, "{nonsense}");
    }
}

#[tokio::test]
async fn a_declared_auth_that_is_down_is_still_declared() {
    let gateway = TestGateway::new();
    gateway.service("test.auth", "auth", false);
    let server = start(&gateway, json!({}));
    let reply = get(server.address, "/echo/a").await;
    assert_eq!(reply.error(), (503, "service_unavailable".to_owned()));
}

#[tokio::test]
async fn without_auth_only_this_machine_itself_is_served() {
    let server = start(&TestGateway::new(), json!({ "hosts": ["crm.internal"] }));
    let check = async |headers: &[(&str, &str)], expected: u16| {
        let reply = ask(server.address, "GET /echo/a", headers, "").await;
        assert_eq!(reply.status, expected, "{headers:?} {}", reply.text());
    };
    check(&[], 200).await;
    check(&[("Host", "127.0.0.1:3000")], 200).await;
    check(&[("Host", "[::1]:3000")], 200).await;
    check(&[("Host", "crm.localhost:3000")], 200).await;
    check(&[("Host", "CRM.internal:3000")], 200).await;
    // A page that made its own name mean 127.0.0.1.
    check(&[("Host", "evil.example")], 403).await;
    check(&[("Host", "localhost.evil.example")], 403).await;
    check(&[("Host", "")], 403).await;
    // A page of another origin, however simple its request.
    check(&[("Origin", "https://evil.example")], 403).await;
    check(&[("Origin", "null")], 403).await;
    check(&[("Origin", "http://localhost:5173")], 200).await;
    check(&[("Host", "crm.internal"), ("Origin", "http://crm.internal")], 200).await;
    check(&[("Host", "crm.internal"), ("Origin", "http://other.internal")], 403).await;
    // A proxy on this machine that serves others.
    check(&[("X-Forwarded-For", "203.0.113.9")], 403).await;
    check(&[("X-Forwarded-For", "127.0.0.1")], 200).await;
    check(&[("Forwarded", "for=203.0.113.9")], 403).await;
    check(&[("X-Real-IP", "203.0.113.9")], 403).await;
    let posted = ask(
        server.address,
        "POST /api/v1/plugins/a/restart",
        &[("Origin", "https://evil.example")],
        "",
    )
    .await;
    assert_eq!(posted.error(), (403, "permission_denied".to_owned()));
}

#[tokio::test]
async fn an_open_address_needs_auth_and_permissions() {
    let check = |services: &[&str], expected: Option<&str>| {
        let gateway = TestGateway::new();
        for service in services {
            gateway.service("test.security", service, false);
        }
        let refused = refuse_exposure(&server(gateway, json!({})), "192.0.2.1:3000")
            .err()
            .map(|error| error.to_string());
        match expected {
            None => assert_eq!(refused, None, "{services:?}"),
            Some(missing) => {
                let text = refused.unwrap();
                assert!(text.contains(&format!("no plugin provides {missing};")), "{text}");
                assert!(
                    text.contains("192.0.2.1:3000") && text.contains("listen on 127.0.0.1"),
                    "{text}"
                );
            }
        }
    };
    check(&[], Some("`auth` and `permissions`"));
    check(&["auth"], Some("`permissions`"));
    check(&["permissions"], Some("`auth`"));
    check(&["auth", "permissions"], None);
}

#[tokio::test]
async fn what_the_server_itself_provides_does_not_count() {
    let gateway = TestGateway::new();
    gateway.service("objectos.server", "auth", true);
    gateway.service("kernel", "permissions", true);
    assert!(refuse_exposure(&server(gateway, json!({})), "192.0.2.1:3000").is_err());
}
