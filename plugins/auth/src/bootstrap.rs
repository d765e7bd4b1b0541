//! Users come to be here, the first administrator among them. That one is claimed by a record of a fixed name, made in the
//! same transaction as the user: of two who register first at once, the store lets one through with it, and the other becomes
//! an ordinary user.

use objectos_plugin_api::{Context, Host, contracts::data::EventBeside};
use serde_json::{Map, Value, json};
use std::sync::atomic::Ordering;

use crate::{
    auth::{ADMINISTRATOR, Auth, Note, USER},
    config::SignUp,
    crypto::same,
    error::{AuthError, Refusal, Result},
    invited::PENDING,
    moment, policy,
    records::{
        Record, changing,
        kinds::{Account, Invitation, Member, User, Verification},
        making,
    },
    sessions::load::CREDENTIAL,
};

/// Id of the record that the first administrator claims.
const CLAIM: &str = "first_administrator";
/// Characters of a user's id.
pub(crate) const ID_CHARS: usize = 24;
/// Role in an organisation of somebody who was made there.
const MEMBER: &str = "member";

/// Somebody who is to become a user.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewUser {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) image: Option<String>,
    pub(crate) email_verified: bool,
    /// Hash of the password; nobody signs in with one when there is none.
    pub(crate) hash: Option<String>,
    /// Role, when it is not the usual one.
    pub(crate) role: Option<String>,
    /// The organisation of which they are a member from the start.
    pub(crate) organization: Option<String>,
    /// Further fields of the record.
    pub(crate) more: Map<String, Value>,
}

/// Who makes a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By<'a> {
    /// Somebody for themselves, with the token of the operator if they have it.
    Registration(Option<&'a str>),
    /// Somebody for themselves, who brought the secret of an invitation for the address.
    Invitation,
    /// An administrator, or a directory.
    Administrator,
    /// The operator, for the first administrator.
    Operator,
}

impl Auth {
    /// Whether there is an administrator.
    pub(crate) async fn is_administered(&self, context: &Context) -> Result<bool> {
        if self.administered.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let claimed = self.records.get::<Verification>(context, CLAIM).await?.is_some();
        if claimed {
            self.administered.store(true, Ordering::Relaxed);
        }
        Ok(claimed)
    }

    /// Makes a user, unless they may not become one.
    pub(crate) async fn make_user(&self, context: &Context, new: &NewUser, by: By<'_>) -> Result<User> {
        let mut claims = match by {
            By::Registration(_) | By::Invitation => self.may_register(context, new, by).await?,
            By::Administrator => false,
            By::Operator => true,
        };
        let id = self.secrets.token(ID_CHARS);
        let user = loop {
            match self.store_user(context, &id, new, by, claims).await {
                Ok(user) => break user,
                Err(error) => match error.duplicate() {
                    // Somebody else was first.
                    Some(duplicate) if claims && duplicate.object == Verification::OBJECT => {
                        self.administered.store(true, Ordering::Relaxed);
                        if by == By::Operator {
                            return Err(Refusal::UserExists.into());
                        }
                        claims = false;
                    }
                    Some(duplicate) if duplicate.is(User::OBJECT, "email") => {
                        return Err(Refusal::UserExists.into());
                    }
                    _ => return Err(error),
                },
            }
        };
        if claims {
            self.administered.store(true, Ordering::Relaxed);
        }
        Ok(user)
    }

    /// Whether somebody may register; true when they become the first administrator.
    async fn may_register(&self, context: &Context, new: &NewUser, by: By<'_>) -> Result<bool> {
        if !self.is_administered(context).await? {
            let token = match by {
                By::Registration(token) => token,
                _ => None,
            };
            let proven = token.is_some_and(|token| same(token, &self.secrets.bootstrap_token()));
            if self.development || proven {
                return Ok(true);
            }
            return Err(Refusal::BootstrapToken.into());
        }
        let may = match self.sign_up() {
            SignUp::Open => true,
            SignUp::Closed => false,
            // The address alone proves nothing: everybody can write it down.
            SignUp::Invitation => {
                by == By::Invitation || (new.email_verified && self.is_invited(context, &new.email).await?)
            }
        };
        if may {
            Ok(false)
        } else {
            Err(Refusal::RegistrationClosed.into())
        }
    }

    /// Whether an invitation waits for an address.
    async fn is_invited(&self, context: &Context, email: &str) -> Result<bool> {
        let filter = json!({ "email": email, "status": PENDING });
        let invited: Vec<Invitation> = self.records.find(context, filter).await?;
        for invitation in &invited {
            if self.invitation_stands(context, invitation).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn store_user(&self, context: &Context, id: &str, new: &NewUser, by: By<'_>, claims: bool) -> Result<User> {
        let usual = if claims { ADMINISTRATOR } else { USER };
        let role = new.role.as_deref().unwrap_or(usual);
        let known = User {
            id: id.to_owned(),
            name: new.name.clone(),
            email: new.email.clone(),
            role: role.to_owned(),
            ..User::default()
        };
        let told = told(context, &known, new, by, claims)?;
        let mut user = json!({
            "id": id,
            "name": new.name,
            "email": new.email,
            "image": new.image,
            "email_verified": new.email_verified,
            "role": role,
        });
        if let Value::Object(fields) = &mut user {
            fields.extend(new.more.clone());
        }
        let mut operations = vec![making::<User>(&user)];
        if let Some(hash) = &new.hash {
            let record = self.credential_record(id, hash, Some(&new.email));
            operations.push(making::<Account>(&record));
        }
        if let Some(organization) = &new.organization {
            let place = json!({ "organization_id": organization, "user_id": id, "role": MEMBER });
            operations.push(making::<Member>(&place));
        }
        if claims {
            operations.push(making::<Verification>(&json!({ "id": CLAIM, "identifier": CLAIM })));
        }
        self.records.transaction(context, operations, told).await?.record(0)
    }

    /// The account that holds a user's password; `from_start` is the user's address, when the password comes with it.
    pub(crate) fn credential_record(&self, user: &str, hash: &str, from_start: Option<&str>) -> Value {
        json!({
            "set_up_for": from_start,
            "user_id": user,
            "provider_id": CREDENTIAL,
            "account_id": user,
            "password": self.secrets.seal(&password_place(user), hash),
            "password_changed_at": moment::text(self.now_ms()),
        })
    }

    /// Makes the administrator whom the operator names in the environment, unless there is one already.
    ///
    /// # Errors
    /// `Configuration` when half of it is missing or the password is no good.
    pub(crate) async fn ensure_administrator(&self, context: &Context) -> Result<()> {
        let email = named(&self.host, "OBJECTOS_ADMIN_EMAIL")?;
        let password = named(&self.host, "OBJECTOS_ADMIN_PASSWORD")?;
        let wrong = |message: String| Err(AuthError::Configuration { message });
        match (email, password) {
            (Some(email), Some(password)) => {
                let email = email.trim().to_lowercase();
                if self.is_administered(context).await? {
                    return Ok(());
                }
                if !crate::http::body::is_email(&email) {
                    return wrong(format!("OBJECTOS_ADMIN_EMAIL is no e-mail address: {email}"));
                }
                if let Err(error) = policy::check(&self.rules().password, &password, &[&email]) {
                    return wrong(format!("OBJECTOS_ADMIN_PASSWORD cannot be used: {error}"));
                }
                self.make_administrator(context, email, &password).await
            }
            (None, None) => self.announce(context).await,
            (Some(_), None) => {
                wrong("OBJECTOS_ADMIN_EMAIL is set, OBJECTOS_ADMIN_PASSWORD is not; set both or none".to_owned())
            }
            (None, Some(_)) => {
                wrong("OBJECTOS_ADMIN_PASSWORD is set, OBJECTOS_ADMIN_EMAIL is not; set both or none".to_owned())
            }
        }
    }

    async fn make_administrator(&self, context: &Context, email: String, password: &str) -> Result<()> {
        let hash = self.hasher.hash(password, &self.secrets).await?;
        let new = NewUser {
            name: "Administrator".to_owned(),
            email: email.clone(),
            email_verified: true,
            hash: Some(hash),
            ..NewUser::default()
        };
        match self.make_user(context, &new, By::Operator).await {
            Ok(user) => {
                tracing::info!(user = user.id, "the administrator was made");
                Ok(())
            }
            // A user of that address is there already, but no administrator: they become it.
            Err(AuthError::Refused(Refusal::UserExists)) => {
                let found: Option<User> = self.records.find_one(context, json!({ "email": email })).await?;
                let Some(user) = found else { return Ok(()) };
                let operations = vec![
                    changing::<User>(&user.id, &json!({ "role": ADMINISTRATOR })),
                    making::<Verification>(&json!({ "id": CLAIM, "identifier": CLAIM })),
                ];
                let user = User {
                    role: ADMINISTRATOR.to_owned(),
                    ..user
                };
                let told = vec![given(context, &user, "The first administrator", By::Operator)?];
                match self.records.transaction(context, operations, told).await {
                    // Another node was first.
                    Err(error) if error.duplicate().is_some() => return Ok(()),
                    other => other.map(drop)?,
                }
                self.administered.store(true, Ordering::Relaxed);
                self.sessions.forget_user(&user.id);
                self.keys.forget_user(&user.id);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Says how the first administrator comes to be.
    async fn announce(&self, context: &Context) -> Result<()> {
        if self.is_administered(context).await? {
            return Ok(());
        }
        if self.development {
            tracing::info!("there is no administrator yet: whoever registers first becomes it");
        } else {
            let token = self.secrets.bootstrap_token();
            tracing::warn!(
                token,
                "there is no administrator yet: register with this one-time token as bootstrapToken, or set OBJECTOS_ADMIN_EMAIL and OBJECTOS_ADMIN_PASSWORD"
            );
        }
        Ok(())
    }
}

/// What is told of a user who comes to be.
fn told(context: &Context, user: &User, new: &NewUser, by: By<'_>, claims: bool) -> Result<Vec<EventBeside>> {
    let mut told = Vec::new();
    if claims {
        told.push(given(context, user, "The first administrator", by)?);
    } else if user.role != USER {
        told.push(given(context, user, "A user was made with a role", by)?);
    }
    if let Some(organization) = &new.organization {
        let note = Note {
            target: Some(("organization", organization)),
            description: "A user was made as a member",
            metadata: Map::from_iter([
                ("user".to_owned(), user.id.as_str().into()),
                ("role".to_owned(), format!("org:{MEMBER}").into()),
            ]),
            ..Note::default()
        };
        told.push(note.event(context, "authz.role_assigned")?);
    }
    // The mail of the invitation came to the address.
    if by == By::Invitation && new.email_verified {
        let note = Note {
            user: Some(user),
            description: "An e-mail address was verified",
            by_user: context.user().is_empty(),
            ..Note::default()
        };
        told.push(note.event(context, "auth.email_verified")?);
    }
    Ok(told)
}

/// Somebody has a role from now on.
fn given(context: &Context, user: &User, description: &str, by: By<'_>) -> Result<EventBeside> {
    let note = Note {
        user: Some(user),
        description,
        metadata: Map::from_iter([("role".to_owned(), user.role.as_str().into())]),
        by_user: matches!(by, By::Registration(_) | By::Invitation),
        ..Note::default()
    };
    note.event(context, "authz.role_assigned")
}

/// Where a sealed password belongs.
pub(crate) fn password_place(user: &str) -> String {
    format!("account.password:{user}")
}

/// A variable, or the file that the variable with `_FILE` at its end names.
fn named(host: &Host, variable: &str) -> Result<Option<String>> {
    if let Ok(value) = host.environment(variable) {
        return Ok(Some(value).filter(|value| !value.is_empty()));
    }
    let Ok(path) = host.environment(&format!("{variable}_FILE")) else {
        return Ok(None);
    };
    std::fs::read_to_string(&path)
        .map(|text| Some(text.trim_end_matches(['\r', '\n']).to_owned()))
        .map_err(|error| AuthError::Configuration {
            message: format!("{variable}_FILE names {path}, which cannot be read: {error}"),
        })
}
