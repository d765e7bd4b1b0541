//! Passkeys: made by somebody who signed in not long ago, and then as good as a password, or as password and second factor in
//! one where the device asked for a finger or a PIN. What is signed and by what is `webauthn`'s business; here is whose key
//! that is. A challenge is good once, for the browser that asked for it, for five minutes.

use objectos_plugin_api::contracts::data::EventBeside;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{
    Call, Entry,
    entry::{check_standing, proceed},
    failure,
    fresh::fresh_owner,
    sign,
};
use crate::{
    address,
    auth::{Auth, Note},
    bootstrap::ID_CHARS,
    error::{AuthError, Refusal, Result},
    http::{Body, Reply, cookie, origin::origin_of, percent},
    moment,
    proofs::Kind,
    records::kinds::{Passkey, User},
    webauthn::{self, ALGORITHMS, Authentication, Expected, Fault, Made, PublicKey, Registration},
};

/// How somebody proved who they are.
const METHOD: &str = "passkey";
/// Bytes of a challenge.
const CHALLENGE_BYTES: usize = 32;
/// Seconds for which a challenge is good.
const CHALLENGE_S: i64 = 300;
/// Milliseconds that a browser waits for its user.
const PATIENCE_MS: u32 = 60_000;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 200;

/// What stands between the two halves of a ceremony.
#[derive(Clone, Debug, Deserialize)]
struct Begun {
    challenge: String,
    /// Whose key is to be made; none where one is to be used.
    user: Option<String>,
}

fn passkey_json(passkey: &Passkey) -> Value {
    json!({
        "id": passkey.id,
        "name": passkey.name,
        "publicKey": passkey.public_key,
        "userId": passkey.user_id,
        "credentialID": passkey.credential_id,
        "counter": passkey.counter.0,
        "deviceType": passkey.device_type,
        "backedUp": passkey.backed_up,
        "transports": passkey.transports,
        "aaguid": passkey.aaguid,
        "createdAt": passkey.created_at,
        "updatedAt": passkey.updated_at,
    })
}

/// The domain that keys are made for: what the operator says, else that of the public address, else this machine.
fn party(auth: &Auth) -> String {
    if let Some(party) = &auth.config.passkey.rp_id {
        return party.clone();
    }
    let origin = auth.config.base_url.as_deref().and_then(origin_of);
    let host = origin.as_deref().and_then(|origin| {
        let authority = origin.split_once("://")?.1;
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let named = host.parse::<std::net::Ipv4Addr>().is_err() && !host.starts_with('[');
        named.then(|| host.to_owned())
    });
    host.unwrap_or_else(|| "localhost".to_owned())
}

fn check_enabled(auth: &Auth) -> Result<()> {
    if auth.config.passkey.enabled {
        Ok(())
    } else {
        Err(Refusal::NotFound.into())
    }
}

async fn of_user(call: &Call, user: &str) -> Result<Vec<Passkey>> {
    call.auth.records.find(&call.context, json!({ "user_id": user })).await
}

fn descriptors(passkeys: &[Passkey]) -> Vec<Value> {
    let one = |passkey: &Passkey| {
        let transports: Vec<&str> = passkey.transports.iter().flat_map(|names| names.split(',')).collect();
        json!({ "id": passkey.credential_id, "type": "public-key", "transports": transports })
    };
    passkeys.iter().map(one).collect()
}

/// A challenge, and the cookie that ties it to the browser.
async fn challenge(call: &Call, user: Option<&str>) -> Result<(String, String)> {
    let auth = &call.auth;
    let challenge = webauthn::encode(&auth.secrets.random::<CHALLENGE_BYTES>());
    let begun = json!({ "challenge": challenge, "user": user });
    let token = auth
        .make_proof(
            &call.context,
            Kind::Passkey,
            user.unwrap_or_default(),
            &begun,
            CHALLENGE_S,
        )
        .await?;
    let secure = call.secure();
    let cookie = cookie::set(&auth.secrets, cookie::PASSKEY, &token, Some(CHALLENGE_S), secure);
    Ok((challenge, cookie))
}

/// The challenge that this browser was given; from here on it is good no more.
async fn begun(call: &Call) -> Result<Begun> {
    let token = cookie::signed(&call.auth.secrets, call.cookies(), cookie::PASSKEY, call.secure());
    let token = token.ok_or(Refusal::ChallengeNotFound)?;
    match call.auth.take_proof(&call.context, Kind::Passkey, &token).await {
        Err(AuthError::Refused(_)) => Err(Refusal::ChallengeNotFound.into()),
        other => other,
    }
}

fn answer_of<T: DeserializeOwned>(body: &Body) -> Result<T> {
    let response = body.value("response").cloned().unwrap_or_default();
    serde_json::from_value(response)
        .map_err(|_| AuthError::body("response", "Invalid input: expected what the browser's API answers"))
}

/// `GET /passkey/generate-register-options?authenticatorAttachment=&name=`.
pub(super) async fn register_options(call: Call) -> Result<Reply> {
    check_enabled(&call.auth)?;
    let me = fresh_owner(&call).await?;
    let (user, query) = (&me.live.user, call.request.query());
    let name = percent::parameter(query, "name").filter(|name| !name.is_empty());
    let mut selection = json!({
        "residentKey": "preferred", "requireResidentKey": false, "userVerification": "preferred",
    });
    match percent::parameter(query, "authenticatorAttachment").as_deref() {
        None | Some("") => {}
        Some(kind @ ("platform" | "cross-platform")) => selection["authenticatorAttachment"] = kind.into(),
        Some(_) => {
            return Err(AuthError::explained(
                Refusal::Validation,
                "[query.authenticatorAttachment] Invalid option: expected one of \"platform\"|\"cross-platform\"",
            ));
        }
    }
    let known = of_user(&call, &user.id).await?;
    let (challenge, cookie) = challenge(&call, Some(&user.id)).await?;
    let options = json!({
        "challenge": challenge,
        "rp": { "name": call.auth.config.passkey.rp_name, "id": party(&call.auth) },
        "user": {
            "id": webauthn::encode(user.id.as_bytes()),
            "name": name.as_ref().unwrap_or(&user.email),
            "displayName": user.email,
        },
        "pubKeyCredParams": ALGORITHMS.map(|algorithm| json!({ "alg": algorithm, "type": "public-key" })),
        "timeout": PATIENCE_MS,
        "attestation": "none",
        "excludeCredentials": descriptors(&known),
        "authenticatorSelection": selection,
        "extensions": { "credProps": true },
        "hints": [],
    });
    Ok(Reply::ok(options).cookie(cookie))
}

/// `POST /passkey/verify-registration {response, name?}`.
pub(super) async fn verify_registration(call: Call) -> Result<Reply> {
    check_enabled(&call.auth)?;
    let me = fresh_owner(&call).await?;
    let body = call.body()?;
    let user = &me.live.user;
    let name = body.text("name")?.map(str::trim).filter(|name| !name.is_empty());
    let begun = begun(&call).await?;
    match begun.user.as_deref() {
        Some(owner) if owner == user.id => {}
        Some(_) => return Err(Refusal::NotYourPasskey.into()),
        None => return Err(Refusal::ChallengeNotFound.into()),
    }
    let sent: Registration = answer_of(&body)?;
    let made = with_expected(&call, &begun, |expected| sent.verify(expected));
    let made = made.map_err(|Fault(reason)| {
        tracing::info!(user = user.id, reason, "a passkey was not taken");
        Refusal::RegistrationFailed
    })?;
    let passkey = keep(&call, user, &made, name).await?;
    let reply = Reply::ok(passkey_json(&passkey));
    Ok(reply.cookie(cookie::clear(cookie::PASSKEY, call.secure())))
}

async fn keep(call: &Call, user: &User, made: &Made, name: Option<&str>) -> Result<Passkey> {
    let kept = Passkey {
        id: call.auth.secrets.token(ID_CHARS),
        name: name.map(short),
        aaguid: Some(made.model.clone()),
        ..Passkey::default()
    };
    let told = telling(call, user, &kept, "auth.passkey_created", "A passkey was made")?;
    let record = json!({
        "id": kept.id,
        "user_id": user.id,
        "name": kept.name,
        "credential_id": made.id,
        "public_key": made.key.to_text(),
        "algorithm": made.key.algorithm(),
        "counter": made.counter,
        "device_type": if made.portable { "multiDevice" } else { "singleDevice" },
        "backed_up": made.backed_up,
        "user_verified": made.verified,
        "transports": made.transports.join(","),
        "aaguid": made.model,
    });
    match call
        .auth
        .records
        .create_telling(&call.context, &record, vec![told])
        .await
    {
        Err(error) if error.duplicate().is_some() => Err(Refusal::PreviouslyRegistered.into()),
        other => other,
    }
}

fn short(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).collect()
}

/// What an answer has to be for: the challenge of this ceremony, our domain, a page of ours below it.
fn with_expected<T>(call: &Call, begun: &Begun, verify: impl FnOnce(&Expected<'_>) -> T) -> T {
    let party = party(&call.auth);
    let (host, secure) = (call.request.header("host"), call.secure());
    verify(&Expected {
        challenge: &begun.challenge,
        party: &party,
        trusts: &|origin| call.auth.origins.allows(origin, host, secure) && webauthn::belongs(origin, &party),
    })
}

/// `GET /passkey/generate-authenticate-options`: for whomever it will be; for somebody signed in, one of their own keys.
pub(super) async fn authenticate_options(call: Call) -> Result<Reply> {
    check_enabled(&call.auth)?;
    let known = match call.maybe_signed_in().await? {
        Some(me) => of_user(&call, &me.live.user.id).await?,
        None => Vec::new(),
    };
    let (challenge, cookie) = challenge(&call, None).await?;
    let mut options = json!({
        "challenge": challenge,
        "rpId": party(&call.auth),
        "timeout": PATIENCE_MS,
        "userVerification": "preferred",
    });
    if !known.is_empty() {
        options["allowCredentials"] = descriptors(&known).into();
    }
    Ok(Reply::ok(options).cookie(cookie))
}

/// `POST /passkey/verify-authentication {response}`.
pub(super) async fn verify_authentication(call: Call) -> Result<Reply> {
    check_enabled(&call.auth)?;
    let sent: Authentication = answer_of(&call.body()?)?;
    let begun = begun(&call).await?;
    if begun.user.is_some() {
        return Err(Refusal::ChallengeNotFound.into());
    }
    let (auth, address) = (&call.auth, address::counted(&call.context));
    let key = format!("passkey:{}", auth.secrets.lookup(&sent.id));
    let attempt = auth.admit(&call.context, &key, &address).await?;
    let filter = json!({ "credential_id": sent.id });
    let Some(passkey): Option<Passkey> = auth.records.find_one(&call.context, filter).await? else {
        let unknown = failure::note(None, METHOD, "A sign-in failed", Refusal::PasskeyNotFound.message());
        let unknown = vec![unknown.event(&call.context, failure::FAILED)?];
        auth.failed(&call.context, &attempt, unknown, Vec::new()).await?;
        return Err(Refusal::PasskeyNotFound.into());
    };
    let user = crate::view::there(auth.records.get::<User>(&call.context, &passkey.user_id).await?)?;
    let used = PublicKey::from_text(&passkey.public_key).and_then(|public| {
        let counter = u32::try_from(passkey.counter.0).unwrap_or(u32::MAX);
        with_expected(&call, &begun, |expected| {
            sent.verify(expected, &public, counter, &user.id)
        })
    });
    let used = match used {
        Ok(used) => used,
        Err(Fault(reason)) => {
            let wrong = sign::refusal(&user, METHOD, reason).event(&call.context, failure::FAILED)?;
            auth.failed(&call.context, &attempt, vec![wrong], Vec::new()).await?;
            return Err(Refusal::AuthenticationFailed.into());
        }
    };
    let change = json!({
        "counter": used.counter, "backed_up": used.backed_up, "user_verified": used.verified || passkey.user_verified,
        "last_used_at": moment::text(auth.now_ms()),
    });
    let counted = auth
        .records
        .update_based_on::<Passkey>(&call.context, &passkey.id, change, Some(&passkey.updated_at))
        .await;
    match counted {
        Ok(_) => {}
        // Used twice at the same time: one of the two is a copy, or the same answer sent twice.
        Err(error) if error.is_conflict() => {
            let twice = sign::refusal(&user, METHOD, "the same answer came twice");
            let twice = vec![twice.event(&call.context, failure::FAILED)?];
            auth.failed(&call.context, &attempt, twice, Vec::new()).await?;
            return Err(Refusal::AuthenticationFailed.into());
        }
        Err(error) => return Err(error),
    }
    auth.succeeded(&call.context, &attempt, Vec::new()).await?;
    check_standing(&call, &user, METHOD, None).await?;
    let secure = call.secure();
    let clear = cookie::clear(cookie::PASSKEY, secure);
    let entry = Entry {
        method: METHOD,
        second_factor: used.verified,
        ..Entry::default()
    };
    Ok(proceed(&call, &user, entry).await?.cookie(clear))
}

/// `GET /passkey/list-user-passkeys`.
pub(super) async fn list(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let passkeys = of_user(&call, &me.live.user.id).await?;
    Ok(Reply::ok(passkeys.iter().map(passkey_json).collect()))
}

/// One of the caller's own keys; another one is not there.
async fn own(call: &Call, user: &str, body: &Body) -> Result<Passkey> {
    let found: Option<Passkey> = call.auth.records.get(&call.context, body.required("id")?).await?;
    found
        .filter(|passkey| passkey.user_id == user)
        .ok_or_else(|| Refusal::NoSuchPasskey.into())
}

/// `POST /passkey/delete-passkey {id}`.
pub(super) async fn delete(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let passkey = own(&call, &me.live.user.id, &call.body()?).await?;
    let event = "auth.passkey_deleted";
    let told = telling(&call, &me.live.user, &passkey, event, "A passkey was taken away")?;
    call.auth
        .records
        .delete_telling::<Passkey>(&call.context, &passkey.id, vec![told])
        .await?;
    Ok(Reply::ok(json!({ "status": true })))
}

/// `POST /passkey/update-passkey {id, name}`.
pub(super) async fn update(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let passkey = own(&call, &me.live.user.id, &body).await?;
    let change = json!({ "name": short(body.required("name")?.trim()) });
    let changed: Passkey = call.auth.records.update(&call.context, &passkey.id, change).await?;
    Ok(Reply::ok(json!({ "passkey": passkey_json(&changed) })))
}

fn telling(call: &Call, user: &User, passkey: &Passkey, event: &str, description: &str) -> Result<EventBeside> {
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), json!(passkey.name));
    metadata.insert("aaguid".to_owned(), json!(passkey.aaguid));
    let note = Note {
        user: Some(user),
        target: Some(("passkey", &passkey.id)),
        description,
        metadata,
        ..Note::default()
    };
    note.event(&call.context, event)
}
