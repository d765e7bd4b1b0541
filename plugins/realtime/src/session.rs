//! Who stands behind a connection, asked anew of `auth` with what the client signed in with. Where no plugin provides `auth`,
//! whoever the gateway let in is who it is: somebody at this machine.

use objectos_plugin_api::{
    Context, ErrorKind, Host, Principal, PrincipalKind, ServiceRef,
    contracts::auth::{AuthClient, Credentials},
};
use serde::Deserialize;
use serde_json::Value;
use std::{sync::Arc, time::Duration};

use crate::error::{RealtimeError, Result};

const SERVICE: &str = "auth";
/// For one question to another plugin.
pub(crate) const CALL_LIMIT: Duration = Duration::from_secs(10);

/// Somebody, at a moment.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) principal: Principal,
    /// Acts as them.
    pub(crate) context: Context,
    /// The same for whoever sees the same: the principal without its session.
    pub(crate) view: Arc<[u8]>,
}

impl Who {
    pub(crate) fn new(principal: Principal) -> Self {
        let seen_as = Principal {
            session: None,
            ..principal.clone()
        };
        Self {
            context: Context::background().with_principal(&principal),
            view: serde_json::to_vec(&seen_as).unwrap_or_default().into(),
            principal,
        }
    }

    /// For one question.
    pub(crate) fn asking(&self) -> Context {
        self.context.renewed(CALL_LIMIT)
    }

    /// The organisation that they work in.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.principal.tenant.as_deref().filter(|tenant| !tenant.is_empty())
    }

    /// Whether it is the same user or key.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.principal.id == other.principal.id && self.principal.kind == other.principal.kind
    }

    /// Whether they came with the same session or key as well: what one began is not another's to go on with. It would be
    /// heard after its own end, and by whoever signed in with less, or acts as the user.
    pub(crate) fn is_same_session(&self, other: &Self) -> bool {
        self.is_same(other) && self.came_with() == other.came_with()
    }

    /// Id of the session, or of the key: keys of one user may permit different things.
    pub(crate) fn came_with(&self) -> Option<&str> {
        let key = || self.principal.attributes.get("apiKey").and_then(Value::as_str);
        self.principal.session.as_deref().or_else(key)
    }
}

/// Why nothing may be sent.
#[derive(Debug)]
pub(crate) enum NotNow {
    /// Nobody is signed in with it any more.
    Over,
    /// It cannot be told.
    Unknown(RealtimeError),
}

#[derive(Deserialize)]
struct Contribution {
    name: String,
}

/// Whether a plugin declares a service; a list that cannot be read counts as yes.
pub(crate) fn declared(host: &Host, service: &ServiceRef, name: &str) -> bool {
    // Asked with every delivery, and mostly it is there.
    if service.available() {
        return true;
    }
    let services: Result<Vec<Contribution>, _> = serde_json::from_slice(&host.contributions("services"));
    services.map_or(true, |services| services.iter().any(|service| service.name == name))
}

/// Asks who it is.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    host: Host,
    auth: AuthClient,
}

impl Sessions {
    pub(crate) fn new(host: &Host) -> Result<Self> {
        Ok(Self {
            host: host.clone(),
            auth: AuthClient::open(host)?,
        })
    }

    /// Whether people sign in here.
    pub(crate) fn signs_in(&self) -> bool {
        declared(&self.host, self.auth.reference(), SERVICE)
    }

    /// Who stands behind credentials now. Guests are nobody.
    pub(crate) async fn ask(&self, credentials: &Credentials) -> Result<Who, NotNow> {
        let context = Context::background().with_limit(CALL_LIMIT);
        let answered = self.auth.authenticate(&context, credentials).await;
        match answered {
            Ok(identity) => identity
                .principal
                .filter(|principal| principal.kind != PrincipalKind::Anonymous && !principal.id.is_empty())
                .map(Who::new)
                .ok_or(NotNow::Over),
            Err(error) => Err(match error.kind() {
                // Refused for now: a network, a second factor that is missing, another page.
                ErrorKind::Unauthenticated | ErrorKind::Denied | ErrorKind::Invalid | ErrorKind::NotFound => {
                    NotNow::Over
                }
                _ => NotNow::Unknown(error.into()),
            }),
        }
    }

    /// Whoever the gateway let in, where nobody signs in.
    pub(crate) fn local(context: &Context) -> Option<Who> {
        let principal = context.principal().ok().flatten()?;
        (principal.kind == PrincipalKind::Local).then(|| Who::new(principal))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_session_and_a_key_are_one_each() {
        let who = |principal: Value| Who::new(serde_json::from_value(principal).unwrap());
        let session = |id: &str| who(json!({"id": "ann", "kind": "user", "session": id}));
        let key = |id: &str| who(json!({"id": "ann", "kind": "service", "attributes": {"apiKey": id}}));
        assert!(session("s1").is_same_session(&session("s1")) && key("k1").is_same_session(&key("k1")));
        assert!(session("s1").is_same(&session("s2")) && !session("s1").is_same_session(&session("s2")));
        assert!(key("k1").is_same(&key("k2")) && !key("k1").is_same_session(&key("k2")));
        assert!(!session("s1").is_same_session(&key("s1")));
        let local = || who(json!({"id": "local", "kind": "local"}));
        assert!(local().is_same_session(&local()));
    }
}
