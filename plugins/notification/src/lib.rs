//! `objectos.notification`: messages to people. This slice sends e-mail; its service `mailer` is what other plugins call.
//!
//! # Map
//! * `config`, `error`: what an operator sets, and what may go wrong.
//! * `message`: what a caller hands over, checked, and made into a mail.
//! * `records`: mails as records of `sys_mail`, so that a restart forgets none.
//! * `courier`: the SMTP side. `permit`: whether the operator lets it connect.
//! * `sender`: takes mails that are due and gives them to the courier until they are sent or given up.
//! * `plugin`: all of it behind the kernel.
//!
//! # Invariants
//! * `send` answers once the mail is stored. From then on it is tried until it is sent or given up, whatever restarts.
//! * No connection is opened to a host or an address that the operator does not grant.
//! * A mail may arrive twice (a crash between delivery and the note of it); it has the same `Message-ID` then.
//! * The text of a mail may hold links that sign people in: it is taken out of the record when it is not needed any more.

mod config;
mod courier;
mod error;
mod message;
mod permit;
mod plugin;
mod records;
mod sender;

pub use config::{MailConfig, RetryConfig, SmtpConfig, TlsMode};
pub use error::MailError;
pub use plugin::NotificationPlugin;
