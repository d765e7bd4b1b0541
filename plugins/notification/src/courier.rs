//! The SMTP side: one connection for each mail, to an address that the operator lets it reach (`permit`), TLS as configured, and
//! a verdict whether trying again makes sense.

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::Mailbox,
    transport::smtp::{
        Error as SmtpError,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};
use objectos_plugin_api::{Host, contracts::mailer::MailMessage};
use std::{fmt, net::SocketAddr, time::Duration};

use crate::{
    config::{MailConfig, SmtpConfig, TlsMode},
    error::{MailError, Result},
    message,
    permit::Permit,
};

/// Answers of a server that does not know who we are: the operator can mend that, so the mail waits.
const AUTHENTICATION: [u16; 4] = [530, 534, 535, 538];

/// Takes mails to the server.
pub(crate) struct Courier {
    permit: Permit,
    tls: Tls,
    credentials: Option<Credentials>,
    timeout: Duration,
    from: Mailbox,
    reply_to: Option<String>,
    server: String,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl Courier {
    /// With what the operator set. Connects with the first mail.
    ///
    /// # Errors
    /// `Configuration`.
    pub(crate) fn new(config: &MailConfig, smtp: &SmtpConfig, host: &Host, permit: Permit) -> Result<Self> {
        let from = config.sender()?;
        if let Some(reply_to) = &config.reply_to {
            reply_to
                .parse::<Mailbox>()
                .map_err(|error| MailError::Configuration(format!("replyTo: `{reply_to}` is no address: {error}")))?;
        }
        let tls = tls(smtp)?;
        let mut credentials = None;
        if let Some((user, password)) = smtp.credentials(host)? {
            if smtp.tls == TlsMode::None && !is_this_machine(&smtp.host) {
                return Err(MailError::Configuration(
                    "smtp.tls is none and smtp.user is set: the password would go over the network for all to read; use starttls or implicit".to_owned(),
                ));
            }
            credentials = Some(Credentials::new(user, password));
        }
        Ok(Self {
            permit,
            tls,
            credentials,
            timeout: Duration::from_millis(smtp.timeout_ms),
            from,
            reply_to: config.reply_to.clone(),
            server: format!("{}:{}", smtp.host, smtp.port()),
        })
    }

    /// Sends a mail.
    ///
    /// # Errors
    /// `Denied` when the operator does not let it connect; `Later` when another attempt may succeed; `Refused` or `Message` when
    /// none will.
    pub(crate) async fn deliver(&self, id: &str, message: &MailMessage) -> Result<()> {
        let mail: Message = message::build(message, id, &self.from, self.reply_to.as_deref())?;
        let address = self.permit.address().await?;
        match self.transport(address).send(mail).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.judge(&error)),
        }
    }

    /// A way to this address alone. Certificates are held against the name that was configured.
    fn transport(&self, address: SocketAddr) -> AsyncSmtpTransport<Tokio1Executor> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
            .port(address.port())
            .timeout(Some(self.timeout))
            .tls(self.tls.clone());
        match &self.credentials {
            Some(credentials) => builder.credentials(credentials.clone()).build(),
            None => builder.build(),
        }
    }

    fn judge(&self, error: &SmtpError) -> MailError {
        let mut reason = format!("{}: {error}", self.server);
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            let text = cause.to_string();
            // Some layers only repeat what stands below them.
            if !reason.contains(&text) {
                reason.push_str(": ");
                reason.push_str(&text);
            }
            source = cause.source();
        }
        let unknown_to_server = error
            .status()
            .is_some_and(|code| AUTHENTICATION.contains(&u16::from(code)));
        if error.is_permanent() && !unknown_to_server {
            MailError::Refused(reason)
        } else {
            MailError::Later(reason)
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn tls(smtp: &SmtpConfig) -> Result<Tls> {
    if smtp.tls == TlsMode::None {
        return Ok(Tls::None);
    }
    let mut parameters = TlsParameters::builder(smtp.host.clone());
    if let Some(file) = &smtp.ca_file {
        let wrong = |text: String| MailError::Configuration(format!("smtp.caFile: {}: {text}", file.display()));
        let pem = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| wrong(error.to_string()))?;
        parameters = parameters.add_root_certificate(certificate);
    }
    let parameters = parameters
        .build_rustls()
        .map_err(|error| MailError::Configuration(format!("TLS towards {}: {error}", smtp.host)))?;
    Ok(match smtp.tls {
        TlsMode::Implicit => Tls::Wrapper(parameters),
        TlsMode::Starttls | TlsMode::None => Tls::Required(parameters),
    })
}
