//! Users of a directory. One that is no longer active is disabled, and every session ends.

use serde_json::{Map, Value, json};

use super::{
    BASE, Field, body, filter, invalid, list, operations, page,
    path::{self, Path},
    scim,
};
use crate::{
    bootstrap::{By, NewUser},
    error::{AuthError, Refusal, Result},
    http::{Reply, body::is_email},
    reach::Reach,
    records::kinds::User,
    routes::{Call, elsewhere, existence},
    sessions::load::is_banned,
};

pub(super) const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// Type of the one address that a user has.
const EMAIL_TYPE: &str = "work";

/// The address as one of those that SCIM lets a user have.
fn email_json(user: &User) -> Value {
    json!({ "value": user.email, "type": EMAIL_TYPE, "primary": true })
}

/// A user as they are at a moment.
fn user_json(user: &User, now_ms: i64) -> Value {
    json!({
        "schemas": [SCHEMA],
        "id": user.id,
        "externalId": user.external_id,
        "userName": user.email,
        "displayName": user.name,
        "name": { "formatted": user.name, "givenName": user.given_name, "familyName": user.family_name },
        "emails": [email_json(user)],
        "active": !is_banned(user, now_ms),
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
        // Whatever end somebody set before: a directory says yes or no until it says something else.
        fields.insert("ban_expires".to_owned(), Value::Null);
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
fn field(attribute: &str, now_ms: i64) -> Option<Field> {
    // An attribute may be named in full.
    let short = attribute
        .strip_prefix("urn:ietf:params:scim:schemas:core:2.0:user:")
        .unwrap_or(attribute);
    Some(match short {
        "username" | "emails" | "emails.value" => Field::Address("email"),
        "emails.type" => Field::Fixed(EMAIL_TYPE),
        "emails.primary" => Field::Always,
        "externalid" => Field::Text("external_id"),
        "id" => Field::Text("id"),
        "displayname" | "name.formatted" => Field::Text("name"),
        "name.givenname" => Field::Text("given_name"),
        "name.familyname" => Field::Text("family_name"),
        "active" => Field::Active { now_ms },
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
        let now_ms = call.auth.now_ms();
        let filter = filter(&call, |attribute| field(attribute, now_ms))?;
        let (offset, limit) = page(&call);
        let (users, total) = call.auth.users(&call.context, &reach, filter, offset, limit).await?;
        let users: Vec<Value> = users.iter().map(|user| user_json(user, now_ms)).collect();
        Ok(list(&users, total, offset))
    })
    .await
}

/// `GET /scim/v2/Users/{id}`.
pub(in crate::routes) async fn get(call: Call) -> Result<Reply> {
    scim(&call, async {
        let (_, user) = meant(&call).await?;
        Ok(Reply::ok(user_json(&user, call.auth.now_ms())))
    })
    .await
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
            _ => local_part(&email).to_owned(),
        };
        if fields.get("banned") == Some(&Value::Bool(true)) {
            fields.insert("banned_in".to_owned(), json!(reach.organization()));
        }
        let new = NewUser {
            name,
            email_verified: call.auth.vouches(&reach, &email),
            email,
            more: fields,
            organization: reach.organization(),
            ..NewUser::default()
        };
        let making = call.auth.make_user(&call.context, &new, By::Administrator);
        let user = existence::counted_beyond(&call, &reach, &new.email, making).await?;
        let shown = user_json(&user, call.auth.now_ms());
        Ok(Reply::status(201, shown).header("location", format!("{BASE}/Users/{}", user.id)))
    })
    .await
}

/// `PUT /scim/v2/Users/{id}`: what is left out of what a directory manages is nothing from then on.
pub(in crate::routes) async fn replace(call: Call) -> Result<Reply> {
    scim(&call, async {
        let (reach, user) = meant(&call).await?;
        let change = whole(&user, fields(&body(&call)?)?);
        let changed = apply(&call, &reach, &user, change).await?;
        Ok(Reply::ok(user_json(&changed, call.auth.now_ms())))
    })
    .await
}

/// `PATCH /scim/v2/Users/{id}`.
pub(in crate::routes) async fn patch(call: Call) -> Result<Reply> {
    scim(&call, async {
        let (reach, user) = meant(&call).await?;
        let mut change = Map::new();
        for (operation, path, value) in operations(&body(&call)?)? {
            let path = Path::read(&path, SCHEMA)?;
            if operation == "remove" {
                change.extend(removed(&user, &path)?);
            } else {
                change.extend(fields(&at(&user, &operation, &path, value.clone())?)?);
                // Some directories write paths as keys.
                let keys = value
                    .as_object()
                    .filter(|_| path.attribute.is_empty())
                    .into_iter()
                    .flatten();
                for (key, value) in keys.filter(|(key, _)| key.contains(['.', '['])) {
                    let path = Path::read(key, SCHEMA)?;
                    change.extend(fields(&at(&user, &operation, &path, value.clone())?)?);
                }
            }
        }
        let changed = apply(&call, &reach, &user, change).await?;
        Ok(Reply::ok(user_json(&changed, call.auth.now_ms())))
    })
    .await
}

/// A value where its path says, as a resource would have it; what is not kept is left out.
fn at(user: &User, operation: &str, path: &Path, value: Value) -> Result<Value> {
    let key = match (path.attribute.as_str(), path.part.as_deref()) {
        ("", _) => return Ok(value),
        ("emails", part) => return at_emails(user, operation, path, part, value),
        ("name", Some("givenname")) => return one(path, json!({ "name": { "givenName": value } })),
        ("name", Some("familyname")) => return one(path, json!({ "name": { "familyName": value } })),
        ("name", Some("formatted")) => return one(path, json!({ "name": { "formatted": value } })),
        ("name", None) => "name",
        ("username", None) => "userName",
        ("displayname", None) => "displayName",
        ("externalid", None) => "externalId",
        ("active", None) => "active",
        _ => return Ok(json!({})),
    };
    one(path, json!({ key: value }))
}

/// Refuses a filter where there is one value alone.
fn one(path: &Path, resource: Value) -> Result<Value> {
    match &path.filter {
        None => Ok(resource),
        Some(_) => Err(path::wrong(&format!("{}[…]", path.attribute))),
    }
}

/// A user has one address. A filter that does not fit it means another one, which is not kept.
fn at_emails(user: &User, operation: &str, path: &Path, part: Option<&str>, value: Value) -> Result<Value> {
    let fits = path
        .filter
        .as_ref()
        .is_none_or(|filter| filter.fits(&email_json(user), false));
    if !fits && operation == "replace" {
        let message = "no e-mail of the user fits the path";
        return Err(AuthError::explained(Refusal::NoTarget, message));
    }
    let address = match (part, value) {
        (Some("value") | None, Value::String(text)) => json!({ "value": text }),
        (None, Value::Array(emails)) if path.filter.is_none() => return Ok(json!({ "emails": emails })),
        (None, Value::Array(emails)) => emails.into_iter().next().unwrap_or_default(),
        (None, address) => address,
        (Some("type" | "primary" | "display"), _) => return Ok(json!({})),
        (Some(part), _) => return Err(path::wrong(&format!("emails.{part}"))),
    };
    Ok(if fits {
        json!({ "emails": [address] })
    } else {
        json!({})
    })
}

/// All that a directory says of a user in the place of what it said before. The address stays when none is given, for nobody is
/// without one; and nobody who is disabled comes back by what is left out.
fn whole(user: &User, mut given: Map<String, Value>) -> Map<String, Value> {
    for name in ["given_name", "family_name", "external_id"] {
        given.entry(name).or_insert(Value::Null);
    }
    if !given.contains_key("name") {
        let email = given.get("email").and_then(Value::as_str).unwrap_or(&user.email);
        let name = local_part(email).to_owned();
        given.insert("name".to_owned(), name.into());
    }
    given
}

/// What somebody is called of whom nothing else is known.
fn local_part(email: &str) -> &str {
    email.split('@').next().unwrap_or_default()
}

/// What is left when an attribute goes. A user cannot be without a name or an address: the name then is made of the address, and
/// the address stays.
fn removed(user: &User, path: &Path) -> Result<Map<String, Value>> {
    let none =
        |names: &[&str]| -> Map<String, Value> { names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect() };
    Ok(match (path.attribute.as_str(), path.part.as_deref()) {
        ("", _) => return Err(invalid("what is removed is named by a path")),
        ("externalid", None) => none(&["external_id"]),
        ("name", Some("givenname")) => none(&["given_name"]),
        ("name", Some("familyname")) => none(&["family_name"]),
        ("name", None) => none(&["given_name", "family_name"]),
        ("displayname", None) | ("name", Some("formatted")) => {
            Map::from_iter([("name".to_owned(), local_part(&user.email).into())])
        }
        ("emails", _)
            if path
                .filter
                .as_ref()
                .is_some_and(|filter| !filter.fits(&email_json(user), false)) =>
        {
            Map::new()
        }
        (attribute @ ("username" | "active" | "id" | "emails"), _) => {
            return Err(invalid(format!("a user is not without `{attribute}`; replace it")));
        }
        // What is not kept is gone already.
        _ => Map::new(),
    })
}

async fn apply(call: &Call, reach: &Reach, user: &User, mut change: Map<String, Value>) -> Result<User> {
    let auth = &call.auth;
    auth.demand_for_user(&call.context, reach, user).await?;
    let address = change.get("email").and_then(Value::as_str);
    let address = address.filter(|address| *address != user.email).map(ToOwned::to_owned);
    if let Some(address) = &address {
        // Whoever has the address has the account.
        auth.check_own(&call.context, reach, user).await?;
        auth.check_ban(reach, user)?;
        change.insert("email_verified".to_owned(), auth.vouches(reach, address).into());
    }
    let leaves = leaving(call, reach, user, &mut change).await?;
    attribute(call, reach, user, &mut change)?;
    let changed = if change.is_empty() {
        user.clone()
    } else {
        let changing = write(call, reach, user, change);
        match &address {
            Some(address) => existence::counted_beyond(call, reach, address, changing).await?,
            None => changing.await?,
        }
    };
    auth.forget_user(&user.id);
    if address.is_some() {
        auth.end_proofs(&call.context, user).await?;
    }
    let Some(organization) = leaves else {
        return Ok(changed);
    };
    elsewhere::put_out(
        call,
        user,
        &organization,
        "The directory put the user out of the organization",
    )
    .await?;
    // What the directory asked for, as far as it has a say.
    Ok(User {
        banned: true,
        ban_expires: None,
        ..changed
    })
}

/// Whether a change means that a member of several organisations leaves the one of the directory: nobody is disabled in all of them,
/// nor comes back, by what one of them says. Takes out of the change what has no effect then.
async fn leaving(call: &Call, reach: &Reach, user: &User, change: &mut Map<String, Value>) -> Result<Option<String>> {
    let Some(Value::Bool(banned)) = change.get("banned").cloned() else {
        return Ok(None);
    };
    let Some(organization) = call.auth.shared(&call.context, reach, user).await? else {
        return Ok(None);
    };
    change.remove("banned");
    change.remove("ban_expires");
    if banned {
        return Ok(Some(organization));
    }
    if is_banned(user, call.auth.now_ms()) {
        let message = "The user is a member of another organization, too";
        return Err(AuthError::explained(Refusal::Forbidden, message));
    }
    Ok(None)
}

/// Writes down with a change who disables a user by it. Whom somebody beyond the directory's reach disabled it does not bring
/// back; that it disables them, too, makes that last, and leaves it to be undone there.
fn attribute(call: &Call, reach: &Reach, user: &User, change: &mut Map<String, Value>) -> Result<()> {
    let Some(banned) = change.get("banned").and_then(Value::as_bool) else {
        return Ok(());
    };
    if !banned {
        call.auth.check_ban(reach, user)?;
        change.insert("banned_in".to_owned(), Value::Null);
    } else if !call.auth.banned_beyond(reach, user) {
        change.insert("banned_in".to_owned(), json!(reach.organization()));
    }
    Ok(())
}

/// Stores a change; somebody who is disabled by it is out at once.
async fn write(call: &Call, reach: &Reach, user: &User, change: Map<String, Value>) -> Result<User> {
    let (auth, context) = (&call.auth, &call.context);
    let banned = change.get("banned").and_then(Value::as_bool);
    let change = Value::Object(change);
    let changed = if banned == Some(true) && !is_banned(user, auth.now_ms()) {
        let description = "The user was disabled by the directory";
        auth.disable(context, user, &change, &[], description).await
    } else {
        let version = reach.based_on(user).filter(|_| banned.is_some());
        auth.records.update_based_on(context, &user.id, change, version).await
    };
    match changed {
        Err(error) if error.duplicate().is_some() => Err(Refusal::UserExists.into()),
        other => other,
    }
}

/// `DELETE /scim/v2/Users/{id}`.
pub(in crate::routes) async fn delete(call: Call) -> Result<Reply> {
    scim(&call, async {
        let (reach, user) = meant(&call).await?;
        let auth = &call.auth;
        auth.demand_for_user(&call.context, &reach, &user).await?;
        auth.check_own(&call.context, &reach, &user).await?;
        auth.check_ban(&reach, &user)?;
        auth.end_all(&call.context, &user, None, "The user was deleted by the directory")
            .await?;
        auth.records.delete::<User>(&call.context, &user.id).await?;
        auth.sessions.forget_user(&user.id);
        auth.keys.forget_user(&user.id);
        Ok(Reply::empty(204))
    })
    .await
}
