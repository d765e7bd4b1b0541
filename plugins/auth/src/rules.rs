//! Rules of apps: files of kind `policy` that speak of passwords, sessions and networks (`security/Policy`). They count beside
//! what the operator configured, the stricter of both: an app makes signing in stricter, never easier. One for some profiles
//! ([`profiles`]) counts for whoever holds one of them. What a policy says of rows is the plugin `permissions`' business, of the
//! trail `audit`'s.

pub(crate) mod network;
mod profiles;

use objectos_plugin_api::{Context, contracts::metadata::MetadataItem};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::HashSet, sync::Arc};

use self::network::{NetworkRules, Networks};
use crate::{
    auth::Auth,
    config::{AuthConfig, PasswordPolicy, SessionPolicy},
    error::{AuthError, Result},
    policy::CHARS_MAX,
    records::kinds::Whole,
};

/// Kind of the files.
pub(crate) const KIND: &str = "policy";

/// What holds now.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) password: PasswordPolicy,
    pub(crate) session: SessionPolicy,
    /// Where people may come from.
    pub(crate) networks: Networks,
    /// What is demanded of those who hold some profile.
    assigned: Vec<Arc<Assigned>>,
}

/// A policy for some.
#[derive(Debug)]
struct Assigned {
    policy: String,
    profiles: Vec<String>,
    declared: Declared,
}

/// What a policy says, as far as it is read here; what is left out is what the protocol says.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Declared {
    password: Option<PasswordRules>,
    session: Option<SessionRules>,
    network: Option<NetworkRules>,
    is_default: bool,
    assigned_profiles: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct PasswordRules {
    min_length: Whole,
    require_uppercase: bool,
    require_lowercase: bool,
    require_numbers: bool,
    require_symbols: bool,
    expiration_days: Option<Whole>,
    history_count: Whole,
}

impl Default for PasswordRules {
    fn default() -> Self {
        Self {
            min_length: Whole(8),
            require_uppercase: true,
            require_lowercase: true,
            require_numbers: true,
            require_symbols: false,
            expiration_days: None,
            history_count: Whole(3),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct SessionRules {
    idle_timeout: Whole,
    absolute_timeout: Whole,
    force_mfa: bool,
}

impl Default for SessionRules {
    fn default() -> Self {
        Self {
            idle_timeout: Whole(30),
            absolute_timeout: Whole(480),
            force_mfa: false,
        }
    }
}

/// A policy that demands what cannot be held. It is refused as a whole: half a policy would look like one.
fn unusable(policy: &str, reason: &str) -> AuthError {
    AuthError::Configuration {
        message: format!("the policy {policy} cannot be used: {reason}"),
    }
}

/// The lesser of two limits, of which either may not be there.
fn lesser<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl Rules {
    /// What the operator configured, before any app.
    pub(crate) fn configured(config: &AuthConfig) -> Self {
        Self {
            password: config.password.clone(),
            session: config.session.clone(),
            networks: Networks::default(),
            assigned: Vec::new(),
        }
    }

    /// Whether some policies are for some people alone.
    fn are_for_some(&self) -> bool {
        !self.assigned.is_empty()
    }

    /// What is demanded of somebody who holds these profiles.
    fn held_by(&self, profiles: &HashSet<String>) -> Result<Self> {
        let mut rules = self.clone();
        for assigned in &self.assigned {
            if assigned.profiles.iter().any(|profile| profiles.contains(profile)) {
                rules.demand(&assigned.policy, &assigned.declared)?;
            }
        }
        Ok(rules)
    }

    /// What is demanded of somebody in whose session an administrator acts, of whom `others` is demanded: of where a request
    /// comes from and of how long the session lasts, what holds for either holds for both.
    pub(crate) fn beside(&self, others: &Self) -> Self {
        let mut rules = self.clone();
        rules.networks.join(&others.networks);
        let (policy, theirs) = (&mut rules.session, &others.session);
        policy.idle_timeout = lesser(policy.idle_timeout, theirs.idle_timeout);
        policy.absolute_timeout = lesser(policy.absolute_timeout, theirs.absolute_timeout);
        rules
    }

    /// Takes what a policy demands beyond what is demanded already.
    fn tighten(&mut self, name: &str, definition: &Value) -> Result<()> {
        let speaks = |key: &str| definition.get(key).is_some_and(|value| !value.is_null());
        if !["password", "session", "network"].into_iter().any(speaks) {
            return Ok(());
        }
        let mut declared: Declared =
            serde_json::from_value(definition.clone()).map_err(|error| unusable(name, &error.to_string()))?;
        let profiles = declared.assigned_profiles.take().unwrap_or_default();
        if profiles.is_empty() || declared.is_default {
            return self.demand(name, &declared);
        }
        // One that cannot be used is refused now, and not when somebody comes whom it is for.
        self.clone().demand(name, &declared)?;
        self.assigned.push(Arc::new(Assigned {
            policy: name.to_owned(),
            profiles,
            declared,
        }));
        Ok(())
    }

    fn demand(&mut self, name: &str, declared: &Declared) -> Result<()> {
        if let Some(rules) = &declared.network {
            self.networks.tighten(name, rules)?;
        }
        if let Some(rules) = &declared.password {
            let length = usize::try_from(rules.min_length.0).unwrap_or_default();
            if length > CHARS_MAX {
                return Err(unusable(name, &format!("minLength is more than {CHARS_MAX}")));
            }
            let policy = &mut self.password;
            policy.min_length = policy.min_length.max(length);
            policy.max_length = policy.max_length.max(policy.min_length);
            policy.require_uppercase |= rules.require_uppercase;
            policy.require_lowercase |= rules.require_lowercase;
            policy.require_numbers |= rules.require_numbers;
            policy.require_symbols |= rules.require_symbols;
            let days = rules.expiration_days.and_then(|days| u32::try_from(days.0).ok());
            policy.expiration_days = lesser(policy.expiration_days, days.filter(|days| *days > 0));
            let earlier = usize::try_from(rules.history_count.0).unwrap_or_default();
            policy.history_count = policy.history_count.max(earlier);
        }
        if let Some(rules) = &declared.session {
            let limit = |minutes: Whole| Some(minutes.0).filter(|minutes| *minutes > 0);
            let policy = &mut self.session;
            policy.idle_timeout = lesser(policy.idle_timeout, limit(rules.idle_timeout));
            policy.absolute_timeout = lesser(policy.absolute_timeout, limit(rules.absolute_timeout));
            policy.force_mfa |= rules.force_mfa;
        }
        Ok(())
    }
}

impl Auth {
    /// What holds now.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.rules.read().clone()
    }

    /// Whether something that comes from an address is taken, whoever sends it.
    ///
    /// # Errors
    /// `AddressBlocked`, `UnknownNetwork`.
    pub(crate) fn admit_address(&self, address: &str) -> Result<()> {
        self.blocks.admit(address, self.now_ms())?;
        self.rules.read().networks.admit(address)
    }

    /// Reads the policies of the apps. What was made under others is made anew.
    ///
    /// # Errors
    /// `Configuration` for a policy that cannot be used; then what held before holds on.
    pub(crate) async fn read_rules(&self, context: &Context) -> Result<()> {
        if !self.metadata.available() {
            return Ok(());
        }
        let items: Vec<MetadataItem> = self.metadata.list(context, &KIND.to_owned()).await?;
        let mut rules = Rules::configured(&self.config);
        for item in &items {
            rules.tighten(&item.name, &item.definition)?;
        }
        *self.rules.write() = Arc::new(rules);
        self.sessions.forget_all();
        self.keys.forget_all();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rules() -> Rules {
        Rules {
            password: PasswordPolicy::default(),
            session: SessionPolicy {
                idle_timeout: Some(20),
                ..SessionPolicy::default()
            },
            networks: Networks::default(),
            assigned: Vec::new(),
        }
    }

    #[test]
    fn the_stricter_of_both_counts() {
        let mut held = rules();
        let session = json!({ "idleTimeout": 60, "absoluteTimeout": 90.0, "forceMfa": true });
        let password =
            json!({ "minLength": 12, "requireSymbols": true, "requireNumbers": false, "expirationDays": 90 });
        held.tighten("p", &json!({ "name": "p", "password": password, "session": session }))
            .unwrap();
        let (password, session) = (&held.password, &held.session);
        assert_eq!((password.min_length, password.max_length), (12, 128));
        assert!(password.require_symbols && password.require_uppercase && !password.require_numbers);
        assert_eq!((password.expiration_days, password.history_count), (Some(90), 3));
        assert_eq!((session.idle_timeout, session.absolute_timeout), (Some(20), Some(90)));
        assert!(session.force_mfa);
        // A second one takes nothing back.
        let loose = json!({ "password": { "minLength": 4, "expirationDays": 365, "historyCount": 0 } });
        held.tighten("q", &loose).unwrap();
        assert_eq!(
            (held.password.min_length, held.password.expiration_days),
            (12, Some(90))
        );
    }

    #[test]
    fn a_policy_for_some_profiles_is_for_whoever_holds_one() {
        let mut held = rules();
        let policy = json!({
            "session": { "forceMfa": true, "idleTimeout": 5 }, "assignedProfiles": ["sales", "finance"],
        });
        held.tighten("p", &policy).unwrap();
        let of = |profiles: &[&str]| {
            let profiles = profiles.iter().map(|profile| (*profile).to_owned()).collect();
            let rules = held.held_by(&profiles).unwrap();
            (rules.session.force_mfa, rules.session.idle_timeout)
        };
        assert_eq!(of(&["support"]), (false, Some(20)));
        assert_eq!(of(&["support", "finance"]), (true, Some(5)));
        // The default one is for everybody, whomever else it names.
        let mut everybody = rules();
        let mut default = policy;
        default["isDefault"] = json!(true);
        everybody.tighten("p", &default).unwrap();
        assert!(everybody.session.force_mfa && !everybody.are_for_some());
    }

    #[test]
    fn policies_of_others_are_left_alone_and_wrong_ones_refused() {
        for other in [
            json!([{ "name": "p", "object": "account" }]),
            json!({ "name": "p", "object": "account", "using": "true" }),
            json!({ "name": "p", "audit": { "logRetentionDays": 30 } }),
        ] {
            let mut held = rules();
            held.tighten("p", &other).unwrap();
            assert!(!held.session.force_mfa && held.password.min_length == 8, "{other}");
        }
        for wrong in [
            json!({ "password": { "minLength": 300 } }),
            json!({ "password": { "minLengt": 12 } }),
            json!({ "session": "short" }),
            json!({ "password": { "minLength": 300 }, "assignedProfiles": ["sales"] }),
            json!({ "network": { "blockUnknown": true, "trustedRanges": [] } }),
            json!({ "network": { "blockUnknown": true } }),
            json!({ "network": { "trustedRanges": ["10.0.0.0/33"] } }),
            json!({ "network": { "trustedRanges": ["10.0.0.0/8"], "vpnRequired": true } }),
        ] {
            assert!(rules().tighten("p", &wrong).is_err(), "{wrong}");
        }
    }
}
