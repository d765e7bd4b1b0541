//! A client that writes what it is told, byte for byte, and reads answers one by one.

use serde_json::Value;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Longer than anything takes; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// Status and code of an error, after a look at the whole document.
    pub(crate) fn error(&self) -> (u16, String) {
        let document = self.json();
        assert_eq!(document["success"], Value::Bool(false), "{document}");
        assert_eq!(document["error"]["httpStatus"], Value::from(self.status), "{document}");
        assert_eq!(document["error"]["code"], document["code"]);
        assert_eq!(document["error"]["message"], document["message"]);
        assert_eq!(document["error"]["requestId"].as_str(), self.header("x-request-id"));
        assert_eq!(self.header("content-type"), Some("application/json"));
        (self.status, document["code"].as_str().unwrap().to_owned())
    }
}

/// A connection.
pub(crate) struct Wire<S = TcpStream> {
    pub(crate) socket: S,
    buffer: Vec<u8>,
}

impl Wire {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn over(socket: S) -> Self {
        Self {
            socket,
            buffer: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes()).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        patiently(self.socket.write_all(bytes)).await.unwrap();
    }

    /// Sends a request with `Host: localhost`, and `Content-Length` when there is a body.
    pub(crate) async fn ask(&mut self, line: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.send(&request(line, headers, body)).await;
        if line.starts_with("HEAD ") {
            self.bodiless().await
        } else {
            self.reply().await
        }
    }

    /// The next answer.
    pub(crate) async fn reply(&mut self) -> Reply {
        self.read_reply(true).await.expect("an answer")
    }

    /// The next answer, to a request that gets no body.
    pub(crate) async fn bodiless(&mut self) -> Reply {
        self.read_reply(false).await.expect("an answer")
    }

    /// The next answer, or `None` when the connection ended first.
    pub(crate) async fn reply_or_end(&mut self) -> Option<Reply> {
        self.read_reply(true).await
    }

    /// Reads to the end; a reset counts as one.
    pub(crate) async fn ended(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.buffer);
        drop(patiently(self.socket.read_to_end(&mut rest)).await);
        rest
    }

    async fn read_reply(&mut self, body: bool) -> Option<Reply> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more().await {
                return None;
            }
        };
        let head = String::from_utf8(self.buffer.drain(..end).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_lowercase(), value.to_owned())
        };
        let headers: Vec<(String, String)> = lines.map(header).collect();
        let mut reply = Reply {
            status,
            headers,
            body: Vec::new(),
        };
        let length: usize = reply
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        if body {
            while self.buffer.len() < length {
                assert!(
                    self.more().await,
                    "the answer broke off after {} of {length} bytes",
                    self.buffer.len()
                );
            }
            reply.body = self.buffer.drain(..length).collect();
        }
        Some(reply)
    }

    async fn more(&mut self) -> bool {
        patiently(self.socket.read_buf(&mut self.buffer))
            .await
            .is_ok_and(|count| count > 0)
    }
}

pub(crate) async fn patiently<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("it takes far too long")
}

pub(crate) fn request(line: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{line} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        text.push_str("Host: localhost\r\n");
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    format!("{text}\r\n{body}")
}

/// One request on a connection of its own.
pub(crate) async fn ask(address: SocketAddr, line: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    Wire::open(address).await.ask(line, headers, body).await
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Reply {
    ask(address, &format!("GET {path}"), &[], "").await
}

pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");
