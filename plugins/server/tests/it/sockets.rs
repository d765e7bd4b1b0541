//! WebSockets: what a client sees of them, and what the plugin behind them hears.

use futures_util::{SinkExt, StreamExt};
use objectos_plugin_api::{Error, HttpResponse, Result, SERVICE_RESTART, SocketMessage, SocketPush};
use objectos_server::Line;
use serde_json::json;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{
        Notify,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Error as FrameError, Message,
        client::IntoClientRequest,
        handshake::client::Response,
        protocol::{
            CloseFrame,
            frame::{
                Frame,
                coding::{CloseCode, Data, OpCode},
            },
        },
    },
};

use crate::{
    client::{Reply, Wire, get, patiently},
    gateway::{PLUGIN, Running, TestGateway, start},
};

type Outgoing = Result<Option<SocketMessage>>;

/// What happens on the plugin's side.
enum Heard {
    /// A new socket, and the way out of it.
    Opened(UnboundedSender<Outgoing>),
    Message(SocketMessage),
    Dropped,
}

/// The plugin's end of a socket: answers what it hears with the same, but for `wait`, which is heard when the test says so, and
/// `fail`.
struct Echo {
    out: UnboundedSender<Outgoing>,
    outgoing: UnboundedReceiver<Outgoing>,
    heard: UnboundedSender<Heard>,
    gate: Arc<Notify>,
}

impl std::fmt::Debug for Echo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Echo")
    }
}

impl Line for Echo {
    fn poll_next(&mut self, task: &mut Context<'_>) -> Poll<Outgoing> {
        self.outgoing
            .poll_recv(task)
            .map(|message| message.expect("this end of the channel is here as well"))
    }

    fn push(&mut self, message: &SocketMessage) -> SocketPush {
        let (message, out, heard) = (message.clone(), self.out.clone(), self.heard.clone());
        let gate = Arc::clone(&self.gate);
        Box::pin(async move {
            match &message {
                SocketMessage::Text(text) if text == "fail" => return Err(Error::invalid("told to fail")),
                SocketMessage::Text(text) if text == "wait" => gate.notified().await,
                _ => {}
            }
            drop(heard.send(Heard::Message(message.clone())));
            if !matches!(message, SocketMessage::Close { .. }) {
                drop(out.send(Ok(Some(message))));
            }
            Ok(())
        })
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        drop(self.heard.send(Heard::Dropped));
    }
}

/// What the plugin hears, and what it may be told.
pub(crate) struct Ear {
    heard: UnboundedReceiver<Heard>,
    gate: Arc<Notify>,
    /// Calls of the route.
    calls: Arc<AtomicU32>,
}

impl Ear {
    async fn next(&mut self) -> Heard {
        patiently(self.heard.recv()).await.expect("the gateway is there")
    }

    async fn opened(&mut self) -> UnboundedSender<Outgoing> {
        match self.next().await {
            Heard::Opened(out) => out,
            Heard::Message(message) => panic!("{message:?} instead of a new socket"),
            Heard::Dropped => panic!("an end instead of a new socket"),
        }
    }

    async fn message(&mut self) -> SocketMessage {
        match self.next().await {
            Heard::Message(message) => message,
            Heard::Opened(_) => panic!("another socket instead of a message"),
            Heard::Dropped => panic!("an end instead of a message"),
        }
    }

    /// The last message, and the end behind it.
    async fn closed(&mut self, expected: u16) {
        match self.message().await {
            SocketMessage::Close { code, .. } => assert_eq!(code, expected),
            other => panic!("{other:?} instead of a last message"),
        }
        self.dropped().await;
    }

    async fn dropped(&mut self) {
        assert!(matches!(self.next().await, Heard::Dropped));
    }
}

/// A gateway whose `GET /socket` goes on as a socket that echoes.
pub(crate) fn gateway() -> (TestGateway, Ear) {
    let gateway = TestGateway::new();
    let (sender, heard) = unbounded_channel();
    let (gate, calls) = (Arc::new(Notify::new()), Arc::new(AtomicU32::new(0)));
    let counted = Arc::clone(&calls);
    gateway.route(PLUGIN, "GET /socket", "authenticated", move |_, request| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            if request.header("upgrade") != Some("websocket") {
                return Ok(HttpResponse::empty(426).with_header("upgrade", "websocket"));
            }
            let head = HttpResponse::empty(101).with_header("x-plugin", "yes");
            Ok(match request.header("sec-websocket-protocol") {
                Some(_) => head.with_header("sec-websocket-protocol", "chat"),
                None => head,
            })
        }
    });
    let opened = Arc::clone(&gate);
    gateway.socketing(move || {
        let (out, outgoing) = unbounded_channel();
        drop(sender.send(Heard::Opened(out.clone())));
        Box::new(Echo {
            out,
            outgoing,
            heard: sender.clone(),
            gate: Arc::clone(&opened),
        })
    });
    (gateway, Ear { heard, gate, calls })
}

fn scene(config: serde_json::Value) -> (Running, Ear) {
    let (gateway, ear) = gateway();
    (start(&gateway, config), ear)
}

pub(crate) async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    request: impl IntoClientRequest + Unpin,
    socket: S,
) -> Result<(WebSocketStream<S>, Response), FrameError> {
    patiently(client_async(request, socket)).await
}

async fn connect(address: SocketAddr) -> WebSocketStream<TcpStream> {
    let socket = TcpStream::connect(address).await.unwrap();
    shake_hands("ws://localhost/socket", socket).await.unwrap().0
}

/// Status of the answer to a handshake with a header more; 101 is one that is good.
async fn status_with(address: SocketAddr, name: &'static str, value: &str) -> u16 {
    let mut request = "ws://localhost/socket".into_client_request().unwrap();
    request.headers_mut().insert(name, value.parse().unwrap());
    let socket = TcpStream::connect(address).await.unwrap();
    match shake_hands(request, socket).await {
        Ok((_, answer)) => answer.status().as_u16(),
        Err(FrameError::Http(answer)) => answer.status().as_u16(),
        Err(error) => panic!("{error}"),
    }
}

pub(crate) async fn echoes<S: AsyncRead + AsyncWrite + Unpin>(client: &mut WebSocketStream<S>, text: &str) {
    patiently(client.send(Message::text(text))).await.unwrap();
    loop {
        match patiently(client.next()).await.unwrap().unwrap() {
            Message::Ping(_) => {}
            message => return assert_eq!(message, Message::text(text)),
        }
    }
}

/// Reads up to the close frame, and to the end behind it; answers its code.
async fn closed_with(client: &mut WebSocketStream<TcpStream>) -> Option<u16> {
    let code = loop {
        match patiently(client.next()).await {
            Some(Ok(Message::Close(frame))) => break frame.map(|frame| u16::from(frame.code)),
            Some(Ok(_)) => {}
            other => panic!("{other:?} instead of a close frame"),
        }
    };
    while let Some(Ok(_)) = patiently(client.next()).await {}
    code
}

async fn none_left(server: &Running) {
    patiently(async {
        while server.listening.sockets() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

const HANDSHAKE: [(&str, &str); 4] = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// The answer to a handshake with one header instead of another; without it when it is empty.
async fn changed(address: SocketAddr, name: &str, value: &str) -> Reply {
    let mut headers: Vec<(&str, &str)> = HANDSHAKE.into_iter().filter(|(known, _)| *known != name).collect();
    if !value.is_empty() {
        headers.push((name, value));
    }
    Wire::open(address).await.ask("GET /socket", &headers, "").await
}

#[tokio::test]
async fn text_and_bytes_go_both_ways() {
    let (server, mut ear) = scene(json!({}));
    let socket = TcpStream::connect(server.address).await.unwrap();
    let mut request = "ws://localhost/socket".into_client_request().unwrap();
    request
        .headers_mut()
        .insert("sec-websocket-protocol", "other, chat".parse().unwrap());
    let (mut client, answer) = shake_hands(request, socket).await.unwrap();
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
    assert_eq!(header("sec-websocket-protocol"), Some("chat"));
    assert_eq!(header("x-plugin"), Some("yes"));
    assert_eq!(header("upgrade"), Some("websocket"));
    assert!(header("x-request-id").is_some());
    assert_eq!(server.listening.sockets(), 1);
    drop(ear.opened().await);
    // As large as may be, empty, and between.
    for message in [
        Message::text("x".repeat(65_536)),
        Message::text("grüße"),
        Message::text(""),
        Message::binary(vec![0, 159, 146, 150]),
        Message::binary(Vec::new()),
    ] {
        patiently(client.send(message.clone())).await.unwrap();
        assert_eq!(patiently(client.next()).await.unwrap().unwrap(), message);
        drop(ear.message().await);
    }
}

#[tokio::test]
async fn messages_are_heard_one_at_a_time() {
    let (server, mut ear) = scene(json!({}));
    let mut client = connect(server.address).await;
    drop(ear.opened().await);
    for text in ["wait", "after"] {
        patiently(client.send(Message::text(text))).await.unwrap();
    }
    // The second would be heard at once.
    ear.gate.notify_one();
    for text in ["wait", "after"] {
        assert_eq!(ear.message().await, SocketMessage::Text(text.to_owned()));
    }
    let mut texts = Vec::new();
    while texts.len() < 2 {
        if let Message::Text(text) = patiently(client.next()).await.unwrap().unwrap() {
            texts.push(text.as_str().to_owned());
        }
    }
    assert_eq!(texts, ["wait", "after"]);
}

#[tokio::test]
async fn the_client_is_told_how_it_ended_and_so_is_the_plugin() {
    let (server, mut ear) = scene(json!({}));
    let own = SocketMessage::Close {
        code: 4001,
        reason: "enough".to_owned(),
    };
    for (told, code) in [
        (Ok(Some(own)), 4001),
        (Ok(None), 1000),
        (Err(Error::internal("the third wheel came off")), 1011),
    ] {
        let mut client = connect(server.address).await;
        ear.opened().await.send(told).unwrap();
        assert_eq!(closed_with(&mut client).await, Some(code));
        ear.closed(code).await;
    }

    let mut client = connect(server.address).await;
    drop(ear.opened().await);
    patiently(client.send(Message::text("fail"))).await.unwrap();
    assert_eq!(closed_with(&mut client).await, Some(1011));
    ear.closed(1011).await;

    // A plugin that goes away hears nothing more.
    let mut client = connect(server.address).await;
    let gone = Error::unavailable("the socket broke off").with_code(SERVICE_RESTART);
    ear.opened().await.send(Err(gone)).unwrap();
    assert_eq!(closed_with(&mut client).await, Some(1012));
    ear.dropped().await;
    none_left(&server).await;
}

#[tokio::test]
async fn the_plugin_is_told_how_the_client_left() {
    let (server, mut ear) = scene(json!({}));
    let given = CloseFrame {
        code: CloseCode::from(4002),
        reason: "bye".into(),
    };
    for (frame, told, answered) in [(Some(given), 4002, Some(4002)), (None, 1005, None)] {
        let mut client = connect(server.address).await;
        drop(ear.opened().await);
        patiently(client.close(frame)).await.unwrap();
        assert_eq!(closed_with(&mut client).await, answered);
        ear.closed(told).await;
    }
    let client = connect(server.address).await;
    drop(ear.opened().await);
    drop(client);
    ear.closed(1006).await;
    none_left(&server).await;
}

#[tokio::test]
async fn what_is_too_large_or_no_text_ends_it() {
    let (server, mut ear) = scene(json!({ "sockets": { "messageBytesMax": 1000 } }));
    let no_text = Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true);
    for (message, code) in [
        (Message::text("x".repeat(1001)), 1009),
        (Message::binary(vec![0; 1_000_000]), 1009),
        (Message::Frame(no_text), 1007),
    ] {
        let mut client = connect(server.address).await;
        drop(ear.opened().await);
        // The server may close before it took all of it.
        drop(patiently(client.send(message)).await);
        assert_eq!(closed_with(&mut client).await, Some(code));
        ear.closed(code).await;
    }
}

#[tokio::test]
async fn a_client_that_answers_pings_stays() {
    let (server, mut ear) = scene(json!({ "sockets": { "heartbeatMs": 1_000 } }));
    let mut client = connect(server.address).await;
    drop(ear.opened().await);
    for _ in 0..4 {
        // The client's library answers by itself when it reads on.
        assert!(matches!(
            patiently(client.next()).await.unwrap().unwrap(),
            Message::Ping(_)
        ));
    }
    echoes(&mut client, "still here").await;
}

#[tokio::test]
async fn a_client_that_does_not_is_given_up() {
    let (server, mut ear) = scene(json!({ "sockets": { "heartbeatMs": 50 } }));
    let mut wire = Wire::open(server.address).await;
    assert_eq!(wire.ask("GET /socket", &HANDSHAKE, "").await.status, 101);
    drop(ear.opened().await);
    let frames = wire.ended().await;
    // One ping, then 1001.
    assert_eq!(frames[..3], [0x89, 0, 0x88], "{frames:?}");
    assert_eq!(frames[4..6], 1001_u16.to_be_bytes(), "{frames:?}");
    ear.closed(1006).await;
    drop(wire);
    none_left(&server).await;
}

#[tokio::test]
async fn a_stop_closes_what_is_open() {
    for successor in [false, true] {
        let (server, mut ear) = scene(json!({ "limits": { "drainMs": 60_000 } }));
        let mut client = connect(server.address).await;
        drop(ear.opened().await);
        let talk = async {
            assert_eq!(closed_with(&mut client).await, Some(1012));
            ear.closed(1012).await;
        };
        patiently(async { tokio::join!(server.listening.stop(successor), talk) }).await;
        assert_eq!((server.listening.sockets(), server.listening.tasks()), (0, 0));
    }
}

#[tokio::test]
async fn a_socket_more_than_may_be_is_refused_before_its_route_is_called() {
    for limit in ["connectionsMax", "connectionsPerAddressMax"] {
        let (server, ear) = scene(json!({ "sockets": { limit: 1 } }));
        let first = connect(server.address).await;
        assert_eq!(status_with(server.address, "x-more", "1").await, 429, "{limit}");
        assert_eq!(ear.calls.load(Ordering::SeqCst), 1, "{limit}");
        // What is no socket has its own limits.
        assert_eq!(get(server.address, "/echo/a").await.status, 200);
        drop(first);
        none_left(&server).await;
        assert_eq!(status_with(server.address, "x-more", "1").await, 101, "{limit}");
    }
}

#[tokio::test]
async fn bad_handshakes_say_where_they_are_bad() {
    let (server, ear) = scene(json!({}));
    for (name, value, place) in [
        ("Connection", "keep-alive", "`Connection`"),
        ("Sec-WebSocket-Version", "8", "`Sec-WebSocket-Version`"),
        ("Sec-WebSocket-Key", "", "`Sec-WebSocket-Key`"),
        ("Sec-WebSocket-Key", "c2hvcnQ=", "`Sec-WebSocket-Key`"),
    ] {
        let answer = changed(server.address, name, value).await;
        assert_eq!(answer.error(), (400, "invalid_format".to_owned()), "{name}: {value}");
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(place), "{message}");
    }
    let old = changed(server.address, "Sec-WebSocket-Version", "8").await;
    assert_eq!(old.header("sec-websocket-version"), Some("13"));
    assert_eq!(ear.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_request_that_asks_for_none_gets_what_the_route_answers() {
    let (server, _ear) = scene(json!({}));
    let plain = get(server.address, "/socket").await;
    assert_eq!((plain.status, plain.header("upgrade")), (426, Some("websocket")));
    // Another protocol is nobody's wish here, and is not passed on.
    let other = changed(server.address, "Upgrade", "h2c").await;
    assert_eq!(other.status, 426);
    // A handshake for a route that answers no socket is a request like any other.
    let mut wire = Wire::open(server.address).await;
    let answer = wire.ask("GET /echo/a", &HANDSHAKE, "").await;
    assert_eq!(answer.status, 200);
    let headers = answer.json()["headers"].clone();
    assert!(
        headers.as_array().unwrap().contains(&json!(["upgrade", "websocket"])),
        "{headers}"
    );
    assert_eq!(wire.ask("GET /echo/b", &[], "").await.status, 200);
    assert_eq!(server.listening.sockets(), 0);
}

#[tokio::test]
async fn pages_of_other_origins_open_none() {
    let config = json!({ "cors": { "origins": ["https://app.example.com"] } });
    let (server, ear) = scene(config);
    for origin in ["https://evil.example", "null", "http://localhost:3001"] {
        assert_eq!(status_with(server.address, "origin", origin).await, 403, "{origin}");
    }
    assert_eq!(ear.calls.load(Ordering::SeqCst), 0);
    for origin in ["http://localhost", "https://app.example.com"] {
        assert_eq!(status_with(server.address, "origin", origin).await, 101, "{origin}");
    }
}
