//! Proofs that are awaited: links in mails, and what stands between two steps of a sign-in. Each is a record named by the hash
//! of its token, taken by deleting it: of two who bring the same token at once, one gets it.

use objectos_plugin_api::{Context, contracts::data::EventBeside};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    auth::Auth,
    crypto::{TOKEN_CHARS, hash_text, hash_token},
    error::{AuthError, Refusal, Result},
    moment,
    records::{
        PAGE, Record, deleting_based_on,
        kinds::{BlockedAddress, Session, User, Verification},
    },
};

/// Kinds of proofs: a token is good for its own kind alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Sets a new password.
    Reset,
    /// Verifies an address.
    Email,
    /// Signs in.
    Magic,
    /// Between password and second factor.
    TwoFactor,
    /// A device that need not show the second factor.
    Device,
    /// A sign-in at a provider that was begun.
    OAuth,
    /// The session an administrator goes back to.
    Impersonation,
    /// A challenge that a passkey is to sign.
    Passkey,
    /// The link of an invitation.
    Invitation,
}

/// Kinds that open an account, or a door of it, to whoever brings the token.
const OPENING: [Kind; 5] = [Kind::Reset, Kind::Email, Kind::Magic, Kind::TwoFactor, Kind::Device];

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Reset => "rp",
            Self::Email => "ev",
            Self::Magic => "ml",
            Self::TwoFactor => "tf",
            Self::Device => "td",
            Self::OAuth => "oa",
            Self::Impersonation => "im",
            Self::Passkey => "pk",
            Self::Invitation => "in",
        }
    }
}

fn id_of(kind: Kind, token: &str) -> String {
    format!("{}_{}", kind.prefix(), hash_text(&hash_token(token)))
}

impl Auth {
    /// Makes a proof that holds for so many seconds; answers its token. `identifier` is what all proofs of one person and
    /// kind are found by.
    pub(crate) async fn make_proof(
        &self,
        context: &Context,
        kind: Kind,
        identifier: &str,
        value: &impl Serialize,
        life_s: i64,
    ) -> Result<String> {
        self.make_proof_telling(context, kind, identifier, value, life_s, Vec::new())
            .await
    }

    /// The same, and tells of it.
    pub(crate) async fn make_proof_telling(
        &self,
        context: &Context,
        kind: Kind,
        identifier: &str,
        value: &impl Serialize,
        life_s: i64,
        told: Vec<EventBeside>,
    ) -> Result<String> {
        let token = self.secrets.token(TOKEN_CHARS);
        let value = serde_json::to_string(value).map_err(|error| AuthError::Internal(error.to_string()))?;
        let id = id_of(kind, &token);
        let record = json!({
            "id": id,
            "identifier": format!("{}:{identifier}", kind.prefix()),
            "value": self.secrets.seal(&id, &value),
            "expires_at": moment::text(self.now_ms() + life_s * 1000),
        });
        self.records
            .create_telling::<Verification>(context, &record, told)
            .await?;
        Ok(token)
    }

    /// Looks at a proof and leaves it.
    pub(crate) async fn peek_proof<T: DeserializeOwned>(
        &self,
        context: &Context,
        kind: Kind,
        token: &str,
    ) -> Result<T> {
        let id = id_of(kind, token);
        let found: Option<Verification> = self.records.get(context, &id).await?;
        let record = found.ok_or(Refusal::InvalidToken)?;
        if record.expires_at.as_deref().map_or(0, moment::ms) <= self.now_ms() {
            self.records.delete::<Verification>(context, &id).await?;
            return Err(Refusal::TokenExpired.into());
        }
        let value = self.secrets.open(&id, record.value.as_deref().unwrap_or_default())?;
        serde_json::from_str(&value).map_err(|error| {
            // One of another version of this plugin: whoever brings it asks for a new one.
            tracing::warn!(?kind, %error, "a proof cannot be read");
            Refusal::InvalidToken.into()
        })
    }

    /// Takes a proof: it is good once.
    pub(crate) async fn take_proof<T: DeserializeOwned>(
        &self,
        context: &Context,
        kind: Kind,
        token: &str,
    ) -> Result<T> {
        let value = self.peek_proof(context, kind, token).await?;
        if !self
            .records
            .delete::<Verification>(context, &id_of(kind, token))
            .await?
        {
            return Err(Refusal::InvalidToken.into());
        }
        Ok(value)
    }

    /// Takes away every proof of a kind that was made for one person.
    pub(crate) async fn drop_proofs(&self, context: &Context, kind: Kind, identifier: &str) -> Result<()> {
        let filter = json!({ "identifier": format!("{}:{identifier}", kind.prefix()) });
        self.sweep_out::<Verification>(context, &filter, |record| &record.id)
            .await
    }

    /// Takes away every proof that opens a user's account: what ends passwords, sessions or an address ends these, too, or
    /// whoever is shut out comes in again by a link from before.
    pub(crate) async fn end_proofs(&self, context: &Context, user: &User) -> Result<()> {
        for kind in OPENING {
            let identifier = if kind == Kind::Magic {
                self.secrets.lookup(&user.email)
            } else {
                user.id.clone()
            };
            self.drop_proofs(context, kind, &identifier).await?;
        }
        Ok(())
    }

    /// Takes away what was over at a moment: proofs, failures and locks, sessions, blocks.
    pub(crate) async fn sweep(&self, context: &Context, now_ms: i64) -> Result<()> {
        let over = json!({ "expires_at": { "$lt": moment::text(now_ms) } });
        self.sweep_over::<Verification>(context, &over, |record| (&record.id, &record.updated_at))
            .await?;
        self.sweep_over::<BlockedAddress>(context, &over, |record| (&record.id, &record.updated_at))
            .await?;
        let over = self.sessions_over(now_ms);
        loop {
            let sessions: Vec<Session> = self.records.find(context, over.clone()).await?;
            for session in &sessions {
                let user: Option<User> = self.records.get(context, &session.user_id).await?;
                let user = user.unwrap_or_default();
                self.end(context, &user, session, "auth.session_expired", "A session was over")
                    .await?;
            }
            if sessions.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Deletes every record that is over, by its id and its version: a lock or a block that was made longer since it was read
    /// stays.
    async fn sweep_over<T: Record>(&self, context: &Context, over: &Value, of: fn(&T) -> (&str, &str)) -> Result<()> {
        loop {
            let records: Vec<T> = self.records.find(context, over.clone()).await?;
            for record in &records {
                let (id, version) = of(record);
                let end = vec![deleting_based_on::<T>(id, version)];
                match self.records.transaction(context, end, Vec::new()).await {
                    Err(error) if error.is_not_found() || error.is_conflict() => {}
                    other => drop(other?),
                }
            }
            if records.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Deletes every record that matches.
    async fn sweep_out<T: Record>(&self, context: &Context, over: &Value, id: fn(&T) -> &str) -> Result<()> {
        loop {
            let records: Vec<T> = self.records.find(context, over.clone()).await?;
            for record in &records {
                self.records.delete::<T>(context, id(record)).await?;
            }
            if records.len() < PAGE {
                return Ok(());
            }
        }
    }
}
