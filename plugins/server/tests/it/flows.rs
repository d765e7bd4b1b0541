//! Bodies that are made while they are sent: how they look on the wire, how they end and break off, and that nobody is made to
//! work faster than somebody reads.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt;
use objectos_plugin_api::{Error, Result};
use objectos_server::Flow;
use serde_json::json;
use tokio::{net::TcpStream, sync::Notify};

use crate::{
    client::{Wire, patiently, request},
    gateway::{Running, TestGateway, start},
    http2,
};

/// What comes of a look for a piece.
#[derive(Clone, Copy, Debug)]
enum Made {
    Piece(&'static [u8]),
    End,
    Failure,
    Nothing,
}

/// A body by its pieces; the last one again and again.
#[derive(Clone, Debug)]
struct Script {
    pieces: &'static [Made],
    bytes: Arc<AtomicU64>,
    dropped: Arc<Notify>,
}

#[derive(Debug)]
struct Played {
    script: Script,
    at: usize,
}

impl Flow for Played {
    fn poll_next(&mut self, _: &mut Context<'_>, limit: Duration) -> Poll<Result<Option<Bytes>>> {
        assert_eq!(limit, Duration::from_secs(20));
        let piece = self.script.pieces[self.at.min(self.script.pieces.len() - 1)];
        self.at += 1;
        match piece {
            Made::Piece(bytes) => {
                self.script.bytes.fetch_add(bytes.len() as u64, Ordering::SeqCst);
                Poll::Ready(Ok(Some(Bytes::from_static(bytes))))
            }
            Made::End => Poll::Ready(Ok(None)),
            Made::Failure => Poll::Ready(Err(Error::internal("the third wheel came off"))),
            Made::Nothing => Poll::Pending,
        }
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        self.script.dropped.notify_one();
    }
}

fn flowing(pieces: &'static [Made], write_ms: u64) -> (Running, Script) {
    let script = Script {
        pieces,
        bytes: Arc::default(),
        dropped: Arc::default(),
    };
    let (gateway, played) = (TestGateway::new(), script.clone());
    gateway.flowing("GET /flow", move || {
        Box::new(Played {
            script: played.clone(),
            at: 0,
        })
    });
    let limits = json!({ "limits": { "requestMs": 20_000, "writeMs": write_ms } });
    (start(&gateway, limits), script)
}

/// The body of chunks, and whether the last one came.
fn unchunked(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(line) = bytes.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..line]).unwrap(), 16).unwrap();
        if size == 0 {
            return (body, true);
        }
        let start = line + 2;
        body.extend_from_slice(&bytes[start..(start + size).min(bytes.len())]);
        bytes = bytes.get(start + size + 2..).unwrap_or_default();
    }
    (body, false)
}

const THREE: &[Made] = &[
    Made::Piece(b"one;"),
    Made::Piece(&[b'2'; 100_000]),
    Made::Piece(b";three"),
    Made::End,
];
const BROKEN: &[Made] = &[Made::Piece(b"one;"), Made::Piece(b"two;"), Made::Failure];
const ENDLESS: &[Made] = &[Made::Piece(&[b'x'; 60_000])];
const STUCK: &[Made] = &[Made::Piece(b"one;"), Made::Nothing];

#[tokio::test]
async fn a_body_goes_out_in_chunks_and_breaks_off_without_the_last() {
    let whole = [&b"one;"[..], &[b'2'; 100_000], b";three"].concat();
    for (pieces, expected, ends) in [(THREE, &whole[..], true), (BROKEN, &b"one;two;"[..], false)] {
        let (server, script) = flowing(pieces, 20_000);
        let mut wire = Wire::open(server.address).await;
        wire.send(&request("GET /flow", &[("Connection", "close")], "")).await;
        let answer = wire.ended().await;
        let head = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        let text = String::from_utf8(answer[..head].to_vec()).unwrap().to_lowercase();
        assert!(text.starts_with("http/1.1 200"), "{text}");
        assert!(text.contains("transfer-encoding: chunked"), "{text}");
        assert!(text.contains("content-security-policy"), "{text}");
        assert_eq!(unchunked(&answer[head..]), (expected.to_vec(), ends));
        patiently(script.dropped.notified()).await;
    }
}

#[tokio::test]
async fn a_body_that_was_sent_leaves_nothing_that_runs() {
    let (server, script) = flowing(THREE, 60_000);
    let metrics = tokio::runtime::Handle::current().metrics();
    let before = metrics.num_alive_tasks();
    for _ in 0..3 {
        let mut wire = Wire::open(server.address).await;
        wire.send(&request("GET /flow", &[("Connection", "close")], "")).await;
        assert!(wire.ended().await.starts_with(b"HTTP/1.1 200"));
        patiently(script.dropped.notified()).await;
    }
    patiently(async {
        while metrics.num_alive_tasks() > before {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_head_without_body_ends_the_body_unread() {
    let (server, script) = flowing(ENDLESS, 20_000);
    let mut wire = Wire::open(server.address).await;
    let head = wire.ask("HEAD /flow", &[], "").await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/plain")));
    patiently(script.dropped.notified()).await;
    assert_eq!(script.bytes.load(Ordering::SeqCst), 0);
    assert_eq!(wire.ask("GET /echo/a", &[], "").await.status, 200);
}

#[tokio::test]
async fn nobody_works_for_a_reader_who_does_not_read_or_is_gone() {
    // What the sockets on both sides and the server buffer.
    let most = 24 * 1024 * 1024;
    let (server, script) = flowing(ENDLESS, 200);
    let mut wire = Wire::open(server.address).await;
    wire.send(&request("GET /flow", &[], "")).await;
    patiently(script.dropped.notified()).await;
    let made = script.bytes.load(Ordering::SeqCst);
    assert!((1..most).contains(&made), "{made}");

    let (server, script) = flowing(STUCK, 20_000);
    let mut wire = Wire::open(server.address).await;
    wire.send(&request("GET /flow", &[], "")).await;
    assert_eq!(wire.reply().await.status, 200);
    drop(wire);
    patiently(script.dropped.notified()).await;
}

#[tokio::test]
async fn over_http2_a_body_that_breaks_off_costs_the_others_nothing() {
    for (pieces, ends) in [(THREE, true), (BROKEN, false)] {
        let (server, script) = flowing(pieces, 20_000);
        let socket = TcpStream::connect(server.address).await.unwrap();
        let (mut sender, _) = http2::connect(socket).await;
        let answer = http2::ask(&mut sender, http2::request("GET", "/flow", "")).await;
        let body = patiently(answer.into_body().collect()).await;
        assert_eq!(body.is_ok(), ends, "{body:?}");
        patiently(script.dropped.notified()).await;
        let other = http2::ask(&mut sender, http2::request("GET", "/echo/a", "")).await;
        assert_eq!(other.status(), 200);
    }
}

#[tokio::test]
async fn over_http2_a_body_that_nobody_takes_ends_while_the_others_go_on() {
    let (server, script) = flowing(ENDLESS, 200);
    let socket = TcpStream::connect(server.address).await.unwrap();
    let (mut sender, _) = http2::connect(socket).await;
    let answer = http2::ask(&mut sender, http2::request("GET", "/flow", "")).await;
    patiently(script.dropped.notified()).await;
    let other = http2::ask(&mut sender, http2::request("GET", "/echo/a", "")).await;
    assert_eq!(other.status(), 200);
    // What was sent before can be read, and then it breaks off.
    assert!(patiently(answer.into_body().collect()).await.is_err());
}
