//! Links that sign in: sent to an address, good once and for minutes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Call, Entry,
    distrust::{Spared, distrust},
    entry::proceed,
    failure, sign,
};
use crate::{
    auth::Note,
    bootstrap::{By, NewUser},
    error::{Refusal, Result},
    http::{Reply, body, percent},
    mail::UNSENT,
    proofs::Kind,
    records::kinds::User,
    sessions::load::is_banned,
};

/// How somebody proved who they are.
const METHOD: &str = "magic_link";
/// Name of the event of a link that goes out.
const SENT: &str = "auth.magic_link_sent";

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
    auth.admit_mail(&call.context, &email).await?;
    let claim = Claim {
        email: email.clone(),
        name: body.text("name")?.map(ToOwned::to_owned),
    };
    let minutes = auth.config.links.magic_minutes;
    let mut metadata: Map<String, Value> = Map::new();
    metadata.insert("email".to_owned(), email.as_str().into());
    let note = |failure| Note {
        description: "A link to sign in was sent",
        failure,
        metadata: metadata.clone(),
        ..Note::default()
    };
    let token = auth
        .make_proof_telling(
            &call.context,
            Kind::Magic,
            &auth.secrets.lookup(&email),
            &claim,
            minutes * 60,
            vec![note(None).event(&call.context, SENT)?],
        )
        .await?;
    let query = percent::query(&[("token", &token), ("callbackURL", callback.unwrap_or("/"))]);
    let link = format!("{}/api/v1/auth/magic-link/verify?{query}", auth.base_url());
    let text = format!(
        "Hello,\n\nto sign in, open\n\n{link}\n\nwithin {minutes} minutes. If you did not ask for this, do nothing.\n"
    );
    let subject = "Your link to sign in";
    if let Err(error) = auth.mail(&call.context, &email, "magic_link", subject, text).await {
        auth.note(&call.context, SENT, note(Some(UNSENT))).await?;
        return Err(error);
    }
    Ok(Reply::ok(json!({ "status": true })))
}

/// `GET /magic-link/verify?token=&callbackURL=`.
pub(super) async fn verify(call: Call) -> Result<Reply> {
    let token = body::query(&call.request, "token")?;
    let callback = percent::parameter(call.request.query(), "callbackURL").filter(|url| !url.is_empty());
    sign::check_callback(&call.auth, callback.as_deref())?;
    let auth = &call.auth;
    let attempt = auth.admit_entry(&call.context, METHOD).await?;
    match come(&call, &token, callback).await {
        Ok(reply) => Ok(reply),
        Err(error) => {
            failure::count(&call, &attempt, METHOD, &error).await?;
            Err(error)
        }
    }
}

async fn come(call: &Call, token: &str, callback: Option<String>) -> Result<Reply> {
    let auth = &call.auth;
    let claim: Claim = auth.take_proof(&call.context, Kind::Magic, token).await?;
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
        sign::refused(call, &user, METHOD, "the account is disabled").await?;
        return Err(Refusal::Banned.into());
    }
    // Whoever set up a second factor is the one to show it: then nothing is taken away for a link alone. An owner who finds
    // somebody else's factor sets a new password by mail, which takes it away.
    if !user.email_verified && !user.two_factor_enabled {
        distrust(call, &user, Spared::Nothing).await?;
        let told = sign::telling(call, &user, "auth.email_verified", "An e-mail address was verified")?;
        let verified = json!({ "email_verified": true });
        auth.records
            .update_telling::<User>(&call.context, &user.id, &verified, vec![told])
            .await?;
    }
    let entry = Entry {
        method: METHOD,
        redirect: callback,
        ..Entry::default()
    };
    proceed(call, &user, entry).await
}
