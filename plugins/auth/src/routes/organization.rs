//! Organisations: tenants with members. The active one of a session is the tenant of its principal, so that one change of it
//! changes what the whole platform shows.

pub(super) mod invitations;
pub(super) mod members;
pub(super) mod teams;

use objectos_plugin_api::contracts::data::EventBeside;
use serde_json::{Map, Value, json};

use super::{Call, SignedIn};
use crate::{
    auth::Note,
    error::{AuthError, Refusal, Result},
    http::{Body, Reply, cookie, percent},
    records::{
        PAGE,
        kinds::{Invitation, Member, Organization, Session, Team, User},
        making,
    },
    right::{self, OWNER, Right, holds},
    view,
};

const ID_CHARS: usize = 24;

/// The organisation that a request means: named, or the active one.
async fn meant(call: &Call, me: &SignedIn, named: Option<&str>) -> Result<Organization> {
    let id = named.or(me.live.session.active_organization_id.as_deref());
    let id = id.ok_or(Refusal::NoActiveOrganization)?;
    let found: Option<Organization> = call.auth.records.get(&call.context, id).await?;
    found.ok_or_else(|| Refusal::OrganizationNotFound.into())
}

/// The organisation by its short name.
async fn by_slug(call: &Call, slug: &str) -> Result<Option<Organization>> {
    call.auth.records.find_one(&call.context, json!({ "slug": slug })).await
}

async fn membership(call: &Call, organization: &str, user: &str) -> Result<Option<Member>> {
    let place = json!({ "organization_id": organization, "user_id": user });
    call.auth.records.find_one(&call.context, place).await
}

/// The caller's place in an organisation. A stranger hears the same as of one that does not exist.
async fn place(call: &Call, me: &SignedIn, organization: &str, right: Right) -> Result<Member> {
    let member = membership(call, organization, &me.live.user.id).await?;
    let member = member.ok_or(Refusal::NotMember)?;
    if holds(&member.role, right) {
        return Ok(member);
    }
    Err(AuthError::explained(
        Refusal::Forbidden,
        "Your role in the organization does not permit this",
    ))
}

/// Organisation and the caller's place, for a right.
async fn entitled(call: &Call, me: &SignedIn, named: Option<&str>, right: Right) -> Result<(Organization, Member)> {
    let organization = match meant(call, me, named).await {
        Err(AuthError::Refused(Refusal::OrganizationNotFound)) => return Err(Refusal::NotMember.into()),
        other => other?,
    };
    let member = place(call, me, &organization.id, right).await?;
    Ok((organization, member))
}

/// Reads roles that may be given.
fn read_roles(call: &Call, body: &Body, giver: &Member) -> Result<String> {
    let roles = body.texts("role")?;
    let named: Vec<&str> = roles.iter().map(String::as_str).collect();
    call.auth.check_roles(&named, &giver.role)?;
    Ok(roles.join(","))
}

fn telling(
    call: &Call,
    organization: &str,
    event: &str,
    description: &str,
    metadata: Map<String, Value>,
) -> Result<EventBeside> {
    let note = Note {
        target: Some(("organization", organization)),
        description,
        metadata,
        ..Note::default()
    };
    note.event(&call.context, event)
}

/// The role of a member is given, changed or taken.
pub(super) fn telling_role(call: &Call, member: &Member, event: &str, description: &str) -> Result<EventBeside> {
    right::telling_role(&call.context, member, event, description)
}

/// Somebody who becomes a member.
pub(super) fn newcomer(call: &Call, organization: &str, user: &str, role: &str) -> Member {
    Member {
        id: call.auth.secrets.token(ID_CHARS),
        organization_id: organization.to_owned(),
        user_id: user.to_owned(),
        role: role.to_owned(),
        ..Member::default()
    }
}

/// The record of a member.
pub(super) fn member_record(member: &Member) -> Value {
    json!({
        "id": member.id,
        "organization_id": member.organization_id,
        "user_id": member.user_id,
        "role": member.role,
    })
}

fn read_slug(text: &str) -> Result<String> {
    if right::is_slug(text) {
        Ok(text.to_owned())
    } else {
        Err(AuthError::body("slug", "expected small letters, digits, '-' and '_'"))
    }
}

/// `POST /organization/create {name, slug, logo?, metadata?, keepCurrentActiveOrganization?}`.
pub(super) async fn create(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let (auth, user) = (&call.auth, &me.live.user);
    if !auth.config.organization.everybody_creates {
        auth.demand(&call.context, "manage_users").await?;
    }
    let (name, slug) = (body.required("name")?, read_slug(body.required("slug")?)?);
    let id = auth.secrets.token(ID_CHARS);
    let organization = json!({
        "id": id, "name": name, "slug": slug,
        "logo": body.text("logo")?, "metadata": body.value("metadata"),
    });
    let member = newcomer(&call, &id, &user.id, OWNER);
    let told = telling_role(&call, &member, "authz.role_assigned", "An organization was made")?;
    let operations = vec![
        making::<Organization>(&organization),
        making::<Member>(&member_record(&member)),
    ];
    let mut stored = match auth.records.transaction(&call.context, operations, vec![told]).await {
        Err(error) if error.duplicate().is_some() => return Err(Refusal::OrganizationExists.into()),
        other => other?,
    };
    let (organization, member): (Organization, Member) = (stored.record(0)?, stored.record(1)?);
    if body.flag("keepCurrentActiveOrganization")? != Some(true) {
        activate(&call, &me, Some(&id), None).await?;
    }
    let mut answer = view::organization(&organization);
    answer["members"] = json!([view::member(&member, None)]);
    Ok(Reply::ok(answer))
}

/// Makes an organisation the active one of the caller's session.
async fn activate(call: &Call, me: &SignedIn, organization: Option<&str>, team: Option<&str>) -> Result<Session> {
    let change = json!({ "active_organization_id": organization, "active_team_id": team });
    let id = &me.live.session.id;
    let session: Session = call.auth.records.update(&call.context, id, change).await?;
    call.auth.sessions.forget_id(id);
    call.auth.remember_place(&call.context, &session, organization).await;
    Ok(session)
}

/// `POST /organization/check-slug {slug}`.
pub(super) async fn check_slug(call: Call) -> Result<Reply> {
    call.signed_in().await?;
    let slug = read_slug(call.body()?.required("slug")?)?;
    match by_slug(&call, &slug).await? {
        Some(_) => Err(AuthError::explained(Refusal::OrganizationExists, "slug is taken")),
        None => Ok(Reply::ok(json!({ "status": true }))),
    }
}

/// `POST /organization/update {organizationId?, data}`.
pub(super) async fn update(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let (organization, _) = entitled(&call, &me, body.text("organizationId")?, Right::Manage).await?;
    let data = body.part("data")?;
    let mut change = Map::new();
    if let Some(name) = data.text("name")? {
        change.insert("name".to_owned(), name.into());
    }
    if let Some(slug) = data.text("slug")? {
        change.insert("slug".to_owned(), read_slug(slug)?.into());
    }
    if data.has("logo") {
        change.insert("logo".to_owned(), json!(data.text("logo")?));
    }
    if let Some(metadata) = data.value("metadata") {
        change.insert("metadata".to_owned(), metadata.clone());
    }
    let changed = call
        .auth
        .records
        .update::<Organization>(&call.context, &organization.id, Value::Object(change))
        .await;
    match changed {
        Err(error) if error.duplicate().is_some() => Err(Refusal::OrganizationExists.into()),
        other => Ok(Reply::ok(view::organization(&other?))),
    }
}

/// `POST /organization/delete {organizationId}`.
pub(super) async fn delete(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let (organization, _) = entitled(&call, &me, Some(body.required("organizationId")?), Right::Own).await?;
    let (event, description) = ("authz.role_removed", "An organization was deleted");
    let told = telling(&call, &organization.id, event, description, Map::new())?;
    call.auth
        .records
        .delete_telling::<Organization>(&call.context, &organization.id, vec![told])
        .await?;
    // Whoever worked in it works in none: their places are gone with it.
    call.auth.sessions.forget_all();
    call.auth.keys.forget_all();
    Ok(Reply::ok(view::organization(&organization)))
}

/// `GET /organization/list`.
pub(super) async fn list(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let members: Vec<Member> = call
        .auth
        .records
        .find(&call.context, json!({ "user_id": me.live.user.id }))
        .await?;
    let ids: Vec<&str> = members.iter().map(|member| member.organization_id.as_str()).collect();
    if ids.is_empty() {
        return Ok(Reply::ok(json!([])));
    }
    let organizations: Vec<Organization> = call
        .auth
        .records
        .find(&call.context, json!({ "id": { "$in": ids } }))
        .await?;
    Ok(Reply::ok(organizations.iter().map(view::organization).collect()))
}

/// `POST /organization/set-active {organizationId?, organizationSlug?}`; null is none.
pub(super) async fn set_active(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let body = call.body()?;
    let secure = call.secure();
    let auth = &call.auth;
    let named = body.text("organizationId")?;
    let cookie = || {
        let age = me.live.session.remembered.then_some(auth.config.session.max_age_s);
        cookie::set(&auth.secrets, cookie::SESSION, &me.token, age, secure)
    };
    let organization = match (named, body.text("organizationSlug")?) {
        (Some(id), _) => entitled(&call, &me, Some(id), Right::Read).await?.0,
        (None, Some(slug)) => {
            let found = by_slug(&call, slug).await?.ok_or(Refusal::NotMember)?;
            place(&call, &me, &found.id, Right::Read).await?;
            found
        }
        (None, None) => {
            activate(&call, &me, None, None).await?;
            return Ok(Reply::ok(Value::Null).cookie(cookie()));
        }
    };
    activate(&call, &me, Some(&organization.id), None).await?;
    Ok(Reply::ok(full(&call, &organization).await?).cookie(cookie()))
}

/// Organisation with members, invitations and teams.
async fn full(call: &Call, organization: &Organization) -> Result<Value> {
    let records = &call.auth.records;
    let of = json!({ "organization_id": organization.id });
    let members: Vec<Member> = records.all(&call.context, of.clone()).await?;
    let invitations: Vec<Invitation> = records.all(&call.context, of.clone()).await?;
    let teams: Vec<Team> = records.all(&call.context, of).await?;
    let mut answer = view::organization(organization);
    answer["members"] = members::with_users(call, &members).await?;
    answer["invitations"] = invitations.iter().map(view::invitation).collect();
    answer["teams"] = teams.iter().map(view::team).collect();
    Ok(answer)
}

/// `GET /organization/get-full-organization?organizationId=&organizationSlug=`.
pub(super) async fn get_full(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let query = call.request.query();
    let id = percent::parameter(query, "organizationId").filter(|id| !id.is_empty());
    let slug = percent::parameter(query, "organizationSlug").filter(|slug| !slug.is_empty());
    if id.is_none() && slug.is_none() && me.live.session.active_organization_id.is_none() {
        return Ok(Reply::ok(Value::Null));
    }
    let organization = match slug {
        Some(slug) => {
            let found = by_slug(&call, &slug).await?.ok_or(Refusal::NotMember)?;
            place(&call, &me, &found.id, Right::Read).await?;
            found
        }
        None => entitled(&call, &me, id.as_deref(), Right::Read).await?.0,
    };
    Ok(Reply::ok(full(&call, &organization).await?))
}

/// Users of the store, for names.
async fn users_of(call: &Call, ids: &[&str]) -> Result<Vec<User>> {
    let mut users = Vec::new();
    for some in ids.chunks(PAGE) {
        let theirs = json!({ "id": { "$in": some } });
        users.extend(call.auth.records.find::<User>(&call.context, theirs).await?);
    }
    Ok(users)
}
