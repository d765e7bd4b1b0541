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
        kinds::{Invitation, Member, Organization, Session, Team, User},
        making,
    },
    view,
};

/// Roles that are always there.
const OWNER: &str = "owner";
const ADMIN: &str = "admin";
const MEMBER: &str = "member";
const ID_CHARS: usize = 24;

/// What is done in an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    /// Read it.
    Read,
    /// Change it, its members, invitations and teams.
    Manage,
    /// Delete it, and make owners.
    Own,
}

fn has_role(roles: &str, role: &str) -> bool {
    roles.split(',').any(|one| one.trim() == role)
}

fn holds(roles: &str, right: Right) -> bool {
    match right {
        Right::Read => true,
        Right::Manage => has_role(roles, OWNER) || has_role(roles, ADMIN),
        Right::Own => has_role(roles, OWNER),
    }
}

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
    let known = |role: &str| {
        [OWNER, ADMIN, MEMBER].contains(&role) || call.auth.config.organization.roles.iter().any(|own| own == role)
    };
    if roles.is_empty() || !roles.iter().all(|role| known(role)) {
        return Err(Refusal::RoleNotFound.into());
    }
    if roles.iter().any(|role| role == OWNER) && !holds(&giver.role, Right::Own) {
        return Err(AuthError::explained(Refusal::Forbidden, "Only an owner makes owners"));
    }
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
    let mut metadata = Map::new();
    metadata.insert("user".to_owned(), member.user_id.as_str().into());
    metadata.insert("role".to_owned(), format!("org:{}", member.role).into());
    telling(call, &member.organization_id, event, description, metadata)
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
    let good = !text.is_empty()
        && text.len() <= 100
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_');
    if good {
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
    let members: Vec<Member> = records.find(&call.context, of.clone()).await?;
    let invitations: Vec<Invitation> = records.find(&call.context, of.clone()).await?;
    let teams: Vec<Team> = records.find(&call.context, of).await?;
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

/// A user of the store, for names.
async fn users_of(call: &Call, ids: &[&str]) -> Result<Vec<User>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    call.auth
        .records
        .find(&call.context, json!({ "id": { "$in": ids } }))
        .await
}
