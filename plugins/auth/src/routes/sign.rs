//! Registering, signing in, signing out. A sign-in costs one password hash and little else, and takes the same way whether
//! the account exists or not.

use objectos_plugin_api::contracts::data::EventBeside;
use serde_json::{Map, json};
use std::sync::Arc;

use super::{
    Call, Entry,
    entry::{check_standing, enter, proceed},
    failure,
};
use crate::{
    address,
    auth::{Auth, Note, USER},
    bootstrap::{By, ID_CHARS, NewUser, password_place},
    error::{AuthError, Refusal, Result},
    guard::Attempt,
    http::{Reply, cookie},
    identify::Who,
    invited::Shown,
    moment, policy,
    proofs::Kind,
    records::kinds::{Account, User},
    sessions::load::is_banned,
    view,
};

/// Longest password that is looked at when signing in, bytes: more is no password of ours, and would cost to hash.
const PASSWORD_BYTES_MAX: usize = 4 * policy::CHARS_MAX;

/// `POST /sign-up/email {email, password, name?, image?, callbackURL?, rememberMe?, invitation?, bootstrapToken?}`;
/// `invitation` is the end of an invitation's link.
pub(super) async fn up(call: Call) -> Result<Reply> {
    let body = call.body()?;
    let email = body.email("email")?;
    let password = body.required("password")?.to_owned();
    let name = body
        .text("name")?
        .unwrap_or_else(|| email.split('@').next().unwrap_or_default());
    let callback = body.text("callbackURL")?;
    check_callback(&call.auth, callback)?;
    policy::check(&call.auth.rules().password, &password, &[&email, name])?;
    let auth = &call.auth;
    let attempt = auth.admit_sign_up(&call.context).await?;
    let shown = match invited(&call, body.text("invitation")?, &email).await {
        Err(error @ AuthError::Refused(_)) => {
            auth.count(&call.context, &attempt).await?;
            return Err(error);
        }
        other => other?,
    };
    let hash = auth.hasher.hash(&password, &auth.secrets).await?;
    let new = NewUser {
        name: name.to_owned(),
        email: email.clone(),
        image: body.text("image")?.map(ToOwned::to_owned),
        hash: Some(hash),
        email_verified: shown == Shown::Mailed,
        ..NewUser::default()
    };
    let token = body.text("bootstrapToken")?.map(ToOwned::to_owned);
    let token = token.or_else(|| call.request.header("x-bootstrap-token").map(ToOwned::to_owned));
    let by = match shown {
        Shown::Nothing => By::Registration(token.as_deref()),
        Shown::Handed | Shown::Mailed => By::Invitation,
    };
    let made = auth.make_user(&call.context, &new, by).await;
    let config = &auth.config;
    let quiet = !config.auto_sign_in || (config.require_email_verification && !new.email_verified);
    if quiet || is_trial(&made) {
        auth.count(&call.context, &attempt).await?;
    }
    if quiet {
        return await_verification(&call, made, &new, callback);
    }
    let user = made?;
    let entry = Entry {
        method: "sign_up",
        forget: body.flag("rememberMe")? == Some(false),
        ..Entry::default()
    };
    enter(&call, &user, entry).await
}

/// Neither the token, nor who has an account, nor who may register is for trying out; where nobody is told, each one counts.
fn is_trial(made: &Result<User>) -> bool {
    matches!(
        made,
        Err(AuthError::Refused(
            Refusal::BootstrapToken | Refusal::UserExists | Refusal::RegistrationClosed
        ))
    )
}

/// What somebody who registers shows of an invitation for that address.
async fn invited(call: &Call, named: Option<&str>, email: &str) -> Result<Shown> {
    let Some(named) = named else {
        return Ok(Shown::Nothing);
    };
    let (invitation, shown) = call.auth.invitation(&call.context, named).await?;
    if invitation.email != email {
        return Err(Refusal::InvitationNotFound.into());
    }
    Ok(shown)
}

/// The answer where addresses have to be verified, or nobody is signed in by registering. It is the same for one that has an
/// account: its owner is told by mail, and nobody else.
fn await_verification(call: &Call, made: Result<User>, new: &NewUser, callback: Option<&str>) -> Result<Reply> {
    let auth = &call.auth;
    let user = match made {
        Ok(user) => {
            if auth.may_mail() && !user.email_verified {
                super::email::send_later(call, &user, callback);
            }
            user
        }
        Err(AuthError::Refused(Refusal::UserExists)) => {
            if auth.may_mail() {
                tell_owner(call, &new.email);
            }
            let now = moment::text(auth.now_ms());
            User {
                id: auth.secrets.token(ID_CHARS),
                name: new.name.clone(),
                email: new.email.clone(),
                image: new.image.clone(),
                role: USER.to_owned(),
                created_at: now.clone(),
                updated_at: now,
                ..User::default()
            }
        }
        Err(error) => return Err(error),
    };
    let reply = Reply::ok(json!({
        "token": null, "user": view::user(&user), "success": true,
        "data": { "token": null, "user": view::user(&user), "session": null },
    }));
    Ok(reply.cookie(super::email::registrant(call, &user.id)))
}

/// Tells the owner of an account that somebody, perhaps they themselves, wanted to register with its address.
fn tell_owner(call: &Call, email: &str) {
    let (auth, context, email) = (Arc::clone(&call.auth), call.context.clone(), email.to_owned());
    call.auth.later.run("a mail to an owner", async move {
        let user: Option<User> = auth.records.find_one(&context, json!({ "email": email })).await?;
        let Some(user) = user.filter(|user| !is_banned(user, auth.now_ms())) else {
            return Ok(());
        };
        if !auth.takes_mail(&context, &user.email).await? {
            return Ok(());
        }
        let text = format!(
            "Hello {},\n\nsomebody wanted to register with this address at {}, where it has an account already. If it was you, sign in, and ask for a new password if you do not know yours any more. If it was not you, do nothing.\n",
            user.name,
            auth.base_url()
        );
        let subject = "You have an account already";
        auth.mail(&context, &user.email, "account_exists", subject, text).await
    });
}

/// `POST /sign-in/email`.
pub(super) async fn in_(call: Call) -> Result<Reply> {
    let body = call.body()?;
    let email = if body.has("email") {
        body.email("email")?
    } else {
        body.email("username")?
    };
    let password = body.required("password")?;
    let callback = body.text("callbackURL")?;
    check_callback(&call.auth, callback)?;
    let read_at = call.auth.sessions.epoch();
    let user = prove_password(&call, &email, password).await?;
    check_standing(&call, &user, "password", callback).await?;
    let entry = Entry {
        method: "password",
        forget: body.flag("rememberMe")? == Some(false),
        read_at: Some(read_at),
        ..Entry::default()
    };
    proceed(&call, &user, entry).await
}

/// Whether the account has such a password; whatever is wrong, it is said in the same words after the same time.
async fn prove_password(call: &Call, email: &str, password: &str) -> Result<User> {
    let auth = &call.auth;
    let address = address::counted(&call.context);
    let account_key = auth.secrets.lookup(email);
    let attempt = auth.admit_guess(&call.context, &account_key, &address).await?;
    let user: Option<User> = auth.records.find_one(&call.context, json!({ "email": email })).await?;
    // Also for nobody: the same questions are asked of the store.
    let id = user.as_ref().map_or("nobody", |user| user.id.as_str());
    let account = auth.credential(&call.context, id).await?;
    let hash = account
        .as_ref()
        .map(|account| open_hash(auth, account))
        .transpose()?
        .flatten();
    let fits = password.len() <= PASSWORD_BYTES_MAX;
    let fits = auth
        .hasher
        .verify(if fits { password } else { "" }, hash.clone())
        .await?
        && fits;
    match user.filter(|_| fits) {
        Some(user) => {
            let mut unlocked = Vec::new();
            if attempt.unlocks() {
                let event = "auth.account_unlocked";
                unlocked.push(telling(call, &user, event, "The lock of the account is over")?);
            }
            auth.succeeded(&call.context, &attempt, unlocked).await?;
            if let (Some(account), Some(hash)) = (account, hash)
                && auth.hasher.outdated(&hash)
            {
                rehash(call, &account, password).await?;
            }
            Ok(user)
        }
        None => {
            fail(call, email, &attempt).await?;
            Err(Refusal::InvalidEmailOrPassword.into())
        }
    }
}

/// The hash of an account's password.
pub(super) fn open_hash(auth: &Auth, account: &Account) -> Result<Option<String>> {
    let place = password_place(&account.user_id);
    account
        .password
        .as_deref()
        .map(|sealed| auth.secrets.open(&place, sealed))
        .transpose()
}

/// Brings an old hash to today's cost, now that the password is at hand.
async fn rehash(call: &Call, account: &Account, password: &str) -> Result<()> {
    let auth = &call.auth;
    let hash = auth.hasher.hash(password, &auth.secrets).await?;
    let sealed = auth.secrets.seal(&password_place(&account.user_id), &hash);
    auth.records
        .update::<Account>(&call.context, &account.id, json!({ "password": sealed }))
        .await?;
    Ok(())
}

/// Counts a failure, and tells of the lock when it was one too many: also of an account that does not exist.
async fn fail(call: &Call, email: &str, attempt: &Attempt) -> Result<()> {
    let auth = &call.auth;
    let mut metadata = Map::new();
    metadata.insert("email".to_owned(), email.into());
    metadata.insert("method".to_owned(), "password".into());
    let note = |description, failure| Note {
        description,
        failure: Some(failure),
        metadata: metadata.clone(),
        ..Note::default()
    };
    let wrong = note("A sign-in failed", "wrong e-mail address or password");
    let wrong = vec![wrong.event(&call.context, "auth.login_failed")?];
    let locked = note("An account was locked", "too many failed sign-ins");
    let locked = vec![locked.event(&call.context, "auth.account_locked")?];
    auth.failed(&call.context, attempt, wrong, locked).await?;
    Ok(())
}

/// A sign-in of somebody known that did not go through.
pub(super) async fn refused(call: &Call, user: &User, method: &str, why: &str) -> Result<()> {
    call.auth
        .note(&call.context, failure::FAILED, refusal(user, method, why))
        .await
}

/// What is told of it.
pub(super) fn refusal<'a>(user: &'a User, method: &str, why: &'a str) -> Note<'a> {
    Note {
        by_user: true,
        ..failure::note(Some(user), method, "A sign-in was refused", why)
    }
}

/// An event about a user, by the user.
pub(super) fn telling(call: &Call, user: &User, event: &str, description: &str) -> Result<EventBeside> {
    let note = Note {
        user: Some(user),
        description,
        by_user: call.context.user().is_empty(),
        ..Note::default()
    };
    note.event(&call.context, event)
}

/// Browsers are sent home only.
pub(super) fn check_callback(auth: &Auth, url: Option<&str>) -> Result<()> {
    match url {
        Some(url) if !auth.origins.leads_home(url) => Err(Refusal::InvalidCallback.into()),
        _ => Ok(()),
    }
}

/// `POST /sign-out`. Also somebody whose session is gone is signed out, and whoever may not use it from where they are: it is given
/// up. An administrator who acts as somebody else does not come back by it.
pub(super) async fn out(call: Call) -> Result<Reply> {
    let auth = &call.auth;
    if let Who::Session(live, ..) = auth.identify(&call.context, &call.proof()).await? {
        let (user, session) = (&live.user, &live.session);
        auth.end(&call.context, user, session, "auth.logout", "A user signed out")
            .await?;
        if session.impersonated_by.is_some() {
            auth.drop_proofs(&call.context, Kind::Impersonation, &session.id)
                .await?;
        }
    }
    let secure = call.secure();
    let reply = Reply::ok(json!({ "success": true }))
        .cookie(cookie::clear(cookie::SESSION, secure))
        .cookie(cookie::clear(cookie::ADMIN_SESSION, secure));
    Ok(cookie::LEFTOVERS
        .iter()
        .fold(reply, |reply, name| reply.cookie(cookie::clear(name, secure))))
}
