//! Users, written by anybody but the plugin: what administrators and directories do by their routes, with the same rules. Ways in are
//! none of it, nor whether somebody has a second factor.

use objectos_plugin_api::contracts::data::EventBeside;
use serde_json::{Map, Value, json};

use super::{Beside, Change, Write, forbidden};
use crate::{
    auth::{Auth, Note, USER},
    error::{AuthError, Result},
    http::body::is_email,
    reach::Reach,
    records::kinds::User,
    sessions::impersonation::PERMISSION,
};

/// Says of the second factor what its own records say.
const KEPT: &[&str] = &["two_factor_enabled"];
const ROLE: &[&str] = &["role"];
/// Whoever has the address has the account.
const ADDRESS: &[&str] = &["email", "email_verified"];
/// Whether somebody may sign in at all, and with what.
const STANDING: &[&str] = &["banned", "ban_reason", "ban_expires", "mfa_required"];
/// Whether somebody is disabled, how long and why.
const BAN: &[&str] = &["banned", "ban_reason", "ban_expires"];
/// Who disabled them.
const ATTRIBUTION: &[&str] = &["banned_in"];
/// Who somebody is in a directory.
const DIRECTORY: &[&str] = &["external_id"];

impl Auth {
    pub(super) async fn before_user(&self, write: &Write<'_>) -> Result<Beside> {
        let told = match write.change {
            Change::Made => self.before_new_user(write).await,
            Change::Changed => return self.before_other_user(write).await,
            Change::Deleted => self.before_gone_user(write).await,
        };
        told.map(Beside::from)
    }

    /// How far whoever writes reaches, when they manage users.
    async fn manager(&self, write: &Write<'_>) -> Result<Reach> {
        write.check_oneself()?;
        self.demand(write.context, PERMISSION).await?;
        self.reach(write.context).await
    }

    async fn before_new_user(&self, write: &Write<'_>) -> Result<Vec<EventBeside>> {
        let (reach, user) = (self.manager(write).await?, write.after::<User>()?);
        if reach != Reach::Everybody {
            return Err(forbidden(
                "Users of an organization are made by POST /api/v1/auth/admin/create-user, which makes them its members",
            ));
        }
        if user.two_factor_enabled {
            return Err(second_factor());
        }
        if user.banned_in.is_some() {
            return Err(attribution());
        }
        check_address(&user.email)?;
        if user.role == USER {
            return Ok(Vec::new());
        }
        write.check_person()?;
        self.demand_for_role(write.context, &reach, &user.role).await?;
        let user = User {
            id: write.hook.id.clone(),
            ..user
        };
        let note = Note {
            user: Some(&user),
            description: "A user was made with a role",
            metadata: Map::from_iter([("role".to_owned(), user.role.as_str().into())]),
            ..Note::default()
        };
        Ok(vec![note.event(write.context, "authz.role_assigned")?])
    }

    async fn before_other_user(&self, write: &Write<'_>) -> Result<Beside> {
        let (before, after) = (write.before::<User>()?, write.after::<User>()?);
        let own = write.is_by(&write.hook.id);
        let changes = |fields| write.changes(fields);
        if changes(KEPT) {
            return Err(second_factor());
        }
        if changes(ATTRIBUTION) {
            return Err(attribution());
        }
        if ![ROLE, ADDRESS, STANDING, DIRECTORY].into_iter().any(changes) {
            return self.before_plain_change(write, own).await.map(Beside::from);
        }
        let reach = self.manager(write).await?;
        self.within(write.context, &reach, &write.hook.id).await?;
        self.demand_for_user(write.context, &reach, &before).await?;
        if [ROLE, ADDRESS, STANDING].into_iter().any(changes) {
            self.check_own(write.context, &reach, &before).await?;
        }
        if changes(BAN) || changes(ADDRESS) {
            self.check_ban(&reach, &before)?;
        }
        if own && (changes(ROLE) || changes(STANDING)) {
            return Err(forbidden(
                "Your own role, and whether you are disabled, is changed by somebody else",
            ));
        }
        if changes(ADDRESS) {
            check_address(&after.email)?;
            if after.email_verified && !self.vouches(&reach, &after.email) {
                return Err(forbidden(
                    "Nobody showed that the address is theirs; set email_verified to false with it",
                ));
            }
        }
        let fields = disabled_by(write, &reach, &before, &after);
        if !changes(ROLE) {
            return Ok(Beside {
                fields,
                ..Beside::default()
            });
        }
        write.check_person()?;
        self.demand_for_role(write.context, &reach, &after.role).await?;
        let note = Note {
            user: Some(&before),
            description: "The role of a user was changed",
            metadata: Map::from_iter([
                ("from".to_owned(), before.role.as_str().into()),
                ("to".to_owned(), after.role.as_str().into()),
            ]),
            ..Note::default()
        };
        let events = vec![note.event(write.context, "authz.role_updated")?];
        Ok(Beside { events, fields })
    }

    /// Name, picture and the like are one's own, and a matter of grants where somebody is within reach.
    async fn before_plain_change(&self, write: &Write<'_>, own: bool) -> Result<Vec<EventBeside>> {
        if !own {
            let reach = self.reach(write.context).await?;
            self.within(write.context, &reach, &write.hook.id).await?;
        }
        Ok(Vec::new())
    }

    async fn before_gone_user(&self, write: &Write<'_>) -> Result<Vec<EventBeside>> {
        write.check_person()?;
        let reach = self.manager(write).await?;
        let user = self.within(write.context, &reach, &write.hook.id).await?;
        self.demand_for_user(write.context, &reach, &user).await?;
        self.check_own(write.context, &reach, &user).await?;
        self.check_ban(&reach, &user)?;
        if write.is_by(&user.id) {
            return Err(forbidden("You cannot remove yourself"));
        }
        self.leaving.note(write, "user_id", self.now_ms());
        Ok(Vec::new())
    }
}

/// Who disables a user by a change, or nobody any more, where that is not what is written down.
fn disabled_by(write: &Write<'_>, reach: &Reach, before: &User, after: &User) -> Map<String, Value> {
    let organization = reach.organization().filter(|_| after.banned);
    if !write.changes(BAN) || organization == before.banned_in {
        return Map::new();
    }
    Map::from_iter([("banned_in".to_owned(), json!(organization))])
}

fn attribution() -> AuthError {
    forbidden("Who disabled a user is written down with that, and never by itself")
}

fn second_factor() -> AuthError {
    forbidden("A second factor is set up and taken away by its owner, under /api/v1/auth/two-factor")
}

/// Addresses are kept in small letters, and looked for so.
fn check_address(email: &str) -> Result<()> {
    if is_email(email) && email.to_lowercase() == email {
        return Ok(());
    }
    Err(forbidden("email must be an e-mail address in small letters"))
}
