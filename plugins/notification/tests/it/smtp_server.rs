//! A small SMTP server: the real protocol over a real socket, as much of it as a client of ours says. What it answers can be
//! scripted; what it was told is kept.

use base64_lite::decode;
use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// A mail that was taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) data: String,
    pub(crate) encrypted: bool,
    pub(crate) user: Option<String>,
}

#[derive(Default)]
struct Inner {
    received: Mutex<Vec<Received>>,
    /// Answers to the next `MAIL FROM`; empty: 250.
    script: Mutex<VecDeque<&'static str>>,
    attempts: Mutex<usize>,
    changed: Notify,
}

/// The server; ends with its runtime.
#[derive(Clone)]
pub(crate) struct SmtpServer {
    pub(crate) address: SocketAddr,
    /// Its certificate, PEM, when it offers TLS.
    pub(crate) certificate: Option<String>,
    inner: Arc<Inner>,
}

/// What it offers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Offers {
    pub(crate) starttls: bool,
    /// Name and password it wants.
    pub(crate) account: Option<(&'static str, &'static str)>,
}

impl SmtpServer {
    pub(crate) async fn start(offers: Offers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, offers)
    }

    pub(crate) fn on(listener: TcpListener, offers: Offers) -> Self {
        let inner = Arc::<Inner>::default();
        let address = listener.local_addr().unwrap();
        let (certificate, acceptor) = if offers.starttls {
            let (pem, acceptor) = acceptor();
            (Some(pem), Some(acceptor))
        } else {
            (None, None)
        };
        let serving = Arc::clone(&inner);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (inner, acceptor) = (Arc::clone(&serving), acceptor.clone());
                tokio::spawn(async move { connection(socket, offers, acceptor, inner).await });
            }
        });
        Self {
            address,
            certificate,
            inner,
        }
    }

    /// Answers to the next `MAIL FROM`s.
    pub(crate) fn script(&self, answers: &[&'static str]) {
        self.inner.script.lock().unwrap().extend(answers);
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.inner.received.lock().unwrap().clone()
    }

    /// How often a mail was begun.
    pub(crate) fn attempts(&self) -> usize {
        *self.inner.attempts.lock().unwrap()
    }

    /// Waits until something is as wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&Self) -> bool) {
        let waiting = async {
            loop {
                let changed = self.inner.changed.notified();
                if wanted(self) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), waiting)
            .await
            .unwrap_or_else(|_| panic!("the server waited in vain; it has {:#?}", self.received()));
    }
}

fn acceptor() -> (String, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (made.cert.pem(), TlsAcceptor::from(Arc::new(config)))
}

async fn connection(socket: TcpStream, offers: Offers, acceptor: Option<TlsAcceptor>, inner: Arc<Inner>) {
    let mut stream = BufReader::new(socket);
    let _ = stream.get_mut().write_all(b"220 test ESMTP\r\n").await;
    let upgrade = talk(&mut stream, offers, acceptor.is_some(), false, &inner).await;
    if let (true, Some(acceptor)) = (upgrade, acceptor)
        && let Ok(stream) = acceptor.accept(stream.into_inner()).await
    {
        talk(&mut BufReader::new(stream), offers, false, true, &inner).await;
    }
}

/// True when the client wants to go on with TLS.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    offers: Offers,
    starttls: bool,
    encrypted: bool,
    inner: &Inner,
) -> bool {
    let mut mail = Received {
        encrypted,
        ..Received::default()
    };
    loop {
        let Some(line) = line(stream).await else { return false };
        let upper = line.to_ascii_uppercase();
        let answer = if upper.starts_with("EHLO") {
            let mut text = "250-test\r\n".to_owned();
            if starttls {
                text.push_str("250-STARTTLS\r\n");
            }
            if offers.account.is_some() && !starttls {
                text.push_str("250-AUTH PLAIN\r\n");
            }
            text.push_str("250 8BITMIME");
            text
        } else if upper == "STARTTLS" && starttls {
            say(stream, "220 go ahead").await;
            return true;
        } else if let Some(token) = line.strip_prefix("AUTH PLAIN ") {
            let given = String::from_utf8(decode(token)).unwrap();
            let parts: Vec<&str> = given.split('\0').collect();
            match offers.account {
                Some((user, password)) if parts == ["", user, password] => {
                    mail.user = Some(user.to_owned());
                    "235 welcome".to_owned()
                }
                _ => "535 5.7.8 no such account".to_owned(),
            }
        } else if let Some(from) = line.strip_prefix("MAIL FROM:") {
            *inner.attempts.lock().unwrap() += 1;
            inner.changed.notify_waiters();
            let scripted = inner.script.lock().unwrap().pop_front();
            if offers.account.is_some() && mail.user.is_none() {
                "530 5.7.0 sign in first".to_owned()
            } else {
                mail.from = address(from);
                scripted.unwrap_or("250 ok").to_owned()
            }
        } else if let Some(to) = line.strip_prefix("RCPT TO:") {
            mail.to.push(address(to));
            "250 ok".to_owned()
        } else if upper == "DATA" {
            say(stream, "354 go on").await;
            while let Some(line) = self::line(stream).await {
                if line == "." {
                    break;
                }
                mail.data.push_str(line.strip_prefix('.').unwrap_or(&line));
                mail.data.push('\n');
            }
            inner.received.lock().unwrap().push(mail.clone());
            inner.changed.notify_waiters();
            "250 taken".to_owned()
        } else if upper == "QUIT" {
            say(stream, "221 bye").await;
            return false;
        } else if upper == "NOOP" || upper == "RSET" {
            "250 ok".to_owned()
        } else {
            "502 what?".to_owned()
        };
        say(stream, &answer).await;
    }
}

fn address(text: &str) -> String {
    let text = text.trim().trim_start_matches('<');
    text.split('>').next().unwrap_or_default().to_owned()
}

async fn line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = String::new();
    match stream.read_line(&mut line).await {
        Ok(count) if count > 0 => Some(line.trim_end_matches(['\r', '\n']).to_owned()),
        _ => None,
    }
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, text: &str) {
    // A client that went away learns nothing.
    let _ = stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).await;
    let _ = stream.get_mut().flush().await;
}

/// Base64 as `AUTH PLAIN` has it.
mod base64_lite {
    pub(super) fn decode(text: &str) -> Vec<u8> {
        let (mut out, mut bits, mut count) = (Vec::new(), 0_u32, 0);
        for byte in text.bytes().filter(|&byte| byte != b'=') {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                _ => 63,
            };
            bits = (bits << 6) | u32::from(value);
            count += 6;
            if count >= 8 {
                count -= 8;
                out.push(u8::try_from((bits >> count) & 0xff).unwrap());
            }
        }
        out
    }
}
