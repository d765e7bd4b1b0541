//! What an operator sets in the section `objectos.auth` of objectos.yml. `plugin.json` has the schema; this is the same as
//! types, with the checks that a schema does not do.

use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

use crate::{
    error::{AuthError, Result},
    http::origin::origin_of,
    policy::CHARS_MAX,
};

/// The configuration. JSON, camelCase.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct AuthConfig {
    /// File with the installation's secret; the environment goes before it, a file of the plugin's own after it.
    pub secret_file: Option<PathBuf>,
    /// Where people reach the server: `https://crm.example.com`. Stands in links of mails.
    pub base_url: Option<String>,
    /// Other pages that may sign people in; `*` stands for one piece of a name or a port.
    pub trusted_origins: Vec<String>,
    /// Who may register; `open` in development and `invitation` in production when left out.
    pub sign_up: Option<SignUp>,
    /// Whoever is not signed in is a guest, who may do what the guest sets and guest sharing rules of `permissions` say.
    pub guests: bool,
    /// Nobody signs in before their address is verified.
    pub require_email_verification: bool,
    /// Whoever registers is signed in at once, where their address need not be verified first. That tells whether an address has an
    /// account already; without it, as where addresses have to be verified, no answer does.
    pub auto_sign_in: bool,
    /// Rules for passwords (`security/PasswordPolicy`).
    pub password: PasswordPolicy,
    /// Rules for sessions (`security/SessionPolicy`).
    pub session: SessionPolicy,
    /// What follows failed attempts.
    pub lockout: LockoutConfig,
    /// Cost of a password hash.
    pub hashing: HashingConfig,
    /// Second factors.
    pub two_factor: TwoFactorConfig,
    /// Keys on people's devices.
    pub passkey: PasskeyConfig,
    /// Organisations.
    pub organization: OrganizationConfig,
    /// Where else people may prove who they are.
    pub providers: Vec<ProviderConfig>,
    /// Lifetimes of what is sent by mail.
    pub links: LinksConfig,
    /// Keys for programs.
    pub api_keys: ApiKeysConfig,
    /// Directories.
    pub scim: ScimConfig,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            secret_file: None,
            base_url: None,
            trusted_origins: Vec::new(),
            sign_up: None,
            guests: false,
            require_email_verification: false,
            auto_sign_in: true,
            password: PasswordPolicy::default(),
            session: SessionPolicy::default(),
            lockout: LockoutConfig::default(),
            hashing: HashingConfig::default(),
            two_factor: TwoFactorConfig::default(),
            passkey: PasskeyConfig::default(),
            organization: OrganizationConfig::default(),
            providers: Vec::new(),
            links: LinksConfig::default(),
            api_keys: ApiKeysConfig::default(),
            scim: ScimConfig::default(),
        }
    }
}

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignUp {
    /// Everybody.
    Open,
    /// Whoever was invited into an organisation.
    Invitation,
    /// Nobody; users come by SCIM or by an administrator.
    Closed,
}

/// Rules for passwords. Keys of `security/PasswordPolicy`, and the longest length.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct PasswordPolicy {
    /// Characters at least.
    pub min_length: usize,
    /// Characters at most, up to 256; a longer one is refused, never cut.
    pub max_length: usize,
    /// Needs a capital letter.
    pub require_uppercase: bool,
    /// Needs a small letter.
    pub require_lowercase: bool,
    /// Needs a digit.
    pub require_numbers: bool,
    /// Needs something that is neither.
    pub require_symbols: bool,
    /// Days until it must be changed.
    pub expiration_days: Option<u32>,
    /// So many earlier ones may not come again.
    pub history_count: usize,
    /// Refuses those on lists of common ones.
    pub refuse_common: bool,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            min_length: 8,
            max_length: 128,
            require_uppercase: false,
            require_lowercase: false,
            require_numbers: false,
            require_symbols: false,
            expiration_days: None,
            history_count: 3,
            refuse_common: true,
        }
    }
}

/// Rules for sessions. `idleTimeout`, `absoluteTimeout` and `forceMfa` of `security/SessionPolicy`, the first two in minutes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SessionPolicy {
    /// Life of a session, seconds; begins anew with each renewal.
    pub max_age_s: i64,
    /// A session is renewed once it is so old, seconds.
    pub update_age_s: i64,
    /// Ends after so many minutes without a request.
    pub idle_timeout: Option<i64>,
    /// Ends so many minutes after the sign-in, whatever happens.
    pub absolute_timeout: Option<i64>,
    /// Nobody does anything before they have a second factor.
    pub force_mfa: bool,
    /// Sessions of one user at once; the oldest one ends.
    pub max_concurrent: Option<usize>,
    /// How long a change of a session may go unnoticed that nobody told this node of, milliseconds.
    pub recheck_ms: i64,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self {
            max_age_s: 7 * 24 * 3600,
            update_age_s: 24 * 3600,
            idle_timeout: None,
            absolute_timeout: None,
            force_mfa: false,
            max_concurrent: None,
            recheck_ms: 1000,
        }
    }
}

/// What follows failed attempts.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LockoutConfig {
    /// Failures after which an account takes no attempts for a while.
    pub attempts: u32,
    /// Time in which failures are counted together, minutes.
    pub window_minutes: i64,
    /// How long a locked account takes no attempts, minutes.
    pub lock_minutes: i64,
    /// Failures of one address, whatever the account.
    pub address_attempts: u32,
    /// Registrations of one address within the window that fail or tell something, up to 500: whether there is an account, who may
    /// register, or, where addresses have to be verified, any. They lock nothing; another one is taken whenever the first of them
    /// is out of the window.
    pub sign_up_attempts: u32,
    /// How long nothing is taken from an address that suspicious activity came from, minutes.
    pub block_minutes: i64,
    /// Failures of one account after which the next attempt has to wait, longer each time.
    pub slow_after: u32,
}

impl Default for LockoutConfig {
    fn default() -> Self {
        Self {
            attempts: 10,
            window_minutes: 15,
            lock_minutes: 15,
            address_attempts: 100,
            sign_up_attempts: 50,
            block_minutes: 60,
            slow_after: 5,
        }
    }
}

/// Cost of a password hash.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct HashingConfig {
    /// Memory, KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Default for HashingConfig {
    /// What OWASP recommends for argon2id.
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            iterations: 2,
            parallelism: 1,
        }
    }
}

/// Second factors.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct TwoFactorConfig {
    /// May be used.
    pub enabled: bool,
    /// What authenticator apps show.
    pub issuer: String,
    /// Days for which a device that was marked as trusted need not show it again.
    pub trust_device_days: i64,
}

impl Default for TwoFactorConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            issuer: "ObjectOS".to_owned(),
            trust_device_days: 30,
        }
    }
}

/// Keys on people's devices, in place of a password.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct PasskeyConfig {
    /// May be used.
    pub enabled: bool,
    /// The domain that keys are made for, and with it those below; that of `baseUrl` when left out. Another one than before,
    /// and every key there is cannot be used any more.
    pub rp_id: Option<String>,
    /// What people read while they make a key.
    pub rp_name: String,
}

impl Default for PasskeyConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            rp_id: None,
            rp_name: "ObjectOS".to_owned(),
        }
    }
}

/// Organisations.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct OrganizationConfig {
    /// Who may make one: everybody, or administrators.
    pub everybody_creates: bool,
    /// Roles beside owner, admin and member.
    pub roles: Vec<String>,
    /// Hours for which an invitation can be accepted.
    pub invitation_hours: i64,
    /// Whoever is in several begins in the one they worked in last; otherwise in none.
    pub begins_in_last: bool,
}

impl Default for OrganizationConfig {
    fn default() -> Self {
        Self {
            everybody_creates: true,
            roles: Vec::new(),
            invitation_hours: 48,
            begins_in_last: true,
        }
    }
}

/// Lifetimes of what is sent by mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LinksConfig {
    /// Of a link that sets a new password, minutes.
    pub reset_minutes: i64,
    /// Of a link that verifies an address, minutes.
    pub verify_minutes: i64,
    /// Of a link that signs in, minutes.
    pub magic_minutes: i64,
    /// Links that sign in may be asked for.
    pub magic_links: bool,
}

impl Default for LinksConfig {
    fn default() -> Self {
        Self {
            reset_minutes: 60,
            verify_minutes: 24 * 60,
            magic_minutes: 5,
            magic_links: true,
        }
    }
}

/// Keys for programs.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ApiKeysConfig {
    /// Longest life of a key that is made from now on, and that of one that names none, days.
    pub max_age_days: i64,
}

impl Default for ApiKeysConfig {
    fn default() -> Self {
        Self { max_age_days: 365 }
    }
}

/// Directories.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ScimConfig {
    /// Domains for which the directory of an organisation is believed, by the organisation's id. Addresses of other domains
    /// have to be verified by their owners.
    pub trusted_domains: BTreeMap<String, Vec<String>>,
}

/// A place where people may prove who they are: OpenID Connect, or OAuth 2 with an address that tells the user.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ProviderConfig {
    /// `google`, `github` and `microsoft` bring what they need; any other name is of your choice.
    pub id: String,
    /// What people read.
    pub name: Option<String>,
    /// Client id.
    pub client_id: String,
    /// Client secret.
    pub client_secret: Option<String>,
    /// Issuer of an OpenID provider; its discovery document tells the rest.
    pub issuer: Option<String>,
    /// Where browsers are sent, when there is no issuer.
    pub authorization_url: Option<String>,
    /// Where codes are exchanged, when there is no issuer.
    pub token_url: Option<String>,
    /// Where the user is told, when there is no issuer.
    pub userinfo_url: Option<String>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Tenant of Microsoft Entra; `common` when left out.
    pub tenant: Option<String>,
    /// A user with the same verified address is signed in and linked; true when left out.
    pub link_verified_email: Option<bool>,
    /// Somebody unknown becomes a user, whoever may register otherwise.
    pub create_users: Option<bool>,
}

impl AuthConfig {
    /// Checks what the schema does not.
    ///
    /// # Errors
    /// `Configuration` with key and remedy.
    pub fn check(&self) -> Result<()> {
        let wrong = |message: String| Err(AuthError::Configuration { message });
        if let Some(url) = &self.base_url
            && origin_of(url).is_none_or(|origin| origin.len() != url.trim_end_matches('/').len())
        {
            return wrong(format!(
                "baseUrl of objectos.auth is no address such as https://crm.example.com: {url}"
            ));
        }
        if self.password.max_length > CHARS_MAX {
            return wrong(format!(
                "password.maxLength of objectos.auth is {}; {CHARS_MAX} characters are the most that are taken",
                self.password.max_length
            ));
        }
        if self.password.min_length > self.password.max_length {
            return wrong("password.minLength of objectos.auth is greater than password.maxLength".to_owned());
        }
        if self.session.max_age_s <= 0 || self.session.update_age_s < 0 || self.session.recheck_ms < 0 {
            return wrong("session of objectos.auth has a time that is negative".to_owned());
        }
        if let Some(party) = &self.passkey.rp_id
            && (party.is_empty()
                || !party
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)))
        {
            return wrong(format!(
                "passkey.rpId of objectos.auth is no domain such as example.com: {party}"
            ));
        }
        if !(1..=36_500).contains(&self.api_keys.max_age_days) {
            return wrong(format!(
                "apiKeys.maxAgeDays of objectos.auth is {}; a key lives between 1 and 36500 days",
                self.api_keys.max_age_days
            ));
        }
        if self.lockout.attempts == 0 || self.lockout.address_attempts == 0 {
            return wrong(
                "lockout.attempts and lockout.addressAttempts of objectos.auth must be at least 1".to_owned(),
            );
        }
        if !(1..=500).contains(&self.lockout.sign_up_attempts) {
            return wrong(format!(
                "lockout.signUpAttempts of objectos.auth is {}; between 1 and 500 registrations are told apart",
                self.lockout.sign_up_attempts
            ));
        }
        Ok(())
    }
}
