//! What is written to the plugin's objects by anybody but the plugin: over the data routes, by an import, by another plugin for
//! somebody. A grant on such an object is not enough to become more than one is, so that every way to a record is held to the same:
//! * ways in, and what stands for them, are written by the routes of this plugin alone, which prove and tell what they do;
//! * users, organisations and places in them are written by whoever may do the same by those routes.
//!
//! Not here: whether somebody may write records of the object at all (the data engine asks `permissions`). The plugin's own writes
//! bear a mark (`records::own`). The system by itself, for nobody, is not held to anything, as in `permissions`.
//!
//! Called by the hooks. What cannot be said for sure is refused.

mod leaving;
mod place;
mod user;

use objectos_plugin_api::{
    Context, Principal, PrincipalKind,
    contracts::{data::EventBeside, hooks::RecordHook},
};
use serde_json::{Map, Value};

pub(crate) use self::leaving::Leaving;
use crate::{
    auth::Auth,
    error::{AuthError, Refusal, Result},
    records::{
        Record,
        kinds::{Member, User},
    },
    sessions::load::is_banned,
};

/// Objects whose records are guarded.
pub(crate) const GUARDED: [&str; 12] = [
    "sys_account",
    "sys_api_key",
    "sys_invitation",
    "sys_member",
    "sys_organization",
    "sys_passkey",
    "sys_session",
    "sys_team",
    "sys_team_member",
    "sys_two_factor",
    "sys_user",
    "sys_verification",
];

/// What is done with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is made.
    Made,
    /// It is changed, or brought back.
    Changed,
    /// It is deleted.
    Deleted,
}

/// What is stored with a change.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// What is told of it.
    pub(crate) events: Vec<EventBeside>,
    /// Fields of the record that only the plugin writes.
    pub(crate) fields: Map<String, Value>,
}

impl From<Vec<EventBeside>> for Beside {
    fn from(events: Vec<EventBeside>) -> Self {
        Self {
            events,
            ..Self::default()
        }
    }
}

/// A change before it is stored, and who makes it.
#[derive(Debug)]
struct Write<'a> {
    context: &'a Context,
    hook: &'a RecordHook,
    change: Change,
    principal: Principal,
}

fn forbidden(message: impl Into<String>) -> AuthError {
    AuthError::explained(Refusal::Forbidden, message)
}

fn read<T: Record>(record: Map<String, Value>) -> Result<T> {
    serde_json::from_value(Value::Object(record))
        .map_err(|error| AuthError::Internal(format!("a record of {} cannot be read: {error}", T::OBJECT)))
}

impl Write<'_> {
    /// The stored record.
    fn before<T: Record>(&self) -> Result<T> {
        read(self.hook.previous.clone().unwrap_or_default())
    }

    /// The record as it is to be.
    fn after<T: Record>(&self) -> Result<T> {
        let mut record = self.hook.previous.clone().unwrap_or_default();
        record.extend(self.hook.record.clone());
        read(record)
    }

    /// Whether one of these fields changes.
    fn changes(&self, fields: &[&str]) -> bool {
        fields.iter().any(|field| self.hook.record.contains_key(*field))
    }

    /// Whether whoever writes is this user.
    fn is_by(&self, user: &str) -> bool {
        !user.is_empty() && self.context.user() == user
    }

    /// Refuses whoever acts as somebody else, as the routes do.
    fn check_oneself(&self) -> Result<()> {
        if self.principal.attributes.contains_key("impersonatedBy") {
            return Err(forbidden(
                "This is done in one's own name, not while acting as somebody else",
            ));
        }
        Ok(())
    }

    /// Refuses whoever has no session, as the routes for people do: keys of programs do not get so far.
    fn check_person(&self) -> Result<()> {
        self.check_oneself()?;
        if self.principal.kind == PrincipalKind::Local || self.principal.session.is_some() {
            return Ok(());
        }
        Err(forbidden(
            "This is done by somebody who signed in, not by the key of a program",
        ))
    }
}

impl Auth {
    /// Before a record of [`GUARDED`] is stored. Answers what is to be stored with the change.
    ///
    /// # Errors
    /// `Forbidden` and what else a route would refuse with, for who may not do this; those of the store and of `permissions`.
    pub(crate) async fn before_write(&self, context: &Context, hook: &RecordHook, change: Change) -> Result<Beside> {
        if self.records.is_own(context) || context.principal_json().is_empty() {
            return Ok(Beside::default());
        }
        let write = Write {
            context,
            hook,
            change,
            principal: context.principal()?.unwrap_or_default(),
        };
        if change == Change::Deleted && self.leaving.covers(&write, self.now_ms()) {
            return Ok(Beside::default());
        }
        let told = match hook.object.as_str() {
            "sys_user" => return self.before_user(&write).await,
            "sys_member" => self.before_member(&write).await,
            "sys_organization" => self.before_organization(&write).await,
            "sys_team" => self.before_team(&write).await,
            "sys_team_member" => self.before_team_member(&write).await,
            object => Err(forbidden(format!(
                "records of {object} are written by the routes under /api/v1/auth alone"
            ))),
        };
        told.map(Beside::from)
    }

    /// After a change by anybody but the plugin was stored: what the routes would have ended with it, ends. The change stands
    /// whatever happens here, so a failure is told to the operator; what is left is ended when it is used.
    pub(crate) async fn after_write(&self, context: &Context, hook: &RecordHook) {
        if self.records.is_own(context) {
            return;
        }
        let Some(previous) = &hook.previous else { return };
        let deleted = hook.record.is_empty();
        let followed = match hook.object.as_str() {
            "sys_user" if !deleted => self.after_user(context, hook, previous).await,
            "sys_member" if deleted => match read::<Member>(previous.clone()) {
                Ok(member) => self.clear_place(context, &member).await,
                Err(error) => Err(error),
            },
            _ => Ok(()),
        };
        if let Err(error) = followed {
            tracing::error!(object = hook.object, id = hook.id, %error, "what a change ends is not ended yet");
        }
    }

    async fn after_user(&self, context: &Context, hook: &RecordHook, previous: &Map<String, Value>) -> Result<()> {
        let changes = |fields: &[&str]| fields.iter().any(|field| hook.record.contains_key(*field));
        if !changes(&["banned", "ban_expires", "email", "role"]) {
            return Ok(());
        }
        let Some(user) = self.records.get::<User>(context, &hook.id).await? else {
            return Ok(());
        };
        if changes(&["banned", "ban_expires"]) && is_banned(&user, self.now_ms()) {
            self.end_everything(context, &user, "The user was disabled").await?;
        }
        if changes(&["email"]) {
            self.end_proofs(context, &read::<User>(previous.clone())?).await?;
        }
        if changes(&["role"]) {
            self.end_impersonations(context, &user, "The role of the administrator was changed")
                .await?;
        }
        Ok(())
    }
}
