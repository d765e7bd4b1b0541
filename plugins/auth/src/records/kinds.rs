//! The records as types: fields as `metadata/*.object.yml` has them. What is absent or null reads as nothing.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Record;

/// Null reads as the type's default.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A whole number, however the store writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Whole(pub(crate) i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        let whole = number
            .as_i64()
            .or_else(|| format!("{:.0}", number.as_f64()?).parse().ok());
        whole
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not a whole number"))
    }
}

macro_rules! records {
    ($($(#[$docs:meta])* $name:ident = $object:literal { $($field:ident: $kind:ty,)+ })+) => {
        $(
            $(#[$docs])*
            #[derive(Clone, Debug, Default, Deserialize)]
            #[serde(default)]
            pub(crate) struct $name {
                pub(crate) id: String,
                $(#[serde(deserialize_with = "or_default")] pub(crate) $field: $kind,)+
                #[serde(deserialize_with = "or_default")]
                pub(crate) created_at: String,
                #[serde(deserialize_with = "or_default")]
                pub(crate) updated_at: String,
            }

            impl Record for $name {
                const OBJECT: &'static str = $object;
            }
        )+
    };
}

records! {
    /// Somebody who can sign in.
    User = "sys_user" {
        name: String,
        email: String,
        email_verified: bool,
        image: Option<String>,
        role: String,
        banned: bool,
        ban_reason: Option<String>,
        ban_expires: Option<String>,
        banned_in: Option<String>,
        two_factor_enabled: bool,
        mfa_required: bool,
        external_id: Option<String>,
        given_name: Option<String>,
        family_name: Option<String>,
        timezone: Option<String>,
    }

    /// A way in which a user signs in.
    Account = "sys_account" {
        user_id: String,
        provider_id: String,
        account_id: String,
        set_up_for: Option<String>,
        password: Option<String>,
        password_history: Option<Value>,
        password_changed_at: Option<String>,
        refresh_token: Option<String>,
        access_token: Option<String>,
        scope: Option<String>,
    }

    /// A sign-in that lasts.
    Session = "sys_session" {
        user_id: String,
        token_hash: String,
        expires_at: String,
        signed_in_at: String,
        last_seen_at: Option<String>,
        ip_address: Option<String>,
        user_agent: Option<String>,
        active_organization_id: Option<String>,
        active_team_id: Option<String>,
        impersonated_by: Option<String>,
        impersonator_organization_id: Option<String>,
        remembered: bool,
        second_factor: bool,
    }

    /// A proof that is awaited.
    Verification = "sys_verification" {
        identifier: String,
        value: Option<String>,
        expires_at: Option<String>,
    }

    /// An address from which nothing is taken.
    BlockedAddress = "sys_blocked_address" {
        address: String,
        expires_at: Option<String>,
    }

    /// A tenant.
    Organization = "sys_organization" {
        name: String,
        slug: String,
        logo: Option<String>,
        metadata: Option<Value>,
    }

    /// A user's place in an organisation.
    Member = "sys_member" {
        organization_id: String,
        user_id: String,
        role: String,
    }

    /// An address that may become a member.
    Invitation = "sys_invitation" {
        organization_id: String,
        email: String,
        role: String,
        team_id: Option<String>,
        status: String,
        expires_at: String,
        inviter_id: Option<String>,
    }

    /// Members that work together.
    Team = "sys_team" {
        name: String,
        organization_id: String,
        external_id: Option<String>,
    }

    /// A user's place in a team.
    TeamMember = "sys_team_member" {
        team_id: String,
        user_id: String,
    }

    /// A user's authenticator app.
    TwoFactor = "sys_two_factor" {
        user_id: String,
        secret: String,
        backup_codes: Option<Value>,
        verified: bool,
        last_step: Whole,
    }

    /// A key on a user's device.
    Passkey = "sys_passkey" {
        user_id: String,
        name: Option<String>,
        credential_id: String,
        public_key: String,
        counter: Whole,
        device_type: Option<String>,
        transports: Option<String>,
        backed_up: bool,
        user_verified: bool,
        aaguid: Option<String>,
    }

    /// A key with which programs act for a user.
    ApiKey = "sys_api_key" {
        name: String,
        user_id: String,
        organization_id: Option<String>,
        key_hash: String,
        start: Option<String>,
        scopes: Option<Value>,
        enabled: bool,
        expires_at: Option<String>,
        last_used_at: Option<String>,
    }
}
