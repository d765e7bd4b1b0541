//! Whoever registered an address without verifying it need not be its owner. When the owner comes, by a link of a mail or by a
//! provider that vouches for the address, every way in goes that was set up before.

use serde_json::json;

use super::{Call, sign};
use crate::{
    error::Result,
    records::{
        changing, deleting,
        kinds::{Account, ApiKey, Passkey, TwoFactor, User},
    },
    sessions::load::CREDENTIAL,
};

/// What stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spared {
    /// Nothing.
    Nothing,
    /// The way in that the user registered with, together with the address that they still have: the browser is the one in which
    /// they did.
    FromStart,
}

/// Takes away what somebody set up who need not be the owner: password, linked providers, passkeys, keys for programs, the
/// second factor, links that are under way, and every session. Each goes together with what is told of it; should the rest not
/// follow, the address stays unverified, and the next link does it. Answers whether a password went.
pub(super) async fn distrust(call: &Call, user: &User, spared: Spared) -> Result<bool> {
    let (auth, context) = (&call.auth, &call.context);
    let password = drop_accounts(call, user, spared).await?;
    drop_second_factor(call, user).await?;
    let (records, of_user) = (&auth.records, json!({ "user_id": user.id }));
    for passkey in records.find::<Passkey>(context, of_user.clone()).await? {
        records.delete::<Passkey>(context, &passkey.id).await?;
    }
    for key in records.find::<ApiKey>(context, of_user).await? {
        records.delete::<ApiKey>(context, &key.id).await?;
    }
    auth.keys.forget_user(&user.id);
    auth.end_proofs(context, user).await?;
    auth.end_all(context, user, None, "The owner of the address came")
        .await?;
    Ok(password)
}

/// Answers whether a password was among them.
async fn drop_accounts(call: &Call, user: &User, spared: Spared) -> Result<bool> {
    let records = &call.auth.records;
    let mut password = false;
    let accounts: Vec<Account> = records.find(&call.context, json!({ "user_id": user.id })).await?;
    for account in accounts {
        let from_start = account.set_up_for.as_deref() == Some(user.email.as_str());
        if from_start && spared == Spared::FromStart {
            continue;
        }
        let mut told = Vec::new();
        if account.provider_id == CREDENTIAL {
            password = true;
            let event = "auth.password_changed";
            let description = "The password of an unverified address was taken away";
            told.push(sign::telling(call, user, event, description)?);
        }
        records
            .delete_telling::<Account>(&call.context, &account.id, told)
            .await?;
    }
    Ok(password)
}

async fn drop_second_factor(call: &Call, user: &User) -> Result<()> {
    let records = &call.auth.records;
    let factors: Vec<TwoFactor> = records.find(&call.context, json!({ "user_id": user.id })).await?;
    let mut operations: Vec<_> = factors.iter().map(|factor| deleting::<TwoFactor>(&factor.id)).collect();
    let mut told = Vec::new();
    if user.two_factor_enabled {
        let off = json!({ "two_factor_enabled": false });
        operations.push(changing::<User>(&user.id, &off));
        let description = "The second factor of an unverified address was taken away";
        told.push(sign::telling(call, user, "auth.mfa_disabled", description)?);
    }
    if operations.is_empty() {
        return Ok(());
    }
    match records.transaction(&call.context, operations, told).await {
        // Whoever switched it off at the same time did all of it.
        Err(error) if error.is_not_found() => Ok(()),
        other => other.map(drop),
    }
}
