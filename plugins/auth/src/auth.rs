//! Everything the plugin is made of, in one place: routes and the service `auth` work on it.

use objectos_plugin_api::{
    Context, Host, NewEvent, PrincipalKind, Refusals, Refused,
    contracts::{
        data::EventBeside,
        events::{Origin, SecurityEvent},
        mailer::MailerClient,
        metadata::MetadataClient,
        permissions::{PermissionsClient, SystemPermissionRequest},
    },
};
use parking_lot::RwLock;
use serde_json::{Map, Value};
use std::sync::{Arc, atomic::AtomicBool};

use crate::{
    config::{AuthConfig, SignUp},
    crypto::{Secrets, password::Hasher},
    error::{AuthError, Refusal, Result},
    guard::line::Lines,
    http::origin::TrustedOrigins,
    keys::Keys,
    later::Later,
    lock::Blocks,
    oauth::Providers,
    records::{Mark, Records, kinds::User},
    rules::Rules,
    sessions::Sessions,
    veto::Leaving,
};

/// The role of whoever administers the whole.
pub(crate) const ADMINISTRATOR: &str = "super_admin";
/// The role of everybody else.
pub(crate) const USER: &str = "user";

/// The plugin's parts.
#[derive(Debug)]
pub(crate) struct Auth {
    pub(crate) host: Host,
    pub(crate) records: Records,
    pub(crate) mailer: MailerClient,
    pub(crate) permissions: PermissionsClient,
    pub(crate) config: AuthConfig,
    pub(crate) secrets: Secrets,
    pub(crate) hasher: Hasher,
    pub(crate) sessions: Sessions,
    pub(crate) keys: Keys,
    pub(crate) later: Later,
    pub(crate) blocks: Blocks,
    /// Whose records go with them just now.
    pub(crate) leaving: Leaving,
    /// Attempts under way.
    pub(crate) lines: Lines,
    pub(crate) origins: TrustedOrigins,
    pub(crate) development: bool,
    /// Where the host listens; stands in links while no `baseUrl` is configured.
    pub(crate) listen: String,
    pub(crate) providers: Providers,
    /// There is an administrator; never goes back.
    pub(crate) administered: AtomicBool,
    pub(crate) metadata: MetadataClient,
    /// Requests that were refused lately.
    refusals: Refusals,
    /// What is demanded of passwords and sessions: the configuration, and what apps declare.
    pub(crate) rules: RwLock<Arc<Rules>>,
}

/// What an event is about.
#[derive(Debug, Default)]
pub(crate) struct Note<'a> {
    /// The user it is about.
    pub(crate) user: Option<&'a User>,
    /// `user` unless it is something else: type and id.
    pub(crate) target: Option<(&'a str, &'a str)>,
    /// In a sentence.
    pub(crate) description: &'a str,
    /// Why it failed; it did not when there is nothing.
    pub(crate) failure: Option<&'a str>,
    /// What else is worth knowing.
    pub(crate) metadata: Map<String, Value>,
    /// The user is who acted: nobody was signed in yet.
    pub(crate) by_user: bool,
    /// Session of the user who acted.
    pub(crate) session: Option<&'a str>,
}

impl Note<'_> {
    /// The event of this name that says it, to go with the change that it is about.
    pub(crate) fn event(self, context: &Context, name: &str) -> Result<EventBeside> {
        let mut origin = Origin::of(context);
        if let Some(user) = self.user.filter(|_| self.by_user) {
            origin.actor_id = Some(user.id.clone());
            origin.actor_kind = Some("user".to_owned());
            origin.actor_name = Some(user.name.clone());
            origin.actor_email = Some(user.email.clone());
        }
        if let Some(session) = self.session {
            origin.session_id = Some(session.to_owned());
        }
        let (target_type, target_id) = match (self.target, self.user) {
            (Some((kind, id)), _) => (Some(kind.to_owned()), Some(id.to_owned())),
            (None, Some(user)) => (Some("user".to_owned()), Some(user.id.clone())),
            (None, None) => (None, None),
        };
        let event = SecurityEvent {
            origin,
            target_type,
            target_id,
            target_name: self.user.map(|user| user.email.clone()),
            description: self.description.to_owned(),
            result: if self.failure.is_some() { "failure" } else { "success" }.to_owned(),
            error_message: self.failure.map(ToOwned::to_owned),
            metadata: self.metadata,
        };
        Ok(EventBeside {
            name: name.to_owned(),
            key: self.user.map(|user| user.id.clone()).unwrap_or_default(),
            payload: serde_json::to_value(&event).map_err(|error| AuthError::Internal(error.to_string()))?,
        })
    }
}

impl Auth {
    /// Takes the parts.
    ///
    /// # Errors
    /// `Configuration`, or `Denied` by the kernel.
    pub(crate) fn new(
        host: Host,
        config: AuthConfig,
        secret: &[u8],
        development: bool,
        listen: String,
    ) -> Result<Self> {
        config.check()?;
        let secrets = Secrets::new(secret);
        let hasher = Hasher::new(&config.hashing, &secrets)?;
        let origins = TrustedOrigins::new(config.base_url.as_deref(), &config.trusted_origins, development);
        Ok(Self {
            records: Records::open(&host, Mark::new(&secrets))?,
            leaving: Leaving::default(),
            mailer: MailerClient::open(&host)?,
            permissions: PermissionsClient::open(&host)?,
            providers: Providers::new(&config.providers, &host)?,
            later: Later::default(),
            blocks: Blocks::default(),
            lines: Lines::default(),
            sessions: Sessions::new(config.session.clone()),
            keys: Keys::new(config.session.recheck_ms),
            metadata: MetadataClient::open(&host)?,
            refusals: Refusals::default(),
            rules: RwLock::new(Arc::new(Rules::configured(&config))),
            host,
            config,
            secrets,
            hasher,
            origins,
            development,
            listen,
            administered: AtomicBool::new(false),
        })
    }

    /// Milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        self.host.now_ms()
    }

    /// Who may register.
    pub(crate) fn sign_up(&self) -> SignUp {
        let usual = if self.development {
            SignUp::Open
        } else {
            SignUp::Invitation
        };
        self.config.sign_up.unwrap_or(usual)
    }

    /// Where people reach the server, without a slash at the end. Never taken from a request: whoever sends one could then
    /// decide where the links of mails to others lead.
    pub(crate) fn base_url(&self) -> String {
        match &self.config.base_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!(
                "http://{}",
                self.listen.replace("0.0.0.0", "localhost").replace("[::]", "localhost")
            ),
        }
    }

    /// Whether the public address is https: then cookies carry the prefix, whatever the single request says.
    pub(crate) fn secure_always(&self) -> bool {
        self.config
            .base_url
            .as_ref()
            .is_some_and(|url| url.starts_with("https://"))
    }

    /// Whether the context's principal holds a system permission. Without a service `permissions` only the administrator does.
    pub(crate) async fn holds(&self, context: &Context, permission: &str) -> Result<bool> {
        let Some(principal) = context.principal()? else {
            return Ok(false);
        };
        // Where people sign in, nobody has rights for being alone on this machine.
        if principal.kind == PrincipalKind::Local {
            return Ok(false);
        }
        if !self.declares_permissions() {
            // A key has the rights of its user.
            let acts = matches!(principal.kind, PrincipalKind::User | PrincipalKind::Service);
            return Ok(acts && principal.roles.iter().any(|role| role == ADMINISTRATOR));
        }
        let request = SystemPermissionRequest {
            permission: permission.to_owned(),
        };
        Ok(self.permissions.has_system_permission(context, &request).await?)
    }

    /// Names of the permission sets that the context's principal holds. Without a service `permissions` there are none.
    pub(crate) async fn permission_sets(&self, context: &Context) -> Result<Vec<String>> {
        if !self.declares_permissions() {
            return Ok(Vec::new());
        }
        Ok(self.permissions.permission_sets(context).await?)
    }

    /// Refuses whoever does not hold a system permission.
    pub(crate) async fn demand(&self, context: &Context, permission: &str) -> Result<()> {
        if self.holds(context, permission).await? {
            return Ok(());
        }
        Err(Refusal::Forbidden.into())
    }

    /// Tells of somebody who was refused for want of a right. `route` is one of few names; `path` says what was asked for.
    pub(crate) async fn tell_refusal(
        &self,
        context: &Context,
        origin: Origin,
        (route, path): (&str, Option<&str>),
        (refusal, message): (Refusal, String),
    ) {
        let refused = Refused {
            origin,
            route,
            path,
            code: refusal.code(),
            message: &message,
        };
        self.refusals.tell_of(&self.host, context, refused).await;
    }

    /// Whether a plugin declares `permissions`, up or down.
    pub(crate) fn declares_permissions(&self) -> bool {
        #[derive(serde::Deserialize)]
        struct Contribution {
            name: String,
        }
        let services: std::result::Result<Vec<Contribution>, _> =
            serde_json::from_slice(&self.host.contributions("services"));
        // A list that cannot be read counts as declared: then the service is asked, and that fails closed.
        services.map_or(true, |services| {
            services.iter().any(|service| service.name == "permissions")
        })
    }

    /// Publishes a security event and waits until it is stored: for what changed nothing. What changed something is told with it,
    /// by [`Note::event`].
    pub(crate) async fn note(&self, context: &Context, name: &str, note: Note<'_>) -> Result<()> {
        let event = note.event(context, name)?;
        let payload = event.payload.to_string();
        let new = NewEvent::new(&event.name, payload.as_bytes()).with_key(&event.key);
        self.host.publish_durable(context, &new).await?;
        Ok(())
    }
}

/// A fact of the request that the gateway established.
pub(crate) fn fact(context: &Context, name: &str) -> String {
    context
        .extra()
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
