//! Invitations: an address is asked to become a member, and its owner says yes or no.

use serde_json::{Value, json};

use super::{Right, entitled, membership, note_role, read_roles, users_of};
use crate::{
    error::{AuthError, Refusal, Result},
    http::{Reply, body, percent},
    moment,
    records::{
        changing, changing_based_on,
        kinds::{Invitation, Member, Organization, Session, TeamMember, User},
        making,
    },
    routes::{Call, SignedIn},
    view,
};

const PENDING: &str = "pending";

/// `POST /organization/invite-member {email, role, organizationId?, teamId?, resend?}`.
pub(in crate::routes) async fn invite(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let (organization, mine) = entitled(&call, &me, body.text("organizationId")?, Right::Manage).await?;
    let email = body.email("email")?;
    let roles = read_roles(&call, &body, &mine)?;
    let (auth, records) = (&call.auth, &call.auth.records);
    let team = body.text("teamId")?;
    if let Some(team) = team {
        super::teams::of_organization(&call, &organization.id, team).await?;
    }
    let user: Option<User> = records.find_one(&call.context, json!({ "email": email })).await?;
    if let Some(user) = user
        && membership(&call, &organization.id, &user.id).await?.is_some()
    {
        return Err(Refusal::AlreadyMember.into());
    }
    let filter = json!({ "organization_id": organization.id, "email": email, "status": PENDING });
    let pending: Vec<Invitation> = records.find(&call.context, filter).await?;
    let expires = moment::text(auth.now_ms() + auth.config.organization.invitation_hours * 3_600_000);
    let open = pending.iter().find(|one| moment::ms(&one.expires_at) > auth.now_ms());
    let invitation: Invitation = match open {
        Some(_) if body.flag("resend")? != Some(true) => return Err(Refusal::AlreadyInvited.into()),
        Some(invitation) => {
            let change = json!({ "expires_at": expires, "role": roles });
            records.update(&call.context, &invitation.id, change).await?
        }
        None => {
            let record = json!({
                "organization_id": organization.id,
                "email": email,
                "role": roles,
                "team_id": team,
                "status": PENDING,
                "expires_at": expires,
                "inviter_id": me.live.user.id,
            });
            records.create(&call.context, record).await?
        }
    };
    tell(&call, &me, &organization, &invitation).await?;
    Ok(Reply::ok(view::invitation(&invitation)))
}

/// The mail. Where none can go out the invitation stands all the same: its link can be handed over by other ways.
async fn tell(call: &Call, me: &SignedIn, organization: &Organization, invitation: &Invitation) -> Result<()> {
    let auth = &call.auth;
    if !auth.may_mail() {
        return Ok(());
    }
    let link = format!("{}/accept-invitation/{}", auth.base_url(), invitation.id);
    let text = format!(
        "Hello,\n\n{} invites you to work in {}. To accept, open\n\n{link}\n\nwithin {} hours.\n",
        me.live.user.name, organization.name, auth.config.organization.invitation_hours
    );
    let subject = format!("An invitation to {}", organization.name);
    let sent = auth
        .mail(&call.context, &invitation.email, "invitation", &subject, text)
        .await;
    if let Err(error) = sent {
        tracing::warn!(%error, invitation = invitation.id, "the mail of an invitation did not go out");
    }
    Ok(())
}

/// A pending invitation for the caller.
async fn mine(call: &Call, me: &SignedIn, id: &str) -> Result<Invitation> {
    let found: Option<Invitation> = call.auth.records.get(&call.context, id).await?;
    let invitation = found
        .filter(|invitation| invitation.status == PENDING && moment::ms(&invitation.expires_at) > call.auth.now_ms())
        .ok_or(Refusal::InvitationNotFound)?;
    if invitation.email != me.live.user.email {
        return Err(Refusal::NotRecipient.into());
    }
    Ok(invitation)
}

/// `POST /organization/accept-invitation {invitationId}`.
pub(in crate::routes) async fn accept(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let invitation = mine(&call, &me, body.required("invitationId")?).await?;
    if call.auth.config.require_email_verification && !me.live.user.email_verified {
        return Err(Refusal::EmailNotVerified.into());
    }
    let (auth, records, user) = (&call.auth, &call.auth.records, &me.live.user);
    let id = auth.secrets.token(super::ID_CHARS);
    let member = json!({
        "id": id,
        "organization_id": invitation.organization_id,
        "user_id": user.id,
        "role": invitation.role,
    });
    let mut operations = vec![
        // The one that was read: of whoever takes it back meanwhile and whoever accepts it, one is heard.
        changing_based_on::<Invitation>(&invitation.id, &json!({ "status": "accepted" }), &invitation.updated_at),
        making::<Member>(&member),
        changing::<Session>(
            &me.live.session.id,
            &json!({ "active_organization_id": invitation.organization_id, "active_team_id": invitation.team_id }),
        ),
    ];
    if let Some(team) = &invitation.team_id {
        operations.push(making::<TeamMember>(&json!({ "team_id": team, "user_id": user.id })));
    }
    match records.transaction(&call.context, operations).await {
        Err(error) if error.duplicate().is_some() => return Err(Refusal::AlreadyMember.into()),
        Err(error) if error.is_conflict() => return Err(Refusal::InvitationNotFound.into()),
        other => other?,
    }
    auth.sessions.forget_user(&user.id);
    let member = view::there(records.get::<Member>(&call.context, &id).await?)?;
    note_role(&call, &member, "authz.role_assigned", "An invitation was accepted").await?;
    let invitation = view::there(records.get::<Invitation>(&call.context, &invitation.id).await?)?;
    Ok(Reply::ok(json!({
        "invitation": view::invitation(&invitation), "member": view::member(&member, None),
    })))
}

/// `POST /organization/reject-invitation {invitationId}`.
pub(in crate::routes) async fn reject(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let invitation = mine(&call, &me, call.body()?.required("invitationId")?).await?;
    let change = json!({ "status": "rejected" });
    let changed: Invitation = call.auth.records.update(&call.context, &invitation.id, change).await?;
    Ok(Reply::ok(
        json!({ "invitation": view::invitation(&changed), "member": null }),
    ))
}

/// `POST /organization/cancel-invitation {invitationId}`.
pub(in crate::routes) async fn cancel(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let id = body.required("invitationId")?;
    let found: Option<Invitation> = call.auth.records.get(&call.context, id).await?;
    let invitation = found.ok_or(Refusal::InvitationNotFound)?;
    match entitled(&call, &me, Some(&invitation.organization_id), Right::Manage).await {
        Err(AuthError::Refused(Refusal::NotMember)) => return Err(Refusal::InvitationNotFound.into()),
        other => other?,
    };
    if invitation.status != PENDING {
        return Err(Refusal::InvitationNotFound.into());
    }
    let change = json!({ "status": "canceled" });
    let changed: Invitation = call.auth.records.update(&call.context, &invitation.id, change).await?;
    Ok(Reply::ok(view::invitation(&changed)))
}

/// `GET /organization/get-invitation?id=`.
pub(in crate::routes) async fn get(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let invitation = mine(&call, &me, &body::query(&call.request, "id")?).await?;
    let records = &call.auth.records;
    let organization: Option<Organization> = records.get(&call.context, &invitation.organization_id).await?;
    let organization = view::there(organization)?;
    let inviter = users_of(&call, &[invitation.inviter_id.as_deref().unwrap_or_default()]).await?;
    let mut answer = view::invitation(&invitation);
    answer["organizationName"] = organization.name.into();
    answer["organizationSlug"] = organization.slug.into();
    answer["inviterEmail"] = json!(inviter.first().map(|user| &user.email));
    Ok(Reply::ok(answer))
}

/// `GET /organization/list-invitations?organizationId=`.
pub(in crate::routes) async fn list(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let id = percent::parameter(call.request.query(), "organizationId").filter(|id| !id.is_empty());
    let (organization, _) = entitled(&call, &me, id.as_deref(), Right::Read).await?;
    let invitations: Vec<Invitation> = call
        .auth
        .records
        .find(&call.context, json!({ "organization_id": organization.id }))
        .await?;
    Ok(Reply::ok(invitations.iter().map(view::invitation).collect()))
}

/// `GET /organization/list-user-invitations`: those that wait for the caller.
pub(in crate::routes) async fn of_user(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let records = &call.auth.records;
    let filter = json!({ "email": me.live.user.email, "status": PENDING });
    let invitations: Vec<Invitation> = records.find(&call.context, filter).await?;
    let mut answer = Vec::new();
    for invitation in &invitations {
        if moment::ms(&invitation.expires_at) <= call.auth.now_ms() {
            continue;
        }
        let organization: Option<Organization> = records.get(&call.context, &invitation.organization_id).await?;
        let mut shown = view::invitation(invitation);
        shown["organizationName"] = organization.map_or(Value::Null, |organization| organization.name.into());
        answer.push(shown);
    }
    Ok(Reply::ok(Value::Array(answer)))
}
