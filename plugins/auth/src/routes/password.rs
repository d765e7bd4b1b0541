//! Passwords: changed by their owner, or set anew with a link from a mail. Whoever asks for such a link is told the same,
//! whether or not the address is one of ours.

use objectos_plugin_api::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;

use super::{
    Call, api_key,
    distrust::{Spared, distrust},
    fresh::fresh_owner,
    session::confirm_password,
    sign,
};
use crate::{
    auth::{Auth, Note},
    bootstrap::password_place,
    error::{AuthError, Refusal, Result},
    http::{Reply, cookie, percent},
    mail::UNSENT,
    moment, policy,
    proofs::Kind,
    records::{
        changing,
        kinds::{Account, User},
        making,
    },
    rules::Rules,
    sessions::{issue::Reason, load::is_banned},
    view,
};

/// What a link proves.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claim {
    user: String,
    /// The address the link went to; it says nothing of another one.
    email: String,
}

/// `POST /change-password {currentPassword, newPassword, revokeOtherSessions?}`.
pub(super) async fn change(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let (current, new) = (body.required("currentPassword")?, body.required("newPassword")?);
    let user = &me.live.user;
    confirm_password(&call, user, current).await?;
    set(&call, user, new, "The password was changed").await?;
    call.auth.end_proofs(&call.context, user).await?;
    if body.flag("revokeOtherSessions")? != Some(true) {
        call.auth.sessions.forget_user(&user.id);
        return Ok(Reply::ok(json!({ "token": null, "user": view::user(user) })));
    }
    let auth = &call.auth;
    auth.end_all(&call.context, user, None, "The password was changed")
        .await?;
    let reason = Reason {
        forget: !me.live.session.remembered,
        second_factor: me.live.session.second_factor,
        organization: me.live.session.active_organization_id.clone(),
        method: "password",
        ..Reason::default()
    };
    let forget = reason.forget;
    let issued = auth.issue(&call.context, user, reason).await?;
    let age = (!forget).then_some(auth.config.session.max_age_s);
    let reply = Reply::ok(json!({ "token": issued.token, "user": view::user(user) }));
    Ok(reply.cookie(cookie::set(
        &auth.secrets,
        cookie::SESSION,
        &issued.token,
        age,
        call.secure(),
    )))
}

/// `POST /set-initial-password {newPassword}`: for users who came by a provider, and signed in not long ago. A password outlives
/// the session it is set in, so an old one is not enough.
pub(super) async fn set_initial(call: Call) -> Result<Reply> {
    let me = fresh_owner(&call).await?;
    let body = call.body()?;
    let new = body.required("newPassword")?;
    let user = &me.live.user;
    if call.auth.credential(&call.context, &user.id).await?.is_some() {
        return Err(Refusal::PasswordAlreadySet.into());
    }
    set(&call, user, new, "A first password was set").await?;
    call.auth.end_proofs(&call.context, user).await?;
    Ok(Reply::ok(json!({ "status": true })))
}

/// `POST /verify-password {password}`.
pub(super) async fn verify(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    confirm_password(&call, &me.live.user, call.body()?.required("password")?).await?;
    Ok(Reply::ok(json!({ "status": true })))
}

/// `POST /request-password-reset {email, redirectTo?}`.
pub(super) async fn request_reset(call: Call) -> Result<Reply> {
    let body = call.body()?;
    let email = body.email("email")?;
    let redirect = body.text("redirectTo")?;
    sign::check_callback(&call.auth, redirect)?;
    if !call.auth.may_mail() {
        return Err(Refusal::MailUnavailable.into());
    }
    call.auth.admit_mail(&call.context, &email).await?;
    let (auth, context) = (Arc::clone(&call.auth), call.context.clone());
    let redirect = redirect.map(ToOwned::to_owned);
    call.auth.later.run("a link to set a new password", async move {
        send_reset(&auth, &context, &email, redirect.as_deref()).await
    });
    Ok(Reply::ok(json!({
        "status": true,
        "message": "If this email exists in our system, check your email for the reset link",
    })))
}

/// Sends the link, if there is somebody to send it to.
async fn send_reset(auth: &Auth, context: &Context, email: &str, redirect: Option<&str>) -> Result<()> {
    let user: Option<User> = auth.records.find_one(context, json!({ "email": email })).await?;
    let Some(user) = user.filter(|user| !is_banned(user, auth.now_ms())) else {
        return Ok(());
    };
    let minutes = auth.config.links.reset_minutes;
    auth.drop_proofs(context, Kind::Reset, &user.id).await?;
    let claim = Claim {
        user: user.id.clone(),
        email: user.email.clone(),
    };
    let event = "auth.password_reset_requested";
    let note = |failure| Note {
        user: Some(&user),
        description: "A link to set a new password was sent",
        failure,
        ..Note::default()
    };
    let told = vec![note(None).event(context, event)?];
    let token = auth
        .make_proof_telling(context, Kind::Reset, &user.id, &claim, minutes * 60, told)
        .await?;
    let callback = redirect.map(|url| format!("?{}", percent::query(&[("callbackURL", url)])));
    let link = format!(
        "{}/api/v1/auth/reset-password/{token}{}",
        auth.base_url(),
        callback.unwrap_or_default()
    );
    let text = format!(
        "Hello {},\n\nsomebody asked for a new password of your account. To set one, open\n\n{link}\n\nwithin {minutes} minutes. If it was not you, do nothing: your password stays as it is.\n",
        user.name
    );
    let sent = auth
        .mail(context, &user.email, "password_reset", "Set a new password", text)
        .await;
    if sent.is_err() {
        auth.note(context, event, note(Some(UNSENT))).await?;
    }
    sent
}

/// `GET /reset-password/{token}?callbackURL=`: from the mail to the page that asks for the new password.
pub(super) async fn reset_page(call: Call) -> Result<Reply> {
    let token = call.request.parameter("token").to_owned();
    let callback = percent::parameter(call.request.query(), "callbackURL");
    sign::check_callback(&call.auth, callback.as_deref())?;
    let page = callback.unwrap_or_else(|| "/reset-password".to_owned());
    let join = if page.contains('?') { '&' } else { '?' };
    let good = call.auth.peek_proof::<Claim>(&call.context, Kind::Reset, &token).await;
    let query = match good {
        Ok(_) => percent::query(&[("token", &token)]),
        Err(AuthError::Refused(_)) => percent::query(&[("error", "INVALID_TOKEN")]),
        Err(error) => return Err(error),
    };
    Ok(Reply::redirect(&format!("{page}{join}{query}")))
}

/// `POST /reset-password {newPassword, token, keys?}`; `keys` ends the user's keys for programs, too.
pub(super) async fn reset(call: Call) -> Result<Reply> {
    let body = call.body()?;
    let new = body.required("newPassword")?;
    let token = match body.text("token")? {
        Some(token) => token.to_owned(),
        None => crate::http::body::query(&call.request, "token")?,
    };
    let keys = body.flag("keys")? == Some(true);
    let auth = &call.auth;
    // The token is taken only for a password that can be set.
    let claim: Claim = auth.peek_proof(&call.context, Kind::Reset, &token).await?;
    let user: Option<User> = auth.records.get(&call.context, &claim.user).await?;
    let user = user.ok_or(Refusal::InvalidToken)?;
    if is_banned(&user, auth.now_ms()) || user.email != claim.email {
        return Err(Refusal::InvalidToken.into());
    }
    let rules = auth.rules_for(&call.context, &user).await?;
    policy::check(&rules.password, new, &[&user.email, &user.name])?;
    check_history(&call, &user, new, &rules).await?;
    let _: Claim = auth.take_proof(&call.context, Kind::Reset, &token).await?;
    if !user.email_verified {
        // The link came by that address; whoever registered it may have been somebody else.
        distrust(&call, &user, Spared::Nothing).await?;
    }
    let mut operations = vec![setting(&call, &user, new).await?];
    if !user.email_verified {
        operations.push(changing::<User>(&user.id, &json!({ "email_verified": true })));
    }
    let told = sign::telling(&call, &user, "auth.password_reset", "The password was set anew by mail")?;
    auth.records.transaction(&call.context, operations, vec![told]).await?;
    auth.end_proofs(&call.context, &user).await?;
    auth.end_all(&call.context, &user, None, "The password was set anew")
        .await?;
    if keys {
        api_key::end_all(&call, &user).await?;
    }
    auth.unlock(&call.context, &user.email, Vec::new()).await?;
    Ok(Reply::ok(json!({ "status": true })))
}

/// Whether the password was one of the last few.
async fn check_history(call: &Call, user: &User, new: &str, rules: &Rules) -> Result<()> {
    let auth = &call.auth;
    if rules.password.history_count == 0 {
        return Ok(());
    }
    let Some(account) = auth.credential(&call.context, &user.id).await? else {
        return Ok(());
    };
    let earlier = history(&account)
        .into_iter()
        .take(rules.password.history_count.saturating_sub(1));
    for sealed in account.password.iter().cloned().chain(earlier) {
        let hash = auth.secrets.open(&password_place(&user.id), &sealed)?;
        if auth.hasher.verify(new, Some(hash)).await? {
            return Err(Refusal::PasswordReused.into());
        }
    }
    Ok(())
}

/// Sealed hashes of earlier passwords, latest first.
fn history(account: &Account) -> Vec<String> {
    let earlier = account.password_history.as_ref().and_then(Value::as_array);
    earlier
        .into_iter()
        .flatten()
        .filter_map(|sealed| sealed.as_str().map(ToOwned::to_owned))
        .collect()
}

/// Holds a new password to the rules, stores it, and tells that it was changed.
pub(super) async fn set(call: &Call, user: &User, new: &str, description: &str) -> Result<()> {
    let operations = vec![setting(call, user, new).await?];
    let told = sign::telling(call, user, "auth.password_changed", description)?;
    let records = &call.auth.records;
    records.transaction(&call.context, operations, vec![told]).await?;
    Ok(())
}

/// Holds a new password to the rules, and answers the operation that stores it.
async fn setting(call: &Call, user: &User, new: &str) -> Result<Value> {
    let auth = &call.auth;
    let rules = auth.rules_for(&call.context, user).await?;
    policy::check(&rules.password, new, &[&user.email, &user.name])?;
    check_history(call, user, new, &rules).await?;
    let hash = auth.hasher.hash(new, &auth.secrets).await?;
    let Some(account) = auth.credential(&call.context, &user.id).await? else {
        return Ok(making::<Account>(&auth.credential_record(&user.id, &hash, None)));
    };
    let keep = rules.password.history_count.saturating_sub(1);
    let earlier: Vec<String> = account
        .password
        .iter()
        .cloned()
        .chain(history(&account))
        .take(keep)
        .collect();
    let mut change = Map::new();
    let sealed = auth.secrets.seal(&password_place(&user.id), &hash);
    change.insert("password".to_owned(), sealed.into());
    change.insert("password_history".to_owned(), json!(earlier));
    change.insert("password_changed_at".to_owned(), moment::text(auth.now_ms()).into());
    Ok(changing::<Account>(&account.id, &Value::Object(change)))
}
