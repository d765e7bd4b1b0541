//! Webhooks through the real host to a real socket: signed, and sent again when they are refused.

use objectos_tests::{Host, HostBuilder, plugins::built};
use ring::hmac;
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::PathBuf,
    process::Command,
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

const SECRET: &str = "shared with the receiver";
/// How long a delivery may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);
/// Requests that the receiver answers at most.
const REQUESTS_MAX: usize = 4;

/// A request as it came in.
struct Heard {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Heard {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// Refuses the first request and takes all others; answers its port and what it hears.
fn receiver() -> (u16, Receiver<Heard>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let port = listener.local_addr().expect("an address").port();
    let (told, heard) = channel();
    thread::spawn(move || {
        for (index, socket) in listener.incoming().take(REQUESTS_MAX).flatten().enumerate() {
            let mut reader = BufReader::new(socket);
            let mut headers = Vec::new();
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                if let Some((name, value)) = line.split_once(':') {
                    headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
                }
                line.clear();
            }
            let mut request = Heard {
                headers,
                body: Vec::new(),
            };
            let length = request.header("content-length").parse().unwrap_or(0);
            request.body.resize(length, 0);
            reader.read_exact(&mut request.body).expect("a body");
            let status = if index == 0 {
                "503 Service Unavailable"
            } else {
                "204 No Content"
            };
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            reader.get_mut().write_all(answer.as_bytes()).expect("an answer");
            // The test may have heard enough.
            let _ = told.send(request);
        }
    });
    (port, heard)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An app without seeds, so that there is one event.
fn parcels(builder: &HostBuilder) -> PathBuf {
    let app = builder.folder().join("app");
    fs::create_dir_all(&app).expect("a folder");
    fs::write(app.join("objectos.app.yml"), "id: parcels\nversion: 1.0.0\n").expect("a manifest");
    let object = "name: parcel\nfields: { number: { type: text } }\n";
    fs::write(app.join("parcel.object.yml"), object).expect("an object");
    app
}

/// Runs a command on the database of a host, as an operator does who leaves its configuration out.
fn command(host: &Host, arguments: &[&str]) {
    fs::write(host.folder().join("bare.yml"), "host: {}\n").expect("a configuration");
    let output = Command::new(built().join("objectos-host"))
        .current_dir(host.folder())
        .args([
            "--plugins",
            "plugins",
            "--data",
            "data",
            "--app",
            "app",
            "--config",
            "bare.yml",
        ])
        .args(arguments)
        .output()
        .expect("objectos-host can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_command_delivers_nothing_and_takes_no_event_from_the_host() {
    let (port, heard) = receiver();
    // After the first refusal the event waits; it is tried again at once when the host starts anew.
    let config = json!({ "events": { "webhooks": [{
        "id": "crm", "eventPattern": "data.record.created", "url": format!("http://127.0.0.1:{port}/hook"),
        "retryPolicy": { "maxRetries": 3, "backoffStrategy": "fixed", "initialDelayMs": 60_000, "maxDelayMs": 60_000 }
    }] } });
    let builder = HostBuilder::new();
    let app = parcels(&builder);
    let mut host = builder.app(&app).config(&config.to_string()).start();
    host.client()
        .send("POST", "/api/v1/data/parcel", &json!({ "number": "Waits" }))
        .expect(201);
    let refused = heard.recv_timeout(LIMIT).expect("a delivery");
    command(&host, &["migrate", "plan"]);
    assert_eq!(host.terminate(), Some(0));
    command(&host, &["migrate", "plan"]);
    host.restart_stopped();
    let taken = heard
        .recv_timeout(LIMIT)
        .unwrap_or_else(|_| panic!("the event is gone:\n{}", host.log()));
    assert_eq!(taken.body, refused.body);
}

#[test]
fn a_webhook_is_signed_and_sent_again_when_it_is_refused() {
    let (port, heard) = receiver();
    let config = json!({ "events": {
        "webhooks": [{
            "id": "crm", "eventPattern": "data.record.created", "url": format!("http://127.0.0.1:{port}/hook"),
            "headers": { "x-own": "kept" },
            "authentication": { "type": "none", "credentials": { "secret": SECRET } },
            "retryPolicy": { "maxRetries": 3, "backoffStrategy": "fixed", "initialDelayMs": 20, "maxDelayMs": 20 }
        }],
        "eventTypes": [{ "name": "data.record.created", "schema": { "type": "object" } }]
    } });
    let builder = HostBuilder::new();
    let app = parcels(&builder);
    let host = builder.app(&app).config(&config.to_string()).start();
    // What the operator wrote and does not get is told.
    host.wait_for_log("the schema of data.record.created is not held to what objectos.data writes");
    host.client()
        .send("POST", "/api/v1/data/parcel", &json!({ "number": "Hooked" }))
        .expect(201);
    let next = || {
        heard
            .recv_timeout(LIMIT)
            .unwrap_or_else(|_| panic!("no delivery:\n{}", host.log()))
    };
    let (refused, taken) = (next(), next());
    for request in [&refused, &taken] {
        let signed = [request.header("x-objectos-timestamp").as_bytes(), b".", &request.body].concat();
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let expected = format!("sha256={}", hexadecimal(hmac::sign(&key, &signed).as_ref()));
        assert_eq!(request.header("x-objectos-signature"), expected);
        assert_eq!(request.header("x-own"), "kept");
        let event: Value = serde_json::from_slice(&request.body).expect("JSON");
        assert_eq!(event["name"], "data.record.created", "{event}");
        assert!(event.to_string().contains("Hooked"), "{event}");
    }
    assert_eq!(
        refused.header("x-objectos-delivery"),
        taken.header("x-objectos-delivery"),
        "the same event once more"
    );
    assert!(!host.log().contains(SECRET), "{}", host.log());
}
