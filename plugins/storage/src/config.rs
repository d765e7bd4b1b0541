//! What an operator sets. JSON, camelCase, as `plugin.json` describes it; the checks here are those a schema cannot
//! make.

use objectos_plugin_api::Host;
use serde::Deserialize;
use std::{fmt, path::PathBuf, time::Duration};

use crate::error::{Result, StorageError};

/// The whole.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct StorageConfig {
    /// The bucket.
    pub s3: Option<S3Config>,
}

/// A bucket of an S3 server.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct S3Config {
    /// Address of the server; that of AWS when it is not set.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Region, as signatures name it.
    #[serde(default = "us_east_1")]
    pub region: String,
    /// Name of the bucket.
    pub bucket: String,
    /// What all keys begin with; empty for nothing.
    #[serde(default)]
    pub prefix: String,
    /// The key's name.
    pub access_key_id: String,
    /// The key, in one of three ways.
    #[serde(default)]
    pub secret_access_key: Option<Secret>,
    /// A file whose first line is the key.
    #[serde(default)]
    pub secret_access_key_file: Option<PathBuf>,
    /// An environment variable that is the key.
    #[serde(default)]
    pub secret_access_key_env: Option<String>,
    /// The bucket stands in the path; where an endpoint is set when it is not set.
    #[serde(default)]
    pub force_path_style: Option<bool>,
    /// Limit for each exchange, milliseconds.
    #[serde(default = "ten_seconds")]
    pub timeout_ms: u64,
    /// Keys asked for at once.
    #[serde(default = "a_thousand")]
    pub list_keys_max: u32,
    /// What happens when the server fails.
    #[serde(default)]
    pub retry: RetryConfig,
}

fn us_east_1() -> String {
    "us-east-1".to_owned()
}

fn ten_seconds() -> u64 {
    10_000
}

fn a_thousand() -> u32 {
    1_000
}

/// A text that is not shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How often and when a request is sent again.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RetryConfig {
    /// Attempts before it is given up; at least 1.
    pub attempts_max: u32,
    /// Before the second attempt, milliseconds; each further one waits twice as long.
    pub delay_ms: u64,
    /// But never longer than this, milliseconds.
    pub delay_max_ms: u64,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            attempts_max: 4,
            delay_ms: 200,
            delay_max_ms: 5_000,
        }
    }
}

impl RetryConfig {
    /// The pause after so many attempts; `None`: give up.
    #[must_use]
    pub fn delay_after(&self, attempts: u32) -> Option<Duration> {
        if attempts >= self.attempts_max {
            return None;
        }
        let doublings = attempts.saturating_sub(1).min(32);
        let delay_ms = self.delay_ms.saturating_mul(1 << doublings).min(self.delay_max_ms);
        Some(Duration::from_millis(delay_ms))
    }
}

impl S3Config {
    /// The secret access key.
    ///
    /// # Errors
    /// `Configuration` when it is not set, set twice, or cannot be read.
    pub fn secret(&self, host: &Host) -> Result<Secret> {
        let key = match (
            &self.secret_access_key,
            &self.secret_access_key_file,
            &self.secret_access_key_env,
        ) {
            (Some(secret), None, None) => secret.0.clone(),
            (None, Some(file), None) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    let text = format!("s3.secretAccessKeyFile: {} cannot be read: {error}", file.display());
                    StorageError::Configuration(text)
                })?;
                text.lines().next().unwrap_or_default().trim().to_owned()
            }
            (None, None, Some(name)) => host
                .environment(name)
                .map_err(|error| StorageError::Configuration(format!("s3.secretAccessKeyEnv: {error}")))?,
            (None, None, None) => {
                return Err(StorageError::Configuration(
                    "s3 has no secret access key: set s3.secretAccessKeyFile or s3.secretAccessKeyEnv".to_owned(),
                ));
            }
            _ => {
                return Err(StorageError::Configuration(
                    "set one of s3.secretAccessKey, s3.secretAccessKeyFile and s3.secretAccessKeyEnv, not several"
                        .to_owned(),
                ));
            }
        };
        if key.is_empty() {
            return Err(StorageError::Configuration(
                "the secret access key of s3 is empty: it is the second half of the key that s3.accessKeyId names"
                    .to_owned(),
            ));
        }
        Ok(Secret(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_their_limit_and_end() {
        let retry = RetryConfig {
            attempts_max: 5,
            delay_ms: 1_000,
            delay_max_ms: 3_000,
        };
        let delays: Vec<Option<u64>> = (1..=5)
            .map(|attempts| retry.delay_after(attempts))
            .map(|delay| delay.map(|delay| u64::try_from(delay.as_millis()).expect("a short delay")))
            .collect();
        assert_eq!(delays, [Some(1_000), Some(2_000), Some(3_000), Some(3_000), None]);
        let endless = RetryConfig {
            attempts_max: u32::MAX,
            ..RetryConfig::default()
        };
        assert_eq!(endless.delay_after(1_000_000), Some(Duration::from_millis(5_000)));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let config = serde_json::from_str::<S3Config>(
            r#"{"bucket": "events", "accessKeyId": "id", "secretAccessKey": "do-not-tell"}"#,
        );
        let shown = format!("{:?}", config.expect("a configuration"));
        assert!(shown.contains("***") && !shown.contains("do-not-tell"), "{shown}");
    }
}
