//! What users change about themselves.

use objectos_expression::Zone;
use serde_json::{Map, Value, json};

use super::{Call, session::confirm_password, sign};
use crate::{
    auth::ADMINISTRATOR,
    error::{AuthError, Refusal, Result},
    http::{Reply, cookie},
    records::kinds::{Account, User},
    sessions::load::CREDENTIAL,
};

/// Longest name, characters.
const NAME_CHARS_MAX: usize = 200;

/// `POST /update-user {name?, image?, timezone?}`. A time zone is a name of the IANA database or an offset; `null` is none.
pub(super) async fn update_user(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    if body.has("email") || body.has("emailVerified") || body.has("role") {
        return Err(AuthError::body(
            "email",
            "only name, image and timezone are changed here",
        ));
    }
    let mut change = Map::new();
    if let Some(name) = body.text("name")? {
        if name.chars().count() > NAME_CHARS_MAX {
            return Err(AuthError::body(
                "name",
                "Too big: expected string to have <=200 characters",
            ));
        }
        change.insert("name".to_owned(), name.into());
    }
    if body.has("image") {
        change.insert("image".to_owned(), json!(body.text("image")?));
    }
    if body.has("timezone") {
        let zone = body.text("timezone")?;
        if let Some(Err(error)) = zone.map(Zone::read) {
            return Err(AuthError::body("timezone", &error.to_string()));
        }
        change.insert("timezone".to_owned(), json!(zone));
    }
    if !change.is_empty() {
        let user = &me.live.user.id;
        call.auth
            .records
            .update::<User>(&call.context, user, Value::Object(change))
            .await?;
        call.auth.sessions.forget_user(user);
        call.auth.keys.forget_user(user);
    }
    Ok(Reply::ok(json!({ "status": true })))
}

/// `POST /delete-user {password?}`.
pub(super) async fn delete_user(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let user = &me.live.user;
    if user.role == ADMINISTRATOR {
        return Err(AuthError::explained(
            Refusal::Forbidden,
            "An administrator is deleted by another one",
        ));
    }
    match call.auth.credential(&call.context, &user.id).await? {
        Some(_) => confirm_password(&call, user, body.required("password")?).await?,
        None => {
            let fresh_ms = crate::moment::ms(&me.live.session.signed_in_at) + 24 * 3_600_000;
            if fresh_ms < call.auth.now_ms() {
                return Err(AuthError::explained(Refusal::Forbidden, "Sign in again first"));
            }
        }
    }
    super::organization::members::check_not_last_owner(&call, &user.id).await?;
    call.auth
        .end_all(&call.context, user, None, "The user was deleted")
        .await?;
    call.auth.records.delete::<User>(&call.context, &user.id).await?;
    call.auth.sessions.forget_user(&user.id);
    call.auth.keys.forget_user(&user.id);
    let reply = Reply::ok(json!({ "success": true, "message": "User deleted" }));
    Ok(reply.cookie(cookie::clear(cookie::SESSION, call.secure())))
}

/// `GET /list-accounts`.
pub(super) async fn list(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let accounts = accounts_of(&call, &me.live.user.id).await?;
    let accounts: Vec<Value> = accounts
        .iter()
        .map(|account| {
            let scopes: Vec<&str> = account
                .scope
                .as_deref()
                .unwrap_or_default()
                .split_whitespace()
                .collect();
            json!({
                "id": account.id,
                "providerId": account.provider_id,
                "accountId": account.account_id,
                "userId": account.user_id,
                "scopes": scopes,
                "createdAt": account.created_at,
                "updatedAt": account.updated_at,
            })
        })
        .collect();
    Ok(Reply::ok(Value::Array(accounts)))
}

async fn accounts_of(call: &Call, user: &str) -> Result<Vec<Account>> {
    call.auth.records.find(&call.context, json!({ "user_id": user })).await
}

/// `POST /unlink-account {providerId, accountId?}`: all but the last way in.
pub(super) async fn unlink(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let (provider, account_id) = (body.required("providerId")?, body.text("accountId")?);
    let accounts = accounts_of(&call, &me.live.user.id).await?;
    let found = accounts.iter().find(|account| {
        account.provider_id == provider && account_id.is_none_or(|id| account.account_id == id || account.id == id)
    });
    let account = found.ok_or(Refusal::AccountNotFound)?;
    if accounts.len() == 1 {
        return Err(Refusal::LastAccount.into());
    }
    let mut told = Vec::new();
    if account.provider_id == CREDENTIAL {
        let event = "auth.password_changed";
        told.push(sign::telling(
            &call,
            &me.live.user,
            event,
            "The password was taken away",
        )?);
    }
    call.auth
        .records
        .delete_telling::<Account>(&call.context, &account.id, told)
        .await?;
    Ok(Reply::ok(json!({ "status": true })))
}
