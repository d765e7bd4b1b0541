//! TLS for both directions: the server's certificate, and the authorities that outgoing requests believe. One copy of the
//! cryptography (ring), named explicitly, since a process-wide default would be another library's.

use rustls::{
    ClientConfig, RootCertStore, ServerConfig as TlsServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::sync::Arc;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::{
    ServerError,
    config::{OutgoingConfig, TlsConfig},
};

/// Reads the server's certificate and key.
///
/// # Errors
/// `File` names the file, the setting and what is wrong.
pub fn acceptor(config: &TlsConfig) -> Result<TlsAcceptor, ServerError> {
    let chain = certificates("tls.certificate", &config.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&config.key)
        .map_err(|error| problem("tls.key", &config.key, format!("has no private key in PEM: {error}")))?;
    let mut tls = TlsServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| problem("tls.key", &config.key, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| problem("tls.key", &config.key, format!("does not fit the certificate: {error}")))?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(tls)))
}

/// What outgoing requests trust: the common authorities, and those of the operator's file.
///
/// # Errors
/// `File` names the file, the setting and what is wrong.
pub(crate) fn connector(config: &OutgoingConfig) -> Result<TlsConnector, ServerError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(path) = &config.authorities {
        for certificate in certificates(AUTHORITIES, path)? {
            roots
                .add(certificate)
                .map_err(|error| problem(AUTHORITIES, path, format!("has a bad certificate: {error}")))?;
        }
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| problem(AUTHORITIES, "", error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(tls)))
}

const AUTHORITIES: &str = "outgoing.authorities";

fn certificates(key: &'static str, path: &str) -> Result<Vec<CertificateDer<'static>>, ServerError> {
    let unreadable = |error| problem(key, path, format!("cannot be read as PEM: {error}"));
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    if found.is_empty() {
        Err(problem(key, path, "has no certificate".to_owned()))
    } else {
        Ok(found)
    }
}

fn problem(key: &'static str, path: &str, problem: String) -> ServerError {
    ServerError::File {
        key,
        path: path.to_owned(),
        problem,
    }
}
