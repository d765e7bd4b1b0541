//! Keys of others: an administrator sees them and ends them, within their reach. Nobody makes or changes a key of somebody
//! else; making them is their owner's.

use serde_json::{Value, json};

use super::{Administrator, administrator};
use crate::{
    error::{Refusal, Result},
    http::Reply,
    reach::Reach,
    records::kinds::{ApiKey, User},
    routes::{
        Call,
        api_key::{end, key_json},
    },
};

impl Administrator {
    /// A user's keys within reach: whoever reaches the members of an organisation reaches the keys that work there.
    async fn keys(&self, call: &Call, user: &User) -> Result<Vec<ApiKey>> {
        let filter = match &self.reach {
            Reach::Everybody => json!({ "user_id": user.id }),
            Reach::Members(organization) => json!({ "user_id": user.id, "organization_id": organization }),
        };
        call.auth.records.find(&call.context, filter).await
    }

    /// Ends them all.
    pub(super) async fn end_keys(&self, call: &Call, user: &User) -> Result<()> {
        for key in self.keys(call, user).await? {
            end(call, user, &key, "An API key was ended by an administrator").await?;
        }
        Ok(())
    }
}

/// `POST /admin/list-user-api-keys {userId}`.
pub(in crate::routes) async fn list(call: Call) -> Result<Reply> {
    let by = administrator(&call).await?;
    let user = by.target(&call, &call.body()?).await?;
    let keys: Vec<Value> = by.keys(&call, &user).await?.iter().map(key_json).collect();
    Ok(Reply::ok(json!({ "keys": keys })))
}

/// `POST /admin/revoke-user-api-keys {userId, keyId?}`: one of them, or all.
pub(in crate::routes) async fn revoke(call: Call) -> Result<Reply> {
    let by = administrator(&call).await?;
    let body = call.body()?;
    let user = by.lesser(&call, &body).await?;
    match body.text("keyId")? {
        None => by.end_keys(&call, &user).await?,
        Some(id) => {
            let keys = by.keys(&call, &user).await?;
            let key = keys.iter().find(|key| key.id == id).ok_or(Refusal::KeyNotFound)?;
            end(&call, &user, key, "An API key was ended by an administrator").await?;
        }
    }
    Ok(Reply::ok(json!({ "success": true })))
}
