//! Things that are counted whenever they are done or go wrong, and wait once there were too many: mails somebody may ask for,
//! and answers that tell something. What is counted is `guard`'s, what then takes nothing `lock`'s; signing in counts by itself.

use objectos_plugin_api::Context;

use crate::{
    auth::{Auth, fact},
    error::{AuthError, Result},
    guard::{Attempt, Consequence},
};

/// Mails that one address of the network asks for are counted under this name.
const ASKED: &str = "mail:";
/// Mails to one recipient, whoever asks, are counted under this name.
const RECIPIENT: &str = "mail-to:";

impl Auth {
    /// Admits something that is counted under a name, and from an address.
    ///
    /// # Errors
    /// `TooMany`, also for as long as [`Auth::count`] closed the name.
    pub(crate) async fn admit_counted(&self, context: &Context, name: &str, address: &str) -> Result<Attempt> {
        let attempt = self.admit(context, name, address).await?;
        self.check_lock(context, &self.secrets.lookup(name), self.now_ms())
            .await?;
        Ok(attempt)
    }

    /// Counts it. When there were too many the name is closed for a while: their records are gone then, so the lock alone
    /// remembers them.
    pub(crate) async fn count(&self, context: &Context, name: &str, attempt: &Attempt) -> Result<()> {
        if let Consequence::Lock { until_ms } = self.failed(context, attempt).await? {
            self.lock(context, &self.secrets.lookup(name), until_ms).await?;
        }
        Ok(())
    }

    /// Admits a mail that somebody asks for, so that nobody fills the mailboxes of others: neither one of them from many
    /// places, nor many from one.
    ///
    /// # Errors
    /// `TooMany`, whether or not the recipient has an account.
    pub(crate) async fn admit_mail(&self, context: &Context, recipient: &str) -> Result<()> {
        let name = format!("{RECIPIENT}{}", self.secrets.lookup(recipient));
        let address = format!("{ASKED}{}", fact(context, "address"));
        let attempt = self.admit_counted(context, &name, &address).await?;
        self.count(context, &name, &attempt).await
    }

    /// The same for a mail that nobody asks for by itself: it is left out when there were too many.
    pub(crate) async fn takes_mail(&self, context: &Context, recipient: &str) -> Result<bool> {
        match self.admit_mail(context, recipient).await {
            Ok(()) => Ok(true),
            Err(AuthError::TooMany { .. }) => {
                tracing::info!("a mail was left out: its recipient got many lately");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}
