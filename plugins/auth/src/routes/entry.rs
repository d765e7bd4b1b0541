//! How somebody comes in who proved who they are, by whatever means: whether they may, whether a second factor is to follow, and
//! the session with its answer.

use serde_json::json;

use super::{Call, sign::refused};
use crate::{
    auth::fact,
    error::{AuthError, Refusal, Result},
    http::{Reply, cookie, percent},
    proofs::Kind,
    records::kinds::User,
    sessions::{issue::Reason, load::is_banned},
    view,
};

/// Seconds between the first proof and the second factor.
const TWO_FACTOR_S: i64 = 600;

/// How somebody who proved who they are comes in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// `password`, `totp`, …
    pub(crate) method: &'static str,
    /// The session goes with the browser.
    pub(crate) forget: bool,
    /// A second factor was shown.
    pub(crate) second_factor: bool,
    /// Where the browser goes, instead of an answer in JSON.
    pub(crate) redirect: Option<String>,
    /// The sessions' epoch from before the user was read, where it was read just for this.
    pub(crate) read_at: Option<u64>,
}

/// Makes the session and the answer, for somebody who comes from where they may. The session that the request came with, if it
/// is the same user's, ends: a new proof is a new token.
pub(crate) async fn enter(call: &Call, user: &User, entry: Entry) -> Result<Reply> {
    let auth = &call.auth;
    let rules = auth.rules_for(&call.context, user).await?;
    if let Err(refusal) = rules.networks.admit(&fact(&call.context, "address")) {
        refused(call, user, entry.method, "the network is none that is trusted").await?;
        return Err(refusal);
    }
    let before = match call.maybe_signed_in().await {
        Ok(before) => before,
        // Whatever is wrong with the old one is no reason against the new one.
        Err(AuthError::Refused(_) | AuthError::Explained { .. }) => None,
        Err(error) => return Err(error),
    };
    let reason = Reason {
        forget: entry.forget,
        second_factor: entry.second_factor,
        method: entry.method,
        sign_in: true,
        read_at: entry.read_at,
        rules: Some(rules),
        ..Reason::default()
    };
    let issued = auth.issue(&call.context, user, reason).await?;
    if let Some(before) = before.filter(|before| before.live.user.id == user.id) {
        let event = "auth.session_expired";
        auth.end(
            &call.context,
            user,
            &before.live.session,
            event,
            "A session was followed by another",
        )
        .await?;
    }
    let age = (!entry.forget).then_some(auth.config.session.max_age_s);
    let cookie = cookie::set(&auth.secrets, cookie::SESSION, &issued.token, age, call.secure());
    let reply = match &entry.redirect {
        Some(url) => Reply::redirect(url),
        None => Reply::ok(view::sign_in_answer(&issued.live.session, user, &issued.token)),
    };
    Ok(reply
        .cookie(cookie)
        .header("set-auth-token", cookie::value(&auth.secrets, &issued.token)))
}

/// Refuses somebody who proved who they are, by this method, and may not come in all the same.
pub(super) async fn check_standing(call: &Call, user: &User, method: &str, callback: Option<&str>) -> Result<()> {
    let auth = &call.auth;
    if is_banned(user, auth.now_ms()) {
        refused(call, user, method, "the account is disabled").await?;
        return Err(Refusal::Banned.into());
    }
    if auth.config.require_email_verification && !user.email_verified {
        if auth.may_mail() {
            super::email::send_later(call, user, callback);
        }
        refused(call, user, method, "the address is not verified").await?;
        return Err(Refusal::EmailNotVerified.into());
    }
    Ok(())
}

/// Lets somebody in who proved who they are, or leads them to the second factor that they have and did not show: the same way
/// for whatever they proved it with.
pub(super) async fn proceed(call: &Call, user: &User, mut entry: Entry) -> Result<Reply> {
    if user.two_factor_enabled && !entry.second_factor {
        if !is_trusted_device(call, user).await? {
            return second_step(call, user, &entry).await;
        }
        // It was shown on this device, which is why the device is trusted.
        entry.second_factor = true;
    }
    enter(call, user, entry).await
}

/// What somebody is told who has to show the second factor. A browser on its way is sent on to its page, which reads the same
/// from its address and asks for the code.
async fn second_step(call: &Call, user: &User, entry: &Entry) -> Result<Reply> {
    let auth = &call.auth;
    let proof = json!({ "user": user.id, "forget": entry.forget });
    let token = auth
        .make_proof(&call.context, Kind::TwoFactor, &user.id, &proof, TWO_FACTOR_S)
        .await?;
    let cookie = cookie::set(
        &auth.secrets,
        cookie::TWO_FACTOR,
        &token,
        Some(TWO_FACTOR_S),
        call.secure(),
    );
    let reply = match &entry.redirect {
        Some(page) => {
            let told = [("twoFactorRedirect", "true"), ("twoFactorMethods", "totp")];
            Reply::redirect(&percent::extend(page, &told))
        }
        None => Reply::ok(json!({ "twoFactorRedirect": true, "twoFactorMethods": ["totp"] })),
    };
    Ok(reply.cookie(cookie))
}

/// Whether the second factor was shown on this device before, and the device marked as trusted.
async fn is_trusted_device(call: &Call, user: &User) -> Result<bool> {
    let token = cookie::signed(
        &call.auth.secrets,
        call.cookies(),
        cookie::TRUSTED_DEVICE,
        call.secure(),
    );
    let Some(token) = token else { return Ok(false) };
    match call
        .auth
        .peek_proof::<String>(&call.context, Kind::Device, &token)
        .await
    {
        Ok(owner) => Ok(owner == user.id),
        Err(AuthError::Refused(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
