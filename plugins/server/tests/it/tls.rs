//! HTTPS, with a certificate made for the test.

use objectos_server::{TlsConfig, acceptor};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::json;
use std::{net::SocketAddr, path::Path, sync::Arc};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    client::Wire,
    gateway::{TestGateway, start_tls},
    http2, sockets,
};

/// A certificate for `localhost` and 127.0.0.1, in files.
pub(crate) fn certificate() -> (TempDir, TlsConfig) {
    certificate_for(&["localhost", "127.0.0.1"])
}

/// A certificate for these names, in files.
pub(crate) fn certificate_for(names: &[&str]) -> (TempDir, TlsConfig) {
    let folder = TempDir::new().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    };
    let certificate = write("certificate.pem", made.cert.pem());
    let key = write("key.pem", made.signing_key.serialize_pem());
    (folder, TlsConfig { certificate, key })
}

async fn connect(address: SocketAddr, config: &TlsConfig, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(Path::new(&config.certificate)).unwrap())
        .unwrap();
    let mut tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let socket = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(tls))
        .connect(ServerName::try_from("localhost").unwrap(), socket)
        .await
        .unwrap()
}

#[tokio::test]
async fn both_versions_are_spoken_as_the_client_prefers() {
    let (_folder, config) = certificate();
    let server = start_tls(&TestGateway::new(), json!({}), acceptor(&config).unwrap());
    for protocols in [&[][..], &[b"http/1.1".as_slice()]] {
        let mut wire = Wire::over(connect(server.address, &config, protocols).await);
        assert_eq!(wire.ask("GET /echo/a", &[], "").await.json()["name"], "a");
        assert_eq!(wire.ask("GET /echo/b", &[], "").await.json()["name"], "b");
    }
    let socket = connect(server.address, &config, &[b"h2", b"http/1.1"]).await;
    assert_eq!(socket.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, _) = http2::connect(socket).await;
    let answer = http2::ask(&mut sender, http2::request("GET", "/echo/c", "")).await;
    assert_eq!(http2::json_of(answer).await["name"], "c");
}

#[tokio::test]
async fn a_socket_goes_over_it() {
    let (_folder, config) = certificate();
    let (gateway, _heard) = sockets::gateway();
    let server = start_tls(&gateway, json!({}), acceptor(&config).unwrap());
    let socket = connect(server.address, &config, &[b"http/1.1"]).await;
    let (mut client, _) = sockets::shake_hands("ws://localhost/socket", socket).await.unwrap();
    sockets::echoes(&mut client, "over TLS").await;
}

#[tokio::test]
async fn a_connection_without_tls_is_refused_and_the_server_goes_on() {
    let (_folder, config) = certificate();
    let server = start_tls(
        &TestGateway::new(),
        // Also the limit of the handshake at the end, which is real work.
        json!({ "limits": { "headMs": 2_000 } }),
        acceptor(&config).unwrap(),
    );
    let mut plain = Wire::open(server.address).await;
    plain.send("GET /echo/a HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(!plain.ended().await.starts_with(b"HTTP"));
    let mut silent = Wire::open(server.address).await;
    assert_eq!(silent.ended().await, b"");
    let mut wire = Wire::over(connect(server.address, &config, &[]).await);
    assert_eq!(wire.ask("GET /echo/a", &[], "").await.status, 200);
}

#[tokio::test]
async fn a_stop_is_announced_under_tls_too() {
    let (_folder, config) = certificate();
    let server = start_tls(&TestGateway::new(), json!({}), acceptor(&config).unwrap());
    let mut wire = Wire::over(connect(server.address, &config, &[]).await);
    assert_eq!(wire.ask("GET /echo/a", &[], "").await.header("connection"), None);
    let talk = async {
        let last = wire.ask("GET /echo/a", &[], "").await;
        assert_eq!(last.header("connection"), Some("close"));
        assert_eq!(wire.ended().await, b"");
    };
    tokio::join!(server.listening.stop(true), talk);
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let (folder, config) = certificate();
    let empty = folder.path().join("empty.pem").to_string_lossy().into_owned();
    std::fs::write(&empty, "").unwrap();
    let (_other_folder, other) = certificate();
    let check = |certificate: &str, key: &str, expected: &[&str]| {
        let config = TlsConfig {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        };
        let text = acceptor(&config).err().unwrap().to_string();
        for part in expected {
            assert!(text.contains(part), "{part} in {text}");
        }
    };
    check(
        "/nowhere/c.pem",
        &config.key,
        &["tls.certificate", "/nowhere/c.pem", "cannot be read"],
    );
    check(&empty, &config.key, &["tls.certificate", &empty, "has no certificate"]);
    check(&config.certificate, "/nowhere/k.pem", &["tls.key", "/nowhere/k.pem"]);
    check(&config.certificate, &empty, &["tls.key", &empty, "has no private key"]);
    check(
        &config.certificate,
        &other.key,
        &["tls.key", &other.key, "does not fit"],
    );
}
