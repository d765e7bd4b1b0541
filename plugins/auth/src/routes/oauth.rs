//! Signing in at a provider: authorisation code with PKCE, a nonce, and a state that is tied to the browser that began. The
//! browser comes back to a page of ours or to a trusted one.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Call, Entry, SignedIn,
    distrust::{Spared, distrust},
    entry::{check_standing, proceed},
    failure,
    fresh::fresh_owner,
    sign,
};
use crate::{
    bootstrap::{By, NewUser},
    error::{AuthError, Refusal, Result},
    http::{Reply, cookie, percent},
    moment,
    oauth::{Provider, Tokens, claims::Person, failed},
    proofs::Kind,
    records::kinds::{Account, User},
};

/// How somebody proved who they are.
const METHOD: &str = "provider";
/// Seconds in which the browser has to be back.
const BEGUN_S: i64 = 600;
/// Characters of a verifier (RFC 7636 asks for 43 to 128).
const VERIFIER_CHARS: usize = 64;

/// A sign-in that was begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Begun {
    provider: String,
    verifier: String,
    nonce: String,
    callback: String,
    error_callback: Option<String>,
    /// The user to whom the account is to be added.
    link: Option<String>,
}

/// `POST /sign-in/social {provider, callbackURL?, errorCallbackURL?}`.
pub(super) async fn social(call: Call) -> Result<Reply> {
    let body = call.body()?;
    let id = body.required("provider")?.to_owned();
    begin(&call, &id, None).await
}

/// `POST /sign-in/oauth2 {providerId, callbackURL?, errorCallbackURL?}`.
pub(super) async fn generic(call: Call) -> Result<Reply> {
    let body = call.body()?;
    let id = body.required("providerId")?.to_owned();
    begin(&call, &id, None).await
}

/// `POST /link-social {provider, callbackURL?}` and `POST /oauth2/link {providerId, callbackURL?}`: by somebody who signed in not
/// long ago. Whoever has the account at the provider comes in by it from then on, so an old session is not enough.
pub(super) async fn link(call: Call) -> Result<Reply> {
    let me = fresh_owner(&call).await?;
    let body = call.body()?;
    let id = match body.text("providerId")? {
        Some(id) => id.to_owned(),
        None => body.required("provider")?.to_owned(),
    };
    begin(&call, &id, Some(&me)).await
}

fn redirect_url(call: &Call, provider: &str) -> String {
    format!("{}/api/v1/auth/oauth2/callback/{provider}", call.auth.base_url())
}

async fn begin(call: &Call, id: &str, me: Option<&SignedIn>) -> Result<Reply> {
    let body = call.body()?;
    let auth = &call.auth;
    let (callback, error_callback) = (body.text("callbackURL")?, body.text("errorCallbackURL")?);
    sign::check_callback(auth, callback)?;
    sign::check_callback(auth, error_callback)?;
    let provider = auth.providers.get(id)?;
    let endpoints = auth
        .providers
        .endpoints(&call.context, &provider, auth.now_ms())
        .await?;
    let begun = Begun {
        provider: id.to_owned(),
        verifier: auth.secrets.token(VERIFIER_CHARS),
        nonce: auth.secrets.token(32),
        callback: callback.unwrap_or("/").to_owned(),
        error_callback: error_callback.map(ToOwned::to_owned),
        link: me.map(|me| me.live.user.id.clone()),
    };
    let state = auth.make_proof(&call.context, Kind::OAuth, id, &begun, BEGUN_S).await?;
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, begun.verifier.as_bytes()));
    let query = percent::query(&[
        ("response_type", "code"),
        ("client_id", &provider.config.client_id),
        ("redirect_uri", &redirect_url(call, id)),
        ("scope", &provider.config.scopes.join(" ")),
        ("state", &state),
        ("nonce", &begun.nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let join = if endpoints.authorization_endpoint.contains('?') {
        '&'
    } else {
        '?'
    };
    let url = format!("{}{join}{query}", endpoints.authorization_endpoint);
    let cookie = cookie::set(&auth.secrets, cookie::OAUTH_STATE, &state, Some(BEGUN_S), call.secure());
    Ok(Reply::ok(json!({ "url": url, "redirect": true })).cookie(cookie))
}

/// `GET /oauth2/callback/{provider}` and `GET /callback/{provider}`.
pub(super) async fn callback(call: Call) -> Result<Reply> {
    let attempt = call.auth.admit_entry(&call.context, METHOD).await?;
    let begun = match begun(&call).await {
        Ok(begun) => begun,
        Err(error) => {
            failure::count(&call, &attempt, METHOD, &error).await?;
            return Err(error);
        }
    };
    let clear = cookie::clear(cookie::OAUTH_STATE, call.secure());
    let query = call.request.query();
    let came = match percent::parameter(query, "code").filter(|code| !code.is_empty()) {
        Some(code) => come(&call, &begun, &code).await,
        None => {
            let reason = percent::parameter(query, "error").unwrap_or_default();
            Err(failed(format!("{} answered {reason}", begun.provider)))
        }
    };
    let error = match came {
        Ok(reply) => return Ok(reply.cookie(clear)),
        Err(error) => error,
    };
    failure::count(&call, &attempt, METHOD, &error).await?;
    match error {
        AuthError::Refused(refusal) | AuthError::Explained { refusal, .. } => {
            let page = begun.error_callback.as_ref().unwrap_or(&begun.callback);
            let code = refusal.code().to_ascii_lowercase();
            Ok(Reply::redirect(&percent::extend(page, &[("error", &code)])).cookie(clear))
        }
        error => Err(error),
    }
}

/// The sign-in that this browser began, and to which the provider that it began at answers; from here on it is good no more.
async fn begun(call: &Call) -> Result<Begun> {
    let auth = &call.auth;
    let query = call.request.query();
    let state = percent::parameter(query, "state").unwrap_or_default();
    let own = cookie::signed(&auth.secrets, call.cookies(), cookie::OAUTH_STATE, call.secure());
    // Somebody else's browser would sign its user in as whoever began.
    if !own.is_some_and(|own| crate::crypto::same(&own, &state)) {
        return Err(failed("the browser is not the one that began"));
    }
    let begun: Begun = auth.take_proof(&call.context, Kind::OAuth, &state).await?;
    if begun.provider != call.request.parameter("provider") {
        return Err(failed("another provider answered"));
    }
    Ok(begun)
}

async fn come(call: &Call, begun: &Begun, code: &str) -> Result<Reply> {
    let auth = &call.auth;
    let provider = auth.providers.get(&begun.provider)?;
    let now_ms = auth.now_ms();
    let endpoints = auth.providers.endpoints(&call.context, &provider, now_ms).await?;
    let redirect = redirect_url(call, &begun.provider);
    let tokens = auth
        .providers
        .tokens(&call.context, &provider, &endpoints, code, &begun.verifier, &redirect)
        .await?;
    let person = auth
        .providers
        .person(&call.context, &provider, &endpoints, &tokens, &begun.nonce, now_ms)
        .await?;
    let filter = json!({ "provider_id": begun.provider, "account_id": person.id });
    let known: Option<Account> = auth.records.find_one(&call.context, filter).await?;
    if let Some(link) = &begun.link {
        return add(call, begun, known, link, &person, &tokens).await;
    }
    let user = match known {
        Some(account) => {
            keep_tokens(call, &account, &tokens).await?;
            crate::view::there(auth.records.get::<User>(&call.context, &account.user_id).await?)?
        }
        None => newcomer(call, &provider, &person, &tokens).await?,
    };
    check_standing(call, &user, METHOD, Some(&begun.callback)).await?;
    let entry = Entry {
        method: METHOD,
        redirect: Some(begun.callback.clone()),
        ..Entry::default()
    };
    proceed(call, &user, entry).await
}

/// Adds the account to a user who is signed in.
async fn add(
    call: &Call,
    begun: &Begun,
    known: Option<Account>,
    user: &str,
    person: &Person,
    tokens: &Tokens,
) -> Result<Reply> {
    let me = call.owner().await?;
    if me.live.user.id != user {
        return Err(failed("somebody else is signed in by now"));
    }
    match known {
        Some(account) if account.user_id != user => {
            return Err(AuthError::explained(
                Refusal::AccountNotFound,
                "The account belongs to another user",
            ));
        }
        Some(account) => keep_tokens(call, &account, tokens).await?,
        None => make_account(call, &begun.provider, user, None, person, tokens).await?,
    }
    Ok(Reply::redirect(&begun.callback))
}

/// Somebody who comes from a provider for the first time: a user of the same address, if both sides know that the address is
/// theirs, or somebody new.
async fn newcomer(call: &Call, provider: &Provider, person: &Person, tokens: &Tokens) -> Result<User> {
    let auth = &call.auth;
    let id = provider.config.id.as_str();
    let email = person
        .email
        .clone()
        .ok_or_else(|| failed(format!("{id} tells no e-mail address")))?;
    let found: Option<User> = auth.records.find_one(&call.context, json!({ "email": email })).await?;
    // What a user begins with came with the address.
    let from_start = found.is_none().then(|| email.clone());
    let user = match found {
        Some(user) => {
            // Whoever set up a second factor without verifying the address need not be its owner, and is the only one to show it.
            let doubtful = user.two_factor_enabled && !user.email_verified;
            if doubtful || !person.verified || !provider.config.link_verified_email.unwrap_or(true) {
                return Err(AuthError::explained(Refusal::UserExists, "account not linked"));
            }
            if user.email_verified {
                user
            } else {
                distrust(call, &user, Spared::Nothing).await?;
                let change = json!({ "email_verified": true });
                auth.records.update::<User>(&call.context, &user.id, change).await?
            }
        }
        None => {
            let new = NewUser {
                name: person
                    .name
                    .clone()
                    .unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned()),
                email,
                image: person.image.clone(),
                email_verified: person.verified,
                ..NewUser::default()
            };
            let by = if provider.config.create_users == Some(true) {
                By::Administrator
            } else {
                By::Registration(None)
            };
            auth.make_user(&call.context, &new, by).await?
        }
    };
    make_account(call, id, &user.id, from_start.as_deref(), person, tokens).await?;
    Ok(user)
}

fn sealed_tokens(call: &Call, user: &str, tokens: &Tokens) -> Value {
    let auth = &call.auth;
    let seal = |what: &str, token: &str| auth.secrets.seal(&format!("account.{what}:{user}"), token);
    let expires = tokens
        .expires_in
        .map(|seconds| moment::text(auth.now_ms().saturating_add(seconds.saturating_mul(1000))));
    json!({
        "access_token": seal("access_token", &tokens.access_token),
        "refresh_token": tokens.refresh_token.as_deref().map(|token| seal("refresh_token", token)),
        "access_token_expires_at": expires,
        "scope": tokens.scope,
    })
}

async fn keep_tokens(call: &Call, account: &Account, tokens: &Tokens) -> Result<()> {
    let change = sealed_tokens(call, &account.user_id, tokens);
    call.auth
        .records
        .update::<Account>(&call.context, &account.id, change)
        .await?;
    Ok(())
}

async fn make_account(
    call: &Call,
    provider: &str,
    user: &str,
    from_start: Option<&str>,
    person: &Person,
    tokens: &Tokens,
) -> Result<()> {
    let mut record = sealed_tokens(call, user, tokens);
    record["set_up_for"] = from_start.into();
    record["user_id"] = user.into();
    record["provider_id"] = provider.into();
    record["account_id"] = person.id.as_str().into();
    call.auth.records.create::<Account>(&call.context, record).await?;
    Ok(())
}
