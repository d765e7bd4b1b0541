//! Keys with which programs act for a user: long, random, kept as hashes, with an end and with scopes. Kept in memory like
//! sessions, and asked for again after the same short while.

use objectos_plugin_api::{Context, Principal, PrincipalKind};
use parking_lot::RwLock;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    auth::Auth,
    crypto::{TokenHash, hash_text, hash_token},
    error::{AuthError, Refusal, Result},
    moment,
    records::kinds::{ApiKey, Member, User},
    rules::network::Networks,
    sessions::load::{demands_second_factor, is_banned, preferences},
};

/// Beginning of every key: so that they are recognised where they should not be, in a log or a repository.
pub(crate) const PREFIX: &str = "oos_";
/// Random characters of a key.
pub(crate) const KEY_CHARS: usize = 40;
/// Keys in memory at most.
const LIVE_MAX: usize = 10_000;
/// A key's last use is written down at most so often, milliseconds.
const USE_TOLD_MS: i64 = 3_600_000;

/// A key in use.
#[derive(Debug)]
pub(crate) struct LiveKey {
    id: String,
    user: String,
    /// `{"principal":{…}}`.
    pub(crate) identity: Vec<u8>,
    scopes: Scopes,
    /// Why its user may do nothing but set that right: a key does no more than its user.
    restriction: Option<Refusal>,
    networks: Networks,
    ends_ms: i64,
    checked_ms: i64,
}

/// What a key may do of what its user may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scopes(Vec<String>);

impl Scopes {
    /// Reads and checks scopes: `read`, `write`, `object:NAME`, `object:NAME:read`. None at all is everything.
    pub(crate) fn new(scopes: Vec<String>) -> Result<Self> {
        for scope in &scopes {
            let parts: Vec<&str> = scope.split(':').collect();
            let good = match parts.as_slice() {
                ["read" | "write"] => true,
                ["object", name] | ["object", name, "read"] => {
                    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                }
                _ => false,
            };
            if !good {
                let message = "a scope is `read`, `write`, `object:NAME` or `object:NAME:read`";
                return Err(AuthError::body("scopes", message));
            }
        }
        Ok(Self(scopes))
    }

    fn permits(&self, method: &str, path: &str) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let data = ["/api/v1/data/", "/api/data/"]
            .iter()
            .find_map(|base| path.strip_prefix(base));
        let object = data.and_then(|rest| rest.split('/').next());
        let query = method == "POST" && data.is_some_and(|rest| rest.split('/').nth(1) == Some("query"));
        let reads = matches!(method, "GET" | "HEAD") || query;
        self.0.iter().any(|scope| {
            let mut parts = scope.split(':');
            match (parts.next(), parts.next(), parts.next()) {
                (Some("write"), ..) => true,
                (Some("read"), ..) => reads,
                (Some("object"), Some(name), limit) => object == Some(name) && (limit.is_none() || reads),
                _ => false,
            }
        })
    }
}

impl LiveKey {
    /// Id of the user whose key it is.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// Holds a request to what its user may do, from where, and to the key's scopes.
    pub(crate) fn permits(&self, method: &str, path: &str, address: &str) -> Result<()> {
        self.networks.admit(address)?;
        if let Some(refusal) = self.restriction {
            return Err(refusal.into());
        }
        if self.scopes.permits(method, path) {
            return Ok(());
        }
        Err(AuthError::explained(
            Refusal::Forbidden,
            "the scopes of this key do not permit this",
        ))
    }
}

/// The keys in memory.
#[derive(Debug)]
pub(crate) struct Keys {
    recheck_ms: i64,
    live: RwLock<HashMap<TokenHash, Arc<LiveKey>>>,
    epoch: AtomicU64,
}

impl Keys {
    pub(crate) fn new(recheck_ms: i64) -> Self {
        Self {
            recheck_ms,
            live: RwLock::default(),
            epoch: AtomicU64::new(0),
        }
    }

    /// Forgets the keys of which this is said.
    fn forget(&self, which: impl Fn(&LiveKey) -> bool) {
        let mut live = self.live.write();
        self.epoch.fetch_add(1, Ordering::SeqCst);
        live.retain(|_, key| !which(key));
    }

    /// Forgets a key.
    pub(crate) fn forget_id(&self, id: &str) {
        self.forget(|key| key.id == id);
    }

    /// Forgets the keys of a user.
    pub(crate) fn forget_user(&self, user: &str) {
        self.forget(|key| key.user == user);
    }

    /// Forgets all.
    pub(crate) fn forget_all(&self) {
        self.forget(|_| true);
    }

    fn keep(&self, hash: TokenHash, key: &Arc<LiveKey>, epoch: u64) {
        let mut live = self.live.write();
        if self.epoch.load(Ordering::SeqCst) != epoch {
            return;
        }
        if live.len() >= LIVE_MAX {
            live.clear();
        }
        live.insert(hash, Arc::clone(key));
    }
}

impl Auth {
    /// Who stands behind a key.
    pub(crate) async fn key(&self, context: &Context, key: &str) -> Result<Option<Arc<LiveKey>>> {
        let random = key.strip_prefix(PREFIX).unwrap_or_default();
        if random.len() != KEY_CHARS || !random.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(None);
        }
        let hash = hash_token(key);
        let now_ms = self.now_ms();
        let known = self.keys.live.read().get(&hash).cloned();
        if let Some(live) = known.filter(|live| now_ms - live.checked_ms <= self.keys.recheck_ms) {
            return Ok(Some(live).filter(|live| now_ms < live.ends_ms));
        }
        if self.sessions.is_unknown(&hash) {
            return Ok(None);
        }
        let epoch = self.keys.epoch.load(Ordering::SeqCst);
        let found: Option<ApiKey> = self
            .records
            .find_one(context, json!({ "key_hash": hash_text(&hash) }))
            .await?;
        let Some(record) = found else {
            self.sessions.set_unknown(hash);
            return Ok(None);
        };
        let Some(live) = self.enliven_key(context, &record, now_ms).await? else {
            self.keys.forget_id(&record.id);
            return Ok(None);
        };
        self.keys.keep(hash, &live, epoch);
        let last = record.last_used_at.as_deref().map_or(0, moment::ms);
        if now_ms - last > USE_TOLD_MS {
            let used = json!({ "last_used_at": moment::text(now_ms) });
            self.records.update::<ApiKey>(context, &record.id, used).await?;
        }
        Ok(Some(live))
    }

    async fn enliven_key(&self, context: &Context, record: &ApiKey, now_ms: i64) -> Result<Option<Arc<LiveKey>>> {
        let ends_ms = record.expires_at.as_deref().map_or(i64::MAX, moment::ms);
        if !record.enabled || now_ms >= ends_ms {
            return Ok(None);
        }
        let user: Option<User> = self.records.get(context, &record.user_id).await?;
        let Some(user) = user.filter(|user| !is_banned(user, now_ms)) else {
            return Ok(None);
        };
        let member: Option<Member> = match &record.organization_id {
            Some(organization) => {
                let place = json!({ "organization_id": organization, "user_id": user.id });
                let member = self.records.find_one(context, place).await?;
                // A key for an organisation ends with its user's place there.
                if member.is_none() {
                    return Ok(None);
                }
                member
            }
            None => None,
        };
        // A program shows no second factor; its user must have one where one is demanded.
        let rules = self.rules_for(context, &user).await?;
        let has_factor = !demands_second_factor(&user, &rules) || self.has_second_factor(context, &user).await?;
        let restriction = self.restriction(context, &user, has_factor, &rules).await?;
        let scopes = Scopes(scopes_of(record));
        let principal = principal(record, &user, member.as_ref(), &scopes);
        let principal = serde_json::to_vec(&principal).map_err(|error| AuthError::Internal(error.to_string()))?;
        Ok(Some(Arc::new(LiveKey {
            id: record.id.clone(),
            user: user.id,
            identity: [b"{\"principal\":".as_slice(), &principal, b"}"].concat(),
            scopes,
            restriction,
            networks: rules.networks.clone(),
            ends_ms,
            checked_ms: now_ms,
        })))
    }
}

/// A scope that permits nothing.
const NOTHING: &str = "";

/// The scopes of a record. None at all is everything, so what cannot be read as one permits nothing.
pub(crate) fn scopes_of(record: &ApiKey) -> Vec<String> {
    match &record.scopes {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(scopes)) => scopes
            .iter()
            .map(|scope| scope.as_str().unwrap_or(NOTHING).to_owned())
            .collect(),
        Some(_) => vec![NOTHING.to_owned()],
    }
}

/// A program that acts for a user: with the user's rights, cut down to the scopes.
fn principal(record: &ApiKey, user: &User, member: Option<&Member>, scopes: &Scopes) -> Principal {
    let mut roles = vec![user.role.clone()];
    if let Some(member) = member {
        roles.extend(member.role.split(',').map(|role| format!("org:{}", role.trim())));
    }
    let mut attributes = preferences(user);
    attributes.insert("apiKey".to_owned(), record.id.as_str().into());
    attributes.insert("scopes".to_owned(), json!(scopes.0));
    attributes.insert("emailVerified".to_owned(), Value::Bool(user.email_verified));
    Principal {
        id: user.id.clone(),
        kind: PrincipalKind::Service,
        name: Some(record.name.clone()),
        email: Some(user.email.clone()),
        tenant: member.map(|member| member.organization_id.clone()),
        roles,
        permission_sets: Vec::new(),
        session: None,
        attributes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_cut_down_what_a_key_may_do() {
        let check = |scopes: &[&str], line: &str, expected: bool| {
            let scopes = Scopes::new(scopes.iter().map(|scope| (*scope).to_owned()).collect()).unwrap();
            let (method, path) = line.split_once(' ').unwrap();
            assert_eq!(scopes.permits(method, path), expected, "{scopes:?} {line}");
        };
        check(&[], "DELETE /api/v1/data/account/1", true);
        check(&["read"], "GET /api/v1/data/account", true);
        check(&["read"], "POST /api/v1/data/account/query", true);
        check(&["read"], "POST /api/v1/data/account", false);
        check(&["read"], "POST /api/v1/batch", false);
        check(&["write"], "POST /api/v1/data/account", true);
        check(&["object:account"], "PATCH /api/v1/data/account/1", true);
        check(&["object:account"], "GET /api/v1/data/accounts", false);
        check(&["object:account"], "GET /api/v1/plugins", false);
        check(&["object:account:read"], "GET /api/data/account/1", true);
        check(&["object:account:read"], "DELETE /api/data/account/1", false);
        assert!(Scopes::new(vec!["everything".to_owned()]).is_err());
    }

    #[test]
    fn scopes_that_cannot_be_read_permit_nothing() {
        for (scopes, reads, writes) in [
            (None, true, true),
            (Some(json!(null)), true, true),
            (Some(json!([])), true, true),
            (Some(json!(["read"])), true, false),
            (Some(json!("read")), false, false),
            (Some(json!({ "read": true })), false, false),
            (Some(json!([{ "read": true }])), false, false),
        ] {
            let record = ApiKey {
                scopes: scopes.clone(),
                ..ApiKey::default()
            };
            let held = Scopes(scopes_of(&record));
            let path = "/api/v1/data/account";
            let found = (held.permits("GET", path), held.permits("POST", path));
            assert_eq!(found, (reads, writes), "{scopes:?}");
        }
    }
}
