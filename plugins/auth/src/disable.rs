//! Users who are shut out: what they are in with goes in the same transaction as far as it is known then, and the rest right after.
//! Should the process end in between, what is left ends when it is used (`sessions::load`), and does not come back with the user.
//! Called by the routes of administrators and directories, by alarms, and after a change over the data routes.

use objectos_plugin_api::{Context, contracts::data::EventBeside};
use serde_json::{Value, json};

use crate::{
    auth::Auth,
    error::Result,
    records::{
        changing, changing_based_on, deleting,
        kinds::{Session, User},
    },
    sessions::issue::ended,
};

/// Sessions that end in the transaction; there is room for them and what is told of them.
const AT_ONCE: usize = 50;
/// How often it is tried anew when one of them ended or was used meanwhile.
const TRIES: usize = 3;

impl Auth {
    /// Changes a user so that they are disabled, and ends their sessions and links; `told` goes with the change.
    ///
    /// # Errors
    /// Those of the store, `Conflict` among them when an organisation disables a user who was changed meanwhile; the user is as
    /// before unless it was stored.
    pub(crate) async fn disable(
        &self,
        context: &Context,
        user: &User,
        change: &Value,
        told: &[EventBeside],
        description: &str,
    ) -> Result<User> {
        self.forget_user(&user.id);
        // What an organisation does takes no place of what the platform did since the user was read.
        let disabling = if change["banned_in"].is_null() {
            changing::<User>(&user.id, change)
        } else {
            changing_based_on::<User>(&user.id, change, &user.updated_at)
        };
        let mut tries = 0;
        let changed: User = loop {
            let mut operations = vec![disabling.clone()];
            let mut told = told.to_vec();
            // Where others end them all the time, they end one by one afterwards.
            if tries < TRIES {
                let theirs = json!({ "user_id": user.id });
                let sessions: Vec<Session> = self.records.find(context, theirs).await?;
                for session in sessions.iter().take(AT_ONCE) {
                    operations.push(deleting::<Session>(&session.id));
                    told.push(ended(context, user, session, "auth.session_expired", description)?);
                }
            }
            match self.records.transaction(context, operations, told).await {
                Err(error) if (error.is_not_found() || error.is_conflict()) && tries < TRIES => tries += 1,
                stored => break stored?.record(0)?,
            }
        };
        self.end_everything(context, user, description).await?;
        Ok(changed)
    }

    /// Ends what somebody who is disabled is in with, or comes in by.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn end_everything(&self, context: &Context, user: &User, description: &str) -> Result<()> {
        self.forget_user(&user.id);
        self.end_proofs(context, user).await?;
        self.end_all(context, user, None, description).await?;
        Ok(())
    }
}
