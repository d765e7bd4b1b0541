//! The service `auth`: who stands behind a request. What is asked most, a session that is in memory and was looked up lately,
//! is answered at once, with bytes that were made when the session was read.

use objectos_plugin_api::{
    Context, Error, ErrorKind, MethodSpec, ServiceFuture, ServiceHandler,
    contracts::{
        auth::{AuthClient, Credentials, Presented},
        events::Origin,
    },
    told_path,
};
use std::{future::ready, sync::Arc};

use crate::{
    auth::Auth,
    crypto::{TOKEN_CHARS, TokenHash, hash_token},
    error::{AuthError, Result},
    http::{cookie, percent},
    keys,
    sessions::{Live, Standing},
};

const METHOD: &str = "authenticate";
/// Nobody.
const NOBODY: &[u8] = br#"{"principal":null}"#;
/// Whoever brings no proof at all, where the operator lets guests in: nobody in particular, and so without an id.
const GUEST: &[u8] = br#"{"principal":{"id":"","kind":"anonymous"}}"#;
/// What is told of a request that a key may not make. One name for all of them: paths are the caller's to choose.
const BY_KEY: &str = "a request with an API key";
/// The same for a session that is held back.
const BY_SESSION: &str = "a request of a session that is held back";
/// Where our own routes are.
const OWN_PATH: &str = "/api/v1/auth/";
/// What somebody whose session is restricted may call, to set right what restricts it. A list and not the whole of identity:
/// a key or a user that is made meanwhile would go round the restriction. A second factor that is there already is neither shown
/// again nor taken away here.
const SETS_RIGHT: [&str; 20] = [
    "two-factor/enable",
    "two-factor/verify-totp",
    "two-factor/verify",
    "two-factor/verify-backup-code",
    "passkey/generate-register-options",
    "passkey/verify-registration",
    "passkey/list-user-passkeys",
    "change-password",
    "set-initial-password",
    "set-password",
    "sign-out",
    "logout",
    "get-session",
    "me",
    "session",
    "refresh",
    "list-sessions",
    "revoke-session",
    "revoke-other-sessions",
    "revoke-sessions",
];

/// What a request brought, borrowed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Proof<'a> {
    pub(crate) authorization: Option<&'a str>,
    pub(crate) cookie: Option<&'a str>,
    pub(crate) api_key: Option<&'a str>,
    pub(crate) origin: Option<&'a str>,
    pub(crate) host: Option<&'a str>,
    /// It came over https.
    pub(crate) secure: bool,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// A look, and no use of a session.
    pub(crate) passive: bool,
}

/// What a request proves itself with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// A session's token; true when it came in a cookie.
    Session(String, bool),
    /// A key of a program.
    Key(String),
    /// Nothing that we know.
    Nothing,
}

/// Who it is.
#[derive(Clone, Debug)]
pub(crate) enum Who {
    /// Somebody with a session, its token, and the cookie to send when it was renewed.
    Session(Arc<Live>, String, Option<String>),
    /// A program with a key.
    Key(Arc<keys::LiveKey>),
    /// Nobody.
    Nobody,
}

impl Auth {
    /// What a request proves itself with. A header goes before a cookie, and one that is no good is not made up for by the
    /// other: the caller chose.
    pub(crate) fn evidence(&self, proof: &Proof<'_>) -> Evidence {
        if let Some(key) = proof.api_key {
            return Evidence::Key(key.trim().to_owned());
        }
        if let Some(header) = proof.authorization {
            let bearer = header
                .split_once(' ')
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            let Some((_, token)) = bearer else {
                return Evidence::Nothing;
            };
            let token = token.trim();
            if token.starts_with(keys::PREFIX) {
                return Evidence::Key(token.to_owned());
            }
            return self
                .bearer(token)
                .map_or(Evidence::Nothing, |token| Evidence::Session(token, false));
        }
        let Some(header) = proof.cookie else {
            return Evidence::Nothing;
        };
        let token = cookie::signed(&self.secrets, header, cookie::SESSION, true).or_else(|| {
            (!self.secure_always())
                .then(|| cookie::signed(&self.secrets, header, cookie::SESSION, false))
                .flatten()
        });
        match token.filter(|token| is_token(token)) {
            Some(token) => Evidence::Session(token, true),
            None => Evidence::Nothing,
        }
    }

    /// The token itself, or with its signature as the header `set-auth-token` gives it.
    fn bearer(&self, text: &str) -> Option<String> {
        if is_token(text) {
            return Some(text.to_owned());
        }
        let decoded = percent::decode(text)?;
        cookie::unsigned(&self.secrets, &decoded)
            .filter(|token| is_token(token))
            .map(ToOwned::to_owned)
    }

    /// A cookie goes along with whatever page sends a request, so a changing one has to come from a page of ours.
    fn check_origin(&self, proof: &Proof<'_>, by_cookie: bool) -> Result<()> {
        if !by_cookie || matches!(proof.method, "GET" | "HEAD" | "OPTIONS") {
            return Ok(());
        }
        self.origins.check(proof.origin, proof.host, proof.secure, true)
    }

    /// Who it is.
    ///
    /// # Errors
    /// `Origin` for a request that another page may have sent; those of the store.
    pub(crate) async fn identify(&self, context: &Context, proof: &Proof<'_>) -> Result<Who> {
        match self.evidence(proof) {
            Evidence::Nothing => Ok(Who::Nobody),
            Evidence::Key(key) => Ok(self.key(context, &key).await?.map_or(Who::Nobody, Who::Key)),
            Evidence::Session(token, by_cookie) => {
                self.check_origin(proof, by_cookie)?;
                let Some(live) = self.session_of(context, &token, proof.passive).await? else {
                    return Ok(Who::Nobody);
                };
                let due = !proof.passive && live.standing(self.now_ms(), i64::MAX) == Standing::Due;
                let secure = self.secure_always() || crate::routes::is_secure(context);
                let renewed = if due {
                    self.renew(context, &live, &token, secure).await?.filter(|_| by_cookie)
                } else {
                    None
                };
                Ok(Who::Session(live, token, renewed))
            }
        }
    }

    /// The session of a token.
    async fn session_of(&self, context: &Context, token: &str, passive: bool) -> Result<Option<Arc<Live>>> {
        let hash = hash_token(token);
        if let Some(live) = self.fresh(&hash, passive) {
            return Ok(Some(live));
        }
        self.load(context, &hash, passive).await
    }

    /// A session in memory that need not be asked for again.
    fn fresh(&self, hash: &TokenHash, passive: bool) -> Option<Arc<Live>> {
        let live = self.sessions.by_hash(hash)?;
        match self.still_good(&live, passive) {
            Standing::Good => Some(live),
            Standing::Due => {
                live.not_renewing();
                Some(live)
            }
            Standing::Unchecked | Standing::Over => None,
        }
    }

    fn still_good(&self, live: &Live, passive: bool) -> Standing {
        let (now_ms, recheck_ms) = (self.now_ms(), self.sessions.policy.recheck_ms);
        if passive {
            live.looked_at(now_ms, recheck_ms)
        } else {
            live.standing(now_ms, recheck_ms)
        }
    }

    /// Who somebody is that proves nothing. A proof that is no good makes no guest: whoever was signed in is to hear that it
    /// is over.
    fn without_proof(&self, proof: &Proof<'_>) -> &'static [u8] {
        if self.config.guests && proof.authorization.is_none() {
            GUEST
        } else {
            NOBODY
        }
    }

    /// The whole answer, when it can be given at once.
    fn at_once(&self, presented: Presented<'_>) -> Option<Vec<u8>> {
        let proof = &Proof::from(presented);
        let (token, by_cookie) = match self.evidence(proof) {
            Evidence::Nothing => return Some(self.without_proof(proof).to_vec()),
            Evidence::Key(_) => return None,
            Evidence::Session(token, by_cookie) => (token, by_cookie),
        };
        let live = self.sessions.by_hash(&hash_token(&token))?;
        self.check_origin(proof, by_cookie).ok()?;
        match self.still_good(&live, proof.passive) {
            Standing::Good => {}
            Standing::Due => {
                live.not_renewing();
                return None;
            }
            Standing::Unchecked | Standing::Over => return None,
        }
        live.networks.admit(presented.address).ok()?;
        hold_back(&live, proof.path).ok()?;
        Some(live.identity.clone())
    }

    async fn answer(&self, context: &Context, credentials: &Credentials) -> Result<Vec<u8>> {
        let proof = Proof::from(Presented::from(credentials));
        match self.identify(context, &proof).await? {
            Who::Nobody => Ok(NOBODY.to_vec()),
            Who::Key(key) => {
                let permitted = key.permits(proof.method, proof.path, &credentials.address);
                self.told(context, credentials, (BY_KEY, key.user(), "service"), permitted)
                    .await?;
                Ok(key.identity.clone())
            }
            Who::Session(live, _, renewed) => {
                let admitted = live.networks.admit(&credentials.address);
                let admitted = admitted.and_then(|()| hold_back(&live, proof.path));
                self.told(
                    context,
                    credentials,
                    (BY_SESSION, live.user.id.as_str(), "user"),
                    admitted,
                )
                .await?;
                Ok(match renewed {
                    Some(cookie) => with_header(&live.identity, "set-cookie", &cookie)?,
                    None => live.identity.clone(),
                })
            }
        }
    }
}

impl Auth {
    /// The same, when its refusal was told of. Nobody stands in the context yet: `who` is the name under which it is told, the
    /// user and the kind of actor.
    async fn told(
        &self,
        context: &Context,
        credentials: &Credentials,
        (route, user, kind): (&str, &str, &str),
        permitted: Result<()>,
    ) -> Result<()> {
        let Err(error) = permitted else { return Ok(()) };
        if let Some(lacking) = error.lacking_right() {
            let origin = Origin {
                actor_id: Some(user.to_owned()),
                actor_kind: Some(kind.to_owned()),
                address: Some(credentials.address.clone()),
                ..Origin::of(context)
            };
            let path = format!("{} {}", credentials.method, told_path(&credentials.path));
            self.tell_refusal(context, origin, (route, Some(path.as_str())), lacking)
                .await;
        }
        Err(error)
    }
}

/// Somebody who has to do something first does nothing else.
pub(crate) fn hold_back(live: &Live, path: &str) -> Result<()> {
    let Some(refusal) = live.restriction else {
        return Ok(());
    };
    match path.strip_prefix(OWN_PATH) {
        Some(own) if SETS_RIGHT.contains(&own) => Ok(()),
        _ => Err(refusal.into()),
    }
}

fn with_header(identity: &[u8], name: &str, value: &str) -> Result<Vec<u8>> {
    let headers = serde_json::to_vec(&[(name, value)]).map_err(|error| AuthError::Internal(error.to_string()))?;
    let open = identity.strip_suffix(b"}").unwrap_or(identity);
    Ok([open, b",\"headers\":", &headers, b"}"].concat())
}

fn is_token(text: &str) -> bool {
    text.len() == TOKEN_CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl<'a> From<Presented<'a>> for Proof<'a> {
    fn from(presented: Presented<'a>) -> Self {
        Self {
            authorization: presented.authorization,
            cookie: presented.cookie,
            api_key: presented.api_key,
            origin: presented.origin,
            host: presented.host,
            secure: presented.secure,
            method: presented.method,
            path: presented.path,
            passive: presented.passive,
        }
    }
}

/// The service as the kernel calls it. By hand and not through the trait of the contract: the answer is bytes already.
#[derive(Debug)]
pub(crate) struct AuthService(pub(crate) Arc<Auth>);

impl ServiceHandler for AuthService {
    fn name(&self) -> &str {
        AuthClient::NAME
    }

    fn version(&self) -> &str {
        AuthClient::VERSION
    }

    fn methods(&self) -> Vec<MethodSpec> {
        vec![MethodSpec {
            name: METHOD,
            sync: false,
            raw: false,
        }]
    }

    fn call(&self, method: &str, context: Context, payload: &[u8]) -> ServiceFuture {
        if method != METHOD {
            return Box::pin(ready(Err(unknown(method))));
        }
        // What most requests bring is read where it lies; only where something is escaped, a copy is made to begin with.
        let copy: Credentials;
        let presented = match serde_json::from_slice::<Presented<'_>>(payload) {
            Ok(presented) => presented,
            Err(_) => match serde_json::from_slice(payload) {
                Ok(credentials) => {
                    copy = credentials;
                    Presented::from(&copy)
                }
                Err(error) => {
                    let message = format!("the request of auth.authenticate does not have its shape: {error}");
                    return Box::pin(ready(Err(Error::invalid(message))));
                }
            },
        };
        if let Err(refusal) = self.0.admit_address(presented.address) {
            return Box::pin(ready(Err(refusal.into())));
        }
        if let Some(answer) = self.0.at_once(presented) {
            return Box::pin(ready(Ok(answer)));
        }
        let credentials = Credentials::from(presented);
        let auth = Arc::clone(&self.0);
        Box::pin(async move { auth.answer(&context, &credentials).await.map_err(Into::into) })
    }

    fn call_sync(&self, method: &str, _: Context, _: &[u8]) -> objectos_plugin_api::Result<Vec<u8>> {
        Err(unknown(method))
    }
}

fn unknown(method: &str) -> Error {
    Error::new(
        ErrorKind::NotImplemented,
        format!("service auth has no method {method}"),
    )
}

/// The origin rule for the plugin's own routes, where nobody need be signed in: whatever names a page, or carries a cookie of
/// ours, is held to it.
pub(crate) fn check_own_origin(auth: &Auth, proof: &Proof<'_>) -> Result<()> {
    if matches!(proof.method, "GET" | "HEAD" | "OPTIONS") {
        return Ok(());
    }
    if proof.authorization.is_some() || proof.api_key.is_some() {
        return Ok(());
    }
    let by_cookie = proof.cookie.is_some_and(cookie::any);
    auth.origins.check(proof.origin, proof.host, proof.secure, by_cookie)
}
