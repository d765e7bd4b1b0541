//! Nobody becomes more than they are by managing users: whoever gives a role holds what comes with it, and whoever gets at an account
//! holds what its user does, however the user came by it, in each organisation they belong to and in none. Not here: who is within
//! reach at all (`reach`), and what members may do in their organisation (`right`).
//!
//! Called by the routes of administrators and directories, by `veto` where the same is done over the data routes, and for as long as
//! somebody acts as somebody else.

use objectos_plugin_api::{Context, ErrorKind, Principal, PrincipalKind, contracts::permissions::Powers};
use serde_json::json;
use std::iter;

use crate::{
    auth::{ADMINISTRATOR, Auth, USER},
    error::{AuthError, Refusal, Result},
    reach::Reach,
    records::kinds::{Member, User},
    right::{OWNER, check_rank, has_role},
    sessions::load::person,
};

/// Roles that may do everything, whatever else is configured.
const ADMINISTRATORS: [&str; 2] = [ADMINISTRATOR, "admin"];
/// Roles of somebody who has none in particular.
const PLAIN: [&str; 2] = [USER, "org:member"];
/// How the names of roles in an organisation begin.
const ORGANIZATION: &str = "org:";
/// Reaches everything.
const PLATFORM: &str = "manage_platform";

impl Auth {
    /// Refuses whoever may not give a role. That of a user is bound to no organisation, so whoever reaches the members of one
    /// gives none but the usual one.
    ///
    /// # Errors
    /// `Validation` for a role in an organisation; `Forbidden` for whoever does not reach everybody, or holds less than comes with
    /// it; those of the service `permissions`.
    pub(crate) async fn demand_for_role(&self, context: &Context, reach: &Reach, role: &str) -> Result<()> {
        if role == USER {
            return Ok(());
        }
        if role.starts_with(ORGANIZATION) {
            return Err(AuthError::explained(
                Refusal::Validation,
                format!(
                    "The role {role} is one in an organization, and given there by POST \
                     /api/v1/auth/organization/update-member-role; name one that does not begin with {ORGANIZATION}"
                ),
            ));
        }
        if *reach != Reach::Everybody {
            return Err(AuthError::explained(
                Refusal::Forbidden,
                "The role of a user counts in every organization; giving it needs manage_platform",
            ));
        }
        self.demand_to_give(context, role).await?;
        let holder = Principal {
            kind: PrincipalKind::User,
            roles: vec![role.to_owned()],
            ..Principal::default()
        };
        let theirs = self.powers(&context.with_principal(&holder)).await?;
        self.demand_powers(context, &theirs).await
    }

    /// Refuses whoever may not get at the account of a user within reach, because the user is more than they are.
    ///
    /// # Errors
    /// `Forbidden`; those of the store and of the service `permissions`.
    pub(crate) async fn demand_for_user(&self, context: &Context, reach: &Reach, user: &User) -> Result<()> {
        self.demand_to_give(context, &user.role).await?;
        if self.powers(context).await?.administrator {
            return Ok(());
        }
        let places: Vec<Member> = self.records.all(context, json!({ "user_id": user.id })).await?;
        self.check_rank_of(context, reach, &places).await?;
        // What is given in one organisation counts there alone, and whoever has the account works wherever its user may.
        for place in iter::once(None).chain(places.iter().map(Some)) {
            let theirs = self.powers(&context.with_principal(&person(user, place))).await?;
            self.demand_powers(context, &theirs).await?;
        }
        Ok(())
    }

    /// Roles carry permissions: giving one, or getting at somebody who has one, needs what giving permissions needs.
    async fn demand_to_give(&self, context: &Context, role: &str) -> Result<()> {
        if role == USER {
            return Ok(());
        }
        self.demand(context, "manage_permissions").await?;
        if ADMINISTRATORS.contains(&role) {
            self.demand(context, PLATFORM).await?;
        }
        Ok(())
    }

    /// Owners of the organisation that is reached are no business of its other members.
    async fn check_rank_of(&self, context: &Context, reach: &Reach, places: &[Member]) -> Result<()> {
        let Reach::Members(organization) = reach else {
            return Ok(());
        };
        let here = places.iter().find(|place| place.organization_id == *organization);
        let Some(theirs) = here.filter(|place| has_role(&place.role, OWNER)) else {
            return Ok(());
        };
        let place = json!({ "organization_id": organization, "user_id": context.user() });
        let mine: Option<Member> = self.records.find_one(context, place).await?;
        check_rank(&mine.unwrap_or_default().role, &theirs.role)
    }

    /// Refuses whoever holds less than this.
    async fn demand_powers(&self, context: &Context, theirs: &Powers) -> Result<()> {
        if theirs.administrator && !self.powers(context).await?.administrator {
            return Err(AuthError::explained(
                Refusal::Forbidden,
                "Only an administrator makes administrators, and gets at their accounts",
            ));
        }
        for permission in &theirs.system_permissions {
            if !self.holds(context, permission).await? {
                return Err(AuthError::explained(
                    Refusal::Forbidden,
                    format!("This gets at the system permission {permission}, which you do not hold yourself"),
                ));
            }
        }
        Ok(())
    }

    /// What the context's principal may do beyond records. Without a service `permissions` the administrator has all of it, and
    /// nobody else anything. By a service that does not tell, whoever has a role may administer the platform, for all that is known.
    async fn powers(&self, context: &Context) -> Result<Powers> {
        if !self.declares_permissions() {
            return Ok(Powers {
                administrator: self.holds(context, PLATFORM).await?,
                ..Powers::default()
            });
        }
        match self.permissions.powers(context).await {
            Err(error) if error.kind() == ErrorKind::NotImplemented => {}
            told => return Ok(told?),
        }
        let roles = context.principal()?.unwrap_or_default().roles;
        let plain = roles.iter().all(|role| PLAIN.contains(&role.as_str()));
        let platform = !plain || self.holds(context, PLATFORM).await?;
        Ok(Powers {
            system_permissions: platform.then(|| PLATFORM.to_owned()).into_iter().collect(),
            ..Powers::default()
        })
    }
}
