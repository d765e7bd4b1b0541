//! What an operator sets. JSON, camelCase, as `plugin.json` describes it; the checks here are those a schema cannot make.

use lettre::message::Mailbox;
use objectos_plugin_api::Host;
use serde::Deserialize;
use std::{path::PathBuf, time::Duration};

use crate::error::{MailError, Result};

/// The whole.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct MailConfig {
    /// The mail server.
    pub smtp: Option<SmtpConfig>,
    /// Sender, `Name <address>`.
    pub from: Option<String>,
    /// Where answers go, when not to the sender.
    pub reply_to: Option<String>,
    /// How often and when a mail is tried again.
    pub retry: RetryConfig,
    /// How often due mails are looked for, milliseconds.
    pub poll_ms: u64,
    /// Mails that are sent at the same time.
    pub concurrency: usize,
    /// Keep the text of mails that need it no more.
    pub keep_bodies: bool,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            smtp: None,
            from: None,
            reply_to: None,
            retry: RetryConfig::default(),
            poll_ms: 5_000,
            concurrency: 4,
            keep_bodies: false,
        }
    }
}

/// The mail server.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SmtpConfig {
    /// Name or address.
    pub host: String,
    /// Port; by `tls` when it is not set.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the way is guarded.
    #[serde(default)]
    pub tls: TlsMode,
    /// Name to sign in with.
    #[serde(default)]
    pub user: Option<String>,
    /// Password, in one of three ways.
    #[serde(default)]
    pub password: Option<String>,
    /// A file whose first line is the password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// An environment variable that is the password.
    #[serde(default)]
    pub password_env: Option<String>,
    /// Further certificates that the server's may be signed with, PEM.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Limit for each exchange with the server, milliseconds.
    #[serde(default = "thirty_seconds")]
    pub timeout_ms: u64,
}

fn thirty_seconds() -> u64 {
    30_000
}

/// How the way to the server is guarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// Begins open and must become TLS before anything else is said.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Implicit,
    /// Open.
    None,
}

/// How often and when a mail is tried again.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RetryConfig {
    /// Attempts before it is given up.
    pub attempts_max: u32,
    /// Before the second attempt, milliseconds.
    pub delay_ms: u64,
    /// Each further delay is this much longer.
    pub factor: f64,
    /// But never longer than this, milliseconds.
    pub delay_max_ms: u64,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            attempts_max: 8,
            delay_ms: 30_000,
            factor: 2.0,
            delay_max_ms: 3_600_000,
        }
    }
}

impl RetryConfig {
    /// The pause after so many attempts, milliseconds; `None`: give up.
    #[must_use]
    pub fn delay_after_ms(&self, attempts: u32) -> Option<i64> {
        if attempts >= self.attempts_max {
            return None;
        }
        let longest = Duration::from_millis(self.delay_max_ms);
        let exponent = i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
        // A factor that grows beyond what a duration holds is cut to the longest delay.
        let delay = Duration::try_from_secs_f64(
            Duration::from_millis(self.delay_ms).as_secs_f64() * self.factor.powi(exponent),
        )
        .map_or(longest, |delay| delay.min(longest));
        Some(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX))
    }
}

impl SmtpConfig {
    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            TlsMode::Starttls => 587,
            TlsMode::Implicit => 465,
            TlsMode::None => 25,
        })
    }

    /// Name and password, when the server wants them.
    ///
    /// # Errors
    /// `Configuration` when they are half there, or the password cannot be read.
    pub fn credentials(&self, host: &Host) -> Result<Option<(String, String)>> {
        let password = match (&self.password, &self.password_file, &self.password_env) {
            (None, None, None) => None,
            (Some(password), None, None) => Some(password.clone()),
            (None, Some(file), None) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    MailError::Configuration(format!("smtp.passwordFile: {} cannot be read: {error}", file.display()))
                })?;
                Some(text.lines().next().unwrap_or_default().to_owned())
            }
            (None, None, Some(name)) => Some(
                host.environment(name)
                    .map_err(|error| MailError::Configuration(format!("smtp.passwordEnv: {error}")))?,
            ),
            _ => {
                return Err(MailError::Configuration(
                    "set one of smtp.password, smtp.passwordFile and smtp.passwordEnv, not several".to_owned(),
                ));
            }
        };
        match (self.user.clone(), password) {
            (None, None) => Ok(None),
            (Some(user), Some(password)) => Ok(Some((user, password))),
            (Some(_), None) => Err(MailError::Configuration(
                "smtp.user is set and no password: set smtp.passwordFile too, or neither".to_owned(),
            )),
            (None, Some(_)) => Err(MailError::Configuration(
                "a password for smtp is set and no smtp.user: set both or neither".to_owned(),
            )),
        }
    }
}

impl MailConfig {
    /// The sender.
    ///
    /// # Errors
    /// `Configuration` when it is missing or no address.
    pub fn sender(&self) -> Result<Mailbox> {
        let from = self.from.as_deref().ok_or_else(|| {
            MailError::Configuration(
                "from is not set: with smtp the sender is needed, as in `ObjectOS <no-reply@example.com>`".to_owned(),
            )
        })?;
        from.parse()
            .map_err(|error| MailError::Configuration(format!("from: `{from}` is no address: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_up_to_their_limit_and_end() {
        let retry = RetryConfig {
            attempts_max: 5,
            delay_ms: 1_000,
            factor: 3.0,
            delay_max_ms: 10_000,
        };
        let delays: Vec<Option<i64>> = (1..=5).map(|attempts| retry.delay_after_ms(attempts)).collect();
        assert_eq!(delays, [Some(1_000), Some(3_000), Some(9_000), Some(10_000), None]);
        let endless = RetryConfig {
            attempts_max: u32::MAX,
            ..RetryConfig::default()
        };
        assert_eq!(endless.delay_after_ms(1_000_000), Some(3_600_000));
    }

    #[test]
    fn the_port_follows_the_mode_unless_it_is_set() {
        let read = |json: &str| {
            serde_json::from_str::<SmtpConfig>(json)
                .expect("a configuration")
                .port()
        };
        assert_eq!(read(r#"{"host":"m"}"#), 587);
        assert_eq!(read(r#"{"host":"m","tls":"implicit"}"#), 465);
        assert_eq!(read(r#"{"host":"m","tls":"none"}"#), 25);
        assert_eq!(read(r#"{"host":"m","tls":"none","port":2525}"#), 2525);
    }
}
