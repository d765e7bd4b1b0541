//! Users of a directory. One that is no longer active is disabled, and every session ends.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{BASE, body, equality, invalid, list, operations, page, scim};
use crate::{
    auth::ADMINISTRATOR,
    bootstrap::{By, NewUser},
    error::{AuthError, Refusal, Result},
    http::{Reply, body::is_email},
    records::kinds::User,
    routes::Call,
};

const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

fn user_json(user: &User) -> Value {
    json!({
        "schemas": [SCHEMA],
        "id": user.id,
        "externalId": user.external_id,
        "userName": user.email,
        "displayName": user.name,
        "name": { "formatted": user.name, "givenName": user.given_name, "familyName": user.family_name },
        "emails": [{ "value": user.email, "type": "work", "primary": true }],
        "active": !user.banned,
        "meta": {
            "resourceType": "User", "created": user.created_at, "lastModified": user.updated_at,
            "location": format!("{BASE}/Users/{}", user.id),
        },
    })
}

/// What a directory says of a user, as fields of the record.
fn fields(resource: &Value) -> Result<Map<String, Value>> {
    let mut fields = Map::new();
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(ToOwned::to_owned);
    let primary = resource.get("emails").and_then(Value::as_array).and_then(|emails| {
        let primary = emails
            .iter()
            .find(|email| email.get("primary") == Some(&Value::Bool(true)));
        text(primary.or(emails.first())?.get("value"))
    });
    let user_name = text(resource.get("userName")).filter(|name| is_email(&name.to_lowercase()));
    if let Some(email) = user_name.or(primary) {
        let email = email.to_lowercase();
        if !is_email(&email) {
            return Err(invalid("userName, or the primary e-mail, must be an e-mail address"));
        }
        fields.insert("email".to_owned(), email.into());
    }
    let given = text(resource.pointer("/name/givenName"));
    let family = text(resource.pointer("/name/familyName"));
    let whole = match (&given, &family) {
        (Some(given), Some(family)) => Some(format!("{given} {family}")),
        _ => None,
    };
    let formatted = text(resource.pointer("/name/formatted"));
    if let Some(name) = text(resource.get("displayName")).or(formatted).or(whole) {
        fields.insert("name".to_owned(), name.into());
    }
    for (name, value) in [
        ("given_name", given),
        ("family_name", family),
        ("external_id", text(resource.get("externalId"))),
    ] {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value.into());
        }
    }
    if let Some(active) = active(resource.get("active")) {
        fields.insert("banned".to_owned(), Value::Bool(!active));
    }
    Ok(fields)
}

/// Some directories write truth as a text.
fn active(value: Option<&Value>) -> Option<bool> {
    match value? {
        Value::Bool(active) => Some(*active),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

async fn meant(call: &Call) -> Result<User> {
    let found: Option<User> = call
        .auth
        .records
        .get(&call.context, call.request.parameter("id"))
        .await?;
    found.ok_or_else(|| Refusal::UserNotFound.into())
}

/// `GET /scim/v2/Users`.
pub(in crate::routes) async fn find(call: Call) -> Result<Reply> {
    scim(&call, async {
        #[derive(Deserialize)]
        struct Found {
            records: Vec<User>,
            total: Option<u64>,
        }
        let filter = match equality(&call)? {
            None => json!({}),
            Some((attribute, value)) => match attribute.as_str() {
                "username" | "emails" | "emails.value" => json!({ "email": value.to_lowercase() }),
                "externalid" => json!({ "external_id": value }),
                "id" => json!({ "id": value }),
                "displayname" => json!({ "name": value }),
                _ => return Err(invalid(format!("users are not looked for by {attribute}"))),
            },
        };
        let (offset, limit) = page(&call);
        let query = json!({
            "where": filter, "limit": limit, "offset": offset,
            "orderBy": [{ "field": "created_at", "order": "asc" }],
        });
        let answer = call.auth.records.find_raw(&call.context, "sys_user", query).await?;
        let found: Found = serde_json::from_slice(&answer).map_err(|error| AuthError::Internal(error.to_string()))?;
        let users: Vec<Value> = found.records.iter().map(user_json).collect();
        Ok(list(&users, found.total.unwrap_or_default(), offset))
    })
    .await
}

/// `GET /scim/v2/Users/{id}`.
pub(in crate::routes) async fn get(call: Call) -> Result<Reply> {
    scim(&call, async { Ok(Reply::ok(user_json(&meant(&call).await?))) }).await
}

/// `POST /scim/v2/Users`.
pub(in crate::routes) async fn create(call: Call) -> Result<Reply> {
    scim(&call, async {
        let mut fields = fields(&body(&call)?)?;
        let Some(Value::String(email)) = fields.remove("email") else {
            return Err(invalid("userName must be an e-mail address"));
        };
        let name = match fields.remove("name") {
            Some(Value::String(name)) => name,
            _ => email.split('@').next().unwrap_or_default().to_owned(),
        };
        let new = NewUser {
            name,
            email,
            // The directory knows its people.
            email_verified: true,
            more: fields,
            ..NewUser::default()
        };
        let user = call.auth.make_user(&call.context, new, By::Administrator).await?;
        Ok(Reply::status(201, user_json(&user)).header("location", format!("{BASE}/Users/{}", user.id)))
    })
    .await
}

/// `PUT /scim/v2/Users/{id}`.
pub(in crate::routes) async fn replace(call: Call) -> Result<Reply> {
    scim(&call, async {
        let user = meant(&call).await?;
        let change = fields(&body(&call)?)?;
        Ok(Reply::ok(user_json(&apply(&call, &user, change).await?)))
    })
    .await
}

/// `PATCH /scim/v2/Users/{id}`.
pub(in crate::routes) async fn patch(call: Call) -> Result<Reply> {
    scim(&call, async {
        let user = meant(&call).await?;
        let mut change = Map::new();
        for (operation, path, value) in operations(&body(&call)?)? {
            if operation == "remove" {
                return Err(invalid("nothing of a user is removed; replace it"));
            }
            let resource = match path.as_str() {
                "" => value,
                "name.givenName" => json!({ "name": { "givenName": value } }),
                "name.familyName" => json!({ "name": { "familyName": value } }),
                "name.formatted" => json!({ "name": { "formatted": value } }),
                path if path.starts_with("emails") && value.is_string() => json!({ "emails": [{ "value": value }] }),
                path => json!({ path: value }),
            };
            change.extend(fields(&resource)?);
        }
        Ok(Reply::ok(user_json(&apply(&call, &user, change).await?)))
    })
    .await
}

async fn guard(call: &Call, user: &User) -> Result<()> {
    if user.role == ADMINISTRATOR {
        call.auth.demand(&call.context, "manage_platform").await?;
    }
    Ok(())
}

async fn apply(call: &Call, user: &User, change: Map<String, Value>) -> Result<User> {
    guard(call, user).await?;
    let auth = &call.auth;
    let ends = change.get("banned") == Some(&Value::Bool(true)) && !user.banned;
    let changed = auth
        .records
        .update::<User>(&call.context, &user.id, Value::Object(change))
        .await;
    let changed = match changed {
        Err(error) if error.duplicate().is_some() => return Err(Refusal::UserExists.into()),
        other => other?,
    };
    auth.sessions.forget_user(&user.id);
    auth.keys.forget_user(&user.id);
    if ends {
        auth.end_all(&call.context, user, None, "The user was disabled by the directory")
            .await?;
    }
    Ok(changed)
}

/// `DELETE /scim/v2/Users/{id}`.
pub(in crate::routes) async fn delete(call: Call) -> Result<Reply> {
    scim(&call, async {
        let user = meant(&call).await?;
        guard(&call, &user).await?;
        let auth = &call.auth;
        auth.end_all(&call.context, &user, None, "The user was deleted by the directory")
            .await?;
        auth.records.delete::<User>(&call.context, &user.id).await?;
        auth.sessions.forget_user(&user.id);
        auth.keys.forget_user(&user.id);
        Ok(Reply::empty(204))
    })
    .await
}
