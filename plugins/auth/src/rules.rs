//! Rules of apps: files of kind `policy` that speak of passwords and sessions (`security/Policy`). They count beside what the
//! operator configured, the stricter of both: an app makes signing in stricter, never easier. What a policy says of rows is the
//! plugin `permissions`' business, of the trail `audit`'s.

use objectos_plugin_api::{Context, contracts::metadata::MetadataItem};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

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
}

/// What a policy says, as far as it is read here; what is left out is what the protocol says.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Declared {
    password: Option<PasswordRules>,
    session: Option<SessionRules>,
    network: Option<Value>,
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
        }
    }

    /// Takes what a policy demands beyond what is demanded already.
    fn tighten(&mut self, name: &str, definition: &Value) -> Result<()> {
        let speaks = |key: &str| definition.get(key).is_some_and(|value| !value.is_null());
        if !["password", "session", "network"].into_iter().any(speaks) {
            return Ok(());
        }
        let wrong = |reason: String| AuthError::Configuration {
            message: format!("the policy {name} cannot be used: {reason}"),
        };
        let declared: Declared =
            serde_json::from_value(definition.clone()).map_err(|error| wrong(error.to_string()))?;
        if declared.assigned_profiles.is_some_and(|profiles| !profiles.is_empty()) && !declared.is_default {
            tracing::warn!(
                policy = name,
                "a policy for some profiles: it is not held, for it does not hold for everybody"
            );
            return Ok(());
        }
        if declared.network.is_some() {
            tracing::warn!(
                policy = name,
                "what a policy says of networks is not held here; say it to the firewall"
            );
        }
        if let Some(rules) = declared.password {
            let length = usize::try_from(rules.min_length.0).unwrap_or_default();
            if length > CHARS_MAX {
                return Err(wrong(format!("minLength is more than {CHARS_MAX}")));
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
        if let Some(rules) = declared.session {
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
    fn policies_of_others_and_for_some_are_left_alone() {
        for other in [
            json!([{ "name": "p", "object": "account" }]),
            json!({ "name": "p", "object": "account", "using": "true" }),
            json!({ "name": "p", "audit": { "logRetentionDays": 30 } }),
            json!({ "name": "p", "session": { "forceMfa": true }, "assignedProfiles": ["sales"] }),
        ] {
            let mut held = rules();
            held.tighten("p", &other).unwrap();
            assert!(!held.session.force_mfa && held.password.min_length == 8, "{other}");
        }
        for wrong in [
            json!({ "password": { "minLength": 300 } }),
            json!({ "password": { "minLengt": 12 } }),
            json!({ "session": "short" }),
        ] {
            assert!(rules().tighten("p", &wrong).is_err(), "{wrong}");
        }
    }
}
