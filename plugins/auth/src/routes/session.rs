//! Sessions as their owner sees them, and what a client may know before anybody signs in.

use serde_json::{Value, json};

use super::{Call, failure};
use crate::{
    config::SignUp,
    crypto::hash_token,
    error::{Refusal, Result},
    http::Reply,
    records::kinds::{Session, User},
    view,
};

/// `GET /get-session`: who is signed in, or `null`.
pub(super) async fn get(call: Call) -> Result<Reply> {
    let Some(signed_in) = call.maybe_signed_in().await? else {
        return Ok(Reply::ok(Value::Null));
    };
    let reply = Reply::ok(view::session_answer(&signed_in));
    Ok(match signed_in.renewed {
        Some(cookie) => reply.cookie(cookie),
        None => reply,
    })
}

/// `GET /config`: what a sign-in page shows.
pub(super) async fn config(call: Call) -> Result<Reply> {
    let (auth, config) = (&call.auth, &call.auth.config);
    let open = auth.sign_up() == SignUp::Open || !auth.is_administered(&call.context).await?;
    Ok(Reply::ok(json!({
        "success": true,
        "data": {
            "emailPassword": {
                "enabled": true,
                "disableSignUp": !open,
                "requireEmailVerification": config.require_email_verification,
            },
            "socialProviders": auth.providers.list(),
            "features": {
                "twoFactor": config.two_factor.enabled,
                "passkeys": config.passkey.enabled,
                "magicLink": config.links.magic_links && auth.may_mail(),
                "organization": true,
            },
        },
    })))
}

/// `GET /providers`.
pub(super) async fn providers(call: Call) -> Result<Reply> {
    let providers = call.auth.providers.list();
    Ok(Reply::ok(
        json!({ "success": true, "data": { "providers": providers }, "providers": providers }),
    ))
}

/// `GET /bootstrap-status`.
pub(super) async fn bootstrap_status(call: Call) -> Result<Reply> {
    let has_owner = call.auth.is_administered(&call.context).await?;
    Ok(Reply::ok(json!({ "hasOwner": has_owner })))
}

/// `GET /ok`.
pub(super) async fn ok(_: Call) -> Result<Reply> {
    Ok(Reply::ok(json!({ "ok": true })))
}

/// `GET /list-sessions`.
pub(super) async fn list(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let sessions: Vec<Session> = call
        .auth
        .records
        .find(&call.context, json!({ "user_id": me.live.user.id }))
        .await?;
    let now_ms = call.auth.now_ms();
    let sessions: Vec<Value> = sessions
        .iter()
        .filter(|session| session.id == me.live.session.id || call.auth.ends_ms(session) > now_ms)
        .filter(|session| session.impersonated_by.is_none())
        .map(|session| {
            let own = session.id == me.live.session.id;
            view::session(session, own.then_some(me.token.as_str()))
        })
        .collect();
    Ok(Reply::ok(Value::Array(sessions)))
}

/// `POST /revoke-session {token}`: the token itself, or the id that stands in its place in the list.
pub(super) async fn revoke(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let token = body.required("token")?;
    let hash = crate::crypto::hash_text(&hash_token(token));
    let filter = json!({ "user_id": me.live.user.id, "$or": [{ "id": token }, { "token_hash": hash }] });
    let found: Option<Session> = call.auth.records.find_one(&call.context, filter).await?;
    if let Some(session) = found {
        end(&call, &me.live.user, &session).await?;
    }
    Ok(Reply::ok(json!({ "status": true })))
}

async fn end(call: &Call, user: &User, session: &Session) -> Result<()> {
    let event = "auth.session_expired";
    call.auth
        .end(
            &call.context,
            user,
            session,
            event,
            "A session was revoked by its owner",
        )
        .await
}

/// `POST /revoke-other-sessions`.
pub(super) async fn revoke_others(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let (user, own) = (&me.live.user, &me.live.session.id);
    call.auth
        .end_all(&call.context, user, Some(own), "A session was revoked by its owner")
        .await?;
    Ok(Reply::ok(json!({ "status": true })))
}

/// `POST /revoke-sessions`: all, the caller's own among them.
pub(super) async fn revoke_all(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    call.auth
        .end_all(&call.context, &me.live.user, None, "A session was revoked by its owner")
        .await?;
    Ok(Reply::ok(json!({ "status": true })))
}

/// Under which name wrong passwords are counted where somebody signed in confirms something.
pub(super) fn confirm_key(user: &str) -> String {
    format!("confirm:{user}")
}

/// Refuses what only a fresh proof may do: the password once more.
pub(super) async fn confirm_password(call: &Call, user: &User, password: &str) -> Result<()> {
    let (auth, context) = (&call.auth, &call.context);
    let account = auth
        .credential(context, &user.id)
        .await?
        .ok_or(Refusal::NoCredentialAccount)?;
    let hash = super::sign::open_hash(auth, &account)?;
    let address = crate::address::counted(context);
    let attempt = auth.admit_guess(context, &confirm_key(&user.id), &address).await?;
    if auth.hasher.verify(password, hash).await? {
        return auth.succeeded(context, &attempt, Vec::new()).await;
    }
    let note = |description, why| failure::note(Some(user), "confirm_password", description, why);
    let wrong = note("A password was not confirmed", Refusal::InvalidPassword.message());
    let wrong = vec![wrong.event(context, failure::FAILED)?];
    let locked = note("Confirming a password was locked", "too many wrong passwords");
    let locked = vec![locked.event(context, failure::LOCKED)?];
    auth.failed(context, &attempt, wrong, locked).await?;
    Err(Refusal::InvalidPassword.into())
}
