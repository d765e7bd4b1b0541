//! Groups of a directory: the teams of the organisation that the caller works in.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

use super::{
    BASE, Field, body, filter, invalid, list, operations, page,
    path::{self, Path},
    scim,
};
use crate::{
    error::{AuthError, Refusal, Result},
    http::Reply,
    records::kinds::{Member, Team, TeamMember},
    routes::{
        Call,
        organization::{member_record, newcomer, telling_role},
    },
};

pub(super) const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// Key of a member in a filter that is not looked up yet.
const MEMBER: &str = "$member";
/// Members that one filter names.
const NAMED_MAX: usize = 20;

fn tenant(call: &Call) -> Result<String> {
    match call.context.tenant() {
        "" => Err(Refusal::NoActiveOrganization.into()),
        tenant => Ok(tenant.to_owned()),
    }
}

async fn members_of(call: &Call, team: &str) -> Result<Vec<TeamMember>> {
    call.auth.records.all(&call.context, json!({ "team_id": team })).await
}

async fn group_json(call: &Call, team: &Team) -> Result<Value> {
    let members = members_of(call, &team.id).await?;
    let members: Vec<Value> = members
        .iter()
        .map(|member| json!({ "value": member.user_id, "$ref": format!("{BASE}/Users/{}", member.user_id) }))
        .collect();
    Ok(json!({
        "schemas": [SCHEMA],
        "id": team.id,
        "externalId": team.external_id,
        "displayName": team.name,
        "members": members,
        "meta": {
            "resourceType": "Group", "created": team.created_at, "lastModified": team.updated_at,
            "location": format!("{BASE}/Groups/{}", team.id),
        },
    }))
}

async fn meant(call: &Call) -> Result<Team> {
    let filter = json!({ "id": call.request.parameter("id"), "organization_id": tenant(call)? });
    let found: Option<Team> = call.auth.records.find_one(&call.context, filter).await?;
    found.ok_or_else(|| Refusal::NotFound.into())
}

/// Ids of users out of `[{value}]`.
fn users(value: &Value) -> Vec<String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter_map(|member| member.get("value")?.as_str().map(ToOwned::to_owned))
        .collect()
}

/// Puts a user into the team, and into the organisation first if need be: the directory decides who belongs, of those within its
/// reach.
async fn add(call: &Call, team: &Team, user: &str) -> Result<()> {
    let records = &call.auth.records;
    let place = json!({ "organization_id": team.organization_id, "user_id": user });
    if records.find_one::<Member>(&call.context, place).await?.is_none() {
        let reach = call.auth.reach(&call.context).await?;
        if !call.auth.reaches(&call.context, &reach, user).await? {
            return Err(invalid(format!("there is no user {user}")));
        }
        let member = newcomer(call, &team.organization_id, user, "member");
        let description = "A directory made a user a member";
        let told = telling_role(call, &member, "authz.role_assigned", description)?;
        let made = records
            .create_telling::<Member>(&call.context, &member_record(&member), vec![told])
            .await;
        made.map_err(|error| {
            if error.duplicate().is_none() {
                invalid(format!("there is no user {user}"))
            } else {
                error
            }
        })?;
        call.auth.sessions.forget_user(user);
        call.auth.keys.forget_user(user);
    }
    let record = json!({ "team_id": team.id, "user_id": user });
    // A directory names whoever is there already as well; that gives nobody anything.
    let there: Option<TeamMember> = records.find_one(&call.context, record.clone()).await?;
    if there.is_some() {
        return Ok(());
    }
    match records.create::<TeamMember>(&call.context, record).await {
        Err(error) if error.duplicate().is_none() => Err(error),
        _ => Ok(()),
    }
}

async fn remove(call: &Call, team: &Team, user: &str) -> Result<()> {
    let place = json!({ "team_id": team.id, "user_id": user });
    let found: Option<TeamMember> = call.auth.records.find_one(&call.context, place).await?;
    if let Some(place) = found {
        call.auth.records.delete::<TeamMember>(&call.context, &place.id).await?;
    }
    Ok(())
}

/// Makes exactly these users the members.
async fn set(call: &Call, team: &Team, users: &[String]) -> Result<()> {
    for member in members_of(call, &team.id).await? {
        if !users.contains(&member.user_id) {
            call.auth
                .records
                .delete::<TeamMember>(&call.context, &member.id)
                .await?;
        }
    }
    for user in users {
        add(call, team, user).await?;
    }
    Ok(())
}

/// Name and id in the directory, as far as they are given.
fn fields(resource: &Value) -> Result<Map<String, Value>> {
    let mut fields = Map::new();
    if let Some(name) = resource.get("displayName") {
        let name = name.as_str().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| invalid("displayName is a text"))?;
        fields.insert("name".to_owned(), name.into());
    }
    match resource.get("externalId") {
        None => {}
        Some(id @ (Value::String(_) | Value::Null)) => {
            fields.insert("external_id".to_owned(), id.clone());
        }
        Some(_) => return Err(invalid("externalId is a text")),
    }
    Ok(fields)
}

async fn change(call: &Call, team: &Team, fields: Map<String, Value>) -> Result<()> {
    if !fields.is_empty() {
        call.auth
            .records
            .update::<Team>(&call.context, &team.id, Value::Object(fields))
            .await?;
    }
    Ok(())
}

/// The field that an attribute is, where groups are looked for.
fn field(attribute: &str) -> Option<Field> {
    Some(match attribute {
        "displayname" => Field::Text("name"),
        "externalid" => Field::Text("external_id"),
        "id" => Field::Text("id"),
        "members" | "members.value" => Field::Member,
        _ => return None,
    })
}

/// The users that a filter names as members, as `{"$member": ID}`.
fn named(filter: &Value, users: &mut BTreeMap<String, Vec<String>>) {
    match filter {
        Value::Object(map) => match map.get(MEMBER).and_then(Value::as_str) {
            Some(user) => {
                users.insert(user.to_owned(), Vec::new());
            }
            None => map.values().for_each(|part| named(part, users)),
        },
        Value::Array(parts) => parts.iter().for_each(|part| named(part, users)),
        _ => {}
    }
}

/// The same filter with the teams of these users in the place of them.
fn placed(filter: Value, teams: &BTreeMap<String, Vec<String>>) -> Value {
    match filter {
        Value::Object(map) => match map.get(MEMBER).and_then(Value::as_str).and_then(|user| teams.get(user)) {
            Some(teams) if teams.is_empty() => json!({ "id": { "$exists": false } }),
            Some(teams) => json!({ "id": { "$in": teams } }),
            None => Value::Object(map.into_iter().map(|(key, part)| (key, placed(part, teams))).collect()),
        },
        Value::Array(parts) => parts.into_iter().map(|part| placed(part, teams)).collect(),
        other => other,
    }
}

/// The filter of a request, with members looked up.
async fn asked(call: &Call) -> Result<Value> {
    let filter = filter(call, field)?;
    let mut users = BTreeMap::new();
    named(&filter, &mut users);
    if users.len() > NAMED_MAX {
        let message = format!("a filter names at most {NAMED_MAX} members");
        return Err(AuthError::explained(Refusal::InvalidFilter, message));
    }
    for (user, teams) in &mut users {
        let places: Vec<TeamMember> = call.auth.records.all(&call.context, json!({ "user_id": user })).await?;
        teams.extend(places.into_iter().map(|place| place.team_id));
    }
    Ok(placed(filter, &users))
}

/// `GET /scim/v2/Groups`.
pub(in crate::routes) async fn find(call: Call) -> Result<Reply> {
    scim(&call, async {
        let filter = json!({ "$and": [{ "organization_id": tenant(&call)? }, asked(&call).await?] });
        let (offset, limit) = page(&call);
        let records = &call.auth.records;
        let (teams, total) = records.page::<Team>(&call.context, filter, offset, limit).await?;
        let mut groups = Vec::new();
        for team in &teams {
            groups.push(group_json(&call, team).await?);
        }
        Ok(list(&groups, total, offset))
    })
    .await
}

/// `GET /scim/v2/Groups/{id}`.
pub(in crate::routes) async fn get(call: Call) -> Result<Reply> {
    scim(&call, async {
        let team = meant(&call).await?;
        Ok(Reply::ok(group_json(&call, &team).await?))
    })
    .await
}

/// `POST /scim/v2/Groups`.
pub(in crate::routes) async fn create(call: Call) -> Result<Reply> {
    scim(&call, async {
        let body = body(&call)?;
        let mut record = fields(&body)?;
        if !record.contains_key("name") {
            return Err(invalid("a group has a displayName"));
        }
        record.insert("organization_id".to_owned(), tenant(&call)?.into());
        let team: Team = call.auth.records.create(&call.context, Value::Object(record)).await?;
        for user in users(&body["members"]) {
            add(&call, &team, &user).await?;
        }
        let location = format!("{BASE}/Groups/{}", team.id);
        Ok(Reply::status(201, group_json(&call, &team).await?).header("location", location))
    })
    .await
}

/// `PUT /scim/v2/Groups/{id}`.
pub(in crate::routes) async fn replace(call: Call) -> Result<Reply> {
    scim(&call, async {
        let (team, body) = (meant(&call).await?, body(&call)?);
        let mut fields = fields(&body)?;
        if !fields.contains_key("name") {
            return Err(invalid("a group has a displayName"));
        }
        fields.entry("external_id").or_insert(Value::Null);
        change(&call, &team, fields).await?;
        set(&call, &team, &users(&body["members"])).await?;
        let team = meant(&call).await?;
        Ok(Reply::ok(group_json(&call, &team).await?))
    })
    .await
}

/// `PATCH /scim/v2/Groups/{id}`.
pub(in crate::routes) async fn patch(call: Call) -> Result<Reply> {
    scim(&call, async {
        let team = meant(&call).await?;
        for (operation, text, value) in operations(&body(&call)?)? {
            let path = Path::read(&text, SCHEMA)?;
            match (operation.as_str(), path.attribute.as_str()) {
                _ if path.part.is_some() => return Err(path::wrong(&text)),
                (operation, "members") => patch_members(&call, &team, operation, &path, &value).await?,
                _ if path.filter.is_some() => return Err(path::wrong(&text)),
                ("remove", "externalid") => change(&call, &team, fields(&json!({ "externalId": null }))?).await?,
                ("remove", _) => return Err(invalid(format!("`{text}` cannot be removed"))),
                (_, "displayname") => change(&call, &team, fields(&json!({ "displayName": value }))?).await?,
                (_, "externalid") => change(&call, &team, fields(&json!({ "externalId": value }))?).await?,
                (_, "") => {
                    change(&call, &team, fields(&value)?).await?;
                    if let Some(members) = value.get("members") {
                        for user in users(members) {
                            add(&call, &team, &user).await?;
                        }
                    }
                }
                _ => return Err(invalid(format!("a group has no `{text}`"))),
            }
        }
        let team = meant(&call).await?;
        Ok(Reply::ok(group_json(&call, &team).await?))
    })
    .await
}

/// Changes who is in a team. A filter names members that are there.
async fn patch_members(call: &Call, team: &Team, operation: &str, path: &Path, value: &Value) -> Result<()> {
    // What stands in the place of one member is one member.
    let given = match value {
        Value::Object(_) => users(&json!([value])),
        value => users(value),
    };
    let Some(filter) = &path.filter else {
        return match operation {
            "replace" => set(call, team, &given).await,
            // Without a value all are meant; a value that names nobody means nobody.
            "remove" if value.is_null() => set(call, team, &[]).await,
            "remove" => {
                for user in &given {
                    remove(call, team, user).await?;
                }
                Ok(())
            }
            _ => {
                for user in &given {
                    add(call, team, user).await?;
                }
                Ok(())
            }
        };
    };
    if operation == "add" {
        return Err(path::wrong("members[…]"));
    }
    let members = members_of(call, &team.id).await?;
    let fit = |member: &&TeamMember| filter.fits(&json!({ "value": member.user_id, "type": "User" }), true);
    let meant: Vec<&TeamMember> = members.iter().filter(fit).collect();
    if operation == "replace" && meant.is_empty() {
        let message = "no member of the group fits the path";
        return Err(AuthError::explained(Refusal::NoTarget, message));
    }
    for member in meant {
        remove(call, team, &member.user_id).await?;
    }
    if operation == "replace" {
        for user in &given {
            add(call, team, user).await?;
        }
    }
    Ok(())
}

/// `DELETE /scim/v2/Groups/{id}`.
pub(in crate::routes) async fn delete(call: Call) -> Result<Reply> {
    scim(&call, async {
        let team = meant(&call).await?;
        call.auth.records.delete::<Team>(&call.context, &team.id).await?;
        Ok(Reply::empty(204))
    })
    .await
}
