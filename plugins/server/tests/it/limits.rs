//! What is too large, too slow or too much is refused, and costs the others nothing.

use objectos_plugin_api::HttpResponse;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use crate::{
    client::{JSON, Wire, ask, get, patiently, request},
    gateway::{Gate, PLUGIN, TestGateway, start},
};

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let server = start(&TestGateway::new(), json!({ "limits": { "headBytesMax": 4096 } }));
    let check = async |line: &str, headers: &[(&str, &str)], expected: u16| {
        let mut wire = Wire::open(server.address).await;
        wire.send(&request(line, headers, "")).await;
        assert_eq!(wire.reply().await.status, expected, "{} {}", line.len(), headers.len());
    };
    check("GET /echo/a", &[("X-Big", &"x".repeat(3_000))], 200).await;
    check("GET /echo/a", &[("X-Big", &"x".repeat(5_000))], 431).await;
    check("GET /echo/a", &[("X-Big", &"x".repeat(300_000))], 431).await;
    check("GET /echo/a", &vec![("X-Many", "x"); 150], 431).await;
    check(&format!("GET /echo/{}", "x".repeat(70_000)), &[], 431).await;
}

/// A server that counts the calls of `POST /count`.
fn counting(config: serde_json::Value) -> (crate::gateway::Running, Arc<AtomicU32>) {
    let (gateway, calls) = (TestGateway::new(), Arc::new(AtomicU32::new(0)));
    let counted = Arc::clone(&calls);
    gateway.route(PLUGIN, "POST /api/v1/count", "authenticated", move |_, request| {
        counted.fetch_add(1, Ordering::SeqCst);
        let length = request.body().len();
        async move { HttpResponse::json(200, &length) }
    });
    (start(&gateway, config), calls)
}

#[tokio::test]
async fn bodies_that_are_too_large_are_refused_however_they_come() {
    let (server, calls) = counting(json!({ "limits": { "bodyBytesMax": 1000 } }));
    let body = |length: usize| "x".repeat(length);
    let fits = ask(server.address, "POST /api/v1/count", &[JSON], &body(1000)).await;
    assert_eq!(fits.text(), "1000");
    for length in [1001, 100_000, 5_000_000] {
        let mut wire = Wire::open(server.address).await;
        let text = request("POST /api/v1/count", &[JSON], &body(length));
        // The answer must arrive although the server stops reading.
        let (reply, ()) = {
            let (mut read, mut write) = tokio::io::split(&mut wire.socket);
            let sending = async { drop(tokio::io::AsyncWriteExt::write_all(&mut write, text.as_bytes()).await) };
            let reading = async {
                let mut head = vec![0; 12];
                tokio::io::AsyncReadExt::read_exact(&mut read, &mut head).await.unwrap();
                head
            };
            patiently(async { tokio::join!(reading, sending) }).await
        };
        assert_eq!(reply, b"HTTP/1.1 413", "{length}");
    }
    let mut wire = Wire::open(server.address).await;
    wire.send("POST /api/v1/count HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    for _ in 0..3 {
        wire.send(&format!("{:x}\r\n{}\r\n", 400, body(400))).await;
    }
    let reply = wire.reply().await;
    assert_eq!(reply.error(), (413, "value_too_long".to_owned()));
    assert_eq!(reply.header("connection"), Some("close"));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn bodies_in_pieces_are_put_together() {
    let (server, _) = counting(json!({}));
    let mut wire = Wire::open(server.address).await;
    wire.send("POST /api/v1/echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    for piece in [
        "5\r\n{\"a\":\r\n",
        "1;ext=1\r\n1\r\n",
        "1\r\n}\r\n0\r\nTrailer: x\r\n\r\n",
    ] {
        wire.send(piece).await;
    }
    assert_eq!(wire.reply().await.json()["body"], "{\"a\":1}");
}

#[tokio::test]
async fn bodies_must_be_json_below_api() {
    let (server, calls) = counting(json!({ "bodies": [
        { "under": "/api/v1/count", "bytesMax": 3 },
        { "under": "/api/v1/echo/any", "anyType": true, "bytesMax": 2_000_000 },
    ] }));
    let check = async |line: &str, headers: &[(&str, &str)], body: &str, expected: u16| {
        assert_eq!(
            ask(server.address, line, headers, body).await.status,
            expected,
            "{line} {headers:?}"
        );
    };
    check(
        "POST /api/v1/echo/a",
        &[("Content-Type", "application/json; charset=utf-8")],
        "{}",
        200,
    )
    .await;
    check(
        "POST /api/v1/echo/a",
        &[("Content-Type", "application/scim+json")],
        "{}",
        200,
    )
    .await;
    check("POST /api/v1/echo/a", &[("Content-Type", "text/plain")], "{}", 415).await;
    check("POST /api/v1/echo/a", &[], "{}", 415).await;
    check("POST /echo/a", &[("Content-Type", "text/plain")], "{}", 200).await;
    check(
        "POST /api/v1/echo/any",
        &[("Content-Type", "image/png")],
        &"x".repeat(1_500_000),
        200,
    )
    .await;
    check("POST /api/v1/count", &[JSON], "1234", 413).await;
    // Empty bodies are legal, whatever their type is said to be.
    check("POST /api/v1/echo/a", &[JSON], "", 200).await;
    check(
        "POST /api/v1/echo/a",
        &[("Content-Length", "0"), ("Content-Type", "text/plain")],
        "",
        200,
    )
    .await;
    check("GET /api/v1/echo/a", &[JSON], "", 200).await;
    let mut wire = Wire::open(server.address).await;
    wire.send("POST /api/v1/echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").await;
    assert_eq!(wire.reply().await.json()["body"], "");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_head_that_drips_in_ends_the_connection() {
    let server = start(&TestGateway::new(), json!({ "limits": { "headMs": 80 } }));
    for sent in ["", "G", "GET /echo/a HTTP/1.1\r\nHost: loc", "PRI * HTTP/2.0\r\n"] {
        let mut wire = Wire::open(server.address).await;
        wire.send(sent).await;
        assert_eq!(wire.ended().await, b"", "{sent}");
    }
    // The second head of a connection as well.
    let mut wire = Wire::open(server.address).await;
    assert_eq!(wire.ask("GET /echo/a", &[], "").await.status, 200);
    wire.send("GET /echo/b HTTP/1.1\r\n").await;
    assert_eq!(wire.ended().await, b"");
}

#[tokio::test]
async fn a_body_that_drips_in_is_answered_408() {
    let server = start(&TestGateway::new(), json!({ "limits": { "bodyMs": 50 } }));
    let mut wire = Wire::open(server.address).await;
    wire.send("POST /api/v1/echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{").await;
    let reply = wire.reply().await;
    assert_eq!(reply.error(), (408, "timeout".to_owned()));
    assert_eq!(reply.header("connection"), Some("close"));
}

#[tokio::test]
async fn a_body_is_held_to_the_limit_of_the_request_too() {
    let server = start(&TestGateway::new(), json!({ "limits": { "requestMs": 50 } }));
    let mut wire = Wire::open(server.address).await;
    wire.send("POST /api/v1/echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{").await;
    assert_eq!(wire.reply().await.error(), (408, "timeout".to_owned()));
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = start(&TestGateway::new(), json!({ "limits": { "idleMs": 60 } }));
    let mut wire = Wire::open(server.address).await;
    assert_eq!(wire.ask("GET /echo/a", &[], "").await.status, 200);
    assert_eq!(wire.ended().await, b"");
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let (gateway, gate) = (TestGateway::new(), Gate::default());
    gateway.route(PLUGIN, "GET /gate", "authenticated", gate.handler());
    let server = start(&gateway, json!({ "limits": { "requestMs": 60 } }));
    let mut wire = Wire::open(server.address).await;
    assert_eq!(
        wire.ask("GET /gate", &[], "").await.error(),
        (504, "timeout".to_owned())
    );
    patiently(gate.dropped.notified()).await;
    // Nothing is wrong with the connection.
    assert_eq!(wire.ask("GET /echo/a", &[], "").await.status, 200);
}

#[tokio::test]
async fn a_caller_that_goes_away_cancels_its_call() {
    let (gateway, gate) = (TestGateway::new(), Gate::default());
    gateway.route(PLUGIN, "GET /gate", "authenticated", gate.handler());
    let server = start(&gateway, json!({}));
    let mut wire = Wire::open(server.address).await;
    wire.send(&request("GET /gate", &[], "")).await;
    patiently(gate.entered.notified()).await;
    drop(wire);
    patiently(gate.dropped.notified()).await;
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_dropped() {
    let (gateway, mut released) = TestGateway::new().tell_releases();
    gateway.route(PLUGIN, "GET /big", "authenticated", |_, _| async {
        Ok(HttpResponse::json_bytes(200, vec![b'1'; 64 * 1024 * 1024]))
    });
    let server = start(&gateway, json!({ "limits": { "writeMs": 60 } }));
    let mut wire = Wire::open(server.address).await;
    wire.send(&request("GET /big", &[], "")).await;
    assert!(patiently(released.recv()).await.is_some());
    assert!(wire.ended().await.len() < 64 * 1024 * 1024);
}

#[tokio::test]
async fn a_large_answer_goes_out_whole_and_its_memory_is_given_back() {
    let (gateway, mut released) = TestGateway::new().tell_releases();
    gateway.route(PLUGIN, "GET /big", "authenticated", |_, _| async {
        Ok(HttpResponse::json_bytes(200, vec![b'1'; 8 * 1024 * 1024]))
    });
    let server = start(&gateway, json!({}));
    let mut wire = Wire::open(server.address).await;
    let reply = wire.ask("GET /big", &[], "").await;
    assert_eq!(reply.body.len(), 8 * 1024 * 1024);
    assert!(patiently(released.recv()).await.is_some());
}

#[tokio::test]
async fn only_so_many_requests_are_worked_on_at_once() {
    let (gateway, gate) = (TestGateway::new(), Gate::default());
    gateway.kernel(
        "health",
        Ok(json!({
        "status": "healthy", "ready": true, "state": "running", "uptimeMs": 1, "version": "1.0.0", "plugins": {} })),
    );
    gateway.route(PLUGIN, "GET /gate", "authenticated", gate.handler());
    let server = start(&gateway, json!({ "limits": { "concurrentRequestsMax": 1 } }));
    let mut first = Wire::open(server.address).await;
    first.send(&request("GET /gate", &[], "")).await;
    patiently(gate.entered.notified()).await;
    let refused = get(server.address, "/echo/a").await;
    assert_eq!(refused.error(), (429, "concurrent_limit_exceeded".to_owned()));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(get(server.address, "/health").await.status, 200);
    gate.open.notify_one();
    assert_eq!(first.reply().await.status, 200);
    assert_eq!(get(server.address, "/echo/a").await.status, 200);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let server = start(&TestGateway::new(), json!({ "limits": { "connectionsMax": 1 } }));
    let mut first = Wire::open(server.address).await;
    assert_eq!(first.ask("GET /echo/1", &[], "").await.status, 200);
    let mut second = Wire::open(server.address).await;
    second.send(&request("GET /echo/2", &[], "")).await;
    // The second is not served while the first is there: the first still is, and answers before it.
    assert_eq!(first.ask("GET /echo/1", &[], "").await.status, 200);
    drop(first);
    assert_eq!(second.reply().await.json()["name"], "2");
}

#[tokio::test]
async fn one_address_may_call_only_so_often() {
    let config = json!({ "rateLimit": { "requests": 2, "windowMs": 10_000, "loopback": true }, "trustedProxies": ["127.0.0.1"] });
    let gateway = TestGateway::new();
    gateway.kernel(
        "health",
        Ok(json!({
        "status": "healthy", "ready": true, "state": "running", "uptimeMs": 1, "version": "1.0.0", "plugins": {} })),
    );
    let server = start(&gateway, config);
    let mut wire = Wire::open(server.address).await;
    let reply = wire.ask("GET /echo/a", &[], "").await;
    let headers = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"].map(|name| reply.header(name));
    assert_eq!(headers, [Some("2"), Some("1"), Some("1700000005")]);
    assert_eq!(wire.ask("GET /nowhere", &[], "").await.status, 404);
    let refused = wire.ask("GET /echo/a", &[], "").await;
    assert_eq!(refused.error(), (429, "rate_limit_exceeded".to_owned()));
    assert_eq!(refused.json()["error"]["retryAfter"], 5);
    assert_eq!(
        (refused.header("retry-after"), refused.header("x-ratelimit-remaining")),
        (Some("5"), Some("0"))
    );
    // Other addresses, and those who watch over the server, are not held up.
    assert_eq!(
        wire.ask("GET /nowhere", &[("X-Forwarded-For", "203.0.113.9")], "")
            .await
            .status,
        404
    );
    assert_eq!(wire.ask("GET /health", &[], "").await.status, 200);
}

#[tokio::test]
async fn callers_on_this_machine_are_not_counted_unless_it_is_asked_for() {
    let server = start(&TestGateway::new(), json!({ "rateLimit": { "requests": 1 } }));
    let mut wire = Wire::open(server.address).await;
    for _ in 0..3 {
        let reply = wire.ask("GET /echo/a", &[], "").await;
        assert_eq!((reply.status, reply.header("x-ratelimit-limit")), (200, None));
    }
}
