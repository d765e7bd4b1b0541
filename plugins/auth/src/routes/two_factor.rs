//! The second factor: a code of an authenticator app, or one of ten backup codes. It is on once a first code was shown. Codes
//! count once; failures count as failed sign-ins do, of both kinds together, and too many lock the second factor for a while,
//! whatever sign-in follows.

use qrcode::{QrCode, render::svg};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, Entry, SignedIn, enter, failure, session::confirm_password, sign};
use crate::{
    address,
    auth::Auth,
    crypto::{base32, totp},
    error::{AuthError, Refusal, Result},
    guard::{Attempt, Consequence},
    http::{Reply, cookie},
    proofs::Kind,
    records::{
        changing, changing_based_on, deleting,
        kinds::{TwoFactor, User},
    },
    sessions::load::is_banned,
};

const BACKUP_CODES: usize = 10;
/// Characters of a half of a backup code.
const HALF_CHARS: usize = 5;

/// What stands between password and second factor.
#[derive(Clone, Debug, Deserialize)]
struct Begun {
    user: String,
    forget: bool,
}

/// Whose second factor is shown, and whether they are signed in already.
enum Stage {
    Begun {
        user: Box<User>,
        token: String,
        forget: bool,
    },
    SignedIn(SignedIn),
}

impl Stage {
    fn user(&self) -> &User {
        match self {
            Self::Begun { user, .. } => user,
            Self::SignedIn(signed_in) => &signed_in.live.user,
        }
    }
}

fn secret_place(user: &str) -> String {
    format!("two_factor.secret:{user}")
}

async fn record_of(call: &Call, user: &str) -> Result<Option<TwoFactor>> {
    call.auth
        .records
        .find_one(&call.context, json!({ "user_id": user }))
        .await
}

/// A new set of backup codes, and what the store keeps of them.
fn backup_codes(auth: &Auth, user: &str) -> (Vec<String>, Vec<String>) {
    let codes: Vec<String> = (0..BACKUP_CODES)
        .map(|_| format!("{}-{}", auth.secrets.token(HALF_CHARS), auth.secrets.token(HALF_CHARS)))
        .collect();
    let kept = codes.iter().map(|code| backup_hash(auth, user, code)).collect();
    (codes, kept)
}

/// Keyed: sixty bits would not stand a search by whoever reads the store.
fn backup_hash(auth: &Auth, user: &str, code: &str) -> String {
    auth.secrets.lookup(&format!("backup:{user}:{}", code.trim()))
}

/// `POST /two-factor/enable {password, issuer?}`.
pub(super) async fn enable(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let auth = &call.auth;
    if !auth.config.two_factor.enabled {
        return Err(Refusal::TwoFactorNotEnabled.into());
    }
    let user = &me.live.user;
    call.check_enrols(&me).await?;
    confirm_password(&call, user, body.required("password")?).await?;
    if user.two_factor_enabled {
        return Err(Refusal::TwoFactorAlreadyEnabled.into());
    }
    let secret = auth.secrets.random::<{ totp::SECRET_BYTES }>();
    let (codes, kept) = backup_codes(auth, &user.id);
    let sealed = auth.secrets.seal(&secret_place(&user.id), &base32::encode(&secret));
    let fields = json!({ "secret": sealed, "backup_codes": kept, "verified": false, "last_step": 0 });
    match record_of(&call, &user.id).await? {
        Some(record) => {
            auth.records
                .update::<TwoFactor>(&call.context, &record.id, fields)
                .await?
        }
        None => {
            let mut fields = fields;
            fields["user_id"] = user.id.as_str().into();
            auth.records.create::<TwoFactor>(&call.context, fields).await?
        }
    };
    let uri = totp::uri(&auth.config.two_factor.issuer, &user.email, &secret);
    Ok(Reply::ok(json!({
        "method": "totp", "totpURI": uri, "backupCodes": codes, "qrCode": qr_code(&uri)?,
    })))
}

/// The URI as an image that a page can show as it is.
fn qr_code(uri: &str) -> Result<String> {
    let code = QrCode::new(uri.as_bytes()).map_err(|error| AuthError::Internal(format!("no QR code: {error}")))?;
    Ok(code.render::<svg::Color<'_>>().min_dimensions(200, 200).build())
}

/// `POST /two-factor/get-totp-uri {password}`.
pub(super) async fn totp_uri(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let user = &me.live.user;
    confirm_password(&call, user, call.body()?.required("password")?).await?;
    let record = record_of(&call, &user.id).await?.ok_or(Refusal::TwoFactorNotEnabled)?;
    let secret = open_secret(&call.auth, &record)?;
    let uri = totp::uri(&call.auth.config.two_factor.issuer, &user.email, &secret);
    Ok(Reply::ok(json!({ "totpURI": uri, "qrCode": qr_code(&uri)? })))
}

fn open_secret(auth: &Auth, record: &TwoFactor) -> Result<Vec<u8>> {
    let text = auth.secrets.open(&secret_place(&record.user_id), &record.secret)?;
    base32::decode(&text).ok_or_else(|| AuthError::Internal("the secret of a second factor is no base32".to_owned()))
}

/// `POST /two-factor/disable {password}`.
pub(super) async fn disable(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let (auth, user) = (&call.auth, &me.live.user);
    confirm_password(&call, user, call.body()?.required("password")?).await?;
    // First what makes it weaker: if the rest fails, every device has to show it again.
    auth.drop_proofs(&call.context, Kind::Device, &user.id).await?;
    let off = changing::<User>(&user.id, &json!({ "two_factor_enabled": false }));
    let operations = match record_of(&call, &user.id).await? {
        Some(record) => vec![deleting::<TwoFactor>(&record.id), off],
        None => vec![off],
    };
    let told = sign::telling(&call, user, "auth.mfa_disabled", "The second factor was switched off")?;
    match auth.records.transaction(&call.context, operations, vec![told]).await {
        // Whoever switched it off at the same time did all of it, and told of it.
        Err(error) if error.is_not_found() => {}
        other => other.map(drop)?,
    }
    auth.sessions.forget_user(&user.id);
    Ok(Reply::ok(json!({ "status": true })))
}

/// `POST /two-factor/generate-backup-codes {password}`.
pub(super) async fn generate_backup(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let (auth, user) = (&call.auth, &me.live.user);
    confirm_password(&call, user, call.body()?.required("password")?).await?;
    let record = record_of(&call, &user.id).await?.filter(|record| record.verified);
    let record = record.ok_or(Refusal::TwoFactorNotEnabled)?;
    let (codes, kept) = backup_codes(auth, &user.id);
    auth.records
        .update::<TwoFactor>(&call.context, &record.id, json!({ "backup_codes": kept }))
        .await?;
    Ok(Reply::ok(json!({ "status": true, "backupCodes": codes })))
}

/// Whose code this is: somebody between the two steps of a sign-in, or somebody who sets the second factor up.
async fn stage(call: &Call) -> Result<Stage> {
    let auth = &call.auth;
    let token = cookie::signed(&auth.secrets, call.cookies(), cookie::TWO_FACTOR, call.secure());
    let Some(token) = token else {
        return match call.maybe_signed_in().await? {
            // A second factor is its owner's to show: a session that comes of it would not tell who acts in it.
            Some(signed_in) if signed_in.live.session.impersonated_by.is_some() => Err(Refusal::Forbidden.into()),
            Some(signed_in) => Ok(Stage::SignedIn(signed_in)),
            None => Err(Refusal::InvalidTwoFactorCookie.into()),
        };
    };
    let begun: Begun = match auth.peek_proof(&call.context, Kind::TwoFactor, &token).await {
        Ok(begun) => begun,
        Err(AuthError::Refused(_)) => return Err(Refusal::InvalidTwoFactorCookie.into()),
        Err(error) => return Err(error),
    };
    let user: Option<User> = auth.records.get(&call.context, &begun.user).await?;
    let user = user
        .filter(|user| !is_banned(user, auth.now_ms()))
        .ok_or(Refusal::InvalidTwoFactorCookie)?;
    Ok(Stage::Begun {
        user: Box::new(user),
        token,
        forget: begun.forget,
    })
}

/// `POST /two-factor/verify-totp {code, trustDevice?}`.
pub(super) async fn verify_totp(call: Call) -> Result<Reply> {
    let body = call.body()?;
    let code = body.required("code")?.replace(' ', "");
    let stage = stage(&call).await?;
    let auth = &call.auth;
    let attempt = admit(&call, stage.user()).await?;
    let record = record_of(&call, &stage.user().id)
        .await?
        .ok_or(Refusal::TwoFactorNotEnabled)?;
    let secret = open_secret(auth, &record)?;
    let Some(step) = totp::accept(&secret, &code, auth.now_ms(), record.last_step.0) else {
        return fail(&call, &attempt, stage.user(), Refusal::InvalidCode).await;
    };
    // On the very record that was read: of two who bring the same code at once, one gets in. With the first code the factor is
    // there and the user has it, or neither.
    let first = !stage.user().two_factor_enabled;
    let change = json!({ "last_step": step, "verified": true });
    let mut operations = vec![changing_based_on::<TwoFactor>(&record.id, &change, &record.updated_at)];
    let mut told = Vec::new();
    if first {
        let on = json!({ "two_factor_enabled": true });
        operations.push(changing::<User>(&stage.user().id, &on));
        let event = "auth.mfa_enabled";
        told.push(sign::telling(&call, stage.user(), event, "A second factor was set up")?);
    }
    match auth.records.transaction(&call.context, operations, told).await {
        Ok(_) => {}
        Err(error) if error.is_conflict() => return fail(&call, &attempt, stage.user(), Refusal::InvalidCode).await,
        Err(error) => return Err(error),
    }
    auth.succeeded(&call.context, &attempt, Vec::new()).await?;
    if first {
        auth.sessions.forget_user(&stage.user().id);
    }
    finish(&call, stage, "totp", body.flag("trustDevice")? == Some(true)).await
}

/// `POST /two-factor/verify-backup-code {code, disableSession?, trustDevice?}`.
pub(super) async fn verify_backup(call: Call) -> Result<Reply> {
    let body = call.body()?;
    let code = body.required("code")?;
    let stage = stage(&call).await?;
    let auth = &call.auth;
    let attempt = admit(&call, stage.user()).await?;
    let record = record_of(&call, &stage.user().id)
        .await?
        .filter(|record| record.verified);
    let record = record.ok_or(Refusal::TwoFactorNotEnabled)?;
    let given = backup_hash(auth, &stage.user().id, code);
    let kept = record
        .backup_codes
        .as_ref()
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let left: Vec<Value> = kept
        .iter()
        .filter(|hash| !hash.as_str().is_some_and(|hash| crate::crypto::same(hash, &given)))
        .cloned()
        .collect();
    if left.len() == kept.len() {
        return fail(&call, &attempt, stage.user(), Refusal::InvalidBackupCode).await;
    }
    let change = json!({ "backup_codes": left });
    let changed = auth
        .records
        .update_based_on::<TwoFactor>(&call.context, &record.id, change, Some(&record.updated_at))
        .await;
    match changed {
        Ok(_) => {}
        Err(error) if error.is_conflict() => {
            return fail(&call, &attempt, stage.user(), Refusal::InvalidBackupCode).await;
        }
        Err(error) => return Err(error),
    }
    auth.succeeded(&call.context, &attempt, Vec::new()).await?;
    finish(&call, stage, "backup_code", body.flag("trustDevice")? == Some(true)).await
}

/// Under which name failures with a user's second factor are counted.
pub(super) fn factor_key(user: &str) -> String {
    format!("two-factor:{user}")
}

async fn admit(call: &Call, user: &User) -> Result<Attempt> {
    let address = address::counted(&call.context);
    call.auth
        .admit_guess(&call.context, &factor_key(&user.id), &address)
        .await
}

async fn fail(call: &Call, attempt: &Attempt, user: &User, refusal: Refusal) -> Result<Reply> {
    let auth = &call.auth;
    let note = |description, why| failure::note(Some(user), "two_factor", description, why);
    let wrong = note("A second factor was wrong", refusal.message());
    let wrong = vec![wrong.event(&call.context, failure::FAILED)?];
    let locked = note("A second factor was locked", "too many wrong codes");
    let locked = vec![locked.event(&call.context, failure::LOCKED)?];
    let consequence = auth.failed(&call.context, attempt, wrong, locked).await?;
    if consequence != Consequence::None {
        // So many codes are guesses: the password has to be shown again, too.
        auth.drop_proofs(&call.context, Kind::TwoFactor, &user.id).await?;
    }
    Err(refusal.into())
}

/// A session that knows of the second factor; somebody who had one gets it anew.
async fn finish(call: &Call, stage: Stage, method: &'static str, trust: bool) -> Result<Reply> {
    let auth = &call.auth;
    let (id, forget) = match &stage {
        Stage::Begun { user, token, forget } => {
            let _: Value = auth.take_proof(&call.context, Kind::TwoFactor, token).await?;
            (user.id.clone(), *forget)
        }
        Stage::SignedIn(signed_in) => (signed_in.live.user.id.clone(), !signed_in.live.session.remembered),
    };
    let user = crate::view::there(auth.records.get::<User>(&call.context, &id).await?)?;
    let entry = Entry {
        method,
        forget,
        second_factor: true,
        ..Entry::default()
    };
    let secure = call.secure();
    let reply = enter(call, &user, entry)
        .await?
        .cookie(cookie::clear(cookie::TWO_FACTOR, secure));
    if !trust {
        return Ok(reply);
    }
    let life_s = auth.config.two_factor.trust_device_days * 24 * 3600;
    let token = auth
        .make_proof(&call.context, Kind::Device, &user.id, &user.id, life_s)
        .await?;
    Ok(reply.cookie(cookie::set(
        &auth.secrets,
        cookie::TRUSTED_DEVICE,
        &token,
        Some(life_s),
        secure,
    )))
}
