//! Members of organisations. The last owner stays one.

use serde_json::{Value, json};

use super::{entitled, membership, read_roles, telling_role, users_of};
use crate::{
    error::{AuthError, Refusal, Result},
    http::{Reply, percent},
    records::kinds::{Member, User},
    right::{OWNER, Right, check_rank, has_role, holds},
    routes::{Call, SignedIn},
    view,
};

/// Members with what others may see of their users.
pub(super) async fn with_users(call: &Call, members: &[Member]) -> Result<Value> {
    let ids: Vec<&str> = members.iter().map(|member| member.user_id.as_str()).collect();
    let users = users_of(call, &ids).await?;
    let of = |member: &Member| users.iter().find(|user| user.id == member.user_id);
    Ok(members.iter().map(|member| view::member(member, of(member))).collect())
}

/// `GET /organization/list-members?organizationId=`.
pub(in crate::routes) async fn list(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let id = percent::parameter(call.request.query(), "organizationId").filter(|id| !id.is_empty());
    let (organization, _) = entitled(&call, &me, id.as_deref(), Right::Read).await?;
    let members: Vec<Member> = call
        .auth
        .records
        .all(&call.context, json!({ "organization_id": organization.id }))
        .await?;
    let shown = with_users(&call, &members).await?;
    Ok(Reply::ok(json!({ "members": shown, "total": members.len() })))
}

/// A member by its id, or by the address of its user.
async fn named(call: &Call, organization: &str, name: &str) -> Result<Member> {
    let by_id = json!({ "organization_id": organization, "id": name });
    let found: Option<Member> = call.auth.records.find_one(&call.context, by_id).await?;
    if let Some(member) = found {
        return Ok(member);
    }
    let user: Option<User> = call
        .auth
        .records
        .find_one(&call.context, json!({ "email": name.to_lowercase() }))
        .await?;
    let user = user.ok_or(Refusal::MemberNotFound)?;
    membership(call, organization, &user.id)
        .await?
        .ok_or_else(|| Refusal::MemberNotFound.into())
}

/// Refuses to let a user go who is the only owner of an organisation with others in it.
pub(in crate::routes) async fn check_not_last_owner(call: &Call, user: &str) -> Result<()> {
    let places: Vec<Member> = call
        .auth
        .records
        .find(&call.context, json!({ "user_id": user }))
        .await?;
    for place in places {
        call.auth.check_owner_stays(&call.context, &place).await?;
    }
    Ok(())
}

/// Takes a member out: of the organisation, of its teams, and of the sessions that work in it.
pub(in crate::routes) async fn take_out(call: &Call, member: &Member) -> Result<()> {
    let told = telling_role(call, member, "authz.role_removed", "A member left an organization")?;
    call.auth
        .records
        .delete_telling::<Member>(&call.context, &member.id, vec![told])
        .await?;
    call.auth.clear_place(&call.context, member).await
}

/// `POST /organization/remove-member {memberIdOrEmail, organizationId?}`.
pub(in crate::routes) async fn remove(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let (organization, mine) = entitled(&call, &me, body.text("organizationId")?, Right::Manage).await?;
    let name = match body.text("memberIdOrEmail")? {
        Some(name) => name,
        None => body.required("memberId")?,
    };
    let member = named(&call, &organization.id, name).await?;
    call.auth.check_owner_stays(&call.context, &member).await?;
    check_rank(&mine.role, &member.role)?;
    take_out(&call, &member).await?;
    Ok(Reply::ok(json!({ "member": view::member(&member, None) })))
}

/// `POST /organization/update-member-role {memberId, role, organizationId?}`.
pub(in crate::routes) async fn update_role(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let (organization, mine) = entitled(&call, &me, body.text("organizationId")?, Right::Manage).await?;
    let member = named(&call, &organization.id, body.required("memberId")?).await?;
    let roles = read_roles(&call, &body, &mine)?;
    check_rank(&mine.role, &member.role)?;
    if !has_role(&roles, OWNER) {
        call.auth.check_owner_stays(&call.context, &member).await?;
    }
    let change = json!({ "role": roles });
    let given = Member {
        role: roles,
        ..member.clone()
    };
    let description = "The role of a member was changed";
    let told = telling_role(&call, &given, "authz.role_updated", description)?;
    let changed: Member = call
        .auth
        .records
        .update_telling(&call.context, &member.id, &change, vec![told])
        .await?;
    call.auth.sessions.forget_user(&member.user_id);
    call.auth.keys.forget_user(&member.user_id);
    Ok(Reply::ok(view::member(&changed, None)))
}

async fn active_place(call: &Call, me: &SignedIn) -> Result<Member> {
    let organization = me.live.session.active_organization_id.as_deref();
    let organization = organization.ok_or(Refusal::NoActiveOrganization)?;
    membership(call, organization, &me.live.user.id)
        .await?
        .ok_or_else(|| Refusal::MemberNotFound.into())
}

/// `GET /organization/get-active-member`.
pub(in crate::routes) async fn active(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let member = active_place(&call, &me).await?;
    Ok(Reply::ok(view::member(&member, Some(&me.live.user))))
}

/// `GET /organization/get-active-member-role`.
pub(in crate::routes) async fn active_role(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let member = active_place(&call, &me).await?;
    Ok(Reply::ok(json!({ "role": member.role })))
}

/// `POST /organization/leave {organizationId}`.
pub(in crate::routes) async fn leave(call: Call) -> Result<Reply> {
    let me = call.owner().await?;
    let body = call.body()?;
    let (_, mine) = entitled(&call, &me, Some(body.required("organizationId")?), Right::Read).await?;
    call.auth.check_owner_stays(&call.context, &mine).await?;
    take_out(&call, &mine).await?;
    Ok(Reply::ok(view::member(&mine, Some(&me.live.user))))
}

/// `POST /organization/has-permission {permissions, organizationId?}`: what better-auth's own statements permit the caller.
pub(in crate::routes) async fn has_permission(call: Call) -> Result<Reply> {
    let me = call.signed_in().await?;
    let body = call.body()?;
    let (_, mine) = entitled(&call, &me, body.text("organizationId")?, Right::Read).await?;
    let asked = body.value("permissions").or_else(|| body.value("permission"));
    let Some(Value::Object(asked)) = asked else {
        return Err(AuthError::body("permissions", "Invalid input: expected object"));
    };
    let success = asked.iter().all(|(resource, actions)| {
        let actions = actions.as_array().map(Vec::as_slice).unwrap_or_default();
        actions.iter().all(|action| {
            let right = match (resource.as_str(), action.as_str()) {
                (_, Some("read")) => Right::Read,
                ("organization", Some("delete")) => Right::Own,
                ("organization", Some("update"))
                | ("member" | "invitation" | "team" | "ac", Some("create" | "update" | "delete" | "cancel")) => {
                    Right::Manage
                }
                _ => return false,
            };
            holds(&mine.role, right)
        })
    });
    Ok(Reply::ok(json!({ "error": null, "success": success })))
}
