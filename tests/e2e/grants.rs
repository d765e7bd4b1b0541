//! What the operator grants decides what a loaded plugin may do: here, which hosts the data plugin may ask by `http-client` about a
//! record, and which mail server the mailer may connect to.

use objectos_tests::HostBuilder;
use serde_json::json;
use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use crate::signed_in::register;

/// Requests that a receiver answers at most.
const REQUESTS_MAX: usize = 8;

/// Says yes to whatever it is asked; answers its port.
fn receiver() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for mut socket in listener.incoming().take(REQUESTS_MAX).flatten() {
            let mut heard = Vec::new();
            let mut piece = [0; 1024];
            while !heard.windows(4).any(|window| window == b"\r\n\r\n") {
                match socket.read(&mut piece) {
                    Ok(count) if count > 0 => heard.extend_from_slice(&piece[..count]),
                    _ => break,
                }
            }
            // Whoever went away does not hear it.
            let _ = socket.write_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    port
}

#[test]
fn a_plugin_reaches_the_hosts_that_it_was_granted() {
    let port = receiver();
    let object = format!(
        "name: parcel\nfields: {{ number: {{ type: text }} }}\nvalidations:\n  - {{ name: known, type: async, severity: \
         warning, message: unknown, field: number, validatorUrl: 'http://localhost:{port}/check' }}\n"
    );
    let check = |grants: &str, expected: Option<&str>| {
        let builder = HostBuilder::new();
        let app = builder.folder().join("app");
        fs::create_dir_all(&app).expect("a folder");
        fs::write(app.join("objectos.app.yml"), "id: parcels\nversion: 1.0.0\n").expect("a manifest");
        fs::write(app.join("parcel.object.yml"), &object).expect("an object");
        let host = builder.app(&app).config(grants).start();
        let made = host
            .client()
            .send("POST", "/api/v1/data/parcel", &json!({ "number": "7" }))
            .expect(201);
        match expected {
            None => assert!(made["warnings"].is_null(), "{grants}: {made:#}"),
            Some(part) => {
                let part = part.replace("PORT", &port.to_string());
                let told = made["warnings"][0]["message"].as_str().unwrap_or_default();
                assert!(told.contains(&part), "{grants}: {part:?} is not in: {made:#}");
            }
        }
        // It is no longer one of the rules that only decide who is loaded.
        let log = host.log();
        let unheld = log.lines().find(|line| line.contains("some grants decide"));
        assert!(!unheld.is_some_and(|line| line.contains("network:connect")), "{log}");
    };
    let server = "objectos.server: { allow: [network:listen, network:connect, principal] }";
    // Development without a word grants what is asked for.
    check("host: { watch: false }\n", None);
    check(
        &format!(
            "grants: {{ {server}, objectos.data: {{ allow: [database, principal, network:connect:loopback] }} }}\n"
        ),
        None,
    );
    check(
        &format!("grants: {{ {server}, objectos.data: {{ allow: [database, principal] }} }}\n"),
        Some(
            "plugin objectos.data may not connect to localhost:PORT: it does not hold network:connect for it, the operator \
             does not grant it; add to objectos.yml: grants: { \"objectos.data\": { allow: \
             [\"network:connect:localhost:PORT\"] } }",
        ),
    );
    // The name is granted; the address that it stands for is denied.
    check(
        "grants: { '*': { allow: ['*'] }, objectos.data: { deny: ['network:connect:127.0.0.1'] } }\n",
        Some("plugin objectos.data may not connect to 127.0.0.1:PORT"),
    );
}

/// Tells of each connection and closes it; answers its port.
fn door() -> (u16, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let port = listener.local_addr().expect("an address").port();
    let (came, told) = mpsc::channel();
    thread::spawn(move || {
        for socket in listener.incoming() {
            drop(socket);
            if came.send(()).is_err() {
                return;
            }
        }
    });
    (port, told)
}

#[test]
fn the_mailer_connects_to_the_server_that_it_was_granted() {
    let all = "{ allow: ['*'] }";
    let others = format!(
        "objectos.server: {all}, objectos.data: {all}, objectos.auth: {all}, objectos.permissions: {all}, \
         objectos.notification"
    );
    for (rules, refused) in [
        ("{ allow: [system, 'network:connect:127.0.0.1'] }", None),
        ("{ allow: [system] }", Some("the operator does not grant it")),
        (
            "{ allow: [system, network:connect], deny: ['network:connect:loopback'] }",
            Some("the operator denies it by `network:connect:loopback`"),
        ),
    ] {
        let (port, came) = door();
        let config = format!(
            "grants: {{ {others}: {rules} }}\nplugins:\n  objectos.auth:\n    hashing: {{memoryKib: 1024, iterations: 1}}\n  \
             objectos.notification:\n    from: a@example.com\n    smtp: {{host: 127.0.0.1, port: {port}, tls: none}}\n"
        );
        let host = HostBuilder::new()
            .plugin("auth")
            .plugin("permissions")
            .plugin("notification")
            .config(&config)
            .start();
        let ada = register(&host, "ada");
        let asked = json!({"email": ada.email});
        let path = "/api/v1/auth/request-password-reset";
        host.client().send("POST", path, &asked).expect(200);
        // Either way the mail waits: the door closes on whoever comes.
        host.wait_for_log("mail not sent");
        match refused {
            None => came.recv_timeout(Duration::from_secs(30)).expect("a connection"),
            Some(reason) => {
                let told = format!(
                    "plugin objectos.notification may not connect to 127.0.0.1:{port}: it does not hold network:connect for it, \
                     {reason}"
                );
                assert!(
                    host.log().contains(&told),
                    "{rules}: {told:?} is not in\n{}",
                    host.log()
                );
                assert!(came.try_recv().is_err(), "{rules}: it connected");
            }
        }
    }
}
