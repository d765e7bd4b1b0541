//! Teams of an organisation.

use serde_json::{Value, json};

use super::{activate, entitled, membership};
use crate::{
    error::{Refusal, Result},
    http::{Reply, percent},
    records::kinds::{Session, Team, TeamMember},
    right::Right,
    routes::{Call, SignedIn},
    view,
};

/// A team of an organisation.
pub(super) async fn of_organization(call: &Call, organization: &str, team: &str) -> Result<Team> {
    let filter = json!({ "id": team, "organization_id": organization });
    let found: Option<Team> = call.auth.records.find_one(&call.context, filter).await?;
    found.ok_or_else(|| Refusal::TeamNotFound.into())
}

/// A team and the right to do something with it.
async fn team_for(call: &Call, me: &SignedIn, id: &str, right: Right) -> Result<Team> {
    let found: Option<Team> = call.auth.records.get(&call.context, id).await?;
    let team = found.ok_or(Refusal::TeamNotFound)?;
    match entitled(call, me, Some(&team.organization_id), right).await {
        Err(crate::error::AuthError::Refused(Refusal::NotMember)) => Err(Refusal::TeamNotFound.into()),
        other => other.map(|_| team),
    }
}

async fn member_of(call: &Call, team: &str, user: &str) -> Result<Option<TeamMember>> {
    let place = json!({ "team_id": team, "user_id": user });
    call.auth.records.find_one(&call.context, place).await
}

/// `POST /organization/create-team {name, organizationId?}`.
pub(in crate::routes) async fn create(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let (organization, _) = entitled(&call, &me, body.text("organizationId")?, Right::Manage).await?;
    let record = json!({ "name": body.required("name")?, "organization_id": organization.id });
    let team: Team = call.auth.records.create(&call.context, record).await?;
    Ok(Reply::ok(view::team(&team)))
}

/// `POST /organization/update-team {teamId, data: {name}}`.
pub(in crate::routes) async fn update(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let team = team_for(&call, &me, body.required("teamId")?, Right::Manage).await?;
    let change = json!({ "name": body.part("data")?.required("name")? });
    let changed: Team = call.auth.records.update(&call.context, &team.id, change).await?;
    Ok(Reply::ok(view::team(&changed)))
}

/// `POST /organization/remove-team {teamId}`.
pub(in crate::routes) async fn remove(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let team = team_for(&call, &me, call.body()?.required("teamId")?, Right::Manage).await?;
    let records = &call.auth.records;
    records.delete::<Team>(&call.context, &team.id).await?;
    let active = json!({ "active_team_id": team.id });
    for session in records.find::<Session>(&call.context, active).await? {
        let none = json!({ "active_team_id": null });
        records.update::<Session>(&call.context, &session.id, none).await?;
        call.auth.sessions.forget_id(&session.id);
    }
    Ok(Reply::ok(json!({ "message": "Team removed successfully." })))
}

/// `GET /organization/list-teams?organizationId=`.
pub(in crate::routes) async fn list(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let id = percent::parameter(call.request.query(), "organizationId").filter(|id| !id.is_empty());
    let (organization, _) = entitled(&call, &me, id.as_deref(), Right::Read).await?;
    let teams: Vec<Team> = call
        .auth
        .records
        .all(&call.context, json!({ "organization_id": organization.id }))
        .await?;
    Ok(Reply::ok(teams.iter().map(view::team).collect()))
}

/// `POST /organization/set-active-team {teamId}`; null is none.
pub(in crate::routes) async fn set_active(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let body = call.body()?;
    let Some(id) = body.text("teamId")? else {
        activate(&call, &me, me.live.session.active_organization_id.as_deref(), None).await?;
        return Ok(Reply::ok(Value::Null));
    };
    let team = team_for(&call, &me, id, Right::Read).await?;
    if member_of(&call, &team.id, &me.live.user.id).await?.is_none() {
        return Err(Refusal::TeamNotFound.into());
    }
    activate(&call, &me, Some(&team.organization_id), Some(&team.id)).await?;
    Ok(Reply::ok(view::team(&team)))
}

/// `GET /organization/list-user-teams`.
pub(in crate::routes) async fn of_user(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let records = &call.auth.records;
    let places: Vec<TeamMember> = records
        .find(&call.context, json!({ "user_id": me.live.user.id }))
        .await?;
    let ids: Vec<&str> = places.iter().map(|place| place.team_id.as_str()).collect();
    if ids.is_empty() {
        return Ok(Reply::ok(json!([])));
    }
    let teams: Vec<Team> = records.find(&call.context, json!({ "id": { "$in": ids } })).await?;
    Ok(Reply::ok(teams.iter().map(view::team).collect()))
}

/// `GET /organization/list-team-members?teamId=`.
pub(in crate::routes) async fn members(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let id = percent::parameter(call.request.query(), "teamId").filter(|id| !id.is_empty());
    let id = id
        .or_else(|| me.live.session.active_team_id.clone())
        .ok_or(Refusal::TeamNotFound)?;
    let team = team_for(&call, &me, &id, Right::Read).await?;
    let places: Vec<TeamMember> = call
        .auth
        .records
        .all(&call.context, json!({ "team_id": team.id }))
        .await?;
    Ok(Reply::ok(places.iter().map(view::team_member).collect()))
}

/// `POST /organization/add-team-member {teamId, userId}`: of members of the organisation.
pub(in crate::routes) async fn add_member(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let team = team_for(&call, &me, body.required("teamId")?, Right::Manage).await?;
    let user = body.required("userId")?;
    if membership(&call, &team.organization_id, user).await?.is_none() {
        return Err(Refusal::NotMember.into());
    }
    // There already is as good as made, and asks nothing of whoever would make it.
    if let Some(place) = member_of(&call, &team.id, user).await? {
        return Ok(Reply::ok(view::team_member(&place)));
    }
    let record = json!({ "team_id": team.id, "user_id": user });
    let made = call.auth.records.create::<TeamMember>(&call.context, record).await;
    let place = match made {
        // Somebody else was faster.
        Err(error) if error.duplicate().is_some() => view::there(member_of(&call, &team.id, user).await?)?,
        other => other?,
    };
    Ok(Reply::ok(view::team_member(&place)))
}

/// `POST /organization/remove-team-member {teamId, userId}`.
pub(in crate::routes) async fn remove_member(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let team = team_for(&call, &me, body.required("teamId")?, Right::Manage).await?;
    let user = body.required("userId")?;
    let place = member_of(&call, &team.id, user).await?.ok_or(Refusal::MemberNotFound)?;
    call.auth.records.delete::<TeamMember>(&call.context, &place.id).await?;
    call.auth.sessions.forget_user(user);
    Ok(Reply::ok(json!({ "message": "Team member removed successfully." })))
}
