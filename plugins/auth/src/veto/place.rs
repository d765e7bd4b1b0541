//! Organisations, members and teams, written by anybody but the plugin: by whoever administers the whole, and within an organisation
//! by members with the right to it, as by the routes of organisations. Whom those routes would ask first, by an invitation, nobody
//! makes a member here.

use objectos_plugin_api::contracts::data::EventBeside;
use serde_json::{Map, json};

use super::{Change, Write, forbidden};
use crate::{
    auth::{Auth, Note},
    error::{AuthError, Refusal, Result},
    records::kinds::{Member, Organization, Team, TeamMember},
    right::{OWNER, Right, check_rank, has_role, holds, is_slug, telling_role},
};

/// Reaches everything.
const PLATFORM: &str = "manage_platform";

/// In whose name somebody writes in an organisation.
enum Place {
    /// They administer the whole.
    Platform,
    /// They are this member.
    Member(Member),
}

impl Place {
    fn roles(&self) -> &str {
        match self {
            Self::Platform => OWNER,
            Self::Member(member) => &member.role,
        }
    }

    /// Refuses a member what has no route.
    fn check_platform(&self, message: &str) -> Result<()> {
        match self {
            Self::Platform => Ok(()),
            Self::Member(_) => Err(forbidden(message)),
        }
    }
}

impl Auth {
    /// What entitles whoever writes to do something in an organisation.
    async fn place_of(&self, write: &Write<'_>, organization: &str, right: Right) -> Result<Place> {
        write.check_oneself()?;
        if self.holds(write.context, PLATFORM).await? {
            return Ok(Place::Platform);
        }
        write.check_person()?;
        let place = json!({ "organization_id": organization, "user_id": write.context.user() });
        let found: Option<Member> = self.records.find_one(write.context, place).await?;
        match found.filter(|member| holds(&member.role, right)) {
            Some(member) => Ok(Place::Member(member)),
            None => Err(forbidden("Your role in the organization does not permit this")),
        }
    }

    pub(super) async fn before_member(&self, write: &Write<'_>) -> Result<Vec<EventBeside>> {
        let context = write.context;
        let told = |member: &Member, event: &str, description: &str| -> Result<Vec<EventBeside>> {
            Ok(vec![telling_role(context, member, event, description)?])
        };
        match write.change {
            Change::Made => {
                let member: Member = write.after()?;
                let place = self.place_of(write, &member.organization_id, Right::Manage).await?;
                place.check_platform("People become members by POST /api/v1/auth/organization/invite-member")?;
                self.check_roles(&split(&member.role), place.roles())?;
                told(&member, "authz.role_assigned", "A member was made")
            }
            Change::Changed => {
                let (before, after) = (write.before::<Member>()?, write.after::<Member>()?);
                let place = self.place_of(write, &before.organization_id, Right::Manage).await?;
                let moves = write.changes(&["organization_id", "user_id"]);
                if moves {
                    place.check_platform(
                        "A place in an organization is its member's and does not pass to another one",
                    )?;
                }
                if !moves && !write.changes(&["role"]) {
                    return Ok(Vec::new());
                }
                self.check_roles(&split(&after.role), place.roles())?;
                check_rank(place.roles(), &before.role)?;
                if moves || !has_role(&after.role, OWNER) {
                    self.check_owner_stays(context, &before).await?;
                }
                told(&after, "authz.role_updated", "The role of a member was changed")
            }
            Change::Deleted => {
                let member: Member = write.before()?;
                let leaves = write.is_by(&member.user_id);
                let right = if leaves { Right::Read } else { Right::Manage };
                let place = self.place_of(write, &member.organization_id, right).await?;
                if !leaves {
                    check_rank(place.roles(), &member.role)?;
                }
                self.check_owner_stays(context, &member).await?;
                told(&member, "authz.role_removed", "A member left an organization")
            }
        }
    }

    pub(super) async fn before_organization(&self, write: &Write<'_>) -> Result<Vec<EventBeside>> {
        let id = write.hook.id.as_str();
        if write.change == Change::Made || (write.change == Change::Changed && write.changes(&["slug"])) {
            let organization: Organization = write.after()?;
            if !is_slug(&organization.slug) {
                return Err(forbidden("slug must be of small letters, digits, '-' and '_'"));
            }
        }
        match write.change {
            Change::Made => {
                write.check_oneself()?;
                if !self.holds(write.context, PLATFORM).await? {
                    return Err(forbidden(
                        "Organizations are made by POST /api/v1/auth/organization/create, which gives them an owner",
                    ));
                }
                Ok(Vec::new())
            }
            Change::Changed => self.place_of(write, id, Right::Manage).await.map(|_| Vec::new()),
            Change::Deleted => {
                self.place_of(write, id, Right::Own).await?;
                self.leaving.note(write, "organization_id", self.now_ms());
                let note = Note {
                    target: Some(("organization", id)),
                    description: "An organization was deleted",
                    metadata: Map::new(),
                    ..Note::default()
                };
                Ok(vec![note.event(write.context, "authz.role_removed")?])
            }
        }
    }

    pub(super) async fn before_team(&self, write: &Write<'_>) -> Result<Vec<EventBeside>> {
        let team: Team = match write.change {
            Change::Made => write.after()?,
            Change::Changed | Change::Deleted => write.before()?,
        };
        let place = self.place_of(write, &team.organization_id, Right::Manage).await?;
        match write.change {
            Change::Changed if write.changes(&["organization_id"]) => {
                place.check_platform("A team stays in its organization")?;
            }
            Change::Deleted => self.leaving.note(write, "team_id", self.now_ms()),
            Change::Made | Change::Changed => {}
        }
        Ok(Vec::new())
    }

    pub(super) async fn before_team_member(&self, write: &Write<'_>) -> Result<Vec<EventBeside>> {
        let of: TeamMember = match write.change {
            Change::Made => write.after()?,
            Change::Changed | Change::Deleted => write.before()?,
        };
        let found: Option<Team> = self.records.get(write.context, &of.team_id).await?;
        // One that is gone belongs to no organisation: whoever administers the whole tidies up.
        let organization = found.map(|team| team.organization_id).unwrap_or_default();
        let place = self.place_of(write, &organization, Right::Manage).await?;
        match (write.change, &place) {
            (Change::Made, Place::Member(_)) => {
                let theirs = json!({ "organization_id": organization, "user_id": of.user_id });
                let member: Option<Member> = self.records.find_one(write.context, theirs).await?;
                member.ok_or(AuthError::Refused(Refusal::NotMember))?;
            }
            (Change::Changed, _) => place.check_platform("A place in a team is taken away, and another one given")?,
            _ => {}
        }
        Ok(Vec::new())
    }
}

fn split(roles: &str) -> Vec<&str> {
    roles.split(',').map(str::trim).collect()
}
