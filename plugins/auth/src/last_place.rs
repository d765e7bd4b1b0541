//! Where somebody worked last: the organisation that a user made the active one, so that whoever is in several begins there with
//! the next sign-in. It says nothing of who is a member: that is looked up when a session begins, and whoever is none any more
//! begins in none. Nothing of it is taken from a request. Written by the routes that make an organisation the active one, read by
//! `sessions::issue`.

use objectos_plugin_api::Context;
use serde_json::json;

use crate::{
    auth::Auth,
    crypto::{hash_text, hash_token},
    error::Result,
    moment,
    records::kinds::{Member, Session, User, Verification},
};

/// Kind of the records.
const IDENTIFIER: &str = "last_place";
/// How long it is remembered after the last change, milliseconds: a year.
const KEPT_MS: i64 = 365 * 86_400_000;

/// Id of a user's record. Ids of users may be as long as an id can be.
fn record_id(user: &str) -> String {
    format!("lp_{}", hash_text(&hash_token(user)))
}

impl Auth {
    /// Remembers where the user of a session works from now on; in none is remembered as well. What an administrator does in the
    /// user's place is not what the user did. A failure is told to the operator alone: the session works there all the same.
    pub(crate) async fn remember_place(&self, context: &Context, session: &Session, organization: Option<&str>) {
        if !self.config.organization.begins_in_last || session.impersonated_by.is_some() {
            return;
        }
        if let Err(error) = self.write_place(context, &session.user_id, organization).await {
            tracing::warn!(user = session.user_id, %error, "where a user works now is not remembered");
        }
    }

    async fn write_place(&self, context: &Context, user: &str, organization: Option<&str>) -> Result<()> {
        let (records, id) = (&self.records, record_id(user));
        let Some(organization) = organization else {
            return records.delete::<Verification>(context, &id).await.map(drop);
        };
        let end = moment::text(self.now_ms().saturating_add(KEPT_MS));
        let change = json!({ "value": organization, "expires_at": end });
        match records.update::<Verification>(context, &id, change).await {
            Err(error) if error.is_not_found() => {}
            other => return other.map(drop),
        }
        let place = json!({ "id": id, "identifier": IDENTIFIER, "value": organization, "expires_at": end });
        match records.create::<Verification>(context, place).await {
            // Another session of the user was faster.
            Err(error) if error.duplicate().is_some() => Ok(()),
            other => other.map(drop),
        }
    }

    /// The user's place in the organisation they worked in last; `None` when they are no member any more, or chose none.
    pub(crate) async fn last_place(&self, context: &Context, user: &User) -> Result<Option<Member>> {
        if !self.config.organization.begins_in_last {
            return Ok(None);
        }
        let found: Option<Verification> = self.records.get(context, &record_id(&user.id)).await?;
        let lasts = |found: &Verification| found.expires_at.as_deref().map_or(0, moment::ms) > self.now_ms();
        let Some(organization) = found.filter(lasts).and_then(|found| found.value) else {
            return Ok(None);
        };
        let place = json!({ "organization_id": organization, "user_id": user.id });
        self.records.find_one(context, place).await
    }
}
