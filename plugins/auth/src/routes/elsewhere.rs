//! Members of several organisations, from within one of them: whoever manages its users, or is its directory, has no say in the
//! others. What they do there ends the place in theirs and what works in it, and leaves the account alone. Called by the routes of
//! administrators and directories.

use serde_json::json;

use super::{Call, api_key, organization::members::take_out};
use crate::{
    error::{Refusal, Result},
    records::kinds::{ApiKey, Member, Session, User},
    right::check_rank,
};

/// Ends the sessions of a user that work in an organisation, and those in which they act as somebody else from there.
pub(super) async fn end_sessions(call: &Call, user: &User, organization: &str, description: &str) -> Result<()> {
    let (auth, context) = (&call.auth, &call.context);
    auth.forget_user(&user.id);
    let here = json!({ "$or": [
        { "user_id": user.id, "active_organization_id": organization },
        { "impersonated_by": user.id, "impersonator_organization_id": organization },
    ] });
    loop {
        let sessions: Vec<Session> = auth.records.find(context, here.clone()).await?;
        if sessions.is_empty() {
            return Ok(());
        }
        for session in &sessions {
            auth.end_of(context, user, session, description).await?;
        }
    }
}

async fn place(call: &Call, organization: &str, user: &str) -> Result<Option<Member>> {
    let place = json!({ "organization_id": organization, "user_id": user });
    call.auth.records.find_one(&call.context, place).await
}

/// Takes a user out of an organisation, with the sessions and keys that work there.
///
/// # Errors
/// `LastOwner`; `Forbidden` for an owner who is taken out by somebody who is none.
pub(super) async fn put_out(call: &Call, user: &User, organization: &str, description: &str) -> Result<()> {
    let (auth, context) = (&call.auth, &call.context);
    let member = place(call, organization, &user.id).await?;
    let member = member.ok_or(Refusal::UserNotFound)?;
    let mine = place(call, organization, context.user()).await?.unwrap_or_default();
    check_rank(&mine.role, &member.role)?;
    auth.check_owner_stays(context, &member).await?;
    end_sessions(call, user, organization, description).await?;
    let theirs = json!({ "user_id": user.id, "organization_id": organization });
    for key in auth.records.all::<ApiKey>(context, theirs).await? {
        api_key::end(call, user, &key, description).await?;
    }
    take_out(call, &member).await
}
