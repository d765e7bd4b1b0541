//! What can go wrong, and how it is said on the wire: `{message, code}` as better-auth writes it, with the keys of the
//! protocol's error document beside. Refusals are one table; texts never tell whether an account exists.

use objectos_plugin_api::{Error, ErrorKind, HttpResponse};
use serde_json::json;
use thiserror::Error as ThisError;

/// A failure of the plugin.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum AuthError {
    /// The caller is refused.
    #[error("{}", .0.message())]
    Refused(Refusal),
    /// The same, with a text for this very case.
    #[error("{message}")]
    Explained {
        /// Why.
        refusal: Refusal,
        /// For people.
        message: String,
    },
    /// Tried too often.
    #[error("too many attempts; wait {retry_after_s} s")]
    TooMany {
        /// When another attempt makes sense, seconds from now.
        retry_after_s: i64,
    },
    /// A value of the store does not open.
    #[error("a sealed value ({place}) does not open")]
    Sealed {
        /// Where it belongs.
        place: String,
    },
    /// What the operator wrote is wrong.
    #[error("{message}")]
    Configuration {
        /// Key, what is wrong, what to do.
        message: String,
    },
    /// A service failed.
    #[error("{0}")]
    Service(#[from] Error),
    /// An assumption is broken.
    #[error("something went wrong on the server")]
    Internal(String),
}

/// The result of everything here.
pub(crate) type Result<T, E = AuthError> = std::result::Result<T, E>;

macro_rules! refusals {
    ($($(#[$docs:meta])* $name:ident: $status:literal, $code:literal, $message:literal;)+) => {
        /// Why a caller is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Refusal { $($(#[$docs])* #[doc = $message] $name,)+ }

        impl Refusal {
            /// Status on the wire.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// Code on the wire.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// For people.
            #[must_use]
            pub fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)+ }
            }
        }
    };
}

refusals! {
    Unauthorized: 401, "UNAUTHORIZED", "Unauthorized";
    Validation: 400, "VALIDATION_ERROR", "Invalid request body";
    InvalidEmailOrPassword: 401, "INVALID_EMAIL_OR_PASSWORD", "Invalid email or password";
    InvalidPassword: 400, "INVALID_PASSWORD", "Invalid password";
    InvalidFilter: 400, "INVALID_FILTER", "The filter cannot be read";
    InvalidPath: 400, "INVALID_PATH", "The path cannot be read";
    NoTarget: 400, "NO_TARGET", "Nothing fits the path";
    InvalidEmail: 400, "INVALID_EMAIL", "Invalid email";
    UserExists: 422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL", "User already exists. Use another email.";
    UserNotFound: 404, "USER_NOT_FOUND", "User not found";
    PasswordTooShort: 400, "PASSWORD_TOO_SHORT", "Password too short";
    PasswordTooLong: 400, "PASSWORD_TOO_LONG", "Password too long";
    PasswordTooWeak: 400, "PASSWORD_TOO_WEAK", "Password too weak";
    PasswordCommon: 400, "PASSWORD_COMPROMISED", "This password is on lists of common passwords; choose another one";
    PasswordReused: 400, "PASSWORD_REUSED", "This password was used before; choose another one";
    PasswordAlreadySet: 409, "PASSWORD_ALREADY_SET", "The account has a password already";
    NoCredentialAccount: 400, "CREDENTIAL_ACCOUNT_NOT_FOUND", "The account has no password";
    RegistrationClosed: 403, "SELF_REGISTRATION_CLOSED", "Nobody can register here; ask an administrator for an invitation";
    BootstrapToken: 403, "BOOTSTRAP_TOKEN_REQUIRED", "There is no administrator yet; send the one-time token that the server printed at its start as bootstrapToken";
    EmailNotVerified: 403, "EMAIL_NOT_VERIFIED", "Email not verified";
    EmailAlreadyVerified: 400, "EMAIL_ALREADY_VERIFIED", "Email is already verified";
    Banned: 403, "BANNED_USER", "This account is disabled";
    InvalidToken: 400, "INVALID_TOKEN", "The token is not valid or was used already";
    TokenExpired: 400, "TOKEN_EXPIRED", "The token has expired";
    Origin: 403, "INVALID_ORIGIN", "Invalid origin";
    MissingOrigin: 403, "MISSING_OR_NULL_ORIGIN", "Missing or null Origin";
    InvalidCallback: 403, "INVALID_CALLBACK_URL", "Invalid callbackURL";
    Forbidden: 403, "FORBIDDEN", "You may not do this";
    AddressBlocked: 403, "ADDRESS_BLOCKED", "Nothing is taken from this address at the moment";
    UnknownNetwork: 403, "UNKNOWN_NETWORK", "Nothing is taken from this network; use one that your organization trusts";
    NotFound: 404, "NOT_FOUND", "Not found";
    MailUnavailable: 503, "MAIL_UNAVAILABLE", "No mail can be sent from here";
    Busy: 503, "BUSY", "The server is busy; try again";
    InvalidCode: 401, "INVALID_CODE", "Invalid code";
    InvalidBackupCode: 401, "INVALID_BACKUP_CODE", "Invalid backup code";
    InvalidTwoFactorCookie: 401, "INVALID_TWO_FACTOR_COOKIE", "Invalid two factor cookie";
    TwoFactorNotEnabled: 400, "TWO_FACTOR_NOT_ENABLED", "Two factor isn't enabled";
    TwoFactorAlreadyEnabled: 400, "TWO_FACTOR_ALREADY_ENABLED", "Two factor is enabled already; disable it first";
    MfaRequired: 403, "MFA_REQUIRED", "Set up a second factor first, or show the one you have";
    PasswordExpired: 403, "PASSWORD_EXPIRED", "Your password has expired; change it first";
    LastAccount: 400, "FAILED_TO_UNLINK_LAST_ACCOUNT", "You can't unlink your last account";
    AccountNotFound: 400, "ACCOUNT_NOT_FOUND", "Account not found";
    OrganizationExists: 400, "ORGANIZATION_ALREADY_EXISTS", "Organization already exists";
    OrganizationNotFound: 400, "ORGANIZATION_NOT_FOUND", "Organization not found";
    NoActiveOrganization: 400, "NO_ACTIVE_ORGANIZATION", "No active organization";
    NotMember: 403, "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION", "User is not a member of the organization";
    MemberNotFound: 400, "MEMBER_NOT_FOUND", "Member not found";
    AlreadyMember: 400, "USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION", "User is already a member of this organization";
    AlreadyInvited: 400, "USER_IS_ALREADY_INVITED_TO_THIS_ORGANIZATION", "User is already invited to this organization";
    InvitationNotFound: 400, "INVITATION_NOT_FOUND", "Invitation not found";
    NotRecipient: 403, "YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION", "You are not the recipient of the invitation";
    RoleNotFound: 400, "ROLE_NOT_FOUND", "Role not found";
    LastOwner: 400, "YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER", "You cannot leave the organization as the only owner";
    TeamNotFound: 400, "TEAM_NOT_FOUND", "Team not found";
    ProviderNotFound: 404, "PROVIDER_NOT_FOUND", "Provider not found";
    OAuthFailed: 401, "OAUTH_FAILED", "The provider's answer could not be used";
    ChallengeNotFound: 400, "CHALLENGE_NOT_FOUND", "Challenge not found";
    RegistrationFailed: 400, "FAILED_TO_VERIFY_REGISTRATION", "Failed to verify registration";
    AuthenticationFailed: 401, "AUTHENTICATION_FAILED", "Authentication failed";
    PreviouslyRegistered: 400, "PREVIOUSLY_REGISTERED", "Previously registered";
    NotYourPasskey: 401, "YOU_ARE_NOT_ALLOWED_TO_REGISTER_THIS_PASSKEY", "You are not allowed to register this passkey";
    PasskeyNotFound: 401, "PASSKEY_NOT_FOUND", "Passkey not found";
    NoSuchPasskey: 404, "PASSKEY_NOT_FOUND", "Passkey not found";
    SessionNotFresh: 403, "SESSION_NOT_FRESH", "Session is not fresh";
    KeyNotFound: 404, "KEY_NOT_FOUND", "API key not found";
    SelfImpersonation: 400, "YOU_CANNOT_IMPERSONATE_YOURSELF", "You cannot impersonate yourself";
}

impl From<Refusal> for AuthError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl AuthError {
    /// A refusal with a text for this very case.
    pub(crate) fn explained(refusal: Refusal, message: impl Into<String>) -> Self {
        Self::Explained {
            refusal,
            message: message.into(),
        }
    }

    /// A body of the wrong shape, as better-auth says it.
    pub(crate) fn body(field: &str, problem: &str) -> Self {
        Self::explained(Refusal::Validation, format!("[body.{field}] {problem}"))
    }

    /// What is told of as a refused access: somebody known who lacks a right, or has to set something right first. Not what
    /// people mistype, nor what has an event of its own.
    pub(crate) fn lacking_right(&self) -> Option<(Refusal, String)> {
        let (Self::Refused(refusal) | Self::Explained { refusal, .. }) = self else {
            return None;
        };
        let told = matches!(
            refusal,
            Refusal::Forbidden | Refusal::MfaRequired | Refusal::PasswordExpired | Refusal::UnknownNetwork
        );
        told.then(|| (*refusal, self.to_string()))
    }

    /// True for a store that refused a value because another record has it; which object, which fields.
    pub(crate) fn duplicate(&self) -> Option<Duplicate> {
        let Self::Service(error) = self else { return None };
        if error.code() != "duplicate_value" {
            return None;
        }
        serde_json::from_slice(error.details()).ok()
    }

    /// The record was changed by somebody else since it was read.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Service(error) if error.kind() == ErrorKind::Conflict)
    }

    /// The record that was to be changed is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Service(error) if error.kind() == ErrorKind::NotFound)
    }

    /// Nothing is there that could do it, such as a mail server.
    pub(crate) fn is_unavailable(&self) -> bool {
        match self {
            Self::Refused(refusal) => *refusal == Refusal::MailUnavailable,
            Self::Service(error) => error.kind() == ErrorKind::Unavailable,
            _ => false,
        }
    }

    /// As an answer of a route; what is nobody's fault goes to the gateway, which writes it down.
    pub(crate) fn into_response(self) -> objectos_plugin_api::Result<HttpResponse> {
        let (status, code, retry_after_s) = match &self {
            Self::Refused(refusal) | Self::Explained { refusal, .. } => (refusal.status(), refusal.code(), None),
            Self::TooMany { retry_after_s } => (429, "TOO_MANY_ATTEMPTS", Some(*retry_after_s)),
            _ => return Err(self.into()),
        };
        let message = self.to_string();
        let body = json!({
            "message": message,
            "code": code,
            "success": false,
            "error": { "code": code, "message": message, "httpStatus": status, "retryable": status == 429 || status == 503 },
        });
        let response = HttpResponse::json(status, &body)?;
        Ok(match retry_after_s {
            Some(seconds) => response.with_header("retry-after", seconds.to_string()),
            None => response,
        })
    }
}

/// Which value was there already.
#[derive(Clone, Debug, serde::Deserialize)]
pub(crate) struct Duplicate {
    /// Name of the object.
    pub(crate) object: String,
    #[serde(default)]
    fields: Vec<serde_json::Value>,
}

impl Duplicate {
    /// Whether it is this field alone.
    pub(crate) fn is(&self, object: &str, field: &str) -> bool {
        let name = |value: &serde_json::Value| value.get("field").unwrap_or(value) == field;
        self.object == object && self.fields.len() == 1 && self.fields.iter().all(name)
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        let message = error.to_string();
        match error {
            AuthError::Service(error) => error,
            AuthError::Refused(refusal) | AuthError::Explained { refusal, .. } => {
                let kind = match refusal.status() {
                    401 => ErrorKind::Unauthenticated,
                    403 => ErrorKind::Denied,
                    404 => ErrorKind::NotFound,
                    409 => ErrorKind::Conflict,
                    503 => ErrorKind::Unavailable,
                    _ => ErrorKind::Invalid,
                };
                Self::new(kind, message).with_code(refusal.code().to_ascii_lowercase())
            }
            AuthError::TooMany { .. } => Self::new(ErrorKind::Limited, message),
            AuthError::Configuration { message } => Self::configuration(message),
            AuthError::Sealed { place } => Self::internal(format!(
                "{place} was sealed with another secret: set OBJECTOS_AUTH_SECRET to the one the installation began with"
            )),
            AuthError::Internal(reason) => Self::internal(reason),
        }
    }
}
