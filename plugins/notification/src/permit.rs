//! Whether the operator lets this plugin connect to the mail server: `network:connect` for its host and port, asked of the kernel
//! before each connection, as the service `http-client` asks for its callers. Called by the courier, and by the plugin for its
//! health. Not here: what is said over the connection.
//!
//! The connection goes to the very address that was looked at: a rule that denies an address would be none if another name for it
//! were enough. What cannot be known counts as refused.

use objectos_plugin_api::{
    Context, Host,
    contracts::grants::{GrantAnswer, GrantQuestion, GrantsClient},
};
use std::{
    net::{Ipv6Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use crate::{
    config::SmtpConfig,
    error::{MailError, Result},
};

/// Id of this plugin, as the operator's rules name it.
const OWN_ID: &str = "objectos.notification";
const CAPABILITY: &str = "network:connect";
/// So many addresses of one name are looked at.
const ADDRESSES_MAX: usize = 4;

/// The way to one mail server.
#[derive(Clone, Debug)]
pub(crate) struct Permit {
    grants: GrantsClient,
    /// Without brackets.
    host: String,
    port: u16,
    /// Host and port, as rules about hosts have them.
    authority: String,
    limit: Duration,
}

impl Permit {
    /// # Errors
    /// `Plugin` when the operator does not let this plugin use the service `grants`.
    pub(crate) fn new(smtp: &SmtpConfig, host: &Host) -> Result<Self> {
        let bare = smtp.host.trim_matches(['[', ']']);
        Ok(Self {
            grants: GrantsClient::open(host)?,
            host: bare.to_owned(),
            port: smtp.port(),
            authority: authority(bare, smtp.port()),
            limit: Duration::from_millis(smtp.timeout_ms),
        })
    }

    /// Whether the server may be connected to at all.
    ///
    /// # Errors
    /// `Denied`, naming the grant and the line of the operator's file; `Later` when it cannot be known.
    pub(crate) async fn server(&self) -> Result<()> {
        let answer = self.ask(&self.authority).await?;
        if answer.granted {
            return Ok(());
        }
        Err(refusal(&self.authority, &answer))
    }

    /// The address to connect to.
    ///
    /// # Errors
    /// As [`Permit::server`], also for a server whose addresses are all denied; `Later` when none is found or answers.
    pub(crate) async fn address(&self) -> Result<SocketAddr> {
        self.server().await?;
        let found = timeout(self.limit, lookup_host((self.host.as_str(), self.port))).await;
        let found: Vec<SocketAddr> = found
            .map_err(|_| self.later("its name was not looked up in time"))?
            .map_err(|error| self.later(&format!("the host is not known: {error}")))?
            .take(ADDRESSES_MAX)
            .collect();
        let (mut permitted, mut denied) = (Vec::new(), None);
        for address in found {
            let subject = SocketAddr::new(address.ip().to_canonical(), address.port()).to_string();
            let answer = self.ask(&subject).await?;
            if answer.denied_by.is_some() {
                denied = Some(refusal(&subject, &answer));
            } else {
                permitted.push(address);
            }
        }
        match (permitted.as_slice(), denied) {
            ([], Some(denied)) => Err(denied),
            ([], None) => Err(self.later("the host has no address")),
            ([only], _) => Ok(*only),
            (several, _) => self.first_to_answer(several).await,
        }
    }

    /// Of several addresses the first that takes a connection, so that one that is dead does not hide the others. It is tried with a
    /// connection of its own: once a mail is under way, a failure no longer says whether it was taken.
    async fn first_to_answer(&self, several: &[SocketAddr]) -> Result<SocketAddr> {
        let mut failure = None;
        for address in several {
            match timeout(self.limit, TcpStream::connect(address)).await {
                Ok(Ok(_)) => return Ok(*address),
                Ok(Err(error)) => failure = Some(format!("{address}: {error}")),
                Err(_) => failure = Some(format!("{address}: no answer within {} ms", self.limit.as_millis())),
            }
        }
        Err(self.later(&failure.unwrap_or_default()))
    }

    async fn ask(&self, subject: &str) -> Result<GrantAnswer> {
        let question = GrantQuestion {
            plugin: OWN_ID.to_owned(),
            capability: CAPABILITY.to_owned(),
            subject: subject.to_owned(),
        };
        let answer = self.grants.check(&Context::background(), &question).await;
        answer.map_err(|error| self.later(&format!("whether {CAPABILITY} is granted cannot be known: {error}")))
    }

    fn later(&self, why: &str) -> MailError {
        MailError::Later(format!("{}: {why}", self.authority))
    }
}

fn refusal(subject: &str, answer: &GrantAnswer) -> MailError {
    MailError::Denied(format!(
        "plugin {OWN_ID} may not connect to {subject}: it does not hold {CAPABILITY} for it, {}; {}",
        answer.reason, answer.remedy
    ))
}

/// Host and port as rules spell them: in lower case, an IPv6 address in brackets.
fn authority(host: &str, port: u16) -> String {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    match host.parse::<Ipv6Addr>() {
        Ok(_) => format!("[{host}]:{port}"),
        Err(_) => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_spelt_as_rules_spell_them() {
        for (host, expected) in [
            ("Mail.Example.ORG.", "mail.example.org:25"),
            ("192.0.2.7", "192.0.2.7:25"),
            ("2001:DB8::1", "[2001:db8::1]:25"),
        ] {
            assert_eq!(authority(host, 25), expected);
        }
    }
}
