//! Who may act as whom. Asked when an administrator begins to act as somebody else, and again each time such a session is read
//! from the store: it lasts no longer than the right to it. Called by the routes of administrators and by [`super::load`].

use objectos_plugin_api::Context;
use serde_json::json;
use std::sync::Arc;

use super::load::{is_banned, person};
use crate::{
    auth::{ADMINISTRATOR, Auth},
    error::{AuthError, Refusal, Result},
    reach::Reach,
    records::kinds::{Member, Session, User},
    rules::Rules,
};

/// What an administrator needs to act as somebody else, beside what the other one holds.
pub(crate) const PERMISSION: &str = "manage_users";

/// Who acts in a session.
#[derive(Debug)]
pub(super) enum Acting {
    /// Its user.
    User,
    /// An administrator, of whom this is demanded beside what is demanded of the user.
    Administrator(Arc<Rules>),
    /// Nobody: whoever acted may not any more.
    Nobody,
}

impl Auth {
    /// Refuses to let the context's principal act as a user: as nobody who is an administrator, is disabled, is more than they
    /// are or belongs to others, too.
    pub(crate) async fn check_impersonation(&self, context: &Context, reach: &Reach, user: &User) -> Result<()> {
        if user.role == ADMINISTRATOR || is_banned(user, self.now_ms()) {
            return Err(Refusal::Forbidden.into());
        }
        self.demand_for_user(context, reach, user).await?;
        self.check_own(context, reach, user).await
    }

    /// Who acts in a session of a user: whether its administrator may go on to, and what the administrator's own policies demand.
    ///
    /// # Errors
    /// Those of the store and of the service `permissions`: then nobody acts.
    pub(super) async fn acting(&self, context: &Context, session: &Session, user: &User) -> Result<Acting> {
        let Some(id) = &session.impersonated_by else {
            return Ok(Acting::User);
        };
        let found: Option<User> = self.records.get(context, id).await?;
        let Some(administrator) = found.filter(|found| !is_banned(found, self.now_ms())) else {
            return Ok(Acting::Nobody);
        };
        let member: Option<Member> = match &session.impersonator_organization_id {
            Some(organization) => {
                let place = json!({ "organization_id": organization, "user_id": id });
                self.records.find_one(context, place).await?
            }
            None => None,
        };
        let acting = context.with_principal(&person(&administrator, member.as_ref()));
        match self.hold_to_reach(&acting, user).await {
            Ok(()) => Ok(Acting::Administrator(self.rules_for(context, &administrator).await?)),
            Err(AuthError::Refused(_) | AuthError::Explained { .. }) => Ok(Acting::Nobody),
            Err(error) => Err(error),
        }
    }

    async fn hold_to_reach(&self, context: &Context, user: &User) -> Result<()> {
        self.demand(context, PERMISSION).await?;
        let reach = self.reach(context).await?;
        let user = self.within(context, &reach, &user.id).await?;
        self.check_impersonation(context, &reach, &user).await
    }
}
