//! Groups of a directory: the teams of the organisation that the caller works in.

use serde_json::{Map, Value, json};

use super::{BASE, Field, body, filter, invalid, list, operations, page, scim};
use crate::{
    error::{Refusal, Result},
    http::Reply,
    records::kinds::{Member, Team, TeamMember},
    routes::Call,
};

pub(super) const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

fn tenant(call: &Call) -> Result<String> {
    match call.context.tenant() {
        "" => Err(Refusal::NoActiveOrganization.into()),
        tenant => Ok(tenant.to_owned()),
    }
}

async fn members_of(call: &Call, team: &str) -> Result<Vec<TeamMember>> {
    call.auth.records.find(&call.context, json!({ "team_id": team })).await
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
        let record = json!({ "organization_id": team.organization_id, "user_id": user, "role": "member" });
        let made = records.create::<Member>(&call.context, record).await;
        made.map_err(|error| {
            if error.duplicate().is_none() {
                invalid(format!("there is no user {user}"))
            } else {
                error
            }
        })?;
    }
    let record = json!({ "team_id": team.id, "user_id": user });
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
        _ => return None,
    })
}

/// `GET /scim/v2/Groups`.
pub(in crate::routes) async fn find(call: Call) -> Result<Reply> {
    scim(&call, async {
        let filter = json!({ "$and": [{ "organization_id": tenant(&call)? }, filter(&call, field)?] });
        let teams: Vec<Team> = call.auth.records.find(&call.context, filter).await?;
        let (offset, limit) = page(&call);
        let bound = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let mut groups = Vec::new();
        for team in teams.iter().skip(bound(offset)).take(bound(limit)) {
            groups.push(group_json(&call, team).await?);
        }
        let total = u64::try_from(teams.len()).unwrap_or(u64::MAX);
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
        for (operation, path, value) in operations(&body(&call)?)? {
            match (operation.as_str(), path.as_str()) {
                ("add", "members") => {
                    for user in users(&value) {
                        add(&call, &team, &user).await?;
                    }
                }
                ("replace", "members") => set(&call, &team, &users(&value)).await?,
                ("remove", "members") => {
                    let named = users(&value);
                    if named.is_empty() {
                        set(&call, &team, &[]).await?;
                    }
                    for user in named {
                        remove(&call, &team, &user).await?;
                    }
                }
                ("remove", "externalId") => change(&call, &team, fields(&json!({ "externalId": null }))?).await?,
                ("remove", path) => {
                    let user = path
                        .strip_prefix("members[value eq \"")
                        .and_then(|rest| rest.strip_suffix("\"]"))
                        .ok_or_else(|| invalid(format!("`{path}` cannot be removed")))?;
                    remove(&call, &team, user).await?;
                }
                (_, path @ ("displayName" | "externalId")) => {
                    change(&call, &team, fields(&json!({ path: value }))?).await?;
                }
                (_, "") => {
                    change(&call, &team, fields(&value)?).await?;
                    if let Some(members) = value.get("members") {
                        for user in users(members) {
                            add(&call, &team, &user).await?;
                        }
                    }
                }
                (_, path) => return Err(invalid(format!("a group has no `{path}`"))),
            }
        }
        let team = meant(&call).await?;
        Ok(Reply::ok(group_json(&call, &team).await?))
    })
    .await
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
