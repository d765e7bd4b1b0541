//! Things that are counted whenever they are done or go wrong, and wait once there were too many: mails somebody may ask for,
//! and answers that tell something. What is counted is `guard`'s, what then takes nothing `lock`'s; signing in counts by itself.

use objectos_plugin_api::Context;

use crate::{
    address,
    auth::Auth,
    error::{AuthError, Result},
    guard::Attempt,
};

/// Mails that one address of the network asks for are counted under this name.
const ASKED: &str = "mail:";
/// Registrations from one address of the network are counted under this name.
const SIGN_UP: &str = "sign-up:";
/// Ways in that went wrong, from one address of the network, are counted under this name.
const ENTRY: &str = "entry:";
/// Mails to one recipient, whoever asks, are counted under this name.
const RECIPIENT: &str = "mail-to:";

impl Auth {
    /// Admits something that is counted under a name, and from an address. The attempt is kept until it is counted, or not.
    ///
    /// # Errors
    /// `TooMany`, also for as long as too many closed the name.
    pub(crate) async fn admit_counted(&self, context: &Context, name: &str, address: &str) -> Result<Attempt> {
        self.admit_guess(context, &self.secrets.lookup(name), address).await
    }

    /// Counts it. When there were too many the name is closed for a while.
    pub(crate) async fn count(&self, context: &Context, attempt: &Attempt) -> Result<()> {
        self.failed(context, attempt, Vec::new(), Vec::new()).await?;
        Ok(())
    }

    /// Admits a registration. Those that tell something or go wrong are to be counted: by the address that they come from, and so
    /// that whoever shares it is not locked out for what one of them does.
    ///
    /// # Errors
    /// `TooMany`.
    pub(crate) async fn admit_sign_up(&self, context: &Context) -> Result<Attempt> {
        let address = format!("{SIGN_UP}{}", address::counted(context));
        self.admit_registration(context, &address).await
    }

    /// Admits somebody who comes in by something that is not guessed at, such as a link. Those that go wrong are to be counted, by
    /// the address that they come from.
    ///
    /// # Errors
    /// `TooMany`.
    pub(crate) async fn admit_entry(&self, context: &Context, method: &str) -> Result<Attempt> {
        let address = format!("{ENTRY}{method}:{}", address::counted(context));
        self.admit_registration(context, &address).await
    }

    /// Admits a mail that somebody asks for, so that nobody fills the mailboxes of others: neither one of them from many
    /// places, nor many from one.
    ///
    /// # Errors
    /// `TooMany`, whether or not the recipient has an account.
    pub(crate) async fn admit_mail(&self, context: &Context, recipient: &str) -> Result<()> {
        let name = format!("{RECIPIENT}{}", self.secrets.lookup(recipient));
        let address = format!("{ASKED}{}", address::counted(context));
        let attempt = self.admit_counted(context, &name, &address).await?;
        self.count(context, &attempt).await
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
