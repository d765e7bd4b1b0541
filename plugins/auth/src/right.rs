//! What members may do in their organisation, by their roles there. Asked by the routes of organisations, and by `veto` where the
//! same is done over the data routes.

use objectos_plugin_api::{Context, contracts::data::EventBeside};
use serde_json::{Map, json};

use crate::{
    auth::{Auth, Note},
    error::{AuthError, Refusal, Result},
    records::kinds::{Member, Session, Team, TeamMember},
};

/// Roles that are always there.
pub(crate) const OWNER: &str = "owner";
const ADMIN: &str = "admin";
const MEMBER: &str = "member";
/// Longest short name of an organisation, bytes.
const SLUG_BYTES_MAX: usize = 100;

/// What is done in an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// Read it.
    Read,
    /// Change it, its members, invitations and teams.
    Manage,
    /// Delete it, and make owners.
    Own,
}

/// Whether a role is among those of a member.
pub(crate) fn has_role(roles: &str, role: &str) -> bool {
    roles.split(',').any(|one| one.trim() == role)
}

/// Whether the roles of a member are enough.
pub(crate) fn holds(roles: &str, right: Right) -> bool {
    match right {
        Right::Read => true,
        Right::Manage => has_role(roles, OWNER) || has_role(roles, ADMIN),
        Right::Own => has_role(roles, OWNER),
    }
}

/// Owners are no business of admins; these are the roles of both.
///
/// # Errors
/// `Forbidden`.
pub(crate) fn check_rank(mine: &str, theirs: &str) -> Result<()> {
    if has_role(theirs, OWNER) && !has_role(mine, OWNER) {
        return Err(AuthError::explained(Refusal::Forbidden, "Only an owner changes owners"));
    }
    Ok(())
}

/// Whether an organisation may have such a short name.
pub(crate) fn is_slug(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.len() <= SLUG_BYTES_MAX && text.bytes().all(plain)
}

/// The role of a member is given, changed or taken.
pub(crate) fn telling_role(context: &Context, member: &Member, event: &str, description: &str) -> Result<EventBeside> {
    let mut metadata = Map::new();
    metadata.insert("user".to_owned(), member.user_id.as_str().into());
    metadata.insert("role".to_owned(), format!("org:{}", member.role).into());
    let note = Note {
        target: Some(("organization", &member.organization_id)),
        description,
        metadata,
        ..Note::default()
    };
    note.event(context, event)
}

impl Auth {
    /// Whether somebody with these roles may give those.
    ///
    /// # Errors
    /// `RoleNotFound` for none, or one that there is not; `Forbidden` for owners who are made by somebody else.
    pub(crate) fn check_roles(&self, roles: &[&str], giver: &str) -> Result<()> {
        let own = &self.config.organization.roles;
        let known = |role: &str| [OWNER, ADMIN, MEMBER].contains(&role) || own.iter().any(|own| own == role);
        if roles.is_empty() || !roles.iter().all(|role| known(role)) {
            return Err(Refusal::RoleNotFound.into());
        }
        if roles.contains(&OWNER) && !holds(giver, Right::Own) {
            return Err(AuthError::explained(Refusal::Forbidden, "Only an owner makes owners"));
        }
        Ok(())
    }

    /// The last owner stays one.
    ///
    /// # Errors
    /// `LastOwner`.
    pub(crate) async fn check_owner_stays(&self, context: &Context, member: &Member) -> Result<()> {
        if !has_role(&member.role, OWNER) {
            return Ok(());
        }
        let of = json!({ "organization_id": member.organization_id });
        let members: Vec<Member> = self.records.all(context, of).await?;
        let another = members
            .iter()
            .any(|other| other.id != member.id && has_role(&other.role, OWNER));
        if another {
            Ok(())
        } else {
            Err(Refusal::LastOwner.into())
        }
    }

    /// Takes somebody who is no member any more out of the teams of an organisation, and of the sessions that work in it.
    pub(crate) async fn clear_place(&self, context: &Context, member: &Member) -> Result<()> {
        let records = &self.records;
        let of = json!({ "organization_id": member.organization_id });
        for team in records.all::<Team>(context, of).await? {
            let place = json!({ "team_id": team.id, "user_id": member.user_id });
            let found: Option<TeamMember> = records.find_one(context, place).await?;
            if let Some(place) = found {
                records.delete::<TeamMember>(context, &place.id).await?;
            }
        }
        let active = json!({ "user_id": member.user_id, "active_organization_id": member.organization_id });
        for session in records.find::<Session>(context, active).await? {
            let none = json!({ "active_organization_id": null, "active_team_id": null });
            records.update::<Session>(context, &session.id, none).await?;
        }
        self.sessions.forget_user(&member.user_id);
        self.keys.forget_user(&member.user_id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_one_by_one() {
        for (roles, right, expected) in [
            ("member", Right::Read, true),
            ("member", Right::Manage, false),
            ("member, admin", Right::Manage, true),
            ("admin", Right::Own, false),
            ("owner,member", Right::Own, true),
            ("ownership", Right::Manage, false),
        ] {
            assert_eq!(holds(roles, right), expected, "{roles} {right:?}");
        }
        assert!(check_rank("admin", "member").is_ok() && check_rank("owner", "owner").is_ok());
        assert!(check_rank("admin", "member,owner").is_err());
    }

    #[test]
    fn short_names_are_plain() {
        let long = "a".repeat(SLUG_BYTES_MAX + 1);
        for (text, expected) in [
            ("acme-2_x", true),
            ("", false),
            ("Acme", false),
            ("a b", false),
            (long.as_str(), false),
        ] {
            assert_eq!(is_slug(text), expected, "{text}");
        }
    }
}
