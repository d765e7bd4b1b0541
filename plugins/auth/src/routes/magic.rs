//! Links that sign in: sent to an address, good once and for minutes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use super::{Call, Entry, entry::proceed, password::admit_mail, sign};
use crate::{
    auth::Note,
    bootstrap::{By, NewUser},
    error::{Refusal, Result},
    http::{Reply, body, percent},
    proofs::Kind,
    records::kinds::{Account, ApiKey, Passkey, User},
    sessions::load::is_banned,
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claim {
    email: String,
    name: Option<String>,
}

/// `POST /sign-in/magic-link {email, name?, callbackURL?}`. The answer is the same for every address.
pub(super) async fn send(call: Call) -> Result<Reply> {
    let body = call.body()?;
    let (auth, email) = (&call.auth, body.email("email")?);
    let callback = body.text("callbackURL")?;
    sign::check_callback(auth, callback)?;
    if !auth.config.links.magic_links || !auth.may_mail() {
        return Err(Refusal::MailUnavailable.into());
    }
    admit_mail(&call).await?;
    let claim = Claim {
        email: email.clone(),
        name: body.text("name")?.map(ToOwned::to_owned),
    };
    let minutes = auth.config.links.magic_minutes;
    let token = auth
        .make_proof(&call.context, Kind::Magic, &email, &claim, minutes * 60)
        .await?;
    let query = percent::query(&[("token", &token), ("callbackURL", callback.unwrap_or("/"))]);
    let link = format!("{}/api/v1/auth/magic-link/verify?{query}", auth.base_url());
    let text = format!(
        "Hello,\n\nto sign in, open\n\n{link}\n\nwithin {minutes} minutes. If you did not ask for this, do nothing.\n"
    );
    auth.mail(&call.context, &email, "magic_link", "Your link to sign in", text)
        .await?;
    let mut metadata = Map::new();
    metadata.insert("email".to_owned(), email.into());
    let note = Note {
        description: "A link to sign in was sent",
        metadata,
        ..Note::default()
    };
    auth.note(&call.context, "auth.magic_link_sent", note).await?;
    Ok(Reply::ok(json!({ "status": true })))
}

/// `GET /magic-link/verify?token=&callbackURL=`.
pub(super) async fn verify(call: Call) -> Result<Reply> {
    let token = body::query(&call.request, "token")?;
    let callback = percent::parameter(call.request.query(), "callbackURL").filter(|url| !url.is_empty());
    sign::check_callback(&call.auth, callback.as_deref())?;
    let auth = &call.auth;
    let claim: Claim = auth.take_proof(&call.context, Kind::Magic, &token).await?;
    let found: Option<User> = auth
        .records
        .find_one(&call.context, json!({ "email": claim.email }))
        .await?;
    let user = match found {
        Some(user) => user,
        None => {
            let name = claim
                .name
                .unwrap_or_else(|| claim.email.split('@').next().unwrap_or_default().to_owned());
            let new = NewUser {
                name,
                email: claim.email,
                email_verified: true,
                ..NewUser::default()
            };
            auth.make_user(&call.context, &new, By::Registration(None)).await?
        }
    };
    if is_banned(&user, auth.now_ms()) {
        return Err(Refusal::Banned.into());
    }
    // Whoever set up a second factor is the one to show it: then nothing is taken away for a link alone.
    if !user.email_verified && !user.two_factor_enabled {
        distrust(&call, &user).await?;
        auth.records
            .update::<User>(&call.context, &user.id, json!({ "email_verified": true }))
            .await?;
        sign::note_plain(&call, &user, "auth.email_verified", "An e-mail address was verified").await?;
    }
    let entry = Entry {
        method: "magic_link",
        redirect: callback,
        ..Entry::default()
    };
    proceed(&call, &user, entry).await
}

/// Whoever registered an address without verifying it need not be its owner: what they set up goes when the owner comes.
pub(super) async fn distrust(call: &Call, user: &User) -> Result<()> {
    let auth = &call.auth;
    if let Some(account) = auth.credential(&call.context, &user.id).await? {
        auth.records.delete::<Account>(&call.context, &account.id).await?;
        sign::note_plain(
            call,
            user,
            "auth.password_changed",
            "The password of an unverified address was taken away",
        )
        .await?;
    }
    drop_keys(call, user).await?;
    auth.end_all(&call.context, user, None, "The owner of the address came")
        .await?;
    Ok(())
}

/// Takes away the keys of somebody who need not be the owner: passkeys, and keys for programs.
pub(super) async fn drop_keys(call: &Call, user: &User) -> Result<()> {
    let (records, of_user) = (&call.auth.records, json!({ "user_id": user.id }));
    for passkey in records.find::<Passkey>(&call.context, of_user.clone()).await? {
        records.delete::<Passkey>(&call.context, &passkey.id).await?;
    }
    for key in records.find::<ApiKey>(&call.context, of_user).await? {
        records.delete::<ApiKey>(&call.context, &key.id).await?;
    }
    call.auth.keys.forget_user(&user.id);
    Ok(())
}
