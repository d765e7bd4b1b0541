//! What follows suspicious activity: the audit's rules find it and name what is to be done, and what concerns accounts and the
//! way in is done here. `lock_account` locks the account, `block_ip` takes nothing from the address any more, `require_mfa` lets
//! the user do nothing before they have a second factor.
//!
//! An alarm may come twice, and then comes to the same.

use objectos_plugin_api::{Context, contracts::events::SecurityEvent, protocol::system::SuspiciousActivityAction};
use serde_json::{Map, Value, json};

use crate::{
    auth::{Auth, Note},
    error::Result,
    moment,
    proofs::Kind,
    records::kinds::{Session, User},
    sessions::load::is_banned,
};

/// Name of the event.
pub(crate) const ALARM: &str = "security.suspicious_activity";

/// Whom an alarm means.
#[derive(Debug, Default)]
struct Suspect {
    /// Somebody known; none for an address without an account.
    user: Option<User>,
    /// The e-mail address that was tried.
    email: Option<String>,
    /// They were signed in, or a key of theirs was used: it is not somebody else who tries their account.
    acted: bool,
}

impl Auth {
    /// Does what an alarm asks for.
    pub(crate) async fn act_on(&self, context: &Context, alarm: &SecurityEvent) -> Result<()> {
        let asked = |action: SuspiciousActivityAction| {
            let actions = alarm.metadata.get("actions").and_then(Value::as_array);
            actions.is_some_and(|actions| actions.iter().any(|asked| asked == action.as_str()))
        };
        let suspect = self.suspect(context, alarm).await?;
        let rule = alarm.metadata.get("rule").and_then(Value::as_str).unwrap_or_default();
        if asked(SuspiciousActivityAction::LockAccount) {
            self.lock_suspect(context, &suspect, rule).await?;
        }
        if asked(SuspiciousActivityAction::RequireMfa)
            && let Some(user) = &suspect.user
        {
            self.require_second_factor(context, user).await?;
        }
        if asked(SuspiciousActivityAction::BlockIp)
            && let Some(address) = &alarm.origin.address
        {
            self.block_suspect(context, address, rule).await?;
        }
        Ok(())
    }

    async fn suspect(&self, context: &Context, alarm: &SecurityEvent) -> Result<Suspect> {
        let said = |key: &str| alarm.metadata.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
        // A key acts for its user, whatever the trail calls it: who is named as the actor has proved who they are.
        let actor = alarm.origin.actor_id.as_deref();
        let actor = actor.filter(|_| alarm.origin.actor_kind.as_deref() != Some("anonymous"));
        let mut user: Option<User> = None;
        if let Some(id) = actor {
            user = self.records.get(context, id).await?;
        }
        let acted = user.is_some();
        let named = said("userId").filter(|_| user.is_none());
        if let Some(id) = named {
            user = self.records.get(context, &id).await?;
        }
        let email = user.as_ref().map(|user| user.email.clone()).or_else(|| said("email"));
        if let (None, Some(email)) = (&user, &email) {
            user = self.records.find_one(context, json!({ "email": email })).await?;
        }
        Ok(Suspect { acted, user, email })
    }

    /// Somebody who acted is out until the lock ends, with every session and key. Where somebody else tries an account, its
    /// owner stays in: only signing in with the password has to wait.
    async fn lock_suspect(&self, context: &Context, suspect: &Suspect, rule: &str) -> Result<()> {
        let until_ms = self.now_ms() + self.config.lockout.lock_minutes.saturating_mul(60_000);
        let mut metadata = about(rule);
        if let (None, Some(email)) = (&suspect.user, &suspect.email) {
            metadata.insert("email".to_owned(), email.as_str().into());
        }
        let note = || Note {
            user: suspect.user.as_ref(),
            description: "An account was locked",
            failure: Some("suspicious activity"),
            metadata: metadata.clone(),
            ..Note::default()
        };
        let told = || note().event(context, "auth.account_locked");
        // Told with the first change there is, and by itself when everything was so already.
        let mut untold = true;
        if let Some(email) = &suspect.email {
            let key = self.secrets.lookup(email);
            untold = !self.lock(context, &key, until_ms, vec![told()?]).await?;
        }
        if let Some(user) = suspect.user.as_ref().filter(|_| suspect.acted)
            && !is_banned(user, self.now_ms())
        {
            let change = json!({
                "banned": true, "ban_reason": "suspicious activity", "ban_expires": moment::text(until_ms),
                "banned_in": null,
            });
            let told = if untold { vec![told()?] } else { Vec::new() };
            untold = false;
            self.disable(context, user, &change, &told, "The account was locked")
                .await?;
        }
        if untold {
            self.note(context, "auth.account_locked", note()).await?;
        }
        Ok(())
    }

    /// Sessions that showed none end where the user has one; where they have none, they can set one up and nothing else.
    async fn require_second_factor(&self, context: &Context, user: &User) -> Result<()> {
        if !user.mfa_required {
            self.records
                .update::<User>(context, &user.id, json!({ "mfa_required": true }))
                .await?;
        }
        self.drop_proofs(context, Kind::Device, &user.id).await?;
        let why = "Acting as somebody else ended: a second factor is required";
        self.end_impersonations(context, user, why).await?;
        if user.two_factor_enabled {
            let filter = json!({ "user_id": user.id });
            for session in self.records.find::<Session>(context, filter).await? {
                if !session.second_factor {
                    let why = "A session ended: a second factor is required";
                    self.end(context, user, &session, "auth.session_expired", why).await?;
                }
            }
        }
        self.sessions.forget_user(&user.id);
        Ok(())
    }

    async fn block_suspect(&self, context: &Context, address: &str, rule: &str) -> Result<()> {
        let until_ms = self.now_ms() + self.config.lockout.block_minutes.saturating_mul(60_000);
        let reason = format!("suspicious activity: {rule}");
        let note = Note {
            target: Some(("address", address)),
            description: "An address was blocked",
            metadata: about(rule),
            ..Note::default()
        };
        let told = vec![note.event(context, "security.address_blocked")?];
        self.block(context, address, until_ms, &reason, told).await
    }
}

fn about(rule: &str) -> Map<String, Value> {
    Map::from_iter([("rule".to_owned(), rule.into())])
}
