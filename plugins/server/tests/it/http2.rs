//! HTTP/2 without TLS, begun by its preface.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http2::SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use objectos_plugin_api::HttpResponse;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
};

use crate::{
    client::patiently,
    gateway::{Gate, PLUGIN, TestGateway, start},
};

pub(crate) type Sender = SendRequest<Full<Bytes>>;

/// A connection, and its end.
pub(crate) async fn connect<S>(socket: S) -> (Sender, JoinHandle<hyper::Result<()>>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
        .await
        .unwrap();
    (sender, tokio::spawn(connection))
}

pub(crate) fn request(method: &str, path: &str, body: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(format!("http://localhost{path}"))
        .header("content-type", "application/json")
        .body(Full::from(body.to_owned()))
        .unwrap()
}

pub(crate) async fn ask(sender: &mut Sender, request: Request<Full<Bytes>>) -> Response<Incoming> {
    patiently(sender.send_request(request)).await.unwrap()
}

pub(crate) async fn json_of(answer: Response<Incoming>) -> Value {
    serde_json::from_slice(&patiently(answer.into_body().collect()).await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn requests_share_a_connection() {
    let (gateway, gate) = (TestGateway::new(), Gate::default());
    gateway.route(PLUGIN, "GET /gate", "authenticated", gate.handler());
    let server = start(&gateway, json!({}));
    let (mut sender, _) = connect(TcpStream::connect(server.address).await.unwrap()).await;
    let slow = tokio::spawn(sender.send_request(request("GET", "/gate", "")));
    patiently(gate.entered.notified()).await;
    let fast: Vec<_> = (0..50)
        .map(|index| tokio::spawn(sender.send_request(request("POST", &format!("/api/v1/echo/{index}"), "{}"))))
        .collect();
    for (index, answer) in fast.into_iter().enumerate() {
        let answer = patiently(answer).await.unwrap().unwrap();
        assert_eq!(answer.version(), http::Version::HTTP_2);
        assert_eq!(answer.headers().get("connection"), None);
        let seen = json_of(answer).await;
        assert_eq!(seen["name"], index.to_string());
        assert_eq!(seen["headers"][0], json!(["host", "localhost"]));
        assert_eq!(seen["body"], "{}");
    }
    gate.open.notify_one();
    assert_eq!(json_of(patiently(slow).await.unwrap().unwrap()).await, "through");
}

#[tokio::test]
async fn the_same_rules_hold() {
    let gateway = TestGateway::new();
    gateway.route(PLUGIN, "GET /big", "authenticated", |_, _| async {
        Ok(HttpResponse::json_bytes(200, vec![b'1'; 3_000_000]))
    });
    let server = start(
        &gateway,
        json!({ "limits": { "bodyBytesMax": 1000, "headBytesMax": 8192 } }),
    );
    let (mut sender, _) = connect(TcpStream::connect(server.address).await.unwrap()).await;
    let mut check = async |request: Request<Full<Bytes>>, expected: u16| {
        let answer = ask(&mut sender, request).await;
        assert_eq!(answer.status().as_u16(), expected);
        answer
    };
    check(request("GET", "/nowhere", ""), 404).await;
    check(request("DELETE", "/echo/a", ""), 405).await;
    check(request("POST", "/api/v1/echo/a", &"x".repeat(2000)), 413).await;
    let head = check(request("HEAD", "/big", ""), 200).await;
    assert_eq!(head.headers()["content-length"], "3000000");
    assert!(head.into_body().collect().await.unwrap().to_bytes().is_empty());
    let big = check(request("GET", "/big", ""), 200).await;
    assert_eq!(
        patiently(big.into_body().collect()).await.unwrap().to_bytes().len(),
        3_000_000
    );
    let mut large = request("GET", "/echo/a", "");
    large
        .headers_mut()
        .insert("x-large", HeaderValue::from_str(&"x".repeat(20_000)).unwrap());
    check(large, 431).await;
    let mut foreign = request("GET", "/echo/a", "");
    *foreign.uri_mut() = "http://evil.example/echo/a".parse().unwrap();
    check(foreign, 403).await;
}

#[tokio::test]
async fn a_stop_lets_streams_end_and_says_goodbye() {
    let (gateway, gate) = (TestGateway::new(), Gate::default());
    gateway.route(PLUGIN, "GET /gate", "authenticated", gate.handler());
    let server = start(&gateway, json!({ "limits": { "drainMs": 60_000 } }));
    let (mut busy, busy_end) = connect(TcpStream::connect(server.address).await.unwrap()).await;
    let (mut idle, idle_end) = connect(TcpStream::connect(server.address).await.unwrap()).await;
    assert_eq!(
        ask(&mut idle, request("GET", "/echo/a", "")).await.status(),
        StatusCode::OK
    );
    let slow = tokio::spawn(busy.send_request(request("GET", "/gate", "")));
    patiently(gate.entered.notified()).await;
    let talk = async {
        // The idle one is told at once, by GOAWAY; the busy one ends when its stream has.
        idle_end.await.unwrap().unwrap();
        gate.open.notify_one();
        assert_eq!(slow.await.unwrap().unwrap().status(), StatusCode::OK);
        busy_end.await.unwrap().unwrap();
    };
    patiently(async { tokio::join!(server.listening.stop(true), talk) }).await;
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let server = start(&TestGateway::new(), json!({ "limits": { "headMs": 60, "idleMs": 60 } }));
    let (mut used, used_end) = connect(TcpStream::connect(server.address).await.unwrap()).await;
    assert_eq!(
        ask(&mut used, request("GET", "/echo/a", "")).await.status(),
        StatusCode::OK
    );
    let (_unused, unused_end) = connect(TcpStream::connect(server.address).await.unwrap()).await;
    drop(patiently(used_end).await.unwrap());
    drop(patiently(unused_end).await.unwrap());
}
