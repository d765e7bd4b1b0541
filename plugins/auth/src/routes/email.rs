//! Addresses: verified by a link that was sent to them, and changed only that way.

use objectos_plugin_api::Context;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

use super::{
    Call, Entry, SignedIn,
    distrust::{Spared, distrust},
    enter, existence, fresh, sign,
};
use crate::{
    auth::{Auth, Note},
    error::{AuthError, Refusal, Result},
    http::{Reply, body, cookie, percent},
    mail::UNSENT,
    proofs::Kind,
    records::kinds::User,
    sessions::load::is_banned,
    view,
};

/// Name of the event of a link that goes out.
const SENT: &str = "auth.email_verification_sent";
/// What is done after an answer.
const LINK: &str = "a link to verify an address";

/// What stands before the id of a user whose account was registered in a browser.
const REGISTRANT: &str = "registrant:";

/// What a link proves.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claim {
    user: String,
    /// The address the link went to.
    email: String,
    /// The address of the user when it was sent; another one means that it is out of date.
    from: String,
}

/// What became of an account whose address was verified.
struct Taken {
    user: User,
    /// The password went that somebody set who need not be the owner.
    dropped: bool,
}

/// The cookie by which a browser shows that an account was registered in it, as long as the link to verify its address is good. It
/// opens nothing: it keeps what came with the registration when the link is opened there.
pub(super) fn registrant(call: &Call, user: &str) -> String {
    let age_s = call.auth.config.links.verify_minutes * 60;
    let value = format!("{REGISTRANT}{user}");
    cookie::set(
        &call.auth.secrets,
        cookie::REGISTRANT,
        &value,
        Some(age_s),
        call.secure(),
    )
}

/// Whether an account was registered in the browser that a request comes from.
fn is_registrant(call: &Call, user: &User) -> bool {
    let shown = cookie::signed(&call.auth.secrets, call.cookies(), cookie::REGISTRANT, call.secure());
    shown.is_some_and(|shown| shown.strip_prefix(REGISTRANT) == Some(user.id.as_str()))
}

/// Sends the link that verifies an address.
async fn send(auth: &Auth, context: &Context, user: &User, email: &str, callback: Option<&str>) -> Result<()> {
    let claim = Claim {
        user: user.id.clone(),
        email: email.to_owned(),
        from: user.email.clone(),
    };
    let minutes = auth.config.links.verify_minutes;
    let note = |failure| Note {
        user: Some(user),
        description: "A link to verify an address was sent",
        failure,
        ..Note::default()
    };
    auth.drop_proofs(context, Kind::Email, &user.id).await?;
    let told = vec![note(None).event(context, SENT)?];
    let token = auth
        .make_proof_telling(context, Kind::Email, &user.id, &claim, minutes * 60, told)
        .await?;
    let query = percent::query(&[("token", &token), ("callbackURL", callback.unwrap_or("/"))]);
    let link = format!("{}/api/v1/auth/verify-email?{query}", auth.base_url());
    let text = format!(
        "Hello {},\n\nto verify that this address is yours, open\n\n{link}\n\nwithin {} hours{}.\n",
        user.name,
        (minutes / 60).max(1),
        if email == user.email {
            ""
        } else {
            ", where you are signed in"
        }
    );
    let subject = "Verify your e-mail address";
    let sent = auth.mail(context, email, "email_verification", subject, text).await;
    if sent.is_err() {
        auth.note(context, SENT, note(Some(UNSENT))).await?;
    }
    sent
}

/// Sends the link to a user's own address after the answer: that one is sent shows neither in its time nor in how it goes.
pub(super) fn send_later(call: &Call, user: &User, callback: Option<&str>) {
    let (auth, context, user) = (Arc::clone(&call.auth), call.context.clone(), user.clone());
    let callback = callback.map(ToOwned::to_owned);
    call.auth.later.run(LINK, async move {
        if !auth.takes_mail(&context, &user.email).await? {
            return Ok(());
        }
        send(&auth, &context, &user, &user.email, callback.as_deref()).await
    });
}

/// `POST /send-verification-email {email, callbackURL?}`.
pub(super) async fn send_verification(call: Call) -> Result<Reply> {
    let body = call.body()?;
    let callback = body.text("callbackURL")?;
    sign::check_callback(&call.auth, callback)?;
    if !call.auth.may_mail() {
        return Err(Refusal::MailUnavailable.into());
    }
    let email = body.email("email")?;
    call.auth.admit_mail(&call.context, &email).await?;
    if let Some(SignedIn { live, .. }) = call.maybe_signed_in().await?
        && live.user.email == email
        && live.user.email_verified
    {
        return Err(Refusal::EmailAlreadyVerified.into());
    }
    // Nobody is told whether there is such a user, or verified already.
    let (auth, context) = (Arc::clone(&call.auth), call.context.clone());
    let callback = callback.map(ToOwned::to_owned);
    call.auth.later.run(LINK, async move {
        let user: Option<User> = auth.records.find_one(&context, json!({ "email": email })).await?;
        match user.filter(|user| !user.email_verified && !is_banned(user, auth.now_ms())) {
            Some(user) => send(&auth, &context, &user, &user.email, callback.as_deref()).await,
            None => Ok(()),
        }
    });
    Ok(Reply::ok(json!({ "status": true })))
}

/// `GET /verify-email?token=&callbackURL=`. `setPassword` in the answer, or in the query of the page, says that the account has no
/// password any more: its owner sets one, with the session that comes with it, or with a link (`request-password-reset`).
pub(super) async fn verify(call: Call) -> Result<Reply> {
    let token = body::query(&call.request, "token")?;
    let callback = percent::parameter(call.request.query(), "callbackURL").filter(|url| !url.is_empty());
    sign::check_callback(&call.auth, callback.as_deref())?;
    match take(&call, &token).await {
        Ok(Taken { user, dropped }) => {
            let callback = match callback {
                Some(url) if dropped => Some(percent::extend(&url, &[("setPassword", "true")])),
                other => other,
            };
            let signed_in = call.maybe_signed_in().await?;
            if signed_in.is_none() && call.auth.config.require_email_verification && !user.two_factor_enabled {
                let entry = Entry {
                    method: "email_verification",
                    redirect: callback,
                    ..Entry::default()
                };
                return enter(&call, &user, entry).await;
            }
            Ok(match callback {
                Some(url) => Reply::redirect(&url),
                None => {
                    let mut answer = json!({ "status": true, "user": view::user(&user) });
                    if dropped {
                        answer["setPassword"] = true.into();
                    }
                    Reply::ok(answer)
                }
            })
        }
        Err(AuthError::Refused(refusal) | AuthError::Explained { refusal, .. }) if callback.is_some() => {
            let page = callback.unwrap_or_default();
            let join = if page.contains('?') { '&' } else { '?' };
            let query = percent::query(&[("error", refusal.code())]);
            Ok(Reply::redirect(&format!("{page}{join}{query}")))
        }
        Err(error) => Err(error),
    }
}

/// Whether it is the account's own session that a request comes with.
async fn is_own(call: &Call, user: &User) -> Result<bool> {
    match call.maybe_signed_in().await {
        Ok(me) => Ok(me.is_some_and(|me| {
            let session = &me.live.session;
            session.user_id == user.id && session.impersonated_by.is_none()
        })),
        // Whatever is wrong with it, it shows nothing.
        Err(AuthError::Refused(_) | AuthError::Explained { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Does what a link is for. Whoever opens it reads the mails of the address, and need not be whoever has the account: the one
/// may have registered with the address of the other. With the account's own session both are shown to be one, and everything
/// stays. Without it,
/// * an account takes no other address: its owner signs in and opens the link again, and nobody is given somebody else's account;
/// * of an account that was not verified, every way in goes, as with a link that signs in, the password that it was registered with
///   among them: whoever opens the link may be the owner of an address that somebody else registered. In the browser in which it
///   was registered that password stays, and what was set up since goes;
/// * where a second factor is among that, its owner is asked to sign in first: it is not taken away for a link alone.
async fn take(call: &Call, token: &str) -> Result<Taken> {
    let auth = &call.auth;
    // The token is taken only for what can be done.
    let claim: Claim = auth.peek_proof(&call.context, Kind::Email, token).await?;
    let user: Option<User> = auth.records.get(&call.context, &claim.user).await?;
    let user = user
        .filter(|user| user.email == claim.from && !is_banned(user, auth.now_ms()))
        .ok_or(Refusal::InvalidToken)?;
    let own = is_own(call, &user).await?;
    let doubtful = !own && !user.email_verified;
    if !own && (claim.email != user.email || (doubtful && user.two_factor_enabled)) {
        return Err(AuthError::explained(
            Refusal::Unauthorized,
            "Sign in to the account first, and open the link again",
        ));
    }
    let _: Claim = auth.take_proof(&call.context, Kind::Email, token).await?;
    let spared = if is_registrant(call, &user) {
        Spared::FromStart
    } else {
        Spared::Nothing
    };
    let dropped = doubtful && distrust(call, &user, spared).await?;
    let change = json!({ "email": claim.email, "email_verified": true });
    let verified = User {
        email: claim.email,
        ..user.clone()
    };
    let told = sign::telling(call, &verified, "auth.email_verified", "An e-mail address was verified")?;
    let changed = auth
        .records
        .update_telling::<User>(&call.context, &user.id, &change, vec![told])
        .await;
    let before = user;
    let user = match changed {
        Err(error) if error.duplicate().is_some() => return Err(Refusal::UserExists.into()),
        other => other?,
    };
    if user.email != before.email {
        auth.end_proofs(&call.context, &before).await?;
    }
    auth.forget_user(&user.id);
    Ok(Taken { user, dropped })
}

/// `POST /change-email {newEmail, callbackURL?, password?}`: takes effect when the link in the mail to the new address is
/// opened with a session of the account. Needs a session that is fresh, or the password. Where no mail goes out, an address that
/// was never verified is put right at once.
pub(super) async fn change(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let email = body.email("newEmail")?;
    let callback = body.text("callbackURL")?;
    sign::check_callback(&call.auth, callback)?;
    fresh::confirm(&call, &me, body.text("password")?).await?;
    let (auth, user) = (&call.auth, &me.live.user);
    if email == user.email {
        return Err(AuthError::explained(Refusal::InvalidEmail, "Email is the same"));
    }
    if !auth.may_mail() {
        if user.email_verified || auth.config.require_email_verification {
            return Err(Refusal::MailUnavailable.into());
        }
        let changed = existence::counted(&call, put_right(&call, user, &email)).await?;
        return Ok(Reply::ok(json!({ "status": true, "user": view::user(&changed) })));
    }
    auth.admit_mail(&call.context, &email).await?;
    let (auth, context, user) = (Arc::clone(auth), call.context.clone(), user.clone());
    let callback = callback.map(ToOwned::to_owned);
    call.auth.later.run(LINK, async move {
        let taken: Option<User> = auth.records.find_one(&context, json!({ "email": email })).await?;
        match taken {
            Some(_) => Ok(()),
            None => send(&auth, &context, &user, &email, callback.as_deref()).await,
        }
    });
    Ok(Reply::ok(json!({ "status": true })))
}

/// Gives a user an address that nobody showed to be theirs, in the place of another such.
async fn put_right(call: &Call, user: &User, email: &str) -> Result<User> {
    let auth = &call.auth;
    let change = json!({ "email": email, "email_verified": false });
    let changed = auth.records.update::<User>(&call.context, &user.id, change).await;
    let changed = match changed {
        Err(error) if error.duplicate().is_some() => return Err(Refusal::UserExists.into()),
        other => other?,
    };
    auth.end_proofs(&call.context, user).await?;
    auth.sessions.forget_user(&user.id);
    auth.keys.forget_user(&user.id);
    Ok(changed)
}
