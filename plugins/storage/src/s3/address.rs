//! Where a bucket is: scheme and host of the server, and where the bucket stands, in the name of the host or in the
//! path.

use std::fmt::Write;

use crate::config::S3Config;
use crate::error::{Result, StorageError};

/// Address of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    scheme: &'static str,
    /// Host, and port where one is given, in lower case.
    authority: String,
    /// What stands before a key, with its `/`.
    base: String,
}

impl Address {
    /// # Errors
    /// `Configuration` for an endpoint that is no address of a server.
    pub(super) fn of(config: &S3Config) -> Result<Self> {
        let endpoint = match &config.endpoint {
            Some(endpoint) => endpoint.to_ascii_lowercase(),
            None => format!("https://s3.{}.amazonaws.com", config.region),
        };
        let known = ["https", "http"].into_iter().find_map(|scheme| {
            let rest = endpoint.strip_prefix(scheme)?.strip_prefix("://")?;
            Some((scheme, rest.strip_suffix('/').unwrap_or(rest)))
        });
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        let Some((scheme, host)) = known.filter(|(_, host)| !host.is_empty() && host.bytes().all(plain)) else {
            return Err(StorageError::Configuration(format!(
                "s3.endpoint: `{endpoint}` is no address of a server; write scheme, host and port, as in \
                 https://minio.example.com:9000"
            )));
        };
        let in_path = config.force_path_style.unwrap_or(config.endpoint.is_some());
        let (authority, base) = if in_path {
            (host.to_owned(), format!("/{}/", config.bucket))
        } else {
            (format!("{}.{host}", config.bucket), "/".to_owned())
        };
        Ok(Self {
            scheme,
            authority,
            base,
        })
    }

    /// Host and port, as the header `host` has them.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// The path of an object, or of the bucket for an empty key.
    pub(super) fn path(&self, key: &str) -> String {
        format!("{}{}", self.base, encoded(key, true))
    }

    /// The whole of it.
    pub(super) fn url(&self, path: &str, query: &str) -> String {
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}://{}{path}{mark}{query}", self.scheme, self.authority)
    }
}

/// A text as paths and queries have it in signed requests: all but letters, digits and `-_.~` as `%XX`, and `/` as it
/// is in a path.
pub(super) fn encoded(text: &str, in_path: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || in_path && byte == b'/' {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a string takes every text");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn address(more: &Value) -> Result<Address> {
        let mut config = json!({"bucket": "events", "accessKeyId": "id", "region": "eu-central-1"});
        let more = more.as_object().expect("keys").clone();
        config.as_object_mut().expect("a configuration").extend(more);
        Address::of(&serde_json::from_value(config).expect("a configuration"))
    }

    #[test]
    fn the_bucket_is_in_the_host_or_in_the_path() {
        for (config, expected) in [
            (json!({}), "https://events.s3.eu-central-1.amazonaws.com/a/b%24c"),
            (
                json!({"forcePathStyle": true}),
                "https://s3.eu-central-1.amazonaws.com/events/a/b%24c",
            ),
            (
                json!({"endpoint": "http://Minio.Example.com:9000/"}),
                "http://minio.example.com:9000/events/a/b%24c",
            ),
            (
                json!({"endpoint": "https://r2.example.com", "forcePathStyle": false}),
                "https://events.r2.example.com/a/b%24c",
            ),
            (
                json!({"endpoint": "http://[::1]:9000"}),
                "http://[::1]:9000/events/a/b%24c",
            ),
        ] {
            let address = address(&config).expect("an address");
            assert_eq!(address.url(&address.path("a/b$c"), ""), expected, "{config}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for endpoint in [
            "",
            "minio:9000",
            "ftp://minio",
            "https://",
            "https://minio/path",
            "https://a@b",
        ] {
            let error = address(&json!({ "endpoint": endpoint })).expect_err("refused");
            assert!(error.to_string().contains("s3.endpoint: `"), "{endpoint}: {error}");
        }
    }

    #[test]
    fn queries_have_no_slash() {
        assert_eq!(encoded("a/b c~_-.", false), "a%2Fb%20c~_-.");
    }
}
