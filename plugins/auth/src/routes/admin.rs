//! What administrators do with users: needs the system permission `manage_users`, and reaches as far as `reach` says. Acting as
//! somebody else is written down and shows in everything that is done meanwhile.

pub(super) mod keys;

use serde_json::{Map, Value, json};

use super::{Call, SignedIn, elsewhere, existence, session::confirm_key, sign, two_factor::factor_key};
use crate::{
    auth::{Note, USER, fact},
    bootstrap::{By, NewUser},
    error::{AuthError, Refusal, Result},
    http::{Body, Reply, cookie, percent},
    moment, policy,
    proofs::Kind,
    reach::Reach,
    records::kinds::{Session, User},
    sessions::{impersonation::PERMISSION, issue::Reason},
    view,
};

/// Somebody who manages users, and how far they reach.
struct Administrator {
    me: SignedIn,
    reach: Reach,
}

async fn administrator(call: &Call) -> Result<Administrator> {
    let me = call.owner().await?;
    call.auth.demand(&call.context, PERMISSION).await?;
    let reach = call.auth.reach(&call.context).await?;
    Ok(Administrator { me, reach })
}

impl Administrator {
    /// The user a request is about.
    async fn target(&self, call: &Call, body: &Body) -> Result<User> {
        let id = body.required("userId")?;
        call.auth.within(&call.context, &self.reach, id).await
    }

    /// The same, when they are no more than whoever calls.
    async fn lesser(&self, call: &Call, body: &Body) -> Result<User> {
        let user = self.target(call, body).await?;
        call.auth.demand_for_user(&call.context, &self.reach, &user).await?;
        Ok(user)
    }

    /// The same, when nobody else has a say in what becomes of the account.
    async fn own(&self, call: &Call, body: &Body) -> Result<User> {
        let user = self.lesser(call, body).await?;
        call.auth.check_own(&call.context, &self.reach, &user).await?;
        Ok(user)
    }
}

fn forget(call: &Call, user: &str) {
    call.auth.sessions.forget_user(user);
    call.auth.keys.forget_user(user);
}

/// `GET /admin/list-users?limit=&offset=&searchValue=`.
pub(super) async fn list_users(call: Call) -> Result<Reply> {
    let by = administrator(&call).await?;
    let query = call.request.query();
    let number = |name: &str, default: u64| {
        percent::parameter(query, name)
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or(default)
    };
    let (limit, offset) = (number("limit", 100).min(1000), number("offset", 0));
    let filter = match percent::parameter(query, "searchValue").filter(|text| !text.is_empty()) {
        Some(text) => json!({ "$or": [{ "email": { "$contains": text } }, { "name": { "$contains": text } }] }),
        None => json!({}),
    };
    let (users, total) = call.auth.users(&call.context, &by.reach, filter, offset, limit).await?;
    let users: Vec<Value> = users.iter().map(view::user).collect();
    Ok(Reply::ok(
        json!({ "users": users, "total": total, "limit": limit, "offset": offset }),
    ))
}

/// `POST /admin/create-user {email, name, password?, role?}`. Whoever reaches the members of an organisation makes one of them.
pub(super) async fn create_user(call: Call) -> Result<Reply> {
    let by = administrator(&call).await?;
    let body = call.body()?;
    let email = body.email("email")?;
    let name = body.required("name")?;
    let role = body.text("role")?;
    call.auth
        .demand_for_role(&call.context, &by.reach, role.unwrap_or(USER))
        .await?;
    let hash = match body.text("password")? {
        Some(password) => {
            policy::check(&call.auth.rules().password, password, &[&email, name])?;
            Some(call.auth.hasher.hash(password, &call.auth.secrets).await?)
        }
        None => None,
    };
    let new = NewUser {
        name: name.to_owned(),
        email,
        hash,
        role: role.map(ToOwned::to_owned),
        organization: by.reach.organization(),
        ..NewUser::default()
    };
    let making = call.auth.make_user(&call.context, &new, By::Administrator);
    let user = existence::counted_beyond(&call, &by.reach, &new.email, making).await?;
    Ok(Reply::ok(json!({ "user": view::user(&user) })))
}

/// `POST /admin/set-role {userId, role}`.
pub(super) async fn set_role(call: Call) -> Result<Reply> {
    let by = administrator(&call).await?;
    let body = call.body()?;
    let (user, role) = (by.own(&call, &body).await?, body.required("role")?);
    call.auth.demand_for_role(&call.context, &by.reach, role).await?;
    if user.id == by.me.live.user.id {
        return Err(AuthError::explained(
            Refusal::Forbidden,
            "Your own role is changed by somebody else",
        ));
    }
    let mut metadata = Map::new();
    metadata.insert("from".to_owned(), user.role.as_str().into());
    metadata.insert("to".to_owned(), role.into());
    let note = Note {
        user: Some(&user),
        description: "The role of a user was changed",
        metadata,
        ..Note::default()
    };
    let told = vec![note.event(&call.context, "authz.role_updated")?];
    let change = json!({ "role": role });
    let records = &call.auth.records;
    let changed: User = records.update_telling(&call.context, &user.id, &change, told).await?;
    forget(&call, &user.id);
    call.auth
        .end_impersonations(&call.context, &user, "The role of the administrator was changed")
        .await?;
    Ok(Reply::ok(json!({ "user": view::user(&changed) })))
}

/// `POST /admin/ban-user {userId, banReason?, banExpiresIn?}`; `banExpiresIn` in seconds. Ends every session of the user. Somebody
/// who is a member of other organisations, too, is put out of the one that is managed, and stays what they are elsewhere. Whom
/// the platform disabled before, an organisation does not disable anew.
pub(super) async fn ban(call: Call) -> Result<Reply> {
    let by = administrator(&call).await?;
    let body = call.body()?;
    let user = by.lesser(&call, &body).await?;
    if user.id == by.me.live.user.id {
        return Err(AuthError::explained(Refusal::Forbidden, "You cannot ban yourself"));
    }
    let expires = body
        .number("banExpiresIn")?
        .map(|seconds| moment::text(call.auth.now_ms().saturating_add(seconds.saturating_mul(1000))));
    let change = json!({
        "banned": true, "ban_reason": body.text("banReason")?, "ban_expires": expires,
        "banned_in": by.reach.organization(),
    });
    let (auth, context) = (&call.auth, &call.context);
    if let Some(organization) = auth.shared(context, &by.reach, &user).await? {
        elsewhere::put_out(&call, &user, &organization, "The user was put out of the organization").await?;
        return Ok(Reply::ok(json!({ "user": view::user(&user) })));
    }
    auth.check_ban(&by.reach, &user)?;
    let changed = auth
        .disable(context, &user, &change, &[], "The user was disabled")
        .await?;
    Ok(Reply::ok(json!({ "user": view::user(&changed) })))
}

/// `POST /admin/unban-user {userId}`, by the organisation that disabled them, or by the platform.
pub(super) async fn unban(call: Call) -> Result<Reply> {
    let by = administrator(&call).await?;
    let user = by.own(&call, &call.body()?).await?;
    call.auth.check_ban(&by.reach, &user)?;
    let change = json!({ "banned": false, "ban_reason": null, "ban_expires": null, "banned_in": null });
    let (records, version) = (&call.auth.records, by.reach.based_on(&user));
    let changed: User = records
        .update_based_on(&call.context, &user.id, change, version)
        .await?;
    forget(&call, &user.id);
    Ok(Reply::ok(json!({ "user": view::user(&changed) })))
}

/// `POST /admin/remove-user {userId}`. Whom the platform disabled, an organisation does not remove.
pub(super) async fn remove(call: Call) -> Result<Reply> {
    let by = administrator(&call).await?;
    let user = by.own(&call, &call.body()?).await?;
    if user.id == by.me.live.user.id {
        return Err(AuthError::explained(Refusal::Forbidden, "You cannot remove yourself"));
    }
    call.auth.check_ban(&by.reach, &user)?;
    call.auth
        .end_all(&call.context, &user, None, "The user was deleted")
        .await?;
    call.auth.records.delete::<User>(&call.context, &user.id).await?;
    forget(&call, &user.id);
    Ok(Reply::ok(json!({ "success": true })))
}

/// `POST /admin/set-user-password {userId, newPassword, keys?}`; `keys` ends the user's keys for programs, too.
pub(super) async fn set_password(call: Call) -> Result<Reply> {
    let by = administrator(&call).await?;
    let body = call.body()?;
    let user = by.own(&call, &body).await?;
    let keys = body.flag("keys")? == Some(true);
    let description = "The password was set by an administrator";
    super::password::set(&call, &user, body.required("newPassword")?, description).await?;
    call.auth.end_proofs(&call.context, &user).await?;
    call.auth.end_all(&call.context, &user, None, description).await?;
    if keys {
        super::api_key::end_all(&call, &user).await?;
    }
    Ok(Reply::ok(json!({ "status": true })))
}

/// `POST /admin/unlock-user {userId}`: the password, where it signs in and where it confirms something, and the second factor.
/// Whoever takes a lock off lets guesses at the account go on, in whatever organisation its user works.
pub(super) async fn unlock(call: Call) -> Result<Reply> {
    let by = administrator(&call).await?;
    let user = by.own(&call, &call.body()?).await?;
    let (auth, context) = (&call.auth, &call.context);
    let description = "The lock was taken away by an administrator";
    let mut told = vec![sign::telling(&call, &user, "auth.account_unlocked", description)?];
    // Told once, with the first that goes.
    for key in [factor_key(&user.id), confirm_key(&user.id)] {
        if auth.unlock_key(context, &key, told.clone()).await? {
            told.clear();
        }
    }
    auth.unlock(context, &user.email, told).await?;
    Ok(Reply::ok(json!({ "status": true })))
}

/// `POST /admin/list-user-sessions {userId}`: those of somebody who is a member of other organisations, too, as far as they work
/// in the one that is managed.
pub(super) async fn list_sessions(call: Call) -> Result<Reply> {
    let by = administrator(&call).await?;
    let user = by.target(&call, &call.body()?).await?;
    let (auth, context) = (&call.auth, &call.context);
    let filter = match auth.shared(context, &by.reach, &user).await? {
        None => json!({ "user_id": user.id }),
        Some(organization) => json!({ "user_id": user.id, "active_organization_id": organization }),
    };
    let sessions: Vec<Session> = auth.records.find(context, filter).await?;
    let sessions: Vec<Value> = sessions.iter().map(|session| view::session(session, None)).collect();
    Ok(Reply::ok(json!({ "sessions": sessions })))
}

/// `POST /admin/revoke-user-sessions {userId, keys?}`; `keys` ends the user's keys for programs, too, within reach.
pub(super) async fn revoke_sessions(call: Call) -> Result<Reply> {
    let by = administrator(&call).await?;
    let body = call.body()?;
    let user = by.lesser(&call, &body).await?;
    let keys = body.flag("keys")? == Some(true);
    let (auth, context) = (&call.auth, &call.context);
    let description = "The session was revoked by an administrator";
    match auth.shared(context, &by.reach, &user).await? {
        None => auth.end_all(context, &user, None, description).await.map(drop)?,
        Some(organization) => elsewhere::end_sessions(&call, &user, &organization, description).await?,
    }
    if keys {
        by.end_keys(&call, &user).await?;
    }
    Ok(Reply::ok(json!({ "success": true })))
}

/// `POST /admin/impersonate-user {userId}`: a session of an hour as that user. Nobody acts as an administrator, and nobody from
/// where the user may not come from.
pub(super) async fn impersonate(call: Call) -> Result<Reply> {
    let by = administrator(&call).await?;
    let (auth, me) = (&call.auth, &by.me);
    let user = by.target(&call, &call.body()?).await?;
    if user.id == me.live.user.id {
        return Err(Refusal::SelfImpersonation.into());
    }
    auth.check_impersonation(&call.context, &by.reach, &user).await?;
    // A session that its browser cannot even end would be no good.
    let rules = auth.rules_for(&call.context, &user).await?;
    rules.networks.admit(&fact(&call.context, "address"))?;
    let reason = Reason {
        impersonated_by: Some(me.live.user.id.clone()),
        impersonator_organization: Some(call.context.tenant().to_owned()).filter(|tenant| !tenant.is_empty()),
        method: "impersonation",
        ..Reason::default()
    };
    let issued = auth.issue(&call.context, &user, reason).await?;
    let back = auth
        .make_proof(
            &call.context,
            Kind::Impersonation,
            &issued.live.session.id,
            &me.token,
            3600,
        )
        .await?;
    let secure = call.secure();
    let reply = Reply::ok(json!({
        "session": view::session(&issued.live.session, Some(&issued.token)), "user": view::user(&user),
    }));
    Ok(reply
        .cookie(cookie::set(
            &auth.secrets,
            cookie::SESSION,
            &issued.token,
            Some(3600),
            secure,
        ))
        .cookie(cookie::set(
            &auth.secrets,
            cookie::ADMIN_SESSION,
            &back,
            Some(3600),
            secure,
        )))
}

/// `POST /admin/stop-impersonating`: ends that session; a browser gets its own back.
pub(super) async fn stop_impersonating(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let auth = &call.auth;
    if me.live.session.impersonated_by.is_none() {
        return Err(AuthError::explained(
            Refusal::Forbidden,
            "You are not impersonating anyone",
        ));
    }
    auth.end(
        &call.context,
        &me.live.user,
        &me.live.session,
        "auth.logout",
        "Acting as somebody else ended",
    )
    .await?;
    let secure = call.secure();
    let reply = Reply::ok(json!({ "success": true })).cookie(cookie::clear(cookie::ADMIN_SESSION, secure));
    let Some(back) = cookie::signed(&auth.secrets, call.cookies(), cookie::ADMIN_SESSION, secure) else {
        return Ok(reply.cookie(cookie::clear(cookie::SESSION, secure)));
    };
    let token: String = auth.take_proof(&call.context, Kind::Impersonation, &back).await?;
    let age = auth.config.session.max_age_s;
    Ok(reply.cookie(cookie::set(&auth.secrets, cookie::SESSION, &token, Some(age), secure)))
}
