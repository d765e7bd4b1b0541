//! Records as clients see them: better-auth's names, and nothing that is secret.

use serde_json::{Value, json};

use crate::{
    error::{AuthError, Result},
    records::{
        Record,
        kinds::{Invitation, Member, Organization, Session, Team, TeamMember, User},
    },
    routes::SignedIn,
};

/// A user.
pub(crate) fn user(user: &User) -> Value {
    json!({
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "emailVerified": user.email_verified,
        "image": user.image,
        "role": user.role,
        "banned": user.banned,
        "banReason": user.ban_reason,
        "banExpires": user.ban_expires,
        "twoFactorEnabled": user.two_factor_enabled,
        "timezone": user.timezone,
        "createdAt": user.created_at,
        "updatedAt": user.updated_at,
    })
}

/// A session. `token` is the real one for the caller's own; others are named by their id, which is enough to end them.
pub(crate) fn session(session: &Session, token: Option<&str>) -> Value {
    json!({
        "id": session.id,
        "userId": session.user_id,
        "token": token.unwrap_or(&session.id),
        "expiresAt": session.expires_at,
        "createdAt": session.created_at,
        "updatedAt": session.updated_at,
        "ipAddress": session.ip_address,
        "userAgent": session.user_agent,
        "activeOrganizationId": session.active_organization_id,
        "activeTeamId": session.active_team_id,
        "impersonatedBy": session.impersonated_by,
    })
}

/// Session and user for every client: at the top, and in the envelope of the older ones.
pub(crate) fn session_answer(signed_in: &SignedIn) -> Value {
    let (live, token) = (&signed_in.live, signed_in.token.as_str());
    let (session, user) = (session(&live.session, Some(token)), user(&live.user));
    json!({
        "session": session, "user": user, "success": true,
        "data": { "session": session, "user": user, "token": token },
    })
}

/// The answer of a sign-in for every client.
pub(crate) fn sign_in_answer(session: &Session, of: &User, token: &str) -> Value {
    let (session, user) = (self::session(session, Some(token)), user(of));
    json!({
        "redirect": false, "token": token, "user": user, "session": session, "success": true,
        "data": { "token": token, "user": user, "session": session },
    })
}

/// An organisation.
pub(crate) fn organization(organization: &Organization) -> Value {
    json!({
        "id": organization.id,
        "name": organization.name,
        "slug": organization.slug,
        "logo": organization.logo,
        "metadata": organization.metadata,
        "createdAt": organization.created_at,
    })
}

/// A member, with what others may see of the user.
pub(crate) fn member(member: &Member, of: Option<&User>) -> Value {
    let mut out = json!({
        "id": member.id,
        "organizationId": member.organization_id,
        "userId": member.user_id,
        "role": member.role,
        "createdAt": member.created_at,
    });
    if let Some(user) = of {
        out["user"] = json!({ "id": user.id, "name": user.name, "email": user.email, "image": user.image });
    }
    out
}

/// An invitation.
pub(crate) fn invitation(invitation: &Invitation) -> Value {
    json!({
        "id": invitation.id,
        "organizationId": invitation.organization_id,
        "email": invitation.email,
        "role": invitation.role,
        "teamId": invitation.team_id,
        "status": invitation.status,
        "expiresAt": invitation.expires_at,
        "createdAt": invitation.created_at,
        "inviterId": invitation.inviter_id,
    })
}

/// A team.
pub(crate) fn team(team: &Team) -> Value {
    json!({
        "id": team.id,
        "name": team.name,
        "organizationId": team.organization_id,
        "createdAt": team.created_at,
        "updatedAt": team.updated_at,
    })
}

/// A member of a team.
pub(crate) fn team_member(member: &TeamMember) -> Value {
    json!({
        "id": member.id,
        "teamId": member.team_id,
        "userId": member.user_id,
        "createdAt": member.created_at,
    })
}

/// What must be there is not: the record that an id in the store points to.
pub(crate) fn there<T: Record>(found: Option<T>) -> Result<T> {
    found.ok_or_else(|| AuthError::Internal(format!("a record of {} that is pointed to is missing", T::OBJECT)))
}
