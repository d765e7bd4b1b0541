//! Keys for programs: made by the user they act for, who signed in not long ago, shown once, and with an end.

use objectos_plugin_api::contracts::data::EventBeside;
use serde_json::{Map, Value, json};

use super::{Call, fresh::fresh_owner};
use crate::{
    auth::Note,
    bootstrap::ID_CHARS,
    crypto::{hash_text, hash_token},
    error::{AuthError, Refusal, Result},
    http::Reply,
    keys::{KEY_CHARS, PREFIX, Scopes, scopes_of},
    moment,
    records::kinds::{ApiKey, Member, User},
};

/// Characters of a key that are kept for its owner to recognise it by, with the prefix.
const START_CHARS: usize = 8;

/// A key as its owner sees it: without the key.
pub(super) fn key_json(key: &ApiKey) -> Value {
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

/// `POST /api-key/create {name, expiresIn?, scopes?, organizationId?}`; `expiresIn` in seconds, the longest there may be when
/// left out. A key outlives the session it is made in, so an old one is not enough.
pub(super) async fn create(call: Call) -> Result<Reply> {
    let me = fresh_owner(&call).await?;
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
    let kept = ApiKey {
        id: auth.secrets.token(ID_CHARS),
        name: body.text("name")?.unwrap_or("API key").to_owned(),
        scopes: Some(json!(scopes)),
        ..ApiKey::default()
    };
    let told = telling(&call, user, &kept, "security.api_key_created", "An API key was made")?;
    let record = json!({
        "id": kept.id,
        "name": kept.name,
        "user_id": user.id,
        "organization_id": organization,
        "key_hash": hash_text(&hash_token(&key)),
        "start": &key[..START_CHARS],
        "scopes": scopes,
        "enabled": true,
        "expires_at": expires,
    });
    let made: ApiKey = auth.records.create_telling(&call.context, &record, vec![told]).await?;
    let mut answer = key_json(&made);
    answer["key"] = key.into();
    Ok(Reply::ok(answer))
}

/// When a key ends: every key does.
fn expiry(call: &Call, expires_in_s: Option<i64>) -> Result<String> {
    let days = call.auth.config.api_keys.max_age_days;
    let longest_s = days.saturating_mul(24 * 3600);
    let life_s = expires_in_s.unwrap_or(longest_s);
    if (1..=longest_s).contains(&life_s) {
        return Ok(moment::text(call.auth.now_ms() + life_s * 1000));
    }
    let problem = format!("expected seconds between 1 and {longest_s}, the {days} days of apiKeys.maxAgeDays");
    Err(AuthError::body("expiresIn", &problem))
}

fn telling(call: &Call, user: &User, key: &ApiKey, event: &str, description: &str) -> Result<EventBeside> {
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
    note.event(&call.context, event)
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
    let records = &call.auth.records;
    // One that is switched off is as good as ended, until its owner switches it on again.
    let ends = key.enabled && change.get("enabled") == Some(&Value::Bool(false));
    let change = Value::Object(change);
    let changed: ApiKey = if ends {
        let description = "An API key was switched off";
        let told = telling(&call, &me.live.user, &key, "security.api_key_revoked", description)?;
        records
            .update_telling(&call.context, &key.id, &change, vec![told])
            .await?
    } else {
        records.update(&call.context, &key.id, change).await?
    };
    call.auth.keys.forget_id(&key.id);
    Ok(Reply::ok(key_json(&changed)))
}

/// `POST /api-key/delete {keyId}`.
pub(super) async fn delete(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let key = own(&call, &me.live.user.id, call.body()?.required("keyId")?).await?;
    end(&call, &me.live.user, &key, "An API key was ended").await?;
    Ok(Reply::ok(json!({ "success": true })))
}

/// Ends a key of a user.
pub(super) async fn end(call: &Call, user: &User, key: &ApiKey, description: &str) -> Result<()> {
    let told = telling(call, user, key, "security.api_key_revoked", description)?;
    call.auth.keys.forget_id(&key.id);
    let deleted = call
        .auth
        .records
        .delete_telling::<ApiKey>(&call.context, &key.id, vec![told])
        .await;
    // Once more, for whoever read it in between.
    call.auth.keys.forget_id(&key.id);
    deleted.map(drop)
}

/// Ends every key of a user.
pub(super) async fn end_all(call: &Call, user: &User) -> Result<()> {
    let of_user = json!({ "user_id": user.id });
    let keys: Vec<ApiKey> = call.auth.records.find(&call.context, of_user).await?;
    for key in &keys {
        end(call, user, key, "An API key was ended with the password").await?;
    }
    Ok(())
}
