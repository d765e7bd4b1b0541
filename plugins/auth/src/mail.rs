//! Mails to people. They go out by the service `mailer`; where there is none, development writes them into the log, so that
//! their links can be tried, and production refuses what would need one.

use objectos_plugin_api::{Context, ErrorKind, contracts::mailer::MailMessage};

use crate::{
    auth::Auth,
    error::{Refusal, Result},
};

/// Why a link that was told of did not get there.
pub(crate) const UNSENT: &str = "the mail did not go out";

impl Auth {
    /// Whether a mail can go out at all.
    pub(crate) fn may_mail(&self) -> bool {
        self.mailer.available() || self.development
    }

    /// Sends a mail.
    pub(crate) async fn mail(
        &self,
        context: &Context,
        to: &str,
        category: &str,
        subject: &str,
        text: String,
    ) -> Result<()> {
        self.deliver(context, to, category, subject, text).await?;
        Ok(())
    }

    /// Sends a mail; false when no mail server took it, and it was written into the log.
    ///
    /// # Errors
    /// One that `is_unavailable` when nothing takes it at all.
    pub(crate) async fn deliver(
        &self,
        context: &Context,
        to: &str,
        category: &str,
        subject: &str,
        text: String,
    ) -> Result<bool> {
        let message = MailMessage {
            to: vec![to.to_owned()],
            subject: subject.to_owned(),
            text,
            category: category.to_owned(),
            ..MailMessage::default()
        };
        if self.mailer.available() {
            match self.mailer.send(&context.as_system(), &message).await {
                Ok(_) => return Ok(true),
                Err(error) if self.development && error.kind() == ErrorKind::Unavailable => {}
                Err(error) => return Err(error.into()),
            }
        }
        if !self.development {
            return Err(Refusal::MailUnavailable.into());
        }
        tracing::info!(
            to,
            category,
            subject,
            text = message.text,
            "a mail that no mail server takes"
        );
        Ok(false)
    }
}
