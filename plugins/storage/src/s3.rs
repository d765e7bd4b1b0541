//! A bucket of an S3 server as a place for objects: requests signed by `signature`, sent by the service
//! `http-client`, which holds them to the hosts that the operator granted, and read by `xml`. Bodies are text,
//! because those of that service are; objects are far below the size from which on they would have to be sent in
//! parts.
//!
//! A request is sent again, after a pause that grows, when the server is busy, fails or does not answer. All requests
//! may be sent twice: an object is written with the same body, one that is gone is taken away once more.
//! `If-None-Match` is of no use here (the names of objects tell what is in them), and not every server knows it.

mod address;
mod refusal;
mod signature;
mod xml;

use objectos_plugin_api::contracts::http_client::{HttpClientClient, IncomingAnswer, OutgoingRequest};
use objectos_plugin_api::{Context, Error, ErrorKind, Host};

use self::address::{Address, encoded};
use self::signature::{Credentials, Unsigned};
use crate::batch::hash_of;
use crate::config::{RetryConfig, S3Config};
use crate::error::{Result, StorageError};
use crate::moment::stamp_of;
use crate::objects::{Keys, Objects};

/// Largest answer, bytes: a batch of events ends with the event that surpasses its size, however large that is.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A bucket.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    http: HttpClientClient,
    host: Host,
    address: Address,
    credentials: Credentials,
    name: String,
    /// With its `/`; empty for none.
    prefix: String,
    timeout_ms: u64,
    keys_max: u32,
    retry: RetryConfig,
}

/// A request, before it is signed.
struct Ask<'a> {
    method: &'static str,
    /// Whole key; empty for the bucket itself.
    key: &'a str,
    /// In the form in which it is signed.
    query: String,
    body: Option<String>,
}

impl<'a> Ask<'a> {
    fn of(method: &'static str, key: &'a str) -> Self {
        Self {
            method,
            key,
            query: String::new(),
            body: None,
        }
    }
}

impl Bucket {
    /// The bucket that the operator names.
    ///
    /// # Errors
    /// `Configuration` for an address or a secret that cannot be; `Plugin` when outgoing HTTP may not be asked for.
    pub(crate) fn open(config: &S3Config, host: &Host) -> Result<Self> {
        let prefix = config.prefix.trim_matches('/');
        Ok(Self {
            http: HttpClientClient::open(host)?,
            host: host.clone(),
            address: Address::of(config)?,
            credentials: Credentials {
                access_key_id: config.access_key_id.clone(),
                secret: config.secret(host)?,
                region: config.region.clone(),
            },
            name: config.bucket.clone(),
            prefix: if prefix.is_empty() {
                String::new()
            } else {
                format!("{prefix}/")
            },
            timeout_ms: config.timeout_ms,
            keys_max: config.list_keys_max,
            retry: config.retry.clone(),
        })
    }

    /// What a message is about.
    fn place(&self, key: &str) -> String {
        if key.is_empty() {
            return format!("bucket {} at {}", self.name, self.address.authority());
        }
        format!("bucket {} at {}, key {key}", self.name, self.address.authority())
    }

    /// Sends a request until there is an answer that would not be another one the next time.
    async fn ask(&self, ask: &Ask<'_>) -> Result<IncomingAnswer> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let problem = match self.http.send(&Context::background(), &self.signed(ask)).await {
                Ok(answer) if refusal::is_passing(&answer) => refusal::told(&answer),
                Ok(answer) => return Ok(answer),
                Err(error) if is_passing(&error) => error.to_string(),
                Err(error) => return Err(self.unsent(ask, &error)),
            };
            let Some(pause) = self.retry.delay_after(attempts) else {
                return Err(StorageError::Later(format!(
                    "{}: {} failed {attempts} times ({problem}); see to the server, and whether it can be reached from here",
                    self.place(ask.key),
                    ask.method
                )));
            };
            tracing::debug!(key = ask.key, problem, "a request to the bucket is sent again");
            tokio::time::sleep(pause).await;
        }
    }

    /// It did not get as far as the server.
    fn unsent(&self, ask: &Ask<'_>, error: &Error) -> StorageError {
        let remedy = match error.kind() {
            ErrorKind::Denied => "grant objectos.storage network:connect for this host",
            ErrorKind::Invalid => "correct plugins.objectos.storage.s3",
            _ => "see to the plugin that provides http-client",
        };
        StorageError::Refused(format!("{}: {error}; {remedy}", self.place(ask.key)))
    }

    fn signed(&self, ask: &Ask<'_>) -> OutgoingRequest {
        let body = ask.body.clone().unwrap_or_default();
        let (stamp, body_hash) = (stamp_of(self.host.now_ms()), hash_of(&body));
        let path = self.address.path(ask.key);
        let mut headers = vec![
            ("x-amz-content-sha256".to_owned(), body_hash.clone()),
            ("x-amz-date".to_owned(), stamp.clone()),
        ];
        if ask.body.is_some() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        // The client writes this header itself, as it stands in the address.
        let mut signed = headers.clone();
        signed.push(("host".to_owned(), self.address.authority().to_owned()));
        let authorization = self.credentials.authorization(Unsigned {
            method: ask.method,
            path: &path,
            query: &ask.query,
            headers: signed,
            body_hash: &body_hash,
            stamp: &stamp,
        });
        headers.push(("authorization".to_owned(), authorization));
        OutgoingRequest {
            method: ask.method.to_owned(),
            url: self.address.url(&path, &ask.query),
            headers,
            body,
            timeout_ms: self.timeout_ms,
            answer_bytes_max: ANSWER_BYTES_MAX,
        }
    }

    fn whole(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn refused(&self, ask: &Ask<'_>, answer: &IncomingAnswer) -> StorageError {
        StorageError::Refused(format!(
            "{}: {} was refused: {}; {}",
            self.place(ask.key),
            ask.method,
            refusal::told(answer),
            refusal::remedy(answer)
        ))
    }
}

/// Failures of sending after which it may go well.
fn is_passing(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Timeout | ErrorKind::External | ErrorKind::Unavailable | ErrorKind::Limited
    )
}

impl Objects for Bucket {
    async fn put(&self, key: &str, body: String) -> Result<()> {
        let key = self.whole(key);
        let mut ask = Ask::of("PUT", &key);
        ask.body = Some(body);
        let answer = self.ask(&ask).await?;
        match answer.status {
            200..=299 => Ok(()),
            _ => Err(self.refused(&ask, &answer)),
        }
    }

    async fn get(&self, key: &str) -> Result<Option<String>> {
        let key = self.whole(key);
        let ask = Ask::of("GET", &key);
        let answer = self.ask(&ask).await?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 if refusal::is_missing_key(&answer) => Ok(None),
            _ => Err(self.refused(&ask, &answer)),
        }
    }

    async fn list(&self, prefix: &str, after: &str) -> Result<Keys> {
        let mut ask = Ask::of("GET", "");
        ask.query = format!(
            "list-type=2&max-keys={}&prefix={}",
            self.keys_max,
            encoded(&self.whole(prefix), false)
        );
        if !after.is_empty() {
            ask.query.push_str("&start-after=");
            ask.query.push_str(&encoded(&self.whole(after), false));
        }
        let answer = self.ask(&ask).await?;
        if answer.status != 200 {
            return Err(self.refused(&ask, &answer));
        }
        if !answer.body.contains("<ListBucketResult") {
            let place = self.place("");
            return Err(StorageError::Refused(format!(
                "{place}: what answers is no S3 server; correct plugins.objectos.storage.s3.endpoint"
            )));
        }
        let keys = xml::texts(&answer.body, "Key");
        Ok(Keys {
            keys: keys
                .iter()
                .filter_map(|key| key.strip_prefix(&self.prefix))
                .map(str::to_owned)
                .collect(),
            more: xml::text(&answer.body, "IsTruncated").as_deref() == Some("true"),
        })
    }

    async fn delete(&self, key: &str) -> Result<()> {
        let key = self.whole(key);
        let ask = Ask::of("DELETE", &key);
        let answer = self.ask(&ask).await?;
        match answer.status {
            200..=299 => Ok(()),
            404 if refusal::is_missing_key(&answer) => Ok(()),
            _ => Err(self.refused(&ask, &answer)),
        }
    }
}
