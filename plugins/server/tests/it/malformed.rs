//! Bytes that are no HTTP: answered 400 where that can be, and never a reason to stop.

use serde_json::json;

use crate::{
    client::{Wire, get},
    gateway::{TestGateway, start},
};

#[tokio::test]
async fn what_is_no_request_is_refused_and_the_server_goes_on() {
    let server = start(&TestGateway::new(), json!({ "limits": { "headMs": 500 } }));
    let check = async |sent: &[u8], expected: &[u8]| {
        let mut wire = Wire::open(server.address).await;
        wire.send_bytes(sent).await;
        let answer = wire.ended().await;
        assert!(
            answer.starts_with(expected),
            "{:?}: {:?}",
            String::from_utf8_lossy(sent),
            String::from_utf8_lossy(&answer)
        );
    };
    check(b"GARBAGE\r\n\r\n", b"HTTP/1.1 400").await;
    check(b"GET\r\n\r\n", b"HTTP/1.1 400").await;
    check(b"GET /echo/a HTTP/9.9\r\n\r\n", b"HTTP/1.1 400").await;
    check(b"GET /echo/a HTTP/1.1\r\nbad header\r\n\r\n", b"HTTP/1.1 400").await;
    check(b"GET /echo/a HTTP/1.1\r\nContent-Length: abc\r\n\r\n", b"HTTP/1.1 400").await;
    check(
        b"GET /echo/a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 400",
    )
    .await;
    check(
        b"POST /echo/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 400",
    )
    .await;
    check(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"HTTP/1.1 400").await;
    check(&[0; 64], b"HTTP/1.1 400").await;
    check(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n\r\n", b"").await;
    check(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\ngarbage that is no frame at all", b"").await;
    check(b"POST /api/v1/echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"HTTP/1.1 400").await;
    check(
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 400",
    )
    .await;
    assert_eq!(get(server.address, "/echo/a").await.status, 200);
}

#[tokio::test]
async fn a_body_cannot_smuggle_a_request() {
    let server = start(&TestGateway::new(), json!({}));
    let mut wire = Wire::open(server.address).await;
    wire.send("POST /echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /echo/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let answer = String::from_utf8(wire.ended().await).unwrap();
    // Either refused, or read as chunked and the connection closed behind it; never two readings of one body.
    assert!(
        answer.starts_with("HTTP/1.1 400") || !answer.contains("smuggled"),
        "{answer}"
    );
}

#[tokio::test]
async fn absolute_addresses_and_old_versions_are_served() {
    let server = start(&TestGateway::new(), json!({}));
    let mut wire = Wire::open(server.address).await;
    wire.send("GET http://localhost/echo/abs HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    assert_eq!(wire.reply().await.json()["name"], "abs");
    wire.send("GET /echo/old HTTP/1.0\r\n\r\n").await;
    assert_eq!(wire.reply().await.json()["name"], "old");
    assert_eq!(wire.ended().await, b"");
}
