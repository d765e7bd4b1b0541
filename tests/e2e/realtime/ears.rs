//! A real WebSocket client that blocks, and one of server-sent events: what they hear, in order, until they hear that it ended.

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio_tungstenite::tungstenite::{
    Error, HandshakeError, Message, WebSocket,
    client::{IntoClientRequest, client},
    http::{HeaderName, HeaderValue},
};

/// How long is waited for a message that must come.
const LIMIT: Duration = Duration::from_secs(60);

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// A UUID that nobody had before.
pub(super) fn id() -> String {
    format!(
        "00000000-0000-4000-8000-{:012x}",
        NUMBER.fetch_add(1, Ordering::Relaxed)
    )
}

/// What was heard.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Heard {
    Message(Value),
    Closed(u16, String),
}

/// An open WebSocket.
pub(super) struct Ears {
    socket: WebSocket<TcpStream>,
    /// The protocol that was answered.
    pub(super) protocol: Option<String>,
}

impl Ears {
    /// Opens a WebSocket at a path with its query.
    pub(super) fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        match Self::try_open(address, path, headers) {
            Ok(ears) => ears,
            Err(status) => panic!("{path}: no WebSocket but {status}"),
        }
    }

    /// The same; fails with the status of an answer that is no WebSocket.
    pub(super) fn try_open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(LIMIT)).expect("a time limit");
        let mut request = format!("ws://{address}{path}")
            .into_client_request()
            .expect("a request");
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name of a header");
            let value = HeaderValue::from_str(value).expect("a value of a header");
            request.headers_mut().insert(name, value);
        }
        let (socket, response) = match client(request, stream) {
            Ok(opened) => opened,
            Err(HandshakeError::Failure(Error::Http(answer))) => return Err(answer.status().as_u16()),
            Err(error) => panic!("{path}: no WebSocket: {error}"),
        };
        let protocol = response.headers().get("sec-websocket-protocol");
        Ok(Self {
            protocol: protocol.map(|protocol| protocol.to_str().expect("a protocol").to_owned()),
            socket,
        })
    }

    /// Of somebody with a session.
    pub(super) fn of(address: SocketAddr, token: &str) -> Self {
        let bearer = format!("Bearer {token}");
        Self::open(address, "/ws", &[("authorization", bearer.as_str())])
    }

    pub(super) fn say_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).expect("a message goes out");
    }

    pub(super) fn say_bytes(&mut self, bytes: &[u8]) {
        self.socket
            .send(Message::binary(bytes.to_vec()))
            .expect("a message goes out");
    }

    /// Says something, under an id that is answered.
    pub(super) fn say(&mut self, kind: &str, mut more: Value) -> String {
        let id = id();
        more["messageId"] = json!(id);
        more["type"] = json!(kind);
        more["timestamp"] = json!("2025-01-31T08:00:00.000Z");
        self.say_text(&more.to_string());
        id
    }

    /// The next thing that is heard.
    pub(super) fn next(&mut self) -> Heard {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    return Heard::Message(serde_json::from_str(text.as_str()).expect("a message is JSON"));
                }
                Ok(Message::Close(Some(frame))) => return Heard::Closed(frame.code.into(), frame.reason.to_string()),
                Ok(Message::Close(None)) => return Heard::Closed(1005, String::new()),
                Ok(_) => {}
                Err(Error::ConnectionClosed) => return Heard::Closed(1006, "closed".to_owned()),
                Err(error) => panic!("nothing is heard: {error}"),
            }
        }
    }

    /// The next message, which must be one.
    pub(super) fn message(&mut self) -> Value {
        match self.next() {
            Heard::Message(message) => message,
            Heard::Closed(code, reason) => panic!("closed instead: {code} {reason}"),
        }
    }

    /// The next message, which must be of a type.
    pub(super) fn expect(&mut self, kind: &str) -> Value {
        let message = self.message();
        assert_eq!(message["type"], kind, "{message:#}");
        message
    }

    /// Subscribes, and answers the id once that is acknowledged.
    pub(super) fn subscribe(&mut self, mut wish: Value) -> String {
        let subscription = id();
        wish["subscriptionId"] = json!(subscription);
        let asked = self.say("subscribe", json!({"subscription": wish}));
        let ack = self.expect("ack");
        assert_eq!(
            (&ack["ackMessageId"], &ack["success"]),
            (&json!(asked), &json!(true)),
            "{ack:#}"
        );
        subscription
    }

    /// What it hears until a ping is answered: whatever it said before was taken then.
    pub(super) fn until_pong(&mut self) -> Vec<Value> {
        let asked = self.say("ping", json!({}));
        let mut before = Vec::new();
        loop {
            let message = self.message();
            if message["pingMessageId"] == json!(asked) {
                return before;
            }
            before.push(message);
        }
    }

    /// Nothing was said to it.
    pub(super) fn hears_nothing(&mut self) {
        let heard = self.until_pong();
        assert!(heard.is_empty(), "{heard:#?}");
    }

    /// Hears until it is closed; answers what it heard before, and how it was closed.
    pub(super) fn until_closed(&mut self) -> (Vec<Value>, u16, String) {
        let mut before = Vec::new();
        loop {
            match self.next() {
                Heard::Message(message) => before.push(message),
                Heard::Closed(code, reason) => return (before, code, reason),
            }
        }
    }
}

/// A stream of server-sent events.
pub(super) struct Stream(BufReader<TcpStream>);

impl Stream {
    pub(super) fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(LIMIT)).expect("a time limit");
        let mut head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).expect("a request goes out");
        let mut reader = BufReader::new(stream);
        let mut status = String::new();
        reader.read_line(&mut status).expect("a status");
        assert!(status.contains(" 200 "), "{path}: {status}");
        Self(reader)
    }

    /// The next event: its id and what it says. Lengths of chunks and comments are read past.
    pub(super) fn next(&mut self) -> (String, Value) {
        let mut id = String::new();
        loop {
            let mut line = String::new();
            let read = self.0.read_line(&mut line).expect("a line");
            assert!(read > 0, "the stream ended");
            if let Some(found) = line.strip_prefix("id: ") {
                found.trim().clone_into(&mut id);
            } else if let Some(data) = line.strip_prefix("data: ") {
                return (id, serde_json::from_str(data).expect("an event is JSON"));
            }
        }
    }
}
