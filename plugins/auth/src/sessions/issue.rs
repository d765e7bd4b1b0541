//! Makes, renews and ends sessions. A token is shown once, to whoever signed in; the store keeps its hash.

use objectos_plugin_api::Context;
use serde_json::{Map, Value, json};
use std::sync::{Arc, atomic::Ordering};

use super::Live;
use crate::{
    auth::{Auth, Note, fact},
    crypto::{TOKEN_CHARS, hash_text, hash_token},
    error::{AuthError, Result},
    http::cookie,
    moment,
    records::kinds::{Member, Session, User},
};

/// Life of a session that is not to be remembered, seconds.
const UNREMEMBERED_S: i64 = 24 * 3600;
/// Life of a session in which an administrator acts as somebody else, seconds.
const IMPERSONATION_S: i64 = 3600;

/// How a session comes to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reason {
    /// Goes with the browser, and sooner.
    pub(crate) forget: bool,
    /// A second factor was shown.
    pub(crate) second_factor: bool,
    /// The administrator who acts as the user.
    pub(crate) impersonated_by: Option<String>,
    /// The organisation that the administrator works in.
    pub(crate) impersonator_organization: Option<String>,
    /// The organisation it begins in.
    pub(crate) organization: Option<String>,
    /// How the user proved who they are: `password`, `totp`, `magic_link`, …
    pub(crate) method: &'static str,
}

/// A session that was just made.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    /// What the client sends from now on.
    pub(crate) token: String,
    /// The session.
    pub(crate) live: Arc<Live>,
}

impl Auth {
    /// Makes a session.
    pub(crate) async fn issue(&self, context: &Context, user: &User, reason: Reason) -> Result<Issued> {
        let token = self.secrets.token(TOKEN_CHARS);
        let hash = hash_token(&token);
        let now_ms = self.now_ms();
        let life_s = match (&reason.impersonated_by, reason.forget) {
            (Some(_), _) => IMPERSONATION_S,
            (None, true) => UNREMEMBERED_S.min(self.sessions.policy.max_age_s),
            (None, false) => self.sessions.policy.max_age_s,
        };
        let organization = match &reason.organization {
            Some(organization) => Some(organization.clone()),
            None => self.only_organization(context, user).await?,
        };
        let session: Session = self
            .records
            .create(
                context,
                json!({
                    "user_id": user.id,
                    "token_hash": hash_text(&hash),
                    "expires_at": moment::text(now_ms + life_s * 1000),
                    "signed_in_at": moment::text(now_ms),
                    "last_seen_at": moment::text(now_ms),
                    "ip_address": fact(context, "address"),
                    "user_agent": fact(context, "userAgent"),
                    "active_organization_id": organization,
                    "impersonated_by": reason.impersonated_by,
                    "impersonator_organization_id": reason.impersonator_organization,
                    "remembered": !reason.forget,
                    "second_factor": reason.second_factor,
                }),
            )
            .await?;
        self.hold_maximum(context, user).await?;
        let epoch = self.sessions.epoch();
        let live = self.enliven(context, session, hash).await?;
        let live = live.ok_or_else(|| AuthError::Internal("a session was made for a disabled user".to_owned()))?;
        self.sessions.keep(&live, epoch);
        let mut metadata = Map::new();
        metadata.insert("method".to_owned(), reason.method.into());
        let note = Note {
            user: Some(user),
            target: Some(("session", &live.session.id)),
            description: "A session began",
            metadata,
            by_user: reason.impersonated_by.is_none(),
            session: Some(&live.session.id),
            ..Note::default()
        };
        self.note(context, "auth.session_created", note).await?;
        Ok(Issued { token, live })
    }

    /// Whoever is in one organisation alone works there from the start.
    async fn only_organization(&self, context: &Context, user: &User) -> Result<Option<String>> {
        let query = json!({ "where": { "user_id": user.id }, "limit": 2, "count": false });
        let members: Vec<Member> = self.records.query(context, query).await?;
        Ok(match members.as_slice() {
            [member] => Some(member.organization_id.clone()),
            _ => None,
        })
    }

    /// Ends the oldest sessions of a user who has more than they may.
    async fn hold_maximum(&self, context: &Context, user: &User) -> Result<()> {
        let Some(max) = self.sessions.policy.max_concurrent else {
            return Ok(());
        };
        let mut sessions: Vec<Session> = self.records.find(context, json!({ "user_id": user.id })).await?;
        let now_ms = self.now_ms();
        // One that is over takes nobody's place.
        sessions.retain(|session| self.ends_ms(session) > now_ms);
        let surplus = sessions.len().saturating_sub(max.max(1));
        for session in sessions.iter().take(surplus) {
            self.end(
                context,
                user,
                session,
                "auth.session_expired",
                "A session ended: too many at once",
            )
            .await?;
        }
        Ok(())
    }

    /// Ends a session.
    pub(crate) async fn end(
        &self,
        context: &Context,
        user: &User,
        session: &Session,
        event: &str,
        description: &str,
    ) -> Result<()> {
        // First out of memory: from here on this node asks the store. And once more, for whoever read it in between.
        self.sessions.forget_id(&session.id);
        let deleted = self.records.delete::<Session>(context, &session.id).await?;
        self.sessions.forget_id(&session.id);
        if !deleted {
            return Ok(());
        }
        let note = Note {
            user: Some(user),
            target: Some(("session", &session.id)),
            description,
            by_user: event == "auth.logout",
            session: Some(&session.id),
            ..Note::default()
        };
        self.note(context, event, note).await
    }

    /// Ends all sessions of a user but one, and all in which they act as somebody else. Answers how many.
    pub(crate) async fn end_all(
        &self,
        context: &Context,
        user: &User,
        except: Option<&str>,
        description: &str,
    ) -> Result<usize> {
        let mut count = 0;
        loop {
            let theirs = json!({ "$or": [{ "user_id": user.id }, { "impersonated_by": user.id }] });
            let sessions: Vec<Session> = self.records.find(context, theirs).await?;
            let ending: Vec<&Session> = sessions
                .iter()
                .filter(|session| except != Some(session.id.as_str()))
                .collect();
            if ending.is_empty() {
                return Ok(count);
            }
            for session in ending {
                self.end_of(context, user, session, description).await?;
                count += 1;
            }
        }
    }

    /// Ends every session in which a user acts as somebody else.
    pub(crate) async fn end_impersonations(&self, context: &Context, user: &User, description: &str) -> Result<()> {
        loop {
            let acting = json!({ "impersonated_by": user.id });
            let sessions: Vec<Session> = self.records.find(context, acting).await?;
            if sessions.is_empty() {
                return Ok(());
            }
            for session in &sessions {
                self.end_of(context, user, session, description).await?;
            }
        }
    }

    /// Ends a session of a user, or one in which the user acts as somebody else: then it is told as that one's.
    async fn end_of(&self, context: &Context, user: &User, session: &Session, description: &str) -> Result<()> {
        let event = "auth.session_expired";
        if session.user_id == user.id {
            return self.end(context, user, session, event, description).await;
        }
        let owner: Option<User> = self.records.get(context, &session.user_id).await?;
        let owner = owner.unwrap_or_default();
        self.end(context, &owner, session, event, description).await
    }

    /// Takes a session that is over out of the store.
    pub(super) async fn end_expired(&self, context: &Context, live: &Live) -> Result<()> {
        let context = context.as_system();
        self.end(
            &context,
            &live.user,
            &live.session,
            "auth.session_expired",
            "A session was over",
        )
        .await
    }

    /// Renews a session that is due, and tells the store that it is in use. Answers the cookie to send, if it was renewed.
    pub(crate) async fn renew(
        &self,
        context: &Context,
        live: &Live,
        token: &str,
        secure: bool,
    ) -> Result<Option<String>> {
        let now_ms = self.now_ms();
        let renewed = now_ms >= live.renew_ms;
        let mut change = Map::new();
        change.insert("last_seen_at".to_owned(), moment::text(now_ms).into());
        if renewed {
            let expires = now_ms + self.sessions.policy.max_age_s * 1000;
            change.insert("expires_at".to_owned(), moment::text(expires).into());
        }
        let written = self
            .records
            .update::<Session>(context, &live.session.id, Value::Object(change))
            .await;
        live.renewing.store(false, Ordering::Relaxed);
        match written {
            Ok(session) if renewed => {
                let epoch = self.sessions.epoch();
                if let Some(live) = self.enliven(context, session, live.hash).await? {
                    self.sessions.keep(&live, epoch);
                }
                let age = self.sessions.policy.max_age_s;
                Ok(Some(cookie::set(
                    &self.secrets,
                    cookie::SESSION,
                    token,
                    Some(age),
                    secure,
                )))
            }
            Ok(_) => {
                live.stored_seen_ms.store(now_ms, Ordering::Relaxed);
                Ok(None)
            }
            // Ended meanwhile: the next look into the store says so.
            Err(error) if error.is_not_found() => {
                self.sessions.forget(&live.hash);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
