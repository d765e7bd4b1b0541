//! From the store to a session in use: the record, its user, the role in the active organisation, the team there, and the
//! principal that comes of these.

use futures_util::future::try_join;
use objectos_plugin_api::{Context, Principal, PrincipalKind};
use serde_json::{Map, Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use super::{Live, impersonation::Acting};
use crate::{
    auth::Auth,
    crypto::{TokenHash, hash_text},
    error::{AuthError, Refusal, Result},
    moment,
    records::kinds::{Account, Member, Passkey, Session, Team, TeamMember, User},
    rules::Rules,
};

/// What a session is made ready with.
#[derive(Debug)]
pub(super) struct Place {
    /// Its user, who is not disabled.
    pub(super) user: User,
    /// The user's place in its active organisation.
    pub(super) member: Option<Member>,
    /// Its active team, to which the user belongs.
    pub(super) team: Option<String>,
    /// What is demanded of the user.
    pub(super) rules: Arc<Rules>,
}

/// Minutes as milliseconds; none is for ever.
fn minutes(minutes: Option<i64>) -> i64 {
    minutes.map_or(i64::MAX, |minutes| minutes.saturating_mul(60_000))
}

impl Auth {
    /// The session of a token, as the store has it now. `None`: there is none, it is over, or its user is disabled. `passive`:
    /// it is looked at and not used.
    pub(crate) async fn load(&self, context: &Context, hash: &TokenHash, passive: bool) -> Result<Option<Arc<Live>>> {
        if self.sessions.is_unknown(hash) {
            return Ok(None);
        }
        let epoch = self.sessions.epoch();
        let found: Option<Session> = self
            .records
            .find_one(context, json!({ "token_hash": hash_text(hash) }))
            .await?;
        let Some(session) = found else {
            self.sessions.forget(hash);
            self.sessions.set_unknown(*hash);
            return Ok(None);
        };
        let before = self.sessions.by_hash(hash);
        let found = session.clone();
        let Some(live) = self.enliven(context, session, *hash).await? else {
            self.sessions.forget(hash);
            self.end_useless(context, &found).await?;
            return Ok(None);
        };
        let now_ms = self.now_ms();
        if let Some(before) = before {
            live.seen_ms
                .fetch_max(before.seen_ms.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        if live.is_over(now_ms) {
            // Another node may have seen it later than the store knows yet: that is found out when it is used.
            if !passive {
                self.end_expired(context, &live).await?;
            }
            return Ok(None);
        }
        if !passive {
            live.seen_ms.fetch_max(now_ms, Ordering::Relaxed);
        }
        self.sessions.keep(&live, epoch);
        Ok(Some(live))
    }

    /// Takes a session out of the store whose user is disabled, or whose administrator may not act as its user any more: it does
    /// not come back with the user, nor with the right.
    async fn end_useless(&self, context: &Context, session: &Session) -> Result<()> {
        let context = context.as_system();
        let user: Option<User> = self.records.get(&context, &session.user_id).await?;
        let why = if session.impersonated_by.is_some() {
            "Acting as somebody else ended with the right to it"
        } else {
            "A session ended: its user is disabled"
        };
        self.end(
            &context,
            &user.unwrap_or_default(),
            session,
            "auth.session_expired",
            why,
        )
        .await
    }

    /// From when on a session is over by what the store knows, milliseconds since 1970. That it is in use is told to the store
    /// with a delay of a quarter of the idle time, which is granted here. Policies for some profiles end it when it is read.
    pub(crate) fn ends_ms(&self, session: &Session) -> i64 {
        let rules = self.rules();
        let policy = &rules.session;
        let signed_in = moment::ms(&session.signed_in_at);
        let seen = session.last_seen_at.as_deref().map_or(signed_in, moment::ms);
        let idle = minutes(policy.idle_timeout);
        moment::ms(&session.expires_at)
            .min(signed_in.saturating_add(minutes(policy.absolute_timeout)))
            .min(seen.saturating_add(idle).saturating_add(idle / 4))
    }

    /// A filter for the sessions that are over by then.
    pub(crate) fn sessions_over(&self, now_ms: i64) -> Value {
        let rules = self.rules();
        let policy = &rules.session;
        let before = |ms: i64| json!({ "$lt": moment::text(ms) });
        let mut ways = vec![json!({ "expires_at": before(now_ms) })];
        if let Some(absolute) = policy.absolute_timeout {
            ways.push(json!({ "signed_in_at": before(now_ms.saturating_sub(minutes(Some(absolute)))) }));
        }
        if let Some(idle) = policy.idle_timeout {
            let idle = minutes(Some(idle));
            let last = now_ms.saturating_sub(idle).saturating_sub(idle / 4);
            ways.push(json!({ "last_seen_at": before(last) }));
        }
        json!({ "$or": ways })
    }

    /// Makes a session ready for use. `None`: its user is gone or disabled, or whoever acts in it may not.
    pub(crate) async fn enliven(
        &self,
        context: &Context,
        session: Session,
        hash: TokenHash,
    ) -> Result<Option<Arc<Live>>> {
        let (user, (member, team)) = try_join(
            self.records.get::<User>(context, &session.user_id),
            self.places(context, &session),
        )
        .await?;
        let Some(user) = user.filter(|user| !is_banned(user, self.now_ms())) else {
            return Ok(None);
        };
        let acting = self.acting(context, &session, &user).await?;
        if matches!(acting, Acting::Nobody) {
            return Ok(None);
        }
        let mut rules = self.rules_for(context, &user).await?;
        if let Acting::Administrator(theirs) = acting {
            rules = Arc::new(rules.beside(&theirs));
        }
        let place = Place {
            user,
            member,
            team,
            rules,
        };
        self.live(context, session, hash, place).await.map(Some)
    }

    /// Makes a session ready for use, with what was read for it.
    pub(super) async fn live(
        &self,
        context: &Context,
        mut session: Session,
        hash: TokenHash,
        place: Place,
    ) -> Result<Arc<Live>> {
        let Place {
            user,
            member,
            team,
            rules,
        } = place;
        session.active_team_id = team;
        let restriction = if session.impersonated_by.is_some() {
            None
        } else {
            self.restriction(context, &user, session.second_factor, &rules).await?
        };
        let principal = principal(&session, &user, member.as_ref());
        let principal = serde_json::to_vec(&principal).map_err(|error| AuthError::Internal(error.to_string()))?;
        let identity = [b"{\"principal\":".as_slice(), &principal, b"}"].concat();
        let policy = &rules.session;
        let signed_in = moment::ms(&session.signed_in_at);
        let expires = moment::ms(&session.expires_at);
        let absolute = signed_in.saturating_add(minutes(policy.absolute_timeout));
        let renewable = session.remembered && session.impersonated_by.is_none();
        let renew_ms = if renewable {
            expires - policy.max_age_s * 1000 + policy.update_age_s * 1000
        } else {
            i64::MAX
        };
        let seen = session.last_seen_at.as_deref().map_or(signed_in, moment::ms);
        Ok(Arc::new(Live {
            identity,
            restriction,
            networks: rules.networks.clone(),
            hash,
            ends_ms: expires.min(absolute),
            renew_ms,
            idle_ms: minutes(policy.idle_timeout),
            seen_ms: AtomicI64::new(seen),
            stored_seen_ms: AtomicI64::new(seen),
            checked_ms: AtomicI64::new(self.now_ms()),
            renewing: AtomicBool::new(false),
            session,
            user,
        }))
    }

    /// The user's place in the session's active organisation, and the active team, as far as they still belong to it.
    async fn places(&self, context: &Context, session: &Session) -> Result<(Option<Member>, Option<String>)> {
        let Some(organization) = &session.active_organization_id else {
            return Ok((None, None));
        };
        let place = json!({ "organization_id": organization, "user_id": session.user_id });
        let member: Option<Member> = self.records.find_one(context, place).await?;
        let team = session.active_team_id.as_ref().filter(|_| member.is_some());
        let Some(team) = team else {
            return Ok((member, None));
        };
        let theirs = json!({ "id": team, "organization_id": organization });
        let place = json!({ "team_id": team, "user_id": session.user_id });
        let (found, place) = try_join(
            self.records.find_one::<Team>(context, theirs),
            self.records.find_one::<TeamMember>(context, place),
        )
        .await?;
        let team = found.and(place).map(|place| place.team_id);
        Ok((member, team))
    }

    /// Why somebody may do nothing but set that right; `shown` says that they came with a second factor.
    pub(crate) async fn restriction(
        &self,
        context: &Context,
        user: &User,
        shown: bool,
        rules: &Rules,
    ) -> Result<Option<Refusal>> {
        if demands_second_factor(user, rules) && !shown {
            return Ok(Some(Refusal::MfaRequired));
        }
        let Some(days) = rules.password.expiration_days else {
            return Ok(None);
        };
        let account = self.credential(context, &user.id).await?;
        let changed = account.and_then(|account| account.password_changed_at);
        let expires = changed.map(|changed| moment::ms(&changed).saturating_add(i64::from(days) * 86_400_000));
        Ok(expires
            .filter(|expires| *expires <= self.now_ms())
            .map(|_| Refusal::PasswordExpired))
    }

    /// Whether a user has a second factor: an authenticator app, or a passkey that asks for a finger or a PIN.
    pub(crate) async fn has_second_factor(&self, context: &Context, user: &User) -> Result<bool> {
        if user.two_factor_enabled {
            return Ok(true);
        }
        let filter = json!({ "user_id": user.id, "user_verified": true });
        Ok(self.records.find_one::<Passkey>(context, filter).await?.is_some())
    }

    /// The account with a user's password.
    pub(crate) async fn credential(&self, context: &Context, user: &str) -> Result<Option<Account>> {
        self.records
            .find_one(context, json!({ "provider_id": CREDENTIAL, "account_id": user }))
            .await
    }
}

/// Provider of accounts with a password; their account id is the user's.
pub(crate) const CREDENTIAL: &str = "credential";

/// Whether a user has to come with a second factor.
pub(crate) fn demands_second_factor(user: &User, rules: &Rules) -> bool {
    rules.session.force_mfa || user.mfa_required
}

/// Whether a user is disabled at a moment.
pub(crate) fn is_banned(user: &User, now_ms: i64) -> bool {
    let over = user
        .ban_expires
        .as_deref()
        .is_some_and(|expires| moment::ms(expires) <= now_ms);
    user.banned && !over
}

/// A user at work in an organisation, or in none, whatever they came with.
pub(crate) fn person(user: &User, member: Option<&Member>) -> Principal {
    let mut roles = vec![user.role.clone()];
    if let Some(member) = member {
        roles.extend(member.role.split(',').map(|role| format!("org:{}", role.trim())));
    }
    Principal {
        id: user.id.clone(),
        kind: PrincipalKind::User,
        name: Some(user.name.clone()),
        email: Some(user.email.clone()),
        tenant: member.map(|member| member.organization_id.clone()),
        roles,
        permission_sets: Vec::new(),
        session: None,
        attributes: preferences(user),
    }
}

/// What users set for themselves and expressions read.
pub(crate) fn preferences(user: &User) -> Map<String, Value> {
    let zone = user.timezone.as_deref();
    zone.map(|zone| ("timezone".to_owned(), zone.into()))
        .into_iter()
        .collect()
}

/// Who stands behind a session. A user who left the active organisation works in none.
fn principal(session: &Session, user: &User, member: Option<&Member>) -> Principal {
    let mut attributes = preferences(user);
    attributes.insert("emailVerified".to_owned(), Value::Bool(user.email_verified));
    attributes.insert("twoFactor".to_owned(), Value::Bool(session.second_factor));
    if let Some(administrator) = &session.impersonated_by {
        attributes.insert("impersonatedBy".to_owned(), administrator.as_str().into());
    }
    if let Some(team) = &session.active_team_id {
        attributes.insert("team".to_owned(), team.as_str().into());
    }
    Principal {
        session: Some(session.id.clone()),
        attributes,
        ..person(user, member)
    }
}
