//! Users of a directory. One that is no longer active is disabled, and every session ends.

use serde_json::{Map, Value, json};

use super::{BASE, Field, body, filter, invalid, list, operations, page, scim};
use crate::{
    bootstrap::{By, NewUser},
    error::{Refusal, Result},
    http::{Reply, body::is_email},
    reach::Reach,
    records::kinds::User,
    routes::Call,
};

pub(super) const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

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

/// The field that an attribute is, where users are looked for.
fn field(attribute: &str) -> Option<Field> {
    // An attribute may be named in full.
    let short = attribute
        .strip_prefix("urn:ietf:params:scim:schemas:core:2.0:user:")
        .unwrap_or(attribute);
    Some(match short {
        "username" | "emails" | "emails.value" => Field::Address("email"),
        "externalid" => Field::Text("external_id"),
        "id" => Field::Text("id"),
        "displayname" | "name.formatted" => Field::Text("name"),
        "name.givenname" => Field::Text("given_name"),
        "name.familyname" => Field::Text("family_name"),
        "active" => Field::Not("banned"),
        _ => return None,
    })
}

async fn meant(call: &Call) -> Result<(Reach, User)> {
    let reach = call.auth.reach(&call.context).await?;
    let id = call.request.parameter("id");
    let user = call.auth.within(&call.context, &reach, id).await?;
    Ok((reach, user))
}

/// `GET /scim/v2/Users`.
pub(in crate::routes) async fn find(call: Call) -> Result<Reply> {
    scim(&call, async {
        let reach = call.auth.reach(&call.context).await?;
        let filter = filter(&call, field)?;
        let (offset, limit) = page(&call);
        let (users, total) = call.auth.users(&call.context, &reach, filter, offset, limit).await?;
        let users: Vec<Value> = users.iter().map(user_json).collect();
        Ok(list(&users, total, offset))
    })
    .await
}

/// `GET /scim/v2/Users/{id}`.
pub(in crate::routes) async fn get(call: Call) -> Result<Reply> {
    scim(&call, async { Ok(Reply::ok(user_json(&meant(&call).await?.1))) }).await
}

/// `POST /scim/v2/Users`.
pub(in crate::routes) async fn create(call: Call) -> Result<Reply> {
    scim(&call, async {
        let reach = call.auth.reach(&call.context).await?;
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
            organization: reach.organization(),
            ..NewUser::default()
        };
        let user = call.auth.make_user(&call.context, &new, By::Administrator).await?;
        Ok(Reply::status(201, user_json(&user)).header("location", format!("{BASE}/Users/{}", user.id)))
    })
    .await
}

/// `PUT /scim/v2/Users/{id}`.
pub(in crate::routes) async fn replace(call: Call) -> Result<Reply> {
    scim(&call, async {
        let (reach, user) = meant(&call).await?;
        let change = fields(&body(&call)?)?;
        Ok(Reply::ok(user_json(&apply(&call, &reach, &user, change).await?)))
    })
    .await
}

/// `PATCH /scim/v2/Users/{id}`.
pub(in crate::routes) async fn patch(call: Call) -> Result<Reply> {
    scim(&call, async {
        let (reach, user) = meant(&call).await?;
        let mut change = Map::new();
        for (operation, path, value) in operations(&body(&call)?)? {
            if operation == "remove" {
                change.extend(removed(&user, &path)?);
            } else {
                change.extend(fields(&at(&path, value.clone()))?);
                // Some directories write paths as keys.
                let keys = value.as_object().filter(|_| path.is_empty()).into_iter().flatten();
                for (key, value) in keys.filter(|(key, _)| key.contains('.')) {
                    change.extend(fields(&at(key, value.clone()))?);
                }
            }
        }
        Ok(Reply::ok(user_json(&apply(&call, &reach, &user, change).await?)))
    })
    .await
}

/// A value where its path says, as a resource would have it.
fn at(path: &str, value: Value) -> Value {
    let lower = path.to_ascii_lowercase();
    match lower.as_str() {
        "" => value,
        "name.givenname" => json!({ "name": { "givenName": value } }),
        "name.familyname" => json!({ "name": { "familyName": value } }),
        "name.formatted" => json!({ "name": { "formatted": value } }),
        path if path.starts_with("emails") && value.is_string() => json!({ "emails": [{ "value": value }] }),
        _ => json!({ path: value }),
    }
}

/// What is left when an attribute goes. A user cannot be without a name or an address: the name then is made of the address, and
/// the address stays.
fn removed(user: &User, path: &str) -> Result<Map<String, Value>> {
    let none =
        |names: &[&str]| -> Map<String, Value> { names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect() };
    let lower = path.to_ascii_lowercase();
    Ok(match lower.as_str() {
        "" => return Err(invalid("what is removed is named by a path")),
        "externalid" => none(&["external_id"]),
        "name.givenname" => none(&["given_name"]),
        "name.familyname" => none(&["family_name"]),
        "name" => none(&["given_name", "family_name"]),
        "displayname" | "name.formatted" => {
            let local = user.email.split('@').next().unwrap_or_default();
            Map::from_iter([("name".to_owned(), local.into())])
        }
        path if path == "username" || path == "active" || path == "id" || path.starts_with("emails") => {
            return Err(invalid(format!("a user is not without `{path}`; replace it")));
        }
        // What is not kept is gone already.
        _ => Map::new(),
    })
}

async fn apply(call: &Call, reach: &Reach, user: &User, change: Map<String, Value>) -> Result<User> {
    call.auth.demand_for_role(&call.context, &user.role).await?;
    let address = change.get("email").and_then(Value::as_str);
    if address.is_some_and(|address| address != user.email) {
        // Whoever has the address has the account.
        call.auth.check_own(&call.context, reach, user).await?;
    }
    if change.is_empty() {
        return Ok(user.clone());
    }
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
        let (reach, user) = meant(&call).await?;
        let auth = &call.auth;
        auth.demand_for_role(&call.context, &user.role).await?;
        auth.check_own(&call.context, &reach, &user).await?;
        auth.end_all(&call.context, &user, None, "The user was deleted by the directory")
            .await?;
        auth.records.delete::<User>(&call.context, &user.id).await?;
        auth.sessions.forget_user(&user.id);
        auth.keys.forget_user(&user.id);
        Ok(Reply::empty(204))
    })
    .await
}
