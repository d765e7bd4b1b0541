//! Who stands behind a request, and whether the route is open to them. With a service `auth` declared, it is asked, and
//! whatever keeps it from answering closes every door but the public ones. Without one, whoever can reach the loopback
//! interface is the principal `local`; then the server sees to it that no web page and no proxy lends that right to others.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use objectos_plugin_api::{
    Context, Error, ErrorKind, Principal, PrincipalKind, contracts::auth::Presented,
    protocol::kernel::plugin_document::RouteAccess,
};

use crate::{
    answer::put,
    config::{host_of, is_loopback_host},
    exchange::Exchange,
    gateway::Gateway,
    peer::says_foreign,
    problem::Failure,
    router::{OWN_ID, Route},
    snapshot::Snapshot,
};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// The service that grants system permissions.
pub(crate) const PERMISSIONS: &str = "permissions";
/// The system permission for routes of the kernel and of plugins that are for administrators.
const ADMINISTER: &str = "manage_platform";

/// The principal while there is no `auth`, as JSON.
pub(crate) fn local_principal() -> Vec<u8> {
    let principal = Principal {
        id: LOCAL.to_owned(),
        kind: PrincipalKind::Local,
        ..Principal::default()
    };
    serde_json::to_vec(&principal).expect("a principal of plain texts can be written as JSON")
}

const LOCAL: &str = "local";

impl<G: Gateway> Exchange<'_, G> {
    /// Puts the principal into the context, or refuses. Headers that `auth` wants on the answer are noted.
    pub(crate) async fn admit<R: Clone>(
        &mut self,
        route: &Route<R>,
        snapshot: &Snapshot<R>,
        context: Context,
    ) -> Result<Context, Failure> {
        let public = route.access == RouteAccess::Public;
        match snapshot.auth.as_deref() {
            None => match self.admit_local() {
                Ok(()) if public && route.plugin == OWN_ID => Ok(context),
                Ok(()) => Ok(context.with_principal_json(&self.server.local_principal, LOCAL, "")),
                Err(_) if public => Ok(context),
                Err(refusal) => Err(refusal),
            },
            // The provider's own public routes are where people sign in; it reads the credentials itself.
            Some(provider) if public && (route.plugin == OWN_ID || route.plugin == provider) => Ok(context),
            Some(_) if public && !self.has_credentials() => Ok(context),
            Some(_) if public => match self.ask(&context).await {
                // A guest is nobody here: whoever looks for a principal finds one that is signed in.
                Ok((kind, principal)) => Ok(principal
                    .filter(|_| kind != PrincipalKind::Anonymous)
                    .unwrap_or(context)),
                Err(error) => {
                    tracing::debug!(request_id = self.request_id, %error, "a public route is served without a principal");
                    Ok(context)
                }
            },
            Some(_) => {
                let permissions = snapshot.provides(PERMISSIONS);
                self.admit_signed_in((route.access, route.key.as_str()), permissions, &context)
                    .await
            }
        }
    }

    async fn admit_signed_in(
        &mut self,
        (access, route): (RouteAccess, &str),
        permissions: bool,
        context: &Context,
    ) -> Result<Context, Failure> {
        let (kind, principal) = self.ask(context).await?;
        let guest = kind == PrincipalKind::Anonymous;
        let Some(principal) = principal.filter(|_| !guest || access == RouteAccess::Guest) else {
            let failure = Failure::new(ErrorKind::Unauthenticated, "unauthenticated", "sign in first");
            return Err(failure.with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        };
        if guest {
            self.count_guest()?;
        }
        if access == RouteAccess::System {
            may_administer(&self.server.gateway, permissions, kind, &principal, route).await?;
        }
        Ok(principal)
    }

    /// Asks `auth`; answers the context with the principal, when there is one.
    async fn ask(&mut self, context: &Context) -> Result<(PrincipalKind, Option<Context>), Error> {
        let cookie = cookies(&self.head.headers);
        let presented = self.presented(cookie.as_deref());
        let answer = self.server.gateway.authenticate(context, &presented).await?;
        let identity = self.identities.read(answer.as_ref())?;
        put(
            &mut self.added,
            identity
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        Ok(match identity.who() {
            None => (PrincipalKind::Anonymous, None),
            Some((who, json)) => {
                let context = context.with_principal_json(json, &who.id, &who.tenant);
                (who.kind, Some(context))
            }
        })
    }

    fn has_credentials(&self) -> bool {
        let headers = &self.head.headers;
        headers.contains_key(header::AUTHORIZATION)
            || headers.contains_key(header::COOKIE)
            || headers.contains_key(API_KEY)
    }

    fn presented<'a>(&'a self, cookie: Option<&'a str>) -> Presented<'a> {
        let headers = &self.head.headers;
        Presented {
            host: self.authority(),
            authorization: text(headers, &header::AUTHORIZATION),
            cookie,
            api_key: text(headers, &API_KEY),
            origin: text(headers, &header::ORIGIN),
            method: self.head.method.as_str(),
            path: self.head.uri.path(),
            address: &self.address,
            passive: false,
            secure: self.secure(),
        }
    }

    /// Whether the caller is somebody at this machine, and acts by themselves.
    fn admit_local(&self) -> Result<(), Failure> {
        if self.server.exposed() {
            let message = "no plugin tells who callers are, so this server answers nobody";
            return Err(Error::unavailable(message).into());
        }
        let headers = &self.head.headers;
        let refuse = |message: &str| Err(Failure::new(ErrorKind::Denied, "permission_denied", message));
        if !self.peer.address.is_loopback() || says_foreign(headers) {
            return refuse("without a plugin that provides `auth`, only this machine is served");
        }
        // A web page can make its own name mean 127.0.0.1, and would then count as this machine.
        let authority = self.authority().unwrap_or("localhost");
        let host = host_of(authority);
        if !is_loopback_host(host) && !self.server.hosts.iter().any(|known| known.eq_ignore_ascii_case(host)) {
            return refuse("without a plugin that provides `auth`, the server answers to the name localhost only");
        }
        match headers.get(header::ORIGIN) {
            Some(origin) if !self.server.cors.allows(origin) && !is_own(origin, authority) => {
                refuse("pages of this origin may not call; add it to cors.origins of objectos.server")
            }
            _ => Ok(()),
        }
    }

    /// Host and port that the caller asked for.
    pub(crate) fn authority(&self) -> Option<&str> {
        let host = self
            .head
            .headers
            .get(header::HOST)
            .map(|host| host.to_str().unwrap_or("?"));
        host.or_else(|| self.head.uri.authority().map(http::uri::Authority::as_str))
    }
}

/// Refuses whoever may not look into the kernel and steer it. Whoever sits at this machine may, while nobody is signed in at
/// all; anybody else needs the system permission. Without a service that grants one, nobody has it; one that does not answer
/// closes the door. A refusal is told of, by the route that was asked for.
pub(crate) async fn may_administer<G: Gateway>(
    gateway: &G,
    permissions: bool,
    kind: PrincipalKind,
    context: &Context,
    route: &str,
) -> Result<(), Error> {
    let holds = match kind {
        PrincipalKind::Local => true,
        PrincipalKind::User | PrincipalKind::Service if permissions => {
            gateway.has_system_permission(context, ADMINISTER).await?
        }
        _ => false,
    };
    if holds {
        return Ok(());
    }
    let message = "only an administrator of the system may do this";
    let refusal = Error::new(ErrorKind::Denied, message).with_code("insufficient_privileges");
    gateway.refused(context, route, &refusal).await;
    Err(refusal)
}

/// The page came from this very server.
pub(crate) fn is_own(origin: &HeaderValue, authority: &str) -> bool {
    let origin = origin.to_str().unwrap_or_default();
    let own = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    own.is_some_and(|own| own.eq_ignore_ascii_case(authority))
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// The `Cookie` header; HTTP/2 may send it in pieces.
pub(crate) fn cookies(headers: &HeaderMap) -> Option<String> {
    let mut values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let first = values.next()?.to_owned();
    Some(values.fold(first, |joined, value| joined + "; " + value))
}
