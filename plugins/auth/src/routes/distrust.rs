//! Whoever registered an address without verifying it need not be its owner. When the owner comes, by a link of a mail or by a
//! provider that vouches for the address, every way in goes that was set up before.

use serde_json::json;

use super::{Call, sign};
use crate::{
    error::Result,
    records::kinds::{Account, ApiKey, Passkey, TwoFactor, User},
    sessions::load::CREDENTIAL,
};

/// Takes away what somebody set up who need not be the owner: password, linked providers, passkeys, keys for programs, the
/// second factor, links that are under way, and every session.
pub(super) async fn distrust(call: &Call, user: &User) -> Result<()> {
    let (auth, context) = (&call.auth, &call.context);
    drop_accounts(call, user).await?;
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
    Ok(())
}

async fn drop_accounts(call: &Call, user: &User) -> Result<()> {
    let records = &call.auth.records;
    let accounts: Vec<Account> = records.find(&call.context, json!({ "user_id": user.id })).await?;
    for account in accounts {
        records.delete::<Account>(&call.context, &account.id).await?;
        if account.provider_id == CREDENTIAL {
            let event = "auth.password_changed";
            let description = "The password of an unverified address was taken away";
            sign::note_plain(call, user, event, description).await?;
        }
    }
    Ok(())
}

async fn drop_second_factor(call: &Call, user: &User) -> Result<()> {
    let records = &call.auth.records;
    let factors: Vec<TwoFactor> = records.find(&call.context, json!({ "user_id": user.id })).await?;
    for factor in factors {
        records.delete::<TwoFactor>(&call.context, &factor.id).await?;
    }
    if user.two_factor_enabled {
        let off = json!({ "two_factor_enabled": false });
        records.update::<User>(&call.context, &user.id, off).await?;
        let description = "The second factor of an unverified address was taken away";
        sign::note_plain(call, user, "auth.mfa_disabled", description).await?;
    }
    Ok(())
}
