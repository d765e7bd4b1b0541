//! The service `http-client`, against servers that say byte for byte what the test wants.

use objectos_plugin_api::{
    Context, ErrorKind, Result as ApiResult,
    contracts::{
        grants::{GrantAnswer, GrantQuestion, Grants},
        http_client::{HttpClient, IncomingAnswer, OutgoingRequest},
    },
    private::abi_stable::std_types::RStr,
};
use objectos_server::{Outgoing, OutgoingConfig, acceptor};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket},
    sync::oneshot,
    task::JoinHandle,
};

use crate::{
    client::patiently,
    gateway::{TestGateway, start, start_tls},
    tls::{certificate, certificate_for},
};

/// What the operator grants and denies, each as `plugin subject`; `*` grants everything.
#[derive(Clone, Copy, Debug)]
struct Rules {
    allow: &'static [&'static str],
    deny: &'static [&'static str],
}

const EVERYTHING: Rules = Rules {
    allow: &["*"],
    deny: &[],
};

impl Grants for Rules {
    async fn check(&self, _: Context, question: GrantQuestion) -> ApiResult<GrantAnswer> {
        assert_eq!(question.capability, "network:connect");
        let named = format!("{} {}", question.plugin, question.subject);
        let denied = self.deny.contains(&named.as_str());
        let allowed = self.allow.iter().any(|rule| *rule == "*" || *rule == named);
        Ok(GrantAnswer {
            granted: allowed && !denied,
            denied_by: denied.then(|| named.clone()),
            reason: "for a reason".to_owned(),
            remedy: "write a line".to_owned(),
        })
    }
}

fn outgoing(config: Value, development: bool) -> Outgoing<Rules> {
    let config: OutgoingConfig = serde_json::from_value(config).unwrap();
    Outgoing::new(&config, development, EVERYTHING).unwrap()
}

/// A context as the kernel stamps it when this plugin calls.
fn from(plugin: &str) -> Context {
    let context = Context::background();
    let mut raw = context.raw();
    raw.caller = RStr::from_str(plugin);
    Context::from_raw(&raw)
}

fn request(url: impl Into<String>) -> OutgoingRequest {
    OutgoingRequest {
        method: "GET".to_owned(),
        url: url.into(),
        ..OutgoingRequest::default()
    }
}

async fn send(outgoing: &Outgoing<Rules>, request: OutgoingRequest) -> Result<IncomingAnswer, (ErrorKind, String)> {
    let answer = patiently(outgoing.send(Context::background(), request)).await;
    answer.map_err(|error| (error.kind(), error.message().to_owned()))
}

/// A server for one request: says `answer`, closes, and hands over what it was sent.
async fn scripted(answer: Vec<u8>) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        while !heard.windows(4).any(|window| window == b"\r\n\r\n") {
            assert!(socket.read_buf(&mut heard).await.unwrap() > 0);
        }
        drop(socket.write_all(&answer).await);
        drop(socket.shutdown().await);
        drop(socket.read_to_end(&mut heard).await);
        String::from_utf8(heard).unwrap()
    });
    (address, task)
}

#[tokio::test]
async fn a_request_is_sent_and_any_status_is_an_answer() {
    let server = start(&TestGateway::new(), json!({}));
    let outgoing = outgoing(json!({}), true);
    let sent = OutgoingRequest {
        method: "POST".to_owned(),
        headers: vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("X-Signature".to_owned(), "abc".to_owned()),
            ("Host".to_owned(), "evil.example".to_owned()),
            ("Content-Length".to_owned(), "9999".to_owned()),
            ("Transfer-Encoding".to_owned(), "chunked".to_owned()),
        ],
        body: r#"{"event":"\u00fc"}"#.to_owned(),
        ..request(format!("http://localhost:{}/api/v1/echo/a?x=1", server.address.port()))
    };
    let answer = send(&outgoing, sent).await.unwrap();
    let seen: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .headers
            .iter()
            .any(|(name, value)| name == "content-type" && value == "application/json")
    );
    assert_eq!(
        (&seen["body"], &seen["query"]),
        (&json!(r#"{"event":"\u00fc"}"#), &json!("x=1"))
    );
    let header = |name: &str| {
        let found = seen["headers"].as_array().unwrap().iter().find(|pair| pair[0] == name);
        found.map(|pair| pair[1].as_str().unwrap().to_owned())
    };
    assert_eq!(header("host"), Some(format!("localhost:{}", server.address.port())));
    assert_eq!(header("x-signature").as_deref(), Some("abc"));
    let missing = send(&outgoing, request(format!("http://{}/nowhere", server.address)))
        .await
        .unwrap();
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn redirects_are_answers() {
    let (address, heard) =
        scripted(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n".to_vec())
            .await;
    let answer = send(&outgoing(json!({}), true), request(format!("http://{address}/a")))
        .await
        .unwrap();
    assert_eq!(answer.status, 302);
    assert!(
        answer
            .headers
            .contains(&("location".to_owned(), "http://169.254.169.254/".to_owned()))
    );
    assert!(heard.await.unwrap().starts_with("GET /a HTTP/1.1\r\n"));
}

#[tokio::test]
async fn answers_are_read_in_whatever_form_up_to_their_limit() {
    let check = async |answer: &[u8], limit: u64, expected: Result<&str, ErrorKind>| {
        let (address, _) = scripted(answer.to_vec()).await;
        let sent = OutgoingRequest {
            answer_bytes_max: limit,
            ..request(format!("http://{address}/"))
        };
        let answer = send(&outgoing(json!({}), true), sent).await;
        let body = answer
            .as_ref()
            .map(|answer| answer.body.as_str())
            .map_err(|(kind, _)| *kind);
        assert_eq!(body, expected);
    };
    check(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0, Ok("hello")).await;
    check(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 5, Ok("hello")).await;
    check(
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        4,
        Err(ErrorKind::External),
    )
    .await;
    check(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        0,
        Ok("hello"),
    )
    .await;
    check(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        4,
        Err(ErrorKind::External),
    )
    .await;
    check(b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 0, Ok("until the end")).await;
    check(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe",
        0,
        Ok("\u{fffd}\u{fffd}"),
    )
    .await;
    check(
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nbroken off",
        0,
        Err(ErrorKind::External),
    )
    .await;
    check(b"garbage\r\n\r\n", 0, Err(ErrorKind::External)).await;
    check(b"", 0, Err(ErrorKind::External)).await;
    let mut large = b"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n".to_vec();
    large.resize(large.len() + 1_048_577, b'x');
    check(&large, 0, Err(ErrorKind::External)).await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let outgoing = outgoing(json!({}), true);
    let sent = OutgoingRequest {
        timeout_ms: 50,
        ..request(format!("http://{address}/"))
    };
    let (kind, message) = send(&outgoing, sent).await.unwrap_err();
    assert_eq!((kind, message.as_str()), (ErrorKind::Timeout, "no answer within 50 ms"));
    // The caller's own limit counts when it is shorter.
    let context = Context::background().with_limit(Duration::from_millis(50));
    let error = patiently(outgoing.send(context, request(format!("http://{address}/"))))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_call_that_is_dropped_ends_its_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (arrived, arrival) = oneshot::channel();
    let peer = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut heard = vec![0; 16];
        socket.read_exact(&mut heard).await.unwrap();
        arrived.send(()).unwrap();
        socket.read_to_end(&mut heard).await
    });
    let call = tokio::spawn(async move {
        outgoing(json!({}), true)
            .send(Context::background(), request(format!("http://{address}/")))
            .await
    });
    patiently(arrival).await.unwrap();
    call.abort();
    drop(patiently(peer).await.unwrap());
}

#[tokio::test]
async fn hosts_and_addresses_that_are_not_allowed_are_never_reached() {
    let server = start(&TestGateway::new(), json!({}));
    let port = server.address.port();
    let check = async |config: Value, development: bool, url: String, expected: Result<u16, ErrorKind>| {
        let answer = send(&outgoing(config.clone(), development), request(url.clone())).await;
        let outcome = answer.map(|answer| answer.status).map_err(|(kind, _)| kind);
        assert_eq!(outcome, expected, "{config} {development} {url}");
    };
    let local = |host: &str| format!("http://{host}:{port}/echo/a");
    check(json!({}), true, local("127.0.0.1"), Ok(200)).await;
    check(json!({}), false, local("127.0.0.1"), Err(ErrorKind::Denied)).await;
    check(json!({}), false, local("localhost"), Err(ErrorKind::Denied)).await;
    check(json!({}), false, local("2130706433"), Err(ErrorKind::Denied)).await;
    check(json!({}), false, local("0x7f.1"), Err(ErrorKind::Denied)).await;
    check(json!({}), false, local("[::ffff:127.0.0.1]"), Err(ErrorKind::Denied)).await;
    check(
        json!({}),
        true,
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        Err(ErrorKind::Denied),
    )
    .await;
    check(json!({}), true, "http://10.0.0.1/".to_owned(), Err(ErrorKind::Denied)).await;
    check(json!({ "privateAddresses": true }), false, local("127.0.0.1"), Ok(200)).await;
    check(
        json!({ "allow": ["api.example.com"] }),
        true,
        local("127.0.0.1"),
        Err(ErrorKind::Denied),
    )
    .await;
    check(json!({ "allow": ["127.0.0.1"] }), true, local("127.0.0.1"), Ok(200)).await;
    check(
        json!({ "allow": ["127.0.0.1:1"] }),
        true,
        local("127.0.0.1"),
        Err(ErrorKind::Denied),
    )
    .await;
    check(json!({ "allow": [] }), true, local("127.0.0.1"), Err(ErrorKind::Denied)).await;
}

#[tokio::test]
async fn who_asks_and_who_sends_hold_the_grant_for_the_host() {
    let server = start(&TestGateway::new(), json!({}));
    let port = server.address.port();
    let named = |rules: &[&str]| -> &'static [&'static str] {
        let filled = rules
            .iter()
            .map(|rule| &*rule.replace("PORT", &port.to_string()).leak());
        filled.collect::<Vec<&'static str>>().leak()
    };
    let check = async |caller: &str, host: &str, allow: &[&str], deny: &[&str], expected: Result<u16, &str>| {
        let rules = Rules {
            allow: named(allow),
            deny: named(deny),
        };
        let outgoing = Outgoing::new(&OutgoingConfig::default(), true, rules).unwrap();
        let sent = request(format!("http://{host}:{port}/echo/a"));
        let answer = patiently(outgoing.send(from(caller), sent)).await;
        let outcome = answer.as_ref().map(|answer| answer.status).map_err(|error| {
            assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
            let details: Value = serde_json::from_slice(error.details()).unwrap();
            let told = format!(
                "plugin {} may not connect to {}: it does not hold network:connect for it, for a reason; write a line",
                details["plugin"].as_str().unwrap(),
                details["host"].as_str().unwrap()
            );
            assert_eq!(error.message(), told);
            error.message().split(" may not").next().unwrap()
        });
        assert_eq!(outcome, expected, "{caller} {host} {rules:?}");
    };
    let own = "objectos.server localhost:PORT";
    check("a.b", "localhost", &["a.b localhost:PORT", own], &[], Ok(200)).await;
    check("a.b", "LocalHost.", &["a.b localhost:PORT", own], &[], Ok(200)).await;
    check("a.b", "localhost", &[own], &[], Err("plugin a.b")).await;
    check("a.b", "localhost", &["a.b localhost:80", own], &[], Err("plugin a.b")).await;
    check("a.c", "localhost", &["a.b localhost:PORT", own], &[], Err("plugin a.c")).await;
    check(
        "a.b",
        "localhost",
        &["a.b localhost:PORT"],
        &[],
        Err("plugin objectos.server"),
    )
    .await;
    // The kernel needs nobody's leave; the plugin that sends for it does.
    check("", "localhost", &[own], &[], Ok(200)).await;
    check("", "localhost", &[], &[], Err("plugin objectos.server")).await;
    // Another name for a denied address is no way around the rule.
    let addresses = ["a.b 127.0.0.1:PORT", "a.b [::1]:PORT"];
    check("a.b", "localhost", &["*"], &addresses, Err("plugin a.b")).await;
    check("a.b", "2130706433", &["*"], &addresses, Err("plugin a.b")).await;
    check("a.c", "localhost", &["*"], &addresses, Ok(200)).await;
}

#[tokio::test]
async fn requests_that_are_none_are_refused() {
    let outgoing = outgoing(json!({}), true);
    let check = async |sent: OutgoingRequest| {
        let (kind, _) = send(&outgoing, sent.clone()).await.unwrap_err();
        assert_eq!(kind, ErrorKind::Invalid, "{sent:?}");
    };
    check(request("ftp://localhost/")).await;
    check(request("localhost")).await;
    check(request("http://a:b@localhost/")).await;
    check(OutgoingRequest {
        method: "NOT A METHOD".to_owned(),
        ..request("http://localhost/")
    })
    .await;
    check(OutgoingRequest {
        method: "CONNECT".to_owned(),
        ..request("http://localhost/")
    })
    .await;
    check(OutgoingRequest {
        headers: vec![("bad name".to_owned(), String::new())],
        ..request("http://localhost/")
    })
    .await;
    check(OutgoingRequest {
        headers: vec![("x".to_owned(), "a\r\nInjected: b".to_owned())],
        ..request("http://localhost/")
    })
    .await;
}

#[tokio::test]
async fn nobody_there_is_a_foreign_failure() {
    // Taken, so that nobody else gets it, and nobody listens.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = taken.local_addr().unwrap();
    let (kind, message) = send(&outgoing(json!({}), true), request(format!("http://{address}/")))
        .await
        .unwrap_err();
    assert_eq!(kind, ErrorKind::External);
    assert!(message.starts_with("no connection: "), "{message}");
}

#[tokio::test]
async fn https_needs_a_certificate_that_is_believed_and_fits() {
    let (_folder, config) = certificate();
    let server = start_tls(&TestGateway::new(), json!({}), acceptor(&config).unwrap());
    let url = |host: &str| format!("https://{host}:{}/echo/a", server.address.port());
    let believing = outgoing(json!({ "authorities": config.certificate }), true);
    assert_eq!(send(&believing, request(url("localhost"))).await.unwrap().status, 200);
    assert_eq!(send(&believing, request(url("127.0.0.1"))).await.unwrap().status, 200);
    let insecure = async |outgoing: &Outgoing<Rules>, url: String| {
        let (kind, message) = send(outgoing, request(url)).await.unwrap_err();
        assert_eq!(kind, ErrorKind::External);
        assert!(message.starts_with("no secure connection: "), "{message}");
    };
    insecure(&outgoing(json!({}), true), url("localhost")).await;
    // Believed, and another's.
    let (_folder, config) = certificate_for(&["localhost"]);
    let other = start_tls(&TestGateway::new(), json!({}), acceptor(&config).unwrap());
    let believing = outgoing(json!({ "authorities": config.certificate }), true);
    let url = format!("https://{}/echo/a", other.address);
    insecure(&believing, url).await;
}
