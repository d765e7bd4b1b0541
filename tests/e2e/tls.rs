//! HTTPS and HTTP/2 through the real host: its certificate, what the two sides agree to speak, and a swap of the gateway
//! meanwhile.

use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    body::Bytes,
    client::conn::http2::{SendRequest, handshake},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use objectos_tests::{Host, HostBuilder};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

/// How long an answer may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// A host with a certificate for `localhost`, and the file of that.
fn start() -> (Host, PathBuf) {
    let builder = HostBuilder::new();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let write = |name: &str, text: String| {
        let path = builder.folder().join(name);
        fs::write(&path, text).expect("a file");
        path
    };
    let certificate = write("certificate.pem", made.cert.pem());
    let key = write("key.pem", made.signing_key.serialize_pem());
    let tls = json!({ "certificate": certificate, "key": key });
    let config = json!({ "plugins": { "objectos.server": { "tls": tls } } });
    let host = builder.config(&config.to_string()).spawn();
    (host, certificate)
}

/// Connects by TLS, offering both versions of HTTP.
async fn connect(host: &Host, certificate: &Path) -> SendRequest<Full<Bytes>> {
    let mut roots = RootCertStore::empty();
    let trusted = CertificateDer::from_pem_file(certificate).expect("a certificate");
    roots.add(trusted).expect("a root");
    let mut tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let socket = TcpStream::connect(host.address()).await.expect("a connection");
    let name = ServerName::try_from("localhost").expect("a name");
    let socket = TlsConnector::from(Arc::new(tls))
        .connect(name, socket)
        .await
        .expect("a handshake");
    assert_eq!(socket.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(socket))
        .await
        .expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

async fn ask(sender: &mut SendRequest<Full<Bytes>>, method: &str, path: &str) -> (u16, Value) {
    let body = if method == "GET" { "" } else { "{}" };
    let request = Request::builder()
        .method(method)
        .uri(format!("https://localhost{path}"))
        .header("content-type", "application/json")
        .body(Full::from(body))
        .expect("a request");
    let answer = timeout(LIMIT, sender.send_request(request))
        .await
        .expect("an answer in time")
        .expect("an answer");
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&body).expect("JSON"))
}

#[test]
fn a_gateway_with_a_certificate_speaks_http2_and_is_swapped_under_tls() {
    let (host, certificate) = start();
    let said = host.wait_until_said("ready at");
    let expected = format!("ready at https://{}", host.address());
    assert!(said.contains(&expected), "{said}");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut first = connect(&host, &certificate).await;
        let (status, ready) = ask(&mut first, "GET", "/ready").await;
        assert_eq!((status, &ready["data"]["status"]), (200, &json!("ready")), "{ready}");
        // The answer comes by the connection that the old version still holds.
        let (status, report) = ask(&mut first, "POST", "/api/v1/plugins/objectos.server/swap").await;
        assert_eq!((status, &report["data"]["generation"]), (200, &json!(2)), "{report}");
        let mut second = connect(&host, &certificate).await;
        let (status, metrics) = ask(&mut second, "GET", "/api/v1/kernel/metrics").await;
        let listener = &metrics["data"]["listeners"][0];
        assert_eq!((status, &listener["scheme"]), (200, &json!("https")), "{metrics}");
    });
}
