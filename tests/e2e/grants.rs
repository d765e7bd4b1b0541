//! What the operator grants decides what a loaded plugin may do through others: here, which hosts the data plugin may ask by
//! `http-client` about a record.

use objectos_tests::HostBuilder;
use serde_json::json;
use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    thread,
};

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
    let server = "objectos.server: { allow: [network:listen, network:connect] }";
    // Development without a word grants what is asked for.
    check("host: { watch: false }\n", None);
    check(
        &format!("grants: {{ {server}, objectos.data: {{ allow: [database, network:connect:loopback] }} }}\n"),
        None,
    );
    check(
        &format!("grants: {{ {server}, objectos.data: {{ allow: [database] }} }}\n"),
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
