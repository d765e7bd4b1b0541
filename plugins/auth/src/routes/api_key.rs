//! Keys for programs: made and ended by the user they act for, shown once.

use serde_json::{Map, Value, json};

use super::Call;
use crate::{
    auth::Note,
    crypto::{hash_text, hash_token},
    error::{AuthError, Refusal, Result},
    http::Reply,
    keys::{KEY_CHARS, PREFIX, Scopes, scopes_of},
    moment,
    records::kinds::{ApiKey, Member, User},
};

/// Characters of a key that are kept for its owner to recognise it by, with the prefix.
const START_CHARS: usize = 8;

fn key_json(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "start": key.start,
        "prefix": PREFIX,
        "userId": key.user_id,
        "organizationId": key.organization_id,
        "scopes": scopes_of(key),
        "enabled": key.enabled,
        "expiresAt": key.expires_at,
        "lastRequest": key.last_used_at,
        "createdAt": key.created_at,
        "updatedAt": key.updated_at,
    })
}

/// `POST /api-key/create {name, expiresIn?, scopes?, organizationId?}`; `expiresIn` in seconds.
pub(super) async fn create(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let (auth, user) = (&call.auth, &me.live.user);
    let scopes = body.texts("scopes")?;
    Scopes::new(scopes.clone())?;
    let expires = expiry(&call, body.number("expiresIn")?)?;
    let organization = match body.text("organizationId")? {
        Some(organization) => Some(organization.to_owned()),
        None => me.live.session.active_organization_id.clone(),
    };
    if let Some(organization) = &organization {
        let place = json!({ "organization_id": organization, "user_id": user.id });
        let member: Option<Member> = auth.records.find_one(&call.context, place).await?;
        member.ok_or(Refusal::NotMember)?;
    }
    let key = format!("{PREFIX}{}", auth.secrets.token(KEY_CHARS));
    let record = json!({
        "name": body.text("name")?.unwrap_or("API key"),
        "user_id": user.id,
        "organization_id": organization,
        "key_hash": hash_text(&hash_token(&key)),
        "start": &key[..START_CHARS],
        "scopes": scopes,
        "enabled": true,
        "expires_at": expires,
    });
    let made: ApiKey = auth.records.create(&call.context, record).await?;
    note(&call, user, &made, "security.api_key_created", "An API key was made").await?;
    let mut answer = key_json(&made);
    answer["key"] = key.into();
    Ok(Reply::ok(answer))
}

fn expiry(call: &Call, expires_in_s: Option<i64>) -> Result<Option<String>> {
    match expires_in_s {
        None => Ok(None),
        Some(seconds) if (1..=315_360_000).contains(&seconds) => {
            Ok(Some(moment::text(call.auth.now_ms() + seconds * 1000)))
        }
        Some(_) => Err(AuthError::body("expiresIn", "expected seconds between 1 and ten years")),
    }
}

async fn note(call: &Call, user: &User, key: &ApiKey, event: &str, description: &str) -> Result<()> {
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), key.name.as_str().into());
    metadata.insert("scopes".to_owned(), json!(scopes_of(key)));
    let note = Note {
        user: Some(user),
        target: Some(("api_key", &key.id)),
        description,
        metadata,
        ..Note::default()
    };
    call.auth.note(&call.context, event, note).await
}

/// `GET /api-key/list`.
pub(super) async fn list(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let keys: Vec<ApiKey> = call
        .auth
        .records
        .find(&call.context, json!({ "user_id": me.live.user.id }))
        .await?;
    Ok(Reply::ok(keys.iter().map(key_json).collect()))
}

/// One of the caller's own keys.
async fn own(call: &Call, user: &str, id: &str) -> Result<ApiKey> {
    let found: Option<ApiKey> = call.auth.records.get(&call.context, id).await?;
    found
        .filter(|key| key.user_id == user)
        .ok_or_else(|| Refusal::KeyNotFound.into())
}

/// `POST /api-key/update {keyId, name?, enabled?}`.
pub(super) async fn update(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let key = own(&call, &me.live.user.id, body.required("keyId")?).await?;
    let mut change = Map::new();
    if let Some(name) = body.text("name")? {
        change.insert("name".to_owned(), name.into());
    }
    if let Some(enabled) = body.flag("enabled")? {
        change.insert("enabled".to_owned(), enabled.into());
    }
    let changed: ApiKey = call
        .auth
        .records
        .update(&call.context, &key.id, Value::Object(change))
        .await?;
    call.auth.keys.forget_id(&key.id);
    Ok(Reply::ok(key_json(&changed)))
}

/// `POST /api-key/delete {keyId}`.
pub(super) async fn delete(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let key = own(&call, &me.live.user.id, call.body()?.required("keyId")?).await?;
    call.auth.keys.forget_id(&key.id);
    call.auth.records.delete::<ApiKey>(&call.context, &key.id).await?;
    call.auth.keys.forget_id(&key.id);
    let event = "security.api_key_revoked";
    note(&call, &me.live.user, &key, event, "An API key was ended").await?;
    Ok(Reply::ok(json!({ "success": true })))
}
