//! Places where people may prove who they are: OpenID providers, and OAuth 2 providers that tell the user at an address of
//! their own. Google, Microsoft and GitHub are such places with the addresses filled in. Everything goes out by the service
//! `http-client`; keys of a provider are fetched anew when a token names one that is not known.

pub(crate) mod claims;
pub(crate) mod token;

use objectos_plugin_api::{
    Context, Host,
    contracts::http_client::{HttpClientClient, IncomingAnswer, OutgoingRequest},
};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

use self::token::Keys;
use crate::{
    config::ProviderConfig,
    error::{AuthError, Refusal, Result},
    http::percent,
};

/// Keys are fetched anew at most so often, milliseconds: a stranger's token must not make us ask over and over.
const KEYS_AGAIN_MS: i64 = 10_000;
/// Keys are believed for so long, milliseconds: one that the provider takes back is trusted no longer than that.
const KEYS_KEPT_MS: i64 = 3_600_000;
/// Discovery documents are kept for so long, milliseconds.
const DISCOVERY_KEPT_MS: i64 = 3_600_000;

/// Where a provider is reached.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Endpoints {
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    pub(crate) userinfo_endpoint: String,
    pub(crate) jwks_uri: String,
}

/// A provider.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) config: ProviderConfig,
    /// Addresses that are known without asking.
    fixed: Option<Endpoints>,
    discovered: Mutex<Option<(i64, Arc<Endpoints>)>>,
    keys: Mutex<Option<Fetched>>,
}

/// Keys at hand.
#[derive(Clone, Debug)]
struct Fetched {
    at_ms: i64,
    /// When they were last fetched because a token named another one.
    again_ms: i64,
    keys: Arc<Keys>,
}

/// All providers.
#[derive(Debug)]
pub(crate) struct Providers {
    list: Vec<Arc<Provider>>,
    client: HttpClientClient,
}

fn configured(mut config: ProviderConfig) -> Result<Provider> {
    let wrong = |message: String| Err(AuthError::Configuration { message });
    let scopes = |config: &mut ProviderConfig, usual: &[&str]| {
        if config.scopes.is_empty() {
            config.scopes = usual.iter().map(|scope| (*scope).to_owned()).collect();
        }
    };
    let mut fixed = None;
    match config.id.as_str() {
        "google" => {
            config
                .issuer
                .get_or_insert_with(|| "https://accounts.google.com".to_owned());
            config.name.get_or_insert_with(|| "Google".to_owned());
        }
        "microsoft" => {
            let tenant = config.tenant.clone().unwrap_or_else(|| "common".to_owned());
            let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
            config.issuer.get_or_insert(issuer);
            config.name.get_or_insert_with(|| "Microsoft".to_owned());
        }
        "github" => {
            config.name.get_or_insert_with(|| "GitHub".to_owned());
            scopes(&mut config, &["read:user", "user:email"]);
            fixed = Some(Endpoints {
                authorization_endpoint: "https://github.com/login/oauth/authorize".to_owned(),
                token_endpoint: "https://github.com/login/oauth/access_token".to_owned(),
                userinfo_endpoint: "https://api.github.com/user".to_owned(),
                ..Endpoints::default()
            });
        }
        _ => {}
    }
    if let (Some(authorization), Some(token)) = (&config.authorization_url, &config.token_url) {
        fixed = Some(Endpoints {
            authorization_endpoint: authorization.clone(),
            token_endpoint: token.clone(),
            userinfo_endpoint: config.userinfo_url.clone().unwrap_or_default(),
            ..Endpoints::default()
        });
    }
    scopes(&mut config, &["openid", "email", "profile"]);
    if config.id.is_empty()
        || !config
            .id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    {
        return wrong(format!("providers of objectos.auth: `{}` is no id", config.id));
    }
    if config.client_id.is_empty() {
        return wrong(format!("providers of objectos.auth: {} has no clientId", config.id));
    }
    if fixed.is_none() && config.issuer.is_none() {
        return wrong(format!(
            "providers of objectos.auth: {} needs an issuer, or authorizationUrl, tokenUrl and userinfoUrl",
            config.id
        ));
    }
    Ok(Provider {
        config,
        fixed,
        discovered: Mutex::default(),
        keys: Mutex::default(),
    })
}

/// Providers that stand in the environment, as `GOOGLE_CLIENT_ID` and `GOOGLE_CLIENT_SECRET`.
fn from_environment(host: &Host, known: &[ProviderConfig]) -> Vec<ProviderConfig> {
    let named = |name: &str, what: &str| host.environment(&format!("{name}_{what}")).ok();
    ["google", "github", "microsoft", "oidc"]
        .into_iter()
        .filter(|id| known.iter().all(|config| config.id != *id))
        .filter_map(|id| {
            let upper = id.to_ascii_uppercase();
            Some(ProviderConfig {
                id: id.to_owned(),
                client_id: named(&upper, "CLIENT_ID")?,
                client_secret: named(&upper, "CLIENT_SECRET"),
                issuer: if id == "oidc" {
                    Some(named(&upper, "ISSUER")?)
                } else {
                    None
                },
                ..ProviderConfig::default()
            })
        })
        .collect()
}

impl Providers {
    /// Reads what the operator configured.
    ///
    /// # Errors
    /// `Configuration`, naming the provider.
    pub(crate) fn new(configs: &[ProviderConfig], host: &Host) -> Result<Self> {
        let more = from_environment(host, configs);
        let list = configs
            .iter()
            .cloned()
            .chain(more)
            .map(|config| configured(config).map(Arc::new))
            .collect::<Result<_>>()?;
        Ok(Self {
            list,
            client: HttpClientClient::open(host)?,
        })
    }

    /// `[{id, name, enabled}]`, for sign-in pages.
    pub(crate) fn list(&self) -> Value {
        self.list
            .iter()
            .map(|provider| {
                let config = &provider.config;
                json!({ "id": config.id, "name": config.name.as_ref().unwrap_or(&config.id), "enabled": true })
            })
            .collect()
    }

    /// A provider by its id.
    pub(crate) fn get(&self, id: &str) -> Result<Arc<Provider>> {
        let found = self.list.iter().find(|provider| provider.config.id == id);
        found.cloned().ok_or_else(|| Refusal::ProviderNotFound.into())
    }

    /// Where the provider is reached.
    pub(crate) async fn endpoints(
        &self,
        context: &Context,
        provider: &Provider,
        now_ms: i64,
    ) -> Result<Arc<Endpoints>> {
        if let Some(fixed) = &provider.fixed {
            return Ok(Arc::new(fixed.clone()));
        }
        let known = provider.discovered.lock().clone();
        if let Some((_, endpoints)) = known.filter(|(at, _)| now_ms - at < DISCOVERY_KEPT_MS) {
            return Ok(endpoints);
        }
        let issuer = provider
            .config
            .issuer
            .as_deref()
            .unwrap_or_default()
            .trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let found: Endpoints = self.get_json(context, &url, None).await?;
        // Microsoft's common issuer has the tenant's place left open; anybody else's says exactly who it is.
        if found.issuer.trim_end_matches('/') != issuer && !found.issuer.contains("{tenantid}") {
            return Err(failed(format!("{url} speaks for {}, not for {issuer}", found.issuer)));
        }
        let endpoints = Arc::new(found);
        *provider.discovered.lock() = Some((now_ms, Arc::clone(&endpoints)));
        Ok(endpoints)
    }

    /// The keys of a provider, not older than an hour; `again` when a token names one that is not among those at hand.
    pub(crate) async fn keys(
        &self,
        context: &Context,
        provider: &Provider,
        endpoints: &Endpoints,
        now_ms: i64,
        again: bool,
    ) -> Result<Arc<Keys>> {
        let known = provider.keys.lock().clone();
        let again_ms = known.as_ref().map_or(0, |known| known.again_ms);
        if let Some(known) = known.filter(|known| now_ms - known.at_ms < KEYS_KEPT_MS)
            && (!again || now_ms - again_ms < KEYS_AGAIN_MS)
        {
            return Ok(known.keys);
        }
        let keys: Arc<Keys> = Arc::new(self.get_json(context, &endpoints.jwks_uri, None).await?);
        *provider.keys.lock() = Some(Fetched {
            at_ms: now_ms,
            again_ms: if again { now_ms } else { again_ms },
            keys: Arc::clone(&keys),
        });
        Ok(keys)
    }

    /// Fetches JSON, with an access token if there is one.
    pub(crate) async fn get_json<T: serde::de::DeserializeOwned>(
        &self,
        context: &Context,
        url: &str,
        token: Option<&str>,
    ) -> Result<T> {
        let mut headers = vec![
            ("accept".to_owned(), "application/json".to_owned()),
            ("user-agent".to_owned(), "ObjectOS".to_owned()),
        ];
        headers.extend(token.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))));
        self.exchange(context, "GET", url, headers, String::new()).await
    }

    /// Exchanges a code for tokens.
    pub(crate) async fn tokens(
        &self,
        context: &Context,
        provider: &Provider,
        endpoints: &Endpoints,
        code: &str,
        verifier: &str,
        redirect: &str,
    ) -> Result<Tokens> {
        let config = &provider.config;
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
            ("client_id", &config.client_id),
            ("code_verifier", verifier),
        ];
        if let Some(secret) = &config.client_secret {
            pairs.push(("client_secret", secret));
        }
        let headers = vec![
            ("accept".to_owned(), "application/json".to_owned()),
            (
                "content-type".to_owned(),
                "application/x-www-form-urlencoded".to_owned(),
            ),
        ];
        let body = percent::query(&pairs);
        self.exchange(context, "POST", &endpoints.token_endpoint, headers, body)
            .await
    }

    async fn exchange<T: serde::de::DeserializeOwned>(
        &self,
        context: &Context,
        method: &str,
        url: &str,
        headers: Vec<(String, String)>,
        body: String,
    ) -> Result<T> {
        let request = OutgoingRequest {
            method: method.to_owned(),
            url: url.to_owned(),
            headers,
            body,
            timeout_ms: 10_000,
            answer_bytes_max: 0,
        };
        let answer: IncomingAnswer = self.client.send(&context.as_system(), &request).await?;
        if answer.status != 200 {
            return Err(failed(format!("{url} answered {}", answer.status)));
        }
        serde_json::from_str(&answer.body)
            .map_err(|error| failed(format!("the answer of {url} cannot be read: {error}")))
    }
}

/// What a code was exchanged for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
    pub(crate) id_token: Option<String>,
    pub(crate) expires_in: Option<i64>,
    pub(crate) scope: Option<String>,
}

/// The provider, or what came from there, is no good. The reason is the operator's.
pub(crate) fn failed(reason: impl AsRef<str>) -> AuthError {
    tracing::warn!(reason = reason.as_ref(), "a sign-in at a provider failed");
    Refusal::OAuthFailed.into()
}
