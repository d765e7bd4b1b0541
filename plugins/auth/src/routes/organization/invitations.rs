//! Invitations: an address is asked to become a member, and its owner says yes or no: somebody who verified the address, or
//! brings the link of the invitation. An id alone is not enough.

use serde_json::{Value, json};

use super::{entitled, member_record, membership, newcomer, read_roles, telling_role, users_of};
use crate::{
    error::{AuthError, Refusal, Result},
    http::{Reply, body, percent},
    invited::{PENDING, Shown},
    moment,
    records::{
        changing, changing_based_on,
        kinds::{Invitation, Member, Organization, Session, TeamMember, User},
        making,
    },
    right::Right,
    routes::{Call, SignedIn, sign},
    view,
};

/// What became of the mail of an invitation.
#[derive(Debug, Default)]
struct Told {
    mailed: bool,
    /// The link to hand over, where no mail server took the mail.
    link: Option<String>,
}

/// `POST /organization/invite-member {email, role, organizationId?, teamId?, resend?}`. Answers beside the invitation whether it
/// was `mailed`, and the `link` if it has to be handed over; it is shown this once.
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
            // Whoever sends it again invites: it stands by their word, whatever became of whoever did before.
            let change = json!({ "expires_at": expires, "role": roles, "inviter_id": me.live.user.id });
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
    let told = tell(&call, &me, &organization, &invitation).await?;
    let mut answer = view::invitation(&invitation);
    answer["mailed"] = told.mailed.into();
    if let Some(link) = told.link {
        answer["link"] = link.into();
    }
    Ok(Reply::ok(answer))
}

/// The mail. Where no mail server takes it the invitation stands all the same, and whoever invites gets a link to hand over.
/// That one proves no address: it was not sent to it.
async fn tell(call: &Call, me: &SignedIn, organization: &Organization, invitation: &Invitation) -> Result<Told> {
    let (auth, context) = (&call.auth, &call.context);
    if !auth.takes_mail(context, &invitation.email).await? {
        return Ok(Told::default());
    }
    auth.end_invitation_links(context, &invitation.id).await?;
    let link = auth.invitation_link(context, invitation, true).await?;
    let text = format!(
        "Hello,\n\n{} invites you to work in {}. To accept, open\n\n{link}\n\nwithin {} hours.\n",
        me.live.user.name, organization.name, auth.config.organization.invitation_hours
    );
    let subject = format!("An invitation to {}", organization.name);
    let sent = auth
        .deliver(context, &invitation.email, "invitation", &subject, text)
        .await;
    match sent {
        Ok(true) => {
            return Ok(Told {
                mailed: true,
                link: None,
            });
        }
        // The log of a developer, who reads everybody's mails.
        Ok(false) => {}
        Err(error) if error.is_unavailable() => auth.end_invitation_links(context, &invitation.id).await?,
        Err(error) => {
            tracing::warn!(%error, invitation = invitation.id, "the mail of an invitation did not go out");
            return Ok(Told::default());
        }
    }
    let link = auth.invitation_link(context, invitation, false).await?;
    Ok(Told {
        mailed: false,
        link: Some(link),
    })
}

/// A pending invitation for the caller, and what they showed of it.
async fn mine(call: &Call, me: &SignedIn, named: &str) -> Result<(Invitation, Shown)> {
    let (invitation, shown) = call.auth.invitation(&call.context, named).await?;
    if invitation.email != me.live.user.email {
        return Err(Refusal::NotRecipient.into());
    }
    if shown == Shown::Nothing {
        check_verified(me)?;
    }
    Ok((invitation, shown))
}

fn check_verified(me: &SignedIn) -> Result<()> {
    if me.live.user.email_verified {
        return Ok(());
    }
    Err(AuthError::explained(
        Refusal::EmailNotVerified,
        "Verify your address first, or open the link of the invitation",
    ))
}

/// `POST /organization/accept-invitation {invitationId}`: the id, or the end of the link, `ID.SECRET`. The link of the mail
/// verifies the address.
pub(in crate::routes) async fn accept(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let (invitation, shown) = mine(&call, &me, body.required("invitationId")?).await?;
    let (auth, records, user) = (&call.auth, &call.auth.records, &me.live.user);
    let verifies = shown == Shown::Mailed && !user.email_verified;
    if auth.config.require_email_verification && !verifies {
        check_verified(&me)?;
    }
    let member = newcomer(&call, &invitation.organization_id, &user.id, &invitation.role);
    let description = "An invitation was accepted";
    let mut told = vec![telling_role(&call, &member, "authz.role_assigned", description)?];
    let mut operations = vec![
        // The one that was read: of whoever takes it back meanwhile and whoever accepts it, one is heard.
        changing_based_on::<Invitation>(&invitation.id, &json!({ "status": "accepted" }), &invitation.updated_at),
        making::<Member>(&member_record(&member)),
        changing::<Session>(
            &me.live.session.id,
            &json!({ "active_organization_id": invitation.organization_id, "active_team_id": invitation.team_id }),
        ),
    ];
    if let Some(team) = &invitation.team_id {
        operations.push(making::<TeamMember>(&json!({ "team_id": team, "user_id": user.id })));
    }
    if verifies {
        operations.push(changing::<User>(&user.id, &json!({ "email_verified": true })));
        let (event, description) = ("auth.email_verified", "An e-mail address was verified");
        told.push(sign::telling(&call, user, event, description)?);
    }
    let mut stored = match records.transaction(&call.context, operations, told).await {
        Err(error) if error.duplicate().is_some() => return Err(Refusal::AlreadyMember.into()),
        Err(error) if error.is_conflict() => return Err(Refusal::InvitationNotFound.into()),
        other => other?,
    };
    auth.sessions.forget_user(&user.id);
    auth.keys.forget_user(&user.id);
    auth.end_invitation_links(&call.context, &invitation.id).await?;
    auth.remember_place(&call.context, &me.live.session, Some(&invitation.organization_id))
        .await;
    let (invitation, member): (Invitation, Member) = (stored.record(0)?, stored.record(1)?);
    Ok(Reply::ok(json!({
        "invitation": view::invitation(&invitation), "member": view::member(&member, None),
    })))
}

/// `POST /organization/reject-invitation {invitationId}`.
pub(in crate::routes) async fn reject(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let (invitation, _) = mine(&call, &me, call.body()?.required("invitationId")?).await?;
    let change = json!({ "status": "rejected" });
    let changed: Invitation = call.auth.records.update(&call.context, &invitation.id, change).await?;
    call.auth.end_invitation_links(&call.context, &invitation.id).await?;
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
    call.auth.end_invitation_links(&call.context, &invitation.id).await?;
    Ok(Reply::ok(view::invitation(&changed)))
}

/// `GET /organization/get-invitation?id=`.
pub(in crate::routes) async fn get(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let (invitation, _) = mine(&call, &me, &body::query(&call.request, "id")?).await?;
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
    check_verified(&me)?;
    let records = &call.auth.records;
    let filter = json!({ "email": me.live.user.email, "status": PENDING });
    let invitations: Vec<Invitation> = records.find(&call.context, filter).await?;
    let mut answer = Vec::new();
    for invitation in &invitations {
        if !call.auth.invitation_stands(&call.context, invitation).await? {
            continue;
        }
        let organization: Option<Organization> = records.get(&call.context, &invitation.organization_id).await?;
        let mut shown = view::invitation(invitation);
        shown["organizationName"] = organization.map_or(Value::Null, |organization| organization.name.into());
        answer.push(shown);
    }
    Ok(Reply::ok(Value::Array(answer)))
}
