//! Users, their accounts with providers, and their sessions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{date_time, email, guarded, some, uri};
use crate::map_only::map_only;
use crate::shared::Number;
use crate::text::{DATE_TIME, EMAIL};
use crate::wire_enum::wire_enum;

/// A person who can sign in. Source: `identity/User`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "User", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct User {
    pub id: String,
    #[serde(deserialize_with = "email")]
    #[schemars(regex(pattern = EMAIL), extend("format" = "email"))]
    pub email: String,
    #[serde(default)]
    pub email_verified: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "uri")]
    #[schemars(extend("format" = "uri"))]
    pub image: Option<String>,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub created_at: String,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub updated_at: String,
}

/// A user's account with a provider of identity. Source: `identity/Account`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Account", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Account {
    pub id: String,
    pub user_id: String,
    #[serde(rename = "type")]
    pub kind: AccountKind,
    pub provider: String,
    pub provider_account_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub refresh_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub access_token: Option<String>,
    /// Seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub expires_at: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub token_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub id_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub session_state: Option<String>,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub created_at: String,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub updated_at: String,
}

wire_enum! {
    /// How the provider proves identity. Source: `identity/Account`.
    pub enum AccountKind {
        Oauth = "oauth",
        Oidc = "oidc",
        Email = "email",
        Credentials = "credentials",
        Saml = "saml",
        Ldap = "ldap",
    }
}

/// A session as it is stored. Source: `identity/Session`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Session", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Session {
    pub id: String,
    pub session_token: String,
    pub user_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub active_organization_id: Option<String>,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub expires: String,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub created_at: String,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub updated_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub ip_address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub user_agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub fingerprint: Option<String>,
}

/// A token that proves an address. Source: `identity/VerificationToken`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "VerificationToken", rename_all = "camelCase", deny_unknown_fields)]
pub struct VerificationToken {
    pub identifier: String,
    pub token: String,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub expires: String,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub created_at: String,
}

map_only! {
    User, Account, Session, VerificationToken,
}
