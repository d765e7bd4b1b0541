//! Makes, renews and ends sessions. A token is shown once, to whoever signed in; the store keeps its hash.

use objectos_plugin_api::{Context, contracts::data::EventBeside};
use serde_json::{Map, Value, json};
use std::sync::{Arc, atomic::Ordering};

use super::{Live, load::Place};
use crate::{
    auth::{Auth, Note, fact},
    bootstrap::ID_CHARS,
    crypto::{TOKEN_CHARS, hash_text, hash_token},
    error::{Refusal, Result},
    http::cookie,
    moment,
    records::kinds::{Member, Session, User},
    rules::Rules,
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
    /// Somebody signs in, which is told as such, too.
    pub(crate) sign_in: bool,
    /// The sessions' epoch from before the user was read: while none is forgotten, what was read since is as it was.
    pub(crate) read_at: Option<u64>,
    /// What is demanded of the user, read since then.
    pub(crate) rules: Option<Arc<Rules>>,
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
    /// Makes a session, and tells of it in the same transaction.
    pub(crate) async fn issue(&self, context: &Context, user: &User, reason: Reason) -> Result<Issued> {
        let token = self.secrets.token(TOKEN_CHARS);
        let hash = hash_token(&token);
        // Before anything is read or written: whoever ends sessions from here on may have ended this one.
        let epoch = self.sessions.epoch();
        let member = match &reason.organization {
            Some(_) => None,
            None => self.first_place(context, user, &reason).await?,
        };
        let organization = reason.organization.as_deref();
        let organization = organization.or(member.as_ref().map(|member| member.organization_id.as_str()));
        let id = self.secrets.token(ID_CHARS);
        let mut record = self.session_record(context, user, &reason, organization);
        record["id"] = id.as_str().into();
        record["token_hash"] = hash_text(&hash).into();
        let told = told(context, user, &reason, &id)?;
        let session: Session = self.records.create_telling(context, &record, told).await?;
        self.hold_maximum(context, user).await?;
        let as_read = reason.read_at == Some(self.sessions.epoch()) && reason.organization.is_none();
        let live = match reason.rules.filter(|_| as_read && reason.impersonated_by.is_none()) {
            Some(rules) => {
                let (user, team) = (user.clone(), None);
                let place = Place {
                    user,
                    member,
                    team,
                    rules,
                };
                Some(self.live(context, session.clone(), hash, place).await?)
            }
            None => self.enliven(context, session.clone(), hash).await?,
        };
        let Some(live) = live else {
            let why = "A session ended: its user was disabled meanwhile";
            self.end(context, user, &session, "auth.session_expired", why).await?;
            return Err(Refusal::Banned.into());
        };
        self.sessions.keep(&live, epoch);
        Ok(Issued { token, live })
    }

    /// The record of a session, but for its id and its token.
    fn session_record(&self, context: &Context, user: &User, reason: &Reason, organization: Option<&str>) -> Value {
        let now_ms = self.now_ms();
        let life_s = match (&reason.impersonated_by, reason.forget) {
            (Some(_), _) => IMPERSONATION_S,
            (None, true) => UNREMEMBERED_S.min(self.sessions.policy.max_age_s),
            (None, false) => self.sessions.policy.max_age_s,
        };
        json!({
            "user_id": user.id,
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
        })
    }

    /// Where a session begins: whoever is in one organisation alone works there from the start, whoever is in several where they
    /// worked last. An administrator who acts as one of the latter chooses.
    async fn first_place(&self, context: &Context, user: &User, reason: &Reason) -> Result<Option<Member>> {
        let query = json!({ "where": { "user_id": user.id }, "limit": 2, "count": false });
        let mut members: Vec<Member> = self.records.query(context, query).await?;
        match members.len() {
            0 | 1 => Ok(members.pop()),
            _ if reason.impersonated_by.is_some() => Ok(None),
            _ => self.last_place(context, user).await,
        }
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

    /// Ends a session, and tells of it.
    pub(crate) async fn end(
        &self,
        context: &Context,
        user: &User,
        session: &Session,
        event: &str,
        description: &str,
    ) -> Result<()> {
        let told = vec![ended(context, user, session, event, description)?];
        // First out of memory: from here on this node asks the store. And once more, for whoever read it in between.
        self.sessions.forget_id(&session.id);
        let deleted = self.records.delete_telling::<Session>(context, &session.id, told).await;
        self.sessions.forget_id(&session.id);
        // One that was gone was told of by whoever ended it.
        deleted.map(drop)
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
    pub(crate) async fn end_of(
        &self,
        context: &Context,
        user: &User,
        session: &Session,
        description: &str,
    ) -> Result<()> {
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
        // Before it is written: one that is ended right afterwards does not come back into memory.
        let epoch = self.sessions.epoch();
        let written = self
            .records
            .update::<Session>(context, &live.session.id, Value::Object(change))
            .await;
        live.renewing.store(false, Ordering::Relaxed);
        match written {
            Ok(session) if renewed => {
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

/// What is told of a session that ends.
pub(crate) fn ended(
    context: &Context,
    user: &User,
    session: &Session,
    event: &str,
    description: &str,
) -> Result<EventBeside> {
    let note = Note {
        user: Some(user),
        target: Some(("session", &session.id)),
        description,
        by_user: event == "auth.logout",
        session: Some(&session.id),
        ..Note::default()
    };
    note.event(context, event)
}

/// What is told of a session that begins.
fn told(context: &Context, user: &User, reason: &Reason, id: &str) -> Result<Vec<EventBeside>> {
    let mut metadata = Map::new();
    metadata.insert("method".to_owned(), reason.method.into());
    let begun = Note {
        user: Some(user),
        target: Some(("session", id)),
        description: "A session began",
        metadata: metadata.clone(),
        by_user: reason.impersonated_by.is_none(),
        session: Some(id),
        ..Note::default()
    };
    let mut told = vec![begun.event(context, "auth.session_created")?];
    if reason.sign_in {
        let entered = Note {
            user: Some(user),
            description: "A user signed in",
            metadata,
            by_user: true,
            session: Some(id),
            ..Note::default()
        };
        told.push(entered.event(context, "auth.login")?);
    }
    Ok(told)
}
