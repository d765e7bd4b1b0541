//! `mailer`: outgoing e-mail, so that one place knows the mail server, the sender and what to do while it is away. Called by
//! plugins that write to people.

use objectos_plugin_macros::service;
use serde::{Deserialize, Serialize};

use crate::{Context, Result};

/// A message. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MailMessage {
    /// Addresses.
    pub to: Vec<String>,
    /// One line.
    pub subject: String,
    /// The text; always there.
    pub text: String,
    /// The same as HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// Other than the configured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// What kind of message, for reports: `password_reset`, `invitation`, …
    #[serde(default)]
    pub category: String,
}

/// Outgoing e-mail.
#[service(name = "mailer", version = "1.0.0")]
pub trait Mailer {
    /// Takes a message: once this answers, it is stored and will be tried until it is delivered or given up. Answers its id.
    ///
    /// `Invalid` for an address that is none; `Unavailable` when no mail server is configured.
    async fn send(&self, context: Context, message: MailMessage) -> Result<String>;
}
