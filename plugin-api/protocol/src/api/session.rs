//! Signing in, and who is signed in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::{ApiError, ResponseMeta};
use crate::guard::{date_time, email, guarded, some};
use crate::map_only::map_only;
use crate::text::{DATE_TIME, EMAIL};
use crate::wire_enum::wire_enum;

wire_enum! {
    /// How a user signs in. Source: `api/LoginType`.
    #[derive(Default)]
    pub enum LoginType {
        #[default]
        Email = "email",
        Username = "username",
        Phone = "phone",
        MagicLink = "magic-link",
        Social = "social",
    }
}

/// Asks to sign in. Source: `api/LoginRequest`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "LoginRequest", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct LoginRequest {
    #[serde(rename = "type")]
    pub kind: LoginType,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "email")]
    #[schemars(regex(pattern = EMAIL), extend("format" = "email"))]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub provider: Option<String>,
    /// Where to go afterwards.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub redirect_to: Option<String>,
}

/// Asks for an account. Source: `api/RegisterRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RegisterRequest", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct RegisterRequest {
    #[serde(deserialize_with = "email")]
    #[schemars(regex(pattern = EMAIL), extend("format" = "email"))]
    pub email: String,
    pub password: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub image: Option<String>,
}

/// Asks for a new token. Source: `api/RefreshTokenRequest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RefreshTokenRequest", rename_all = "camelCase", deny_unknown_fields)]
pub struct RefreshTokenRequest {
    pub refresh_token: String,
}

/// A session as the API shows it. Source: `api/Session`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Session", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Session {
    pub id: String,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub expires_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub ip_address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub user_agent: Option<String>,
    pub user_id: String,
}

/// Who is signed in. Source: `api/SessionUser`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SessionUser", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct SessionUser {
    pub id: String,
    #[serde(deserialize_with = "email")]
    #[schemars(regex(pattern = EMAIL), extend("format" = "email"))]
    pub email: String,
    #[serde(default)]
    pub email_verified: bool,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub image: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub username: Option<String>,
    #[serde(default)]
    pub roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub tenant_id: Option<String>,
    #[serde(default = "english")]
    pub language: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub timezone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub created_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub updated_at: Option<String>,
}

/// Session and user in an envelope. Source: `api/SessionResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SessionResponse", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct SessionResponse {
    pub success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub error: Option<ApiError>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub meta: Option<ResponseMeta>,
    pub data: SessionData,
}

/// `data` in `api/SessionResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SessionData", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct SessionData {
    pub session: Session,
    pub user: SessionUser,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub token: Option<String>,
}

/// The user in an envelope. Source: `api/UserProfileResponse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "UserProfileResponse", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct UserProfileResponse {
    pub success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub error: Option<ApiError>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub meta: Option<ResponseMeta>,
    pub data: SessionUser,
}

wire_enum! {
    /// Who checks the identity. Source: `api/AuthProvider`.
    pub enum AuthProvider {
        Local = "local",
        Google = "google",
        Github = "github",
        Microsoft = "microsoft",
        Ldap = "ldap",
        Saml = "saml",
    }
}

fn english() -> String {
    "en".to_owned()
}

map_only! {
    LoginRequest, RegisterRequest, RefreshTokenRequest, Session, SessionUser, SessionData, SessionResponse, UserProfileResponse,
}
