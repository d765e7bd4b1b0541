//! Places in organisations and in their teams, and invitations to them: the system permissions that come by such. Each belongs to
//! one organisation, whose managers give it, so nobody needs to reach beyond their own; but nobody gives by one what they do not
//! hold in that organisation themselves. Not here: who manages an organisation at all (`auth`).
//!
//! What a record gives counts, and only that: taking a place away makes nobody more than they are, and places go with their user,
//! team or organisation whoever deletes it. Three things are nobody's to give: what all members have for being members, what
//! whoever makes an organisation has as its owner, and what somebody was invited to, which whoever sent the invitation gives
//! and has to hold when it is accepted.
//!
//! Called by [`super::check`].

use std::sync::Arc;

use objectos_plugin_api::contracts::hooks::RecordHook;
use objectos_plugin_api::{Context, ErrorKind, Principal, PrincipalKind, Result};
use serde_json::json;

use super::{Needed, ORGANIZATIONS, come_by, sets_of};
use crate::evaluate::Record;
use crate::explain::{Question, principal_of};
use crate::load::{Loaded, lasts, text};
use crate::state::State;
use crate::subject::{Memberships, Subject};

const MEMBERS: &str = "sys_member";
const TEAM_MEMBERS: &str = "sys_team_member";
const INVITATIONS: &str = "sys_invitation";
/// Objects whose records give places.
pub const PLACES: [&str; 3] = [MEMBERS, TEAM_MEMBERS, INVITATIONS];

/// What roles in organisations begin with, where principals name them.
const PREFIX: &str = "org:";
/// The role of whoever made an organisation.
const OWNER: &str = "org:owner";
/// The role of everybody in an organisation.
const MEMBER: &str = "org:member";
/// Status of an invitation that can be accepted.
const PENDING: &str = "pending";

/// Refuses whoever gives by a place what they do not hold themselves in its organisation.
///
/// # Errors
/// `Denied`, with what is missing; what the data engine answers.
pub(super) async fn check(state: &State, context: &Context, hook: &RecordHook, after: Option<&Record>) -> Result<()> {
    let Some(after) = after else { return Ok(()) };
    let loaded = state.loaded(context).await?;
    let object = hook.object.as_str();
    let mut place = Place::named(object, after);
    // An invitation that is sent again is given again, by whoever sends it now.
    let before = hook.previous.as_ref();
    let before = before.filter(|before| object != INVITATIONS && stays(before, after));
    let before = before.map(|before| Place::named(object, before));
    // Most places give nothing wherever they are, and nothing more is looked up for them.
    if place.beyond(before.as_ref(), state, &loaded).is_empty() {
        return Ok(());
    }
    if place.organization.is_none() {
        place.organization = organization_of(state, context, &loaded, &place).await?;
    }
    if hook.previous.is_none()
        && user(after).as_deref() == Some(context.user())
        && let Some(organization) = &place.organization
    {
        let due = due(state, context, &loaded, organization).await?;
        place.roles.retain(|role| !due.roles.contains(role));
        place.teams.retain(|team| !due.teams.contains(team));
    }
    let needed = place.beyond(before.as_ref(), state, &loaded);
    if needed.is_empty() {
        return Ok(());
    }
    let subject = subject_in(state, context, &loaded, place.organization.as_deref()).await?;
    needed.check(state, context, &subject).await
}

/// What a record gives, and where.
#[derive(Clone, Debug, Default)]
struct Place {
    /// None where it is not known.
    organization: Option<String>,
    /// As principals name them, without that of every member.
    roles: Vec<String>,
    /// By their ids.
    teams: Vec<String>,
}

impl Place {
    /// What a record says itself. A place in a team does not say in which organisation it is.
    fn named(object: &str, record: &Record) -> Self {
        let teams = text(record, "team_id").or_else(|| text(record, "team"));
        let teams = teams.into_iter().collect();
        if object == TEAM_MEMBERS {
            return Self {
                teams,
                ..Self::default()
            };
        }
        // One that was answered, or taken back, offers nothing.
        if object == INVITATIONS && text(record, "status").is_some_and(|status| status != PENDING) {
            return Self::default();
        }
        let mut roles = roles(record);
        roles.retain(|role| role != MEMBER);
        Self {
            organization: text(record, "organization_id"),
            roles,
            teams,
        }
    }

    /// What somebody comes by who has nothing but this, beyond what they had by the record before. Where the organisation is not
    /// known, it is what counts in any.
    fn beyond(&self, before: Option<&Self>, state: &State, loaded: &Loaded) -> Needed {
        let mut needed = self.gives(state, loaded);
        if let Some(before) = before {
            let before = Self {
                organization: self.organization.clone(),
                ..before.clone()
            };
            let had = before.gives(state, loaded);
            needed
                .permissions
                .retain(|permission| !had.permissions.contains(permission));
            needed.administrator &= !had.administrator;
        }
        needed
    }

    fn gives(&self, state: &State, loaded: &Loaded) -> Needed {
        let mut needed = Needed::default();
        if self.roles.is_empty() && self.teams.is_empty() {
            return needed;
        }
        let mut memberships = Memberships {
            roles: self.roles.clone(),
            teams: self.teams.clone(),
            ..Memberships::default()
        };
        let sets = if self.organization.is_some() {
            memberships.assignments.clone_from(&loaded.assignments);
            let somebody = Principal {
                kind: PrincipalKind::User,
                tenant: self.organization.clone(),
                ..Principal::default()
            };
            sets_of(state, &somebody, &memberships, &loaded.model)
        } else {
            come_by(state, loaded, &loaded.model, memberships)
        };
        needed.all(loaded, sets);
        needed
    }
}

/// The roles that a record of a member or of an invitation names.
fn roles(record: &Record) -> Vec<String> {
    let named = text(record, "role").unwrap_or_default();
    let names = named.split(',').map(str::trim).filter(|role| !role.is_empty());
    names.map(|role| format!("{PREFIX}{role}")).collect()
}

/// Whose place it is.
fn user(record: &Record) -> Option<String> {
    text(record, "user_id").or_else(|| text(record, "user"))
}

/// Whether a place is still the same user's, and where it was.
fn stays(before: &Record, after: &Record) -> bool {
    ["user_id", "user", "organization_id", "team_id", "team"]
        .iter()
        .all(|field| before.get(*field) == after.get(*field))
}

/// The organisation of the team that a place is in; none for a team that is not stored.
async fn organization_of(state: &State, context: &Context, loaded: &Loaded, place: &Place) -> Result<Option<String>> {
    let Some(team) = place.teams.first() else {
        return Ok(None);
    };
    let this = json!({ "id": team });
    let found = state.loader.records(context, loaded, "sys_team", this).await?;
    Ok(found.first().and_then(|team| text(team, "organization_id")))
}

/// The place of whoever acts in an organisation.
async fn own_place(state: &State, context: &Context, loaded: &Loaded, organization: &str) -> Result<Option<Record>> {
    let own = json!({ "organization_id": organization, "user_id": context.user() });
    let found = state.loader.records(context, loaded, MEMBERS, own).await?;
    Ok(found.into_iter().next())
}

/// What is due to somebody who takes a place for themselves. An organisation that is not stored is being made, and its owner with
/// it. Invitations are for those who are no members yet; that this one is theirs to accept, and that whoever sent it may still
/// invite, `auth` has found out.
async fn due(state: &State, context: &Context, loaded: &Loaded, organization: &str) -> Result<Place> {
    let mut due = Place::default();
    let loader = &state.loader;
    let this = json!({ "id": organization });
    if loader.records(context, loaded, ORGANIZATIONS, this).await?.is_empty() {
        due.roles.push(OWNER.to_owned());
        return Ok(due);
    }
    let email = State::principal(context)?.email.unwrap_or_default();
    if email.is_empty() || own_place(state, context, loaded, organization).await?.is_some() {
        return Ok(due);
    }
    let theirs = json!({ "organization_id": organization, "email": email, "status": PENDING });
    for invitation in loader.records(context, loaded, INVITATIONS, theirs).await? {
        if !lasts(&invitation, loader.host.now_ms(), &mut None) {
            continue;
        }
        let offered = Place::named(INVITATIONS, &invitation);
        if is_still_given(state, context, loaded, &invitation, &offered).await? {
            due.roles.extend(offered.roles);
            due.teams.extend(offered.teams);
        }
    }
    Ok(due)
}

/// Whether whoever sent an invitation last holds what it offers, now and in its organisation. They need no place there, for
/// whoever administers the platform invites without one.
async fn is_still_given(
    state: &State,
    context: &Context,
    loaded: &Loaded,
    invitation: &Record,
    offered: &Place,
) -> Result<bool> {
    let needed = offered.gives(state, loaded);
    if needed.is_empty() {
        return Ok(true);
    }
    let Some(inviter) = text(invitation, "inviter_id") else {
        return Ok(false);
    };
    let there = Question {
        tenant: offered.organization.clone(),
        ..Question::default()
    };
    let Some(inviter) = principal_of(state, context, &inviter, &there).await? else {
        return Ok(false);
    };
    let subject = state.subject_of(context, &inviter.principal).await?;
    match needed.check(state, context, &subject).await {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::Denied => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whoever acts, as they are in an organisation, whichever one they work in at the moment: what they have in one is nothing to
/// give away in another one. Where the organisation is not known, it is what they have in all of them.
async fn subject_in(
    state: &State,
    context: &Context,
    loaded: &Loaded,
    organization: Option<&str>,
) -> Result<Arc<Subject>> {
    let mut principal = State::principal(context)?;
    if principal.tenant.as_deref() == organization {
        return state.subject(context).await;
    }
    principal.roles.retain(|role| !role.starts_with(PREFIX));
    if let Some(organization) = organization
        && let Some(place) = own_place(state, context, loaded, organization).await?
    {
        principal.roles.extend(roles(&place));
    }
    principal.tenant = organization.map(str::to_owned);
    Ok(Arc::new(state.subject_of(context, &principal).await?))
}
